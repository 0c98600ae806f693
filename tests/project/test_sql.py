"""Expected tables: what schema.sql says against what a real PostgreSQL holds after running it."""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from infracheck.clients.postgres_binaries import find_binaries
from infracheck.errors import ClientError
from infracheck.project import sql
from tests.helpers import write
from tests.project.ddl.reading import apply, at, lines, named, read, refusal

LISTED = """
    SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
      AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
"""

SHAPES = {
    "plain": "CREATE TABLE users (id int); CREATE TABLE IF NOT EXISTS users (id int); CREATE TABLE notes (id int);",
    "folding": 'CREATE TABLE MixedCase (id int); CREATE TABLE "Quoted" (id int); CREATE TABLE "Ünï ""x""" (id int);',
    "long": f"CREATE TABLE {'x' * 70} (id int);",
    "schemas": "CREATE SCHEMA app; CREATE TABLE app.a (id int); CREATE SCHEMA b CREATE TABLE in_b (id int);",
    "search path": "CREATE SCHEMA app; SET search_path TO app, public; CREATE TABLE a (x int); RESET search_path;"
    'CREATE TABLE b (x int); SET search_path = "$user", public; CREATE TABLE c (x int); DROP TABLE public.b;',
    "as": "CREATE TABLE a AS SELECT 1 AS x; SELECT 1 AS x INTO b; CREATE TEMP TABLE c AS SELECT 1;"
    "SELECT 1 INTO TEMP d;",
    "temporary": "CREATE TEMP TABLE a (x int); CREATE TABLE pg_temp.b (x int); CREATE UNLOGGED TABLE c (x int);",
    "drop": "CREATE TABLE a (x int); CREATE TABLE b (x int); CREATE TABLE c (x int); DROP TABLE a, public.b CASCADE;"
    "DROP TABLE IF EXISTS nosuch; DROP TABLE c; CREATE TABLE c (x int);",
    "rename": "CREATE TABLE a (x int); ALTER TABLE a RENAME TO b; ALTER TABLE b RENAME COLUMN x TO y;",
    "move": "CREATE SCHEMA s; CREATE TABLE a (x int); ALTER TABLE a SET SCHEMA s; ALTER SCHEMA s RENAME TO t;",
    "drop schema": "CREATE SCHEMA s; CREATE TABLE s.a (x int); CREATE TABLE b (x int); DROP SCHEMA s CASCADE;",
    "partitions": "CREATE TABLE p (d int) PARTITION BY LIST (d); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);"
    "CREATE TABLE p2 (d int); ALTER TABLE ONLY p ATTACH PARTITION p2 FOR VALUES IN (2);",
    "inherits": "CREATE TABLE a (x int); CREATE TABLE b (y int) INHERITS (a); CREATE TABLE c (LIKE a);",
    "others": "CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE a (x mood); CREATE VIEW v AS SELECT * FROM a;"
    "CREATE MATERIALIZED VIEW m AS SELECT * FROM a; CREATE SEQUENCE s; CREATE INDEX ON a (x);"
    "ALTER TABLE a ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON a USING (true);",
    "rolled back": "CREATE TABLE a (x int); BEGIN; CREATE TABLE b (x int); DROP TABLE a; ROLLBACK;",
    "committed": "BEGIN; CREATE TABLE a (x int); COMMIT;",
    "bodies": "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $body$ BEGIN CREATE TABLE no (x int); END $body$;"
    "COMMENT ON SCHEMA public IS 'CREATE TABLE no2 (x int);'; -- CREATE TABLE no3 (x int);\n CREATE TABLE a (x int);",
    "commented out": "/* CREATE TABLE a (x int);\n /* nested */ CREATE TABLE b (x int); */",
    "extension": "CREATE EXTENSION IF NOT EXISTS citext; CREATE TABLE a (x citext);",
    "foreign": "CREATE EXTENSION file_fdw; CREATE SERVER f FOREIGN DATA WRAPPER file_fdw;"
    "CREATE FOREIGN TABLE a (x int) SERVER f OPTIONS (filename '/dev/null');",
}


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_what_is_expected_is_what_a_real_database_then_holds(app: Path, database: str, text: str) -> None:
    apply(database, text)
    with psycopg.connect(database) as connection:
        held = {row[0] for row in connection.execute(LISTED)}
    assert {str(table) for table in read(app, text).tables} == held


