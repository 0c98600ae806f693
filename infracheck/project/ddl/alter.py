"""ALTER TABLE, one command after the other."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from infracheck.project.ddl import tree
from infracheck.project.ddl.columns import add_column, collation, set_default, set_identity
from infracheck.project.ddl.constraints import add_constraint, inherit, put
from infracheck.project.ddl.drop import drop_column, drop_constraint, drop_sequences
from infracheck.project.ddl.model import Column, Table
from infracheck.project.ddl.objects import view_options
from infracheck.project.ddl.piece import Sql
from infracheck.project.ddl.source import Statement
from infracheck.project.ddl.state import State, children

Command = dict[str, Any]


def alter(state: State, node: dict[str, Any], statement: Statement) -> None:
    """Apply an AlterTableStmt; a table that the files do not make is left alone."""
    table = state.table(node["relation"])
    if table is None:
        _alter_other(state, node)
        return
    state.only = not node["relation"].get("inh")
    commands = [each["AlterTableCmd"] for each in node.get("cmds") or ()]
    for command in sorted(commands, key=_turn):
        if handler := _COMMANDS.get(command["subtype"]):
            handler(state, table, command, statement)
    state.only = False


def _turn(command: Command) -> int:
    """Return when a command has its turn: whatever the order of writing, Postgres drops first and adds keys last."""
    kind = command["subtype"]
    if kind.startswith("AT_Drop") or (kind == "AT_ColumnDefault" and "def" not in command):
        return 0
    return {"AT_AlterColumnType": 1, "AT_AddColumn": 2, "AT_SetExpression": 3}.get(kind, 4)


def _alter_other(state: State, node: dict[str, Any]) -> None:
    # Views take some of these commands, too.
    view = state.schema.views.get(state.found(node["relation"], state.schema.views))
    for each in node.get("cmds") or () if view else ():
        command = each["AlterTableCmd"]
        items = command.get("def", {}).get("List", {}).get("items", [])
        if view and command["subtype"] in {"AT_SetRelOptions", "AT_ReplaceRelOptions"}:
            view.options |= view_options(items)
        elif view and command["subtype"] == "AT_ResetRelOptions":
            for key in tree.options(items):
                view.options.pop(key, None)


def _add_column(state: State, table: Table, command: Command, statement: Statement) -> None:
    node = command["def"]["ColumnDef"]
    if table.columns is not None and node["colname"] in table.columns:
        return
    add_column(state, table, node, statement)
    for child in children(state, table.name):
        if child.columns is not None and table.columns is not None and node["colname"] not in child.columns:
            add_column(state, child, {**node, "constraints": _inherited(node)}, statement).inherited = True


def _inherited(node: dict[str, Any]) -> list[Any]:
    kept = {"CONSTR_NOTNULL", "CONSTR_DEFAULT", "CONSTR_GENERATED", "CONSTR_CHECK"}
    return [one for one in node.get("constraints") or () if one["Constraint"]["contype"] in kept]


def _drop_column(state: State, table: Table, command: Command, _: Statement) -> None:
    drop_column(state, table, command["name"])
    for child in children(state, table.name):
        if (there := (child.columns or {}).get(command["name"])) and there.inherited:
            drop_column(state, child, command["name"])


def _change_type(state: State, table: Table, command: Command, statement: Statement) -> None:
    node = command["def"]["ColumnDef"]
    for column in _columns(state, table, command):
        column.type = state.type(node["typeName"])
        column.collation = collation(node)
        column.place = statement.place


def _set_default(state: State, table: Table, command: Command, statement: Statement) -> None:
    for column in _columns(state, table, command):
        if raw := command.get("def"):
            set_default(column, raw, statement.place, r"\bSET\s+DEFAULT")
        else:
            column.default, column.serial = None, False


def _nullable(*, not_null: bool) -> Callable[[State, Table, Command, Statement], None]:
    def handler(state: State, table: Table, command: Command, _: Statement) -> None:
        for column in _columns(state, table, command):
            column.not_null = not_null

    return handler


def _add_constraint(state: State, table: Table, command: Command, statement: Statement) -> None:
    node = command["def"]["Constraint"]
    place = statement.source.place(statement.base + node.get("location", 0), None)
    add_constraint(state, table, node, place)
    if node["contype"] == "CONSTR_CHECK" and not node.get("is_no_inherit"):
        for child in children(state, table.name):
            if node.get("conname") not in child.constraints:
                inherit(state, child, table.constraints[node.get("conname") or list(table.constraints)[-1]])


def _drop_constraint(state: State, table: Table, command: Command, _: Statement) -> None:
    drop_constraint(state, table, command["name"])
    for child in children(state, table.name):
        if (there := child.constraints.get(command["name"])) and there.inherited:
            drop_constraint(state, child, command["name"])


def _alter_constraint(_: State, table: Table, command: Command, __: Statement) -> None:
    node = (command.get("def") or {}).get("ATAlterConstraint") or (command.get("def") or {}).get("Constraint") or {}
    made = table.constraints.get(node.get("conname", ""))
    if made is not None and made.tree is not None:
        changed: dict[str, bool] = {}
        if node.get("alterDeferrability", "conname" in node and "alterEnforceability" not in node):
            changed |= {key: bool(node.get(key)) for key in ("deferrable", "initdeferred")}
        if node.get("alterEnforceability"):
            changed["is_enforced"] = bool(node.get("is_enforced"))
        made.tree = {**made.tree, **changed}


def _add_identity(state: State, table: Table, command: Command, _: Statement) -> None:
    if column := _column(table, command):
        set_identity(state, table, column, command["def"]["Constraint"])


def _set_identity(_: State, table: Table, command: Command, __: Statement) -> None:
    found = tree.options(command.get("def", {}).get("List", {}).get("items")).get("generated")
    if (column := _column(table, command)) and isinstance(found, dict):
        column.identity = "a" if found["Integer"].get("ival") == ord("a") else "d"


def _drop_identity(state: State, table: Table, command: Command, _: Statement) -> None:
    if column := _column(table, command):
        column.identity = ""
        drop_sequences(state, table.name, column.name)


def _set_expression(_: State, table: Table, command: Command, __: Statement) -> None:
    if column := _column(table, command):
        column.generated = Sql(parsed=command["def"])


def _drop_expression(_: State, table: Table, command: Command, __: Statement) -> None:
    if column := _column(table, command):
        column.generated, column.virtual = None, False


def _row_security(name: str, *, value: bool) -> Callable[[State, Table, Command, Statement], None]:
    def handler(_: State, table: Table, __: Command, ___: Statement) -> None:
        setattr(table, name, value)

    return handler


def _trigger(*, enabled: bool) -> Callable[[State, Table, Command, Statement], None]:
    def handler(_: State, table: Table, command: Command, __: Statement) -> None:
        for trigger in table.triggers.values():
            if command.get("name") in {None, trigger.name}:
                trigger.enabled = enabled

    return handler


def _attach(state: State, table: Table, command: Command, _: Statement) -> None:
    partition = state.table(command["def"]["PartitionCmd"]["name"])
    if partition is not None:
        partition.partition_of = table.name


def _detach(state: State, table: Table, command: Command, __: Statement) -> None:
    partition = state.table(command["def"]["PartitionCmd"]["name"])
    if partition is not None:
        partition.partition_of, partition.parents = None, ()
        _keep_keys(state, table, partition)


def _keep_keys(state: State, parent: Table, partition: Table) -> None:
    """Give a partition that stands alone now what it had through its parent."""
    for one in parent.constraints.values():
        alike = any(two.kind == one.kind and two.columns == one.columns for two in partition.constraints.values())
        if not alike:
            label = "pkey" if one.kind == "primary key" else f"{'_'.join(one.columns)}_{one.kind.split()[0]}"
            put(state, partition, replace(one, name=f"{partition.name[1]}_{label}", named=False))
    for index in [one for one in state.schema.indexes.values() if one.table == parent.name]:
        name = (partition.name[0], f"{partition.name[1]}_{index.name[1]}")
        state.relations.add(name)
        state.schema.indexes[name] = replace(index, name=name, table=partition.name, named=False)


def _inherit(state: State, table: Table, command: Command, _: Statement) -> None:
    table.parents = (*table.parents, state.found(command["def"]["RangeVar"], state.schema.tables))


def _no_inherit(state: State, table: Table, command: Command, _: Statement) -> None:
    gone = state.found(command["def"]["RangeVar"], state.schema.tables)
    table.parents = tuple(parent for parent in table.parents if parent != gone)


_COMMANDS: Final[dict[str, Callable[[State, Table, Command, Statement], None]]] = {
    "AT_AddColumn": _add_column,
    "AT_DropColumn": _drop_column,
    "AT_AlterColumnType": _change_type,
    "AT_ColumnDefault": _set_default,
    "AT_SetNotNull": _nullable(not_null=True),
    "AT_DropNotNull": _nullable(not_null=False),
    "AT_AddConstraint": _add_constraint,
    "AT_DropConstraint": _drop_constraint,
    "AT_AlterConstraint": _alter_constraint,
    "AT_AddIdentity": _add_identity,
    "AT_SetIdentity": _set_identity,
    "AT_DropIdentity": _drop_identity,
    "AT_SetExpression": _set_expression,
    "AT_DropExpression": _drop_expression,
    "AT_EnableRowSecurity": _row_security("row_security", value=True),
    "AT_DisableRowSecurity": _row_security("row_security", value=False),
    "AT_ForceRowSecurity": _row_security("force_row_security", value=True),
    "AT_NoForceRowSecurity": _row_security("force_row_security", value=False),
    "AT_EnableTrig": _trigger(enabled=True),
    "AT_EnableAlwaysTrig": _trigger(enabled=True),
    "AT_EnableTrigAll": _trigger(enabled=True),
    "AT_EnableTrigUser": _trigger(enabled=True),
    "AT_DisableTrig": _trigger(enabled=False),
    "AT_DisableTrigAll": _trigger(enabled=False),
    "AT_DisableTrigUser": _trigger(enabled=False),
    "AT_AttachPartition": _attach,
    "AT_DetachPartition": _detach,
    "AT_AddInherit": _inherit,
    "AT_DropInherit": _no_inherit,
}


def _columns(state: State, table: Table, command: Command) -> list[Column]:
    """Return the column that a command is about, and those that inherit it."""
    found = (_column(one, command) for one in (table, *children(state, table.name)))
    return [column for column in found if column is not None]


def _column(table: Table, command: Command) -> Column | None:
    return (table.columns or {}).get(command.get("name", ""))
