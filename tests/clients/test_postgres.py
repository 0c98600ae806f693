"""The session on the database: against a real PostgreSQL, over lines that break, and row by row for each refusal."""

import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import quote, urlsplit

import psycopg
import pytest
import trustme
from psycopg import sql

from infracheck.clients import pgaddress, pgcauses, pgrefusal, postgres
from infracheck.clients.embedded_postgres import EmbeddedPostgres
from infracheck.clients.pgaddress import Address
from infracheck.clients.pgrefusal import NoSession, SessionUnclear
from infracheck.clients.ports import free_port
from infracheck.clients.postgres import Database
from infracheck.errors import ClientError, Unavailable, Unclear
from infracheck.secret import Secret
from tests.clients.pgline import line_to, refusing
from tests.hostile import listening, silent

CANARY = f"canary{secrets.token_hex(8)}"


def opened(url: str, timeout: float = 5.0) -> "closing[Database]":
    return closing(Database.open(Secret(url), timeout=timeout))


def refusal(url: str, timeout: float = 2.0) -> NoSession:
    with pytest.raises(NoSession) as caught:
        Database.open(Secret(url), timeout=timeout)
    error = caught.value
    shown = f"{error.summary} {error.remedy} {error.reproduce} {error.__cause__}"
    assert CANARY not in shown
    assert error.__suppress_context__ or error.__context__ is None  # psycopg quotes the connection string
    assert isinstance(error, Unclear) == isinstance(error, SessionUnclear)
    return error


def with_port(url: str, port: int) -> str:
    return url.replace(f":{urlsplit(url).port}/", f":{port}/")


@contextmanager
def role(url: str, password: str, options: str = "LOGIN") -> Iterator[str]:
    """Yield a role of that password."""
    name = f"r_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as owner:
        create = sql.SQL("CREATE ROLE {} {} PASSWORD {}")
        owner.execute(create.format(sql.Identifier(name), sql.SQL(options), sql.Literal(password)))
        try:
            yield name
        finally:
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def url_of(url: str, user: str, password: str, path: str | None = None) -> str:
    parts = urlsplit(url)
    return f"postgresql://{user}:{password}@{parts.hostname}:{parts.port}{path or parts.path}"


# -- a session


def test_a_session_says_what_it_is(database: str) -> None:
    with opened(database) as session:
        assert session.query("SELECT 1 AS one") == [{"one": 1}]
        [told] = session.query(
            "SELECT current_setting('server_version') AS version, application_name FROM pg_catalog.pg_stat_activity "
            "WHERE pid = pg_catalog.pg_backend_pid()"
        )
        assert told["application_name"] == "infracheck"
        assert session.server_version == told["version"].split()[0]
        assert (session.user, session.host) == ("postgres", "127.0.0.1")
        assert (session.name, session.port) == (urlsplit(database).path[1:], urlsplit(database).port)
        assert session.search_path == ("public",)
        assert 0 < session.seconds < 5
        assert session.removed == session.unescaped == ()


def test_each_question_is_a_bounded_transaction_that_can_only_read(database: str) -> None:
    ask = """SELECT current_setting('transaction_read_only') AS read_only, current_setting('search_path') AS path,
                    current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock"""
    with opened(database, timeout=3) as session:
        [told] = session.query(ask)
        assert told == {"read_only": "on", "path": '""', "statement": "3s", "lock": "3s"}
        # Behind a pooler the next client gets this session: nothing of it may stay.
        [after] = session._connection.execute(ask).fetchall()
        assert after == {"read_only": "off", "path": '"$user", public', "statement": "0", "lock": "0"}
        assert session._connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_a_question_that_writes_is_refused_and_the_session_goes_on(database: str) -> None:
    with opened(database) as session:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            session.query("SELECT pg_catalog.lo_create(0)")
        assert session.query("SELECT %s::text AS said, '100%%' AS percent", ["it's"]) == [
            {"said": "it's", "percent": "100%"}
        ]


def test_a_question_that_takes_too_long_is_undecided(database: str) -> None:
    with opened(database, timeout=1) as session:
        with pytest.raises(SessionUnclear, match="gave no answer within 1 s"):
            session.query("SELECT pg_catalog.pg_sleep(30)")
        assert session.query("SELECT 2 AS two") == [{"two": 2}]


