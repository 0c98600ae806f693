"""Reading files as psql does: includes in their place, lines that are right, big files like small ones."""

from pathlib import Path

import pytest

from infracheck.errors import ClientError
from infracheck.project.ddl.source import Reader
from tests.helpers import write
from tests.project.ddl.reading import lines, named, psql, read, refusal, tables

# -- includes

INCLUDES = {
    "from the file's folder": {"schema.sql": "\\ir a.sql\n\\ir more/b.sql\n", "a.sql": "A", "more/b.sql": "B"},
    "by \\i": {"schema.sql": "\\i a.sql\n\\i more/b.sql\n", "a.sql": "A", "more/b.sql": "B"},
    "by the long names": {
        "schema.sql": "\\include a.sql\n\\include_relative b.sql\n",
        "a.sql": "A",
        "b.sql": "B",
    },
    "in quotes": {"schema.sql": "\\i 'a b.sql'\n\\ir 'b.sql'  \n", "a b.sql": "A", "b.sql": "B"},
    "nested": {
        "schema.sql": "\\ir more/all.sql\n",
        "more/all.sql": "\\ir ../a.sql\n\\ir b.sql\n",
        "a.sql": "A",
        "more/b.sql": "B",
    },
    "nested, from psql's own folder": {
        "schema.sql": "\\i more/all.sql\n",
        "more/all.sql": "\\i a.sql\n\\i more/b.sql\n",
        "a.sql": "A",
        "more/b.sql": "B",
    },
    "between statements": {
        "schema.sql": "CREATE TABLE a (x int);\n\\i b.sql\nALTER TABLE b ADD y int;\n",
        "b.sql": "B",
    },
    "twice": {
        "schema.sql": "\\i a.sql\nDROP TABLE a;\n\\i a.sql\n\\i b.sql\n",
        "a.sql": "A",
        "b.sql": "B",
    },
    "with data of its own": {
        "schema.sql": "\\i a.sql\n\\i b.sql\n",
        "a.sql": "CREATE TABLE a (x text);\nCOPY a FROM stdin;\n\\\\i no.sql\n\\.\n",
        "b.sql": "\\set x 1\nB",
    },
    "without a line end": {"schema.sql": "\\i a.sql\n\\i b.sql", "a.sql": "A", "b.sql": "B"},
}
STATEMENTS = {"A": "CREATE TABLE a (x int);", "B": "CREATE TABLE b (x int);"}


@pytest.mark.parametrize("files", INCLUDES.values(), ids=INCLUDES)
def test_includes_are_read_in_their_place(app: Path, database: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        (app / name).parent.mkdir(exist_ok=True)
        (app / name).write_text(STATEMENTS.get(text, text.replace("\nB", f"\n{STATEMENTS['B']}")))
    held = psql(database, app, file="schema.sql")
    found = named(app, "schema.sql")
    assert sorted(tables(found)) == held == ["public.a", "public.b"]
    assert found.not_compared == []


def test_what_is_included_is_placed_in_its_own_file(app: Path) -> None:
    write(app, db___more___a__sql="-- a\n\nCREATE TABLE a (\n  x int\n);\n")
    found = read(app, "-- é\n\\ir more/a.sql\n\nCREATE TABLE b (x int);\n", "db/schema.sql")
    assert [str(table.place) for table in found.tables] == ["db/more/a.sql:3", "db/schema.sql:4"]
    assert [str(column.place) for column in (found.tables[0].columns or {}).values()] == ["db/more/a.sql:4"]


def test_an_included_file_may_change_what_stands_above(app: Path) -> None:
    write(app, a__sql="DROP TABLE a; BEGIN; CREATE TABLE c (x int);")
    assert tables(read(app, "CREATE TABLE a (x int);\n\\i a.sql\nROLLBACK;\nCREATE TABLE b (x int);")) == ["public.b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n\\i no.sql\n", "schema.sql:2 includes no.sql, which is not there"),
        ("\\ir ../no.sql", "schema.sql:1 includes ../no.sql, which is not there"),
        ("\\i 'no such.sql'\n", "schema.sql:1 includes no such.sql, which is not there"),
        ("\\i more\n", "schema.sql:1 includes more, which is no .sql file by its name"),
        ("\\i schema.sql\n", "schema.sql:1 includes itself, round and round"),
    ],
)
def test_an_include_that_cannot_be_followed_is_refused(app: Path, text: str, said: str) -> None:
    (app / "more").mkdir()
    assert refusal(app, text) == said


