"""Bugsink, a Sentry-compatible server, run on a free port with data of its own."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.components.bugsink_install import bugsink_env, bugsink_installed, python_of
from tests.components.child import running, wait_until
from tests.components.ports import listener
from tests.components.probe import status_of

START_SECONDS = 60
# One worker process; the socket is ours, so that no port can be lost between choosing and binding it.
GUNICORN = ["-m", "gunicorn", "--workers", "1", "--threads", "4", "--no-control-socket", "bugsink.wsgi"]


@dataclass(frozen=True)
class Event:
    """An event as Bugsink stored it: `id` in 32 hex digits, `data` as the client sent it."""

    id: str
    project: int
    data: dict[str, Any]


@dataclass(frozen=True)
class Bugsink:
    """A running Bugsink with two projects, 1 (next-notes) and 2 (other)."""

    url: str
    folder: Path

    @property
    def dsn(self) -> str:
        """The DSN of project 1."""
        return self._dsn(self._key(1), "1")

    @property
    def other_dsn(self) -> str:
        """The DSN of project 2, equally valid."""
        return self._dsn(self._key(2), "2")

    @property
    def wrong_key_dsn(self) -> str:
        """Well formed, but no project has this key: every event is answered 403, with a page that is not JSON."""
        key = self._key(1)
        return self._dsn(key[::-1] if key != key[::-1] else "0" * 32, "1")

    @property
    def wrong_project_dsn(self) -> str:
        """The key of project 1 with a project id that does not exist: 403 as well, Bugsink does not tell them apart."""
        return self._dsn(self._key(1), "999")

    @property
    def wrong_path_dsn(self) -> str:
        """A DSN below a path where no ingest endpoint is: every event is answered 404."""
        return self._dsn(self._key(1), "nowhere/1")

    @property
    def token(self) -> str:
        """A token of its web API, of which only a small part is like Sentry's."""
        return (self.folder / "token").read_text(encoding="ascii")

    def stored(self, event_id: str) -> bool:
        """Tell whether an event is stored. `event_id`: 32 hex digits, dashes and case do not matter."""
        wanted = event_id.replace("-", "").lower()
        return any(event.id == wanted for event in self.events())

    def events(self) -> list[Event]:
        """Return all stored events, oldest first."""
        rows = self._rows("SELECT event_id, project_id, data FROM events_event ORDER BY digested_at")
        return [Event(str(event_id), project, json.loads(data)) for event_id, project, data in rows]

    def _key(self, project: int) -> str:
        (row,) = self._rows("SELECT sentry_key FROM projects_project WHERE id = ?", project)
        return str(row[0])

    def _dsn(self, key: str, project: str) -> str:
        return self.url.replace("http://", f"http://{key}@") + f"/{project}"

    def _rows(self, query: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.folder}/db.sqlite3?mode=ro", uri=True, timeout=10)) as database:
            return database.execute(query, values).fetchall()


@contextmanager
def bugsink(folder: Path) -> Iterator[Bugsink]:
    """Run Bugsink with its data in the empty `folder`. Its output is in `folder`/bugsink.log.

    Raises ChildFailed when it does not come up.
    """
    installed = bugsink_installed()
    shutil.copytree(installed / "template", folder, dirs_exist_ok=True)
    with listener() as socket:
        url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        command: list[str | Path] = [python_of(installed), *GUNICORN, "--bind", f"fd://{socket.fileno()}"]
        env = bugsink_env(installed, folder, url)
        log = folder / "bugsink.log"
        with running(command, folder=folder, env=env, log=log, pass_fds=[socket.fileno()]) as process:
            wait_until(lambda: status_of(f"{url}/health/ready") == 200, process, log, START_SECONDS)
            yield Bugsink(url, folder)
