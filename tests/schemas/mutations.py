"""Single changes of a live database's schema, each of which a comparison with the declared schema has to find.

They are proposed from the catalog, one family a module, tried in a transaction that is rolled back, and only those that
apply are returned.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, TypeVar

import psycopg
from psycopg.rows import scalar_row

from tests.schemas import (
    mutations_code,
    mutations_constraints,
    mutations_indexes,
    mutations_security,
    mutations_tables,
    mutations_types,
    mutations_usertypes,
)
from tests.schemas.mutations_base import Catalog, Mutation

__all__ = ["Mutation", "grants", "mutations"]

T = TypeVar("T")
_FAMILIES = (
    mutations_tables,
    mutations_types,
    mutations_constraints,
    mutations_indexes,
    mutations_usertypes,
    mutations_code,
    mutations_security,
)


def mutations(connection: psycopg.Connection[Any], *, schemas: Sequence[str], per_action: int = 2) -> list[Mutation]:
    """Return up to `per_action` mutations of each action, on objects that lie far apart in the order of their names.

    The database is left as it was; without tables, types or functions of extensions, and without partitions.
    """
    with _full_names(connection):
        catalog = Catalog(connection, schemas)
        proposed = list(chain.from_iterable(family.propose(catalog) for family in _FAMILIES))
    return list(_chosen(connection, [(one, None) for one in proposed], per_action))


def grants(
    connection: psycopg.Connection[Any], *, schemas: Sequence[str], role: str, per_action: int = 2
) -> list[Mutation]:
    """Return mutations that take one privilege away from a role that has them all, on a table or a whole schema."""
    with _full_names(connection):
        proposed = list(mutations_security.propose_grants(Catalog(connection, schemas), role))
    return list(_chosen(connection, proposed, per_action))


def spread(items: Sequence[T]) -> list[T]:
    """Return the items so that the first few of them lie far apart: the ends, the middle, the quarters, and so on."""
    last, places, parts = len(items) - 1, dict.fromkeys(range(min(1, len(items)))), 1
    while len(places) < len(items):
        places |= dict.fromkeys(last * part // parts for part in range(parts + 1))
        parts *= 2
    return [items[place] for place in places]


@contextmanager
def _full_names(connection: psycopg.Connection[Any]) -> Iterator[None]:
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path = ''")
        yield


def _chosen(
    connection: psycopg.Connection[Any], proposed: Sequence[tuple[Mutation, str | None]], per_action: int
) -> Iterator[Mutation]:
    """Yield of each action the first that work, at most one for an object."""
    actions: dict[str, dict[frozenset[tuple[str, str]], list[tuple[Mutation, str | None]]]] = {}
    for one in proposed:
        actions.setdefault(one[0].action, {}).setdefault(one[0].expected, []).append(one)
    for objects in actions.values():
        working = (
            next((mutation for mutation, question in ways if _works(connection, mutation, question)), None)
            for ways in spread(list(objects.values()))
        )
        yield from islice(filter(None, working), per_action)


def _works(connection: psycopg.Connection[Any], mutation: Mutation, question: str | None) -> bool:
    """Tell whether the server takes the mutation, and whether it turns the answer to the question from yes to no."""
    try:
        with connection.transaction(force_rollback=True):
            before = _answer(connection, question)
            connection.execute(mutation.sql.encode())
            return question is None or (before and not _answer(connection, question))
    except psycopg.DatabaseError:
        if connection.closed:
            raise
        return False


def _answer(connection: psycopg.Connection[Any], question: str | None) -> bool:
    if question is None:
        return True
    with connection.cursor(row_factory=scalar_row) as cursor:
        return bool(cursor.execute(f"SELECT {question}".encode()).fetchone())
