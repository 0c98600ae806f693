"""Column definitions: type, nullability, default, identity and generation, and the constraints written beside them."""

import re
from dataclasses import replace
from typing import Any, Final

from infracheck.project.ddl import tree, types
from infracheck.project.ddl.constraints import add_constraint
from infracheck.project.ddl.model import Column, Sequence, Table
from infracheck.project.ddl.names import chosen
from infracheck.project.ddl.piece import Place, Sql
from infracheck.project.ddl.source import Statement
from infracheck.project.ddl.state import State

_KEYS: Final = {"CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_CHECK", "CONSTR_FOREIGN"}
_LATER: Final = {
    "CONSTR_ATTR_DEFERRABLE": ("deferrable", True),
    "CONSTR_ATTR_NOT_DEFERRABLE": ("deferrable", False),
    "CONSTR_ATTR_DEFERRED": ("initdeferred", True),
    "CONSTR_ATTR_IMMEDIATE": ("initdeferred", False),
    "CONSTR_ATTR_ENFORCED": ("is_enforced", True),
    "CONSTR_ATTR_NOT_ENFORCED": ("is_enforced", False),
}


def add_column(state: State, table: Table, node: dict[str, Any], statement: Statement) -> Column:
    """Add the column of a ColumnDef node to a table, with all that stands beside it."""
    name = node["colname"]
    type_node = node.get("typeName")
    place = statement.at(node)
    column = Column(name, state.type(type_node) if type_node else None, place=place)
    if table.columns is not None:
        if parent := table.columns.get(name):  # merged with what a parent gives
            column = replace(parent, inherited=False, place=place)
        table.columns[name] = column
    column.collation = collation(node) or column.collation
    if type_node and types.serial(type_node):
        column.serial = column.not_null = True
        own_sequence(state, table, column)
    if raw := node.get("raw_default"):
        set_default(column, raw, place, "")
    constrain(state, table, column, node, statement)
    return column


def collation(node: dict[str, Any]) -> str:
    """Return the collation that a ColumnDef names; "default" is none."""
    name = (tree.strings(node.get("collClause", {}).get("collname")) or [""])[-1]
    return "" if name == "default" else name


def constrain(state: State, table: Table, column: Column, node: dict[str, Any], statement: Statement) -> None:
    """Apply what stands beside a column in its ColumnDef."""
    for one, end in _with_ends(node.get("constraints") or (), statement):
        _apply(state, table, column, one, statement, end)


def _with_ends(constraints: Any, statement: Statement) -> list[tuple[dict[str, Any], int | None]]:
    """Return the constraints with where each ends; what follows as an attribute belongs to the one before."""
    folded: list[dict[str, Any]] = []
    for one in (dict(each["Constraint"]) for each in constraints):
        if (later := _LATER.get(one["contype"])) and folded:
            folded[-1][later[0]] = later[1]
        elif not later:
            folded.append(one)
    starts = [statement.base + one.get("location", 0) for one in folded]
    return list(zip(folded, [*starts[1:], None], strict=True)) if folded else []


def _apply(  # noqa: PLR0917 - one clause, and where it stands
    state: State, table: Table, column: Column, one: dict[str, Any], statement: Statement, end: int | None
) -> None:
    place = statement.source.place(statement.base + one.get("location", 0), end)
    match one["contype"]:
        case "CONSTR_NOTNULL":
            column.not_null = True
        case "CONSTR_DEFAULT":
            set_default(column, one["raw_expr"], place, "DEFAULT")
        case "CONSTR_IDENTITY":
            set_identity(state, table, column, one)
        case "CONSTR_GENERATED":
            column.generated = Sql(parsed=one["raw_expr"], place=place)
            column.virtual = one.get("generated_kind", "s") == "v"
        case kind if kind in _KEYS:
            add_constraint(state, table, one, place, columns=(column.name,))


def set_default(column: Column, node: tree.Tree, place: Place, keyword: str) -> None:
    """Give a column a default; NULL is none."""
    if is_null(node):
        column.default, column.serial = None, False
        return
    column.default = Sql(
        parsed=node, place=place, after=re.compile(rf".*?{keyword}\s+", re.I | re.S) if keyword else None
    )
    column.serial = False


def is_null(node: tree.Tree) -> bool:
    while tree.kind(node) == "TypeCast":
        node = node["TypeCast"]["arg"]
    return tree.kind(node) == "A_Const" and bool(node["A_Const"].get("isnull"))


def set_identity(state: State, table: Table, column: Column, one: dict[str, Any]) -> None:
    column.identity = "a" if one.get("generated_when") == "a" else "d"
    column.not_null = True
    named = tree.options(one.get("options")).get("sequence_name")
    if isinstance(named, dict) and "List" in named:
        name = state.made(tree.strings(named["List"]["items"]))
        state.relations.add(name)
        state.schema.sequences[name] = Sequence(name, {}, owned=True, owner=(table.name, column.name))
        return
    own_sequence(state, table, column)


def own_sequence(state: State, table: Table, column: Column) -> None:
    schema, name = table.name
    sequence = (schema, chosen(name, [column.name], "seq", state.taken(schema)))
    state.relations.add(sequence)
    state.schema.sequences[sequence] = Sequence(sequence, {}, owned=True, owner=(table.name, column.name))
