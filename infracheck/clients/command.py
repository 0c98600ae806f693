"""Runs one command of the team's own to its end: bounded, always read, its tree stopped, its output kept."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from infracheck.clients.devfiles import Remembered, Restored
from infracheck.clients.process import Stopped, Supervised
from infracheck.secret import clean

LOG_BYTES: Final = 8_000_000  # what is kept of the output in a file
_LEFT_OUT: Final = re.compile(r"\[infracheck: \d+ lines left out\]")  # by the reader, of a flood
TELL_SECONDS: Final = 0.5
TOLD: Final = 100  # characters of a line that is shown while the command runs


@dataclass(frozen=True, slots=True)
class Ran:
    """How it went; `code` is None where it was stopped at the time limit."""

    code: int | None
    seconds: float
    lines: tuple[str, ...]  # the last ones of its output, scrubbed
    stopped: Stopped
    restored: Restored  # files that a framework rewrites, put back
    cut: bool  # the file does not hold all of the output


def run_command(
    words: Sequence[str],
    *,
    shown: str,
    root: Path,
    env: Mapping[str, str],
    timeout: float,
    log: Path | None,
    scrub: Callable[[str], str],
    tell: Callable[[str], None],
) -> Ran:
    """Run a command in the folder `root`; what it prints goes to the file `log`.

    Raises:
        NotStarted: there is no such command.
    """
    remembered, began = Remembered(root), time.monotonic()
    with _Kept(log, scrub) as kept:
        lines: list[str] = []
        try:
            with Supervised(words, cwd=root, env=env, on_line=kept.add) as child:
                code = _wait(child, timeout, lambda line: tell(f"{shown}: {line}" if line else shown))
                seconds = time.monotonic() - began
                stopped = child.stop()
                lines = child.output()
        finally:
            restored = remembered.restore("\n".join(lines))
        return Ran(code, seconds, tuple(map(scrub, lines)), stopped, restored, kept.cut)


def _wait(child: Supervised, timeout: float, tell: Callable[[str], None]) -> int | None:
    """Wait for the end of a command, and show meanwhile what it printed last."""
    until, told = time.monotonic() + timeout, None
    while (left := until - time.monotonic()) > 0:
        if (code := child.wait(min(TELL_SECONDS, left))) is not None:
            return code
        said = next((line for line in reversed(child.output()[-20:]) if line.strip()), "")
        if said != told:
            tell(clean(said.strip(), TOLD))
            told = said
    return child.poll()


class _Kept:
    """The file that takes the output, line by line, up to a bound; a disk that is full costs only the file."""

    def __init__(self, path: Path | None, scrub: Callable[[str], str]) -> None:
        self._path, self._scrub = path, scrub
        self._file: TextIO | None = None
        self._room = LOG_BYTES
        self.cut = False

    def __enter__(self) -> "_Kept":
        if self._path:
            with suppress(OSError):
                self._file = self._path.open("w", encoding="utf-8", buffering=1)
        return self

    def __exit__(self, *_: object) -> None:
        file, self._file = self._file, None
        if file:
            with suppress(OSError):
                file.close()

    def add(self, line: str) -> None:
        """Take the next line; called from the thread that reads."""
        file = self._file
        if file is None or self._room < 0:
            return
        if _LEFT_OUT.fullmatch(line):
            self.cut = True
        text = f"{self._scrub(line)}\n"
        self._room -= len(text.encode())
        try:
            if self._room < 0:
                self.cut = True
                text = "… the rest is left out\n"
            file.write(text)
        except (OSError, ValueError):  # ValueError: closed, as the run is ending
            self.cut, self._room = True, -1
