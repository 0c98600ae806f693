"""One env file, read in the dialect of the app: its assignments with line, value and comments."""

import io
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from infracheck.errors import UsageError
from infracheck.project import dotenv_next
from infracheck.project.dotenv_entry import Assignment, Problem
from infracheck.project.dotenv_problems import problems
from infracheck.secret import Secret

Dialect = Literal["next", "python"]
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_BARE: Final = re.compile(r"(?:export\s+)?([A-Z_][A-Z0-9_]*)\s*(?:#.*)?")
_ASSIGNMENT: Final = re.compile(rf"\s*(?:export\s+)?({_NAME})\s*=\s*(.*)")
_NEWLINE: Final = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment of an env file."""

    key: str
    value: Secret
    line: int  # 1-based
    comment: str | None = None  # of an example: what marks the variable optional
    assigned: bool = True  # False for a bare name without `=`, which sets nothing

    @property
    def optional(self) -> bool:
        return self.comment is not None


@dataclass(frozen=True)
class EnvFile:
    """An env file as it is on disk and as its dialect reads it; values before expansion."""

    path: Path
    data: bytes = field(repr=False)
    entries: tuple[Entry, ...]
    assignments: tuple[Assignment, ...]  # as Next.js reads it, whatever the dialect

    @property
    def lines(self) -> list[str]:
        return _NEWLINE.split(dotenv_next.decode(self.data).removeprefix("\ufeff"))

    @property
    def problems(self) -> list[Problem]:
        return problems(self.data, self.assignments)

    @property
    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """Yield every form in which a value of this file could be quoted: as written, and as read."""
        for entry in self.entries:
            yield entry.key, entry.value
        for one in self.assignments:
            yield one.key, Secret(one.value)
            yield one.key, Secret(one.raw.strip("'\"` "))


def read(path: Path, dialect: Dialect = "next") -> EnvFile:
    """Read an env file; of a key that is assigned twice both entries are returned, in order.

    Raises:
        UsageError: the file cannot be opened, or is not UTF-8 text where the dialect needs it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}", hint="check the file's permissions") from None
    assignments = tuple(dotenv_next.parse(dotenv_next.decode(data)))
    entries = _next_entries(data, assignments) if dialect == "next" else _python_entries(path, data)
    return EnvFile(path, data, tuple(entries), assignments)


def _next_entries(data: bytes, assignments: Sequence[Assignment]) -> Iterator[Entry]:
    """Yield the assignments, and the bare names of an example among them, by line."""
    found = [Entry(one.key, Secret(one.value), one.line) for one in assignments]
    taken = {line for one in assignments for line in range(one.line, one.end_line + 1)}
    for number, line in enumerate(dotenv_next.decode(data).split("\n"), 1):
        if number not in taken and (bare := _BARE.fullmatch(line.strip())):
            found.append(Entry(bare[1], Secret(""), number, assigned=False))
    yield from sorted(found, key=lambda entry: entry.line)


def _python_entries(path: Path, data: bytes) -> Iterator[Entry]:
    from dotenv.parser import parse_stream

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is not UTF-8 text", hint=f"save {path.name} as UTF-8; nothing was run") from None
    ends = [match.start() for match in _NEWLINE.finditer(text)]
    position = 0  # the library's own line numbers count the white space before, and may count `\r\n` twice
    for binding in parse_stream(io.StringIO(text, newline="")):
        original = binding.original.string
        line = bisect_left(ends, position + len(original) - len(original.lstrip())) + 1
        position += len(original)
        if binding.error:
            yield from _unreadable(original.lstrip(), line)
        elif binding.key and (binding.value is not None or re.fullmatch(r"[A-Z_][A-Z0-9_]*", binding.key)):
            yield Entry(binding.key, Secret(binding.value or ""), line, None, binding.value is not None)


def _unreadable(original: str, start: int) -> Iterator[Entry]:
    # A quote that is never closed swallows the lines after it here, but not in Node's readers.
    for line, text in enumerate(_NEWLINE.split(original), start):
        if match := _ASSIGNMENT.match(text):
            yield Entry(match[1], Secret(match[2].strip()), line)
