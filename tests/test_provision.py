"""infracheck provision, from an empty app folder to a green gate."""

import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infracheck.actions import Choices
from infracheck.clients.embedded_postgres import EmbeddedPostgres
from infracheck.errors import ExitCode
from infracheck.project.envwrite import parsed
from infracheck.provisioning.command import provision
from tests.standins.neon_making import MakingNeon, making_neon
from tests.standins.sentry import Project, sentry

EXAMPLE = """\
# Postgres
DATABASE_URL=
# openssl rand -base64 32
SESSION_SECRET=
CRON_SECRET=change-me
PORT=3000
# Optional
ANALYTICS_ID=
"""


@pytest.fixture
def neon(postgres: EmbeddedPostgres) -> Iterator[MakingNeon]:
    number = iter(range(1000))
    with making_neon(lambda: postgres.create_database(f"made_{id(number)}_{next(number)}")) as standin:
        yield standin


@pytest.fixture
def new_app(app: Path) -> Path:
    (app / "package.json").write_text(json.dumps({"name": "@acme/web", "dependencies": {"next": "16.0.0"}}))
    (app / ".env.local.example").write_text(EXAMPLE)
    (app / "schema.sql").write_text("create table notes (id int primary key, body text not null);\n")
    (app / ".gitignore").write_text("node_modules\n")
    subprocess.run(["git", "init", "-q", str(app)], check=True)
    return app


def run(app: Path, neon: MakingNeon | None = None, *only: str, **options: Any) -> tuple[ExitCode, str]:
    keys = {"NEON_API_KEY": neon.key, "NEON_API_HOST": neon.url} if neon else {}
    out = io.StringIO()
    options = {"yes": True, "choices": Choices(), **options}
    code = provision(app, only, {**keys, **options.pop("process", {})}, out=out, **options)
    text = out.getvalue()
    for secret in keys.values() if neon else ():
        assert secret == neon.url or secret not in text  # type: ignore[union-attr]
    return code, text


def values(app: Path) -> dict[str, str]:
    return parsed((app / ".env.local").read_text(), "next")


def test_from_an_empty_folder_to_a_database(new_app: Path, neon: MakingNeon) -> None:
    code, text = run(new_app, neon, "env", "database")
    assert code == ExitCode.PASS, text
    found = values(new_app)
    assert set(found) == {
        "DATABASE_URL",
        "DATABASE_URL_UNPOOLED",
        "SESSION_SECRET",
        "CRON_SECRET",
        "PORT",
        "ANALYTICS_ID",
    }
    assert (found["PORT"], found["ANALYTICS_ID"]) == ("3000", "")
    assert len(found["SESSION_SECRET"]) == 44
    assert len(found["CRON_SECRET"]) >= 40
    psycopg.connect(found["DATABASE_URL"]).close()
    for secret in (found["DATABASE_URL"], found["SESSION_SECRET"], found["CRON_SECRET"]):
        assert secret not in text
    assert neon.made == ["project web"]
    assert ".env*.local" in (new_app / ".gitignore").read_text().splitlines()
    assert (new_app / ".env.local").stat().st_mode & 0o777 == 0o600
    again, text = run(new_app, neon, "env", "database")
    assert again == ExitCode.PASS
    assert "the plan is empty" in text
    assert neon.made == ["project web"]


def test_the_schema_follows_in_the_same_plan(new_app: Path, neon: MakingNeon) -> None:
    code, text = run(new_app, neon, "env", "database", "schema")
    assert code == ExitCode.PASS, text
    assert text.count("Plan") == 1
    with psycopg.connect(values(new_app)["DATABASE_URL"]) as database:
        assert database.execute("select count(*) from notes").fetchone() == (0,)
    assert "schema.sql:1: create table notes" in text
    assert "the plan is empty" in run(new_app, neon)[1]


MAKES = ("org:read", "project:read", "project:write", "team:write")


def test_a_sentry_project_is_made_and_written(new_app: Path) -> None:
    example = "NEXT_PUBLIC_SENTRY_DSN=\nSENTRY_AUTH_TOKEN=\nSENTRY_ORG=acme\nSENTRY_PROJECT=\n"
    (new_app / ".env.local.example").write_text(example)
    (new_app / "package.json").write_text('{"name": "web"}')
    (new_app / "schema.sql").unlink()
    with sentry(Project(7, "other"), scopes=MAKES) as server:
        keys = {"SENTRY_AUTH_TOKEN": server.key, "SENTRY_URL": server.url}
        code, text = run(new_app, None, "env", "sentry", process=keys)
        found = values(new_app)
        assert code == ExitCode.PASS, text
        assert server.made == ["team web", "project web"]
        assert server.key not in text
        assert "the plan is empty" in run(new_app, None, "env", "sentry", process=keys)[1]
        assert server.made == ["team web", "project web"]
    assert (found["SENTRY_ORG"], found["SENTRY_PROJECT"]) == ("acme", "web")
    assert found["NEXT_PUBLIC_SENTRY_DSN"].endswith("/101")


@pytest.mark.parametrize("scopes", [("org:ci",), ("org:read", "project:read")])
def test_a_token_that_may_not_is_told_with_the_scopes(new_app: Path, scopes: tuple[str, ...]) -> None:
    (new_app / ".env.local.example").write_text("SENTRY_DSN=\nSENTRY_AUTH_TOKEN=\nSENTRY_ORG=acme\nSENTRY_PROJECT=\n")
    with sentry(Project(7, "other"), scopes=scopes) as server:
        keys = {"SENTRY_AUTH_TOKEN": server.key, "SENTRY_URL": server.url, "SENTRY_ORG": "acme"}
        code, text = run(new_app, None, "sentry", process=keys)
        assert server.made == []
    assert code == ExitCode.FAIL
    assert f"SENTRY_AUTH_TOKEN may do {', '.join(scopes)}, which is not enough to make a project" in text
    assert "project:write" in text


def test_a_project_of_the_same_name_is_asked_about(new_app: Path) -> None:
    (new_app / ".env.local.example").write_text("SENTRY_DSN=\nSENTRY_AUTH_TOKEN=\nSENTRY_ORG=acme\nSENTRY_PROJECT=\n")
    (new_app / "package.json").write_text('{"name": "web"}')
    with sentry(Project(7, "web"), scopes=MAKES) as server:
        keys = {"SENTRY_AUTH_TOKEN": server.key, "SENTRY_URL": server.url, "SENTRY_ORG": "acme"}
        code, text = run(new_app, None, "sentry", process=keys)
        assert (code, server.made) == (ExitCode.FAIL, [])
        assert "Sentry has a project acme/web already" in text
        (new_app / ".env.local").write_text("SENTRY_PROJECT=web\n")
        code, text = run(new_app, None, "sentry", process=keys)
        assert values(new_app)["SENTRY_DSN"].endswith("/7")
