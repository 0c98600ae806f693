"""Slow work of checks that begins early, each piece in a thread of its own."""

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infracheck.context import Context
    from infracheck.model import Check


class HeadStarts:
    """What was begun for which check; safe to use from several threads, and head starts may wait for one another."""

    def __init__(self, ctx: "Context") -> None:
        """Take the Context that the work is given."""
        self._ctx = ctx
        self._begun: dict[Check, Future[Any]] = {}
        self._beginning = threading.Lock()

    def begin(self, check: "Check") -> None:
        """Begin a check's slow work in a thread, once; its value or its error waits for `begun`."""
        if check.starts is None:
            return
        with self._beginning:  # head starts wait for one another, and so begin one another
            if check in self._begun:
                return
            future: Future[Any] = Future()
            self._begun[check] = future
        work = check.starts.begin

        def run() -> None:
            try:
                future.set_result(work(self._ctx))
            except BaseException as error:  # noqa: BLE001 - carried to the check, whose verdict it is
                future.set_exception(error)

        # A daemon: the run's end must never wait for a thread; what it holds is closed through the Context.
        threading.Thread(target=run, name=f"head start of {check.id}", daemon=True).start()

    def begun(self, check: "Check") -> Any:
        """Return what the head start of `check` makes, waiting for it; begins it here if nobody has."""
        self.begin(check)
        return self._begun[check].result()

    def settle(self, check: "Check") -> None:
        """Wait until the head start of `check` is through, however it went; return at once where nobody began it."""
        if check in self._begun:
            self._begun[check].exception()
