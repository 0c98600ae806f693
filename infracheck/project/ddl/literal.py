"""Constants, made comparable: Postgres stores a literal as its type prints it, not as somebody wrote it."""

import json
import re
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

Key = tuple[Any, ...]
KINDS: Final = frozenset(
    {
        "text",
        "number",
        "boolean",
        "bits",
        "bytes",
        "null",
        "json",
        "interval",
        "date",
        "datetime",
        "time",
        "literal",
        "array",
    }
)
"""What the key of a constant begins with."""
_TRUE: Final = {"t", "true", "y", "yes", "on", "1"}
_FALSE: Final = {"f", "false", "n", "no", "off", "0"}
_NUMBERS: Final = {"smallint", "integer", "bigint", "numeric", "real", "double precision", "money"}
# Types that print a literal in words of their own, which are not worked out here: what differs may still be equal.
_REWRITTEN: Final = frozenset(
    {"inet", "cidr", "macaddr", "macaddr8", "point", "line", "lseg", "box", "path", "polygon", "circle", "tsvector"}
    | {"tsquery", "xml", "hstore", "ltree", "lquery", "cube", "vector", "halfvec", "sparsevec", "geometry", "geography"}
    | {"jsonpath"}
)
_SPAN: Final = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([a-z]+)|([+-]?)(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?", re.IGNORECASE)
_UNITS: Final = {  # unit -> (months, days, seconds)
    "year": (12, 0, 0),
    "yr": (12, 0, 0),
    "y": (12, 0, 0),
    "decade": (120, 0, 0),
    "century": (1200, 0, 0),
    "month": (1, 0, 0),
    "mon": (1, 0, 0),
    "week": (0, 7, 0),
    "w": (0, 7, 0),
    "day": (0, 1, 0),
    "d": (0, 1, 0),
    "hour": (0, 0, 3600),
    "hr": (0, 0, 3600),
    "h": (0, 0, 3600),
    "minute": (0, 0, 60),
    "min": (0, 0, 60),
    "m": (0, 0, 60),
    "second": (0, 0, 1),
    "sec": (0, 0, 1),
    "s": (0, 0, 1),
}


def constant(node: dict[str, Any]) -> Key:
    """Return the key of the fields of an A_Const node."""
    for name in ("ival", "fval"):
        if name in node:
            return number(str(node[name].get(name, 0)))
    if "boolval" in node:
        return ("boolean", bool(node["boolval"].get("boolval")))
    if "sval" in node:
        return ("text", node["sval"].get("sval", ""))
    if "bsval" in node:
        return bits(str(node["bsval"].get("bsval", "")))
    return ("null",)


def bits(text: str) -> Key:
    """Return the key of a bit string, `b101` or `x1F`."""
    digits = text[1:] if text[:1] in {"b", "B", "x", "X"} else text
    if text[:1] in {"x", "X"}:
        digits = "".join(f"{int(digit, 16):04b}" for digit in digits)
    return ("bits", digits)


def number(text: str) -> Key:
    """Return the key of a number: 1, 1.0 and 1e0 are one; text where it is none (`NaN`, `Infinity`)."""
    try:
        value = Decimal(text.replace("_", "").replace("$", "").replace(",", ""))
    except InvalidOperation:
        return ("text", text.strip().lower())
    return ("number", value.normalize()) if value.is_finite() else ("text", text.strip().lower())


def cast(key: Key, type_name: str, *, array: bool) -> Key:
    """Return the key of a constant that is cast to a type."""
    if key[0] == "boolean" and type_name == "text":
        return ("text", "true" if key[1] else "false")
    if key[0] == "number" and type_name in {"text", "character varying", "character", "bpchar"}:
        return ("text", f"{key[1]:f}")
    if key[0] != "text":
        return key
    text = key[1]
    if array:
        return ("array", *_elements(text, type_name)) if text.startswith("{") and text.endswith("}") else key
    return _of_type(text, type_name)


def _of_type(text: str, type_name: str) -> Key:  # noqa: C901 - one case a type
    if type_name in _NUMBERS:
        return number(text)
    match type_name:
        case "boolean":
            word = text.strip().lower()
            return ("boolean", word in _TRUE) if word in _TRUE | _FALSE else ("text", text)
        case "json" | "jsonb":
            return _json(text, binary=type_name == "jsonb")
        case "interval":
            return interval(text)
        case "bit" | "bit varying":
            return bits(text)
        case "regclass" | "regproc" | "regtype":
            return ("text", text.rpartition(".")[2].strip('"'))
        case "uuid":
            return ("text", text.lower())
        case "character" | "bpchar":
            return ("text", text.rstrip(" "))
        case "bytea":
            return ("bytes", text[2:].lower() if text.startswith("\\x") else text.encode().hex())
        case _ if type_name.startswith(("timestamp", "date", "time")):
            return moment(text)
        case _ if type_name.endswith("range") or type_name in _REWRITTEN:
            return ("literal", type_name, re.sub(r"\s", "", text))
        case _:
            return ("text", text)


def like(text: str, other: Key) -> Key:
    """Return the key of a bare literal, read as the type that another key shows: the other side says what is meant."""
    match other[0]:
        case "number":
            return number(text)
        case "boolean":
            return _of_type(text, "boolean")
        case "json":
            return _json(text, binary=True)
        case "interval":
            return interval(text)
        case "bits" | "bytes":
            return _of_type(text, "bit" if other[0] == "bits" else "bytea")
        case "date" | "datetime" | "time":
            return moment(text)
        case "array" if text.startswith("{"):
            return ("array", *_elements(text, "text"))
        case "literal":
            return ("literal", other[1], re.sub(r"\s", "", text))
        case _:
            return ("text", text)


def _json(text: str, *, binary: bool) -> Key:
    if not binary:
        return ("text", text)
    try:
        return ("json", json.dumps(json.loads(text, parse_float=Decimal), sort_keys=True, default=str))
    except ValueError:
        return ("text", text)


def _elements(text: str, type_name: str) -> list[Key]:
    """Return the elements of an array literal of one dimension; the literal itself where it holds anything harder."""
    inner = text[1:-1].strip()
    if not inner:
        return []
    if re.search(r"[{}\\]", inner):
        return [("text", inner)]
    parts = re.findall(r'\s*("(?:[^"])*"|[^,]*?)\s*(?:,|$)', inner)[: inner.count(",") + 1]
    if ",".join(parts).replace(" ", "") != inner.replace(" ", ""):
        return [("text", inner)]
    return [
        ("null",) if part.upper() == "NULL" else _of_type(part[1:-1] if part.startswith('"') else part, type_name)
        for part in parts
    ]


def interval(text: str) -> Key:
    """Return the key of an interval: months, days and seconds, which Postgres keeps apart."""
    words = text.strip().lower()
    back = words.endswith("ago")
    words = words.removesuffix("ago").removeprefix("@").strip()
    months, days, seconds = Decimal(0), Decimal(0), Decimal(0)
    position = 0
    for found in _SPAN.finditer(words):
        if words[position : found.start()].strip():
            return ("text", text)
        position = found.end()
        if found[2]:
            unit = _UNITS.get(found[2]) or _UNITS.get(found[2].removesuffix("s"))
            if unit is None:
                return ("text", text)
            amount = Decimal(found[1])
            months, days, seconds = (
                months + amount * unit[0],
                days + amount * unit[1],
                seconds + amount * unit[2],
            )
        else:
            span = Decimal(found[4]) * 3600 + Decimal(found[5]) * 60 + Decimal(found[6] or 0)
            seconds += -span if found[3] == "-" else span
    if position == 0 or words[position:].strip():
        return ("seconds only", number(words)) if words.isdecimal() else ("text", text)
    sign = -1 if back else 1
    return ("interval", *(((sign * part).normalize() + 0) for part in (months, days, seconds)))


def moment(text: str) -> Key:
    """Return the key of a date or time. A zone is kept apart: without one, the session's own was meant."""
    plain = text.strip()
    if short := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})(.*)", plain, re.DOTALL):
        plain = f"{short[1]}-{int(short[2]):02}-{int(short[3]):02}{short[4]}"
    for kind, read in (
        ("date", date.fromisoformat),
        ("datetime", datetime.fromisoformat),
        ("time", time.fromisoformat),
    ):
        try:
            value = read(_iso(plain))
        except ValueError:
            continue
        if isinstance(value, datetime):
            zone = value.utcoffset()
            naive = value.replace(tzinfo=None)
            if naive.time() == time() and zone is None:
                return ("date", naive.date().isoformat(), None)
            return (kind, naive.isoformat(), str(zone) if zone is not None else None)
        return (kind, value.isoformat(), None)
    return ("text", plain.lower())


def _iso(text: str) -> str:
    return re.sub(r"([+-]\d\d)$", r"\1:00", text) if ":" in text else text
