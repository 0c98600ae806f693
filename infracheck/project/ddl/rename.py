"""ALTER ... RENAME and SET SCHEMA: an object keeps all it has, and whoever speaks of it speaks of the new name."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from infracheck.project.ddl import rewrite, tree
from infracheck.project.ddl.constraints import rename_constraint
from infracheck.project.ddl.model import Column, Name, Table
from infracheck.project.ddl.source import Statement
from infracheck.project.ddl.state import State, children
from infracheck.project.ddl.tree import Tree
from infracheck.project.ddl.types import Type


def rename(state: State, node: dict[str, Any], _: Statement) -> None:
    """Apply a RenameStmt."""
    if handler := _KINDS.get(node["renameType"]):
        handler(state, node)


def set_schema(state: State, node: dict[str, Any], _: Statement) -> None:
    """Apply an AlterObjectSchemaStmt."""
    new = node["newschema"]
    match node["objectType"]:
        case "OBJECT_TABLE" | "OBJECT_FOREIGN_TABLE":
            old = state.found(node["relation"], state.schema.tables)
            move_table(state, old, (new, old[1]))
        case "OBJECT_VIEW" | "OBJECT_MATVIEW":
            old = state.found(node["relation"], state.schema.views)
            _rekey(state, state.schema.views, old, (new, old[1]))
        case "OBJECT_SEQUENCE":
            old = state.found(node["relation"], state.schema.sequences)
            _rekey(state, state.schema.sequences, old, (new, old[1]))
        case "OBJECT_TYPE" | "OBJECT_DOMAIN":
            old = _type_name(state, tree.strings(node["object"]["List"]["items"]))
            _move_type(state, old, (new, old[1]))
        case "OBJECT_FUNCTION" | "OBJECT_PROCEDURE":
            _move_function(state, node["object"]["ObjectWithArgs"], schema=new)
        case _:
            pass


def move_table(state: State, old: Name, new: Name) -> None:
    """Give a table another name or schema."""
    table = state.schema.tables.get(old)
    if table is None or old == new:
        return
    _rekey(state, state.schema.tables, old, new)
    table.qualified = table.qualified or new[0] != old[0]
    _move_owned(state, table, old, new)
    for other in state.schema.tables.values():
        other.parents = tuple(new if parent == old else parent for parent in other.parents)
        other.partition_of = new if other.partition_of == old else other.partition_of
        for constraint in other.constraints.values():
            constraint.target = new if constraint.target == old else constraint.target
    rewrite.rewrite_all(state, rewrite.relation_change(old[1], new[1]))


def _move_owned(state: State, table: Table, old: Name, new: Name) -> None:
    """Take indexes, constraints and sequences along with their table."""
    for index in [one for one in state.schema.indexes.values() if one.table == old]:
        index.table = new
        if new[0] != old[0]:
            _rekey(state, state.schema.indexes, index.name, (new[0], index.name[1]))
    for constraint in table.constraints.values():
        for names in (state.relations, state.keys) if new[0] != old[0] else ():
            if (old[0], constraint.name) in names:
                names.discard((old[0], constraint.name))
                names.add((new[0], constraint.name))
    for sequence in list(state.schema.sequences.values()):
        if sequence.owner and sequence.owner[0] == old:
            sequence.owner = (new, sequence.owner[1])
            if new[0] != old[0]:
                _rekey(state, state.schema.sequences, sequence.name, (new[0], sequence.name[1]))


def _rekey(state: State, place: dict[Name, Any], old: Name, new: Name) -> None:
    """Rename a key and keep its turn, so that objects stay in the order of declaration."""
    if old not in place:
        return
    items = [(new if name == old else name, one) for name, one in place.items()]
    place.clear()
    place.update(items)
    place[new].name = new
    state.relations.discard(old)
    state.relations.add(new)


def _rename_column(state: State, node: dict[str, Any]) -> None:
    if node.get("relationType") == "OBJECT_VIEW":
        return
    if node["renameType"] == "OBJECT_ATTRIBUTE":
        _rename_attribute(state, node)
        return
    table = state.table(node["relation"])
    if table is None or table.columns is None or node["subname"] not in table.columns:
        return
    old, new = node["subname"], node["newname"]
    for one in (table, *children(state, table.name)):
        _rename_in(state, one, old, new)
    for other in state.schema.tables.values():
        for key in other.constraints.values():
            if key.target == table.name and key.tree:
                key.tree = {**key.tree, "pk_attrs": _renamed(key.tree.get("pk_attrs"), old, new)}


def _rename_in(state: State, table: Table, old: str, new: str) -> None:
    columns = list((table.columns or {}).values())
    table.columns = {(new if one.name == old else one.name): one for one in columns}
    table.columns[new].name = new
    for sequence in state.schema.sequences.values():
        if sequence.owner == (table.name, old):
            sequence.owner = (table.name, new)
    rewrite.rewrite_own(state, table, rewrite.column_change(old, new))
    for constraint in table.constraints.values():
        constraint.columns = tuple(new if name == old else name for name in constraint.columns)
        if constraint.tree:
            for key in ("keys", "including", "fk_attrs", "fk_del_set_cols"):
                if key in constraint.tree:
                    constraint.tree = {**constraint.tree, key: _renamed(constraint.tree[key], old, new)}
    for trigger in table.triggers.values():
        if trigger.tree and "columns" in trigger.tree:
            trigger.tree = {**trigger.tree, "columns": _renamed(trigger.tree["columns"], old, new)}


def _renamed(nodes: Tree, old: str, new: str) -> Tree:
    return [
        {"String": {"sval": new if one["String"].get("sval") == old else one["String"].get("sval")}}
        for one in nodes or ()
    ]


def _rename_attribute(state: State, node: dict[str, Any]) -> None:
    name = state.found(node["relation"], state.schema.composites)
    if made := state.schema.composites.get(name):
        made.attributes = [(node["newname"] if key == node["subname"] else key, one) for key, one in made.attributes]


def _rename_relation(state: State, node: dict[str, Any]) -> None:
    """ALTER TABLE renames views, indexes and sequences as well."""
    schema = state.schema
    old = state.found(node["relation"], schema.tables, schema.views, schema.indexes, schema.sequences)
    new = (old[0], node["newname"])
    if old in schema.tables:
        move_table(state, old, new)
    elif old in schema.views:
        _rekey(state, schema.views, old, new)
        for index in schema.indexes.values():
            index.table = new if index.table == old else index.table
    elif old in schema.indexes:
        _rekey(state, schema.indexes, old, new)
        schema.indexes[new].named = True
    elif old in schema.sequences:
        _rekey(state, schema.sequences, old, new)
        for table in schema.tables.values():
            for column in (table.columns or {}).values():
                _rename_sequence_in(column, old[1], new[1])
    else:
        _rename_key(state, old, node["newname"])


def _rename_sequence_in(column: Column, old: str, new: str) -> None:
    def change(kind: str, node: dict[str, Any]) -> dict[str, Any] | None:
        text = node.get("sval", {}).get("sval", "") if kind == "A_Const" and "sval" in node else ""
        if text.rpartition(".")[2].strip('"') == old:
            return {**node, "sval": {"sval": new}}
        return None

    column.default = rewrite.changed(column.default, change)


def _rename_key(state: State, old: Name, new: str) -> None:
    # An index that belongs to a constraint gives it its name.
    for table in state.schema.tables.values():
        if table.name[0] == old[0] and old[1] in table.constraints:
            rename_constraint(state, table, old[1], new)
            return


def _rename_constraint(state: State, node: dict[str, Any]) -> None:
    if table := state.table(node["relation"]):
        for one in (table, *children(state, table.name)):
            rename_constraint(state, one, node["subname"], node["newname"])


def _rename_schema(state: State, node: dict[str, Any]) -> None:
    old, new = node["subname"], node["newname"]
    schema = state.schema
    for name in [name for name in schema.tables if name[0] == old]:
        move_table(state, name, (new, name[1]))
    places: tuple[dict[Name, Any], ...] = (schema.views, schema.indexes, schema.sequences)
    for place in places:
        for name in [name for name in place if name[0] == old]:
            _rekey(state, place, name, (new, name[1]))
    for name in [name for name in (*schema.enums, *schema.domains, *schema.composites) if name[0] == old]:
        _move_type(state, name, (new, name[1]))
    for key in [key for key in schema.functions if key[0][0] == old]:
        made = schema.functions.pop(key)
        made.name = (new, made.name[1])
        schema.functions[made.name, made.arguments] = made


def _type_name(state: State, parts: list[str]) -> Name:
    return state.lookup(parts, state.schema.enums, state.schema.domains, state.schema.composites)


def _rename_type(state: State, node: dict[str, Any]) -> None:
    old = _type_name(state, tree.strings(node["object"]["List"]["items"]))
    _move_type(state, old, (old[0], node["newname"]))


def _move_type(state: State, old: Name, new: Name) -> None:
    schema = state.schema
    for place in (schema.enums, schema.domains, schema.composites):
        _rekey(state, place, old, new)

    def moved(type_: Type) -> Type:
        return replace(type_, schema=new[0], name=new[1]) if (type_.schema, type_.name) == old else type_

    for table in schema.tables.values():
        for column in (table.columns or {}).values():
            column.type = column.type and moved(column.type)
    for domain in schema.domains.values():
        domain.type = moved(domain.type)
    for composite in schema.composites.values():
        composite.attributes = [(name, moved(one)) for name, one in composite.attributes]
    for key in list(schema.functions):
        made = schema.functions.pop(key)
        made.arguments = tuple(moved(one) for one in made.arguments)
        schema.functions[made.name, made.arguments] = made


def _rename_function(state: State, node: dict[str, Any]) -> None:
    _move_function(state, node["object"]["ObjectWithArgs"], name=node["newname"])


def _move_function(state: State, node: dict[str, Any], *, schema: str = "", name: str = "") -> None:
    functions = state.schema.functions
    old = state.lookup(tree.strings(node["objname"]), {key[0] for key in functions})
    arguments = state.arguments(node)
    for key in [key for key in functions if key[0] == old and (node.get("args_unspecified") or key[1] == arguments)]:
        made = functions.pop(key)
        made.name = (schema or old[0], name or old[1])
        functions[made.name, made.arguments] = made
        rewrite.rewrite_calls(state, old[1], made.name[1])


def _rename_trigger(state: State, node: dict[str, Any]) -> None:
    if (table := state.table(node["relation"])) and node["subname"] in table.triggers:
        made = table.triggers.pop(node["subname"])
        made.name = node["newname"]
        table.triggers[made.name] = made


def _rename_policy(state: State, node: dict[str, Any]) -> None:
    if (table := state.table(node["relation"])) and node["subname"] in table.policies:
        made = table.policies.pop(node["subname"])
        made.name = node["newname"]
        table.policies[made.name] = made


_KINDS: Final[dict[str, Callable[[State, dict[str, Any]], None]]] = {
    "OBJECT_COLUMN": _rename_column,
    "OBJECT_ATTRIBUTE": _rename_column,
    "OBJECT_TABLE": _rename_relation,
    "OBJECT_FOREIGN_TABLE": _rename_relation,
    "OBJECT_VIEW": _rename_relation,
    "OBJECT_MATVIEW": _rename_relation,
    "OBJECT_INDEX": _rename_relation,
    "OBJECT_SEQUENCE": _rename_relation,
    "OBJECT_TABCONSTRAINT": _rename_constraint,
    "OBJECT_SCHEMA": _rename_schema,
    "OBJECT_TYPE": _rename_type,
    "OBJECT_DOMAIN": _rename_type,
    "OBJECT_FUNCTION": _rename_function,
    "OBJECT_PROCEDURE": _rename_function,
    "OBJECT_ROUTINE": _rename_function,
    "OBJECT_TRIGGER": _rename_trigger,
    "OBJECT_POLICY": _rename_policy,
}
