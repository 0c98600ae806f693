"""Names that Postgres chooses, against a real one: awkward lengths, other letters, collisions, and dropping by them."""

from pathlib import Path

import psycopg
import pytest

from tests.project.ddl.reading import apply, read

CONSTRAINTS = """
    SELECT t.relname, k.conname FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
    WHERE t.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      AND k.contype IN ('p', 'u', 'f', 'c', 'x')
"""
INDEXES = """
    SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
"""
SEQUENCES = "SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace <> 'pg_catalog'::regnamespace"
LENGTHS = (1, 10, 25, 26, 27, 28, 29, 30, 31, 55, 56, 57, 58, 59, 60, 63)


def held(url: str) -> dict[str, list[str]]:
    with psycopg.connect(url) as connection:
        return {
            "constraints": sorted(f"{table} {name}" for table, name in connection.execute(CONSTRAINTS)),
            "indexes": sorted(row[0] for row in connection.execute(INDEXES)),
            "sequences": sorted(row[0] for row in connection.execute(SEQUENCES)),
        }


def chosen(app: Path, text: str) -> dict[str, list[str]]:
    schema = read(app, text).schema
    return {
        "constraints": sorted(f"{one.name[1]} {name}" for one in schema.tables.values() for name in one.constraints),
        "indexes": sorted(name[1] for name in schema.indexes),
        "sequences": sorted(name[1] for name in schema.sequences),
    }


def agree(app: Path, url: str, text: str) -> dict[str, list[str]]:
    """Apply a text, and return the names that both sides then have."""
    apply(url, text)
    assert chosen(app, text) == held(url)
    return held(url)


def everything(table: str, first: str, second: str) -> str:
    """A table with one of all that gets a name of Postgres's own choice."""
    return f"""
        CREATE TABLE "{table}" (
            "{first}" serial PRIMARY KEY, "{second}" int UNIQUE REFERENCES "{table}" CHECK ("{second}" > 0),
            CHECK ("{first}" > "{second}"), UNIQUE ("{first}", "{second}"),
            EXCLUDE USING btree ("{second}" WITH =), UNIQUE ("{second}") INCLUDE ("{first}")
        );
        CREATE INDEX ON "{table}" ("{first}");
        CREATE INDEX ON "{table}" ("{second}", "{first}") WHERE "{first}" > 1;
        CREATE INDEX ON "{table}" (("{first}" + 1), abs("{second}"), "{first}") INCLUDE ("{second}");
    """


@pytest.mark.parametrize("table", [2, 25, 28, 29, 57, 58, 59, 63])
def test_names_of_every_length(app: Path, database: str, table: int) -> None:
    text = ""
    for number, column in enumerate(LENGTHS):
        name = f"{number:x}{'t' * 63}"[:table]
        text += everything(name, "a" * column, "b" * LENGTHS[-number - 1])
    agree(app, database, text)


@pytest.mark.parametrize("letter", ["é", "日", "𝔸"])
@pytest.mark.parametrize("lead", ["", "x", "xy", "xyz"])
def test_letters_of_several_bytes_are_not_cut_in_two(app: Path, database: str, letter: str, lead: str) -> None:
    size = len(letter.encode())
    text = ""
    for number, (table, column) in enumerate([(60, 60), (60, 5), (5, 60), (30, 30), (40, 28)]):
        name = f"{number}{lead}{letter * ((table - len(lead) - 1) // size)}"
        text += everything(
            name, f"{lead}{letter * max(1, (column - 4) // size)}", f"c{letter * ((column - 4) // size)}"
        )
    agree(app, database, text)


def test_names_that_need_quotes(app: Path, database: str) -> None:
    names = agree(app, database, everything("Order", "User Id", "a-b"))
    assert "Order Order_pkey" in names["constraints"]


