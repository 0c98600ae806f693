"""A throw-away PostgreSQL in which the app's SQL is really run, so that one engine reads both sides.

The SQL runs as a role that may do nothing outside its own database: it is the app's, and must not reach the machine.
The superuser makes that role, extensions and foreign data wrappers, all of it before the first statement of the app's
runs and in words of our own, so that it never meets anything that the SQL has made.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from infracheck.clients import pgcatalog, stubs
from infracheck.clients.embedded_postgres import EmbeddedPostgres
from infracheck.clients.postgres_binaries import find_installation
from infracheck.clients.scratchrun import STATEMENT_SECONDS, Run
from infracheck.clients.tempfolder import TemporaryFolder
from infracheck.project.ddl.model import DEFAULT_SCHEMA, Schema
from infracheck.project.ddl.quote import quoted
from infracheck.project.ddl.source import Reader

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[dict[str, Any]]

OWNER: Final = "infracheck_owner"


@dataclass(frozen=True, slots=True)
class Applied:
    """What the SQL left behind, as the scratch server's catalog has it."""

    schema: Schema
    version: str  # "18.6"

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


class Scratch:
    """One server, in a temporary folder that goes when infracheck does, however it ends. `close` stops it."""

    def __init__(self, folder: TemporaryFolder, server: EmbeddedPostgres) -> None:
        self._folder, self._server = folder, server
        self._number = 0
        self._password = secrets.token_hex(16)

    @classmethod
    def open(cls, *, major: int | None = None, tell: Callable[[str], None] = lambda _: None) -> Self:
        """Start a server, of the wanted major version where there is one on this machine.

        Raises:
            ClientError: there is no PostgreSQL to start.
        """
        installation = find_installation(major)
        tell(f"starting a scratch PostgreSQL {installation.version} to read the schema with")
        folder = TemporaryFolder("infracheck-scratch-")
        server = EmbeddedPostgres(folder.path, installation=installation, password=secrets.token_hex(16))
        try:
            server.start()
        except BaseException:
            server.stop()
            folder.close()
            raise
        return cls(folder, server)

    @property
    def version(self) -> str:
        return self._server.version

    def close(self) -> None:
        self._server.stop()
        self._folder.close()

    def apply(
        self,
        files: Iterable[tuple[Path, str]],
        *,
        default: str = DEFAULT_SCHEMA,
        limit: float = STATEMENT_SECONDS,
        tell: Callable[[str], None] = lambda _: None,
    ) -> Applied:
        """Run SQL files in an empty database, and return what is there afterwards.

        Args:
            files: each with its name as reports show it.
            default: the schema into which names without one go.
            limit: seconds for one statement.

        Raises:
            ClientError: a statement fails on an empty database; says file and line. Unclear when it takes too long.
        """
        reader = Reader()
        statements = [one for path, shown in files for one in reader.statements(path, shown)]
        self._number += 1
        url = self._server.create_database(f"scratch_{self._number}")
        with ExitStack() as stack:
            boss = stack.enter_context(_connected(url))
            self._prepare(boss, default)
            ground = stubs.Ground(boss, stack.enter_context(_connected(url, OWNER, self._password)), OWNER, default)
            ground.lay(statements)
            owner = stack.enter_context(_connected(url, OWNER, self._password, path=_path(default)))
            Run(owner, ground, limit, tell).all(statements)
            schema = pgcatalog.read(lambda queries: _ask(ground.connection, queries))
        for key in [key for key in schema.functions if key[0] in ground.functions]:
            del schema.functions[key]
        return Applied(schema, self.version)

    def _prepare(self, boss: "Connection", default: str) -> None:
        """Make the role that owns the database and nothing else, and the schema for names without one."""
        from psycopg import sql

        owner = sql.Identifier(OWNER)
        if self._number == 1:
            password = sql.Literal(self._password)
            boss.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(owner, password))
        boss.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(boss.info.dbname), owner))
        boss.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner))
        if default != DEFAULT_SCHEMA:
            boss.execute(sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(sql.Identifier(default), owner))


def _path(default: str) -> str:
    """Return a search path that finds names as the live role's does: the usual one unless it was changed."""
    first = '"$user"' if default == DEFAULT_SCHEMA else quoted(default)
    return f"{first}, public"


@contextmanager
def _connected(url: str, user: str = "", password: str = "", *, path: str = "pg_catalog") -> "Iterator[Connection]":
    import psycopg
    from psycopg.conninfo import make_conninfo
    from psycopg.rows import dict_row

    if user:
        url = make_conninfo(url, user=user, password=password)
    connection = psycopg.connect(url, autocommit=True, row_factory=dict_row, prepare_threshold=None)
    try:
        connection.execute("SELECT set_config('search_path', %s, false)", [path])
        connection.execute("SET client_min_messages = error")
        yield connection
    finally:
        connection.close()


def _ask(connection: "Connection", queries: Sequence[str]) -> list[list[dict[str, Any]]]:
    with connection.transaction():
        connection.execute("SET LOCAL search_path = ''")
        return [connection.execute(query.encode()).fetchall() for query in queries]
