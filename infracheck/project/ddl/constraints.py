"""Constraints of a table: primary and unique keys, foreign keys, checks and exclusions."""

from dataclasses import replace
from typing import Any, Final

from infracheck.project.ddl import tree
from infracheck.project.ddl.model import Constraint, Contype, Name, Table
from infracheck.project.ddl.names import chosen, of_elements
from infracheck.project.ddl.piece import Place
from infracheck.project.ddl.state import State

_KINDS: Final[dict[str, Contype]] = {
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_CHECK": "check",
    "CONSTR_EXCLUSION": "exclude",
}
_LABELS: Final[dict[Contype, str]] = {
    "primary key": "pkey",
    "unique": "key",
    "foreign key": "fkey",
    "check": "check",
    "exclude": "excl",
}
WITH_INDEX: Final = {"primary key", "unique", "exclude"}


def add_constraint(
    state: State, table: Table, node: dict[str, Any], place: Place, columns: tuple[str, ...] | None = None
) -> None:
    """Add the constraint of a Constraint node to a table.

    Args:
        columns: the column that it is written beside; None for a constraint of the table.
    """
    if node["contype"] == "CONSTR_NOTNULL":
        _not_null(table, tree.strings(node.get("keys")))
        return
    kind = _KINDS.get(node["contype"])
    if kind is None:
        return
    if index := node.get("indexname"):
        node = _with_index(state, table, node, index)
    covered = columns or columns_of(kind, node)
    target = state.found(node["pktable"], state.schema.tables) if kind == "foreign key" else None
    name = node.get("conname") or _chosen(state, table, kind, node, covered)
    made = Constraint(kind, name, covered, node, named="conname" in node, target=target, place=place)
    put(state, table, made)


def put(state: State, table: Table, made: Constraint) -> None:
    """Give a table a constraint that is made already, with what follows from it."""
    table.constraints[made.name] = made
    state.keys.add((table.name[0], made.name))
    if made.kind in WITH_INDEX:
        state.relations.add((table.name[0], made.name))
    if made.kind == "primary key":
        _not_null(table, made.columns)


def inherit(state: State, table: Table, parent: Constraint) -> None:
    """Give a table a constraint of its parent; one of its own of that name stays its own."""
    if parent.name not in table.constraints:
        put(state, table, replace(parent, inherited=True, place=table.place))


def columns_of(kind: Contype, node: dict[str, Any]) -> tuple[str, ...]:
    """Return the columns that a constraint of the table is about."""
    match kind:
        case "check":
            return tuple(sorted(tree.columns(node.get("raw_expr"))))
        case "foreign key":
            return tuple(tree.strings(node.get("fk_attrs")))
        case "exclude":
            return tuple(of_elements([one["List"]["items"][0] for one in node.get("exclusions") or ()]))
        case _:
            return tuple(tree.strings(node.get("keys")))


def _chosen(state: State, table: Table, kind: Contype, node: dict[str, Any], columns: tuple[str, ...]) -> str:
    if kind == "primary key":
        columns = ()
    elif kind == "check":
        used = tree.columns(node.get("raw_expr"))
        columns = tuple(used) if len(used) == 1 else ()
    elif kind in WITH_INDEX:
        columns = (*columns, *tree.strings(node.get("including")))
    schema, name = table.name
    if kind in WITH_INDEX:
        return chosen(name, columns, _LABELS[kind], state.taken(schema, constraint=True))
    return chosen(name, columns, _LABELS[kind], state.taken(schema, constraint=True, relation=False))


def _not_null(table: Table, columns: "tuple[str, ...] | list[str]") -> None:
    for name in columns:
        if table.columns is not None and (column := table.columns.get(name)):
            column.not_null = True


def _with_index(state: State, table: Table, node: dict[str, Any], index: str) -> dict[str, Any]:
    """Return a constraint that takes an index over: its columns are the index's, which is none of its own any more."""
    name: Name = (table.name[0], index)
    found = state.schema.indexes.pop(name, None)
    if found is None or found.tree is None:
        return node
    state.relations.discard(name)
    keys = [{"String": {"sval": one["IndexElem"].get("name", "")}} for one in found.tree.get("indexParams", [])]
    including = [
        {"String": {"sval": one["IndexElem"].get("name", "")}} for one in found.tree.get("indexIncludingParams", [])
    ]
    return {
        "conname": index,
        **node,
        "keys": keys,
        **({"including": including} if including else {}),
        **({"nulls_not_distinct": True} if found.tree.get("nulls_not_distinct") else {}),
    }


def rename_constraint(state: State, table: Table, old: str, new: str) -> None:
    if old in table.constraints:
        table.constraints = {(new if name == old else name): one for name, one in table.constraints.items()}
        table.constraints[new] = replace(table.constraints[new], name=new, named=True)
        state.keys.discard((table.name[0], old))
        state.keys.add((table.name[0], new))
        if (table.name[0], old) in state.relations:
            state.relations.discard((table.name[0], old))
            state.relations.add((table.name[0], new))
