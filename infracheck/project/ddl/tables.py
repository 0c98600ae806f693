"""CREATE TABLE in all its forms: with columns, like another, from a query, inheriting, as a partition."""

from dataclasses import replace
from typing import Any, Final

from infracheck.project.ddl import names, tree
from infracheck.project.ddl.columns import add_column, constrain, own_sequence
from infracheck.project.ddl.constraints import add_constraint, inherit, rename_constraint
from infracheck.project.ddl.model import Column, Index, Table
from infracheck.project.ddl.piece import Sql
from infracheck.project.ddl.source import Statement
from infracheck.project.ddl.state import State

# Bits of LIKE's options (src/include/nodes/parsenodes.h, TableLikeOption).
_CONSTRAINTS: Final = 1 << 2
_DEFAULTS: Final = 1 << 3
_GENERATED: Final = 1 << 4
_IDENTITY: Final = 1 << 5
_INDEXES: Final = 1 << 6


def create(state: State, node: dict[str, Any], statement: Statement) -> None:
    """Apply a CreateStmt, or the one within a CreateForeignTableStmt."""
    if table := new_table(state, node["relation"], statement):
        table.if_not_exists = bool(node.get("if_not_exists"))
        table.kind = "p" if "partspec" in node else "r"
        table.partition_key = _partition_key(node.get("partspec"))
        parents = [state.found(one["RangeVar"], state.schema.tables) for one in node.get("inhRelations") or ()]
        if "partbound" in node:
            table.partition_of = parents[0]
        table.parents = tuple(parents)
        for parent in parents:
            _inherit(state, table, parent)
        if of_type := node.get("ofTypename"):
            _typed(state, table, of_type)
        _elements(state, table, node.get("tableElts") or (), statement)


def _elements(state: State, table: Table, elements: Any, statement: Statement) -> None:
    later: list[dict[str, Any]] = []
    likes: list[dict[str, Any]] = []
    for element in elements:
        kind, node = tree.kind(element), element[tree.kind(element)]
        if kind == "ColumnDef":
            if node.get("typeName") is None and table.columns and node["colname"] in table.columns:
                constrain(state, table, table.columns[node["colname"]], node, statement)  # a typed table's column
                continue
            add_column(state, table, node, statement)
        elif kind == "Constraint":
            later.append(node)
        elif kind == "TableLikeClause":
            likes.append(node)
            like(state, table, node)
    for node in later:
        add_constraint(state, table, node, statement.at(node))
    _merge_keys(state, table)
    for node in likes:
        _like_keys(state, table, node)


def _merge_keys(state: State, table: Table) -> None:
    """Leave out unique constraints that repeat another key; their name passes to one that has none."""
    keys: dict[tuple[Any, ...], str] = {}
    for one in sorted(table.constraints.values(), key=lambda each: each.kind != "primary key"):
        if one.kind not in {"primary key", "unique"}:
            continue
        node = one.tree or {}
        flags = [node.get(flag) for flag in ("deferrable", "initdeferred", "nulls_not_distinct")]
        first = keys.setdefault((one.columns, str(node.get("including")), *flags), one.name)
        if first == one.name:
            continue
        del table.constraints[one.name]
        state.relations.discard((table.name[0], one.name))
        if one.named and not table.constraints[first].named:
            rename_constraint(state, table, first, one.name)
            keys[one.columns, str(node.get("including")), *flags] = one.name


def new_table(state: State, relation: dict[str, Any], statement: Statement) -> Table | None:
    """Return a new table, None for a temporary one or where one of this name stands already."""
    name = state.new(relation)
    temporary = relation.get("relpersistence") == "t" or name[0] == "pg_temp"
    if temporary or name in state.schema.tables:
        return None
    table = Table(name, qualified=state.qualified(relation), place=statement.place)
    state.schema.tables[name] = table
    state.relations.add(name)
    return table


def create_as(state: State, node: dict[str, Any], statement: Statement) -> None:
    """Apply a CreateTableAsStmt: which columns there are depends on the query, which is not worked out."""
    into = node["into"]
    if table := new_table(state, into["rel"], statement):
        table.columns = None
        table.if_not_exists = bool(node.get("if_not_exists"))


def like(state: State, table: Table, node: dict[str, Any]) -> None:
    """Copy the columns of another table, and the clauses that are asked for."""
    source = state.table(node["relation"])
    if source is None or source.columns is None:
        table.columns = None
        return
    asked = node.get("options", 0)
    for column in source.columns.values():
        if table.columns is not None:
            table.columns[column.name] = _like_column(state, table, column, asked)
    if asked & _CONSTRAINTS:
        for one in source.constraints.values():
            if one.kind == "check":
                table.constraints[one.name] = replace(one, place=table.place)


def _like_column(state: State, table: Table, column: Column, asked: int) -> Column:
    made = Column(column.name, column.type, column.not_null, collation=column.collation, place=table.place)
    if asked & _DEFAULTS and column.generated is None:
        # A serial's copy takes its numbers from the same sequence, whatever its name.
        made.default = Sql("nextval(''::regclass)") if column.serial else column.default
    if asked & _GENERATED and column.generated is not None:
        made.generated, made.virtual = column.generated, column.virtual
    if asked & _IDENTITY and column.identity:
        made.identity = column.identity
        own_sequence(state, table, made)
    return made


def _like_keys(state: State, table: Table, node: dict[str, Any]) -> None:
    source = state.table(node["relation"])
    if source is None or not node.get("options", 0) & _INDEXES:
        return
    for one in list(source.constraints.values()):
        if one.kind in {"primary key", "unique", "exclude"} and one.tree is not None and table.place:
            unnamed = {key: value for key, value in one.tree.items() if key != "conname"}
            columns = one.columns if "keys" not in unnamed else None
            add_constraint(state, table, unnamed, table.place, columns)
    for index in [one for one in state.schema.indexes.values() if one.table == source.name]:
        columns_ = names.of_elements((index.tree or {}).get("indexParams"))
        name = (table.name[0], names.chosen(table.name[1], columns_, "idx", state.taken(table.name[0])))
        state.relations.add(name)
        state.schema.indexes[name] = Index(name, table.name, index.tree, named=False, place=table.place)


def _inherit(state: State, table: Table, parent: tuple[str, str]) -> None:
    source = state.schema.tables.get(parent)
    if source is None or source.columns is None:
        table.columns = None
        return
    for column in source.columns.values():
        if table.columns is not None:
            table.columns[column.name] = replace(column, identity="", inherited=True, place=table.place)
    for one in source.constraints.values():
        if one.kind == "check" and not (one.tree or {}).get("is_no_inherit"):
            inherit(state, table, one)


def _typed(state: State, table: Table, node: dict[str, Any]) -> None:
    found = state.type(node)
    made = state.schema.composites.get((found.schema or "", found.name))
    if made is None:
        table.columns = None
        return
    table.of_type = made.name
    table.columns = {name: Column(name, type_, place=table.place) for name, type_ in made.attributes}


def _partition_key(node: Any) -> str:
    if not node:
        return ""
    parts = [one["PartitionElem"].get("name", "expression") for one in node.get("partParams") or ()]
    return f"{node.get('strategy', '').removeprefix('PARTITION_STRATEGY_').lower()} ({', '.join(parts)})"