def test_a_dump_of_pg_dump_is_read_as_it_is(app: Path, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA app; CREATE TABLE app.a (x text); CREATE TABLE b (x int)")
        connection.execute("INSERT INTO app.a VALUES ('CREATE TABLE no (x int);'), ('\\.'), (E'\\\\restrict')")
        connection.execute("INSERT INTO b SELECT generate_series(1, 9)")
    folder = find_binaries()
    assert folder
    url, _, password = _without_password(database)
    done = subprocess.run(
        [folder / "pg_dump", url],
        env={**os.environ, "PGPASSWORD": password},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "COPY app.a (x) FROM stdin;" in done.stdout
    found = read(app, done.stdout)
    text = done.stdout.split("\n")
    assert {str(table): text[table.place.line - 1] for table in found.tables if table.place} == {
        "app.a": "CREATE TABLE app.a (",
        "public.b": "CREATE TABLE public.b (",
    }
    assert found.not_compared == []


def _without_password(url: str) -> tuple[str, str, str]:
    credentials, at, rest = url.partition("@")
    head, colon, password = credentials.rpartition(":")
    return head + at + rest, colon, password


def test_partitions_are_kept_and_not_asked_for(app: Path) -> None:
    found = read(app, SHAPES["partitions"])
    assert [str(table) for table in found.tables] == ["public.p"]
    assert {name[1]: table.partition_of for name, table in found.schema.tables.items()} == {
        "p": None,
        "p1": ("public", "p"),
        "p2": ("public", "p"),
    }


def test_lines_are_those_of_the_statement_itself(app: Path) -> None:
    text = "-- héllo;\n\nCREATE TABLE a (\n x int\n); /* one;\n two */ CREATE TABLE b (x int);\n-- c\n\n"
    text += "  CREATE TABLE c (x int)"
    assert lines(read(app, text)) == {"a": 3, "b": 6, "c": 9}
    assert lines(read(app, "\ufeff" + text.replace("\n", "\r\n"))) == {"a": 3, "b": 6, "c": 9}


def test_whether_the_file_names_the_schema_is_kept(app: Path) -> None:
    found = read(
        app, "CREATE TABLE a (x int); CREATE TABLE public.b (x int); SET search_path TO public; CREATE TABLE c (x int)"
    )
    assert [(table.name[1], table.qualified) for table in found.tables] == [("a", False), ("b", True), ("c", True)]


def test_names_without_a_schema_go_where_the_role_would_put_them(app: Path) -> None:
    (app / "schema.sql").write_text("CREATE TABLE a (x int); CREATE TABLE public.b (x int);")
    project = at(app)
    sources = sql.find(project)
    assert sources
    found = sql.expected(project, sources, "tenant")
    assert [str(table) for table in found.tables] == ["tenant.a", "public.b"]


@pytest.mark.parametrize("text", ["", "\n\n", "-- only a comment\n", "/* CREATE TABLE a (x int); */", "\ufeff", ";;"])
def test_a_file_may_create_nothing(app: Path, text: str) -> None:
    assert read(app, text).schema == sql.Schema()


def test_the_source_is_named_as_a_sentence_needs_it(app: Path) -> None:
    found = read(app, "CREATE TABLE a (x int);", "db/schema.sql")
    assert (found.name, found.file) == ("db/schema.sql", "db/schema.sql")
    write(app, migrations___1_a__sql="CREATE TABLE a (x int);", more___1__sql="", more___2__sql="")
    assert (named(app, "migrations").name, named(app, "migrations").file) == (
        "1 migration of migrations/",
        "migrations",
    )
    assert named(app, "db/schema.sql", "more").name == "db/schema.sql and 2 migrations of more/"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("\nDO $$ BEGIN EXECUTE 'CREATE TABLE a (x int)'; END $$;", 2, "DO block"),
        ("DO $$ BEGIN EXECUTE format('DROP TABLE %I', 'a'); END $$;", 1, "DO block"),
        ("DO $$ BEGIN FOR i IN 1..2 LOOP ALTER TABLE a RENAME TO b; END LOOP; END $$;", 1, "DO block"),
        ("SELECT 1;\nSELECT 'CREATE TABLE a (x int)' \\gexec\n", 2, "runs what a query returns"),
        ("CREATE TABLE a (x int);\n\\if :production\nDROP TABLE a;\n\\endif\n", 2, "\\if decides what psql runs"),
    ],
)
def test_what_is_not_compared_is_said(app: Path, text: str, line: int, said: str) -> None:
    [note] = read(app, text).not_compared
    assert note.place.line == line
    assert said in note.text


