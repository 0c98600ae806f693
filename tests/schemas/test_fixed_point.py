"""The fixed point: SQL that was applied to an empty database matches that database, whatever the SQL looks like."""

import pytest

from infracheck.clients.scratch import Scratch
from tests.schemas.corpus import FIXTURES, Fixture
from tests.schemas.sides import Method, connect, declared, differences

# What the parsed SQL cannot tell: columns that a query decides, and code that Postgres keeps as a tree.
NOT_TOLD = {"column", "view", "function", "default", "check"}


@pytest.mark.parametrize("method", ["parse", "shadow"])
@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.name)
def test_what_was_applied_has_no_difference(fixture: Fixture, method: Method, database: str, scratch: Scratch) -> None:
    fixture.apply(database)
    side = declared(fixture, method, scratch)
    assert side.tables
    with connect(database) as connection:
        found = differences(side, connection, method)
    assert [one for one in found if one.state != "NOT COMPARED"] == []
    left = {one.kind for one in found} - {"schema"}  # one that hosting keeps, which is said
    assert left <= (NOT_TOLD if method == "parse" else set())


def test_little_is_left_out_of_the_comparison(database: str, scratch: Scratch) -> None:
    """Nearly every object of the corpus is compared as parsed; as run, each one is (the test above)."""
    plain = [fixture for fixture in FIXTURES if fixture.name in {"saas_plain", "prisma_app", "drizzle_journal"}]
    assert len(plain) == 3
    for fixture in plain:
        side = declared(fixture, "parse", scratch)
        assert not side.notes
        assert all(table.columns for table in side.app_tables)
