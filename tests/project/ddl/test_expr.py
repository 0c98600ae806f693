"""Expressions that people write against what a real PostgreSQL makes of them: the same, and no two others the same."""

from collections.abc import Iterator
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infracheck.project.ddl import expr, tree, types
from tests.project.ddl.expressions import CHECKS, COLUMNS, DEFAULTS

if TYPE_CHECKING:
    from infracheck.clients.embedded_postgres import EmbeddedPostgres

PREPARED = """
    CREATE EXTENSION citext; CREATE EXTENSION vector; CREATE EXTENSION hstore; CREATE TYPE mood AS ENUM ('ok', 'sad');
"""
# Different words for one thing.
SAME_CHECKS = [
    {
        *("status IN ('a','b')", "(status = 'a' OR status = 'b')"),
        *("status = ANY (ARRAY['a','b'])", "status = ANY ('{a,b}')"),
    },
    {"num > 0", "num > '0'::numeric"},
]
SAME_DEFAULTS = [
    ("boolean", {"true", "'t'", "'yes'"}),
    ("interval", {"'30 minutes'", "'00:30'"}),
    ("int[]", {"'{1,2}'", "array[1,2]"}),
    ("mood", {"'ok'", "'ok'::mood"}),
    ("text[]", {"'{}'", "ARRAY[]::text[]"}),
    ("text[]", {"ARRAY['a','b']", "'{a, b}'"}),
    ("timestamptz", {"now()", "CURRENT_TIMESTAMP"}),
]
# Their types print a literal in words of their own, which are not worked out.
UNSURE = [("int4range", "'[1,5]'"), ("hstore", "'a=>1'")]


@pytest.fixture(scope="module")
def connection(postgres: "EmbeddedPostgres") -> Iterator["psycopg.Connection[Any]"]:
    """A database with one table that has a column of every sort."""
    with psycopg.connect(postgres.create_database("expressions"), autocommit=True) as made:
        made.execute(PREPARED.encode())
        made.execute(f"CREATE TABLE t ({COLUMNS})".encode())
        yield made


def checked(connection: "psycopg.Connection[Any]", text: str) -> str:
    """What the catalog prints of a check, as the gate reads it: nothing is found by search path."""
    with connection.transaction(force_rollback=True):
        connection.execute(f"ALTER TABLE public.t ADD CONSTRAINT k CHECK ({text})".encode())
        connection.execute("SET LOCAL search_path = ''")
        row = connection.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'k'").fetchone()
    assert row
    return str(row[0])


def defaulted(connection: "psycopg.Connection[Any]", type_: str, text: str) -> str | None:
    with connection.transaction(force_rollback=True):
        connection.execute(f"CREATE TABLE public.x (a {type_} DEFAULT {text})".encode())
        connection.execute("SET LOCAL search_path = ''")
        row = connection.execute(
            "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'public.x'::regclass"
        ).fetchone()
    return str(row[0]) if row else None


def of_check(printed: str) -> tree.Tree:
    node = tree.statement(f"ALTER TABLE x ADD {printed}")
    return node["AlterTableStmt"]["cmds"][0]["AlterTableCmd"]["def"]["Constraint"]["raw_expr"]


@pytest.fixture(scope="module")
def checks(connection: "psycopg.Connection[Any]") -> dict[str, str]:
    return {text: checked(connection, text) for text in CHECKS}


@pytest.fixture(scope="module")
def defaults(connection: "psycopg.Connection[Any]") -> dict[tuple[str, str], str | None]:
    return {(type_, text): defaulted(connection, type_, text) for type_, text in DEFAULTS}


# -- what people write


@pytest.mark.parametrize("text", CHECKS)
def test_a_check_is_the_same_as_what_the_catalog_prints_of_it(checks: dict[str, str], text: str) -> None:
    assert expr.same(tree.expression(text), of_check(checks[text])) is True, checks[text]


