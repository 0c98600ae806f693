"""Defaults of a type that differ from the one it has."""

from collections.abc import Iterable
from typing import Any

from tests.schemas.mutations_base import literal

_WORDS = ("changed", "other")
_NUMBERS = ("17", "18")
_DOCUMENTS = ('{"changed": 1}', '{"changed": 2}')
LITERALS: dict[str, tuple[str, ...]] = {
    "text": _WORDS,
    "varchar": _WORDS,
    "bpchar": ("c", "d"),
    "citext": _WORDS,
    "int2": _NUMBERS,
    "int4": _NUMBERS,
    "int8": _NUMBERS,
    "numeric": _NUMBERS,
    "float4": _NUMBERS,
    "float8": _NUMBERS,
    "bool": ("true", "false"),
    "date": ("2001-02-03", "2004-05-06"),
    "time": ("01:02:03", "04:05:06"),
    "timestamp": ("2001-02-03 04:05:06", "2004-05-06 01:02:03"),
    "timestamptz": ("2001-02-03 04:05:06+00", "2004-05-06 01:02:03+00"),
    "interval": ("17:00:00", "18:00:00"),
    "uuid": ("00000000-0000-4000-8000-000000000017", "00000000-0000-4000-8000-000000000018"),
    "json": _DOCUMENTS,
    "jsonb": _DOCUMENTS,
    "inet": ("10.1.7.1", "10.1.8.1"),
}
# An empty array may be written in several ways that mean the same; one with an element may not.
_ARRAYS = ("{NULL}", "{NULL,NULL}")


def another_default(base: str, labels: Iterable[str], current: str | None, *, is_array: bool = False) -> str | None:
    """Return a quoted literal of the type that is not the current default; None for a type not known here."""
    candidates = _ARRAYS if is_array else (*labels, *LITERALS.get(base, ()))
    taken = current or ""
    return next((literal(one) for one in candidates if taken != one and f"'{one}'" not in taken), None)


def column_default(column: Any) -> str | None:
    return another_default(column.base, column.labels, column.default, is_array=column.is_array)
