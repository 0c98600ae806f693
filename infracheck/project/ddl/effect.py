"""What SQL statements, one after the other, do to a schema."""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from infracheck.project.ddl import alter, blocks, drop, objects, rename, tables, tree, usertypes
from infracheck.project.ddl.model import DEFAULT_SCHEMA, Name, Schema
from infracheck.project.ddl.source import Statement
from infracheck.project.ddl.state import State

Handler = Callable[[State, dict[str, Any], Statement], None]
_NOT_COMPARED: Final = {
    "RuleStmt": "a rule",
    "CreateEventTrigStmt": "an event trigger",
    "CreatePublicationStmt": "a publication",
    "CreateStatsStmt": "a statistics object",
    "CreateCastStmt": "a cast",
    "CreateForeignServerStmt": "a foreign server",
    "CreateRangeStmt": "a range type",
    "CreateOpClassStmt": "an operator class",
}


_DEFINED: Final = {
    "OBJECT_AGGREGATE": "an aggregate",
    "OBJECT_OPERATOR": "an operator",
    "OBJECT_COLLATION": "a collation",
    "OBJECT_TYPE": "a base type",
    "OBJECT_TSCONFIGURATION": "a text search configuration",
    "OBJECT_TSDICTIONARY": "a text search dictionary",
}


class _Saved(NamedTuple):
    """How it was when a transaction or a savepoint began."""

    name: str  # of the savepoint; empty for the transaction
    schema: Schema
    relations: set[Name]
    keys: set[Name]

    def again(self) -> "_Saved":
        return _Saved(self.name, self.schema.copy(), set(self.relations), set(self.keys))


class Effect:
    """The schema after each statement so far."""

    def __init__(self, default: str = DEFAULT_SCHEMA) -> None:
        self.state = State(default)
        self._saved: list[_Saved] = []

    @property
    def schema(self) -> Schema:
        return self.state.schema

    def apply_all(self, statements: Iterable[Statement]) -> None:
        for one in statements:
            self.apply(one)

    def apply(self, statement: Statement) -> None:
        """Take in one statement."""
        kind, node = statement.kind, statement.node
        if kind == "TransactionStmt":
            self._transaction(node)
        elif kind == "DoStmt":
            blocks.do(self.state, node, statement, self.apply)
        elif kind == "CreateSchemaStmt":
            self._create_schema(node, statement)
        elif kind in _NOT_COMPARED:
            self.state.note(statement.place, f"{_NOT_COMPARED[kind]} is not compared")
        elif kind == "DefineStmt" and (what := _DEFINED.get(node["kind"])):
            self.state.note(statement.place, f"{what} is not compared")
        elif handler := _HANDLERS.get(kind):
            handler(self.state, node, statement)

    def _create_schema(self, node: dict[str, Any], statement: Statement) -> None:
        outer = self.state.path
        name = node.get("schemaname") or node.get("authrole", {}).get("rolename") or self.state.default
        self.state.schemas.add(name)
        self.state.path = (name,)
        for element in node.get("schemaElts") or ():
            [(kind, inner)] = element.items()
            self.apply(Statement(kind, inner, statement.source, statement.base, statement.start, statement.end))
        self.state.path = outer

    def _transaction(self, node: dict[str, Any]) -> None:
        kind = node.get("kind", "TRANS_STMT_BEGIN").removeprefix("TRANS_STMT_")
        match kind:
            case "BEGIN" | "START":
                self._begin()
            case "SAVEPOINT" if self._saved:
                self._save(node["savepoint_name"])
            case "ROLLBACK_TO" if node["savepoint_name"] in self._names():
                self._restore(len(self._saved) - self._names()[::-1].index(node["savepoint_name"]) - 1)
            case "RELEASE" if node["savepoint_name"] in self._names():
                del self._saved[len(self._saved) - self._names()[::-1].index(node["savepoint_name"]) - 1 :]
            case "COMMIT" | "ROLLBACK" if self._saved:
                if kind == "ROLLBACK":
                    self._restore(0)
                self._saved.clear()
                self.state.path = self.state.session_path
                if node.get("chain"):
                    self._begin()
            case _:
                pass

    def _begin(self) -> None:
        self._saved.clear()
        self.state.session_path = self.state.path
        self._save("")

    def _names(self) -> list[str]:
        return [one.name for one in self._saved]

    def _save(self, name: str) -> None:
        self._saved.append(_Saved(name, self.schema, self.state.relations, self.state.keys).again())

    def _restore(self, turn: int) -> None:
        """Go back to a savepoint, which stays."""
        del self._saved[turn + 1 :]
        _, self.state.schema, self.state.relations, self.state.keys = self._saved[turn].again()


