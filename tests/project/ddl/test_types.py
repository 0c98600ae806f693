"""Data types as files write them against what a real PostgreSQL's format_type prints of them."""

from pathlib import Path

import psycopg
import pytest
from pglast.parser import ParseError

from infracheck.project.ddl import types
from tests.project.ddl.reading import apply, read

PREPARED = """
    CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION vector; CREATE SCHEMA s;
    CREATE TYPE mood AS ENUM ('ok'); CREATE TYPE s.mood AS ENUM ('ok'); CREATE DOMAIN mail AS text;
    CREATE TYPE pair AS (a int, b text); CREATE TYPE "Mixed Case" AS ENUM ('ok'); CREATE TABLE other (x int);
"""
TYPES = [
    *("int", "integer", "int4", "smallint", "int2", "bigint", "int8", "INT", "pg_catalog.int4", "oid"),
    *("real", "float4", "double precision", "float8", "float", "float(1)", "float(24)", "float(25)", "float(53)"),
    *("numeric", "decimal", "dec", "numeric(10)", "numeric(10,2)", "decimal(10, 2)", "numeric(5,-2)", "money"),
    *("text", "varchar", "varchar(20)", "character varying", "character varying(20)", "char", "char(3)", "character"),
    *("character(3)", "bpchar", "bpchar(3)", '"char"', "name", "nchar(3)", "national character varying(3)", "citext"),
    *("bool", "boolean", "uuid", "bytea", "json", "jsonb", "xml", "jsonpath", "tsvector", "tsquery", "regclass"),
    *("timestamp", "timestamptz", "timestamp with time zone", "timestamp without time zone", "timestamp(3)"),
    *("timestamptz(0)", "timestamp(6) with time zone", "time", "timetz", "time(3)", "time(3) with time zone", "date"),
    *("interval", "interval(3)", "interval day", "interval year to month", "interval day to second(2)"),
    *("interval hour to minute", "interval second", "interval second(3)", "interval minute to second"),
    *("bit", "bit(3)", "bit varying", "bit varying(5)", "varbit", "varbit(5)", "inet", "cidr", "macaddr", "macaddr8"),
    *("point", "line", "lseg", "box", "path", "polygon", "circle", "int4range", "tstzrange", "int4multirange"),
    *("int[]", "int[][]", "int[3]", "int array", "int array[4]", "text[]", "varchar(20)[]", "numeric(10,2)[]"),
    *("timestamptz(3)[]", "mood", "mood[]", "public.mood", "s.mood", "s.mood[]", '"Mixed Case"', "mail", "mail[]"),
    *("pair", "pair[]", "other", "vector", "vector(3)", "hstore", "public.citext", "citext[]", "pg_catalog.text"),
    *("pg_catalog.varchar(3)", "pg_catalog.timestamptz", "pg_lsn", "txid_snapshot", "int8range[]"),
]
SERIALS = {
    "serial": "integer",
    "bigserial": "bigint",
    "smallserial": "smallint",
    "serial4": "integer",
    "serial8": "bigint",
}
FORMATTED = (
    "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'public.a'::regclass AND attnum > 0"
)


def printed(url: str, text: str) -> list[str]:
    """Apply a text, and return the types of the table `a` as the catalog prints them when nothing is found by path."""
    apply(url, text)
    with psycopg.connect(url) as connection:
        connection.execute("SET search_path = ''")
        return [row[0] for row in connection.execute(FORMATTED)]


def declared(app: Path, text: str) -> list[types.Type]:
    [table] = [one for one in read(app, text).tables if one.name == ("public", "a")]
    return [column.type for column in (table.columns or {}).values() if column.type]


def test_every_type_is_what_the_catalog_prints_of_it(app: Path, database: str) -> None:
    text = PREPARED + f"CREATE TABLE a ({', '.join(f'c{number} {one}' for number, one in enumerate(TYPES))});"
    there = printed(database, text)
    own = {("public", "mood"), ("s", "mood"), ("public", "mail"), ("public", "pair"), ("public", "Mixed Case")}
    unlike = [
        (written, str(mine), theirs)
        for written, mine, theirs in zip(TYPES, declared(app, text), there, strict=True)
        if not mine.same(types.read(theirs), own=(mine.schema or "", mine.name) in own)
    ]
    assert unlike == []


def test_no_two_types_that_differ_are_taken_for_one(app: Path, database: str) -> None:
    text = PREPARED + f"CREATE TABLE a ({', '.join(f'c{number} {one}' for number, one in enumerate(TYPES))});"
    there = printed(database, text)
    wrong = [
        (written, theirs)
        for written, mine, right in zip(TYPES, declared(app, text), there, strict=True)
        for theirs in there
        if theirs != right and mine.same(types.read(theirs), own=True)
    ]
    assert wrong == []


def test_a_serial_is_the_integer_behind_it(app: Path, database: str) -> None:
    text = f"CREATE TABLE a ({', '.join(f'{one}_ {one}' for one in SERIALS)});"
    assert printed(database, text) == [str(one) for one in declared(app, text)] == list(SERIALS.values())


def test_a_type_is_shown_so_that_it_can_be_written_again(app: Path, database: str) -> None:
    written = PREPARED + f"CREATE TABLE a ({', '.join(f'c{number} {one}' for number, one in enumerate(TYPES))});"
    before = printed(database, written)
    unlike = []
    for one, shown, right in zip(TYPES, declared(app, written), before, strict=True):
        try:
            again = printed(database, f"DROP TABLE IF EXISTS a; CREATE TABLE a (x {shown});")
        except (psycopg.Error, ParseError) as error:
            again = [type(error).__name__]
        if again != [right]:
            unlike.append((one, str(shown), again))
    assert unlike == []


def test_a_type_of_the_app_s_own_lies_in_its_schema(app: Path) -> None:
    text = "CREATE SCHEMA s; CREATE TYPE s.mood AS ENUM ('ok'); SET search_path = s, public;"
    [mine] = declared(app, f"{text} CREATE TABLE public.a (x mood);")
    assert (mine.schema, mine.name) == ("s", "mood")
    assert not mine.same(types.read("public.mood"), own=True)
    assert mine.same(types.read("s.mood"), own=True)


def test_an_extension_s_type_may_lie_anywhere(app: Path) -> None:
    [mine] = declared(app, "CREATE EXTENSION citext; CREATE TABLE a (x citext);")
    assert mine.same(types.read("extensions.citext"), own=False)
    assert not mine.same(types.read("extensions.vector"), own=False)


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("varchar(20)", "character varying(21)"),
        ("numeric(10,2)", "numeric(10,3)"),
        ("numeric", "numeric(10,0)"),
        ("int", "bigint"),
        ("text", "text[]"),
        ("timestamp", "timestamp with time zone"),
        ("timestamptz(3)", "timestamp with time zone"),
    ],
)
def test_other_modifiers_are_another_type(written: str, other: str) -> None:
    assert not types.read(written).same(types.read(other), own=False)
