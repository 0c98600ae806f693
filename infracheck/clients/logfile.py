"""Keeps the whole output of a process in a file, line by line, without secrets and up to a bound."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO

LIMIT: Final = 50_000_000  # bytes; a server that floods its log must not fill the disk
LAST: Final = "[infracheck stopped writing here: {megabytes:g} MB are kept of a log]"


class LogFile:
    """A file that is made with its first line; safe to use from several threads.

    What cannot be written (a full disk, a folder that is read-only) is left out: a log is evidence, not the verdict.
    """

    def __init__(self, place: Callable[[], Path | None], scrub: Callable[[str], str]) -> None:
        """Take what names the path when it is needed, None where nothing can be written, and what masks secrets."""
        self.path: Path | None = None  # of what was written
        self._place, self._scrub = place, scrub
        self._lock = threading.Lock()
        self._file: TextIO | None = None
        self._begun = self._ended = False
        self._written = 0

    def add(self, line: str) -> None:
        """Write a line, which is clean of control characters already."""
        if self._ended:
            return
        text = f"{self._scrub(line)}\n"
        with self._lock:
            if not self._begun:
                self._begin()
            self._written += len(text.encode("utf-8", "replace"))
            if self._written > LIMIT:
                self._write(f"{LAST.format(megabytes=LIMIT / 1e6)}\n")
                self._end()
            else:
                self._write(text)

    def close(self) -> None:
        """Write no more; may be called twice."""
        with self._lock:
            self._end()

    def _begin(self) -> None:
        self._begun = True
        path = self._place()
        try:
            # By line, because it is read while the server runs: by a person, or after a kill.
            self._file = path.open("w", encoding="utf-8", errors="replace", buffering=1) if path else None
            self.path = path
        except OSError:
            self._end()

    def _write(self, text: str) -> None:
        try:
            if self._file:
                self._file.write(text)
        except OSError:
            self._end()

    def _end(self) -> None:
        self._ended = True
        file, self._file = self._file, None
        if file:
            try:
                file.close()
            except OSError:
                return