COLLISIONS = {
    "indexes": "CREATE TABLE a (x int); CREATE INDEX ON a (x); CREATE INDEX ON a (x); CREATE INDEX ON a (x DESC);",
    "an index and a table": "CREATE TABLE a_x_idx (y int); CREATE TABLE a (x int); CREATE INDEX ON a (x);",
    "an index and a view": "CREATE TABLE a (x int); CREATE VIEW a_x_idx AS SELECT 1 AS one; CREATE INDEX ON a (x);",
    "an index and a sequence": "CREATE SEQUENCE a_x_idx; CREATE TABLE a (x int); CREATE INDEX ON a (x);",
    "a key and a table": "CREATE TABLE a_pkey (y int); CREATE TABLE a (x int PRIMARY KEY);",
    "a key and an index": "CREATE TABLE b (y int); CREATE INDEX a_x_key ON b (y); CREATE TABLE a (x int UNIQUE);",
    "a key and a check": "CREATE TABLE a (x int CONSTRAINT a_x_key CHECK (x > 0), UNIQUE (x));",
    "a key and another table's check": "CREATE TABLE b (y int CONSTRAINT a_x_key CHECK (y > 0));"
    " CREATE TABLE a (x int UNIQUE);",
    "checks": "CREATE TABLE a (x int CHECK (x > 0) CHECK (x < 9), CHECK (x <> 5), CHECK (x <> 6), CHECK (1 = 1));",
    "checks of two columns": "CREATE TABLE a (x int, y int, CHECK (x > y), CHECK (x < y + 9), CHECK (y > 0));",
    "a check written beside another column": "CREATE TABLE a (x int, y int CHECK (x > 0), z int CHECK (x > y));",
    "a check named between": "CREATE TABLE a (x int, CHECK (x > 0), CONSTRAINT a_x_check1 CHECK (x < 9),"
    " CHECK (x <> 5));",
    "a check named first": "CREATE TABLE a (x int, CONSTRAINT a_x_check CHECK (x < 9), CHECK (x > 0));",
    "a key of that name added before": "CREATE TABLE a (x int);"
    " ALTER TABLE a ADD CONSTRAINT a_x_check UNIQUE (x); ALTER TABLE a ADD CHECK (x > 0);",
    "foreign keys": "CREATE TABLE a (x int PRIMARY KEY, y int REFERENCES a REFERENCES a,"
    " FOREIGN KEY (y) REFERENCES a);",
    "a foreign key of two columns": "CREATE TABLE a (x int, y int, PRIMARY KEY (x, y));"
    " CREATE TABLE b (x int, y int, FOREIGN KEY (x, y) REFERENCES a);",
    "foreign keys added later": "CREATE TABLE a (x int PRIMARY KEY, y int REFERENCES a);"
    " ALTER TABLE a ADD FOREIGN KEY (y) REFERENCES a, ADD FOREIGN KEY (x) REFERENCES a;",
    "names that are cut to the same": f"CREATE TABLE {'t' * 60} (x int UNIQUE);"
    f" CREATE TABLE {'t' * 61} (x int UNIQUE);",
    "serials": "CREATE SEQUENCE a_x_seq; CREATE TABLE a (x serial, y bigserial);"
    " CREATE TABLE a_y (seq int); CREATE TABLE b (x int GENERATED ALWAYS AS IDENTITY);",
    "a key repeated": "CREATE TABLE a (x int PRIMARY KEY, y int, UNIQUE (x), UNIQUE (y), UNIQUE (y));",
    "a key repeated under a name": "CREATE TABLE a (x int UNIQUE, CONSTRAINT mine UNIQUE (x));",
    "two schemas": "CREATE SCHEMA s; CREATE TABLE s.a (x int UNIQUE); CREATE TABLE a (x int UNIQUE);",
    "one that was dropped": "CREATE TABLE a (x int); CREATE INDEX ON a (x); DROP INDEX a_x_idx; CREATE INDEX ON a (x);",
    "one that was renamed": "CREATE TABLE a (x int UNIQUE); ALTER TABLE a RENAME CONSTRAINT a_x_key TO b;"
    " ALTER TABLE a ADD UNIQUE (x);",
    "a table that was renamed": "CREATE TABLE a (x int UNIQUE); ALTER TABLE a RENAME TO b;"
    " CREATE TABLE a (x int UNIQUE);",
    "a column that was renamed": "CREATE TABLE a (x int); CREATE INDEX ON a (x); ALTER TABLE a RENAME x TO y;"
    " CREATE INDEX ON a (y);",
    "a table that was dropped": "CREATE TABLE a (x serial UNIQUE); DROP TABLE a; CREATE TABLE a (x serial UNIQUE);",
    "a serial that was dropped": "CREATE TABLE a (x int, y serial); ALTER TABLE a DROP y; ALTER TABLE a ADD y serial;",
    "an identity that was dropped": "CREATE TABLE a (x int GENERATED ALWAYS AS IDENTITY);"
    " ALTER TABLE a ALTER x DROP IDENTITY; ALTER TABLE a ALTER x ADD GENERATED ALWAYS AS IDENTITY;",
    "a view that was dropped": "CREATE VIEW a_x_idx AS SELECT 1 AS one; DROP VIEW a_x_idx; CREATE TABLE a (x int);"
    " CREATE INDEX ON a (x);",
    "a schema that was dropped": "CREATE SCHEMA s; CREATE TABLE s.a (x serial UNIQUE); DROP SCHEMA s CASCADE;"
    " CREATE SCHEMA s; CREATE TABLE s.a (x serial UNIQUE);",
    "after a rollback": "CREATE TABLE a (x int); BEGIN; CREATE INDEX ON a (x); ROLLBACK; CREATE INDEX ON a (x);",
    "added columns": "CREATE TABLE a (x int); ALTER TABLE a ADD y int UNIQUE CHECK (y > 0), ADD z serial PRIMARY KEY;"
    " ALTER TABLE a ADD w int REFERENCES a;",
    "domains": "CREATE DOMAIN d AS int CHECK (VALUE > 0) CHECK (VALUE < 9); CREATE TABLE a (x d CHECK (x > 1));",
}
EXPRESSIONS = [
    *("lower(t)", "(x + 1)", "(t || 'a')", "coalesce(t, 'a')", "(x::text)", "(t::varchar(5))", "nullif(t, 'a')"),
    *("greatest(x, 1)", "(CASE WHEN x > 1 THEN t ELSE 'a' END)", "(CASE WHEN x > 1 THEN 'b' END)", '(t COLLATE "C")'),
    *("(lower(t)::text)", "(x IS NULL)", "(NOT (x > 1))", "(ARRAY[x, 1])", "(j ->> 'a')", "((j ->> 'a')::int)"),
    *("(j['a'])", "(arr[1])", "abs(x)", "(-x)", "md5(t)", "date_part('day', ts)", "extract(day FROM ts)"),
    *("(CASE x WHEN 1 THEN t END)", "least(x, 2)", "pg_catalog.upper(t)", "trim(t)", "(x IN (1, 2))"),
    *("position('a' IN t)", "(CASE WHEN x > 1 THEN 1 ELSE x::bigint END)", "((CASE WHEN x > 1 THEN 1 END)::bigint)"),
    *("substring(t FROM 1 FOR 2)", "(ts AT TIME ZONE 'utc')", "((t, x) = ('a', 1))", "(nullif(t, 'a')::varchar)"),
    *("(CAST(x AS numeric(5, 2)))", "(x::bigint)", "(t IS NOT DISTINCT FROM 'a')", "(ARRAY[t]::text[])", "x", "(x)"),
    *("(x BETWEEN 1 AND 2)", "(t LIKE 'a%')", "(x = ANY (arr))", "(- x::bigint)", "((lower(t)))", "(x > 1 AND x < 9)"),
]