def test_a_lock_is_not_waited_for_longer_than_allowed(database: str) -> None:
    with psycopg.connect(database) as other, opened(database, timeout=1) as session:
        other.execute("CREATE TABLE held (x int)")
        other.commit()
        other.execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(SessionUnclear, match="gave no answer within 1 s"):
            session.query("SELECT * FROM public.held")


def test_threads_may_ask_at_once(database: str) -> None:
    with opened(database) as session, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: session.query("SELECT %s::int AS n", [number])[0]["n"], range(40)))
    assert answers == list(range(40))


def test_a_line_that_swallows_the_answer_is_given_up(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "GRACE", 0.2)
    with line_to(urlsplit(database).port or 0) as line, opened(with_port(database, line.port), timeout=1) as session:
        line.blocked.set()
        start = monotonic()
        with pytest.raises(SessionUnclear, match="broke the session off"):
            session.query("SELECT 1 AS one")
        assert monotonic() - start < 3


def test_closing_twice_is_closing_once_and_nothing_is_asked_afterwards(database: str) -> None:
    session = Database.open(Secret(database), timeout=5)
    session.close()
    session.close()
    with pytest.raises(Unavailable):
        session.query("SELECT 1 AS one")


def test_closing_ends_a_running_question_here_and_at_the_server(database: str) -> None:
    session = Database.open(Secret(database), timeout=20)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(session.query, "SELECT pg_catalog.pg_sleep(15)")
        with psycopg.connect(database, autocommit=True) as other:
            sleeping = (
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(15)%' AND pid <> pg_backend_pid()"
            )
            sleeping += " AND state = 'active'"
            await_equal(lambda: other.execute(sleeping).fetchall(), [(1,)])
            start = monotonic()
            session.close()
            assert monotonic() - start < 3.5
            await_equal(lambda: other.execute(sleeping).fetchall(), [(0,)])
        assert isinstance(answer.exception(5), SessionUnclear)


def test_closing_is_bounded_on_a_dead_line(database: str) -> None:
    with line_to(urlsplit(database).port or 0) as line, ThreadPoolExecutor(1) as pool:
        session = Database.open(Secret(with_port(database, line.port)), timeout=20)
        line.blocked.set()
        answer = pool.submit(session.query, "SELECT 1 AS one")
        while not session._lock.locked():
            pass
        start = monotonic()
        session.close()
        assert monotonic() - start < 3.5
        assert isinstance(answer.exception(5), SessionUnclear)


def await_equal(ask: Callable[[], object], wanted: object, seconds: float = 10.0) -> None:
    deadline = monotonic() + seconds
    while ask() != wanted:
        assert monotonic() < deadline, f"not {wanted} within {seconds} s"
        sleep(0.02)


# -- reading the URL


def test_parameters_of_other_tools_are_left_out_and_named(database: str) -> None:
    query = "?schema=public&pgbouncer=true&connection_limit=1&pool_timeout=0&sslaccept=strict&connect_timeout=0"
    with opened(database + query) as session:
        assert session.removed == ("schema", "pgbouncer", "connection_limit", "pool_timeout", "sslaccept")
        assert session.query("SELECT 1 AS one") == [{"one": 1}]


def test_parameters_that_postgres_knows_are_kept(database: str) -> None:
    with opened(database + "?options=-c%20search_path%3Dpg_temp,public&application_name=mine") as session:
        [told] = session.query("SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path'")
        assert told == {"reset_val": "pg_temp,public"}


@pytest.mark.parametrize("scheme", ["postgres://", "postgresql://", "POSTGRESQL://", "postgresql+asyncpg://"])
def test_the_usual_schemes_are_read(database: str, scheme: str) -> None:
    with opened(database.replace("postgresql://", scheme)) as session:
        assert session.removed == (("+asyncpg",) if "+" in scheme else ())


@pytest.mark.parametrize(
    "special", ["@", ":", "/", "#", "?", "%", "&", "=", "+", "'", '"', "\\", "é", "[", "]", "$", "!"]
)
def test_an_encoded_password_may_hold_anything(database: str, special: str) -> None:
    password = f"a{special}b{CANARY}{special}"
    with role(database, password) as name, opened(url_of(database, name, quote(password, safe=""))) as session:
        assert session.user == name
        assert session.unescaped == ()


@pytest.mark.parametrize(("special", "warned"), [("@", ("@",)), ("%", ("%",)), (":", ()), ("+", ()), ("$", ())])
def test_a_bare_character_that_node_takes_is_taken(database: str, special: str, warned: tuple[str, ...]) -> None:
    password = f"x{special}y{CANARY}"
    with role(database, password) as name, opened(url_of(database, name, password)) as session:
        assert (session.user, session.unescaped) == (name, warned)


