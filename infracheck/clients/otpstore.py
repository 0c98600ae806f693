"""Writes one-time passwords of our own into Better Auth's tables, and removes whatever came of them.

This is the only place that writes to an app's database: on a connection of its own, in short transactions, and only
rows of the addresses that infracheck made up, or that it put there itself.
"""

import secrets
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, LiteralString, Self

from infracheck.clients import otptables, pgaddress, pgconnect
from infracheck.clients.otpcauses import refused
from infracheck.clients.otptables import Table, Tables
from infracheck.errors import Unavailable
from infracheck.secret import Secret

if TYPE_CHECKING:
    from psycopg import Cursor, sql

    from infracheck.clients.pgconnect import Connection

DOMAIN: Final = "infracheck.example"
PATTERN: Final = r"infracheck\+[0-9a-f]{32}@infracheck\.example"
OLD: Final = timedelta(minutes=15)  # a run that still goes on has younger addresses, in whatever service
VALID: Final = "5 minutes"
TYPES: Final = ("sign-in", "email-verification", "forget-password")
GRACE: Final = 5.0  # seconds for the way there and back
CLOSING: Final = 2.0  # seconds that the end of a run waits for a statement under way
Fate = Literal["untouched", "counted", "gone"]
Shape = Literal["plain", "hashed", "other"]


def new_address() -> str:
    """Return an address that nobody has."""
    return f"infracheck+{secrets.token_hex(16)}@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Planted:
    """A code as it was stored for an address."""

    identifier: str
    stored: str


