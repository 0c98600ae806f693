"""The tables in which Better Auth keeps its users, found by the catalog: names, columns and types as they are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from psycopg.sql import SQL, Identifier

NEON: Final = "neon_auth"
PARTS: Final = ("verification", "user", "session", "account", "jwks")
NEEDED: Final = {
    "verification": {"identifier", "value", "expiresat", "createdat"},
    "user": {"id", "email", "createdat"},
    "session": {"userid", "token"},
}
COLUMNS: Final = """
    SELECT space.nspname::text AS schema, class.relname::text AS table, attr.attname::text AS name,
           pg_catalog.format_type(attr.atttypid, NULL) AS type,
           attr.atthasdef OR attr.attidentity <> '' AS preset
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace
    JOIN pg_catalog.pg_attribute AS attr ON attr.attrelid = class.oid
    WHERE class.relkind IN ('r', 'p') AND lower(class.relname) = ANY (%s)
      AND space.nspname <> 'information_schema' AND left(space.nspname, 3) <> 'pg_'
      AND attr.attnum > 0 AND NOT attr.attisdropped
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `preset` when it fills itself."""

    name: str
    type: str
    preset: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table; its columns by their names in lower case without underscores: ORMs write `expiresAt` or `expires_at`."""

    schema: str
    name: str
    columns: Mapping[str, Column]

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> "Identifier":
        from psycopg import sql

        return sql.Identifier(self.schema, self.name)

    def column(self, name: str) -> "Identifier":
        from psycopg import sql

        return sql.Identifier(self.columns[name].name)

    def now(self, name: str) -> "SQL":
        """Return the time as this column holds it; without a zone it is UTC, as the drivers of JavaScript write it."""
        from psycopg import sql

        return sql.SQL("(now() AT TIME ZONE 'utc')" if "without" in self.columns[name].type else "now()")


Tables = Mapping[str, Table]


def names() -> list[str]:
    """Return the names to ask the catalog for, also the plural ones."""
    return [name for part in PARTS for name in (part, f"{part}s")]


def choose(rows: Sequence[Mapping[str, Any]], path: Sequence[str], *, neon: bool) -> Tables | None:
    """Return the tables of one schema: Neon's for Neon, else by the search path, else the only one that has them."""
    schemas = {row["schema"] for row in rows}
    found = {schema: tables for schema in schemas if (tables := _of(schema, rows))}
    order = [NEON, *path] if neon else [*path]
    for schema in order:
        if schema in found:
            return found[schema]
    rest = [tables for schema, tables in found.items() if schema != NEON]
    return rest[0] if len(rest) == 1 else None


def _of(schema: str, rows: Sequence[Mapping[str, Any]]) -> Tables | None:
    columns: dict[str, dict[str, Column]] = {}
    for row in rows:
        if row["schema"] == schema:
            key = row["name"].replace("_", "").lower()
            columns.setdefault(row["table"], {})[key] = Column(row["name"], row["type"], row["preset"])
    # Plural or not is one setting for all of them: an app with a `user` of Better Auth may have `users` of its own.
    for ending in ("", "s"):
        wanted = {"jwks" if part == "jwks" else part + ending: part for part in PARTS}
        tables = {
            wanted[name.lower()]: Table(schema, name, held) for name, held in columns.items() if name.lower() in wanted
        }
        if all(part in tables and needed <= tables[part].columns.keys() for part, needed in NEEDED.items()):
            return tables
    return None
