"""`[server] reuse = true`: a dev server of this folder that runs already is judged and left alone."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infracheck.checks.server import server_boots, server_stops
from infracheck.clients import ports
from infracheck.context import Context
from infracheck.model import Failed, Passed
from infracheck.settings import ServerSettings
from tests.clients.small_server import GOOD, context, small_app
from tests.components.child import running, wait_until
from tests.components.ports import free_port
from tests.helpers import judge, states

COMMAND = f"{sys.executable} server.py"


@contextmanager
def developer(
    folder: Path, port: int, answer: str = GOOD, cwd: Path | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the app's dev server as somebody does in another terminal."""
    small_app(folder, answer=answer)
    env = {"PATH": os.environ["PATH"], "PORT": str(port)}
    log = folder.parent / "developer.log"
    with running([sys.executable, str(folder / "server.py")], folder=cwd or folder, env=env, log=log) as process:
        wait_until(lambda: ports.is_listening(port) is not None, process, log, 60)
        yield process


@pytest.fixture
def port() -> int:
    return free_port()


@contextmanager
def opened(folder: Path, expected: int, **settings: object) -> Iterator[Context]:
    chosen = ServerSettings(**{"command": COMMAND, "timeout": 30, "reuse": True, **settings})  # type: ignore[arg-type]
    with context(folder, port=expected, settings=chosen) as ctx:
        yield ctx


def test_it_is_judged_and_left_running(app: Path, port: int) -> None:
    with developer(app, port) as server:
        with opened(app, port) as ctx:
            boots, stops = judge(server_boots, ctx), judge(server_stops, ctx)
            assert (ctx.server.started, ctx.server.url) == (False, f"http://localhost:{port}")
        assert server.poll() is None
        assert ports.is_listening(port)
        with opened(app, port, port="auto") as ctx:
            assert ctx.place.url == f"http://localhost:{port}", "a free port is picked only for a server of our own"
            assert isinstance(judge(server_boots, ctx), Passed)
    assert isinstance(boots, Passed), boots
    assert boots.summary.startswith(f"answers 200 on http://localhost:{port}/ in ")
    assert boots.summary.endswith(f" s: a dev server that ran already (pid {server.pid})")
    assert states(boots.findings) == {f"port {port}": "REUSED", "log": "NOT SEEN", "GET /": "200"}
    assert stops == Passed(
        f"the reused dev server is left running, as it was found: http://localhost:{port} (pid {server.pid})"
    )


def test_a_broken_page_of_it_is_red_and_it_is_left_running(app: Path, port: int) -> None:
    with developer(app, port, 'self.send(500, b"no redis", **{"Content-Type": "text/plain"})') as server:
        with opened(app, port) as ctx:
            boots, stops = judge(server_boots, ctx), judge(server_stops, ctx)
        assert server.poll() is None
    assert isinstance(boots, Failed)
    assert boots.summary == "`/` answers 500: no redis"
    assert isinstance(stops, Passed)


def test_a_strangers_is_never_taken_and_never_stopped(app: Path, port: int, tmp_path: Path) -> None:
    with developer(app, port, cwd=tmp_path) as server:
        with opened(app, port) as ctx:
            boots = judge(server_boots, ctx)
        assert server.poll() is None
    assert isinstance(boots, Failed)
    assert boots.summary.startswith(f"port {port} is taken by ")
    assert f"(pid {server.pid}, in {tmp_path})" in boots.summary


def test_unasked_none_is_taken_and_the_remedy_says_how(app: Path, port: int) -> None:
    with developer(app, port) as server:
        with opened(app, port, reuse=False) as ctx:
            boots = judge(server_boots, ctx)
        assert server.poll() is None
    assert isinstance(boots, Failed)
    assert f"kill {server.pid}" in boots.remedy
    assert "[server] reuse = true" in boots.remedy


def test_where_none_runs_one_is_started_and_stopped(app: Path, port: int) -> None:
    small_app(app)
    with opened(app, port) as ctx:
        assert isinstance(judge(server_boots, ctx), Passed)
        assert ctx.server.started
        stops = judge(server_stops, ctx)
    assert isinstance(stops, Passed)
    assert stops.summary.startswith("stopped in ")
    assert ports.is_free(port)


def test_one_that_ends_while_it_is_judged_is_red(app: Path, port: int) -> None:
    with developer(app, port) as server, opened(app, port) as ctx:
        assert isinstance(judge(server_boots, ctx), Passed)
        server.kill()
        server.wait(20)
        stops = judge(server_stops, ctx)
    assert isinstance(stops, Failed)
    assert stops.summary.startswith(f"the reused dev server ended while it was judged (pid {server.pid})")
    assert states(stops.findings) == {f"pid {server.pid}": "GONE"}


def test_variables_that_changed_since_its_start_are_told(app: Path, port: int) -> None:
    with developer(app, port):
        (app / ".env.local").write_text("KEY=new\n")
        later = time.time() + 5
        os.utime(app / ".env.local", (later, later))
        with opened(app, port) as ctx:
            boots = judge(server_boots, ctx)
    assert isinstance(boots, Passed)
    [row] = [finding for finding in boots.findings if finding.level == "warn"]
    assert (row.subject, row.state) == (".env.local", "NEWER")
