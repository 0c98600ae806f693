"""A real browser on this machine that looks at pages: found, run under the gate's own control, never left behind."""

import json
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from infracheck.clients.process import Supervised
from infracheck.clients.tempfolder import TemporaryFolder
from infracheck.errors import ClientError, Unavailable
from infracheck.secret import clean

WORKER: Final = Path(__file__).with_name("browserworker.py")
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ON_MACOS: Final = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
EXTRA: Final = "pip install 'infracheck-gate[browser]'"
# Quiet, and no requests of the browser's own.
ARGUMENTS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--password-store=basic",
    "--use-mock-keychain",
)
# What a browser needs of its user's environment; never the app's variables.
KEPT: Final = re.compile(r"PATH|LANG|LC_\w+|TZ|USER|LOGNAME|LD_LIBRARY_PATH|FONTCONFIG_\w+|PYTHONPATH|HOME")
START_SECONDS: Final = 60.0  # until the first page is begun; a cold disk and two busy cores need some
MARGIN: Final = 45.0  # seconds beyond a page's own: to settle, and for its picture
STEP: Final = 0.2
GRACE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page to look at, where its picture goes, and whose it is: the value of a Cookie header."""

    url: str
    shot: Path | None = None
    cookies: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a browser saw of a page; `events` as the worker tells them, `problem`: why it could not be opened."""

    url: str  # where it ended, after redirects
    status: int | None
    events: tuple[Mapping[str, Any], ...] = ()
    overlay: str = ""
    shot: Path | None = None
    problem: str = ""
    busy: bool = False  # it never came to rest


class NoBrowser(ClientError):
    """The browser does not start, or cannot be driven."""


def find(choice: str, path: str | None) -> Path:
    """Return the browser that `[server] browser` means: found on PATH, or the one it names.

    Raises:
        NoBrowser: there is none.
    """
    if choice == "auto":
        on_path = (shutil.which(name, path=path or os.defpath) for name in NAMES)
        macos = (str(one) for one in ON_MACOS if sys.platform == "darwin" and os.access(one, os.X_OK))
        found = next(filter(None, (*on_path, *macos)), None)
        if found is None:
            raise NoBrowser("no Chrome or Chromium is on this machine's PATH", "install Chrome or Chromium")
        return Path(found)
    chosen = shutil.which(choice, path=path or os.defpath)
    if chosen is None:
        raise NoBrowser(
            f"[server] browser = {choice!r} is no program on this machine",
            'name the path of a Chrome or Chromium in infracheck.toml, or "auto" or "off"',
        )
    return Path(chosen)


class Browser:
    """Looks at pages with one browser process for all of them; `close` ends whatever runs. Safe from any thread."""

    def __init__(
        self, program: Path, environ: Mapping[str, str], *, seconds: float, tell: Callable[[str], None]
    ) -> None:
        """Take the program; nothing is started yet.

        Args:
            seconds: for one page to be loaded.
        """
        self.program = program
        self.drives = find_spec("playwright") is not None  # without it only what the browser prints is known
        self._environ = {name: value for name, value in environ.items() if KEPT.fullmatch(name)}
        self._seconds, self._tell = seconds, tell
        self._lock = threading.Lock()
        self._child: Supervised | None = None
        self._closed = False

    def look(self, pages: Sequence[Wanted]) -> list[Seen | None]:
        """Return what was seen of each page; None of those that were not reached.

        Raises:
            NoBrowser: it does not start.
            Unavailable: the run is ending.
        """
        with TemporaryFolder("infracheck-browser-") as folder:
            if not self.drives:
                from infracheck.clients.browsercli import look

                return look(self, folder.path, pages)
            return self._drive(folder.path, pages)

    def close(self) -> None:
        """End what runs; nothing is started any more."""
        with self._lock:
            self._closed, child = True, self._child
        if child:
            child.stop()

    # -- for the two ways to look

    @property
    def seconds(self) -> float:
        return self._seconds

    def arguments(self) -> list[str]:
        return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]  # as root there can be none

    def environment(self, folder: Path) -> dict[str, str]:
        """Return what the browser sees: everything that it writes goes into the folder."""
        return {**self._environ, "HOME": str(folder), "TMPDIR": str(folder)}

    def run(
        self, command: Sequence[str], folder: Path, env: Mapping[str, str], wait: Callable[[Supervised], bool]
    ) -> list[str]:
        """Run a command while `wait` (called again and again) says so; return what it printed."""
        with self._lock:
            if self._closed:
                raise Unavailable("run", "the run is ending")
            self._child = child = Supervised(command, cwd=folder, env=env, grace=GRACE)
        try:
            while child.wait(STEP) is None and wait(child):
                pass
        finally:
            child.stop()
        if self._closed:
            raise Unavailable("run", "the run is ending")
        return child.output()

    def say(self, url: str) -> None:
        self._tell(f"looking at {url} with {self.program.name}")

    # -- by Playwright

    def _drive(self, folder: Path, pages: Sequence[Wanted]) -> list[Seen | None]:
        job = {
            "browser": str(self.program),
            "arguments": self.arguments(),
            "environment": self.environment(folder),
            "seconds": self._seconds,
            "results": str(folder),
            "pages": [
                {"url": one.url, "shot": str(one.shot) if one.shot else None, "cookies": one.cookies} for one in pages
            ],
        }
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        command = [sys.executable, "-P", str(WORKER), str(folder / "job.json")]
        env = {**self._environ, "TMPDIR": str(folder)}  # its HOME stays: Playwright may be installed there
        printed = self.run(command, folder, env, self._patience(pages))
        seen = [_read(folder / f"{number}.json", one) for number, one in enumerate(pages)]
        if seen[:1] == [None]:
            failed = _load(folder / "failed.json").get("error") or "\n".join(printed[-3:]) or "it did not start in time"
            raise NoBrowser(
                f"{self.program} cannot be driven: {_first_lines(failed)}",
                f"run `{self.program} --version`, and name a Chrome or Chromium that works in [server] browser",
            )
        return seen

    def _patience(self, pages: Sequence[Wanted]) -> Callable[[Supervised], bool]:
        """Return what tells whether to wait on: as long as one page after the other is begun in time."""
        began, last = time.monotonic(), -1

        def wait(child: Supervised) -> bool:
            nonlocal began, last
            at = sum(line.isdecimal() for line in child.output()) - 1
            if at != last:
                began, last = time.monotonic(), at
                self.say(pages[min(at, len(pages) - 1)].url)
            return time.monotonic() < began + (START_SECONDS if at < 0 else self._seconds + MARGIN)

        return wait


def _read(path: Path, page: Wanted) -> Seen | None:
    found = _load(path)
    if not found:
        return None
    return Seen(
        url=found["url"],
        status=found["status"],
        events=tuple(found["events"]),
        overlay=clean(found["overlay"]),
        shot=page.shot if found["shot"] else None,
        problem=_first_lines(found["problem"]),
        busy=found["busy"],
    )


def _load(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def _first_lines(text: str) -> str:
    """Return what a message of Playwright says, without its call log."""
    said = text.partition("Call log:")[0].partition("Browser logs:")[0]
    return clean(" ".join(said.split()).removeprefix("Page.goto: "), 300)
