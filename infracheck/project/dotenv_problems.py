"""What is odd about an env file: values that Next.js cuts, and what other readers would read differently."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from infracheck.project.dotenv_entry import Assignment, Cause, Cut, Kind, Problem
from infracheck.project.dotenv_expand import REFERENCE
from infracheck.project.dotenv_next import SPACES, decode

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BARE_KEY: Final = re.compile(r"(?:export\s+)?[A-Za-z_][A-Za-z0-9_.-]*")
_ASSIGNS: Final = re.compile(r"\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*=(?!=*\s*$)")
_CONTROL: Final = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_INVISIBLE: Final = re.compile("[\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u205f-\u2064\u2066-\u2069\u3000\ufeff]")
_SMART: Final = "\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
_QUOTES: Final = "'\"`"
_UNESCAPED: Final = re.compile(rf"(?<!\\){REFERENCE.pattern}", re.ASCII)

_MESSAGES: Final[dict[Kind, str]] = {
    "bare-key": "a name without `=`: nothing is set",
    "bom": "the file begins with a byte order mark: Next.js reads on, `node --env-file` loses the first variable",
    "control": "holds a control character",
    "default-wins": "`${NAME:-default}` gives the default although this file sets NAME: only the process is looked at",
    "hash": "an unquoted `#` ends the value: put it in quotes",
    "invisible": "holds an invisible character or a special space, such as a no-break space",
    "next-line": "takes its value from a line further down",
    "not-read": "not an assignment: the line is not read",
    "not-utf8": "not UTF-8: every invalid byte becomes the character U+FFFD",
    "nul": "holds a NUL byte: the value ends there",
    "odd-key": "a name that shells cannot use",
    "quoted-space": "white space inside the quotes, at the beginning or the end, belongs to the value",
    "smart-quote": "a typographic quote is a part of the value, no quote",
    "swallowed-lines": "the quoted value goes on over lines that look like assignments: is a quote missing?",
    "unclosed-quote": "the quote is never closed, and so is a part of the value",
    "unquoted-lines": "a key block of several lines needs quotes: only its first line is read",
    "utf16": "the file is UTF-16: Next.js finds no variable in it; save it as UTF-8",
}


def problems(data: bytes, assignments: Sequence[Assignment]) -> list[Problem]:
    """Return the oddities of an env file by line.

    Args:
        data: the file as it is on disk.
        assignments: what `dotenv_next.parse` makes of it.
    """
    if _is_utf16(data):
        return [_problem(1, "utf16")]
    text = decode(data)
    found = [*_in_bytes(data, text), *_unread(text, assignments), *_duplicates(assignments)]
    keys = {assignment.key for assignment in assignments}
    lines = text.split("\n")
    for assignment in assignments:
        written = lines[assignment.line - 1 : assignment.end_line]
        found += (_problem(assignment.line, kind) for kind in _of_assignment(assignment, written, keys))
    return sorted(found, key=lambda problem: problem.line)


def cut(assignment: Assignment, expanded: str | None) -> Cut | None:
    """Tell how the value that the app gets differs from what was written; None where it is what was meant.

    A reference that finds something is meant, except within single quotes, which every other reader takes literally.

    Args:
        expanded: the value after expansion; None where Next.js drops the file because of a circular reference.
    """
    literal = assignment.value.replace("\\$", "$")
    written = len(literal) + assignment.lost
    if expanded is None:
        return Cut(written, 0, ("circular",))
    causes: list[Cause] = ["hash"] if assignment.lost else []
    if "\0" in literal:
        causes.append("nul")
    elif _UNESCAPED.search(assignment.value) and expanded != literal:
        if not _all_found(assignment.value, expanded):
            causes.append("dollar")
        elif assignment.quote == "single":
            causes.append("expanded")
    return Cut(written, len(expanded), tuple(causes)) if causes else None


def _all_found(value: str, expanded: str) -> bool:
    """Tell whether every reference of a value can stand for at least one character of the expanded text.

    References that follow each other without anything between count as found when one of them is.
    """
    if "$" in "".join(match["default"] or "" for match in _UNESCAPED.finditer(value)):
        return True  # a default that refers to a variable is no accident
    literals, least, position = [], [], 0
    for match in _UNESCAPED.finditer(value):
        literals.append(value[position : match.start()].replace("\\$", "$"))
        least.append(0 if match["default"] == "" else 1)
        position = match.end()
    # Each literal at the first place that leaves room for the reference before it, the last one at the very end.
    first, *others, last = [*literals, value[position:].replace("\\$", "$")]
    if not expanded.startswith(first):
        return False
    at = len(first)
    for room, literal in zip(least, others, strict=False):
        at = expanded.find(literal, at + room)
        if at < 0:
            return False
        at += len(literal)
    return expanded.endswith(last) and len(expanded) - len(last) >= at + least[-1]


def _problem(line: int, kind: Kind) -> Problem:
    return Problem(line, kind, _MESSAGES[kind])


def _is_utf16(data: bytes) -> bool:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    # Without a mark: ASCII text has a NUL in every other place.
    return len(data) >= 4 and max(data[::2].count(0), data[1::2].count(0)) * 3 > len(data)


def _in_bytes(data: bytes, text: str) -> Iterator[Problem]:
    if text.startswith("\ufeff"):
        yield _problem(1, "bom")
    normalised = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for number, line in enumerate(normalised.split(b"\n"), 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            yield _problem(number, "not-utf8")
    for number, written in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if "\0" in written:
            yield _problem(number, "nul")
        if _CONTROL.search(written):
            yield _problem(number, "control")
        if not written.lstrip(SPACES).startswith("#") and _INVISIBLE.search(written):
            yield _problem(number, "invisible")


def _unread(text: str, assignments: Sequence[Assignment]) -> Iterator[Problem]:
    """Find the lines that are neither blank, nor comments, nor part of an assignment."""
    read = {line for assignment in assignments for line in range(assignment.line, assignment.end_line + 1)}
    for number, line in enumerate(text.split("\n"), 1):
        written = line.strip(SPACES)
        if written and number not in read and not written.startswith("#"):
            yield _problem(number, "bare-key" if _BARE_KEY.fullmatch(written) else "not-read")


def _duplicates(assignments: Sequence[Assignment]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for assignment in assignments:
        if assignment.key in seen:
            message = f"set before in line {seen[assignment.key]}: this one counts"
            yield Problem(assignment.line, "duplicate-key", message)
        seen[assignment.key] = assignment.line


def _of_assignment(assignment: Assignment, written: Sequence[str], keys: set[str]) -> Iterator[Kind]:
    raw, quoted = assignment.raw, assignment.quote != "none"
    if not _NAME.fullmatch(assignment.key):
        yield "odd-key"
    if raw[:1] in tuple(_QUOTES) and raw.count(raw[0]) == 1:
        yield "unclosed-quote"
    elif assignment.lost:
        yield "hash"
    if raw.startswith("-----BEGIN ") and "-----END " not in raw:
        yield "unquoted-lines"
    if quoted and assignment.value != assignment.value.strip(SPACES):
        yield "quoted-space"
    if raw and (raw[0] in _SMART or raw[-1] in _SMART):
        yield "smart-quote"
    if assignment.end_line - assignment.line > raw.count("\n"):
        yield "next-line"
    elif any(_ASSIGNS.match(line) for line in written[1:]):
        yield "swallowed-lines"
    if any(match["default"] and match["name"] in keys for match in _UNESCAPED.finditer(assignment.value)):
        yield "default-wins"
