"""schema-tables: schema.sql and migrations against a real PostgreSQL, seen by roles that may see more or less."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from infracheck.checks.database import database_connects
from infracheck.checks.schema import schema_tables
from infracheck.model import Blocked, Failed, Finding, Outcome, Passed, Result, Skipped, Undecided
from infracheck.settings import AppSettings, Settings
from tests.helpers import make_context, results, states, write

SCHEMA = """\
-- Who may log in
CREATE TABLE users (id int PRIMARY KEY);

CREATE TABLE public.notes (
    id int PRIMARY KEY
);
"""


def judged(app: Path, url: str, schema: str | None = SCHEMA, settings: Settings | None = None) -> dict[str, Result]:
    write(app, __env__local__example="DATABASE_URL=\n", __env__local=f"DATABASE_URL={url}\n")
    if schema is not None:
        write(app, schema__sql=schema)
    with make_context(app, settings=settings) as ctx:
        found = results([database_connects, schema_tables], ctx)
    assert urlsplit(url).password not in (None, "")
    assert str(urlsplit(url).password) not in repr(found)
    return found


def outcome(app: Path, url: str, schema: str | None = SCHEMA, settings: Settings | None = None) -> Outcome:
    return judged(app, url, schema, settings)["schema-tables"].outcome


def apply(url: str, text: str) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(text.encode())


@pytest.fixture
def other_role(database: str) -> Iterator[str]:
    """The URL of the database for a role that has no right to anything in it."""
    name, password = f"r_{secrets.token_hex(6)}", secrets.token_hex(12)
    apply(database, f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    where = urlsplit(database)
    yield f"postgresql://{name}:{password}@127.0.0.1:{where.port}{where.path}"
    apply(database, f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.mark.green("schema-tables")
def test_every_table_exists(app: Path, database: str) -> None:
    apply(database, SCHEMA)
    found = outcome(app, database)
    assert isinstance(found, Passed)
    assert found.summary == "2 of 2 tables of schema.sql exist"
    assert found.findings == (
        Finding("public.users", "PRESENT", "", "schema.sql:2", "info"),
        Finding("public.notes", "PRESENT", "", "schema.sql:4", "info"),
    )


@pytest.mark.red("schema-tables")
def test_a_missing_table_is_named_with_the_line_that_declares_it(app: Path, database: str) -> None:
    apply(database, SCHEMA + "DROP TABLE notes;")
    found = outcome(app, database)
    assert isinstance(found, Failed)
    assert found.summary == "1 of 2 tables of schema.sql is missing"
    assert found.findings[1] == Finding("public.notes", "MISSING", "", "schema.sql:4", "fail")
    assert states(found.findings) == {"public.users": "PRESENT", "public.notes": "MISSING"}
    assert found.remedy == "apply schema.sql: infracheck env exec -- psql -f schema.sql"
    assert found.reproduce
    assert found.reproduce.endswith("-c '\\dt public.*'")


def test_a_table_without_a_grant_is_invisible_not_missing(app: Path, database: str, other_role: str) -> None:
    apply(database, SCHEMA + f"GRANT SELECT ON users TO {urlsplit(other_role).username}")
    found = outcome(app, other_role)
    assert isinstance(found, Failed)
    assert found.summary == "1 of 2 tables of schema.sql is invisible to this role"
    assert states(found.findings) == {"public.users": "PRESENT", "public.notes": "INVISIBLE"}
    grant = f"GRANT SELECT, INSERT, UPDATE, DELETE ON public.notes TO {urlsplit(other_role).username};"
    assert found.remedy == f"as the owner: {grant}"
    apply(database, grant)
    assert isinstance(outcome(app, other_role), Passed)


def test_a_schema_without_usage_is_granted_too(app: Path, database: str, other_role: str) -> None:
    text = 'CREATE SCHEMA app; CREATE TABLE app."order" (id int); CREATE TABLE app."User" (id int);'
    apply(database, text)
    found = outcome(app, other_role, text)
    assert isinstance(found, Failed)
    assert states(found.findings) == {"app.order": "INVISIBLE", "app.User": "INVISIBLE"}
    assert "no right to its schema" in found.findings[0].note
    assert 'ON app."User" TO' in found.remedy
    apply(database, found.remedy.removeprefix("as the owner: "))
    assert isinstance(outcome(app, other_role, text), Passed)


@pytest.mark.parametrize("kind", ["VIEW", "MATERIALIZED VIEW"])
def test_a_view_of_that_name_is_no_table(app: Path, database: str, kind: str) -> None:
    apply(database, f"CREATE TABLE users (id int); CREATE {kind} notes AS SELECT * FROM users")
    found = outcome(app, database)
    assert isinstance(found, Failed)
    assert states(found.findings)["public.notes"] == "NOT A TABLE"
    assert found.findings[1].note == f"a {kind.lower()} has this name"
    assert "drop or rename what has the name of public.notes" in found.remedy


def test_a_table_that_lies_elsewhere_or_has_another_case_is_pointed_at(app: Path, database: str) -> None:
    apply(database, 'CREATE SCHEMA old; CREATE TABLE old.notes (id int); CREATE TABLE "Users" (id int)')
    found = outcome(app, database)
    assert isinstance(found, Failed)
    assert [finding.note for finding in found.findings] == ["there is public.Users", "there is old.notes"]


def test_an_unqualified_name_is_looked_for_on_the_role_s_search_path(app: Path, database: str) -> None:
    name = urlsplit(database).path[1:]
    text = "CREATE TABLE users (id int); CREATE TABLE notes (id int);"
    apply(database, "CREATE SCHEMA app; CREATE TABLE app.users (id int)")
    apply(database, f"ALTER DATABASE {name} SET search_path TO app, public")
    found = outcome(app, database, text)
    assert isinstance(found, Failed)
    assert states(found.findings) == {"app.users": "PRESENT", "app.notes": "MISSING"}


def test_the_search_path_of_a_role_says_where_names_go(app: Path, database: str, other_role: str) -> None:
    role = urlsplit(other_role).username
    text = "CREATE TABLE users (id int); CREATE TABLE public.notes (id int);"
    apply(database, f"CREATE SCHEMA app AUTHORIZATION {role}; ALTER ROLE {role} SET search_path TO app, public")
    found = outcome(app, other_role, text)
    assert isinstance(found, Failed)
    assert states(found.findings) == {"app.users": "MISSING", "public.notes": "MISSING"}
    apply(other_role, "CREATE TABLE users (id int)")
    apply(database, f"CREATE TABLE notes (id int); GRANT SELECT ON notes TO {role}")
    assert isinstance(outcome(app, other_role, text), Passed)


def test_partitions_and_quoted_names_of_a_real_schema(app: Path, database: str) -> None:
    text = """
        CREATE TABLE events (day date) PARTITION BY RANGE (day);
        CREATE TABLE events_1 PARTITION OF events DEFAULT;
        CREATE TABLE "user" (id int); CREATE TABLE "Mixed Case" (id int); CREATE TABLE Folded (id int);
    """
    apply(database, text + "DROP TABLE events_1")
    found = outcome(app, database, text)
    assert isinstance(found, Passed)
    assert [finding.subject for finding in found.findings] == [
        "public.events",
        "public.user",
        "public.Mixed Case",
        "public.folded",
    ]


@pytest.mark.parametrize(
    "text", ["", "-- to do\n", "/* CREATE TABLE a (x int); */", "CREATE TYPE mood AS ENUM ('ok');"]
)
def test_a_schema_without_tables_is_undecided(app: Path, database: str, text: str) -> None:
    found = outcome(app, database, text)
    assert isinstance(found, Undecided)
    assert found.reason == "schema.sql creates no table, so there is nothing to compare"


def test_what_a_do_block_makes_is_expected_too(app: Path, database: str) -> None:
    apply(database, "CREATE TABLE a (x int)")
    found = outcome(app, database, "CREATE TABLE a (x int);\n\nDO $$ BEGIN CREATE TABLE b (x int); END $$;\n")
    assert isinstance(found, Failed)
    assert found.findings[1] == Finding("public.b", "MISSING", "", "schema.sql:3", "fail")


def test_what_is_not_compared_is_a_warning(app: Path, database: str) -> None:
    apply(database, "CREATE TABLE a (x int)")
    block = "DO $$ BEGIN EXECUTE format('CREATE TABLE %I (x int)', 'b' || 1); END $$;"
    found = outcome(app, database, f"CREATE TABLE a (x int);\n\n{block}\n")
    assert isinstance(found, Passed)
    assert (found.findings[1].state, found.findings[1].where, found.findings[1].level) == (
        "NOT COMPARED",
        "schema.sql:3",
        "warn",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CREATE TABLE a (x int);\nCREATE TABEL b (x int);\n", "schema.sql:2: syntax error"),
        ("CREATE TABLE `a` (x int) ENGINE=InnoDB;", "schema.sql:1 is SQL for MySQL"),
    ],
)
def test_a_schema_that_is_not_postgres_fails_with_the_line(app: Path, database: str, text: str, said: str) -> None:
    found = outcome(app, database, text)
    assert isinstance(found, Failed)
    assert said in found.summary


def test_without_a_database_nothing_is_said_about_tables(app: Path, database: str) -> None:
    found = outcome(app, database.replace(urlsplit(database).path, "/never_made"))
    assert isinstance(found, Blocked)
    assert found.by == "database-connects"


@pytest.mark.parametrize("folder", ["", "drizzle", "prisma/migrations", "supabase/migrations"])
def test_without_sql_it_does_not_apply(app: Path, database: str, folder: str) -> None:
    (app / folder).mkdir(parents=True, exist_ok=True)
    found = outcome(app, database, schema=None)
    assert isinstance(found, Skipped)
    assert found.reason == "there is no schema.sql, and no migration folder (drizzle, prisma, supabase, migrations)"


@dataclass(frozen=True)
class Tool:
    """How a migration tool keeps two migrations: the first makes `users`, the second `notes` on its second line."""

    kind: str
    folder: str
    first: str
    second: str
    command: str
    more: tuple[tuple[str, str], ...] = ()


JOURNAL = {
    "version": "7",
    "dialect": "postgresql",
    "entries": [{"idx": 0, "tag": "0000_calm_owl"}, {"idx": 1, "tag": "0001_loud_fox"}],
}
LOCK = 'provider = "postgresql"\n'
TOOLS = [
    Tool(
        "drizzle",
        "drizzle",
        "0000_calm_owl.sql",
        "0001_loud_fox.sql",
        "npx drizzle-kit migrate",
        (("meta/_journal.json", json.dumps(JOURNAL)), ("0002_not_in_the_journal.sql", "CREATE TABLE stray (id int);")),
    ),
    Tool(
        "prisma",
        "prisma/migrations",
        "20250101000000_init/migration.sql",
        "20250102000000_notes/migration.sql",
        "npx prisma migrate deploy",
        (("migration_lock.toml", LOCK),),
    ),
    Tool(
        "supabase",
        "supabase/migrations",
        "20250101000000_init.sql",
        "20250102000000_notes.sql",
        "npx supabase db push",
    ),
]


def lay_out(app: Path, tool: Tool) -> None:
    first, second = "CREATE TABLE users (id int);\n", "-- the second\nCREATE TABLE notes (id int);\n"
    for name, text in ((tool.first, first), (tool.second, second), *tool.more):
        path = app / tool.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.kind)
def test_migrations_are_read_in_their_order_and_judged(app: Path, database: str, tool: Tool) -> None:
    lay_out(app, tool)
    apply(database, "CREATE TABLE users (id int)")
    found = outcome(app, database, schema=None)
    assert isinstance(found, Failed)
    assert found.summary == f"1 of 2 tables of 2 migrations of {tool.folder}/ is missing"
    assert states(found.findings) == {"public.users": "PRESENT", "public.notes": "MISSING"}
    assert [one.where for one in found.findings] == [
        f"{tool.folder}/{tool.first}:1",
        f"{tool.folder}/{tool.second}:2",
    ]
    assert found.remedy == f"apply the migrations of {tool.folder}/: infracheck env exec -- {tool.command}"
    apply(database, "CREATE TABLE notes (id int)")
    found = outcome(app, database, schema=None)
    assert isinstance(found, Passed)
    assert found.summary == f"2 of 2 tables of 2 migrations of {tool.folder}/ exist"


def test_a_folder_of_numbered_files_is_read_in_the_order_of_its_numbers(app: Path, database: str) -> None:
    write(
        app,
        migrations___2_a__sql="ALTER TABLE first RENAME TO second;",
        migrations___10_b__sql="ALTER TABLE second RENAME TO third;",
        migrations___1_c__sql="CREATE TABLE first (id int);",
    )
    found = outcome(app, database, schema=None)
    assert isinstance(found, Failed)
    assert states(found.findings) == {"public.third": "MISSING"}
    assert found.remedy == "apply the migrations of migrations/ in their order"


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.kind)
def test_migrations_that_declare_more_than_schema_sql_are_a_warning(app: Path, database: str, tool: Tool) -> None:
    lay_out(app, tool)
    schema = "CREATE TABLE users (id int);"
    apply(database, schema)
    found = outcome(app, database, schema)
    assert isinstance(found, Passed)
    [one] = [finding for finding in found.findings if finding.state != "PRESENT"]
    assert (one.subject, one.state, one.level) == (f"2 migrations of {tool.folder}/", "DISAGREES", "warn")
    assert "schema.sql is what is compared" in one.note
    assert "has nothing of: public.notes" in one.note
    assert "[app] schema" in one.note


def test_migrations_that_declare_the_same_as_schema_sql_are_not_read(app: Path, database: str) -> None:
    lay_out(app, TOOLS[0])
    schema = "CREATE TABLE users (id int); CREATE TABLE notes (id int);"
    apply(database, schema)
    found = outcome(app, database, schema)
    assert isinstance(found, Passed)
    [one] = [finding for finding in found.findings if finding.state != "PRESENT"]
    assert (one.subject, one.state, one.level) == ("2 migrations of drizzle/", "NOT READ", "info")
    assert one.note == "declares nothing that schema.sql has not"


def test_migrations_that_cannot_be_read_beside_schema_sql_are_told(app: Path, database: str) -> None:
    write(app, migrations___1_a__sql="CREATE TABEL a (x int);")
    schema = "CREATE TABLE users (id int);"
    apply(database, schema)
    found = outcome(app, database, schema)
    assert isinstance(found, Passed)
    [one] = [finding for finding in found.findings if finding.state != "PRESENT"]
    assert (one.state, one.level) == ("DISAGREES", "warn")
    assert "it cannot be read: migrations/1_a.sql:1: syntax error" in one.note


@pytest.mark.parametrize(
    ("files", "command"),
    [
        (
            {
                "prisma___schema__prisma": "model User { id Int @id }",
                "package__json": '{"dependencies": {"prisma": "6.0.0"}}',
            },
            "npx prisma migrate diff --from-empty --to-schema-datamodel prisma/schema.prisma --script > schema.sql",
        ),
        (
            {
                "src___db___schema__ts": 'export const users = pgTable("users", { id: integer() });',
                "package__json": '{"dependencies": {"drizzle-orm": "0.44.0"}}',
            },
            "npx drizzle-kit export > schema.sql",
        ),
    ],
    ids=["prisma", "drizzle"],
)
def test_a_schema_that_stands_in_code_only_is_skipped_with_the_command_that_makes_sql(
    app: Path, database: str, files: dict[str, str], command: str
) -> None:
    write(app, **files)
    found = outcome(app, database, schema=None)
    assert isinstance(found, Skipped)
    assert "only, and there are no migrations" in found.reason
    assert f"`{command}`" in found.reason


@pytest.mark.parametrize(
    ("name", "text"), [("drizzle/meta/_journal.json", '{"dialect": "sqlite", "entries": []}'), ("lock", "sqlite")]
)
def test_migrations_for_another_database_fail(app: Path, database: str, name: str, text: str) -> None:
    if name == "lock":
        name, text = "prisma/migrations/migration_lock.toml", f'provider = "{text}"\n'
        write(app, prisma___migrations___1_a___migration__sql="CREATE TABLE a (x int);")
    path = app / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    found = outcome(app, database, schema=None)
    assert isinstance(found, Failed)
    assert found.summary == f"{name} says that the migrations are for sqlite, not for Postgres"
    assert "[app] schema" in found.remedy


def test_the_configured_file_is_read_and_must_exist(app: Path, database: str) -> None:
    settings = Settings(app=AppSettings(schema="db/my tables.sql"))
    found = outcome(app, database, schema=None, settings=settings)
    assert isinstance(found, Failed)
    assert found.summary == "db/my tables.sql cannot be read: no such file or directory"
    (app / "db").mkdir()
    (app / "db" / "my tables.sql").write_text("CREATE TABLE a (x int);", encoding="utf-8")
    found = outcome(app, database, schema=None, settings=settings)
    assert isinstance(found, Failed)
    assert found.findings[0].where == "db/my tables.sql:1"
    assert found.remedy == "apply db/my tables.sql: infracheck env exec -- psql -f 'db/my tables.sql'"


def test_configured_files_and_folders_are_read_in_their_order(app: Path, database: str) -> None:
    write(
        app,
        db___tables__sql="CREATE TABLE users (id int);\nCREATE TABLE old (id int);\n",
        db___more___1_a__sql="ALTER TABLE old RENAME TO notes;",
        schema__sql="CREATE TABLE never_read (id int);",
    )
    settings = Settings(app=AppSettings(schema=("db/tables.sql", "db/more")))
    apply(database, "CREATE TABLE users (id int)")
    found = outcome(app, database, schema=None, settings=settings)
    assert isinstance(found, Failed)
    assert found.summary == "1 of 2 tables of db/tables.sql and 1 migration of db/more/ is missing"
    assert states(found.findings) == {"public.users": "PRESENT", "public.notes": "MISSING"}
    assert found.remedy == (
        "apply db/tables.sql: infracheck env exec -- psql -f db/tables.sql; "
        "apply the migrations of db/more/ in their order"
    )


def test_a_configured_folder_without_migrations_fails(app: Path, database: str) -> None:
    (app / "db").mkdir()
    found = outcome(app, database, schema=None, settings=Settings(app=AppSettings(schema="db")))
    assert isinstance(found, Failed)
    assert found.summary == "db/ holds no SQL migrations"
    assert "[app] schema" in found.remedy


def test_all_tables_are_looked_up_in_one_question(app: Path, database: str) -> None:
    text = "".join(f"CREATE TABLE t{number} (x int);" for number in range(300))
    apply(database, text)
    write(app, schema__sql=text, __env__example="DATABASE_URL=\n", __env=f"DATABASE_URL={database}\n")
    with make_context(app) as ctx:
        asked: list[str] = []
        ask = ctx.database.query

        def counting(sql: str, params: list[object]) -> list[dict[str, object]]:
            asked.append(sql)
            return ask(sql, params)

        ctx.database.query = counting  # type: ignore[method-assign,assignment]
        found = results([database_connects, schema_tables], ctx)["schema-tables"].outcome
    assert isinstance(found, Passed)
    assert found.summary == "300 of 300 tables of schema.sql exist"
    assert len(asked) == 1
