"""The database's schema."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infracheck.context import Context
from infracheck.model import Failed, Finding, Passed, Undecided, Verdict, check

from .database import database_connects

if TYPE_CHECKING:
    from infracheck.clients.postgres import Database
    from infracheck.project.sql import Schema, Table

MIGRATIONS = ("drizzle", "prisma/migrations", "supabase/migrations", "migrations", "db/migrations")
TABLE_KINDS = ("r", "p", "f")
OTHER_KINDS = {
    "v": "view",
    "m": "materialized view",
    "S": "sequence",
    "i": "index",
    "I": "index",
    "c": "composite type",
}
# information_schema shows a role only what it has some right to; pg_class shows everything to everybody.
_CATALOG = """
    SELECT wanted.place, wanted.schema, class.relkind::text AS kind,
           EXISTS (SELECT FROM information_schema.tables AS listed
                   WHERE listed.table_schema = wanted.schema AND listed.table_name = wanted.name) AS listed,
           coalesce(pg_catalog.has_schema_privilege(space.oid, 'USAGE'), false) AS usage,
           pg_catalog.quote_ident(wanted.schema) AS quoted_schema,
           pg_catalog.quote_ident(wanted.schema) || '.' || pg_catalog.quote_ident(wanted.name) AS quoted_table,
           pg_catalog.quote_ident(current_user) AS quoted_role,
           ARRAY(SELECT other_space.nspname || '.' || other.relname
                 FROM pg_catalog.pg_class AS other
                 JOIN pg_catalog.pg_namespace AS other_space ON other_space.oid = other.relnamespace
                 WHERE lower(other.relname) = lower(wanted.name) AND other.relkind IN ('r', 'p', 'f')
                   AND (other_space.nspname, other.relname) IS DISTINCT FROM (wanted.schema, wanted.name)
                   AND other_space.nspname NOT LIKE 'pg\\_%%' AND other_space.nspname <> 'information_schema'
                 ORDER BY 1)::text[] AS elsewhere
    FROM unnest(%s::int[], %s::text[], %s::text[]) WITH ORDINALITY AS wanted(place, schema, name, turn)
    LEFT JOIN pg_catalog.pg_namespace AS space ON space.nspname = wanted.schema
    LEFT JOIN pg_catalog.pg_class AS class ON class.relnamespace = space.oid AND class.relname = wanted.name
    ORDER BY wanted.turn
