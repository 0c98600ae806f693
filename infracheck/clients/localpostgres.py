"""The PostgreSQL of one app on this machine: kept below .infracheck/, for work offline."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from infracheck.clients.embedded_postgres import EmbeddedPostgres
from infracheck.clients.ports import free_port
from infracheck.secret import Secret

PASSWORD: Final = "secret"  # noqa: S105 - the name of a file; `password` is taken by initdb for a moment
PORT: Final = "port"


class LocalPostgres:
    """A server whose port and password stay the same from one start to the next."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that keeps its data; made on first use, for its owner only."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self.port = int(self._kept(PORT, lambda: str(free_port())))
        password = self._kept(PASSWORD, lambda: secrets.token_urlsafe(24))
        self._server = EmbeddedPostgres(folder, port=self.port, password=password, durable=True)

    @classmethod
    def started(cls, folder: Path) -> Self:
        """Return it running.

        Raises:
            ClientError: there are no binaries, or it does not start (its port may be taken).
        """
        local = cls(folder)
        local._server.start()
        return local

    def url(self, database: str) -> Secret:
        """Return the connection string of a database, which is created where it is not there."""
        import psycopg

        server = self._server.url
        with psycopg.connect(server, autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
        url = server.rpartition("/")[0] + f"/{database}" if found else self._server.create_database(database)
        return Secret(url)

    def close(self) -> None:
        self._server.stop()

    def _kept(self, name: str, new: Callable[[], str]) -> str:
        from infracheck.project.files import write_whole

        path = self._folder / name
        if not path.exists():
            write_whole(path, new(), mode=0o600)
        return path.read_text(encoding="utf-8").strip()