@pytest.mark.parametrize(
    "text",
    [
        "DO $$ BEGIN CREATE TYPE mood AS ENUM ('ok'); END $$;",
        "DO $$ BEGIN -- CREATE TABLE a\n ALTER TABLE a ADD COLUMN x int; END $$;",
        "DO $$ BEGIN CREATE TEMP TABLE a (x int); END $$;",
    ],
)
def test_a_do_block_that_can_be_read_is_no_matter(app: Path, text: str) -> None:
    found = read(app, text)
    assert found.not_compared == []
    assert found.tables == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "CREATE TABLE a (x int);\nCREATE TABEL b (é int);",
            'schema.sql:2: syntax error at or near "TABEL": CREATE TABEL',
        ),
        ("CREATE TABLE a (\n  x int\n", "schema.sql:2: syntax error at end of input"),
        ("CREATE TABLE `a` (x int);", "schema.sql:1 is SQL for MySQL or SQLite (backticks"),
        ("\nCREATE TABLE a (id int AUTO_INCREMENT) ENGINE=InnoDB;", "schema.sql:2 is SQL for MySQL"),
        ("CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);", "schema.sql:1 is SQL for SQLite"),
        ("CREATE TABLE [dbo].[a] (id int IDENTITY(1,1));\nGO\n", "schema.sql:1 is SQL for SQL Server"),
        (b"CREATE TABLE a (x int);\n-- caf\xe9\n", "schema.sql:2 is not UTF-8 text"),
        ("CREATE TABLE a (x int);".encode("utf-16"), "schema.sql is UTF-16 text"),
        ("SELECT 1;\n\0CREATE TABLE a (x int);", "schema.sql:2 holds a NUL"),
        ("COPY a FROM stdin;\n1\n", "schema.sql:2: syntax error"),
        ("CREATE TABLE a (x int);\n\\i more/tables.sql\n", "schema.sql:2 includes more/tables.sql, which is not there"),
    ],
)
def test_what_cannot_be_read_names_the_line(app: Path, text: str | bytes, said: str) -> None:
    assert said in refusal(app, text)


def test_a_file_that_is_not_there(app: Path) -> None:
    with pytest.raises(ClientError, match=r"schema\.sql cannot be read: no such file"):
        named(app, "schema.sql")


def test_psql_s_own_commands_are_left_out(app: Path) -> None:
    text = "\\restrict abc\n\\set ON_ERROR_STOP on\nCREATE TABLE a (x int);\n\\echo done\nSELECT 1 \\g\n"
    text += "CREATE TABLE b (x int);\n"
    assert lines(read(app, text)) == {"a": 3, "b": 6}


def test_a_big_file_takes_little_time(app: Path) -> None:
    from time import perf_counter

    rows = "INSERT INTO a VALUES (1, 'some text of an ordinary length');\n" * 20_000
    start = perf_counter()
    found = read(app, f"CREATE TABLE a (x int, y text);\n{rows}CREATE TABLE b (x int);")
    assert lines(found) == {"a": 1, "b": 20_002}
    assert perf_counter() - start < 20


# -- two sources that say different things


def test_what_another_source_declares_beyond_the_chosen_one(app: Path) -> None:
    write(
        app,
        schema__sql="CREATE TABLE a (x int); CREATE TABLE b (x int);",
        migrations___1__sql="CREATE TABLE a (x int, y int); CREATE TABLE c (x int);",
        prisma___migrations___1_a___migration__sql="CREATE TABLE a (x int);",
    )
    project = at(app)
    sources = sql.find(project)
    assert sources
    assert sql.disagreements(project, sql.expected(project, sources)) == [
        ("1 migration of prisma/migrations/", ""),
        ("1 migration of migrations/", "public.a.y, public.c"),
    ]


def test_another_source_that_cannot_be_read_is_told(app: Path) -> None:
    write(app, schema__sql="CREATE TABLE a (x int);", migrations___1__sql="CREATE TABEL")
    project = at(app)
    sources = sql.find(project)
    assert sources
    [(name, said)] = sql.disagreements(project, sql.expected(project, sources))
    assert name == "1 migration of migrations/"
    assert said.startswith("it cannot be read: migrations/1.sql:1: syntax error")


def test_many_differences_are_cut_short(app: Path) -> None:
    write(
        app,
        schema__sql="CREATE TABLE a (x int);",
        migrations___1__sql=" ".join(f"CREATE TABLE t{number} (x int);" for number in range(8)),
    )
    project = at(app)
    sources = sql.find(project)
    assert sources
    [(_, said)] = sql.disagreements(project, sql.expected(project, sources))
    assert said == "public.t0, public.t1, public.t2, public.t3, public.t4 and 3 more"
