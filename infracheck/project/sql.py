"""The tables that a schema.sql leaves behind, by Postgres's own parser: the net effect of its statements, in order."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infracheck.errors import ClientError
from infracheck.project.ddl import COMMENTS, Effect, Note, Table

__all__ = ["Note", "Schema", "Table", "expected"]

_COPY: Final = re.compile(r"^COPY\s[^;]*?\bFROM\s+STDIN\b[^;]*;[^\n]*\n", re.IGNORECASE | re.MULTILINE)
_INCLUDE: Final = re.compile(r"\\(?:i|ir|include|include_relative)\s+(.+)")
_END_OF_DATA: Final = re.compile(r"^\\\.\r?$", re.MULTILINE)
_SENT: Final = re.compile(r"\\g(exec|set|x)?\b[^\n']*$")
_BEFORE_STATEMENT: Final = re.compile(r"(?:\s|--[^\n]*|/\*.*?\*/)*", re.DOTALL)
_DIALECTS: Final = (
    ("SQLite", re.compile(r"\bAUTOINCREMENT\b|^\s*PRAGMA\b", re.IGNORECASE | re.MULTILINE)),
    ("MySQL", re.compile(r"\bAUTO_INCREMENT\b|\bENGINE\s*=|\bUNSIGNED\b", re.IGNORECASE)),
    ("SQL Server", re.compile(r"\bNVARCHAR\b|\bIDENTITY\s*\(|^\s*GO\s*$|\[dbo\]", re.IGNORECASE | re.MULTILINE)),
    ("MySQL or SQLite (backticks around names)", re.compile(r"`\w+`")),
)


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database is expected to hold once the file has been applied."""

    tables: tuple[Table, ...]
    not_compared: tuple[Note, ...] = ()


def expected(path: Path) -> Schema:
    """Read a schema.sql.

    Raises:
        ClientError: it cannot be read, or is no Postgres SQL; says the line.
    """
    text = _text(path)
    plain, includes = _without_psql(text)
    effect = Effect()
    for statement, line in _statements(path, plain):
        effect.apply(statement, line)
    return Schema(tuple(effect.tables.values()), tuple(sorted((*includes, *effect.notes), key=lambda note: note.line)))


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        why = (error.strerror or "unreadable").lower()
        raise ClientError(f"{path.name} cannot be read: {why}", f"see that {path} is a readable file") from None
    encoding = "UTF-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ClientError(f"{path.name}:{line} is not UTF-8 text", f"save {path.name} as UTF-8") from None
    if encoding == "UTF-16":
        raise ClientError(f"{path.name} is UTF-16 text, which psql cannot apply", f"save {path.name} as UTF-8")
    if "\0" in text:  # the parser would take it for the end
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ClientError(f"{path.name}:{line} holds a NUL character", f"save {path.name} as plain UTF-8 text")
    return text


def _without_psql(text: str) -> tuple[str, list[Note]]:
    """Blank what psql takes for itself: data behind COPY, and its backslash commands. Lines keep their number."""
    plain, position = [], 0
    for copy in _COPY.finditer(text):
        end = _END_OF_DATA.search(text, copy.end())
        if copy.start() >= position and end:  # not in data itself
            plain += [text[position : copy.end()], "\n" * text.count("\n", copy.end(), end.end())]
            position = end.end()
    lines = ("".join(plain) + text[position:]).split("\n")
    notes = []
    for index, line in enumerate(lines):
        if include := _INCLUDE.match(line):
            notes.append(Note(index + 1, f"includes {include[1].strip()}, which is not read"))
        if (sent := _SENT.search(line)) and "--" not in line[: sent.start()]:
            lines[index] = line[: sent.start()] + ";"
            notes += [Note(index + 1, "runs what a query returns, which is not read")] if sent[1] == "exec" else []
        elif line.startswith("\\"):
            lines[index] = ""
    return "\n".join(lines), notes


def _statements(path: Path, text: str) -> Iterator[tuple[Any, int]]:
    """Yield each statement's syntax tree and the line it begins in."""
    from pglast import parse_sql
    from pglast.parser import ParseError

    try:
        parsed = parse_sql(text)
    except ParseError as error:
        raise _syntax_error(path, text, *error.args) from None
    ends = [match.start() for match in re.finditer("\n", text)]
    for raw in parsed:
        start = _BEFORE_STATEMENT.match(text, raw.stmt_location or 0)
        yield raw.stmt, bisect_left(ends, start.end() if start else 0) + 1


def _syntax_error(path: Path, text: str, said: str, location: int | None = None) -> ClientError:
    position = len(text.rstrip()) if location is None else location
    line = text.count("\n", 0, position) + 1
    excerpt = text.split("\n")[line - 1].strip()[:80]
    bare = COMMENTS.sub("", text)
    if dialect := next((name for name, pattern in _DIALECTS if pattern.search(bare)), None):
        return ClientError(
            f"{path.name}:{line} is SQL for {dialect}, not for Postgres: {excerpt}",
            f"write {path.name} for Postgres, or name the right file in infracheck.toml: [app] schema",
        )
    return ClientError(
        f"{path.name}:{line}: {said}: {excerpt}", f"correct {path.name}:{line}, which Postgres's own parser refuses"
    )