@pytest.mark.parametrize("special", ["/", "#", "?"])
def test_a_bare_character_that_cuts_the_url_is_named_without_the_password(database: str, special: str) -> None:
    error = refusal(url_of(database, "app", f"12{special}{CANARY}"))
    assert error.state == "UNESCAPED"
    assert f"`{special}`" in error.summary
    assert quote(special, safe="") in error.remedy_for("DATABASE_URL (.env.local:3)")
    assert "DATABASE_URL (.env.local:3)" in error.remedy_for("DATABASE_URL (.env.local:3)")


@pytest.mark.parametrize(
    ("value", "state", "said"),
    [
        ("", "NOT A URL", "is empty"),
        (CANARY, "NOT A URL", "does not begin with postgresql://"),
        (f"mysql://app:{CANARY}@localhost/notes", "NOT A URL", "another kind of database"),
        (f"mongodb+srv://app:{CANARY}@localhost/notes", "NOT A URL", "another kind of database"),
        (f"file:./{CANARY}.db", "NOT A URL", "another kind of database"),
        (f"https://{CANARY}.example.com", "NOT A URL", "web address"),
        (f"jdbc:postgresql://localhost/notes?password={CANARY}", "NOT A URL", "JDBC"),
        (f"prisma+postgres://accelerate.example.com/?api_key={CANARY}", "NOT A URL", "Prisma"),
        (f"host=localhost user=app password={CANARY}", "NOT A URL", "keywords"),
        (f"'postgresql://app:{CANARY}@localhost/notes'", "NOT A URL", "quotes"),
        (f"psql 'postgresql://app:{CANARY}@localhost/notes'", "NOT A URL", "psql command"),
        (f"DATABASE_URL=postgresql://app:{CANARY}@localhost/notes", "NOT A URL", "variable's name"),
        (f"postgres//app:{CANARY}@localhost/notes", "NOT A URL", "does not begin with"),
        (f"app:{CANARY}@localhost/notes", "NOT A URL", "does not begin with"),
        (f"postgresql://app:{CANARY}%00@localhost/notes", "NOT A URL", "cannot be read as a URL"),
        (f"postgresql://app:{CANARY}@[::1/notes", "NOT A URL", "cannot be read as a URL"),
        (f"postgresql://app:{CANARY}@/notes", "NO HOST", "names no host"),
        ("postgresql://", "NO HOST", "names no host"),
        (f"postgresql://app:{CANARY}@localhost:abc/notes", "BAD PORT", "no number"),
        (f"postgresql://app:{CANARY}@localhost:99999/notes", "BAD PORT", "no number"),
        (f"postgresql://app:{CANARY}", "BAD PORT", "no number"),
        ("postgresql://user:password@host:port/database", "PLACEHOLDER", "nobody filled in"),
        ("postgresql://USER:PASSWORD@HOST:PORT/DATABASE", "PLACEHOLDER", "nobody filled in"),
        ("postgresql://<user>:<password>@<host>/<database>", "PLACEHOLDER", "nobody filled in"),
        ("postgresql://postgres:[YOUR-PASSWORD]@db.your-project-ref.invalid:5432/postgres", "PLACEHOLDER", "nobody"),
        (f"postgresql://app:{CANARY}@localhost/notes?sslmode=bogus", "BAD PARAMETER", "sslmode"),
    ],
)
def test_what_is_no_postgres_url_is_told_without_showing_it(value: str, state: str, said: str) -> None:
    error = refusal(value)
    assert error.state == state
    assert said in error.summary
    assert type(error) is NoSession


def test_an_address_never_shows_its_parameters() -> None:
    where = pgaddress.address(Secret(f"postgresql://app:{CANARY}@localhost/notes?sslmode=require"))
    assert CANARY not in repr(where)
    assert where.psql("-c", "select 1") == "psql 'postgresql://app@localhost:5432/notes?sslmode=require' -c 'select 1'"


@pytest.mark.parametrize(
    ("url", "place", "command"),
    [
        ("postgresql://app@[::1]:5433/notes", "[::1]:5433", "psql 'postgresql://app@[::1]:5433/notes'"),
        ("postgresql://app@/notes?host=/run/pg", "/run/pg", "psql 'postgresql://app@/notes?host=/run/pg&port=5432'"),
        ("postgresql://a@h1,h2:5433/n", "h1,h2", "psql 'postgresql://a@/n?host=h1,h2&port=,5433'"),
        ("postgresql://a%40b@h/my%20db", "h:5432", "psql postgresql://a%40b@h:5432/my%20db"),
    ],
)
def test_places_and_commands_are_shown_as_users_write_them(url: str, place: str, command: str) -> None:
    where = pgaddress.address(Secret(url))
    assert (where.place, where.psql()) == (place, command)


