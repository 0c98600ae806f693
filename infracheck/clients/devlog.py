"""What the log of a dev server says: errors with the place they come from, warnings, and how far it has got.

The patterns are those of Next.js 16, Vite, uvicorn and plain Node, whose output was read line by line (colours are
gone by then). What `console.error` prints without a mark is known where the framework keeps a log that tells.
"""

import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from infracheck.clients.devcauses import last_words
from infracheck.clients.devtraceback import turned
from infracheck.clients.nextlog import FLUSHED, console_errors

KEPT_LINES: Final = 2000
QUIET: Final = 0.1  # seconds without a line, after which a log is taken to be read
SETTLE: Final = 0.5  # seconds at most to wait for that
MORE_LINES: Final = 40  # of one message; a stack goes deeper, but says nothing new there

_MARK = re.compile(r"\s*(?:⨯|✘)\s+(?P<text>.*)")
_THROWN = re.compile(
    r"(?P<text>(?:(?i:Unhandled ?Rejection|Uncaught ?Exception|Uncaught):? )?"
    r"(?:[A-Za-z_$][\w$.]*)?(?:Error|Exception)(?: \[\w+\])?:(?: .*|$))"
)
_HEADS: Final = (
    _MARK,
    _THROWN,
    re.compile(r"(?P<text>\[browser\] Uncaught .*)"),
    re.compile(r"(?P<text>(?i:Unhandled ?Rejection|Uncaught ?Exception)\b.*)"),
    re.compile(r"(?P<text>Failed to compile\b.*)"),
    re.compile(r"(?:ERROR|CRITICAL): {2,}(?P<text>.+)"),
    re.compile(r"(?:\S*\d\d:\d\d:\d\d\S* +)?\[?(?P<text>(?:ERROR|FATAL)\b.+)"),
    re.compile(r".*\[vite\] .*?(?P<text>(?:Internal server error|Pre-transform error|Error)\b.*)"),
)
_WARNING = re.compile(r"\s*⚠\s(?P<text>.+)")
_MORE_WARNING = re.compile(r"\s*⚠(?:\s{3,}|\s+See more info )")
_PLAIN = re.compile(r"\s*(?:[-·⚠⨯✓○▲>]|(?:GET|HEAD) /|$)")
_NEXT_MESSAGE = re.compile(r" ?(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /\S* \d{3} in |[✓○▲] |> ")
_SEE_ALSO = re.compile(r",? see more info here:? https?://\S+")
_EXTENSION = r"\.(?:[cm]?[jt]sx?|json|s?css|mdx?|vue|svelte|astro|py|sql)"
_POSITION = re.compile(
    r"(?:^|[\s(\[\"']|file://|webpack-internal:///(?:\([\w-]+\)/)?)"
    rf"(?P<path>[\w.@/\[][^\s:\"']*{_EXTENSION}):(?P<line>\d+)(?::(?P<column>\d+))?"
)
_ONLY_PLACE = re.compile(rf"\S+{_EXTENSION}(?::\d+){{0,2}}|Module build failed \(from [^)]*\):")
_THE_WORD_ERROR = re.compile(r"^Error:\s+(?:[x×] )?")
_ANNOUNCED = re.compile(
    r"\b(?:Local|[Rr]unning|[Ll]istening|[Rr]eady|[Ss]tarted)\b[^\n]{0,40}?"
    r"(?P<scheme>https?)://(?:localhost|127\.0\.0\.1|\[::1?\]|0\.0\.0\.0):(?P<port>\d+)"
)
_VITE = re.compile(r"\s*➜\s+Local:")
_COMPILING = re.compile(r"○ Compiling (.+?) \.\.\.")

NOISE: Final = (
    (re.compile(r"npm (?:warn|notice)\b"), "about the machine's npm, not about the app"),
    (re.compile(r"\(node:\d+\) .*Warning:"), "Node about its own future, not about the app"),
    (re.compile(r"\s*⚠ Slow filesystem detected"), "about the machine, which may just be busy"),
    (re.compile(r"\s*⚠ Port \d+ is in use"), "judged by the port itself"),
    (re.compile(r"\s*(?:⨯ )?Error: aborted$"), "a client went away while its page was sent"),
    (re.compile(r"React encountered an empty buffer when writing"), "about the machine's Node, not about the app"),
    (re.compile(r"ERROR: +Exception in ASGI application$"), "announces the traceback that follows, and says no more"),
)
"""Lines that look like errors or warnings and are not the app's, each with the reason why it does not count."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message: its first line, what the second one adds, and `file:line:column` in the app's own code."""

    level: Literal["fail", "warn"]
    text: str
    detail: str = ""
    position: str = ""

    @property
    def where(self) -> str | None:
        """Return the position as file:line, None if the message names none."""
        return ":".join(self.position.split(":")[:2]) or None

    def __str__(self) -> str:
        text = f"{self.text}: {self.detail}" if self.detail else self.text
        return f"{self.position} {text}" if self.position else text


