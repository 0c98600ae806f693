"""What stands in an SQL file and is no SQL: data, psql's commands, a migration's way back, and other dialects."""

from pathlib import Path

import pytest

from tests.project.ddl.reading import lines, psql, read, refusal, tables

BEFORE = "CREATE TABLE a (x text, y text);\n"
AFTER = "CREATE TABLE b (x int);\n"
DATA = {
    "nothing": "",
    "a semicolon": "one;\ttwo;\n",
    "quotes that do not close": "it's\tsay \"\n",
    "a dollar quote that does not close": "$$\t$body$\n",
    "comments that do not close": "--\t/*\n",
    "SQL": "CREATE TABLE no (x int);\tDROP TABLE a;\n",
    "backslashes": "\\\\.\t\\N\n\\\\i x.sql\t\\\\copy\n",
    "a dot": ".\t\\\\.\n",
    "words of a migration tool": "-- migrate:down\tx\n",
    "blank lines": "\t\n\t\n",
    "other letters": "Ünï\t日本語\n",
}


# -- data


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
@pytest.mark.parametrize("copy", ["COPY a (x, y) FROM stdin;", "copy a\n  (x, y)\n  from STDIN WITH (FORMAT text);"])
def test_data_behind_copy_is_left_out(app: Path, database: str, data: str, copy: str) -> None:
    text = f"{BEFORE}{copy}\n{data}\\.\n{AFTER}"
    assert tables(read(app, text)) == psql(database, app, text=text) == ["public.a", "public.b"]
    assert lines(read(app, text))["b"] == text.count("\n")


def test_data_is_left_out_with_either_kind_of_line_end(app: Path) -> None:
    text = f"{BEFORE}COPY a FROM stdin;\n1\t;'\n\\.\n{AFTER}".replace("\n", "\r\n")
    assert lines(read(app, text)) == {"a": 1, "b": 5}


def test_several_blocks_of_data(app: Path, database: str) -> None:
    text = f"{BEFORE}COPY a FROM stdin;\n'\t'\n\\.\n\nCOPY a FROM stdin;\n\\.\n{AFTER}COPY b FROM stdin;\n1\n\\.\n"
    assert tables(read(app, text)) == psql(database, app, text=text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'COPY a FROM stdin;';\nCREATE TABLE b (x int);\n",
        "-- COPY a FROM stdin;\nCREATE TABLE b (x int);\n\\echo x\n",
        "/* COPY a FROM stdin;\n */ CREATE TABLE b (x int);\n\\echo x\n",
        "COPY a TO stdout;\nCREATE TABLE b (x int);\n\\echo x\n",
        "COPY a FROM '/dev/null';\nCREATE TABLE b (x int);\n\\echo x\n",
    ],
)
def test_what_only_looks_like_copy_has_no_data(app: Path, text: str) -> None:
    assert tables(read(app, text)) == ["public.b"]


# -- psql's commands


COMMANDS = {
    "on a line of its own": "\\set ON_ERROR_STOP on\n\\echo 'a;b'\n" + AFTER,
    "indented": "  \\echo one\n" + AFTER,
    "behind a statement": "CREATE TABLE b (x int); \\echo done\n",
    "instead of the semicolon": "SELECT 1 \\g\n" + AFTER,
    "instead of the semicolon, into a variable": "SELECT 1 AS one \\gset\n" + AFTER,
    "instead of the semicolon, upright": "SELECT 1 AS one \\gx\n" + AFTER,
    "with a table": "CREATE TABLE b (x int) \\g\n",
    "with an apostrophe": "\\echo it''s\n" + AFTER,
    "in a string": "SELECT 'a \\echo b';\n" + AFTER,
    "in a string over lines": "SELECT 'a\n\\echo b\n';\n" + AFTER,
    "in an escaping string": "SELECT E'it\\'s; \\\\';\n" + AFTER,
    "in a dollar quote": "SELECT $x$ '\n\\echo b;\n$x$;\n" + AFTER,
    "in a name": 'SELECT 1 AS "\\echo";\n' + AFTER,
    "in a comment": "-- \\echo it's\n/* \\i x */\n" + AFTER,
    "in a comment within a comment": "/* /* */ \\i x */\n" + AFTER,
    "a plain string that ends in a backslash": "SELECT 'C:\\';\n" + AFTER,
    "a quoted name that ends in a backslash": 'SELECT 1 AS "C:\\";\n' + AFTER,
    "a dollar in a name": "SELECT 1 AS a$b$c, 2 AS d$b$e;\n" + AFTER + "\\echo x\n",
    "restricted": "\\restrict abc\n" + AFTER + "\\unrestrict abc\n",
}


