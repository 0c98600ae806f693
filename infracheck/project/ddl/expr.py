"""Compares expressions by what they mean: the one that somebody wrote, and the one that Postgres prints."""

from collections import Counter
from typing import Any, Final

from infracheck.project.ddl import literal, tree, types
from infracheck.project.ddl.keys import FROM_JSON, Meaning, meaning

__all__ = ["Meaning", "identical", "meaning", "qualifiers", "same"]

_TEXTS: Final = {"text", "character varying", "character", "bpchar", "name"}  # Postgres leaves out casts between these
_NEVER_IMPLICIT: Final = ("date", "smallint", "boolean", "json", "jsonb", "uuid", "bytea")
_MOMENTS: Final = {"date", "datetime"}


def same(
    declared: tree.Tree, live: tree.Tree, type_: types.Type | None = None, known: Meaning | None = None
) -> bool | None:
    """Tell whether two expressions mean the same; None where that cannot be told from their trees.

    Args:
        type_: what the value is turned into, as the type of a column is for its default.
        known: what the live one means, where that is known already.

    A live expression may cast where the declared one need not: Postgres writes down every cast that it inserts.
    """
    if declared is None or live is None:
        return declared is live
    one, other = _of_type(meaning(declared), type_), _of_type(known or meaning(live), type_)
    compared = _Comparison()
    if compared.close(one.key, other.key):
        casts = _same_casts(one.casts, other.casts)
        return None if casts and compared.unsure else casts
    if _selects(declared) and _selects(live):
        # Stars, aliases and joins come back in other words; another value or function is different all the same.
        return None if _atoms(one.key) == _atoms(other.key) or _has_star(declared) else False
    return False


def identical(declared: tree.Tree, live: tree.Tree) -> bool:
    """Tell whether two expressions that one version of Postgres printed are the same, casts and qualifiers included."""
    if same(declared, live) is not True:
        return False
    return meaning(declared).casts == meaning(live).casts and qualifiers(declared) == qualifiers(live)


def _same_casts(one: Counter[str], other: Counter[str]) -> bool | None:
    """Compare explicit casts; None where Postgres may have left one out, since the value had that type already."""
    if not one and not other:
        return True
    if any(other[name] > one[name] for name in _NEVER_IMPLICIT):
        return False
    missing = one - other
    for name in _TEXTS:
        del missing[name]
    if any(name.startswith(FROM_JSON) or "(" in name for name in missing):
        return False
    return None if missing else True


def _of_type(one: Meaning, type_: types.Type | None) -> Meaning:
    if type_ is None or not (isinstance(one.key, tuple) and one.key and one.key[0] in literal.KINDS):
        return one
    if one.key[0] == "array":
        elements = (literal.cast(element, type_.name, array=False) for element in one.key[1:])
        return Meaning(("array", *elements), one.casts)
    return Meaning(literal.cast(one.key, type_.name, array=type_.array), one.casts)


def qualifiers(node: tree.Tree) -> list[tuple[str, ...]]:
    """Return the columns of an expression with what they are qualified by, in order: what a key leaves out."""
    return [tuple(tree.strings(fields.get("fields"))[-2:]) for kind, fields in tree.walk(node) if kind == "ColumnRef"]


class _Comparison:
    """Compares two keys; `unsure` where only literals differ whose type writes them in its own way."""

    def __init__(self) -> None:
        self.unsure = False

    def close(self, one: Any, other: Any) -> bool:
        if one == other:
            return True
        if isinstance(one, frozenset) and isinstance(other, frozenset):
            return self.sets(one, other)
        if not (isinstance(one, tuple) and isinstance(other, tuple)) or not one or not other:
            return False
        if (one[0] == "text") != (other[0] == "text") and {one[0], other[0]} & literal.KINDS:
            return self.bare(one, other) if one[0] == "text" else self.bare(other, one)
        if one[0] in _MOMENTS and other[0] in _MOMENTS:
            # A moment without a zone is that moment in whatever zone the session had that wrote it.
            return _instant(one) == _instant(other) and None in {one[2], other[2]}
        if one[0] == other[0] == "literal" and one[1] == other[1]:
            self.unsure = True
            return True
        return len(one) == len(other) and all(self.close(a, b) for a, b in zip(one, other, strict=True))

    def bare(self, text: literal.Key, typed: literal.Key) -> bool:
        read = literal.like(text[1], typed)
        return read[0] != "text" and self.close(read, typed)

    def sets(self, one: frozenset[Any], other: frozenset[Any]) -> bool:
        rest = set(other - one)
        if len(one) != len(other):
            return False
        for part in one - other:
            match = next((candidate for candidate in rest if self.close(part, candidate)), None)
            if match is None:
                return False
            rest.discard(match)
        return True


def _instant(key: literal.Key) -> str:
    return str(key[1]) if key[0] == "datetime" else f"{key[1]}T00:00:00"


def _selects(node: tree.Tree) -> bool:
    return any(kind == "SelectStmt" for kind, _ in tree.walk(node))


def _has_star(node: tree.Tree) -> bool:
    return any(kind == "A_Star" for kind, _ in tree.walk(node))


def _atoms(key: Any) -> frozenset[Any]:
    found: set[Any] = set()
    todo = [key]
    while todo:
        one = todo.pop()
        if isinstance(one, tuple | frozenset):
            todo += one
        elif one is not None:
            found.add(one)
    return frozenset(found)
