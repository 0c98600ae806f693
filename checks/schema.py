"""The database's tables: those that the app's SQL leaves behind, looked for in the live database."""

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infracheck.context import Context
from infracheck.model import Failed, Finding, Level, Passed, Undecided, Verdict, check

from .database import database_connects

if TYPE_CHECKING:
    from infracheck.clients.postgres import Database
    from infracheck.project.sql import Expected, Schema, Table

TABLE_KINDS = ("r", "p", "f")
OTHER_KINDS = {
    "v": "view",
    "m": "materialized view",
    "S": "sequence",
    "i": "index",
    "I": "index",
    "c": "composite type",
}
# How each tool brings its migrations into a database.
APPLY = {
    "drizzle": "npx drizzle-kit migrate",
    "prisma": "npx prisma migrate deploy",
    "supabase": "npx supabase db push",
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
                 WHERE class.oid IS NULL AND lower(other.relname) = lower(wanted.name)
                   AND other.relkind IN ('r', 'p', 'f')
                   AND (other_space.nspname, other.relname) IS DISTINCT FROM (wanted.schema, wanted.name)
                   AND other_space.nspname NOT LIKE 'pg\\_%%' AND other_space.nspname <> 'information_schema'
                 ORDER BY 1)::text[] AS elsewhere
    FROM unnest(%s::int[], %s::text[], %s::text[]) WITH ORDINALITY AS wanted(place, schema, name, turn)
    LEFT JOIN pg_catalog.pg_namespace AS space ON space.nspname = wanted.schema
    LEFT JOIN pg_catalog.pg_class AS class ON class.relnamespace = space.oid AND class.relname = wanted.name
    ORDER BY wanted.turn
"""


def no_sql(ctx: Context) -> str | None:
    """Return why there is nothing that says which tables there should be, from the files alone."""
    if ctx.sql:
        return None
    from infracheck.project.sql import without_sql

    return without_sql(ctx.project)


@check(needs=[database_connects], applies=no_sql, proves=2)
def schema_tables(ctx: Context) -> Verdict:
    """Every table that schema.sql or the migrations leave behind exists.

    A missing table boots fine and fails on the first query, usually in front of a user. The expected tables are the net
    effect of the SQL, read by Postgres's own parser; each is looked up in information_schema.tables. What a role has no
    right to does not show there, so pg_class tells MISSING (apply the SQL) from INVISIBLE (grant the right).
    `infracheck schema` shows what is expected, without a database.
    """
    read: Read = ctx.begun(schema_tables)
    file = read.expected.name
    skipped = [*_not_read(read.expected), *_other_sources(ctx, read.expected)]
    if not read.found:
        return Undecided(
            f"{file} creates no table, so there is nothing to compare",
            f"write the CREATE TABLE statements into {file}, or name the right file in infracheck.toml: [app] schema",
            tuple(skipped),
        )
    rows = tuple(_row(one) for one in read.found)
    wrong = [one for one in read.found if one.state != "PRESENT"]
    if not wrong:
        return Passed(f"{len(rows)} of {len(rows)} tables of {file} exist", (*rows, *skipped))
    return Failed(
        f"{len(wrong)} of {len(rows)} tables of {file} {_verb(wrong)}",
        _remedy(read.expected, wrong),
        (*rows, *skipped),
        ctx.database.psql("-c", f"\\dt {' '.join(sorted({one.schema + '.*' for one in read.found}))}"),
    )


@dataclass(frozen=True, slots=True)
class Read:
    """Both sides, read before the app can change either."""

    expected: "Expected"
    found: "list[Found]"
    live: "Schema"

    @property
    def home(self) -> str:
        """The schema in which tables without one lie."""
        return _home(self.found)


@schema_tables.head_start(after=[])
def read_early(ctx: Context) -> Read:
    """Read both sides while the env files are judged: the dev server may not start before."""
    from infracheck.clients import pgcatalog
    from infracheck.project import sql

    sources = ctx.sql
    assert sources is not None
    read = sql.expected(ctx.project, sources)
    database = ctx.database
    found = _look_up(database, read.tables) if read.tables else []
    if (home := _home(found)) != sql.DEFAULT_SCHEMA:
        read = sql.expected(ctx.project, sources, home)
        found = [Found(table, one.row) for table, one in zip(read.tables, found, strict=True)]
    return Read(read, found, pgcatalog.read(database.queries))


def _home(found: "Sequence[Found]") -> str:
    schemas = Counter(one.schema for one in found if not one.table.qualified)
    return schemas.most_common(1)[0][0] if schemas else "public"


@dataclass(frozen=True, slots=True)
class Found:
    """One expected table as it is in the database, in the schema where it is, or else would be."""

    table: "Table"
    row: dict[str, Any]

    @property
    def schema(self) -> str:
        return str(self.row["schema"])

    @property
    def subject(self) -> str:
        return f"{self.schema}.{self.table.name[1]}"

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


def _look_up(database: "Database", tables: "Sequence[Table]") -> list[Found]:
    """Look all tables up in one round trip; a name without a schema may be anywhere on the role's search path."""
    wanted = [
        (place, schema, table.name[1])
        for place, table in enumerate(tables)
        for schema in ((table.name[0],) if table.qualified else database.search_path or (table.name[0],))
    ]
    found: dict[int, dict[str, Any]] = {}
    for row in database.query(_CATALOG, [list(column) for column in zip(*wanted, strict=True)]):
        # As Postgres does: the first schema on the path that has the name; where none has, it would go into the first.
        if row["place"] not in found or (found[row["place"]]["kind"] is None and row["kind"] is not None):
            found[row["place"]] = row
    return [Found(table, found[place]) for place, table in enumerate(tables)]