@pytest.mark.parametrize(("type_", "text"), DEFAULTS)
def test_a_default_is_the_same_as_what_the_catalog_prints_of_it(
    defaults: dict[tuple[str, str], str | None], type_: str, text: str
) -> None:
    printed = defaults[type_, text]
    if text == "NULL":
        assert printed is None
        return
    assert printed
    found = expr.same(tree.expression(text), tree.expression(printed), types.read(type_))
    assert found is (None if (type_, text) in UNSURE else True), printed


def test_no_two_checks_are_the_same_but_for_those_that_mean_it(checks: dict[str, str]) -> None:
    read = {text: (tree.expression(text), of_check(printed)) for text, printed in checks.items()}
    pairs = [(one, other) for one in read for other in read if one != other]
    verdicts = {(one, other): expr.same(read[one][0], read[other][1]) for one, other in pairs}
    same = {frozenset(pair) for pair, verdict in verdicts.items() if verdict}
    assert same == {frozenset(pair) for group in SAME_CHECKS for pair in combinations(group, 2)}
    # Postgres leaves out a cast to the type that a value has already, and a tree does not say which that is.
    unsure = {pair for pair, verdict in verdicts.items() if verdict is None}
    assert unsure == {("tz::date > '2020-01-01'", "tz > '2020-01-01 00:00:00+00'")}


def test_no_two_defaults_are_the_same_but_for_those_that_mean_it(defaults: dict[tuple[str, str], str | None]) -> None:
    found = set()
    for (type_, one), (other_type, other) in permutations(defaults, 2):
        printed = defaults[other_type, other]
        if type_ == other_type and printed:
            same = expr.same(tree.expression(one), tree.expression(printed), types.read(type_))
            found |= {(type_, frozenset((one, other)))} if same is not False else set()
    assert found == {(type_, frozenset(pair)) for type_, group in SAME_DEFAULTS for pair in combinations(group, 2)}


@pytest.mark.parametrize(
    "text",
    [
        *("big::bigint > 5", "u::uuid <> '00000000-0000-0000-0000-000000000000'", "d::date > '2020-01-01'"),
        *("num::numeric > 1", "j::jsonb @> '{}'", "tz > now()::timestamptz", "(n + n)::int > 5", "b::boolean"),
        *("(n > 1)::boolean", "(j->>'n')::int::int > 0", "length(status)::int > 3", "m::mood = 'ok'"),
    ],
)
def test_a_cast_that_changes_nothing_is_no_difference(connection: "psycopg.Connection[Any]", text: str) -> None:
    printed = checked(connection, text)
    assert expr.same(tree.expression(text), of_check(printed)) is not False, printed


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("num::int = 3", "num = 3"),
        ("tz::date > '2020-01-01'", "tz > '2020-01-01'"),
        ("ts > '2020-01-01'", "ts::date > '2020-01-01'"),
        ("(j->>'n')::int > 5", "(j->>'n')::numeric > 5"),
        ("c::text = 'a '", "c = 'a'"),
        ("(j->>'n')::int > 5", "(j->>'n') > '5'"),
        ("status::varchar(3) = 'abc'", "status = 'abc'"),
        ("status::varchar(3) = 'abc'", "status::varchar(4) = 'abc'"),
        ("num::numeric(10,1) = 3", "num::numeric(10,0) = 3"),
        ("f::real = 1", "f = 1"),
    ],
)
def test_a_cast_that_changes_something_is_a_difference(
    connection: "psycopg.Connection[Any]", text: str, other: str
) -> None:
    printed = checked(connection, other)
    assert expr.same(tree.expression(text), of_check(printed)) is not True, printed


