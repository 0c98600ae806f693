"""What SQL statements, one after the other, do to the set of tables."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

DEFAULT_SCHEMA: Final = "public"
COMMENTS: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TABLE_DDL: Final = re.compile(
    r"\b(?:create|drop)\s+(?:unlogged\s+|foreign\s+)?table\b"
    r"|\balter\s+table\b[^;]*\b(?:rename\s+to|set\s+schema)\b|\b(?:drop|rename)\s+schema\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Table:
    """One expected table; names are folded as Postgres folds them."""

    schema: str
    name: str
    line: int  # 1-based, of the statement that creates it
    qualified: bool = True  # False: the file leaves the schema to the role's search path

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Note:
    """Something in the file that is not compared."""

    line: int
    text: str


class Effect:
    """The tables that exist after each statement so far."""

    def __init__(self) -> None:
        self.tables: dict[tuple[str, str], Table] = {}
        self.notes: list[Note] = []
        self._path: str | None = None  # where unqualified names go; None: as the role has it
        self._before: dict[tuple[str, str], Table] | None = None  # as it was when a transaction began
        self._handlers: dict[str, Callable[[Any, int], None]] = {
            "CreateStmt": self._create,
            "CreateForeignTableStmt": lambda node, line: self._create(node.base, line),
            "CreateTableAsStmt": self._create_as,
            "SelectStmt": self._select,
            "CreateSchemaStmt": self._create_schema,
            "DropStmt": self._drop,
            "RenameStmt": self._rename,
            "AlterObjectSchemaStmt": self._set_schema,
            "AlterTableStmt": self._alter,
            "VariableSetStmt": self._set,
            "TransactionStmt": self._transaction,
            "DoStmt": self._do,
        }

    def apply(self, node: Any, line: int) -> None:
        """Take in one statement: a node of pglast's syntax tree, and the line it begins in."""
        if handler := self._handlers.get(type(node).__name__):
            handler(node, line)

    def _key(self, relation: Any) -> tuple[str, str]:
        return (relation.schemaname or self._path or DEFAULT_SCHEMA, relation.relname)

    def _add(self, relation: Any, line: int) -> None:
        key = self._key(relation)
        temporary = relation.relpersistence == "t" or key[0] == "pg_temp"
        if not temporary and key not in self.tables:
            self.tables[key] = Table(*key, line, qualified=bool(relation.schemaname or self._path))

    def _move(self, old: tuple[str, str], new: tuple[str, str]) -> None:
        if table := self.tables.pop(old, None):
            named = table.qualified or new[0] != old[0]
            self.tables[new] = replace(table, schema=new[0], name=new[1], qualified=named)

    def _create(self, node: Any, line: int) -> None:
        if not node.partbound:  # a partition is the database's own affair
            self._add(node.relation, line)

    def _create_as(self, node: Any, line: int) -> None:
        if node.objtype.name == "OBJECT_TABLE":
            self._add(node.into.rel, line)

    def _select(self, node: Any, line: int) -> None:
        if node.intoClause:
            self._add(node.intoClause.rel, line)

    def _create_schema(self, node: Any, line: int) -> None:
        outer, self._path = self._path, node.schemaname
        for element in node.schemaElts or ():
            self.apply(element, line)
        self._path = outer

    def _drop(self, node: Any, _line: int) -> None:
        kind = node.removeType.name
        if kind in {"OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"}:
            for parts in node.objects:
                *schema, name = (part.sval for part in parts)
                self.tables.pop((schema[-1] if schema else self._path or DEFAULT_SCHEMA, name), None)
        elif kind == "OBJECT_SCHEMA":
            gone = {part.sval for part in node.objects}
            self.tables = {key: table for key, table in self.tables.items() if key[0] not in gone}

    def _rename(self, node: Any, _line: int) -> None:
        kind = node.renameType.name
        if kind in {"OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"}:
            old = self._key(node.relation)
            self._move(old, (old[0], node.newname))
        elif kind == "OBJECT_SCHEMA":
            for key in [key for key in self.tables if key[0] == node.subname]:
                self._move(key, (node.newname, key[1]))

    def _set_schema(self, node: Any, _line: int) -> None:
        if node.objectType.name in {"OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"}:
            old = self._key(node.relation)
            self._move(old, (node.newschema, old[1]))

    def _alter(self, node: Any, _line: int) -> None:
        for command in node.cmds:
            if command.subtype.name == "AT_AttachPartition":
                self.tables.pop(self._key(command.def_.name), None)

    def _set(self, node: Any, _line: int) -> None:
        if node.name == "search_path":
            names = [getattr(argument.val, "sval", "") for argument in node.args or ()]
            self._path = next((name for name in names if name and name != "$user"), None)

    def _transaction(self, node: Any, _line: int) -> None:
        match node.kind.name:
            case "TRANS_STMT_BEGIN" | "TRANS_STMT_START":
                self._before = dict(self.tables)
            case "TRANS_STMT_COMMIT":
                self._before = None
            case "TRANS_STMT_ROLLBACK" if self._before is not None:
                self.tables, self._before = self._before, None

    def _do(self, node: Any, line: int) -> None:
        bodies = (argument.arg.sval for argument in node.args if argument.defname == "as")
        if any(_TABLE_DDL.search(COMMENTS.sub("", body)) for body in bodies):
            self.notes.append(Note(line, "a DO block creates, drops or renames tables, which is not read"))
