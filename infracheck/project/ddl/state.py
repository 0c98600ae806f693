"""The schema as it stands between two statements, and how a name in a statement finds its object."""

from collections.abc import Container
from dataclasses import replace
from typing import Any

from infracheck.project.ddl import types
from infracheck.project.ddl.model import DEFAULT_SCHEMA, Name, Schema, Table
from infracheck.project.ddl.piece import Note, Place
from infracheck.project.ddl.types import Type


class State:
    """What the statements so far have made.

    Attributes:
        default: the schema into which names without one go, unless the file sets a search path.
        path: schemas as the file sets them; None where they are the role's own.
        bodies: what the functions of the file hold, for a call that runs one.
    """

    def __init__(self, default: str = DEFAULT_SCHEMA) -> None:
        self.schema = Schema()
        self.default = default
        self.path: tuple[str, ...] | None = None
        self.session_path: tuple[str, ...] | None = None  # what it is again when the transaction ends
        self.bodies: dict[str, str] = {}
        self.only = False  # the running statement is for one table, not for those that inherit from it
        self.relations: set[Name] = set()  # every name in a schema that an index may not have
        self.keys: set[Name] = set()  # the names of all constraints in a schema
        self.schemas: set[str] = {default, DEFAULT_SCHEMA}  # those that are known to be there

    # -- names

    def new(self, relation: dict[str, Any]) -> Name:
        """Return the name under which a RangeVar is created."""
        return (relation.get("schemaname") or self._first(), relation.get("relname", ""))

    def found(self, relation: dict[str, Any], *places: Container[Name]) -> Name:
        """Return the name of the object that a RangeVar refers to, looked for along the search path."""
        return self.lookup([relation.get("schemaname", ""), relation.get("relname", "")], *places)

    def lookup(self, parts: list[str], *places: Container[Name]) -> Name:
        """Return schema and name of a qualified name; where no place has it, where it would be created."""
        name, schema = parts[-1], parts[-2] if len(parts) > 1 else ""
        if schema:
            return (schema, name)
        path = self.path if self.path is not None else (self.default,)
        for one in path:
            if any((one, name) in place for place in places):
                return (one, name)
        return (self._first(), name)

    def made(self, parts: list[str]) -> Name:
        """Return the name under which an object with these parts is created."""
        return (parts[-2] if len(parts) > 1 else self._first(), parts[-1])

    def qualified(self, relation: dict[str, Any]) -> bool:
        return bool(relation.get("schemaname") or self.path)

    def table(self, relation: dict[str, Any]) -> Table | None:
        return self.schema.tables.get(self.found(relation, self.schema.tables))

    def type(self, node: dict[str, Any]) -> Type:
        """Return the type that the fields of a TypeName node name, in the schema where the file made it."""
        found = types.of(node)
        if found.schema is not None:
            return found
        schema = self.schema
        for one in self.path if self.path is not None else (self.default,):
            key = (one, found.name)
            if key in schema.enums or key in schema.domains or key in schema.composites or key in schema.tables:
                return replace(found, schema=one)
        return found

    def arguments(self, node: dict[str, Any]) -> tuple[Type, ...]:
        """Return the types by which an ObjectWithArgs names a function; modifiers play no part."""
        return tuple(self.type(one["TypeName"]).bare for one in node.get("objargs") or ())

    def taken(self, schema: str, *, relation: bool = True, constraint: bool = False) -> "_Taken":
        """Return the names that a new relation may not have, or a new constraint, or one that is both."""
        return _Taken(self.relations if relation else set(), self.keys if constraint else set(), schema)

    def note(self, place: Place, text: str, words: frozenset[str] = frozenset()) -> None:
        self.schema.notes.append(Note(place, text, words))

    def _first(self) -> str:
        # Postgres passes over schemas that are not there; one that no file makes may still be.
        path = self.path or (self.default,)
        return next((name for name in path if name in self.schemas), path[0])


class _Taken:
    """The names that are in use in one schema."""

    def __init__(self, relations: set[Name], keys: set[Name], schema: str) -> None:
        self._relations, self._keys, self._schema = relations, keys, schema

    def __contains__(self, name: object) -> bool:
        return (self._schema, name) in self._relations or (self._schema, name) in self._keys


def children(state: State, parent: Name) -> list[Table]:
    """Return the tables that inherit from one, directly or not."""
    if state.only:
        return []
    found = [table for table in state.schema.tables.values() if parent in table.parents]
    return found + [below for child in found for below in children(state, child.name)]
