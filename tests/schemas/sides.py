"""Both sides of a fixture: what its files declare, by either method, and what a live database holds."""

from collections.abc import Sequence
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row

from infracheck.clients import pgcatalog
from infracheck.clients.scratch import Scratch
from infracheck.project import sql
from infracheck.project.ddl.annotate import annotate
from infracheck.project.ddl.compare import compare
from infracheck.project.ddl.difference import Difference
from infracheck.project.ddl.model import Schema
from infracheck.project.detect import Project
from tests.schemas.corpus import FOLDER, Fixture

Method = Literal["parse", "shadow"]
Connection = psycopg.Connection[dict[str, Any]]


def connect(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)


def declared(fixture: Fixture, method: Method, scratch: Scratch) -> Schema:
    """Return what the files of a fixture declare; found as infracheck finds them in an app."""
    root = fixture.path if fixture.path.is_dir() else FOLDER
    project = Project(root, root)
    sources = sql.find(project, () if fixture.path.is_dir() else (fixture.path.name,))
    assert sources
    read = sql.expected(project, sources)
    if method == "parse":
        return read.schema
    applied = scratch.apply([(file, project.show(file)) for file in sources.files])
    return annotate(applied.schema, read.schema)


def differences(side: Schema, connection: Connection, method: Method) -> list[Difference]:
    """Compare with the live database, as the connection's transaction sees it."""

    def ask(queries: Sequence[str]) -> list[list[dict[str, Any]]]:
        with connection.transaction():
            connection.execute("SET LOCAL search_path = ''")
            return [connection.execute(query.encode()).fetchall() for query in queries]

    # Both servers of the tests are the same PostgreSQL.
    shadow = method == "shadow"
    return compare(side, pgcatalog.read(ask), run=shadow, exact=shadow)