@pytest.mark.parametrize("text", COLLISIONS.values(), ids=COLLISIONS)
def test_names_that_are_taken_are_numbered(app: Path, database: str, text: str) -> None:
    agree(app, database, text)


def test_an_index_is_called_after_its_expression(app: Path, database: str) -> None:
    text = ""
    for number, one in enumerate(EXPRESSIONS):
        text += f"CREATE TABLE a{number} (x int, t text, j jsonb, arr int[], ts timestamp);"
        text += f"CREATE INDEX ON a{number} ({one}); CREATE INDEX ON a{number} ({one}, x, {one});"
    agree(app, database, text)


@pytest.mark.parametrize(
    "drop",
    [
        "ALTER TABLE a DROP CONSTRAINT a_x_check1;",
        "ALTER TABLE a DROP CONSTRAINT a_check;",
        "ALTER TABLE a DROP CONSTRAINT a_y_fkey;",
        "ALTER TABLE a DROP CONSTRAINT a_x_y_key;",
        "ALTER TABLE a DROP CONSTRAINT a_pkey CASCADE;",
        "DROP INDEX a_lower_idx;",
        "DROP INDEX a_x_idx1, a_x_idx;",
        "ALTER INDEX a_x_idx RENAME TO i;",
        "ALTER INDEX a_pkey RENAME TO p; ALTER TABLE a DROP CONSTRAINT p CASCADE;",
        "ALTER TABLE a RENAME CONSTRAINT a_y_fkey TO f; ALTER TABLE a DROP CONSTRAINT f;",
        "ALTER TABLE a DROP COLUMN y; ALTER TABLE a ADD COLUMN y int UNIQUE;",
        "ALTER TABLE a DROP COLUMN x CASCADE;",
    ],
)
def test_a_later_migration_drops_by_a_name_that_postgres_chose(app: Path, database: str, drop: str) -> None:
    text = """
        CREATE TABLE a (
            x int PRIMARY KEY CHECK (x > 0) CHECK (x < 9), y int REFERENCES a, t text, CHECK (x > y), UNIQUE (x, y)
        );
        CREATE INDEX ON a (x); CREATE INDEX ON a (x) WHERE y > 1; CREATE INDEX ON a (lower(t));
    """
    before = chosen(app, text)
    assert agree(app, database, text + drop) != before


def test_what_a_file_names_itself_is_told_from_what_postgres_chose(app: Path) -> None:
    text = "CREATE TABLE a (x int UNIQUE, y int CONSTRAINT mine UNIQUE);"
    schema = read(app, f"{text} CREATE INDEX ON a (x); CREATE INDEX i ON a (y);").schema
    keys = {name: one.named for name, one in schema.tables["public", "a"].constraints.items()}
    assert keys == {"a_x_key": False, "mine": True}
    assert {name[1]: one.named for name, one in schema.indexes.items()} == {"a_x_idx": False, "i": True}