class Store:
    """The auth tables of one database; any thread may ask, one at a time. `tables` is None where there are none."""

    def __init__(self, connection: "Connection", place: str, timeout: float) -> None:
        self._connection = connection
        self._place = place
        self._timeout = timeout
        self._lock = threading.Lock()
        self._closed = False
        self.tables: Tables | None = None
        self._had_keys = True

    @classmethod
    def open(cls, url: Secret, *, timeout: float, tell: Callable[[str], None], neon: bool) -> Self:
        """Connect and find the tables.

        Raises:
            NoSession: why there is no connection.
            ClientError: the database does not tell what it holds.
        """
        address = pgaddress.address(url)
        connection, _ = pgconnect.connect(address, timeout, tell)
        store = cls(connection, address.place, timeout)
        try:
            store._find(neon)
        except BaseException:
            pgconnect.discard(connection)
            raise
        return store

    def _find(self, neon: bool) -> None:
        with self._transaction() as cursor:
            rows = cursor.execute(otptables.COLUMNS, [otptables.names()]).fetchall()
            path = cursor.execute("SELECT pg_catalog.current_schemas(false)::text[] AS path").fetchall()[0]["path"]
            self.tables = otptables.choose(rows, path, neon=neon)
        if self.tables and "jwks" in self.tables:
            self._had_keys = self.counts()["jwks"] > 0

    # -- reading

    def shape(self) -> Shape | None:
        """Return how the newest code of anybody is stored; the code itself is not read."""
        table = self._table("verification")
        text = """
            SELECT {value} ~ '^[0-9]{{4,10}}:[0-9]+$' AS plain, {value} ~ '^[A-Za-z0-9_-]{{43}}:[0-9]+$' AS hashed
            FROM {table} WHERE {identifier} LIKE 'sign-in-otp-%%' ORDER BY {created} DESC LIMIT 1"""
        with self._transaction() as cursor:
            rows = cursor.execute(_filled(text, table), ()).fetchall()
        if not rows:
            return None
        return "plain" if rows[0]["plain"] else "hashed" if rows[0]["hashed"] else "other"

    def verified(self, email: str) -> bool | None:
        """Tell whether a user has proven this address; None where nobody has it."""
        table = self._table("user")
        proven = "{verified}" if "emailverified" in table.columns else "true"
        with self._transaction() as cursor:
            text = f"SELECT {proven} AS proven FROM {{table}} WHERE {{email}} = %s"  # noqa: S608 - two constants
            rows = cursor.execute(_filled(text, table), [email]).fetchall()
        return bool(rows[0]["proven"]) if rows else None

    def fate(self, planted: Planted) -> Fate:
        """Return what became of a code that was refused."""
        text = "SELECT {value} = %s AS untouched FROM {table} WHERE {identifier} = %s AND starts_with({value}, %s)"
        with self._transaction() as cursor:
            given = [f"{planted.stored}:0", planted.identifier, f"{planted.stored}:"]
            rows = cursor.execute(_filled(text, self._table("verification")), given).fetchall()
        if not rows:
            return "gone"
        return "untouched" if any(row["untouched"] for row in rows) else "counted"

    def counts(self) -> dict[str, int]:
        """Return how many rows each of the tables has."""
        with self._transaction() as cursor:
            return {
                part: cursor.execute(_filled("SELECT count(*) AS n FROM {table}", table)).fetchall()[0]["n"]
                for part, table in (self.tables or {}).items()
            }

    # -- writing

    def plant(self, email: str, stored: str) -> Planted:
        """Store a code for an address, as the service itself would have."""
        from psycopg import sql

        table = self._table("verification")
        planted = Planted(f"sign-in-otp-{email}", stored)
        values: dict[str, sql.Composable] = {
            "identifier": sql.Literal(planted.identifier),
            "value": sql.Literal(f"{stored}:0"),
            "expiresat": sql.SQL("{} + interval {}").format(table.now("expiresat"), sql.Literal(VALID)),
            **{name: table.now(name) for name in ("createdat", "updatedat") if name in table.columns},
        }
        if (own := table.columns.get("id")) and not own.preset:
            values["id"] = sql.Literal(str(uuid.uuid4()) if own.type == "uuid" else secrets.token_hex(16))
        script = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            table.sql, sql.SQL(", ").join(map(table.column, values)), sql.SQL(", ").join(values.values())
        )
        with self._transaction() as cursor:
            cursor.execute(script)
        return planted

    def withdraw(self, planted: Sequence[Planted]) -> None:
        """Remove codes that were stored, however often they were tried since."""
        with self._transaction() as cursor:
            self._withdraw(cursor, planted)

    def remove(self, addresses: Sequence[str], planted: Sequence[Planted], tokens: Sequence[str]) -> None:
        """Remove addresses of our own with all that hangs on them, codes that were stored, and sessions by token."""
        if self.tables is None:
            return
        identifiers = [f"{kind}-otp-{address}" for address in addresses for kind in TYPES]
        with self._transaction() as cursor:
            self._remove_users(cursor, list(addresses))
            verification, session = self._table("verification"), self._table("session")
            cursor.execute(_filled("DELETE FROM {table} WHERE {identifier} = ANY (%s)", verification), [identifiers])
            cursor.execute(_filled("DELETE FROM {table} WHERE {token} = ANY (%s)", session), [list(tokens)])
            self._withdraw(cursor, planted)
            if not self._had_keys:  # the service made its first key for us
                cursor.execute(_filled("DELETE FROM {table}", self._table("jwks")))

    def sweep(self) -> int:
        """Remove what a killed run left: addresses of our form, if they are old. Return how many users these were."""
        user, verification = self._table("user"), self._table("verification")
        find = "SELECT {email} AS email FROM {table} WHERE {email} ~ %s AND {created} < {now} - %s"
        drop = "DELETE FROM {table} WHERE {identifier} ~ %s AND {created} < {now} - %s"
        with self._transaction() as cursor:
            rows = cursor.execute(_filled(find, user), [f"^{PATTERN}$", OLD]).fetchall()
            self._remove_users(cursor, [row["email"] for row in rows])
            cursor.execute(_filled(drop, verification), [f"^({'|'.join(TYPES)})-otp-{PATTERN}$", OLD])
        return len(rows)

    def _remove_users(self, cursor: "Cursor[dict[str, Any]]", addresses: list[str]) -> None:
        from psycopg import sql

        user = self._table("user")
        theirs = sql.SQL("SELECT {} FROM {} WHERE {} = ANY (%s)").format(
            user.column("id"), user.sql, user.column("email")
        )
        for part in ("session", "account"):
            if (table := (self.tables or {}).get(part)) and "userid" in table.columns:
                script = sql.SQL("DELETE FROM {} WHERE {} IN ({})").format(table.sql, table.column("userid"), theirs)
                cursor.execute(script, [addresses])
        cursor.execute(_filled("DELETE FROM {table} WHERE {email} = ANY (%s)", user), [addresses])

    def _withdraw(self, cursor: "Cursor[dict[str, Any]]", planted: Sequence[Planted]) -> None:
        text = _filled(
            "DELETE FROM {table} WHERE {identifier} = %s AND starts_with({value}, %s)", self._table("verification")
        )
        for one in planted:
            cursor.execute(text, [one.identifier, f"{one.stored}:"])

    # -- the connection

    def _table(self, part: str) -> Table:
        if self.tables is None:
            raise AssertionError("no tables were found, so nothing may be asked of them")
        return self.tables[part]

    @contextmanager
    def _transaction(self) -> "Iterator[Cursor[dict[str, Any]]]":
        import psycopg

        with self._lock:
            if self._closed:
                raise Unavailable("run", "the run is ending")
            bound = pgconnect.bounded(self._connection, self._timeout + GRACE)
            try:
                with bound, self._connection.transaction(), psycopg.ClientCursor(self._connection) as cursor:
                    cursor.row_factory = psycopg.rows.dict_row
                    limit = max(1, round(self._timeout * 1000))
                    cursor.execute(f"SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {limit}".encode())
                    yield cursor
            except psycopg.Error as error:
                raise refused(error, self._place, self._timeout) from None

    def close(self) -> None:
        """End the connection; a second call does nothing."""
        self._closed = True
        if not self._lock.acquire(timeout=CLOSING):
            pgconnect.cut(self._connection)
            return
        try:
            pgconnect.discard(self._connection)
        finally:
            self._lock.release()


_NAMES: Final = {"created": "createdat", "verified": "emailverified"}


def _filled(text: LiteralString, table: Table) -> "sql.Composed":
    """Return SQL with the table and its columns in their places; `{now}` is the time as `{created}` holds it."""
    from psycopg import sql

    columns = {name: table.column(name) for name in table.columns}
    columns |= {short: table.column(name) for short, name in _NAMES.items() if name in table.columns}
    now = {"now": table.now("createdat")} if "createdat" in table.columns else {}
    return sql.SQL(text).format(table=table.sql, **columns, **now)
