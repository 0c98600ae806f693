"""Reads project-state.md and a deploy-check result: the dated entries of the Decisions Log, and the active project.

Only reading happens here. What an entry says of a variable is judged in `statement`, whether it counts in `exemption`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from infracheck.errors import UsageError
from infracheck.project.mdblocks import NUMBER, blocks, section, visible

RESULTS: Final = "experiments/results/deploy-check-*.md"
_LOG: Final = re.compile(rf"{NUMBER}decisions?\s+log\b", re.IGNORECASE)
_ACTIVE: Final = re.compile(rf"{NUMBER}active[ _]project\b", re.IGNORECASE)
_DATE: Final = re.compile(r"(?<![\d-])(\d{4}-\d{2}-\d{2})(?![\d-])")
_NO_ENTRY_DATE: Final = re.compile(
    r"\b(?:until|till|through|by|before|after|since|from|expir\w+|ends?|due|on)\W*$", re.IGNORECASE
)
_HEAD: Final = 90  # characters of an entry in which its own date stands
_REPO_PATH: Final = re.compile(
    r"\brepo[ _-]?path\b[^\w/@\n]*([\w@.~/-]+)|(?<![\w/])((?:apps|packages|services|sites|projects)/[\w.-]+)",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    r"^\W*(?:active[ _]project|(?:product|project|app)?[ _]?name)\b[^\w\n]*?[:|=][^\w\n]*([^|(\n`*]+)",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One statement of the log, of one line or many."""

    date: date | None  # its own, else that of the heading above it; None counts as the oldest
    text: str
    line: int  # 1-based, of its first line
    heading: str = ""  # the nearest one above it


@dataclass(frozen=True, slots=True)
class ActiveProject:
    """The project that the state file says is being worked on."""

    repo_path: str | None
    name: str | None
    line: int  # 1-based


@dataclass(frozen=True, slots=True)
class StateLog:
    """The entries that may exempt, in the order of the file; `file` is how reports name it."""

    entries: tuple[Entry, ...] = ()
    active_project: ActiveProject | None = None
    file: str = "project-state.md"


def read(path: Path, shown: str | None = None) -> StateLog:
    """Read the Decisions Log of a state file, and which project it says is active.

    Raises:
        UsageError: the file cannot be read.
    """
    return parse(text_of(path), shown or path.name)


def read_result(path: Path, shown: str | None = None) -> StateLog:
    """Read a deploy-check result: every section counts, and the date at its top holds for undated entries.

    Raises:
        UsageError: the file cannot be read.
    """
    return parse_result(text_of(path), shown or path.name)


def parse(text: str, shown: str = "project-state.md") -> StateLog:
    """Return the entries of the sections whose heading begins with "Decisions Log"."""
    lines = visible(text)
    return StateLog(tuple(_entries(section(lines, _LOG))), _active(lines), shown)


def parse_result(text: str, shown: str) -> StateLog:
    """Return the entries of a whole file."""
    lines = visible(text)
    top = next((found for line in lines[:15] if (found := _date(line))), None)
    return StateLog(tuple(_entries(enumerate(lines, 1), top)), None, shown)


def newest_result(folders: Iterable[Path], pattern: str = RESULTS) -> Path | None:
    """Return the result with the highest number in the first of `folders` that holds one."""
    for folder in folders:
        numbered = ((re.search(r"(\d+)\D*$", path.stem), path) for path in folder.glob(pattern) if path.is_file())
        if found := [(int(number[1]), path) for number, path in numbered if number]:
            return max(found)[1]
    return None


def text_of(path: Path) -> str:
    """Return a file's text; what is no UTF-8 becomes question marks.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}", hint="check the file's permissions") from None


def _entries(numbered: Iterable[tuple[int, str]], top: date | None = None) -> Iterator[Entry]:
    for block in blocks(numbered):
        above = next((found for text in reversed(block.headings) if (found := _date(text))), top)
        yield Entry(_date(block.text) or above, block.text, block.line, block.headings[-1] if block.headings else "")


def _date(text: str) -> date | None:
    """Return the date that an entry begins with; of `2026-04-05 (revised 2026-04-07)` the later one."""
    head = text[:_HEAD]
    found = [match for match in _DATE.finditer(head) if not _NO_ENTRY_DATE.search(head[: match.start()])]
    if not found:
        return None
    revised = re.match(r"[\s*_`]*\(\s*revised\W*(\d{4}-\d{2}-\d{2})", text[found[0].end() :], re.IGNORECASE)
    days = [day for one in (found[0][1], revised[1] if revised else "") if (day := _day(one))]
    return max(days, default=None)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _active(lines: list[str]) -> ActiveProject | None:
    """Return what a heading, a bullet, a table row or a front matter called "Active Project" says."""
    block = list(section(lines, _ACTIVE))
    if not block:
        start = next((n for n, line in enumerate(lines) if _ACTIVE.match(line)), None)
        if start is None:
            return None
        below = lines[start + 1 : start + 12]
        end = next((n for n, line in enumerate(below) if not line.strip() or not line.startswith((" ", "\t", "|"))), 12)
        block = list(enumerate([lines[start], *below[:end]], start + 1))
    text = "\n".join(line for _, line in block)
    path, name = _REPO_PATH.search(text), _NAMED.search(text)
    shown = name[1].strip(" .;—–-") if name and not _REPO_PATH.match(name[1]) else None
    folder = (path[1] or path[2]).strip("/.") if path else None
    return ActiveProject(folder or None, shown or None, block[0][0])