@pytest.mark.parametrize("text", COMMANDS.values(), ids=COMMANDS)
def test_commands_of_psql_are_left_out(app: Path, database: str, text: str) -> None:
    assert tables(read(app, text)) == psql(database, app, text=text) == ["public.b"]


def test_lines_below_commands_are_right(app: Path) -> None:
    text = "\\set x 1\nSELECT 1 \\g\n\\echo é\n\nCREATE TABLE b (x int);\nSELECT 1 \\gset\n  CREATE TABLE c (x int);"
    assert lines(read(app, text)) == {"b": 5, "c": 7}


def test_conditions_of_psql_are_said_and_all_branches_read(app: Path) -> None:
    text = "\\if :x\nCREATE TABLE a (x int);\n\\elif :y\n\\else\nCREATE TABLE b (x int);\n\\endif\n"
    found = read(app, text)
    assert tables(found) == ["public.a", "public.b"]
    assert [(note.place.line, note.text.split()[0]) for note in found.not_compared] == [
        (1, "\\if"),
        (3, "\\elif"),
        (4, "\\else"),
    ]


@pytest.mark.parametrize("end", ["\\gexec\n", "\\gexec \\echo x\n", "\\gexec"])
def test_what_a_query_returns_is_not_read(app: Path, end: str) -> None:
    found = read(app, f"{BEFORE}SELECT 'DROP TABLE a'\n{end}")
    assert tables(found) == ["public.a"]
    assert [(note.place.line, note.text) for note in found.not_compared] == [
        (3, "runs what a query returns, which is not read")
    ]


# -- a migration's way back


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ("-- migrate:up", "-- migrate:down"),
        ("-- migrate:up transaction:false", "-- migrate:down transaction:false"),
        ("--migrate:up", "--migrate:down"),
        ("-- +goose Up", "-- +goose Down"),
        ("-- +goose up", "-- +goose down"),
        ("-- +goose Up\n-- +goose StatementBegin", "-- +goose StatementEnd\n-- +goose Down"),
    ],
)
def test_the_way_back_is_left_out(app: Path, up: str, down: str) -> None:
    text = f"{up}\nCREATE TABLE a (x int);\n{down}\nDROP TABLE a;\n"
    assert tables(read(app, text)) == ["public.a"]
    assert tables(read(app, text.replace("\n", "\r\n"))) == ["public.a"]
    again = f"{text}{up}\nCREATE TABLE b (x int);\n"
    assert lines(read(app, again)) == {"a": 2 + up.count("\n"), "b": again.count("\n")}


def test_what_stands_above_the_first_mark_counts(app: Path) -> None:
    assert tables(read(app, "CREATE TABLE a (x int);\n-- migrate:down\nDROP TABLE a;\n")) == ["public.a"]


def test_a_remark_about_going_back_is_no_mark(app: Path) -> None:
    assert tables(read(app, "-- how to migrate:down\nCREATE TABLE a (x int);\n")) == ["public.a"]


