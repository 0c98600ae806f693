"""Names that Postgres chooses where a file gives none, so that a later migration can drop them by name.

The rules are those of `ChooseRelationName`, `ChooseConstraintName` and `makeObjectName` in PostgreSQL's
src/backend/commands/indexcmds.c and src/backend/catalog/pg_constraint.c.
"""

from collections.abc import Container, Iterable
from typing import Final

from infracheck.project.ddl import tree
from infracheck.project.ddl.tree import Tree

LONGEST: Final = 63  # bytes of a name


def chosen(table: str, columns: Iterable[str], label: str, taken: Container[str]) -> str:
    """Return the name for an index or constraint over columns: `notes_owner_idx`, then `notes_owner_idx1`."""
    middle = "_".join(columns)
    number = 0
    while (name := _fitted(table, middle, f"{label}{number or ''}")) in taken:
        number += 1
    return name


def _fitted(first: str, second: str, label: str) -> str:
    """Join the parts, the longer of the first two shortened until all fit."""
    one, two = first.encode(), second.encode()
    room = LONGEST - len(label.encode()) - 1 - (1 if two else 0)
    while len(one) + len(two) > room:
        if len(one) > len(two):
            one = one[:-1]
        else:
            two = two[:-1]
    parts = [part.decode(errors="ignore") for part in (one, two) if part]
    return "_".join([*parts, label])


def of_elements(elements: Tree) -> list[str]:
    """Return the names of an index's elements; an expression is called after its function, else `expr`."""
    found: list[str] = []
    for one in elements or ():
        element = one["IndexElem"]
        name = element.get("name") or _of_expression(element.get("expr")) or "expr"
        base, number = name, 0
        while name in found:
            number += 1
            name = f"{base}{number}"
        found.append(name)
    return found


_CALLED: Final = {
    "CoalesceExpr": "coalesce",
    "A_ArrayExpr": "array",
    "RowExpr": "row",
    "XmlSerialize": "xmlserialize",
}


def _of_expression(node: Tree) -> str | None:
    return _figured(node)[0]


def _figured(node: Tree) -> tuple[str | None, int]:
    """Return a name and how much it is worth, as `FigureColnameInternal` in parse_target.c does."""
    kind = tree.kind(node)
    fields = node[kind] if kind else {}
    match kind:
        case "ColumnRef":
            return (tree.strings(fields.get("fields")) or ["expr"])[-1], 2
        case "A_Indirection":
            named = tree.strings(fields.get("indirection"))
            return (named[-1], 2) if named else _figured(fields.get("arg"))
        case "FuncCall":
            return tree.strings(fields.get("funcname"))[-1], 2
        case "A_Expr" if fields.get("kind") == "AEXPR_NULLIF":
            return "nullif", 2
        case "TypeCast":
            name, worth = _figured(fields["arg"])
            return (name, worth) if worth > 1 else (tree.strings(fields["typeName"]["names"])[-1], 1)
        case "CollateClause":
            return _figured(fields["arg"])
        case "CaseExpr":
            name, worth = _figured(fields.get("defresult"))
            return (name, worth) if worth > 1 else ("case", 1)
        case "MinMaxExpr":
            return ("least" if fields.get("op") == "IS_LEAST" else "greatest"), 2
        case "SQLValueFunction":
            return fields.get("op", "").removeprefix("SVFOP_").removesuffix("_N").lower(), 2
        case _:
            return (_CALLED[kind], 2) if kind in _CALLED else (None, 0)
