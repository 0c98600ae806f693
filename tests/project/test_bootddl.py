"""Where starting an app changes its database: scripts of package.json, and the code that Next.js runs at the start."""

import json
from pathlib import Path
from typing import Any

import pytest

from infracheck.project.bootddl import at_boot
from infracheck.project.detect import detect
from tests.helpers import write


def places(app: Path, **scripts: Any) -> list[tuple[str, str]]:
    (app / "package.json").write_text(json.dumps({"scripts": scripts}))
    return list(at_boot(detect(app)))


@pytest.mark.parametrize(
    ("script", "command"),
    [
        ("prisma migrate deploy && next dev", "prisma migrate deploy"),
        ("npx prisma migrate dev; next dev", "prisma migrate dev"),
        ("prisma  db   push --accept-data-loss && next start", "prisma  db   push"),
        ("drizzle-kit migrate && next dev", "drizzle-kit migrate"),
        ("pnpm drizzle-kit push && next dev", "drizzle-kit push"),
        ("supabase db push && next dev", "supabase db push"),
        ("knex migrate:latest && node server.js", "knex migrate:latest"),
        ("typeorm migration:run && node server.js", "typeorm migration:run"),
        ("node-pg-migrate up && next start", "node-pg-migrate up"),
        ("dbmate up && next dev", "dbmate up"),
        ("dbmate --url x up && next dev", "dbmate --url x up"),
        ("goose postgres up && next dev", "goose postgres up"),
        ("sequelize db:migrate && next dev", "sequelize db:migrate"),
        ("psql -f schema.sql && next dev", "psql -f schema.sql"),
    ],
)
@pytest.mark.parametrize("name", ["dev", "predev", "start", "prestart", "postinstall"])
def test_a_script_that_changes_the_schema(app: Path, name: str, script: str, command: str) -> None:
    assert places(app, **{name: script}) == [("package.json", f"`{command}` (script {name})")]


@pytest.mark.parametrize(
    "script",
    [
        *(
            "next dev",
            "prisma generate && next dev",
            "drizzle-kit studio",
            "drizzle-kit generate && next dev",
            "next start",
        ),
        *(
            "prisma migrate status",
            "supabase start && next dev",
            "dbmate status",
            "psql -c 'select 1'",
            "knex seed:run",
        ),
        *("goose status && next up", "dbmate wait; docker compose up", ""),
    ],
)
def test_a_script_that_changes_nothing(app: Path, script: str) -> None:
    assert places(app, dev=script) == []


@pytest.mark.parametrize("name", ["build", "db:push", "migrate", "test", "deploy"])
def test_scripts_that_starting_does_not_run(app: Path, name: str) -> None:
    assert places(app, **{name: "prisma migrate deploy"}) == []


def test_each_script_is_told_in_the_order_in_which_it_runs(app: Path) -> None:
    found = places(app, start="dbmate up", dev="drizzle-kit push", build="dbmate up", postinstall="prisma db push")
    assert [said for _, said in found] == [
        "`drizzle-kit push` (script dev)",
        "`dbmate up` (script start)",
        "`prisma db push` (script postinstall)",
    ]


@pytest.mark.parametrize("scripts", [None, [], "dev", {"dev": None}, {"dev": ["dbmate up"]}])
def test_a_package_json_with_odd_scripts(app: Path, scripts: Any) -> None:
    (app / "package.json").write_text(json.dumps({"scripts": scripts}))
    assert list(at_boot(detect(app))) == []


@pytest.mark.parametrize(
    "name",
    [
        *("instrumentation.ts", "instrumentation.js", "instrumentation.mjs", "src/instrumentation.ts"),
        *("instrumentation.node.ts", "src/instrumentation.node.ts", "src/instrumentation.mts"),
    ],
)
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("await sql`CREATE TABLE IF NOT EXISTS users (id int)`;", "`CREATE TABLE`"),
        ('await pool.query("alter table users add column x int");', "`alter table`"),
        ("await db.execute(`DROP\n  INDEX i`);", "`DROP INDEX`"),
        ("await migrate(db, { migrationsFolder: 'drizzle' });", "`migrate(`"),
        ("await runMigrations();", "`runMigrations(`"),
        ("await ensureSchema(db);", "`ensureSchema(`"),
        ("await ensureSchemaIsThere (db);", "`ensureSchemaIsThere (`"),
    ],
)
def test_code_that_runs_at_the_start(app: Path, name: str, code: str, said: str) -> None:
    (app / name).parent.mkdir(exist_ok=True)
    (app / name).write_text(f"// é\n/* more\n   lines */\nexport async function register() {{\n  {code}\n}}\n")
    assert places(app) == [(f"{name}:5", said)]


@pytest.mark.parametrize(
    "code",
    [
        "// await migrate(db);",
        "/* CREATE TABLE users */",
        "/*\n * await runMigrations()\n */",
        "await sql`SELECT 1`;",
        "import { migrate } from 'drizzle-orm/node-postgres/migrator';",
        "const emigrate = (x) => x; emigrate(1);",
        "console.log('no tables are created here');",
    ],
)
def test_code_that_changes_nothing(app: Path, code: str) -> None:
    (app / "instrumentation.ts").write_text(f"export async function register() {{\n{code}\n}}\n")
    assert places(app) == []


def test_a_call_behind_an_address_is_seen(app: Path) -> None:
    (app / "instrumentation.ts").write_text('const at = "https://example.com"; await migrate(db);\n')
    assert places(app) == [("instrumentation.ts:1", "`migrate(`")]


def test_code_elsewhere_does_not_run_at_the_start(app: Path) -> None:
    write(
        app,
        scripts___migrate__ts="await migrate(db);",
        src___app___page__tsx="CREATE TABLE x",
        lib___db__ts="DROP TABLE x",
    )
    assert places(app) == []


def test_scripts_and_code_are_both_told(app: Path) -> None:
    write(app, instrumentation__ts="await migrate(db);", src___instrumentation__ts="await runMigrations();")
    assert [place for place, _ in places(app, dev="dbmate up")] == [
        "package.json",
        "instrumentation.ts:1",
        "src/instrumentation.ts:1",
    ]


def test_an_app_without_a_package_json(app: Path) -> None:
    (app / "schema.sql").write_text("")
    assert list(at_boot(detect(app))) == []
