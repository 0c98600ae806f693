"""Changes the trees of whatever speaks of an object that has got another name."""

from collections.abc import Callable
from typing import Any

from infracheck.project.ddl import tree
from infracheck.project.ddl.model import Name, Table
from infracheck.project.ddl.piece import Sql
from infracheck.project.ddl.state import State

Change = Callable[[str, dict[str, Any]], dict[str, Any] | None]


def rewrite_all(state: State, change: Change) -> None:
    """Change the trees of all expressions that may speak of other tables."""
    for table in state.schema.tables.values():
        _rewrite_policies(table, change)
    for view in state.schema.views.values():
        view.query = tree.rewritten(view.query, change)


def _rewrite_policies(table: Table, change: Change) -> None:
    for policy in table.policies.values():
        policy.using = changed(policy.using, change)
        policy.check = changed(policy.check, change)


def changed(sql: Sql | None, change: Change) -> Sql | None:
    return sql and sql.changed(lambda node: tree.rewritten(node, change))


def rewrite_own(state: State, table: Table, change: Change) -> None:
    """Change the trees of everything that belongs to a table."""
    for column in (table.columns or {}).values():
        column.default, column.generated = changed(column.default, change), changed(column.generated, change)
    for constraint in table.constraints.values():
        constraint.tree = tree.rewritten(constraint.tree, change)
    for index in state.schema.indexes.values():
        if index.table == table.name:
            index.tree = tree.rewritten(index.tree, change)
    for trigger in table.triggers.values():
        trigger.tree = tree.rewritten(trigger.tree, change)
    _rewrite_policies(table, change)


def relation_change(old: str, new: str) -> Change:
    def change(kind: str, node: dict[str, Any]) -> dict[str, Any] | None:
        if kind == "RangeVar" and node.get("relname") == old:
            return {**node, "relname": new}
        return None

    return change


def column_change(old: str, new: str) -> Change:
    def change(kind: str, node: dict[str, Any]) -> dict[str, Any] | None:
        if kind == "ColumnRef" and tree.strings(node.get("fields"))[-1:] == [old]:
            return {**node, "fields": [*node["fields"][:-1], {"String": {"sval": new}}]}
        if kind == "IndexElem" and node.get("name") == old:
            return {**node, "name": new}
        return None

    return change


def rewrite_calls(state: State, old: str, new: str) -> None:
    """Let triggers and expressions call a function by its new name."""

    def change(kind: str, node: dict[str, Any]) -> dict[str, Any] | None:
        if kind == "FuncCall" and tree.strings(node.get("funcname"))[-1:] == [old]:
            return {**node, "funcname": [*node["funcname"][:-1], {"String": {"sval": new}}]}
        return None

    for table in state.schema.tables.values():
        rewrite_own(state, table, change)
        for trigger in table.triggers.values():
            if trigger.tree and tree.strings(trigger.tree.get("funcname"))[-1:] == [old]:
                trigger.tree = {**trigger.tree, "funcname": [{"String": {"sval": new}}]}


def rewrite_constants(state: State, enum: Name, old: str, new: str) -> None:
    """Rename a label wherever a table with a column of that enum speaks of it: Postgres stores values, not labels."""

    def change(kind: str, node: dict[str, Any]) -> dict[str, Any] | None:
        if kind == "A_Const" and node.get("sval", {}).get("sval") == old:
            return {**node, "sval": {"sval": new}}
        return None

    for table in state.schema.tables.values():
        types = [column.type for column in (table.columns or {}).values() if column.type]
        if any((one.schema, one.name) == enum for one in types):
            rewrite_own(state, table, change)
