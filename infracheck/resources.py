"""Things that open on first use, are shared by every thread that asks, and close in reverse order."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from infracheck.errors import Unavailable

T = TypeVar("T")


class Resources:
    """Opens each resource once, under a lock of its own; what is closing opens nothing more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._opened: dict[str, Any] = {}
        self._closing = False

    def get(self, name: str, start: Callable[[], T]) -> T:
        """Return the resource `name`, opening it with `start` where nobody has.

        Raises:
            Exception: what `start` raised, every time again: asking twice does not wait twice.
            Unavailable: everything is being closed.
        """
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._opened:
                self._refuse_when_closing()
                self._open(name, start)
            opened = self._opened[name]
        if isinstance(opened, _Refusal):
            raise opened.error
        value: T = opened
        return value

    def _open(self, name: str, start: Callable[[], Any]) -> None:
        try:
            opened: Any = start()
        except Exception as error:  # noqa: BLE001 - raised where the resource is asked for
            opened = _Refusal(error)
        with self._lock:
            self._opened[name] = opened
            closing = self._closing
        if closing:
            _close(opened)
            self._refuse_when_closing()

    def opened(self, name: str) -> Any:
        """Return a resource if it was opened, else None; never opens one."""
        return self._opened.get(name)

    def close(self) -> None:
        """Close every resource, the last opened first; a second call does nothing."""
        with self._lock:
            self._closing = True
            opened = list(self._opened.values())
            self._opened = {name: _Refusal(_ending()) for name in self._opened}
        for resource in reversed(opened):
            _close(resource)

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise _ending()


class _Refusal:
    """A resource that could not be opened, and why."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _ending() -> Unavailable:
    return Unavailable("run", "the run is ending")


def _close(resource: Any) -> None:
    if not isinstance(resource, _Refusal):
        resource.close()
