"""Every single change to a live database is found, with the right class and subject; what is not, is listed here."""

from collections.abc import Iterator

import pytest

from infracheck.clients.scratch import Scratch
from infracheck.project.ddl import scope
from tests.schemas.corpus import FIXTURES, Fixture
from tests.schemas.mutations import Mutation, mutations
from tests.schemas.sides import Connection, Method, connect, declared, differences

SCHEMAS = """
    SELECT nspname::text AS name FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'auth', 'storage', 'neon_auth', 'realtime')
    ORDER BY 1
"""
# The survivors. A migration tool's own table is compared by no method.
BOOKKEEPING = "_prisma_migrations"
# As parsed, a view's query and a function's SQL-standard body come back in other words, and a table that a
# query makes has columns that nobody wrote down: told as NOT COMPARED, never called equal.
BY_A_QUERY = {"like_and_as", "transactions_and_seeds"}
QUERIES = {"change view"}
# A partition that was detached got its names from a parent that had none either: found, under another name.
RENAMED = {"partitions_range_list_hash"}


def survives(fixture: Fixture, mutation: Mutation, method: Method) -> bool:
    subjects = {subject for _, subject in mutation.expected}
    if any(BOOKKEEPING in subject for subject in subjects):
        return True
    if method == "shadow":
        return False
    if mutation.action in QUERIES:
        return True
    return fixture.name in BY_A_QUERY | RENAMED


def lost(connection: Connection, fixture: Fixture, method: Method, scratch: Scratch) -> Iterator[str]:
    """Yield the mutations that no difference names."""
    side = declared(fixture, method, scratch)
    schemas = [row["name"] for row in connection.execute(SCHEMAS).fetchall() if not scope.provided(row["name"])]
    every = mutations(connection, schemas=schemas)
    assert every
    for mutation in every:
        with connection.transaction(force_rollback=True):
            connection.execute(mutation.sql.encode())
            found = differences(side, connection, method)
        told = {(one.kind, one.subject) for one in found if one.state in {"MISSING", "DIFFERENT"}}
        if not told & mutation.expected and not survives(fixture, mutation, method):
            yield f"{mutation.action}: {sorted(mutation.expected)} was told as {sorted(told)}"


@pytest.mark.parametrize("method", ["parse", "shadow"])
@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.name)
def test_every_change_is_found(fixture: Fixture, method: Method, database: str, scratch: Scratch) -> None:
    fixture.apply(database)
    with connect(database) as connection:
        assert list(lost(connection, fixture, method, scratch)) == []