@pytest.mark.parametrize(
    ("text", "other"),
    [("num = 3", "num::int = 3"), ("n::text = '5'", "n = 5"), ("(j->>'n') > '5'", "(j->>'n')::int > 5")],
)
def test_a_cast_that_postgres_may_have_put_in_is_not_told_from_one_that_somebody_wrote(
    connection: "psycopg.Connection[Any]", text: str, other: str
) -> None:
    # The trees do not say of which type a column is; the comparison of two catalogs of one version tells these apart.
    assert expr.same(tree.expression(text), of_check(checked(connection, other))) is True


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("n > 5", "n > 50"),
        ("status = 'a'", "status = 'A'"),
        ("status = 'a'", "status = 'a '"),
        ("status = '1'", "status = '1.0'"),
        ("status = 't'", "status = 'true'"),
        ("status = '{a,b}'", "status = '{a, b}'"),
        ("status IN ('1')", "status IN ('01')"),
        ("v = '2020-1-1'", "v = '2020-01-01'"),
        ("ts > '2020-01-01 10:00'", "ts > '2020-01-01 11:00'"),
        ("tz > '2020-01-01 10:00+00'", "tz > '2020-01-01 10:00+02'"),
        ("iv > '1 month'", "iv > '30 days'"),
        ("iv > '1 day'", "iv > '24 hours'"),
        ("j @> '{\"a\": 1}'", 'j @> \'{"a": 1, "b": 2}\''),
        ("j @> '{\"a\": [1, 2]}'", "j @> '{\"a\": [2, 1]}'"),
        ("j->>'a' = 'b'", "j->'a' = '\"b\"'"),
        ("n - sm > 1", "sm - n > 1"),
        ("n > sm", "sm > n"),
        ("coalesce(n, sm) > 1", "coalesce(sm, n) > 1"),
        ("(n > 1 OR n < 0) AND b", "n > 1 OR (n < 0 AND b)"),
        ("NOT (b AND n > 1)", "NOT b AND n > 1"),
        ("(n - 1) - 2 > 0", "n - (1 - 2) > 0"),
        ("n IN (1, 2)", "n NOT IN (1, 2)"),
        ("n BETWEEN 1 AND 2", "n BETWEEN 2 AND 1"),
        ("n BETWEEN SYMMETRIC 1 AND 2", "n BETWEEN 1 AND 2"),
        ("status LIKE 'a%'", "status ILIKE 'a%'"),
        ("status ~ 'a'", "status ~* 'a'"),
        ("status LIKE 'a%'", "status SIMILAR TO 'a%'"),
        ("b IS TRUE", "b"),
        ("b IS NOT FALSE", "b IS TRUE"),
        ("b IS NOT TRUE", "NOT b"),
        ("b IS NULL", "b IS UNKNOWN AND n > 1"),
        ("n IS DISTINCT FROM 1", "n <> 1"),
        ("status = v", "status IS NOT DISTINCT FROM v"),
        ("lower(status) = 'a'", "upper(status) = 'a'"),
        ("date_trunc('day', ts) = ts", "date_trunc('hour', ts) = ts"),
        ("extract(day FROM ts) = 1", "extract(hour FROM ts) = 1"),
        ("tz AT TIME ZONE 'utc' > ts", "tz AT TIME ZONE 'cet' > ts"),
        ("trim(leading 'x' FROM status) = v", "trim(trailing 'x' FROM status) = v"),
        ("CASE WHEN b THEN 1 ELSE 2 END = n", "CASE WHEN b THEN 2 ELSE 1 END = n"),
        ("CASE WHEN b THEN 1 END = n", "CASE WHEN b THEN 1 ELSE 0 END = n"),
        ("greatest(n, sm) > 1", "least(n, sm) > 1"),
        ('status COLLATE "C" > v', "status > v"),
        ("arr[1] = 'a'", "arr[2] = 'a'"),
        ("arr[1:2] = '{}'", "arr[1:] = '{}'"),
        ("arr = '{a,b}'", "arr = '{b,a}'"),
        ("'a' = ANY (arr)", "'a' = ALL (arr)"),
        ("arr @> ARRAY['a']", "arr <@ ARRAY['a']"),
        ("n = ANY (ARRAY[1, 2])", "n = ALL (ARRAY[1, 2])"),
        ("n = ANY ('{1,2}')", "n = ALL ('{1,2}')"),
        ("bi = B'101'", "bi = B'111'"),
        ("r @> 5", "r <@ '[1,5)'"),
        ("ip << '10.0.0.0/8'", "ip <<= '10.0.0.0/8'"),
        ("u <> '00000000-0000-0000-0000-000000000000'", "u <> '00000000-0000-0000-0000-000000000001'"),
        ("m = 'ok'", "m = 'sad'"),
        ("mo > 0::money", "mo > 1::money"),
        ("d >= CURRENT_DATE", "d >= CURRENT_TIMESTAMP"),
        ("tz > now()", "tz > clock_timestamp()"),
        ("ts > LOCALTIMESTAMP", "ts > LOCALTIMESTAMP(0)"),
        ("tz > CURRENT_TIMESTAMP", "tz > CURRENT_TIMESTAMP(0)"),
        ("position('a' IN status) > 1", "position(status IN 'a') > 1"),
        ("overlay(status placing 'x' from 1) = v", "overlay(status placing 'x' from 1 for 2) = v"),
        ("(n, sm) = (1, 2)", "(n, sm) <> (1, 2)"),
        ("(n, sm) < (1, 2)", "n < 1 AND sm < 2"),
        ("status IS NORMALIZED", "status IS NFD NORMALIZED"),
    ],
)
def test_what_is_another_condition_is_told(connection: "psycopg.Connection[Any]", text: str, other: str) -> None:
    printed = checked(connection, other)
    assert expr.same(tree.expression(text), of_check(checked(connection, text))) is True
    assert expr.same(tree.expression(text), of_check(printed)) is False, printed


