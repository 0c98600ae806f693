"""What a flow asks the app's database, and what its clean-up steps remove there."""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from infracheck.errors import ClientError
from infracheck.flow.values import Values, sql_filled

if TYPE_CHECKING:
    from infracheck.clients.postgres import Database
    from infracheck.secret import Secret

GRACE: Final = 5.0  # seconds on top of what the server may take
_WRITE: Final = "BEGIN; SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {limit}; "


class Refusal(ClientError):
    """The database does not take the SQL of a step."""


def statement(sql: str, values: Values) -> str:
    """Return the SQL of a step with its names replaced.

    Raises:
        Unknown: a name in it has no value.
    """
    from psycopg.sql import Literal

    return sql_filled(sql, values.get, lambda value: Literal(value).as_string(None))


def read(database: "Database", sql: str) -> list[dict[str, Any]]:
    """Return the rows of one question, asked in a read-only transaction.

    Raises:
        Refusal: the database does not take it.
        ClientError: there is no answer.
    """
    import psycopg

    try:
        return database.read(sql)
    except psycopg.Error as error:
        raise Refusal(f"the database refuses it: {_first_line(error)}", "correct the SQL of the step") from None


def write(url: "Secret", sql: str, *, timeout: float, tell: Callable[[str], None]) -> int:
    """Run one statement of a clean-up step in a transaction of its own, and return how many rows it took.

    Raises:
        Refusal: the database does not take it; nothing is changed then.
        ClientError: there is no session.
    """
    import psycopg

    from infracheck.clients import pgaddress, pgconnect

    connection, _ = pgconnect.connect(pgaddress.address(url), timeout, tell)
    try:
        with pgconnect.bounded(connection, timeout + GRACE), psycopg.ClientCursor(connection) as cursor:
            cursor.execute(_WRITE.format(limit=math.ceil(timeout * 1000)).encode())
            cursor.execute(sql.encode())
            rows = max(cursor.rowcount, 0)
            cursor.execute(b"COMMIT")
            return rows
    except psycopg.Error as error:
        with suppress(psycopg.Error):
            connection.rollback()
        raise Refusal(f"the database refuses it: {_first_line(error)}", "correct the SQL of the step") from None
    finally:
        pgconnect.discard(connection)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
