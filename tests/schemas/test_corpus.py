"""The corpus itself: every fixture applies to an empty database and leaves tables in it."""

import psycopg
import pytest

from tests.schemas.corpus import FIXTURES, FOLDER, Fixture

TABLES = """
    SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p')
    AND relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_|^information_schema$|^auth$|^storage$')
"""
# Files of an app that its tool does not apply.
LEFT_ASIDE = {
    "drizzle_journal/drizzle/0002_old_try.sql",
    "drizzle_journal/drizzle/seed_local.sql",
    "updown_migrations/migrations/reset_local.down.sql",
}


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.name)
def test_a_fixture_applies_to_an_empty_database(fixture: Fixture, database: str) -> None:
    fixture.apply(database)
    with psycopg.connect(database) as connection:
        row = connection.execute(TABLES).fetchone()
    assert row is not None
    assert row[0] >= 1


def test_there_are_enough_fixtures_with_names_of_their_own() -> None:
    names = [fixture.name for fixture in FIXTURES]
    assert len(names) >= 48
    assert len(set(names)) == len(names)
    assert names == sorted(names)


def test_every_file_belongs_to_a_fixture() -> None:
    applied = {str(file.relative_to(FOLDER)) for fixture in FIXTURES for file in fixture.files()}
    lying = {str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*.sql")}
    assert {name for name in lying - applied if not name.endswith(".down.sql")} == LEFT_ASIDE - {
        name for name in LEFT_ASIDE if name.endswith(".down.sql")
    }
