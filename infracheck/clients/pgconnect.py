"""Makes the connection to a Postgres server: bounded whatever the network does, and tried again where that helps."""

import math
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final, TypeVar

from infracheck.clients import pgcauses, pgrefusal
from infracheck.clients.pgaddress import Address

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[dict[str, Any]]

T = TypeVar("T")
PAUSES: Final = (0.25, 0.5, 1.0, 2.0, 4.0)  # seconds between tries; a sleeping Neon branch wakes within one


def connect(address: Address, timeout: float, tell: Callable[[str], None]) -> "tuple[Connection, int]":
    """Return a connection that prepares nothing and commits at once, and how many tries it took.

    Args:
        timeout: seconds for one address of the host; all tries together take at most twice as long.

    Raises:
        NoSession: why there is none; SessionUnclear when that is not known.
    """
    deadline = monotonic() + 2 * timeout
    for tries, pause in enumerate((*PAUSES, None), 1):
        try:
            return _once(address, timeout, max(deadline - monotonic(), 0.1)), tries
        except pgrefusal.NoSession as refusal:
            if not refusal.transient or pause is None or monotonic() + pause >= deadline:
                raise
            tell(f"waiting for the database at {address.place}: {refusal.state.lower()}")
            sleep(pause)
    raise AssertionError("unreachable: the last try returns or raises")


def _once(address: Address, timeout: float, left: float) -> "Connection":
    import psycopg
    from psycopg.rows import dict_row

    options = _options(address, timeout)
    try:
        return _within(left, lambda: psycopg.connect(**options, row_factory=dict_row), discard)
    except TimeoutError:
        raise pgrefusal.explain(pgcauses.cause_of("timeout expired"), address, seconds=left) from None
    except UnicodeError:  # a name that DNS could not hold: an empty label, or one of more than 63 characters
        raise pgrefusal.explain(pgcauses.cause_of("failed to resolve host"), address) from None
    except psycopg.Error as error:
        text = str(error)
        waited = float(options["connect_timeout"])  # libpq waits for two seconds at the least
        raise pgrefusal.explain(pgcauses.cause_of(text), address, text, waited) from None


def _options(address: Address, timeout: float) -> dict[str, Any]:
    """Return the arguments of psycopg.connect. Behind a pooler nothing may be prepared."""
    parameters = dict(address.parameters)
    if parameters.get("sslmode", "").startswith("verify-") and "sslrootcert" not in parameters:
        import certifi

        # libpq looks for one file only; other drivers trust the usual authorities.
        if not Path("~/.postgresql/root.crt").expanduser().exists():
            parameters["sslrootcert"] = certifi.where()
    return {
        "gssencmode": "disable",
        **parameters,
        "connect_timeout": max(2, math.ceil(timeout)),
        "application_name": "infracheck",
        "client_encoding": "utf8",
        "prepare_threshold": None,
        "autocommit": True,
    }


def _within(seconds: float, work: Callable[[], T], dispose: Callable[[T], None]) -> T:
    """Return what `work` returns; TimeoutError after `seconds`, and what comes later is discarded.

    Looking up a host name knows no timeout, and a host may have many addresses.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - carried to whoever waits
            if future.set_running_or_notify_cancel():
                future.set_exception(error)
            return
        if future.set_running_or_notify_cancel():
            future.set_result(result)
        else:
            dispose(result)

    threading.Thread(target=run, name="database connection", daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError:
        if future.cancel():
            raise
        return future.result()


def discard(connection: "Connection") -> None:
    """Close a connection, whatever state it is in."""
    import psycopg

    with suppress(psycopg.Error):
        connection.close()


@contextmanager
def bounded(connection: "Connection", seconds: float) -> Iterator[None]:
    """Cut a connection that is still in use after `seconds`."""
    # The server's own limit does not help when the network swallows its answer.
    timer = threading.Timer(seconds, cut, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def cut(connection: "Connection") -> None:
    """End a connection under whoever waits for it: that thread gets an error and lets go."""
    import psycopg

    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