def _alter(state: State, node: dict[str, Any], statement: Statement) -> None:
    if node.get("objtype") == "OBJECT_TYPE":
        usertypes.alter_composite(state, node)
    else:
        alter.alter(state, node, statement)


def _create_as(state: State, node: dict[str, Any], statement: Statement) -> None:
    if node.get("objtype") == "OBJECT_MATVIEW":
        objects.create_materialized(state, node, statement)
    else:
        tables.create_as(state, node, statement)


def _foreign_table(state: State, node: dict[str, Any], statement: Statement) -> None:
    base = node.get("base") or node.get("base_stmt") or node
    tables.create(state, base, statement)
    if table := state.table(base["relation"]):
        table.kind = "f"


def _call(state: State, node: dict[str, Any], statement: Statement) -> None:
    _noted(state, node, statement)


def _select(state: State, node: dict[str, Any], statement: Statement) -> None:
    if "intoClause" in node:
        tables.create_as(state, {"into": node["intoClause"]}, statement)
        return
    for kind, call in tree.walk(node.get("targetList")):
        if kind == "FuncCall" and tree.strings(call.get("funcname"))[-1] == "set_config":
            _set_config(state, call)
    _noted(state, node, statement)


def _noted(state: State, node: dict[str, Any], statement: Statement) -> None:
    """Note the calls of functions that change the schema."""
    for kind, call in tree.walk(node):
        name = tree.strings(call.get("funcname"))[-1] if kind in {"FuncCall", "funccall"} else ""
        if blocks.DDL.search(state.bodies.get(name, "")):
            blocks.note(state, statement, state.bodies[name], f"{name}() changes the schema in a way that is not read")


def _set_config(state: State, call: dict[str, Any]) -> None:
    arguments = [one.get("A_Const", {}) for one in call.get("args", [])]
    name, value = (one.get("sval", {}).get("sval", "") for one in arguments[:2])
    if name == "search_path":
        local = bool(arguments[2].get("boolval", {}).get("boolval"))
        _set_path(state, [part.strip().strip('"') for part in value.split(",")], local=local)


def _set(state: State, node: dict[str, Any], _: Statement) -> None:
    if node.get("name") == "search_path" or node.get("kind") == "VAR_RESET_ALL":
        found = [one.get("A_Const", {}).get("sval", {}).get("sval", "") for one in node.get("args") or ()]
        parts = [part.strip() for text in found for part in ([text] if len(found) > 1 else text.split(","))]
        _set_path(state, parts, local=bool(node.get("is_local")))


def _set_path(state: State, names: list[str], *, local: bool) -> None:
    path = tuple(name for name in names if name and name not in {"$user", "pg_catalog"})
    state.path = path or None
    if not local:
        state.session_path = state.path


_HANDLERS: Final[dict[str, Handler]] = {
    "CreateStmt": tables.create,
    "CreateForeignTableStmt": _foreign_table,
    "CreateTableAsStmt": _create_as,
    "SelectStmt": _select,
    "AlterTableStmt": _alter,
    "DropStmt": drop.drop,
    "RenameStmt": rename.rename,
    "AlterObjectSchemaStmt": rename.set_schema,
    "CreateEnumStmt": usertypes.create_enum,
    "AlterEnumStmt": usertypes.alter_enum,
    "CreateDomainStmt": usertypes.create_domain,
    "AlterDomainStmt": usertypes.alter_domain,
    "CompositeTypeStmt": usertypes.create_composite,
    "CreateSeqStmt": usertypes.create_sequence,
    "AlterSeqStmt": usertypes.alter_sequence,
    "IndexStmt": objects.create_index,
    "ViewStmt": objects.create_view,
    "CreateFunctionStmt": objects.create_function,
    "AlterFunctionStmt": objects.alter_function,
    "CreateTrigStmt": objects.create_trigger,
    "CreatePolicyStmt": objects.create_policy,
    "AlterPolicyStmt": objects.alter_policy,
    "CreateExtensionStmt": objects.create_extension,
    "VariableSetStmt": _set,
    "CallStmt": _call,
}
