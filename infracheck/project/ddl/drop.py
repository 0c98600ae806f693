"""DROP of every kind, and what goes with the dropped object."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from infracheck.project.ddl import tree
from infracheck.project.ddl.constraints import WITH_INDEX
from infracheck.project.ddl.model import Index, Name, Table
from infracheck.project.ddl.piece import Sql
from infracheck.project.ddl.source import Statement
from infracheck.project.ddl.state import State
from infracheck.project.ddl.types import Type


def drop(state: State, node: dict[str, Any], _: Statement) -> None:
    """Apply a DropStmt."""
    handler = _KINDS.get(node["removeType"])
    for one in node.get("objects") or () if handler else ():
        if handler:
            handler(state, one, node)


def drop_table(state: State, name: Name) -> None:
    """Take out a table with its indexes, partitions and sequences, the foreign keys to it and the views on it."""
    table = state.schema.tables.pop(name, None)
    if table is None:
        return
    state.relations.discard(name)
    for constraint in table.constraints.values():
        state.relations.discard((name[0], constraint.name))
        state.keys.discard((name[0], constraint.name))
    drop_sequences(state, name)
    for index in [one for one in state.schema.indexes.values() if one.table == name]:
        drop_index(state, index.name)
    for other in list(state.schema.tables.values()):
        if other.partition_of == name or name in other.parents:
            drop_table(state, other.name)
        for key in [one for one in other.constraints.values() if one.target == name]:
            drop_constraint(state, other, key.name)
    _drop_views_on(state, {name})
    drop_columns_of_type(state, name)


def drop_column(state: State, table: Table, name: str) -> None:
    """Take out a column with all that speaks of it: keys, checks, indexes, generated columns, policies."""
    if table.columns is None or table.columns.pop(name, None) is None:
        return
    drop_sequences(state, table.name, name)
    for constraint in list(table.constraints.values()):
        if name in constraint.columns:
            drop_constraint(state, table, constraint.name)
    for index in [one for one in state.schema.indexes.values() if one.table == table.name]:
        if name in index_columns(index):
            drop_index(state, index.name)
    for column in list(table.columns.values()):
        if column.generated and name in tree.columns(column.generated.tree):
            drop_column(state, table, column.name)
    for policy in list(table.policies.values()):
        if any(sql and name in tree.columns(sql.tree) for sql in (policy.using, policy.check)):
            del table.policies[policy.name]
    _drop_keys_to(state, table.name, name)
    _drop_views_on(state, {table.name}, name)


def _drop_keys_to(state: State, table: Name, column: str) -> None:
    for other in state.schema.tables.values():
        for key in [one for one in other.constraints.values() if one.target == table]:
            if column in tree.strings((key.tree or {}).get("pk_attrs")):
                del other.constraints[key.name]


def drop_sequences(state: State, table: Name, column: str | None = None) -> None:
    """Take out the sequences that belong to a table, or to one of its columns."""
    for sequence in list(state.schema.sequences.values()):
        if sequence.owner and sequence.owner[0] == table and column in {None, sequence.owner[1]}:
            del state.schema.sequences[sequence.name]
            state.relations.discard(sequence.name)


def drop_constraint(state: State, table: Table, name: str) -> None:
    """Take out a constraint; foreign keys that rest on a primary or unique key go with it."""
    gone = table.constraints.pop(name, None)
    state.keys.discard((table.name[0], name))
    if gone is None or gone.kind not in WITH_INDEX:
        return
    state.relations.discard((table.name[0], name))
    for other in state.schema.tables.values():
        for key in [one for one in other.constraints.values() if one.target == table.name]:
            asked = tuple(tree.strings((key.tree or {}).get("pk_attrs")))
            if asked == gone.columns or (not asked and gone.kind == "primary key"):
                other.constraints.pop(key.name, None)


def drop_index(state: State, name: Name) -> None:
    state.schema.indexes.pop(name, None)
    state.relations.discard(name)


def index_columns(index: Index) -> frozenset[str]:
    """Return the columns that an index speaks of, in whatever part of it."""
    node = index.tree or {}
    elements = [one["IndexElem"] for key in ("indexParams", "indexIncludingParams") for one in node.get(key, ())]
    plain = {one["name"] for one in elements if "name" in one}
    return tree.columns([one.get("expr") for one in elements] + [node.get("whereClause")]) | plain


def drop_columns_of_type(state: State, name: Name) -> None:
    for table in state.schema.tables.values():
        for column in list((table.columns or {}).values()):
            if column.type and (column.type.schema, column.type.name) == name:
                drop_column(state, table, column.name)


def _drop_views_on(state: State, gone: Iterable[Name], column: str | None = None) -> None:
    gone = set(gone)
    for view in list(state.schema.views.values()):
        if view.uses & gone and (column is None or column in tree.columns(view.query)):
            _drop_view(state, view.name)


def _drop_view(state: State, name: Name) -> None:
    state.schema.views.pop(name, None)
    state.relations.discard(name)
    for index in [one for one in state.schema.indexes.values() if one.table == name]:
        drop_index(state, index.name)
    _drop_views_on(state, {name})


def _parts(one: Any) -> list[str]:
    return tree.strings(one["List"]["items"]) if "List" in one else tree.strings([one])


def _table(state: State, one: Any, _: dict[str, Any]) -> None:
    drop_table(state, state.lookup(_parts(one), state.schema.tables))


def _view(state: State, one: Any, _: dict[str, Any]) -> None:
    _drop_view(state, state.lookup(_parts(one), state.schema.views))


def _index(state: State, one: Any, _: dict[str, Any]) -> None:
    drop_index(state, state.lookup(_parts(one), state.schema.indexes))


def _sequence(state: State, one: Any, _: dict[str, Any]) -> None:
    name = state.lookup(_parts(one), state.schema.sequences)
    gone = state.schema.sequences.pop(name, None)
    state.relations.discard(name)
    for table in state.schema.tables.values() if gone else ():
        for column in (table.columns or {}).values():
            if column.default and ("nextval", name[1]) == _next_value(column.default):
                column.default = None


def _next_value(default: Sql) -> Any:
    from infracheck.project.ddl import expr

    return expr.meaning(default.tree).key


def _type(state: State, one: Any, _: dict[str, Any]) -> None:
    schema = state.schema
    parts = tree.strings(one["TypeName"]["names"]) if "TypeName" in one else _parts(one)
    name = state.lookup(parts, schema.enums, schema.domains, schema.composites)
    for place in (schema.enums, schema.domains, schema.composites):
        place.pop(name, None)
    drop_columns_of_type(state, name)


def _function(state: State, one: Any, _: dict[str, Any]) -> None:
    node = one["ObjectWithArgs"]
    parts = tree.strings(node["objname"])
    functions = state.schema.functions
    schema, name = state.lookup(parts, {key[0] for key in functions})
    wanted: tuple[Type, ...] | None = None
    if not node.get("args_unspecified"):
        wanted = state.arguments(node)
    for key in [key for key in functions if key[0] == (schema, name) and wanted in {None, key[1]}]:
        del functions[key]
    _drop_callers(state, name)


def _drop_callers(state: State, function: str) -> None:
    for table in state.schema.tables.values():
        _drop_calls(table, function)
        for trigger in list(table.triggers.values()):
            if tree.strings((trigger.tree or {}).get("funcname"))[-1:] == [function]:
                del table.triggers[trigger.name]


def _drop_calls(table: Table, function: str) -> None:
    for column in (table.columns or {}).values():
        if column.default and _calls(column.default.tree, function):
            column.default = None
    for constraint in list(table.constraints.values()):
        if constraint.kind == "check" and _calls(constraint.tree, function):
            del table.constraints[constraint.name]
    for policy in list(table.policies.values()):
        if any(sql and _calls(sql.tree, function) for sql in (policy.using, policy.check)):
            del table.policies[policy.name]


def _calls(node: tree.Tree, function: str) -> bool:
    return any(
        kind == "FuncCall" and tree.strings(fields.get("funcname"))[-1:] == [function]
        for kind, fields in tree.walk(node)
    )


def _trigger(state: State, one: Any, _: dict[str, Any]) -> None:
    *relation, name = _parts(one)
    found = state.lookup(relation, state.schema.tables, state.schema.views)
    if table := state.schema.tables.get(found):
        table.triggers.pop(name, None)
    state.schema.foreign_triggers.pop((found, name), None)


def _policy(state: State, one: Any, _: dict[str, Any]) -> None:
    *relation, name = _parts(one)
    if table := state.schema.tables.get(state.lookup(relation, state.schema.tables)):
        table.policies.pop(name, None)
    state.schema.foreign_policies.pop((state.lookup(relation), name), None)


def _schema(state: State, one: Any, _: dict[str, Any]) -> None:
    gone = one["String"]["sval"]
    schema = state.schema
    for table in [name for name in schema.tables if name[0] == gone]:
        drop_table(state, table)
    for view in [name for name in schema.views if name[0] == gone]:
        _drop_view(state, view)
    for place in (schema.enums, schema.domains, schema.composites):
        for name in [name for name in place if name[0] == gone]:
            place.pop(name)
            drop_columns_of_type(state, name)
    for sequence in [name for name in schema.sequences if name[0] == gone]:
        del schema.sequences[sequence]
        state.relations.discard(sequence)
    for key in [key for key in schema.functions if key[0][0] == gone]:
        del schema.functions[key]
        _drop_callers(state, key[0][1])


def _extension(state: State, one: Any, _: dict[str, Any]) -> None:
    state.schema.extensions.pop(one["String"]["sval"], None)


_KINDS: Final[dict[str, Callable[[State, Any, dict[str, Any]], None]]] = {
    "OBJECT_TABLE": _table,
    "OBJECT_FOREIGN_TABLE": _table,
    "OBJECT_VIEW": _view,
    "OBJECT_MATVIEW": _view,
    "OBJECT_INDEX": _index,
    "OBJECT_SEQUENCE": _sequence,
    "OBJECT_TYPE": _type,
    "OBJECT_DOMAIN": _type,
    "OBJECT_FUNCTION": _function,
    "OBJECT_PROCEDURE": _function,
    "OBJECT_ROUTINE": _function,
    "OBJECT_TRIGGER": _trigger,
    "OBJECT_POLICY": _policy,
    "OBJECT_SCHEMA": _schema,
    "OBJECT_EXTENSION": _extension,
}