# -- what anybody might write: each part is its text, and those parts that can be another are marked

Part = tuple[str, str]  # what it is ("", "number", "text", "operator"), and its text
INTEGERS = ("n", "big", "sm")
TEXTS = ("status", "v")
OPERATORS = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def plain(text: str) -> list[Part]:
    return [("", text)]


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


numbers = st.integers(-9, 99).map(lambda one: [("number", str(one))])
words = st.one_of(
    st.sampled_from(["", "a", "it's", "5", "t", "true", "2020-01-01", "{a,b}", "NULL", "1 day", "a%", "{}", "-1"]),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=5).filter(
        lambda one: "\\" not in one
    ),
).map(lambda one: [("text", quoted(one))])


def joined(*parts: "str | list[Part]") -> list[Part]:
    return [part for one in parts for part in (plain(one) if isinstance(one, str) else one)]


def listed(items: "list[list[Part]]") -> list[Part]:
    return [part for number, one in enumerate(items) for part in (one if not number else [("", ", "), *one])]


def integer_of(inner: "st.SearchStrategy[list[Part]]", boolean: "st.SearchStrategy[list[Part]]") -> Any:
    sign = st.sampled_from(["+", "-", "*"])
    return st.one_of(
        st.tuples(inner, sign, inner).map(lambda one: joined("(", one[0], f" {one[1]} ", one[2], ")")),
        st.tuples(inner, numbers).map(lambda one: joined("coalesce(", one[0], ", ", one[1], ")")),
        st.tuples(boolean, inner, inner).map(
            lambda one: joined("CASE WHEN ", one[0], " THEN ", one[1], " ELSE ", one[2], " END")
        ),
        st.sampled_from(["n::bigint", "sm::bigint", "big::int", "n::text::int"]).map(plain),
        inner.map(lambda one: joined("CAST(", one, " AS numeric(10, 2))")),
        inner.map(lambda one: joined("abs(", one, ")")),
    )


def text_of(inner: "st.SearchStrategy[list[Part]]", boolean: "st.SearchStrategy[list[Part]]") -> Any:
    return st.one_of(
        st.tuples(inner, words).map(lambda one: joined("coalesce(", one[0], ", ", one[1], ")")),
        st.tuples(inner, words).map(lambda one: joined("(", one[0], " || ", one[1], ")")),
        inner.map(lambda one: joined("lower(", one, ")")),
        st.tuples(boolean, inner, words).map(
            lambda one: joined("CASE WHEN ", one[0], " THEN ", one[1], " ELSE ", one[2], " END")
        ),
        inner.map(lambda one: joined("CAST(", one, " AS varchar(5))")),
    )


