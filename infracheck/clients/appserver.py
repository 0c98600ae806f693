"""The app as it is served during a run, whoever started it: the gate, a developer, or the hosting."""

from abc import ABC, abstractmethod
from pathlib import Path
from urllib.parse import urlsplit

from infracheck.clients.devboot import Boot, Row
from infracheck.clients.devfiles import Restored
from infracheck.clients.process import Stopped

PORTS = {"http": 80, "https": 443}


class AppServer(ABC):
    """Where later checks ask the app. Every method works from any thread.

    What is said here is that of a server which the gate did not start: nothing is known of its log, and it is left
    running.
    """

    restored = Restored()  # the files that were put back by `stop`

    @property
    @abstractmethod
    def boot(self) -> Boot:
        """How well it is up; waits until that is known, and says meanwhile what it waits for. Raises nothing."""

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it is, without a path: `http://localhost:3000`."""

    @property
    @abstractmethod
    def command(self) -> str:
        """What a developer types to see the same: `npm run dev`."""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or PORTS[parts.scheme]

    @property
    def started(self) -> bool:
        """Tell whether the gate started a process."""
        return False

    @property
    def exit_code(self) -> int | None:
        """The exit code if the server has ended, by itself or not; None while it runs."""
        return None

    @property
    def log_file(self) -> Path | None:
        """The file that holds all it has printed; None where there is none."""
        return None

    def tail(self, count: int) -> tuple[str, ...]:  # noqa: ARG002 - of a log that nobody here can see
        """Return the last lines of the log that say something."""
        return ()

    def mark(self) -> int:
        """Name this moment of the log, for `since` and `problems`."""
        return 0

    def since(self, mark: int) -> tuple[str, ...]:  # noqa: ARG002
        """Return the lines that came after a moment and say something; waits until the log is quiet (0.5 s at most)."""
        return ()

    def problems(self, mark: int) -> tuple[Row, ...]:  # noqa: ARG002
        """Return the errors (level fail) and warnings that came after a moment; waits as `since` does."""
        return ()

    def stop(self) -> Stopped:
        """End the whole process tree, put rewritten files back and return how it ended; safe to call again."""
        return Stopped(0, (), (), 0.0)

    def close(self) -> None:
        """End every wait, and what the gate started."""
        self.stop()
