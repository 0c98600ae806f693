"""The real components that tests run against, started once a session, and a process environment without surprises."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from infracheck.clients.embedded_postgres import EmbeddedPostgres


@pytest.fixture(scope="session", autouse=True)
def steady_environment() -> Iterator[None]:
    """Take away the variables of the machine that infracheck listens to, so that tests see only what they set."""
    patch = pytest.MonkeyPatch()
    for name in list(os.environ):
        if name.startswith(("SENTRY_", "NEON_", "BETTER_AUTH_", "GITHUB_", "PG")) or name in {
            "DATABASE_URL",
            "CI",
            "NO_COLOR",
            "FORCE_COLOR",
            "CLICOLOR_FORCE",
            "COLUMNS",
            "PORT",
        }:
            patch.delenv(name)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[EmbeddedPostgres]":
    """A real PostgreSQL with a password, for the whole session."""
    from infracheck.clients.embedded_postgres import EmbeddedPostgres

    with EmbeddedPostgres(tmp_path_factory.mktemp("pg"), password=secrets.token_hex(12)) as server:
        yield server


@pytest.fixture
def database(postgres: "EmbeddedPostgres") -> str:
    """The URL of a fresh, empty database."""
    return postgres.create_database(f"t_{secrets.token_hex(6)}")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An empty folder for an app, with a git-less parent."""
    folder = tmp_path / "app"
    folder.mkdir()
    return folder