# -- no session: what a real server, socket or resolver says

REAL = {
    "REFUSED",
    "BAD PASSWORD",
    "NO PASSWORD",
    "NO SUCH DATABASE",
    "NO SUCH ROLE",
    "NO LOGIN",
    "CLOSED",
    "NO CONNECT RIGHT",
    "TOO MANY CONNECTIONS",
    "NO SSL",
    "NOT ALLOWED",
    "CERTIFICATE",
    "NOT POSTGRES",
    "HUNG UP",
    "TIMEOUT",
    "NO SOCKET",
    "UNKNOWN HOST",
    "BAD PARAMETER",
}


def test_nothing_listens(database: str) -> None:
    port = free_port()
    error = refusal(f"postgresql://app:{CANARY}@127.0.0.1:{port}/notes")
    assert (error.state, error.summary) == ("REFUSED", f"nothing listens at 127.0.0.1:{port} (connection refused)")
    assert error.reproduce == f"psql postgresql://app@127.0.0.1:{port}/notes -c 'select 1'"


def test_a_wrong_password(database: str) -> None:
    error = refusal(url_of(database, "postgres", CANARY))
    assert (error.state, type(error)) == ("BAD PASSWORD", NoSession)
    assert "refuses the password of postgres" in error.summary


def test_no_password(database: str) -> None:
    assert refusal(database.replace(f":{urlsplit(database).password}@", "@")).state == "NO PASSWORD"


def test_no_such_database(database: str) -> None:
    error = refusal(database.replace(urlsplit(database).path, "/nosuch"))
    assert (error.state, "nosuch" in error.summary) == ("NO SUCH DATABASE", True)


def test_a_role_that_may_not_log_in(database: str) -> None:
    with role(database, CANARY, "NOLOGIN") as name:
        assert refusal(url_of(database, name, CANARY)).state == "NO LOGIN"


def test_a_role_whose_connections_are_used_up_is_undecided_after_some_tries(database: str) -> None:
    with role(database, CANARY, "LOGIN CONNECTION LIMIT 1") as name:
        url = url_of(database, name, CANARY)
        with opened(url):
            error = refusal(url, timeout=1)
        assert (error.state, type(error)) == ("TOO MANY CONNECTIONS", SessionUnclear)
        assert "too many connections for role" in error.summary


def test_a_database_that_is_closed_or_forbidden(database: str) -> None:
    name = sql.Identifier(urlsplit(database).path[1:])
    with role(database, CANARY) as user, psycopg.connect(with_path(database, "/postgres"), autocommit=True) as owner:
        owner.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM public").format(name))
        assert refusal(url_of(database, user, CANARY)).state == "NO CONNECT RIGHT"
        owner.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        assert refusal(database).state == "CLOSED"


def with_path(url: str, path: str) -> str:
    return url.replace(urlsplit(url).path, path)


def test_a_server_that_does_not_encrypt(database: str) -> None:
    error = refusal(database + "?sslmode=require")
    assert error.state == "NO SSL"
    assert "sslmode=require" in error.remedy
    assert error.reproduce
    assert "sslmode=require" in error.reproduce


def test_a_trusting_server_knows_no_such_role_and_may_shut_some_out(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "pg") as server:
        assert refusal(server.url.replace("postgres@", "nosuch@")).state == "NO SUCH ROLE"
        rules = tmp_path / "pg" / "data" / "pg_hba.conf"
        rules.write_text("host all postgres 127.0.0.1/32 trust\n", encoding="utf-8")
        with psycopg.connect(server.url, autocommit=True) as owner:
            owner.execute("SELECT pg_reload_conf()")
            owner.execute("CREATE ROLE shut LOGIN")
        shut = server.url.replace("postgres@", "shut@")
        await_equal(lambda: refusal(shut).state, "NOT ALLOWED")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


