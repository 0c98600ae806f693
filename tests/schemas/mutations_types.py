"""Mutations of columns' types, each to one that really differs."""

import re
from collections.abc import Iterator
from typing import Any

from tests.schemas.mutations_base import Catalog, Mutation, named
from tests.schemas.mutations_tables import alter

_OTHER = {
    "text": "varchar(7)",
    "character varying": "text",
    "smallint": "integer",
    "integer": "bigint",
    "bigint": "integer",
    "numeric": "numeric(12,3)",
    "real": "double precision",
    "double precision": "real",
    "timestamp with time zone": "timestamp without time zone",
    "timestamp without time zone": "timestamp with time zone",
    "json": "jsonb",
    "jsonb": "json",
}
_LENGTH = re.compile(r"(.*)\((\d+)\)")
_PRECISION = re.compile(r"numeric\((\d+),(-?\d+)\)")
_TIME = re.compile(r"(timestamp|time)\(\d+\) (with|without) time zone")


def propose(catalog: Catalog) -> Iterator[Mutation]:
    for row in catalog.columns:
        if row.generated:
            continue
        for action, other in _array(row) if row.is_array else _single(row):
            yield alter(row, action, "type", f"TYPE {other} USING {named(row.column)}::{other}")


def _array(row: Any) -> Iterator[tuple[str, str]]:
    other = another(row.element) or ("text" if row.element != "text" else "varchar(7)")
    yield "change array element", f"{other}[]"


def _single(row: Any) -> Iterator[tuple[str, str]]:
    if row.kind == "e":
        yield "change enum to text", "text"
    elif row.kind == "d":
        yield "change domain to its base type", row.base_type
    elif _PRECISION.fullmatch(row.type):
        yield "change precision", str(another(row.type))
    elif _LENGTH.fullmatch(row.type) or _TIME.fullmatch(row.type):
        yield "change length", str(another(row.type))
    elif row.type.startswith("timestamp"):
        yield "change time zone", _OTHER[row.type]
        yield "change time precision", row.type.replace("timestamp", "timestamp(3)")
    elif row.type in _OTHER:
        yield f"change {row.type}", _OTHER[row.type]
    else:
        yield "change to text", "text"


def another(type_: str) -> str | None:
    """Return a type near to this one; None for a type not known here."""
    if found := _PRECISION.fullmatch(type_):
        return f"numeric({int(found[1]) + 1},{found[2]})"
    if found := _LENGTH.fullmatch(type_):
        return f"{found[1]}({int(found[2]) + 1})"
    if found := _TIME.fullmatch(type_):
        return f"{found[1]} {found[2]} time zone"
    return _OTHER.get(type_)