def _row(one: Found) -> Finding:
    level: Level = "info" if one.state == "PRESENT" else "fail"
    return Finding(one.subject, one.state, one.note, str(one.table.place or ""), level)


def _not_read(expected: "Expected") -> Iterator[Finding]:
    for one in expected.not_compared:
        yield Finding(one.place.file, "NOT COMPARED", one.text, str(one.place), "warn" if one.words else "info")


def _other_sources(ctx: Context, expected: "Expected") -> Iterator[Finding]:
    """Report what else could have been meant: two sources that disagree are somebody's mistake."""
    from infracheck.project.sql import disagreements

    for name, beyond in disagreements(ctx.project, expected):
        if beyond:
            note = f"{expected.file} is what is compared, and has nothing of: {beyond}; choose in [app] schema"
            yield Finding(name, "DISAGREES", note, level="warn")
        else:
            yield Finding(name, "NOT READ", f"declares nothing that {expected.file} has not", level="info")


def _verb(wrong: Sequence[Found]) -> str:
    states = {one.state for one in wrong}
    are = "is" if len(wrong) == 1 else "are"
    if states == {"MISSING"}:
        return f"{are} missing"
    return f"{are} invisible to this role" if states == {"INVISIBLE"} else f"{are} missing, invisible or no tables"


def how_to_apply(expected: "Expected") -> str:
    """Return what brings the SQL into the database."""
    steps = []
    for source in expected.sources.chosen:
        shown = expected.project.show(source.path)
        if source.kind in APPLY:
            steps.append(f"apply the migrations of {shown}/: infracheck env exec -- {APPLY[source.kind]}")
        elif source.kind == "migrations":
            steps.append(f"apply the migrations of {shown}/ in their order")
        else:
            steps.append(f"apply {shown}: infracheck env exec -- psql -f {shlex.quote(shown)}")
    return "; ".join(steps)


def _remedy(expected: "Expected", wrong: Sequence[Found]) -> str:
    steps = []
    apply = how_to_apply(expected)
    if any(one.state == "MISSING" for one in wrong):
        steps.append(apply)
    if blocked := [one.subject for one in wrong if one.state == "NOT A TABLE"]:
        steps.append(f"drop or rename what has the name of {', '.join(blocked)}, then {apply}")
    grants = dict.fromkeys(grant for one in wrong if one.state == "INVISIBLE" for grant in one.grants)
    if grants:
        steps.append(f"as the owner: {' '.join(grants)}")
    return "; ".join(steps)
