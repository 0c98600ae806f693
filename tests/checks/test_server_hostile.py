"""Dev servers that misbehave, as a user meets them: `infracheck run --only server` ends in time, says what it saw, and
leaves nothing behind.
"""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infracheck.clients import ports
from tests.clients.processes import ROOT, eventually, running_in
from tests.clients.small_server import GOOD, environment, small_app
from tests.components.ports import free_port

LIMIT = 120  # seconds for one run; each ends far sooner
MAIN = """
import resource, sys
from infracheck.cli import main
try:
    main()
finally:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak {peak // (1024 if sys.platform == 'linux' else 1024 * 1024)} MB", file=sys.stderr)
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")


@dataclass(frozen=True)
class Ran:
    """One run: its exit code, its checks by their ids, and what it cost."""

    code: int
    checks: dict[str, dict[str, Any]]
    text: str
    seconds: float
    megabytes: int

    @property
    def boots(self) -> tuple[str, str]:
        return self.checks["server-boots"]["outcome"], self.checks["server-boots"]["summary"]

    @property
    def stops(self) -> tuple[str, str]:
        return self.checks["server-stops"]["outcome"], self.checks["server-stops"]["summary"]


@pytest.fixture
def run(app: Path) -> "Run":
    return Run(app)


class Run:
    """Runs the gate on a small app, and asserts that nothing of it is left."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()

    def __call__(self, answer: str = GOOD, before: str = "", *, timeout: float = 60) -> Ran:
        small_app(self.folder, answer=answer, before=before)
        settings = f'[server]\ncommand = "{sys.executable} server.py"\ntimeout = {timeout}\n'
        (self.folder / "infracheck.toml").write_text(settings, encoding="utf-8")
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", MAIN, "run", str(self.folder), "--only", "server", "--format", "json"],
            env={
                **environment(self.port),
                "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            },
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        seconds = time.monotonic() - began
        text = done.stdout.decode("utf-8")
        found = re.search(r"peak (\d+) MB", done.stderr.decode("utf-8"))
        assert found, done.stderr
        eventually(lambda: not running_in(self.folder), 5)
        assert ports.is_free(self.port)
        checks = {one["id"]: one for one in json.loads(text)["checks"]}
        return Ran(done.returncode, checks, text, seconds, int(found[1]))


def test_one_that_ignores_the_request_to_end(run: Run) -> None:
    ran = run(before="signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    assert (ran.code, ran.boots[0], ran.stops[0]) == (0, "passed", "passed")
    [killed] = [one for one in ran.checks["server-stops"]["findings"] if one["state"] == "KILLED"]
    assert killed["note"] == "did not end when it was asked to"


DAEMON = """
def fork_away():
    if os.fork():
        return True
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return False
"""


@linux
def test_one_that_forks_away_and_ends(run: Run) -> None:
    """The command is over; what it left would serve on, and hold the port of the next run."""
    ran = run(before=f"{DAEMON}\nsay('started in the background')\nif fork_away():\n    sys.exit(0)")
    assert (ran.code, ran.boots[0]) == (1, "failed")
    assert re.search(r"ended with exit code 0 after [\d.]+ s: started in the background$", ran.boots[1])
    assert "foreground" in ran.checks["server-boots"]["remedy"]


@linux
def test_one_that_forks_away_while_its_command_waits(run: Run) -> None:
    ran = run(before=f"{DAEMON}\nif fork_away():\n    time.sleep(600)")
    assert (ran.code, ran.boots[0], ran.stops[0]) == (0, "passed", "passed")
    assert "KILLED" in {one["state"] for one in ran.checks["server-stops"]["findings"]}


FLOODS = {
    "lines": 'line = b"a line of a log, as long as lines of logs are, and then some more of it\\n" * 10000',
    "errors": 'line = b"\\xe2\\xa8\\xaf Error: boom\\n    at GET (server.py:3:9)\\n" * 10000',
    "no newline": "line = bytes(1 << 20)",
    "binary": "line = os.urandom(1 << 20)",
}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> int:
    """The megabytes that a run takes whose server prints nothing."""
    return Run(tmp_path_factory.mktemp("quiet"))().megabytes


@pytest.mark.parametrize("kind", FLOODS)
def test_one_that_floods_its_output(run: Run, quiet: int, kind: str) -> None:
    """500 MB are read before it listens: what it says stays bounded, and reading it does not hold it up."""
    ran = run(before=f"{FLOODS[kind]}\nfor _ in range(500_000_000 // len(line)):\n    sys.stdout.buffer.write(line)\n")
    assert ran.boots[0] == ("failed" if kind == "errors" else "passed")
    assert ran.stops[0] == "passed"
    assert "server.py:3:9 boom" in ran.boots[1] or kind != "errors"
    assert ran.megabytes - quiet < 100
    assert len(ran.text) < 100_000


def test_one_that_prints_what_is_no_text(run: Run) -> None:
    noise = r'b"\x00\x07\x1b[31m\xff\xfe red \x1b]0;title\x07\x1b[2J\xc3\x28 \xe2\x80\xae bidi\r\n"'
    ran = run(
        before=f"sys.stdout.buffer.write({noise} + os.urandom(4096) + b'\\n')\n"
        "sys.stdout.flush()\nsys.exit('Error: no \\x1b[1mkey')"
    )
    assert (ran.code, ran.boots[0]) == (1, "failed")
    assert ran.boots[1].endswith(": no key")
    shown = json.dumps(ran.checks, ensure_ascii=False)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


def test_one_that_never_listens(run: Run) -> None:
    ran = run(before='say("thinking"); time.sleep(600)', timeout=1.5)
    assert (ran.code, ran.boots) == (1, ("failed", f"nothing listens on port {run.port} after 1.5 s"))
    assert ran.stops[0] == "passed"


SILENT = """
import socket
s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
kept = [s.accept() for _ in range(1000)]
"""


def test_one_that_listens_and_never_answers(run: Run) -> None:
    ran = run(before=SILENT, timeout=2)
    assert (ran.code, ran.boots) == (1, ("failed", f"http://localhost:{run.port}/ does not answer after 2 s"))
    assert ran.stops[0] == "passed"


@pytest.mark.parametrize(
    "start", ['self.wfile.write(b"HTTP/1.1 200 OK\\r\\nX-Slow: ")', "self.send_response(200); self.end_headers()"]
)
def test_one_that_answers_a_byte_a_second(run: Run, start: str) -> None:
    drip = f"{start}\nwhile True:\n    self.wfile.write(b'x')\n    self.wfile.flush()\n    time.sleep(1)"
    ran = run(drip, timeout=3)
    assert (ran.code, ran.boots) == (1, ("failed", f"http://localhost:{run.port}/ does not answer after 3 s"))
    assert ran.stops[0] == "passed"


def test_one_that_ends_right_after_it_was_ready(run: Run) -> None:
    ran = run(before='say("✓ Ready in 12ms"); say("Error: no database"); sys.exit(1)')
    assert (ran.code, ran.boots[0]) == (1, "failed")
    assert re.search(r"ended with exit code 1 after [\d.]+ s: no database$", ran.boots[1])
