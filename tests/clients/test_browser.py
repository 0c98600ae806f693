"""The browser: found where it is, bounded whatever a page does, and never left behind."""

import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from infracheck.clients.browser import Browser, NoBrowser, Seen, Wanted, find
from infracheck.clients.browsersaid import NOISE, Problem, position, problems
from tests.clients.processes import eventually, marked, program
from tests.components.chromium import chromium

LOOK = """
import os, signal, sys
from pathlib import Path
from infracheck.clients.browser import Browser, Wanted

def end(number, frame):
    raise SystemExit(3)

signal.signal(signal.SIGTERM, end)
browser = Browser(Path(sys.argv[1]), os.environ, seconds=120, tell=lambda text: None)
try:
    browser.look([Wanted(sys.argv[2])])
finally:
    browser.close()
"""


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def running_in(folder: Path) -> list[str]:
    """Return the names of the processes whose temporary files go into a folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            own = process.environ().get("TMPDIR", "")
            if process.status() != psutil.STATUS_ZOMBIE and own.startswith(str(folder)):
                found.append(process.name())
    return found


def opened(program: Path, seconds: float = 60.0) -> Browser:
    return Browser(program, os.environ, seconds=seconds, tell=lambda text: None)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_process_and_no_file_outlives_infracheck(
    tmp_path: Path, silent: str, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = chromium()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with program(LOOK, str(path), silent) as process:
        eventually(lambda: any("chrom" in line for line in marked("--user-data-dir=" + str(tmp_path))), seconds=60)
        process.send_signal(number)
        process.wait(60)
    eventually(lambda: not running_in(tmp_path), seconds=30)
    eventually(lambda: not list(tmp_path.iterdir()), seconds=30)


def test_closing_ends_a_look_that_is_under_way(silent: str) -> None:
    from threading import Thread

    from infracheck.errors import Unavailable

    browser, ended = opened(chromium()), list[str]()

    def look() -> None:
        try:
            browser.look([Wanted(silent)])
        except Unavailable as reason:
            ended.append(reason.because)

    thread = Thread(target=look)
    thread.start()
    eventually(lambda: browser._child is not None)
    browser.close()
    thread.join(60)
    assert ended == ["the run is ending"]
    with pytest.raises(Unavailable):
        browser.look([Wanted(silent)])


def test_a_page_that_never_loads_or_never_rests_takes_bounded_time(silent: str, tmp_path: Path) -> None:
    pages = [
        Wanted(silent, tmp_path / "silent.png"),
        Wanted("data:text/html,<script>while (true) {}</script>", tmp_path / "loop.png"),
        Wanted("data:text/html,<link rel=icon href='data:,'><h1>fine</h1>", tmp_path / "fine.png"),
    ]
    never, loop, fine = opened(chromium(), seconds=3).look(pages)
    assert never
    assert "Timeout 3000ms exceeded" in never.problem
    assert loop
    assert loop.problem
    assert fine == Seen(pages[2].url, None, shot=pages[2].shot)


def test_what_is_no_browser_says_what_it_says(tmp_path: Path) -> None:
    fake = tmp_path / "chrome"
    fake.write_text("#!/bin/sh\necho 'error while loading shared libraries: libnss3.so' >&2\nexit 127\n")
    fake.chmod(0o755)
    with pytest.raises(NoBrowser) as error:
        opened(fake).look([Wanted("about:blank")])
    assert str(fake) in error.value.summary


def test_the_browser_is_found_by_its_names(tmp_path: Path) -> None:
    for name in ("google-chrome", "chromium-browser"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert find("auto", str(tmp_path)) == tmp_path / "chromium-browser"
    assert find(str(tmp_path / "google-chrome"), "") == tmp_path / "google-chrome"
    with pytest.raises(NoBrowser, match=r"\[server\] browser = 'nothing'"):
        find("nothing", str(tmp_path))


# -- what it saw

ORIGIN = "http://localhost:3000"


def seen(*events: Mapping[str, object], **more: str) -> Seen:
    return Seen(f"{ORIGIN}/page", 200, events, **more)  # type: ignore[arg-type]


def answer(url: str, status: int, resource: str = "image") -> dict[str, object]:
    return {"kind": "answer", "status": status, "method": "GET", "url": url, "resource": resource}


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ({"kind": "console", "level": "error", "text": "no"}, Problem("CONSOLE ERROR", "no")),
        ({"kind": "console", "level": "warning", "text": "no"}, None),
        ({"kind": "uncaught", "text": "TypeError: no\n\n  at x"}, Problem("UNCAUGHT", "TypeError: no")),
        (
            {"kind": "console", "level": "error", "text": "Warning: Text content did not match. Server: 1 Client: 2"},
            Problem("HYDRATION", "Warning: Text content did not match. Server: 1 Client: 2"),
        ),
        ({"kind": "crash", "text": "the page crashed"}, Problem("CRASHED", "the page crashed")),
        (answer(f"{ORIGIN}/a.png?v=1", 404), Problem("404", "GET /a.png (image)")),
        (answer(f"{ORIGIN}/page", 500, "document"), Problem("500", "GET /page (document)")),
        (answer(f"{ORIGIN}/api/me", 401, "fetch"), Problem("401", "GET /api/me (fetch)", "info")),
        (answer(f"{ORIGIN}/api/me", 401, "script"), Problem("401", "GET /api/me (script)")),
        (answer("https://cdn.example/a.js", 403), Problem("403", "GET https://cdn.example/a.js (image)", "warn")),
        # Another origin, although it begins with the same letters.
        (answer(f"{ORIGIN}0/a.js", 404), Problem("404", f"GET {ORIGIN}0/a.js (image)", "warn")),
        (
            {"kind": "failed", "text": "net::ERR_FAILED", "method": "GET", "url": f"{ORIGIN}/x", "resource": "fetch"},
            Problem("REQUEST FAILED", "GET /x (fetch): net::ERR_FAILED"),
        ),
        # -- noise
        ({"kind": "failed", "text": "net::ERR_ABORTED", "method": "GET", "url": f"{ORIGIN}/x"}, None),
        (answer(f"{ORIGIN}/favicon.ico", 404, "other"), None),
        (answer(f"{ORIGIN}/.well-known/appspecific/com.chrome.devtools.json", 404, "other"), None),
        ({"kind": "console", "level": "error", "text": "Failed to load resource: the server responded"}, None),
        ({"kind": "console", "level": "error", "text": "%cDownload the React DevTools for a better"}, None),
        ({"kind": "console", "level": "error", "text": "[HMR] connected"}, None),
    ],
)
def test_an_event_counts_or_is_known_noise(event: dict[str, object], found: Problem | None) -> None:
    assert problems(seen(event), ORIGIN) == ((found,) if found else ())


def test_what_is_told_twice_counts_once() -> None:
    twice = {"kind": "console", "level": "error", "text": "no such note"}
    mismatch = {"kind": "uncaught", "text": "Hydration failed because the text did not match the client"}
    again = {"kind": "console", "level": "error", "text": "Error: There was an error while hydrating."}
    found = problems(seen(twice, twice, mismatch, again), ORIGIN)
    assert [one.state for one in found] == ["CONSOLE ERROR", "HYDRATION"]


def test_the_overlay_counts_where_nothing_else_does() -> None:
    assert problems(seen(overlay="Build Error\nModule not found"), ORIGIN) == (
        Problem("ERROR OVERLAY", "Build Error Module not found"),
    )
    thrown = {"kind": "uncaught", "text": "no"}
    assert problems(seen(thrown, overlay="Runtime Error no"), ORIGIN) == (Problem("UNCAUGHT", "no"),)


def test_every_noise_has_a_reason() -> None:
    assert all(reason for _, _, reason in NOISE)


def test_the_line_is_taken_from_the_servers_log_or_the_overlay() -> None:
    log = [
        " GET /page 200 in 37ms",
        "[browser] other (app/other.tsx:1:1)",
        "[browser] Uncaught TypeError: no such note",
        "    at <unknown> (https://react.dev/link)",
        "    at P (app/[id]/page.tsx:3:10)",
    ]
    thrown = Problem("UNCAUGHT", "TypeError: no such note")
    assert position(thrown, "", log) == "app/[id]/page.tsx:3"
    assert position(thrown, "Runtime ErrorTypeError: no such note\napp/page.tsx (7:3) @ P", []) == "app/page.tsx:7"
    assert position(thrown, "Runtime Error: another\napp/page.tsx (7:3) @ P", log[:2]) is None
