"""The session on the database: against a real PostgreSQL, and over lines that break."""

from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from urllib.parse import urlsplit

import psycopg
import pytest

from infracheck.clients import postgres
from infracheck.clients.pgrefusal import SessionUnclear
from infracheck.clients.postgres import Database
from infracheck.errors import Unavailable
from infracheck.secret import Secret
from tests.clients.pgline import line_to
from tests.clients.pgsession import await_equal, opened, with_port


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
