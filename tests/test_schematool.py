"""`infracheck schema`: what the gate will ask a database for, shown without one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import write
from tests.test_cli import ROOT, infracheck

SCHEMA = """\
-- Who may log in
CREATE TYPE mood AS ENUM ('ok', 'it''s bad');
CREATE TABLE users (
    id serial PRIMARY KEY,
    mail text NOT NULL UNIQUE,
    mood mood DEFAULT 'ok',
    made timestamptz NOT NULL DEFAULT now()
);
CREATE SCHEMA app;
CREATE TABLE app."Order" ("user" int REFERENCES users, total numeric(10,2) CHECK (total > 0));
CREATE INDEX ON users (made);
CREATE TABLE report AS SELECT 1 AS one;
DO $$ BEGIN EXECUTE 'ALTER TABLE users ADD COLUMN x int'; END $$;
CREATE TABLE parts (d int) PARTITION BY LIST (d);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
"""


def shown(app: Path, *words: str, **env: str) -> str:
    done = infracheck("schema", *words, cwd=app, **env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def document(app: Path, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shown(app, "--format", "json", *words))
    return found


def refused(app: Path) -> str:
    done = infracheck("schema", cwd=app)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "\n  → " in done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_the_text_names_every_table_and_column(app: Path) -> None:
    write(app, schema__sql=SCHEMA)
    text = shown(app)
    assert text.splitlines()[0] == "schema.sql: 4 tables, 1 index, 1 enum"
    assert "\npublic.users  schema.sql:3\n" in text
    assert "\n  id    serial\n" in text
    assert "\n  mail  text NOT NULL\n" in text
    assert "\n  mood  public.mood DEFAULT 'ok'\n" in text
    assert "\n  made  timestamp with time zone NOT NULL DEFAULT now()\n" in text
    assert "\n  primary key: PRIMARY KEY (id)\n" in text
    assert "\n  unique: UNIQUE (mail)\n" in text
    assert "\napp.Order  schema.sql:10\n" in text
    assert '\n  foreign key: FOREIGN KEY ("user") REFERENCES users\n' in text
    assert "\n  check: CHECK (total > 0)\n" in text
    assert "\npublic.mood  enum (ok, it's bad)\n" in text
    assert "\npublic.report  schema.sql:12\n  columns: decided by a query, which is not worked out\n" in text
    assert "parts_1" not in text


def test_the_text_says_what_is_not_compared_as_parsed(app: Path) -> None:
    write(app, schema__sql=SCHEMA)
    said = shown(app).partition("\nnot compared as parsed:\n")[2]
    assert said == "  schema.sql:13  a DO block changes the schema in a way that is not read\n"
    write(app, schema__sql="CREATE TABLE a (x int);")
    assert "not compared" not in shown(app)


def test_the_document_for_programs(app: Path) -> None:
    write(app, schema__sql=SCHEMA)
    found = document(app)
    assert list(found) == ["schema", "method", "sources", "not_read", "tables", "not_compared"]
    assert (found["schema"], found["method"]) == ("infracheck.schema/1", "parse")
    assert found["sources"] == [{"kind": "schema.sql", "path": "schema.sql", "files": ["schema.sql"]}]
    assert found["not_read"] == []
    assert found["not_compared"] == [
        {"where": "schema.sql:13", "what": "a DO block changes the schema in a way that is not read"}
    ]
    assert [(one["schema"], one["name"], one["where"]) for one in found["tables"]] == [
        ("public", "users", "schema.sql:3"),
        ("app", "Order", "schema.sql:10"),
        ("public", "report", "schema.sql:12"),
        ("public", "parts", "schema.sql:14"),
    ]
    assert found["tables"][2]["columns"] is None
    assert found["tables"][0]["columns"] == [
        {
            "name": "id",
            "type": "integer",
            "not_null": True,
            "default": "nextval(...) of its own sequence",
            "where": "schema.sql:4",
        },
        {"name": "mail", "type": "text", "not_null": True, "default": None, "where": "schema.sql:5"},
        {"name": "mood", "type": "public.mood", "not_null": False, "default": "'ok'", "where": "schema.sql:6"},
        {
            "name": "made",
            "type": "timestamp with time zone",
            "not_null": True,
            "default": "now()",
            "where": "schema.sql:7",
        },
    ]


def test_migrations_are_shown_as_what_they_leave_behind(app: Path) -> None:
    write(
        app,
        package__json="{}",
        migrations___1_a__sql="CREATE TABLE a (x int);\nCREATE TABLE b (x int);",
        migrations___2_b__sql="DROP TABLE b;\nALTER TABLE a ADD COLUMN y text;",
        migrations___10_c__sql="ALTER TABLE a RENAME TO c;",
    )
    found = document(app)
    assert found["sources"] == [
        {
            "kind": "migrations",
            "path": "migrations",
            "files": ["migrations/1_a.sql", "migrations/2_b.sql", "migrations/10_c.sql"],
        }
    ]
    [table] = found["tables"]
    assert (table["name"], table["where"]) == ("c", "migrations/1_a.sql:1")
    assert [(one["name"], one["where"]) for one in table["columns"]] == [
        ("x", "migrations/1_a.sql:1"),
        ("y", "migrations/2_b.sql:2"),
    ]
    assert shown(app).startswith("3 migrations of migrations/: 1 table, ")


def test_sources_that_are_not_read_are_named(app: Path) -> None:
    write(app, schema__sql="CREATE TABLE a (x int);", prisma___migrations___1_a___migration__sql="")
    assert document(app)["not_read"] == [{"kind": "prisma", "path": "prisma/migrations"}]
    assert "\nnot read: prisma/migrations (prisma); choose in infracheck.toml: [app] schema\n" in shown(app)


def test_what_infracheck_toml_names_is_read(app: Path) -> None:
    write(
        app,
        schema__sql="CREATE TABLE no (x int);",
        db___a__sql="CREATE TABLE a (x int);",
        db___b__sql="CREATE TABLE b (x int);",
        infracheck__toml='[app]\nschema = ["db/a.sql", "db/b.sql"]\n',
    )
    found = document(app)
    assert [one["path"] for one in found["sources"]] == ["db/a.sql", "db/b.sql"]
    assert [one["name"] for one in found["tables"]] == ["a", "b"]
    assert found["not_read"] == []


def test_the_app_may_be_another_folder(app: Path) -> None:
    write(app / "apps" / "web", schema__sql="CREATE TABLE a (x int);")
    assert document(app, "apps/web")["sources"][0]["path"] == "schema.sql"


def test_no_database_is_asked(app: Path) -> None:
    # Nothing listens at port 1.
    write(app, schema__sql="CREATE TABLE a (x int);", __env__local="DATABASE_URL=postgresql://u:p@127.0.0.1:1/db\n")
    assert "public.a" in shown(app, DATABASE_URL="postgresql://u:p@127.0.0.1:1/db")


def test_a_file_that_creates_nothing(app: Path) -> None:
    write(app, schema__sql="-- later\n")
    assert document(app)["tables"] == []
    assert shown(app) == "schema.sql: 0 tables, 0 indexes, 0 enums\n"


@pytest.mark.parametrize("words", [[], ["-f", "json"]])
def test_other_letters_and_colour_settings(app: Path, words: list[str]) -> None:
    write(app, schema__sql="CREATE TABLE \"Ünï 日本\" (é text DEFAULT 'ß');")
    plain = shown(app, *words)
    assert "Ünï 日本" in plain
    assert "'ß'" in plain
    assert "\x1b" not in plain
    assert (
        shown(app, *words, NO_COLOR="1") == shown(app, *words, FORCE_COLOR="1") == shown(app, *words, LANG="C") == plain
    )


def test_a_reader_that_goes_away_is_no_traceback(app: Path) -> None:
    columns = ", ".join(f"column_{number} text" for number in range(200))
    write(app, schema__sql="".join(f"CREATE TABLE t{number} ({columns});" for number in range(20)))
    with subprocess.Popen(
        [sys.executable, "-m", "infracheck.cli", "schema"],
        cwd=app,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        process.stdout.close()
        _, err = process.communicate(timeout=60)
    assert "Traceback" not in err


# -- what cannot be shown


def test_an_app_without_sql(app: Path) -> None:
    write(app, package__json="{}")
    said = refused(app)
    assert "there is no schema.sql, and no migration folder (drizzle, prisma, supabase, migrations)" in said
    assert "[app] schema" in said


def test_a_schema_that_stands_in_prisma_s_words_only(app: Path) -> None:
    write(app, package__json="{}", prisma___schema__prisma="model User { id Int @id }")
    assert "`npx prisma migrate diff --from-empty --to-schema-datamodel prisma/schema.prisma --script" in refused(app)


def test_a_schema_that_stands_in_drizzle_s_words_only(app: Path) -> None:
    write(
        app,
        package__json='{"dependencies": {"drizzle-orm": "1"}}',
        src___db___schema__ts="export const a = pgTable('a', {})",
    )
    assert "`npx drizzle-kit export > schema.sql`" in refused(app)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CREATE TABLE `a` (id int AUTO_INCREMENT);", "schema.sql:1 is SQL for MySQL, not for Postgres"),
        ("CREATE TABLE a (at DATETIME);", "schema.sql:1: no Postgres has the type datetime"),
        ("CREATE TABLE a (x int);\nCREATE TABEL b;", 'schema.sql:2: syntax error at or near "TABEL"'),
        ("\\i no.sql\n", "schema.sql:1 includes no.sql, which is not there"),
    ],
)
def test_a_file_that_cannot_be_read(app: Path, text: str, said: str) -> None:
    write(app, schema__sql=text)
    assert said in refused(app)


def test_migrations_for_another_database(app: Path) -> None:
    write(app, package__json="{}", prisma___migrations___1_a___migration__sql="CREATE TABLE a (x int);")
    (app / "prisma/migrations/migration_lock.toml").write_text('provider = "sqlite"\n')
    assert "says that the migrations are for sqlite, not for Postgres" in refused(app)


def test_a_folder_that_is_no_app(tmp_path: Path) -> None:
    done = infracheck("schema", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no app" in done.stderr


def test_a_wrong_setting(app: Path) -> None:
    write(app, schema__sql="", infracheck__toml='[app]\nschema = "db.sql"\n')
    assert "db.sql cannot be read: no such file or directory" in refused(app)
    assert infracheck("schema", "--format", "yaml", cwd=app).returncode == 2
