"""Applies SQL to the app's database: each group of statements in one transaction, and nothing of it where one fails."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infracheck.errors import ClientError
from infracheck.secret import Secret

if TYPE_CHECKING:
    import psycopg

GRACE: Final = 5.0
LOCK_SECONDS: Final = 5.0  # a lock that the running app holds longer is not waited for

_BEGIN: Final = "BEGIN; SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = '{lock}s'"


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement with the place that it came from."""

    sql: bytes
    place: str


class NotApplied(ClientError):
    """A statement fails; its transaction has left the database as it was."""


def apply(url: Secret, groups: Sequence[Sequence[Piece]], *, timeout: float, tell: Callable[[str], None]) -> int:
    """Run groups of statements, each in a transaction of its own, and return how many statements those were.

    Args:
        timeout: seconds for one statement, and for opening the session.

    Raises:
        NotApplied: one fails; says which, and what of the rest has been done.
        ClientError: there is no session.
    """
    import psycopg

    from infracheck.clients import pgaddress, pgconnect

    connection, _ = pgconnect.connect(pgaddress.address(url), timeout, tell)
    done = 0
    try:
        for group in groups:
            with pgconnect.bounded(connection, timeout * len(group) + GRACE):
                _run(connection, group, timeout, before=done)
            done += len(group)
    except psycopg.Error as error:
        raise _failed(error, "the session broke off", done) from None
    finally:
        pgconnect.discard(connection)
    return done


def _run(connection: "psycopg.Connection[Any]", group: Sequence[Piece], timeout: float, *, before: int) -> None:
    import psycopg

    single = len(group) == 1 and _forbids_transaction(group[0].sql)
    if not single:
        limits = (
            f"SET LOCAL statement_timeout = {math.ceil(timeout * 1000)}; SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"
        )
        connection.execute(f"BEGIN; {limits}".encode())
    for piece in group:
        try:
            connection.execute(piece.sql)
        except psycopg.Error as error:
            with suppress(psycopg.Error):
                connection.rollback()
            raise _failed(error, piece.place, before) from None
    if not single:
        connection.execute(b"COMMIT")


def _forbids_transaction(sql: bytes) -> bool:
    words = sql.upper().split()
    return b"CONCURRENTLY" in words or words[:1] in ([b"VACUUM"], [b"REINDEX"])


def _failed(error: "psycopg.Error", place: str, before: int) -> NotApplied:
    said = (error.diag.message_primary or str(error)).strip().splitlines()[0]
    if error.sqlstate == "55P03":
        remedy = "end what holds the table (a migration, an open transaction), then run again"
    else:
        remedy = f"correct {place}, or the database, then run again"
    rest = f"the {before} statements before its transaction stay" if before else "nothing was changed"
    return NotApplied(f"{place} fails: {said}; {rest}", remedy)