def test_an_encrypted_line(database: str, tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path) -> None:
    root = tmp_path / "root.pem"
    authority.cert_pem.write_to_path(root)
    with line_to(urlsplit(database).port or 0, tls=tls) as line:
        url = with_port(database, line.port)
        for query in (
            "?sslmode=require",
            "?ssl=true",
            "?sslmode=no-verify",
            f"?sslmode=verify-full&sslrootcert={root}",
        ):
            with opened(url + query) as session:
                assert session._connection.pgconn.ssl_in_use


def test_a_certificate_that_nobody_vouches_for(database: str, tls: ssl.SSLContext) -> None:
    with line_to(urlsplit(database).port or 0, tls=tls) as line:
        assert refusal(with_port(database, line.port) + "?sslmode=verify-full").state == "CERTIFICATE"
        missing = with_port(database, line.port) + "?sslmode=verify-full&sslrootcert=/nosuch.pem"
        assert refusal(missing).state == "CERTIFICATE"


def test_what_listens_there_is_something_else() -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(64)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with listening(talk) as port:
        error = refusal(f"postgresql://app:{CANARY}@127.0.0.1:{port}/notes")
    assert (error.state, error.summary) == ("NOT POSTGRES", f"what listens at 127.0.0.1:{port} is not Postgres")


def test_a_server_that_says_nothing_is_undecided_in_bounded_time() -> None:
    with listening(silent) as port:
        start = monotonic()
        error = refusal(f"postgresql://app:{CANARY}@127.0.0.1:{port}/notes", timeout=2)
        assert monotonic() - start < 4.5
    assert (error.state, type(error)) == ("TIMEOUT", SessionUnclear)
    assert "within 2 s" in error.summary


def test_many_silent_addresses_take_no_longer_than_twice_the_timeout() -> None:
    with listening(silent) as port:
        hosts = ",".join(["127.0.0.1"] * 6)
        ports = ",".join([str(port)] * 6)
        start = monotonic()
        error = refusal(f"postgresql://app:{CANARY}@/notes?host={hosts}&port={ports}", timeout=2)
        assert monotonic() - start < 5
    assert error.state == "TIMEOUT"


def test_a_server_that_hangs_up_is_tried_again(database: str) -> None:
    told: list[str] = []
    with line_to(urlsplit(database).port or 0, drops=2) as line:
        session = Database.open(Secret(with_port(database, line.port)), timeout=5, tell=told.append)
        session.close()
    assert line.opened >= 3
    assert any("hung up" in text for text in told)


def test_a_server_that_only_hangs_up_is_given_up() -> None:
    with listening(lambda _: None) as port:
        start = monotonic()
        error = refusal(f"postgresql://app:{CANARY}@127.0.0.1:{port}/notes", timeout=1)
        assert monotonic() - start < 3
    assert (error.state, type(error)) == ("HUNG UP", NoSession)


def test_no_socket(tmp_path: Path) -> None:
    assert refusal(f"postgresql://app:{CANARY}@/notes?host={tmp_path}").state == "NO SOCKET"


def resolver_says(host: str) -> str:
    try:
        socket.getaddrinfo(host, 5432)
    except socket.gaierror as error:
        return "NO RESOLVER" if error.errno == socket.EAI_AGAIN else "UNKNOWN HOST"
    raise AssertionError(f"{host} exists")


@pytest.mark.parametrize("host", ["nosuch.invalid", "db.nosuch.invalid"])
def test_a_host_that_does_not_exist(host: str) -> None:
    error = refusal(f"postgresql://app:{CANARY}@{host}/notes")
    assert error.state == resolver_says(host)
    assert host in error.summary


@pytest.mark.parametrize("host", ["n" * 64, "db..nosuch"])
def test_a_host_that_no_dns_can_hold(host: str) -> None:
    assert refusal(f"postgresql://app:{CANARY}@{host}/notes").state == "UNKNOWN HOST"


def test_of_several_addresses_the_one_that_answers_is_believed() -> None:
    neon = "The endpoint has been disabled. Enable it using Neon API and retry."
    with listening(refusing(neon, "ERROR")) as port:
        url = f"postgresql://app:{CANARY}@/notes?host=127.0.0.1,127.0.0.1&port={port},{free_port()}"
        assert refusal(url).state == "ENDPOINT DISABLED"


# -- no session: what only a provider says

