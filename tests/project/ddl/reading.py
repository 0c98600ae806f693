"""Reads SQL as an app keeps it, and applies it as psql would: what the tests of the reading share."""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from infracheck.clients.postgres_binaries import find_installation
from infracheck.errors import ClientError
from infracheck.project import sql
from infracheck.project.detect import Project


def at(folder: Path) -> Project:
    """The app in a folder, which is its whole repository."""
    return Project(folder, folder)


def read(folder: Path, text: str | bytes, name: str = "schema.sql") -> sql.Expected:
    """Write a file and read what it leaves behind."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return named(folder, name)


def named(folder: Path, *names: str) -> sql.Expected:
    """Read the files and folders that infracheck.toml would name."""
    project = at(folder)
    sources = sql.find(project, names)
    assert sources is not None
    return sql.expected(project, sources)


def found(folder: Path) -> sql.SqlSources:
    """The sources that are detected in an app."""
    sources = sql.find(at(folder))
    assert sources is not None
    return sources


def refusal(folder: Path, text: str | bytes, name: str = "schema.sql") -> str:
    """The sentence by which a file is refused; there is always something to do about it."""
    with pytest.raises(ClientError) as caught:
        read(folder, text, name)
    assert caught.value.remedy
    return caught.value.summary


def tables(read_: sql.Expected) -> list[str]:
    return [str(table) for table in read_.tables]


def lines(read_: sql.Expected) -> dict[str, int]:
    """Return table -> line of its statement."""
    return {table.name[1]: table.place.line for table in read_.tables if table.place}


def apply(url: str, text: str) -> None:
    """Send one statement after the other, as psql does: only then do BEGIN and ROLLBACK mean what they say."""
    from pglast import split

    with psycopg.connect(url, autocommit=True) as connection:
        for statement in split(text):
            connection.execute(statement.encode())


def psql(url: str, folder: Path, *, text: str | None = None, file: str | None = None) -> list[str]:
    """Apply a file of a folder, or a text, by the real psql; return the tables of `public` that are then there."""
    place = conninfo_to_dict(url)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    done = subprocess.run(
        [find_installation().folder / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", *(["-f", file] if file else [])],
        input=text,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PGCLIENTENCODING": "UTF8",
            **{name: str(place[key]) for key, name in names.items()},
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = 'public'")
        return sorted(row[0] for row in rows)
