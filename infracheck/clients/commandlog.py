"""What the output of a build, a type checker, a linter or a test runner says is wrong, with file and line."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infracheck.clients.devlog import DevLog

_FILE: Final = r"(?P<file>[\w.@~/\\\[(][^\s:(]*?(?:\([^\s)]*\)[^\s:(]*?)*\.\w+)"
_LINE: Final = r"(?::(?P<line>\d+)(?::\d+)?|\((?P<line2>\d+)(?:,\d+)?\))"
_COMPILER: Final = re.compile(rf"\s*{_FILE}{_LINE}\s*:?\s*(?:-\s*)?(?:fatal )?[Ee]rror\b:?\s*(?P<text>\S.*)")
_LINTER: Final = re.compile(rf"\s*{_FILE}{_LINE}:\s+(?P<text>[A-Z]+\d+\b.*)")
_PLACE: Final = re.compile(rf"\s*{_FILE}{_LINE}:?\s*")
_BELOW_PLACE: Final = re.compile(r"\s*(?P<text>(?:Type error|\w*Error): \S.*)")
_BELOW_FILE: Final = re.compile(r"\s*(?P<line>\d+):\d+\s+(?:✖\s+)?[Ee]rror:?\s+(?P<text>\S.*)")
_PYTHON: Final = re.compile(r'\s*File "(?P<file>[^"]+)", line (?P<line>\d+)')
_THROWN: Final = re.compile(r"(?P<text>[A-Za-z_][\w.]*(?:Error|Exception)(?:: .*)?)")
_TEST: Final = re.compile(r"\s*(?:FAILED|FAIL|ERROR)\s+(?P<text>(?P<file>[\w./@\[\]-]+\.\w+)(?:\s.*|::.*)?)$")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `where` is file:line, or the file, relative to the app."""

    text: str
    where: str | None = None


def problems(lines: Sequence[str], root: Path, repository: Path) -> list[Problem]:
    """Return what is wrong, each once, in the order of the output; empty where nothing of it can be recognised."""
    files = _Files(root, repository)
    found = list(dict.fromkeys(_named(lines, files)))
    if found:
        return found
    log = DevLog(root, repository)
    for line in lines:
        log.add(line)
    return [Problem(f"{one.text}: {one.detail}" if one.detail else one.text, one.where) for one in log.errors()]


def _named(lines: Sequence[str], files: "_Files") -> Iterator[Problem]:
    """Yield the problems in the forms that compilers, linters and test runners share."""
    above: str | None = None  # the place, or the file, that the line before named for this one
    for line in lines:
        if found := _COMPILER.match(line) or _LINTER.match(line):
            yield Problem(_plain(found["text"]), files.at(found["file"], found["line"] or found["line2"]))
        elif above and (found := _BELOW_PLACE.fullmatch(line) or _THROWN.fullmatch(line)):
            yield Problem(_plain(found["text"]), above)
            above = None
        elif above and (found := _BELOW_FILE.match(line)):
            yield Problem(_plain(found["text"]), f"{above.rpartition(':')[0] or above}:{found['line']}")
            continue
        elif found := _TEST.match(line):
            yield Problem(_plain(found["text"]), files.at(found["file"]))
        above = _next_above(line, above, files.at)


def _next_above(line: str, above: str | None, at: Callable[[str, str | None], str | None]) -> str | None:
    """Return the place that what follows is about."""
    if found := _PLACE.fullmatch(line):
        return at(found["file"], found["line"] or found["line2"])
    if found := _PYTHON.match(line):
        return at(found["file"], found["line"]) or above
    if line.startswith(" ") and above:
        return above  # the source below a frame of a traceback
    name = line.strip().removesuffix(":")
    return at(name, None) if "/" in name or "." in name else None


class _Files:
    """Knows which files are the app's own."""

    def __init__(self, root: Path, repository: Path) -> None:
        self._root, self._repository = root, repository

    def at(self, name: str, line: str | None = None) -> str | None:
        """Return file:line relative to the app, None for a file that is not the app's own."""
        if "node_modules/" in name or " " in name or len(name) > 1000:
            return None
        for base in (self._root, self._repository):
            path = Path(os.path.normpath(base / name))
            if path.is_relative_to(self._repository) and path.is_file():
                shown = os.path.relpath(path, self._root)
                return f"{shown}:{line}" if line else shown
        return None


def _plain(text: str) -> str:
    """Return a message on one line of single spaces: linters align what they say in columns."""
    return " ".join(text.split())
