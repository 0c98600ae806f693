"""The real components that tests run against, started once a session, and a process environment without surprises."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from infracheck.clients.embedded_postgres import EmbeddedPostgres
    from tests.stage import Stage


@pytest.fixture(scope="session", autouse=True)
def steady_environment() -> Iterator[None]:
    """Take away the variables of the machine that infracheck listens to, so that tests see only what they set."""
    patch = pytest.MonkeyPatch()
    for name in list(os.environ):
        if name.startswith(("SENTRY_", "NEON_", "SUPABASE_", "BETTER_AUTH_", "GITHUB_", "PG")) or name in {
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


@pytest.fixture(scope="session")
def whole_stage(postgres: "EmbeddedPostgres", tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Stage]":
    """The real app with everything right, once a session."""
    from tests.stage import set_up

    with set_up(postgres, tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture
def stage(whole_stage: "Stage") -> "Iterator[Stage]":
    """The real app with everything right; a test that breaks its files finds them mended afterwards."""
    import subprocess

    git = ["git", "-C", str(whole_stage.folder)]
    whole_stage.write_env()
    yield whole_stage
    subprocess.run([*git, "checkout", "--quiet", "--", "."], check=True)
    subprocess.run([*git, "clean", "-qfd"], check=True)
    whole_stage.assert_nothing_left()