"""


def _no_schema(ctx: Context) -> str | None:
    if ctx.schema_file:
        return None
    found = [folder for folder in MIGRATIONS if (ctx.project.root / folder).is_dir()]
    beside = f"; migrations ({found[0]}/) are not read yet" if found else ""
    return f"there is no schema.sql{beside}"


@check(needs=[database_connects], applies=_no_schema, proves=2)
def schema_tables(ctx: Context) -> Verdict:
    """Every table that schema.sql leaves behind exists.

    A missing table boots fine and fails on the first query, usually in front of a user. The expected tables are the net
    effect of schema.sql, read by Postgres's own parser; each is looked up in information_schema.tables. What a role has
    no right to does not show there, so pg_class tells MISSING (apply the file) from INVISIBLE (grant the right).
    """
    path, schema, found = ctx.begun(schema_tables)
    file = ctx.project.show(path)
    skipped = [Finding(file, "NOT COMPARED", one.text, f"{file}:{one.line}", "warn") for one in schema.not_compared]
    if not schema.tables:
        return Undecided(
            f"{file} creates no table, so there is nothing to compare",
            f"write the CREATE TABLE statements into {file}, or name the right file in infracheck.toml: [app] schema",
            tuple(skipped),
        )
    rows = tuple(_row(one, f"{file}:{one.table.line}") for one in found)
    wrong = [one for one in found if one.state != "PRESENT"]
    if not wrong:
        return Passed(f"{len(rows)} of {len(rows)} tables of {file} exist", (*rows, *skipped))
    return Failed(
        f"{len(wrong)} of {len(rows)} tables of {file} {_verb(wrong)}",
        _remedy(ctx, path, wrong),
        (*rows, *skipped),
        ctx.database.psql("-c", f"\\dt {' '.join(sorted({one.schema + '.*' for one in found}))}"),
    )


@schema_tables.head_start(after=[])
def read_early(ctx: Context) -> "tuple[Path, Schema, list[_Found]]":
    """Read both sides while the env files are judged: the dev server may not start before."""
    from infracheck.project import sql

    path = ctx.schema_file
    assert path is not None
    schema = sql.expected(path)
    return path, schema, _look_up(ctx.database, schema.tables) if schema.tables else []


@dataclass(frozen=True, slots=True)
class _Found:
    """One expected table as it is in the database, in the schema where it is, or else would be."""

    table: "Table"
    row: dict[str, Any]

    @property
    def schema(self) -> str:
        return str(self.row["schema"])

    @property
    def subject(self) -> str:
        return f"{self.schema}.{self.table.name}"

    @property
    def state(self) -> str:
        if self.row["kind"] is None:
            return "MISSING"
        if self.row["kind"] not in TABLE_KINDS:
            return "NOT A TABLE"
        return "PRESENT" if self.row["listed"] and self.row["usage"] else "INVISIBLE"

    @property
    def note(self) -> str:
        match self.state:
            case "MISSING" if self.row["elsewhere"]:
                return f"there is {', '.join(self.row['elsewhere'])}"
            case "NOT A TABLE":
                return f"a {OTHER_KINDS.get(self.row['kind'], 'relation of another kind')} has this name"
            case "INVISIBLE":
                what = "it" if self.row["usage"] else "its schema"
                return f"exists, but {self.row['quoted_role']} has no right to {what}"
            case _:
                return ""

    @property
    def grants(self) -> list[str]:
        role, schema = self.row["quoted_role"], self.row["quoted_schema"]
        usage = [] if self.row["usage"] else [f"GRANT USAGE ON SCHEMA {schema} TO {role};"]
        if self.row["listed"]:
            return usage
        return [*usage, f"GRANT SELECT, INSERT, UPDATE, DELETE ON {self.row['quoted_table']} TO {role};"]


def _look_up(database: "Database", tables: "Sequence[Table]") -> list[_Found]:
    """Look all tables up in one round trip; a name without a schema may be anywhere on the role's search path."""
    wanted = [
        (place, schema, table.name)
        for place, table in enumerate(tables)
        for schema in ((table.schema,) if table.qualified else database.search_path or (table.schema,))
    ]
    found: dict[int, dict[str, Any]] = {}
    for row in database.query(_CATALOG, [list(column) for column in zip(*wanted, strict=True)]):
        # As Postgres does: the first schema on the path that has the name; where none has, it would go into the first.
        if row["place"] not in found or (found[row["place"]]["kind"] is None and row["kind"] is not None):
            found[row["place"]] = row
    return [_Found(table, found[place]) for place, table in enumerate(tables)]


def _row(one: _Found, where: str) -> Finding:
    return Finding(one.subject, one.state, one.note, where, "info" if one.state == "PRESENT" else "fail")


def _verb(wrong: Sequence[_Found]) -> str:
    states = {one.state for one in wrong}
    are = "is" if len(wrong) == 1 else "are"
    if states == {"MISSING"}:
        return f"{are} missing"
    return f"{are} invisible to this role" if states == {"INVISIBLE"} else f"{are} missing, invisible or no tables"


def _remedy(ctx: Context, path: Path, wrong: Sequence[_Found]) -> str:
    file = ctx.project.show(path)
    steps = []
    if any(one.state == "MISSING" for one in wrong):
        steps.append(f"apply {file}: infracheck env exec -- psql -f {shlex.quote(file)}")
    if blocked := [one.subject for one in wrong if one.state == "NOT A TABLE"]:
        steps.append(f"drop or rename what has the name of {', '.join(blocked)}, then apply {file}")
    grants = dict.fromkeys(grant for one in wrong if one.state == "INVISIBLE" for grant in one.grants)
    if grants:
        steps.append(f"as the owner: {' '.join(grants)}")
    return "; ".join(steps)
