"""Names of data types, made comparable: `int4`, `integer` and what `format_type` prints are one type."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from infracheck.project.ddl import tree
from infracheck.project.ddl.quote import quoted

_ALIASES: Final = {
    "int2": "smallint",
    "int4": "integer",
    "int": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "varchar": "character varying",
    "varbit": "bit varying",
    "decimal": "numeric",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
}
SERIALS: Final = {
    "serial": "integer",
    "serial4": "integer",
    "bigserial": "bigint",
    "serial8": "bigint",
    "smallserial": "smallint",
    "serial2": "smallint",
}
# Bits of an interval's fields (src/include/utils/datetime.h: MONTH 1, YEAR 2, DAY 3, HOUR 10, MINUTE 11, SECOND 12).
_INTERVALS: Final = {
    1 << 2: "year",
    1 << 1: "month",
    1 << 3: "day",
    1 << 10: "hour",
    1 << 11: "minute",
    1 << 12: "second",
    (1 << 2) | (1 << 1): "year to month",
    (1 << 3) | (1 << 10): "day to hour",
    (1 << 3) | (1 << 10) | (1 << 11): "day to minute",
    (1 << 3) | (1 << 10) | (1 << 11) | (1 << 12): "day to second",
    (1 << 10) | (1 << 11): "hour to minute",
    (1 << 10) | (1 << 11) | (1 << 12): "hour to second",
    (1 << 11) | (1 << 12): "minute to second",
}
_UNQUOTED: Final = re.compile(r"[a-z_][a-z0-9_ ]*")
_ANY_FIELD: Final = 0x7FFF


@dataclass(frozen=True, slots=True)
class Type:
    """A data type: `schema` is None for built-in ones and for those whose schema the SQL leaves open."""

    name: str
    schema: str | None = None
    modifiers: tuple[str, ...] = ()
    array: bool = False
    setof: bool = False

    def __str__(self) -> str:
        """Return the type as SQL, in the words of `format_type`."""
        if self.schema:
            name = f"{quoted(self.schema)}.{quoted(self.name)}"
        else:
            name = self.name if _UNQUOTED.fullmatch(self.name) and self.name != "char" else f'"{self.name}"'
        if self.modifiers:
            head, _, tail = name.partition(" ") if name.startswith(("timestamp", "time ")) else (name, "", "")
            text = f" {self.modifiers[0]}" if name == "interval" and not self.modifiers[0].isdecimal() else ""
            name = f"{head}{text or '(' + ','.join(self.modifiers) + ')'}" + (f" {tail}" if tail else "")
        return f"{'SETOF ' if self.setof else ''}{name}{'[]' if self.array else ''}"

    @property
    def bare(self) -> "Type":
        """The type as arguments of functions have it: without modifiers, which Postgres does not keep there."""
        return replace(self, modifiers=(), name="character" if self.name == "bpchar" else self.name)

    def same(self, other: "Type", *, own: bool) -> bool:
        """Tell whether two types are one.

        Args:
            own: the schema's own file makes the type, so that it matters in which schema it lies. A type that something
                else brings (citext, vector) may lie in any: extensions are installed where the provider puts them.
        """
        if own and self.schema and other.schema and self.schema != other.schema:
            return False
        if self is other:
            return True
        mine = (self.name, self.modifiers, self.array, self.setof)
        return mine == (other.name, other.modifiers, other.array, other.setof)


def of(node: dict[str, Any]) -> Type:
    """Return the type that the fields of a TypeName node name; a serial is the integer type behind it."""
    modifiers = tuple(_modifier(one) for one in node["typmods"]) if "typmods" in node else ()
    return _made(tuple(tree.strings(node.get("names"))), modifiers, "arrayBounds" in node, "setof" in node)


@lru_cache(maxsize=4096)
def _made(names: tuple[str, ...], modifiers: tuple[str, ...], array: bool, setof: bool) -> Type:
    *schema, name = names
    builtin = not schema or schema == ["pg_catalog"]
    if builtin:
        plain = SERIALS.get(name) if not schema else None
        name = plain or _ALIASES.get(name, name)
        if name == "bpchar" and modifiers:
            name = "character"
    return Type(name, None if builtin else schema[-1], _modifiers(name, list(modifiers)), array=array, setof=setof)


def serial(node: dict[str, Any]) -> bool:
    """Tell whether the fields of a TypeName node name one of the serial types, which bring their own sequence."""
    names = tree.strings(node.get("names"))
    return len(names) == 1 and names[0] in SERIALS


@lru_cache(maxsize=4096)
def read(text: str) -> Type:
    """Return the type that a catalog prints as `text`."""
    node = tree.statement(f"SELECT NULL::{text}")
    if node is None:
        return Type(text)
    cast = node["SelectStmt"]["targetList"][0]["ResTarget"]["val"]
    return of(cast["TypeCast"]["typeName"])


def _modifier(node: Any) -> str:
    if "A_Const" in node:
        constant = node["A_Const"]
        if "ival" in constant:
            return str(constant["ival"].get("ival", 0))
        return str(next((value.get(key, "") for key, value in constant.items() if key == "sval"), ""))
    return ".".join(tree.strings(node.get("ColumnRef", {}).get("fields")))


def _modifiers(name: str, found: list[str]) -> tuple[str, ...]:
    """Write modifiers as `format_type` does; drop those that say what goes without saying."""
    if name == "numeric" and len(found) == 1:
        return (found[0], "0")
    if name == "interval" and found:
        fields = _INTERVALS.get(int(found[0]), "") if int(found[0]) != _ANY_FIELD else ""
        digits = f"({found[1]})" if len(found) > 1 else ""
        if fields:
            return (fields + digits,)
        return (found[1],) if len(found) > 1 else ()
    return tuple(found)