# -- other dialects


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("CREATE TABLE a (id int NOT NULL AUTO_INCREMENT, PRIMARY KEY (id));", "MySQL"),
        ("CREATE TABLE `a` (id int) ENGINE=InnoDB;", "MySQL"),
        ("CREATE TABLE a (id int unsigned);", "MySQL"),
        ("CREATE TABLE a (`id` int);", "MySQL or SQLite (backticks around names)"),
        ("DELIMITER //\nCREATE PROCEDURE p() BEGIN END//\n", "MySQL"),
        ("CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);", "SQLite"),
        ("PRAGMA foreign_keys=OFF;\nCREATE TABLE a (id int);", "SQLite"),
        ("CREATE TABLE a (id int PRIMARY KEY) WITHOUT ROWID;", "SQLite"),
        ("CREATE TABLE [dbo].[a] (id int);", "SQL Server"),
        ("CREATE TABLE a (id int IDENTITY(1,1));\nGO\n", "SQL Server"),
        ("CREATE TABLE a (id int)\nGO\nCREATE TABLE b (id int)\nGO\n", "SQL Server"),
        ("CREATE TABLE a (id UInt64) ENGINE = MergeTree() ORDER BY id;", "ClickHouse"),
        ("CREATE TABLE a (id LowCardinality(String)) ENGINE = Memory;", "ClickHouse"),
        ("CREATE TABLE a (id UInt64) ENGINE = ReplicatedMergeTree('/a', 'b') ORDER BY id;", "ClickHouse"),
    ],
)
def test_sql_for_another_database_is_called_by_its_name(app: Path, text: str, dialect: str) -> None:
    said = refusal(app, text)
    assert said.startswith("schema.sql:")
    assert f" is SQL for {dialect}, not for Postgres: " in said


@pytest.mark.parametrize(
    ("text", "line", "type_"),
    [
        ("CREATE TABLE a (id INTEGER PRIMARY KEY, at DATETIME DEFAULT CURRENT_TIMESTAMP);", 1, "datetime"),
        ("CREATE TABLE a (\n  id int,\n  flag TINYINT(1)\n);", 3, "tinyint"),
        ("CREATE TABLE a (\n  id int,\n  note LONGTEXT\n);", 3, "longtext"),
        ("CREATE TABLE a (id int);\nALTER TABLE a ADD COLUMN n NUMBER(10);", 2, "number"),
        ("CREATE TABLE a (name NVARCHAR(10));", 1, "nvarchar"),
    ],
)
def test_types_that_no_postgres_has_are_found_though_they_parse(app: Path, text: str, line: int, type_: str) -> None:
    assert (
        refusal(app, text) == f"schema.sql:{line}: no Postgres has the type {type_}: this is SQL for another database"
    )


@pytest.mark.parametrize(
    "text",
    [
        "CREATE DOMAIN datetime AS timestamptz; CREATE TABLE a (at datetime);",
        "CREATE TYPE number AS ENUM ('one'); CREATE TABLE a (n number);",
        'CREATE TABLE a ("datetime" timestamptz, unsigned int, auto_increment int);',
        "CREATE TABLE a (x text DEFAULT '`y` AUTO_INCREMENT ENGINE=InnoDB'); -- IDENTITY(1,1)\n",
        "CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY (START 5));",
    ],
)
def test_postgres_that_reminds_of_another_dialect_is_read(app: Path, text: str) -> None:
    assert tables(read(app, text)) == ["public.a"]


def test_a_slip_in_postgres_sql_is_no_other_dialect_for_what_its_comments_say(app: Path) -> None:
    said = refusal(app, "-- was AUTO_INCREMENT in `mysql`\nCREATE TABEL a (x int);")
    assert said == 'schema.sql:2: syntax error at or near "TABEL": CREATE TABEL a (x int);'


@pytest.mark.parametrize(
    "before",
    [
        "INSERT INTO a VALUES ('use `code` here');",
        "COMMENT ON TABLE a IS 'was AUTO_INCREMENT, ENGINE=InnoDB';",
        "DO $$ BEGIN RAISE NOTICE 'in `code`'; END $$;",
        "CREATE TABLE b (x int GENERATED ALWAYS AS IDENTITY (START 5));",
    ],
)
def test_a_slip_in_postgres_sql_is_no_other_dialect_for_what_stands_elsewhere(app: Path, before: str) -> None:
    assert refusal(app, f"{before}\nCREATE TABEL a (x int);").startswith("schema.sql:2: syntax error")
