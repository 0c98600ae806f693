"""Drains the output of a child process in a thread, so that the child never blocks, and keeps its last lines."""

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import IO

from infracheck.secret import clean

LINE_BYTES = 8192  # what is kept of one line
CHUNK_BYTES = 1 << 16
HEARD_LINES = 10_000  # a second that are told to a listener: no log that people read grows faster
HELD_LINES = 200  # the newest of those beyond that, told when the flood ebbs
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


class Listener:
    """Tells lines to `on_line`; of a flood only so many that reading it costs the child no time.

    What it raises is kept in `error`, and it hears no more.
    """

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self.error: Exception | None = None
        self._on_line = on_line
        self._second, self._told, self._left_out = 0, 0, 0
        self._held: deque[bytes] = deque(maxlen=HELD_LINES)

    def tell(self, lines: list[bytes]) -> None:
        if (second := int(time.monotonic())) != self._second:
            self._second, self._told = second, 0
            self.catch_up()
        now = lines[: HEARD_LINES - self._told] if not self._held else []
        self._told += len(now)
        self._say(map(readable, now))
        self._left_out += len(lines) - len(now)
        self._held.extend(lines[len(now) :])

    def catch_up(self) -> None:
        """Tell the newest of the lines that were left out, and how many are missing before them."""
        held, missing = [*self._held], self._left_out - len(self._held)
        self._held.clear()
        self._left_out = 0
        if missing:
            self._say([f"[infracheck: {missing} lines left out]"])
        self._say(map(readable, held))

    def _say(self, lines: Iterable[str]) -> None:
        try:
            for line in lines if self.error is None else ():
                self._on_line(line)
        except Exception as error:  # noqa: BLE001 - raised at the end of the stream
            self.error = error


class OutputReader:
    """Reads `stream` to its end, or until `close`; `on_line` hears each line, in order, from the reading thread.

    Of a flood it hears the first lines of each second, and the newest ones as soon as it ebbs.
    """

    def __init__(self, stream: IO[bytes], keep_lines: int, on_line: Callable[[str], None] | None) -> None:
        self._stream = stream
        self._tail = Tail(keep_lines)
        self._listener = Listener(on_line) if on_line else None
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
        listener = self._listener
        with self._stream:
            poller = select.poll()
            poller.register(self._stream, select.POLLIN)
            while not self._closing.is_set():
                if not poller.poll(CLOSE_SECONDS * 1000):
                    if listener:
                        listener.catch_up()
                    continue
                chunk = os.read(self._stream.fileno(), CHUNK_BYTES)
                lines = self._tail.feed(chunk) if chunk else self._tail.finish()
                if listener:
                    listener.tell(lines)
                if not chunk:
                    break
            if listener:
                listener.catch_up()
        if listener and listener.error:
            raise listener.error  # by the thread, at its end: an unread child would hang first