TEXTS = [
    ("FATAL:  Tenant or user not found", "NO SUCH TENANT", NoSession),
    ('FATAL:  (ENOTFOUND) tenant/user "postgres.abc" not found', "NO SUCH TENANT", NoSession),
    (
        "FATAL:  (ECIRCUITBREAKER) too many authentication failures, new connections are blocked",
        "BLOCKED",
        SessionUnclear,
    ),
    ("ERROR:  The endpoint has been disabled. Enable it using Neon API and retry.", "ENDPOINT DISABLED", NoSession),
    ("ERROR:  Access to this endpoint is temporarily disabled", "ENDPOINT DISABLED", NoSession),
    (
        "ERROR:  The requested endpoint could not be found, or you don't have access to it.",
        "NO SUCH ENDPOINT",
        NoSession,
    ),
    ("ERROR:  Endpoint ID is not specified. Either upgrade the client library for SNI", "NO ENDPOINT ID", NoSession),
    ("ERROR:  Your account or project has exceeded the compute time quota.", "QUOTA", NoSession),
    ("ERROR:  You have exceeded the limit of concurrently active endpoints.", "QUOTA", NoSession),
    ("ERROR:  connection is insecure (try using `sslmode=require`)", "SSL REQUIRED", NoSession),
    ("FATAL:  SSL connection is required", "SSL REQUIRED", NoSession),
    (
        "ERROR:  This IP address 192.0.2.7 is not allowed to connect to this endpoint.",
        "NOT ALLOWED FROM HERE",
        SessionUnclear,
    ),
    ("FATAL:  unsupported startup parameter in options: search_path", "UNSUPPORTED PARAMETER", NoSession),
    ("FATAL:  MaxClientsInSessionMode: max clients reached", "TOO MANY CONNECTIONS", SessionUnclear),
    (
        "FATAL:  remaining connection slots are reserved for roles with SUPERUSER",
        "TOO MANY CONNECTIONS",
        SessionUnclear,
    ),
    ("FATAL:  sorry, too many clients already", "TOO MANY CONNECTIONS", SessionUnclear),
    ("FATAL:  the database system is starting up", "STARTING", SessionUnclear),
    ("ERROR:  Couldn't connect to compute node", "STARTING", SessionUnclear),
    ("FATAL:  terminating connection due to administrator command", "STARTING", SessionUnclear),
    ("Network is unreachable", "UNREACHABLE", SessionUnclear),
    ("No route to host", "UNREACHABLE", SessionUnclear),
    ("could not receive data from server: Connection timed out", "TIMEOUT", SessionUnclear),
    ("Connection reset by peer", "HUNG UP", NoSession),
    ("FATAL:  something that nobody has seen", "NO SESSION", NoSession),
]
WHERE = Address({"host": "h.example.com", "user": "app", "dbname": "notes"})


@pytest.mark.parametrize(("text", "state", "kind"), TEXTS)
def test_what_providers_say(text: str, state: str, kind: type[ClientError]) -> None:
    text = f'connection failed: connection to server at "192.0.2.1", port 5432 failed: {text}'
    error = pgrefusal.explain(pgcauses.cause_of(text), WHERE, text)
    assert (error.state, type(error)) == (state, kind)
    assert "{" not in error.summary + error.remedy + error.remedy_for("DATABASE_URL")


@pytest.mark.parametrize(("text", "state"), [(text, state) for text, state, _ in TEXTS if ":  " in text])
def test_what_providers_say_is_understood_over_the_wire(text: str, state: str) -> None:
    severity, _, message = text.partition(":  ")
    with listening(refusing(message, severity)) as port:
        assert refusal(f"postgresql://app:{CANARY}@127.0.0.1:{port}/notes", timeout=0.3).state == state


def test_no_resolver_is_undecided() -> None:
    text = "failed to resolve host 'h': [Errno -3] Temporary failure in name resolution"
    assert pgcauses.cause_of(text).state == "NO RESOLVER"


def test_every_row_of_the_table_is_tested() -> None:
    assert {cause.state for cause in pgcauses.CAUSES} == REAL | {state for _, state, _ in TEXTS} - {"NO SESSION"} | {
        "NO RESOLVER"
    }


def test_a_docker_name_and_an_ipv6_only_host_get_a_hint() -> None:
    gone = pgcauses.cause_of("failed to resolve host")
    assert "Docker" in pgrefusal.explain(gone, Address({"host": "db"})).remedy
    assert "session pooler" in pgrefusal.explain(gone, Address({"host": "db.abcdefgh.supabase.co"})).remedy
    assert "Docker" not in pgrefusal.explain(gone, Address({"host": "h.example.com"})).remedy


def test_no_connection_is_still_being_made() -> None:
    await_equal(lambda: [one.name for one in threading.enumerate() if one.name == "database connection"], [])