class DevLog:
    """The growing log; `add` is called from the thread that reads it, everything else from any thread."""

    def __init__(self, root: Path, repository: Path) -> None:
        self._root, self._repository = root, repository
        self._lock = threading.Lock()
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._count = 0  # lines that ever came
        self.last_at = time.monotonic()  # when the last line came
        self.error_at: float | None = None  # when the first error came
        self.hopeless_at: float | None = None  # from when on it is known that it will not come up
        self.port: int | None = None  # the one that the server says it listens on
        self.vite = False  # that was Vite, and no other server that is started along with it
        self.progress = ""  # "compiling /"

    def add(self, line: str) -> None:
        """Take the next line, without colours."""
        with self._lock:
            self._lines.append(line)
            self._count += 1
            self.last_at = time.monotonic()
            if self.error_at is None and _head(line):
                self.error_at = self.last_at
            if self.hopeless_at is None and (patience := last_words(line)) is not None:
                self.hopeless_at = self.last_at + patience
        if compiling := _COMPILING.search(line):
            self.progress = f"compiling {compiling[1]}"
        elif _NEXT_MESSAGE.match(line):
            self.progress = ""
        if (not self.port or _VITE.match(line)) and (announced := _ANNOUNCED.search(line)):
            self.port, self.vite = int(announced["port"]), bool(_VITE.match(line))

    @property
    def mark(self) -> int:
        """Name this moment: `lines(since=mark)` are those that came after it."""
        with self._lock:
            return self._count

    def settled(self, asked: float) -> bool:
        """Tell whether the log has finished what it says about something that happened at `asked`."""
        return time.monotonic() >= min(asked + SETTLE, max(self.last_at, asked) + QUIET)

    def lines(self, since: int = 0) -> list[str]:
        with self._lock:
            newer = self._count - since
            return list(self._lines)[-newer:] if newer > 0 else []

    def tail(self, count: int, since: int = 0) -> tuple[str, ...]:
        """Return the last lines that say something."""
        return tuple([line for line in self.lines(since) if line.strip() and not _is_noise(line)][-count:])

    def entries(self, since: int = 0) -> list[Entry]:
        """Return the errors and warnings, each once, in the order in which they came first."""
        found = (_entry(head, more, self.locate) for head, more in _messages(self.lines(since), self._printed()))
        return list(dict.fromkeys(found))

    def errors(self) -> list[Entry]:
        return [entry for entry in self.entries() if entry.level == "fail"]

    def read(self, text: str) -> Entry | None:
        """Return the first error in a text that did not come through the log."""
        return next((_entry(head, more, self.locate) for head, more in _messages(f"⨯ {text}".splitlines())), None)

    def _printed(self) -> frozenset[str]:
        """Return the lines that the app itself printed as errors, as far as the framework tells."""
        known = console_errors(self._root)
        if known is not None and any(not _PLAIN.match(line) for line in self.lines()):
            time.sleep(max(0.0, self.last_at + FLUSHED - time.monotonic()))
            known = console_errors(self._root)
        return known or frozenset()

    def locate(self, line: str) -> str:
        """Return the first `file:line:column` of the app's own code that a line names, relative to the app, or ""."""
        for found in _POSITION.finditer(line):
            if path := self._own(found["path"].removeprefix("[project]/")):
                return ":".join(part for part in (path, found["line"], found["column"]) if part)
        return ""

    def _own(self, name: str) -> str | None:
        if "node_modules/" in name or "site-packages/" in name or "/.next/" in f"/{name}":
            return None
        for base in (self._root, self._repository):
            path = Path(os.path.normpath(base / name))
            if path.is_relative_to(self._repository) and path.is_file():
                return os.path.relpath(path, self._root)
        return None


def _head(line: str) -> str | None:
    """Return what a line says if it begins an error."""
    if _is_noise(line):
        return None
    return next((found["text"] for pattern in _HEADS if (found := pattern.match(line))), None)


def _is_noise(line: str) -> bool:
    return any(pattern.match(line) for pattern, _ in NOISE)


def _messages(lines: Iterable[str], printed: frozenset[str] = frozenset()) -> Iterator[tuple[Entry, list[str]]]:
    """Yield each message's head with the lines that belong to it; `printed` are heads too, whatever they look like."""
    current: tuple[Entry, list[str]] | None = None
    for line in turned(lines):
        text = _head(line)
        if text is None and line.strip() in printed and not _is_noise(line):
            text = line.strip()
        warning = None if _is_noise(line) else _WARNING.match(line)
        if current and text and not _MARK.match(line) and not current[1] and current[0].level == "fail":
            current[1].append(text)  # the error itself, below the mark that announces it
        elif text is not None or (warning and not _MORE_WARNING.match(line)):
            if current:
                yield current
            current = (Entry("warn", warning["text"]) if warning else Entry("fail", text or ""), [])
        elif current and not _NEXT_MESSAGE.match(line) and len(current[1]) < MORE_LINES:
            current[1].append(warning["text"] if warning else line)
        elif current:
            yield current
            current = None
    if current:
        yield current


def _entry(head: Entry, more: list[str], locate: Callable[[str], str]) -> Entry:
    text, detail = _SEE_ALSO.sub("", head.text).strip(), ""
    rest = [line.strip() for line in more if line.strip()]
    position = locate(text)
    if rest and _ONLY_PLACE.fullmatch(text):
        text = rest.pop(0)
    elif rest and (_THROWN.match(rest[0]) or head.level == "warn"):
        detail = _THE_WORD_ERROR.sub("", rest[0], count=1)
    position = position or next(filter(None, map(locate, rest)), "")
    return replace(head, text=_THE_WORD_ERROR.sub("", text, count=1).rstrip(":"), detail=detail, position=position)
