"""Dev servers of every kind: other languages and package managers, one address family, floods, binary, daemons."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infracheck.checks.server import server_boots, server_stops
from infracheck.clients import logfile, ports
from infracheck.clients.devserver import command_of
from infracheck.context import Context
from infracheck.model import Failed, Outcome, Passed
from infracheck.settings import ServerSettings
from tests.clients.processes import marked
from tests.clients.small_server import context, small_app
from tests.helpers import judge, make_context

BOUND = 'http.server.ThreadingHTTPServer(("127.0.0.1", port), Page)'


@contextmanager
def opened(folder: Path, command: str | None = f"{sys.executable} server.py") -> Iterator[Context]:
    with context(folder, settings=ServerSettings(command=command, timeout=60)) as ctx:
        yield ctx
    assert marked(str(folder)) == []


def both(ctx: Context) -> tuple[Outcome, Outcome]:
    return judge(server_boots, ctx), judge(server_stops, ctx)


@pytest.mark.parametrize(
    ("lock", "manager"),
    [
        ("package-lock.json", "npm"),
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
        (None, "npm"),
    ],
)
def test_the_package_manager_is_that_of_the_lock_file(app: Path, lock: str | None, manager: str) -> None:
    small_app(app)
    if lock:
        (app / lock).touch()
    ctx = make_context(app)
    assert command_of(ctx.project, ctx.settings.server) == [manager, "run", "dev"]


@pytest.mark.parametrize(("lock", "manager"), [("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bun")])
def test_a_package_manager_that_is_not_installed_is_named(app: Path, lock: str, manager: str) -> None:
    small_app(app)
    (app / lock).touch()
    (app / "bin").mkdir()
    with make_context(app, process={"PATH": str(app / "bin")}) as ctx:
        outcome = judge(server_boots, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"`{manager}` is not on PATH"
    assert outcome.remedy.startswith(f"install it (`npm install --global {manager}`")


def test_a_script_that_is_not_there_is_named(app: Path) -> None:
    small_app(app)
    with opened(app, "npm run serve") as ctx:
        outcome = judge(server_boots, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary.endswith("package.json has no script `serve`")


def test_a_command_for_the_shell_in_another_language(app: Path) -> None:
    (app / "web").mkdir()
    small_app(app / "web")
    (app / "schema.sql").write_text("")
    with opened(app, f"cd web && exec {sys.executable} server.py") as ctx:
        boots, stops = both(ctx)
    assert isinstance(boots, Passed), boots
    assert isinstance(stops, Passed), stops


def test_an_error_of_a_python_app_is_red_with_its_line(app: Path) -> None:
    (app / "schema.sql").write_text("")
    (app / "server.py").write_text("import os\n\nos.environ['NOT_SET']\n")
    with opened(app) as ctx:
        outcome = judge(server_boots, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary.endswith("the environment variable NOT_SET is not set")
    assert "server.py:3" in outcome.remedy


def test_one_that_listens_on_ipv6_alone_is_well(app: Path) -> None:
    small_app(app)
    code = (app / "server.py").read_text()
    assert BOUND in code
    six = 'type("Six", (http.server.ThreadingHTTPServer,), {"address_family": socket.AF_INET6})(("::1", port), Page)'
    (app / "server.py").write_text(f"import socket\n{code.replace(BOUND, six)}")
    with opened(app) as ctx:
        assert ctx.server.boot.ok, ctx.server.boot
        assert ports.is_listening(ctx.server.port) == "::1"
        boots, stops = both(ctx)
        assert ports.is_free(ctx.server.port)
    assert isinstance(boots, Passed), boots
    assert isinstance(stops, Passed), stops


def test_one_that_floods_its_log_is_judged_in_bounded_space(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "LIMIT", 100_000)
    flood = """
        def flood():
            while True: os.write(1, b"all work and no play makes jack a dull boy\\n" * 20000)
        threading.Thread(target=flood, daemon=True).start()
        time.sleep(1)
        """
    small_app(app, before=flood)
    with opened(app) as ctx:
        boots, stops = both(ctx)
    assert isinstance(boots, Passed), boots
    assert isinstance(stops, Passed), stops
    log = app / ".infracheck" / "evidence" / "server.log"
    assert log.stat().st_size <= 100_100
    assert log.read_text().splitlines()[-1] == "[infracheck stopped writing here: 0.1 MB are kept of a log]"


def test_one_that_prints_binary_is_judged_and_its_log_is_text(app: Path) -> None:
    small_app(app, before="os.write(1, bytes(range(256)) * 50 + b'\\n'); os.write(2, b'\\xff\\xfe half \\xe2\\x82\\n')")
    with opened(app) as ctx:
        boots, stops = both(ctx)
    assert isinstance(boots, Passed), boots
    assert isinstance(stops, Passed), stops
    text = (app / ".infracheck" / "evidence" / "server.log").read_text(encoding="utf-8")
    assert not {character for character in text if ord(character) < 32} - {"\n", "\t"}
    json.dumps([finding.note for finding in boots.findings])


def test_one_that_forks_away_is_its_own_and_is_ended(app: Path) -> None:
    """The command goes on while the server itself has left its session: it is found, judged and ended all the same."""
    away = """
        if os.fork():
            signal.pause()
        os.setsid()
        if os.fork():
            os._exit(0)
        """
    small_app(app, before=away)
    with opened(app) as ctx:
        boots, stops = both(ctx)
        assert ports.is_free(ctx.server.port)
    assert isinstance(boots, Passed), boots
    assert isinstance(stops, Passed), stops
