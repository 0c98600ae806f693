"""What a database's catalog says at one moment, object by object, to be compared with what it says at another one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from infracheck.clients.pgquestions import QUERIES
from infracheck.project.ddl.scope import bookkeeping, provided
from infracheck.secret import clean

Row = dict[str, Any]
Ask = Callable[[Sequence[str]], list[list[Row]]]
Key = tuple[str, str]  # kind and subject: ("column", "public.users.role")
State = Literal["APPEARED", "VANISHED", "CHANGED", "REPLACED"]

LENGTH: Final = 60  # characters of one side of a change
_RELATIONS: Final = {
    **dict.fromkeys("rp", "table"),
    "f": "foreign table",
    "v": "view",
    "m": "materialized view",
    "S": "sequence",
    "c": "composite type",
}
_TYPES: Final = {"e": "enum", "d": "domain", "x": "extension"}
_PLACES: Final = frozenset(
    {"oid", "schema", "relation", "name", "what", "kind", "domain", "target", "parents", "owned"}
)
"""Columns that say which object it is, or that hold numbers of other objects."""


@dataclass(frozen=True, slots=True)
class Part:
    """One object: its number where the catalog gives one, and all that is said of it."""

    owner: str  # the table that it belongs to, empty where it stands for itself
    number: int
    said: dict[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an object between two moments."""

    kind: str
    subject: str
    state: State
    note: str = ""


Fingerprint = dict[Key, Part]


def take(ask: Ask, include: frozenset[str] = frozenset()) -> Fingerprint:
    """Return all objects of the app's own schemas.

    Args:
        ask: runs queries in one transaction, and returns the rows of each.
        include: schemas that are the app's own although hosting brings some of that name.
    """
    return dict(_parts(ask(QUERIES), include))


def changes(before: Fingerprint, after: Fingerprint) -> list[Change]:
    """Return what changed; what belongs to a table that came or went is not told again."""
    found = [*_lost(before, after), *_new_or_changed(before, after)]
    whole = {one.subject for one in found if one.state in {"APPEARED", "VANISHED"}}
    return [
        one for one in found if (after.get((one.kind, one.subject)) or before[one.kind, one.subject]).owner not in whole
    ]


def _lost(before: Fingerprint, after: Fingerprint) -> Iterator[Change]:
    yield from (Change(kind, subject, "VANISHED") for kind, subject in before if (kind, subject) not in after)


def _new_or_changed(before: Fingerprint, after: Fingerprint) -> Iterator[Change]:
    for key, now in after.items():
        was = before.get(key)
        if was is None:
            yield Change(*key, "APPEARED")
        elif was.number != now.number:
            yield Change(*key, "REPLACED", "dropped, with what it held, and made anew")
        elif was.said != now.said:
            names = [name for name in now.said if now.said[name] != was.said.get(name)]
            sides = ", ".join(f"{name} {_short(was.said.get(name, ''))} → {_short(now.said[name])}" for name in names)
            yield Change(*key, "CHANGED", sides)


def _short(text: str) -> str:
    return clean(" ".join(text.split()), LENGTH) or "none"


def _parts(answers: list[list[Row]], include: frozenset[str]) -> Iterator[tuple[Key, Part]]:
    relations, columns, constraints, indexes, types, functions, rules = answers

    def own(row: Row) -> bool:
        named = (row["schema"], row["name"])
        return (not provided(row["schema"]) or row["schema"] in include) and not bookkeeping(named)

    names: dict[int, str] = {}
    for row in filter(own, relations):
        names[row["oid"]] = f"{row['schema']}.{row['name']}"
        if not row["owned"]:  # a sequence that belongs to a column comes and goes with it
            yield (_RELATIONS[row["kind"]], names[row["oid"]]), Part("", row["oid"], _said(row))
    for row in filter(own, types):
        names[row["oid"]] = row["name"] if row["kind"] == "x" else f"{row['schema']}.{row['name']}"
        yield (_TYPES[row["kind"]], names[row["oid"]]), Part("", row["oid"], _said(row))
    for kind, rows in (("column", columns), ("constraint", constraints), ("index", indexes)):
        for row in rows:
            if owner := names.get(row["oid"] or row["domain"]):
                subject = f"{row['schema']}.{row['name']}" if kind == "index" else f"{owner}.{row['name']}"
                yield (kind, subject), Part(owner, 0, _said(row))
    for row in filter(own, functions):
        subject = f"{row['schema']}.{row['name']}({', '.join(row['arguments'])})"
        yield ("function", subject), Part("", 0, _said(row))
    for row in rules:
        owner = f"{row['schema']}.{row['relation']}"
        yield (row["what"], f"{owner}.{row['name']}"), Part(owner, 0, _said(row))


def _said(row: Row) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items() if name not in _PLACES}
