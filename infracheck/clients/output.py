"""Drains the output of a child process in a thread, so that the child never blocks, and keeps its last lines."""

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import IO

from infracheck.secret import clean

LINE_BYTES = 8192  # what is kept of one line
CHUNK_BYTES = 1 << 16
CLOSE_SECONDS = 0.2  # how often a silent stream is left to see whether it was closed


class Tail:
    """The last lines of a byte stream, in bounded memory whatever the stream holds."""

    def __init__(self, keep: int) -> None:
        self._lines: deque[bytes] = deque(maxlen=keep)
        self._open = b""  # a line whose end has not come yet: a prompt, or a flood without newlines
        self._lock = threading.Lock()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes; return the lines that they complete."""
        with self._lock:
            *lines, rest = (self._open + chunk).split(b"\n")
            self._open = rest[rest.rfind(b"\r", 0, -1) + 1 :][:LINE_BYTES]
            lines = [line[:LINE_BYTES] for line in lines]
            self._lines.extend(lines)
        return lines

    def finish(self) -> list[bytes]:
        """Close the last line, if one is open, and return it."""
        return self.feed(b"\n") if self._open else []

    def lines(self) -> list[bytes]:
        with self._lock:
            return [*self._lines, self._open] if self._open else [*self._lines]


def readable(line: bytes) -> str:
    """Return a raw line as a terminal leaves it (after its last carriage return), without controls, clipped."""
    return clean(line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace"))


class OutputReader:
    """Reads `stream` to its end, or until `close`; `on_line` hears each line, in order, from the reading thread."""

    def __init__(self, stream: IO[bytes], keep_lines: int, on_line: Callable[[str], None] | None) -> None:
        self._stream = stream
        self._tail = Tail(keep_lines)
        self._on_line = on_line
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name="child-output", daemon=True)
        self._thread.start()

    def lines(self) -> list[str]:
        return [readable(line) for line in self._tail.lines()]

    def drain(self, timeout: float) -> None:
        """Wait until everything is read; bounded, because a process that left the tree may hold the stream open."""
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def close(self, timeout: float) -> None:
        """Read what is there, then let go of the stream."""
        self.drain(timeout)
        self._closing.set()
        self.drain(2 * CLOSE_SECONDS)

    def _read(self) -> None:
        error: Exception | None = None
        with self._stream:
            poller = select.poll()
            poller.register(self._stream, select.POLLIN)
            while not self._closing.is_set():
                if not poller.poll(CLOSE_SECONDS * 1000):
                    continue
                chunk = os.read(self._stream.fileno(), CHUNK_BYTES)
                lines = self._tail.feed(chunk) if chunk else self._tail.finish()
                error = error or self._tell(lines)
                if not chunk:
                    break
        if error:
            raise error  # by the thread, at its end: an unread child would hang first

    def _tell(self, lines: list[bytes]) -> Exception | None:
        if self._on_line is None:
            return None
        try:
            for line in lines:
                self._on_line(readable(line))
        except Exception as error:  # noqa: BLE001 - raised at the end of the stream
            self._on_line = None
            return error
        return None
