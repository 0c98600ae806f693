"""Reads SQL files as psql would: statement by statement, the included ones in their place."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from infracheck.errors import ClientError
from infracheck.project.ddl import plain, tree
from infracheck.project.ddl.piece import Note, Place

_BEFORE_STATEMENT: Final = re.compile(rb"(?:\s|--[^\n]*|/\*.*?\*/)*", re.DOTALL)
_CHUNK: Final = 400  # statements parsed at once, so that a huge file's trees never stand in memory together
_LARGE: Final = 200_000  # characters from which that is worth while
_ENDINGS: Final = {".sql", ".psql", ".pgsql", ".ddl", ".dump"}
_DEEPEST: Final = 20  # includes within includes; more is a circle


@dataclass(slots=True)
class Source:
    """The plain SQL of one file, as UTF-8: trees count their places in bytes."""

    name: str
    data: bytes
    ends: list[int]

    @classmethod
    def of(cls, name: str, text: str) -> "Source":
        data = text.encode()
        return cls(name, data, [found.start() for found in re.finditer(b"\n", data)])

    def place(self, start: int, end: int | None = None) -> Place:
        """Return where a clause begins; without `end` it reaches to the comma, bracket or semicolon that closes it."""
        return Place(self.name, bisect_left(self.ends, start) + 1, partial(self.clause, start, end))

    def clause(self, start: int, end: int | None) -> str:
        text = self.data[start : end if end is not None else start + 4000].decode(errors="replace")
        text = text if end is not None else text[: _clause_end(text)]
        return " ".join(plain.COMMENTS.sub(" ", text).split()).rstrip(",; ")


@dataclass(slots=True)
class Statement:
    kind: str  # "CreateStmt"
    node: dict[str, Any]
    source: Source
    base: int  # what a location in the tree is counted from
    start: int
    end: int

    @property
    def place(self) -> Place:
        return self.source.place(self.start, self.end)

    def at(self, node: dict[str, Any]) -> Place:
        """Return the place of a node of the tree."""
        return self.source.place(self.base + node.get("location", 0))


class Reader:
    """Reads files one after the other; `notes` collects what psql would do beyond SQL."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def statements(self, path: Path, name: str, depth: int = 0) -> Iterator[Statement]:
        """Yield the statements of a file, those of included files in their place.

        Args:
            name: the file as reports show it.

        Raises:
            ClientError: it cannot be read, includes what is not there, or is no Postgres SQL; says the line.
        """
        text, commands = plain.without_commands(plain.only_up(plain.without_data(plain.read(path, name))))
        source = Source.of(name, text)
        position = 0
        for command in commands:
            place = source.place(len(text[: command.start].encode()), 0)
            if (found := plain.INCLUDE.match(command.text)) is None:
                self.notes.append(Note(place, plain.what(command)))
                continue
            yield from _parsed(source, text, position, command.start)
            position = command.end
            if depth >= _DEEPEST:
                raise _bad_include(place, "itself, round and round")
            included, shown = _included(path, name, found, place)
            yield from self.statements(included, shown, depth + 1)
        yield from _parsed(source, text, position, len(text))

    def text(self, sql: str, name: str) -> Iterator[Statement]:
        """Yield the statements of a text; `name` stands in their places.

        Raises:
            ClientError: it is no Postgres SQL.
        """
        yield from _parsed(Source.of(name, sql), sql, 0, len(sql))


def _included(path: Path, name: str, command: "re.Match[str]", place: Place) -> tuple[Path, str]:
    # An error quotes the line that it is about: a file that is no SQL could hold anything.
    if Path(command[2]).suffix.lower() not in _ENDINGS:
        raise _bad_include(place, f"{command[2]}, which is no .sql file by its name")
    # psql looks from its own folder for \\i and from the file's folder for \\ir: both are tried.
    relative = command[1] in {"ir", "include_relative"}
    for folder in (path.parent, *([] if relative else path.parent.parents)):
        found = folder / command[2]
        if found.is_file():
            return found, str(Path(name).parent / command[2]) if folder == path.parent else command[2]
    raise _bad_include(place, f"{command[2]}, which is not there")


def _bad_include(place: Place, what: str) -> ClientError:
    return ClientError(f"{place} includes {what}", f"correct the include in {place}, or take it out")


def _parsed(source: Source, text: str, start: int, end: int) -> Iterator[Statement]:
    """Yield the statements of a part of a file."""
    from pglast.parser import ParseError, split

    part = text[start:end]
    base = len(text[:start].encode())
    done = 0
    try:
        slices = list(split(part, with_parser=False, only_slices=True)) if len(part) > _LARGE else []
        for first, last in _bounds(slices, len(part)):
            base += len(part[done:first].encode())
            done = first
            try:
                yield from _chunk(source, part[first:last], base)
            except ParseError:  # the quick splitter cuts bodies of functions that are written without quotes
                yield from _chunk(source, part[first:], base)
                return
    except ParseError as error:
        place = error.args[1] if len(error.args) > 1 else None
        position = len(text[:end].rstrip()) if place is None else start + done + place
        raise _syntax_error(source, text, position, str(error.args[0])) from None


def _bounds(slices: "list[slice]", size: int) -> list[tuple[int, int]]:
    # The last part reaches to the end: the quick splitter leaves out a statement that does not close.
    starts = [slices[index].start for index in range(0, len(slices), _CHUNK)] or [0]
    return list(zip(starts, [*starts[1:], size], strict=True))


def _chunk(source: Source, text: str, base: int) -> Iterator[Statement]:
    size = len(text.encode())
    for raw in tree.parse(text):
        start = base + raw.get("stmt_location", 0)
        found = _BEFORE_STATEMENT.match(source.data, start)
        length = raw.get("stmt_len", 0)
        [(kind, node)] = raw["stmt"].items()
        end = start + length if length else base + size
        yield Statement(kind, node, source, base, found.end() if found else start, end)


def _syntax_error(source: Source, text: str, position: int, said: str) -> ClientError:
    line = text.count("\n", 0, position) + 1
    excerpt = text.split("\n")[line - 1].strip()[:80]
    if dialect := plain.foreign_dialect(text):
        return ClientError(
            f"{source.name}:{line} is SQL for {dialect}, not for Postgres: {excerpt}",
            f"write {source.name} for Postgres, or name the right file in infracheck.toml: [app] schema",
        )
    return ClientError(
        f"{source.name}:{line}: {said}: {excerpt}",
        f"correct {source.name}:{line}, which Postgres's own parser refuses",
    )


_TOKEN: Final = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(\$\w*\$).*?\1|--[^\n]*|/\*.*?\*/|[(\[)\],;]", re.DOTALL
)


def _clause_end(text: str) -> int:
    depth = 0
    for found in _TOKEN.finditer(text):
        match found[0]:
            case "(" | "[":
                depth += 1
            case ")" | "]":
                depth -= 1
                if depth < 0:
                    return found.start()
            case "," | ";" if depth == 0:
                return found.start()
    return len(text)
