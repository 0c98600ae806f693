"""DDL at boot: what an app changes in a real database's schema while its dev server starts is told."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infracheck.checks import GATE
from infracheck.checks.database import database_connects
from infracheck.checks.schema import schema_tables
from infracheck.checks.schema_matches import schema_matches
from infracheck.checks.server import server_boots, server_stops
from infracheck.clients.pgfingerprint import changes, take
from infracheck.context import Context
from infracheck.model import Failed, Finding, Outcome, Passed
from infracheck.settings import DatabaseSettings, ServerSettings, Settings
from tests.clients.small_server import GOOD, context, small_app
from tests.helpers import judge, results

DECLARED = "CREATE TABLE users (id int PRIMARY KEY, name text);"


@pytest.fixture
def ddl(app: Path, database: str) -> Iterator["Ddl"]:
    with psycopg.connect(database) as connection:
        connection.execute(DECLARED.encode())
    (app / "schema.sql").write_text(DECLARED)
    yield Ddl(app, database)


class Ddl:
    """Judges an app that runs some SQL when it starts."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    def context(self, sql: str, answer: str = GOOD) -> Context:
        before = f"""
            import psycopg
            with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
                connection.execute({sql!r})
            """
        small_app(self.folder, before=before, answer=answer)
        return context(self.folder, DATABASE_URL=self.url)

    def __call__(self, sql: str, answer: str = GOOD) -> Outcome:
        with self.context(sql, answer) as ctx:
            done = results((database_connects, schema_tables, schema_matches, server_boots), ctx)
        assert isinstance(done["schema-matches"].outcome, Passed), "the schema was read before the app could change it"
        return done["server-boots"].outcome


def warnings(outcome: Outcome) -> list[Finding]:
    assert isinstance(outcome, Passed | Failed), outcome
    return [finding for finding in outcome.findings if finding.level == "warn"]


def test_a_table_that_the_app_makes_at_boot_is_told(ddl: Ddl) -> None:
    outcome = ddl("CREATE TABLE sessions (id int PRIMARY KEY, token text UNIQUE); CREATE INDEX ON sessions (token)")
    assert isinstance(outcome, Passed)
    assert outcome.summary.endswith("; the app changed its schema while booting: public.sessions APPEARED")
    assert warnings(outcome) == [
        Finding("public.sessions", "APPEARED", "table; the app did that while it booted", level="warn")
    ]


def test_one_that_changes_nothing_is_quiet(ddl: Ddl) -> None:
    outcome = ddl("CREATE TABLE IF NOT EXISTS users (id int); INSERT INTO users VALUES (1, 'a')")
    assert isinstance(outcome, Passed)
    assert outcome.summary.endswith("server.py")
    assert warnings(outcome) == []


def test_a_boot_that_fails_tells_it_too(ddl: Ddl) -> None:
    outcome = ddl("ALTER TABLE users ADD COLUMN role text", 'self.send(500, b"no")')
    assert isinstance(outcome, Failed)
    assert (
        outcome.summary == "`/` answers 500: no; the app changed its schema while booting: public.users.role APPEARED"
    )
    assert [(one.subject, one.state) for one in warnings(outcome)] == [("public.users.role", "APPEARED")]


def test_a_run_that_asks_nothing_of_the_database_opens_none(ddl: Ddl) -> None:
    with ddl.context("CREATE TABLE sessions (id int)") as ctx:
        outcome = judge(server_boots, ctx)
        assert ctx.opened("database") is None
    assert warnings(outcome) == []


def test_it_comes_in_the_whole_gate(ddl: Ddl) -> None:
    with ddl.context("CREATE TABLE sessions (id int)") as ctx:
        done = results([one for one in GATE if one.family in {"database", "schema", "server"}], ctx)
    assert [one.subject for one in warnings(done[server_boots.id].outcome)] == ["public.sessions"]
    assert isinstance(done[server_stops.id].outcome, Passed)


POSTS = """
    CREATE TABLE posts (id serial PRIMARY KEY, body text, user_id int REFERENCES users);
    CREATE INDEX posts_body ON posts (body);
    CREATE VIEW titles AS SELECT body FROM posts;
"""
SETUP = f"CREATE TYPE mood AS ENUM ('sad'); CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; {POSTS}"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DROP TABLE posts CASCADE", ["public.posts VANISHED", "public.titles VANISHED"]),
        (
            f"DROP TABLE posts CASCADE; {POSTS}",
            ["public.posts REPLACED", "public.titles REPLACED"],
        ),
        ("ALTER TABLE users ALTER name SET NOT NULL", ["public.users.name CHANGED"]),
        (
            "ALTER TABLE posts DROP COLUMN user_id",
            ["public.posts.posts_user_id_fkey VANISHED", "public.posts.user_id VANISHED"],
        ),
        ("ALTER TABLE users ENABLE ROW LEVEL SECURITY", ["public.users CHANGED"]),
        ("CREATE POLICY p ON users USING (true)", ["public.users.p APPEARED"]),
        ("ALTER TYPE mood ADD VALUE 'glad'", ["public.mood CHANGED"]),
        ("DROP INDEX posts_body; CREATE INDEX posts_body ON posts (id)", ["public.posts_body CHANGED"]),
        ("CREATE OR REPLACE VIEW titles AS SELECT 'x' || body AS body FROM posts", ["public.titles CHANGED"]),
        ("CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2'", ["public.one() CHANGED"]),
        ("CREATE EXTENSION citext", ["citext APPEARED"]),
        ("CREATE SCHEMA auth; CREATE TABLE auth.users (id int); CREATE TABLE _prisma_migrations (id int)", []),
        ("CREATE SCHEMA shop; CREATE TABLE shop.orders (id int)", ["shop.orders APPEARED"]),
        ("INSERT INTO users VALUES (7); SELECT nextval('posts_id_seq')", []),
    ],
)
def test_each_kind_of_change(ddl: Ddl, sql: str, told: list[str]) -> None:
    with psycopg.connect(ddl.url, autocommit=True) as connection:
        connection.execute(SETUP.encode())
        with context(small_app(ddl.folder), DATABASE_URL=ddl.url) as ctx:
            before = take(ctx.database.queries)
            connection.execute(sql.encode())
            found = changes(before, take(ctx.database.queries))
    assert sorted(f"{one.subject} {one.state}" for one in found) == told


def test_both_sides_of_a_change_are_shown_and_a_schema_of_hosting_counts_where_it_is_the_apps(ddl: Ddl) -> None:
    chosen = Settings(server=ServerSettings(), database=DatabaseSettings(schemas=("auth",)))
    with (
        psycopg.connect(ddl.url, autocommit=True) as connection,
        Context(
            context(small_app(ddl.folder)).project, settings=chosen, process={**os.environ, "DATABASE_URL": ddl.url}
        ) as ctx,
    ):
        before = take(ctx.database.queries, frozenset({"auth"}))
        connection.execute("ALTER TABLE users ALTER id TYPE bigint; CREATE SCHEMA auth; CREATE TABLE auth.own (id int)")
        found = {one.subject: one for one in changes(before, take(ctx.database.queries, frozenset({"auth"})))}
    assert found["public.users.id"].note == "type integer → bigint"
    assert found["auth.own"].state == "APPEARED"