def test_a_circle_is_found_over_several_files(app: Path) -> None:
    write(app, a__sql="\\ir b.sql\n", b__sql="\n\\ir a.sql\n")
    assert "includes itself, round and round" in refusal(app, "\\i a.sql\n")


def test_a_slip_in_an_included_file_is_said_of_that_file(app: Path) -> None:
    write(app, more___a__sql="CREATE TABLE a (x int);\nCREATE TABEL b (x int);\n")
    said = refusal(app, "\\i more/a.sql\n")
    assert said == 'more/a.sql:2: syntax error at or near "TABEL": CREATE TABEL b (x int);'


def test_a_slip_above_or_below_an_include_has_its_line(app: Path) -> None:
    write(app, a__sql="CREATE TABLE a (x int);\n")
    assert refusal(app, "SELEC 1;\n\\i a.sql\n").startswith("schema.sql:1: syntax error")
    assert refusal(app, "SELECT 1;\n\\i a.sql\n\nSELEC 1;\n").startswith("schema.sql:4: syntax error")
    assert refusal(app, "SELECT (\n\\i a.sql\n);\n").startswith("schema.sql:1: syntax error at end of input")


# -- lines


SCATTERED = """-- héllo; 日本語
/* one /* nested
   */ still a comment */

CREATE TABLE a (
    -- the key
    id int PRIMARY KEY, "ünï" text,

    note text DEFAULT 'a
b;'
);  CREATE TABLE b (x int); -- behind
  /* before */ CREATE TABLE c (x int
);
ALTER TABLE a
  ADD COLUMN late text;
CREATE INDEX i ON a (id);
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_are_right_whatever_the_letters_and_line_ends(app: Path, end: str, mark: str) -> None:
    found = read(app, mark + SCATTERED.replace("\n", end))
    assert lines(found) == {"a": 5, "b": 11, "c": 12}
    columns = found.schema.tables["public", "a"].columns or {}
    assert {name: column.place and column.place.line for name, column in columns.items()} == {
        "id": 7,
        "ünï": 7,
        "note": 9,
        "late": 15,
    }
    [index] = found.schema.indexes.values()
    assert str(index.place) == "schema.sql:16"


def test_a_statement_behind_a_nested_comment_has_its_own_line(app: Path) -> None:
    assert lines(read(app, "/* a /* b */\n c */\nCREATE TABLE a (x int);")) == {"a": 3}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_line_of_a_slip_is_right(app: Path, end: str) -> None:
    text = end.join(["-- é日本", "CREATE TABLE a (x int);", "", "CREATE TABLE b (", "  é int,", "  y int int", ");"])
    assert refusal(app, text) == 'schema.sql:6: syntax error at or near "int": y int int'


def test_what_a_clause_says_is_the_text_of_the_file(app: Path) -> None:
    found = read(
        app,
        "CREATE TABLE a (\n  x text -- the x\n    DEFAULT 'é, ''y'' (' || 'z' NOT NULL CHECK (x <> ';'),\n"
        "  PRIMARY KEY (x)\n);"
        "CREATE INDEX i ON a (x)\n  WHERE x > 'b'; CREATE TABLE b (x int);",
    )
    table = found.tables[0]
    column = (table.columns or {})["x"]
    assert column.default
    assert column.default.text == "'é, ''y'' (' || 'z'"
    assert [one.place and one.place.clause() for one in table.constraints.values()] == [
        "CHECK (x <> ';')",
        "PRIMARY KEY (x)",
    ]
    [index] = found.schema.indexes.values()
    assert index.place
    assert index.place.clause() == "CREATE INDEX i ON a (x) WHERE x > 'b'"


# -- big files


ATOMIC = (
    "CREATE FUNCTION f{0}() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;\n"
    "CREATE TABLE f{0}_t (x int);\n"
)
PLAIN = (
    "CREATE TABLE t{0} (\n  id int PRIMARY KEY, -- é\n  note text DEFAULT 'a; b'\n);\nCREATE INDEX ON t{0} (note);\n"
)
QUOTED = "CREATE FUNCTION q{0}() RETURNS void LANGUAGE plpgsql AS $b$ BEGIN; CREATE TABLE no (x int); END $b$;\n"


def described(folder: Path, text: str) -> list[str]:
    """Everything that is read, with its place."""
    schema = read(folder, text).schema
    found = [f"{table} {table.place}" for table in schema.tables.values()]
    for table in schema.tables.values():
        for one in (table.columns or {}).values():
            found.append(f"{table}.{one.name} {one.type} {one.default.text if one.default else None} {one.place}")
    found += [f"{key} {one.place} {one.place.clause() if one.place else ''}" for key, one in schema.indexes.items()]
    return found + [f"{one} {one.place}" for one in schema.functions.values()]


@pytest.mark.parametrize(
    "parts",
    [
        [PLAIN],
        [PLAIN, QUOTED],
        [PLAIN] * 40 + [ATOMIC],
        [ATOMIC, PLAIN],
    ],
    ids=["plain", "quoted bodies", "a body without quotes among others", "many bodies without quotes"],
)
def test_a_big_file_is_read_like_a_small_one(app: Path, parts: list[str]) -> None:
    text, number = "", 0
    while len(text) < 210_000:
        text += parts[number % len(parts)].format(number)
        number += 1
    small: list[str] = []
    done = 0
    # The same in pieces that are small enough to be parsed at once, each behind as many blank lines.
    for start in range(0, number, 400):
        piece = "".join(parts[one % len(parts)].format(one) for one in range(start, min(start + 400, number)))
        small += described(app, "\n" * done + piece)
        done += piece.count("\n")
    assert sorted(described(app, text)) == sorted(small)


@pytest.mark.parametrize("rows", [0, 1, 399, 400, 401, 5000, 5999, 6000])
def test_the_line_of_a_slip_in_a_big_file(app: Path, rows: int) -> None:
    row = "INSERT INTO a VALUES (1, 'é, ordinary; text');\n"
    text = f"{row * rows}CREATE TABEL b (x int);\n{row * (6000 - rows)}"
    assert len(text) > 200_000
    assert refusal(app, text) == f'schema.sql:{rows + 1}: syntax error at or near "TABEL": CREATE TABEL b (x int);'


def test_a_big_file_that_ends_in_the_middle_of_a_statement(app: Path) -> None:
    row = "INSERT INTO a VALUES (1, 'some text of an ordinary length');\n"
    said = refusal(app, row * 5000 + "CREATE TABLE b (\n  x int\n")
    assert said == "schema.sql:5002: syntax error at end of input: x int"


def test_a_big_file_with_a_bracket_that_does_not_close(app: Path) -> None:
    row = "INSERT INTO a VALUES (1, 'some text of an ordinary length');\n"
    said = refusal(app, row * 5000 + "SELECT (1;\n" + row * 1000 + "CREATE TABLE b (x int);\n")
    assert said == 'schema.sql:5001: syntax error at or near ";": SELECT (1;'


def test_a_big_file_with_a_string_that_does_not_close(app: Path) -> None:
    row = "INSERT INTO a VALUES (1, 'some text of an ordinary length');\n"
    assert refusal(app, row * 5000 + "SELECT 'x\n" + row * 10).startswith("schema.sql:50")


def test_a_big_included_file_has_its_own_lines(app: Path) -> None:
    write(
        app,
        big__sql="-- é\n"
        + "SELECT 'some text of an ordinary length, and some more';\n" * 5000
        + "CREATE TABLE a (x int);",
    )
    found = read(app, "CREATE TABLE b (x int);\n\\i big.sql\nCREATE TABLE c (x int);\n")
    assert [str(table.place) for table in found.tables] == ["schema.sql:1", "big.sql:5002", "schema.sql:3"]


def test_a_file_that_is_a_folder_or_is_not_there(app: Path) -> None:
    (app / "folder.sql").mkdir()
    with pytest.raises(ClientError, match=r"^folder\.sql cannot be read: is a directory$"):
        list(Reader().statements(app / "folder.sql", "folder.sql"))
    with pytest.raises(ClientError, match=r"^no\.sql cannot be read: no such file or directory$"):
        list(Reader().statements(app / "no.sql", "no.sql"))


def test_only_sql_files_are_included(app: Path) -> None:
    (app / ".env.local").write_text("PLAIN=text of a file that is no SQL\n", encoding="utf-8")
    said = refusal(app, "CREATE TABLE a (x int);\n\\i .env.local\n")
    assert said == "schema.sql:2 includes .env.local, which is no .sql file by its name"
