"""The session through a real PgBouncer in transaction mode: one server session, shared among all clients."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from infracheck.checks.database import database_connects
from infracheck.checks.database_usable import database_usable
from infracheck.clients.embedded_postgres import EmbeddedPostgres
from infracheck.clients.pgrefusal import NoSession, SessionUnclear
from infracheck.model import Passed
from tests.clients.pgsession import CANARY, opened, refusal, with_path, with_port
from tests.components.child import MARK
from tests.components.pgbouncer import pgbouncer
from tests.helpers import make_context, results, write

BACKEND = "SELECT pg_catalog.pg_backend_pid() AS pid"


@pytest.fixture(scope="module")
def port(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a pooler before the tests' PostgreSQL."""
    with pgbouncer(tmp_path_factory.mktemp("pgbouncer"), postgres.url) as url:
        yield urlsplit(url).port or 0


@pytest.fixture
def pooled(database: str, port: int) -> str:
    """The URL of a fresh, empty database, through the pooler."""
    return with_port(database, port)


def plain(url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """Connect as an app does behind a pooler."""
    return psycopg.connect(url, autocommit=True, prepare_threshold=None)


def everything_set(connection: "psycopg.Connection[tuple[Any, ...]]") -> dict[str, str]:
    # The pooler itself hands application_name on, for each client its own.
    ask = "SELECT name, setting FROM pg_settings WHERE name <> 'application_name'"
    return dict(connection.execute(ask).fetchall())


def test_a_session_opens_and_asks(pooled: str, port: int) -> None:
    with opened(pooled) as session:
        assert (session.host, session.port, session.name) == ("127.0.0.1", port, urlsplit(pooled).path[1:])
        assert session.search_path == ("public",)
        assert [session.query("SELECT %s::int AS n", [n]) for n in range(20)] == [[{"n": n}] for n in range(20)]


def test_threads_and_sessions_share_one_server_session(pooled: str) -> None:
    with ExitStack() as stack:
        sessions = [stack.enter_context(opened(pooled)) for _ in range(3)]
        with ThreadPoolExecutor(8) as pool:
            ask = f"{BACKEND}, %s::int AS n"
            rows = list(pool.map(lambda n: sessions[n % 3].query(ask, [n])[0], range(60)))
    assert [row["n"] for row in rows] == list(range(60))
    assert len({row["pid"] for row in rows}) == 1


def test_the_next_client_of_the_server_session_finds_nothing_of_ours(database: str, pooled: str) -> None:
    with plain(database) as direct:
        untouched = everything_set(direct)
    assert untouched["search_path"] == '"$user", public'
    assert untouched["statement_timeout"] == untouched["lock_timeout"] == "0"
    assert untouched["transaction_read_only"] == untouched["default_transaction_read_only"] == "off"
    with opened(pooled) as first, opened(pooled, timeout=1) as second, plain(pooled) as other:
        used = first.query(BACKEND)[0]["pid"]
        for number in range(10):
            first.query("SELECT %s::int AS n", [number])
            second.query("SELECT %s::int AS n", [number])
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            first.query("SELECT pg_catalog.lo_create(0)")
        with pytest.raises(SessionUnclear, match="gave no answer within 1 s"):
            second.query("SELECT pg_catalog.pg_sleep(30)")
        assert other.execute("SELECT pg_backend_pid()").fetchall() == [(used,)]
        assert everything_set(other) == untouched
        assert other.execute("SELECT * FROM pg_prepared_statements").fetchall() == []
        other.execute("CREATE TABLE written (id int)")
    with plain(pooled) as after:
        assert after.execute("SELECT pg_backend_pid()").fetchall() == [(used,)]
        assert everything_set(after) == untouched
        assert after.execute("SELECT * FROM pg_prepared_statements").fetchall() == []
        assert after.execute("SELECT count(*) FROM written").fetchall() == [(0,)]


def test_a_url_as_prisma_needs_it_behind_a_pooler(pooled: str) -> None:
    with opened(f"{pooled}?pgbouncer=true&connection_limit=1") as session:
        assert session.removed == ("pgbouncer", "connection_limit")
        assert session.query("SELECT 1 AS one") == [{"one": 1}]


def test_options_are_refused_by_the_pooler_and_explained(database: str, pooled: str) -> None:
    """The app's own driver would be refused as well, so it is said and not worked around."""
    options = "?options=-csearch_path%3Dx"
    error = refusal(pooled + options)
    assert (error.state, type(error)) == ("UNSUPPORTED PARAMETER", NoSession)
    assert f"the pooler at 127.0.0.1:{urlsplit(pooled).port} does not take a parameter" in error.summary
    assert error.remedy_for("DATABASE_URL") == "take `options` out of DATABASE_URL, or use the direct connection string"
    with opened(database + options) as session:
        assert session.search_path == ()


def test_what_the_pooler_says_of_passwords_roles_and_databases(pooled: str) -> None:
    where = urlsplit(pooled)
    for user in ("postgres", "nosuch"):
        wrong = f"postgresql://{user}:{CANARY}@127.0.0.1:{where.port}{where.path}"
        assert refusal(wrong).state == "BAD PASSWORD"
    assert refusal(with_path(pooled, "/nosuch")).state == "NO SUCH DATABASE"


def test_the_rights_of_the_role_are_read_through_it(app: Path, pooled: str) -> None:
    with plain(pooled) as owner:
        owner.execute("CREATE TABLE notes (id serial)")
    write(app, __env__local__example="DATABASE_URL=\n", __env__local=f"DATABASE_URL={pooled}?pgbouncer=true\n")
    with make_context(app) as ctx:
        found = results([database_connects, database_usable], ctx)["database-usable"].outcome
    assert isinstance(found, Passed)
    assert found.summary == "postgres (superuser) may read and write 1 of 1 tables"


def test_the_pooler_leaves_nothing_behind(tmp_path: Path, postgres: EmbeddedPostgres) -> None:
    with pgbouncer(tmp_path, postgres.url) as url, plain(url) as session:
        assert session.execute("SELECT 1").fetchall() == [(1,)]
        listed = psutil.process_iter(["cmdline"])
        running = [one for one in listed if str(tmp_path) in " ".join(one.info["cmdline"] or ())]
        assert [one.environ()[MARK] for one in running]
    assert not any(one.is_running() for one in running)
    assert {path.name for path in tmp_path.iterdir()} == {"pgbouncer.ini", "pgbouncer.log", "users.txt"}
    assert (tmp_path / "users.txt").stat().st_mode & 0o777 == 0o600
    assert str(urlsplit(url).password) not in (tmp_path / "pgbouncer.log").read_text(encoding="utf-8")
    with pytest.raises(psycopg.OperationalError):
        plain(url)