def comparison(value: "st.SearchStrategy[list[Part]]", literal: "st.SearchStrategy[list[Part]]") -> Any:
    operator = st.sampled_from(sorted(OPERATORS)).map(lambda one: [("operator", one)])
    either = st.one_of(value, literal)
    some = st.lists(literal, min_size=1, max_size=3).map(listed)
    word = st.sampled_from(["", "NOT "])
    return st.one_of(
        st.tuples(value, operator, either).map(lambda one: joined(one[0], " ", one[1], " ", one[2])),
        st.tuples(value, word, some).map(lambda one: joined(one[0], f" {one[1]}IN (", one[2], ")")),
        st.tuples(value, word, literal, either).map(
            lambda one: joined(one[0], f" {one[1]}BETWEEN ", one[2], " AND ", one[3])
        ),
        st.tuples(value, word).map(lambda one: joined("(", one[0], f") IS {one[1]}NULL")),
        st.tuples(value, word, either).map(lambda one: joined(one[0], f" IS {one[1]}DISTINCT FROM ", one[2])),
    )


integer_leaf = st.sampled_from(INTEGERS).map(plain)
text_leaf = st.sampled_from(TEXTS).map(plain)
simple = st.one_of(comparison(integer_leaf, numbers), comparison(text_leaf, words), st.just(plain("b")))
integers = st.one_of(integer_leaf, integer_of(integer_leaf, simple))
texts = st.one_of(text_leaf, text_of(text_leaf, simple))
booleans = st.recursive(
    st.one_of(comparison(integers, numbers), comparison(texts, words), st.just(plain("b"))),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" AND ", " OR "]), inner).map(
            lambda one: joined("(", one[0], ")", one[1], "(", one[2], ")")
        ),
        inner.map(lambda one: joined("NOT (", one, ")")),
        inner.map(lambda one: joined("(", one, ") IS NOT TRUE")),
    ),
    max_leaves=4,
)
bounded = settings(
    max_examples=250, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def text_of_parts(parts: list[Part]) -> str:
    return "".join(text for _, text in parts)


def changed(kind: str, text: str) -> str:
    """Another operator, or a literal that occurs nowhere else."""
    return {"number": "4711", "text": "'unheard of'"}.get(kind) or OPERATORS[text]


@bounded
@given(parts=booleans)
def test_any_expression_is_the_same_as_what_the_catalog_prints_of_it(
    connection: "psycopg.Connection[Any]", parts: list[Part]
) -> None:
    text = text_of_parts(parts)
    printed = checked(connection, text)
    assert expr.same(tree.expression(text), of_check(printed)) is True, f"{text}\n{printed}"


@bounded
@given(parts=booleans.filter(lambda one: any(kind for kind, _ in one)), data=st.data())
def test_any_expression_in_which_a_literal_or_operator_is_changed_is_another(
    connection: "psycopg.Connection[Any]", parts: list[Part], data: st.DataObject
) -> None:
    turn = data.draw(st.sampled_from([number for number, (kind, _) in enumerate(parts) if kind]))
    other = [(kind, changed(kind, text) if number == turn else text) for number, (kind, text) in enumerate(parts)]
    printed = checked(connection, text_of_parts(other))
    assert expr.same(tree.expression(text_of_parts(parts)), of_check(printed)) is False, f"{parts}\n{printed}"


@settings(bounded, max_examples=50)
@given(parts=booleans)
def test_and_is_another_than_or(connection: "psycopg.Connection[Any]", parts: list[Part]) -> None:
    text = text_of_parts(parts)
    printed = checked(connection, f"({text}) AND n <> 4711")
    assert expr.same(tree.expression(f"({text}) OR n <> 4711"), of_check(printed)) is False, printed


@settings(bounded, max_examples=50)
@given(parts=booleans)
def test_not_is_another_than_nothing(connection: "psycopg.Connection[Any]", parts: list[Part]) -> None:
    text = text_of_parts(parts)
    printed = checked(connection, f"NOT ({text})")
    assert expr.same(tree.expression(text), of_check(printed)) is False, printed
