"""The session on the app's database: opened once, only ever read, every question bounded."""

import math
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Self

from infracheck.clients import pgaddress, pgcauses, pgconnect, pgrefusal
from infracheck.clients.pgaddress import Address
from infracheck.clients.pgrefusal import NoSession, SessionUnclear
from infracheck.errors import Unavailable
from infracheck.secret import Secret

if TYPE_CHECKING:
    from infracheck.clients.pgconnect import Connection

Row = dict[str, Any]
GRACE: Final = 5.0  # seconds for the way there and back, on top of what the server may take
CANCEL: Final = 1.0  # seconds that a running question is given to end when the session closes
# Poolers share sessions among clients: settings are made for one transaction, never for the session.
_READ_ONLY: Final = (
    "BEGIN READ ONLY; SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {limit}; "
    "SET LOCAL idle_in_transaction_session_timeout = {limit}; "
)
_NO_PATH: Final = "SET LOCAL search_path = ''; "
_ABOUT: Final = """
    SELECT 1 AS one, current_user AS role, pg_catalog.current_database() AS name,
           pg_catalog.current_setting('server_version') AS version,
           pg_catalog.current_schemas(false)::text[] AS path
"""


class Database:
    """One session. Any thread may ask; questions wait for each other.

    Attributes:
        server_version: as the server says it, `18.6`.
        user, name, host, port: role and database by the server's word, host and port as connected to.
        search_path: schemas in which the role finds unqualified names, existing ones only.
        removed: names of URL parameters that libpq does not know, and of a driver suffix.
        unescaped: characters of the password that other readers of the URL take for a delimiter.
        seconds: from the first try to the first answer: a database that sleeps has to wake for it.
        warm: seconds of one question and its answer, once connected.
        tries: how often it was tried to connect.
    """

    def __init__(self, connection: "Connection", address: Address, timeout: float) -> None:
        self._connection = connection
        self._address = address
        self._timeout = timeout
        self._lock = threading.Lock()
        self._closing = False
        start = monotonic()
        [about] = self._ask(_ABOUT, (), path=True)
        self.warm = monotonic() - start
        self.server_version: str = about["version"].split()[0]
        self.user: str = about["role"]
        self.name: str = about["name"]
        self.search_path: tuple[str, ...] = tuple(about["path"])
        self.host = connection.info.host or address.host
        self.port = connection.info.port
        self.removed = address.removed
        self.unescaped = address.unescaped
        self.seconds = 0.0
        self.tries = 1

    @classmethod
    def open(cls, url: Secret, *, timeout: float, tell: Callable[[str], None] = lambda _: None) -> Self:
        """Open a session and ask it one question; what may pass by itself is tried again, within twice the timeout.

        Args:
            timeout: seconds for one address of the host, and for one question.

        Raises:
            NoSession: why there is none; SessionUnclear when that is not known.
        """
        start = monotonic()
        address = pgaddress.address(url)
        tell(f"waiting for the database at {address.place}")
        connection, tries = pgconnect.connect(address, timeout, tell)
        try:
            database = cls(connection, address, timeout)
        except BaseException:
            pgconnect.discard(connection)
            raise
        database.seconds, database.tries = monotonic() - start, tries
        return database

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of one SELECT, in a read-only transaction of its own that finds nothing by search path.

        Args:
            sql: names are qualified; `%s` for each of `params`, and then `%%` for a percent sign.

        Raises:
            SessionUnclear: no answer in time, or the session broke off.
            Unavailable: the session has been closed.
        """
        return self._ask(sql, params, path=False)

    def queries(self, scripts: Sequence[str]) -> list[list[Row]]:
        """Return the rows of each of several SELECTs without parameters: one transaction, one round trip.

        Raises:
            SessionUnclear: no answer in time, or the session broke off.
            Unavailable: the session has been closed.
        """
        return self._all("; ".join(scripts), None, path=False)

    def read(self, sql: str) -> list[Row]:
        """Return the rows of one statement of the app's own, read-only; names are found as the app finds them.

        Raises:
            psycopg.Error: the server refuses it.
            SessionUnclear: no answer in time, or the session broke off.
            Unavailable: the session has been closed.
        """
        found = self._all(sql, None, path=True)
        return found[0] if found else []

    def psql(self, *arguments: str) -> str:
        """Return a psql command for the same database; it asks for the password."""
        return self._address.psql(*arguments)

    def _ask(self, sql: str, params: Sequence[Any], *, path: bool) -> list[Row]:
        return self._all(sql, params or None, path=path)[0]

    def _all(self, sql: str, params: Sequence[Any] | None, *, path: bool) -> list[list[Row]]:
        import psycopg

        limit = math.ceil(self._timeout * 1000)
        # The simple protocol takes all of it in one round trip, and prepares nothing.
        script = _READ_ONLY.format(limit=limit) + ("" if path else _NO_PATH) + sql + "; COMMIT"
        with self._lock:
            if self._closing:
                raise Unavailable("run", "the run is ending")
            try:
                with pgconnect.bounded(self._connection, self._timeout + GRACE):
                    return self._rows(script, params)
            except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable):
                raise self._unclear(f"gave no answer within {self._timeout:g} s") from None
            except psycopg.OperationalError as error:
                raise self._broken(str(error)) from None

    def _rows(self, script: str, params: Sequence[Any] | None) -> list[list[Row]]:
        import psycopg

        with psycopg.ClientCursor(self._connection, row_factory=psycopg.rows.dict_row) as cursor:
            try:
                cursor.execute(script.encode(), params)
                found = [cursor.fetchall()] if cursor.description else []
                while cursor.nextset():
                    found += [cursor.fetchall()] if cursor.description else []
                return found
            except psycopg.Error:
                with suppress(psycopg.Error):
                    self._connection.rollback()
                raise

    def _broken(self, text: str) -> NoSession:
        # A pooler lets everybody in, and says only at the first question what is wrong behind it.
        cause = pgcauses.cause_of(text)
        if cause in pgcauses.CAUSES and cause.state != "HUNG UP":
            return pgrefusal.explain(cause, self._address, text, self._timeout)
        return self._unclear("broke the session off")

    def _unclear(self, what: str) -> SessionUnclear:
        return SessionUnclear(
            "NO ANSWER",
            f"the database at {self._address.place} {what}",
            "see whether the database is overloaded or restarting, then run again",
            reproduce=self._address.psql("-c", "select 1"),
        )

    def close(self) -> None:
        """End the session; a question still running is cancelled. Takes at most three seconds; may be called twice."""
        import psycopg

        self._closing = True
        if not self._lock.acquire(timeout=0):
            with suppress(psycopg.Error):
                self._connection.cancel_safe(timeout=CANCEL)
            if not self._lock.acquire(timeout=CANCEL):
                pgconnect.cut(self._connection)
                if not self._lock.acquire(timeout=CANCEL):
                    return
        try:
            pgconnect.discard(self._connection)
        finally:
            self._lock.release()
