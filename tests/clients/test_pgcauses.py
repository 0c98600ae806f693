"""Why there is no session, row by row: by a real server, socket and resolver, then by what only a provider says."""

import socket
import ssl
import threading
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import psycopg
import pytest
import trustme
from psycopg import sql

from infracheck.clients import pgcauses, pgrefusal
from infracheck.clients.embedded_postgres import EmbeddedPostgres
from infracheck.clients.pgaddress import Address
from infracheck.clients.pgrefusal import NoSession, SessionUnclear
from infracheck.clients.ports import free_port
from infracheck.clients.postgres import Database
from infracheck.errors import ClientError
from infracheck.secret import Secret
from tests.clients.pgline import line_to, refusing
from tests.clients.pgsession import CANARY, await_equal, opened, refusal, role, url_of, with_path, with_port
from tests.hostile import listening, silent

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
        assert refusal(f"postgresql://app:{CANARY}@127.0.0.1:{port}/notes", timeout=0.8).state == state


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


def test_a_fresh_branch_of_neon_is_given_time() -> None:
    cause = pgcauses.cause_of('password authentication failed for user "app"')
    fresh = pgrefusal.explain(cause, Address({"host": "ep-cool-1.eu-central-1.aws.neon.tech", "user": "app"}))
    assert "two minutes" in fresh.remedy
    assert "two minutes" not in pgrefusal.explain(cause, Address({"host": "db.example.com", "user": "app"})).remedy
