"""What a schema holds: the same shapes for what SQL files declare and for what a database's catalog says.

Names are as Postgres stores them, without quotes. What is not known on one side is None and is not compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from infracheck.project.ddl.piece import Note, Place, Sql
from infracheck.project.ddl.tree import Tree
from infracheck.project.ddl.types import Type

Name = tuple[str, str]
"""Schema and name."""
Contype = Literal["primary key", "unique", "foreign key", "check", "exclude"]
DEFAULT_SCHEMA: Final = "public"


@dataclass(slots=True)
class Column:
    name: str
    type: Type | None
    not_null: bool = False
    default: Sql | None = None
    serial: bool = False  # the default is the next value of a sequence that belongs to the column
    identity: Literal["", "a", "d"] = ""  # GENERATED ALWAYS, BY DEFAULT
    generated: Sql | None = None
    virtual: bool = False
    inherited: bool = False  # from a parent only
    collation: str = ""  # where it is not the type's own
    place: Place | None = None


@dataclass(slots=True)
class Constraint:
    """A constraint of a table; `tree` holds the fields of the parser's Constraint node."""

    kind: Contype
    name: str
    columns: tuple[str, ...]
    tree: dict[str, Any] | None
    named: bool = True  # False: Postgres chose the name
    target: Name | None = None  # the table that a foreign key refers to
    text: str = ""  # as the catalog prints it
    inherited: bool = False
    place: Place | None = None


@dataclass(slots=True)
class Index:
    """An index that belongs to no constraint; `tree` holds the fields of the parser's IndexStmt."""

    name: Name
    table: Name
    tree: dict[str, Any] | None
    named: bool = True
    text: str = ""
    valid: bool = True  # False: building it failed, and Postgres does not use it
    place: Place | None = None


@dataclass(slots=True)
class Trigger:
    name: str
    tree: dict[str, Any] | None
    enabled: bool = True
    text: str = ""
    place: Place | None = None


@dataclass(slots=True)
class Policy:
    name: str
    command: str  # all, select, insert, update, delete
    permissive: bool
    roles: tuple[str, ...]  # sorted; "public" for everybody
    using: Sql | None
    check: Sql | None
    place: Place | None = None


@dataclass(slots=True)
class Table:
    """A table, partitioned table or foreign table; `columns` is None where a query decides them."""

    name: Name
    kind: Literal["r", "p", "f"] = "r"
    columns: dict[str, Column] | None = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    row_security: bool = False
    force_row_security: bool = False
    partition_of: Name | None = None
    parents: tuple[Name, ...] = ()
    partition_key: str = ""
    of_type: Name | None = None  # the composite type whose attributes are the columns
    qualified: bool = True  # False: the file leaves the schema to the role's search path
    if_not_exists: bool = False
    place: Place | None = None

    def __str__(self) -> str:
        return dotted(self.name)


@dataclass(slots=True)
class Enum:
    name: Name
    labels: list[str]
    place: Place | None = None


@dataclass(slots=True)
class Domain:
    name: Name
    type: Type
    not_null: bool = False
    default: Sql | None = None
    checks: list[Sql] = field(default_factory=list)
    check_names: list[str] = field(default_factory=list)
    place: Place | None = None


@dataclass(slots=True)
class Composite:
    name: Name
    attributes: list[tuple[str, Type]]
    place: Place | None = None


@dataclass(slots=True)
class Sequence:
    name: Name
    options: dict[str, int | bool | str]  # type, increment, minimum, maximum, start, cycle: those that are known
    owned: bool = False  # it belongs to a column, with which it is compared
    owner: tuple[Name, str] | None = None  # the table and the column
    place: Place | None = None


@dataclass(slots=True)
class View:
    name: Name
    materialized: bool
    query: Tree
    uses: frozenset[Name] = frozenset()
    options: dict[str, str] = field(default_factory=dict)  # security_invoker, security_barrier, check_option
    text: str = ""
    place: Place | None = None


@dataclass(slots=True)
class Function:
    """A function or procedure, told from others of its name by the types of what goes in."""

    name: Name
    arguments: tuple[Type, ...]
    tree: dict[str, Any] | None
    text: str = ""
    place: Place | None = None

    def __str__(self) -> str:
        return f"{dotted(self.name)}({', '.join(map(str, self.arguments))})"


@dataclass(slots=True)
class Schema:
    """All objects of a schema.sql, of a migration folder, or of a live database."""

    tables: dict[Name, Table] = field(default_factory=dict)
    indexes: dict[Name, Index] = field(default_factory=dict)
    enums: dict[Name, Enum] = field(default_factory=dict)
    domains: dict[Name, Domain] = field(default_factory=dict)
    composites: dict[Name, Composite] = field(default_factory=dict)
    sequences: dict[Name, Sequence] = field(default_factory=dict)
    views: dict[Name, View] = field(default_factory=dict)
    functions: dict[tuple[Name, tuple[Type, ...]], Function] = field(default_factory=dict)
    extensions: dict[str, Place | None] = field(default_factory=dict)
    foreign_triggers: dict[tuple[Name, str], Trigger] = field(
        default_factory=dict
    )  # on views and the provider's tables
    foreign_policies: dict[tuple[Name, str], Policy] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    @property
    def app_tables(self) -> list[Table]:
        """Tables in the order of declaration, without partitions: those are the database's own affair."""
        return [table for table in self.tables.values() if table.partition_of is None]

    def types(self) -> Iterator[Name]:
        """Yield the names of the data types that the schema itself makes."""
        yield from self.enums
        yield from self.domains
        yield from self.composites
        yield from self.tables

    def copy(self) -> "Schema":
        """Return a schema whose changes leave this one as it is; pieces of SQL are shared."""
        return Schema(
            {name: _copied(table) for name, table in self.tables.items()},
            {name: replace(one) for name, one in self.indexes.items()},
            {name: replace(one, labels=list(one.labels)) for name, one in self.enums.items()},
            {
                name: replace(one, checks=list(one.checks), check_names=list(one.check_names))
                for name, one in self.domains.items()
            },
            {name: replace(one, attributes=list(one.attributes)) for name, one in self.composites.items()},
            {name: replace(one, options=dict(one.options)) for name, one in self.sequences.items()},
            {name: replace(one, options=dict(one.options)) for name, one in self.views.items()},
            {name: replace(one) for name, one in self.functions.items()},
            dict(self.extensions),
            dict(self.foreign_triggers),
            dict(self.foreign_policies),
            list(self.notes),
        )


def _copied(table: Table) -> Table:
    return replace(
        table,
        columns=None if table.columns is None else {name: replace(one) for name, one in table.columns.items()},
        constraints={name: replace(one) for name, one in table.constraints.items()},
        triggers={name: replace(one) for name, one in table.triggers.items()},
        policies={name: replace(one) for name, one in table.policies.items()},
    )


def dotted(name: Name) -> str:
    return f"{name[0]}.{name[1]}"
