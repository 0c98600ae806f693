"""infracheck provision, from an empty app folder to a green gate."""

import io
import json
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from infracheck.actions import Choices
from infracheck.clients.embedded_postgres import EmbeddedPostgres
from infracheck.errors import ClientError, ExitCode, UsageError
from infracheck.localtool import serve
from infracheck.project.envwrite import parsed
from infracheck.provisioning.command import provision
from infracheck.provisioning.removal import remove_branch
from tests.hostile import Canned
from tests.standins import neon as neon_shapes
from tests.standins import supabase as supabase_shapes
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


# -- what stops it


def test_a_neon_project_of_the_same_name_is_asked_about(new_app: Path, neon: MakingNeon) -> None:
    neon.projects.append(neon_shapes.Project("quiet-sea-1", "web", [neon_shapes.Branch("br-1", "main", default=True)]))
    code, text = run(new_app, neon, "env", "database")
    assert code == ExitCode.FAIL
    assert "a Neon project named web exists already (quiet-sea-1)" in text
    assert "NEON_PROJECT_ID" in text
    assert neon.made == []
    neon.databases["br-1"] = neon._urls()
    code, text = run(new_app, neon, "database", process={"NEON_PROJECT_ID": "quiet-sea-1"})
    assert code == ExitCode.PASS, text
    assert neon.made == []


def test_a_filled_url_that_does_not_connect_is_asked_about(new_app: Path, neon: MakingNeon) -> None:
    (new_app / ".env.local").write_text("DATABASE_URL=postgresql://app:pw@127.0.0.1:1/app\n")
    code, text = run(new_app, neon, "database")
    assert (code, neon.made) == (ExitCode.FAIL, [])
    assert "DATABASE_URL is filled, and no session opens there" in text
    assert values(new_app)["DATABASE_URL"].endswith(":1/app")


def test_foreign_tables_have_to_be_confirmed_by_name(new_app: Path, database: str) -> None:
    (new_app / ".env.local").write_text(f"DATABASE_URL={database}\n")
    with psycopg.connect(database) as connection:
        connection.execute("create table customers (id int)")
    name = database.rpartition("/")[2]
    code, text = run(new_app, None, "schema")
    assert code == ExitCode.FAIL
    assert f"the database {name} holds tables that schema.sql does not know: public.customers" in text
    code, text = run(new_app, None, "schema", choices=Choices(confirm=(name,)))
    assert code == ExitCode.PASS, text


def test_sql_that_may_lose_data_is_not_run_unasked(new_app: Path, database: str) -> None:
    (new_app / ".env.local").write_text(f"DATABASE_URL={database}\n")
    (new_app / "schema.sql").write_text("drop table if exists notes;\ncreate table notes (id int);\n")
    code, text = run(new_app, None, "schema")
    assert code == ExitCode.FAIL
    assert "`drop table if exists notes` of the app's SQL may lose data: it drops a table" in text
    assert run(new_app, None, "schema", choices=Choices(allow_destructive=True))[0] == ExitCode.PASS


def test_sql_that_fails_leaves_the_database_as_it_was(new_app: Path, database: str) -> None:
    (new_app / ".env.local").write_text(f"DATABASE_URL={database}\n")
    (new_app / "schema.sql").write_text("create table a (id int);\n\ncreate table b (id int references a (nothing));\n")
    code, text = run(new_app, None, "schema")
    assert code == ExitCode.FAIL
    assert 'schema.sql:3 fails: column "nothing" referenced in foreign key constraint does not exist' in text
    assert "nothing was changed" in text
    with psycopg.connect(database) as connection:
        assert connection.execute("select to_regclass('a')").fetchone() == (None,)


def test_a_missing_column_is_added_though_the_table_is_there(new_app: Path, database: str) -> None:
    (new_app / ".env.local").write_text(f"DATABASE_URL={database}\n")
    (new_app / "schema.sql").write_text(
        "create table if not exists notes (id int primary key, body text, at timestamptz default now());\n"
        "create table if not exists tags (name text primary key);\ncreate index tags_name on tags (name);\n"
    )
    with psycopg.connect(database) as connection:
        connection.execute("create table notes (id int primary key, body text)")
    code, text = run(new_app, None, "schema")
    assert code == ExitCode.PASS, text
    assert "ALTER TABLE public.notes ADD COLUMN at" in text
    with psycopg.connect(database) as connection:
        connection.execute("select at from notes, tags")


def test_what_cannot_run_in_a_transaction_runs_alone(new_app: Path, database: str) -> None:
    (new_app / ".env.local").write_text(f"DATABASE_URL={database}\n")
    (new_app / "schema.sql").write_text(
        "create type mood as enum ('a');\nalter type mood add value 'b';\n"
        "create table notes (id int, mood mood default 'b');\ncreate index concurrently notes_id on notes (id);\n"
    )
    code, text = run(new_app, None, "schema")
    assert code == ExitCode.PASS, text
    assert "in 3 transactions, as Postgres demands" in text


# -- when Neon is slow or fails


def test_locks_limits_and_failures_of_neon_are_waited_out(new_app: Path, neon: MakingNeon) -> None:
    neon.looks = 3
    neon.fail("/projects", Canned(429, neon.refusal(429, "too many"), {"Retry-After": "0"}), times=1)
    neon.fail(r"/projects/[^/]+/connection_uri", 423, times=1)
    neon.fail(r"/projects/[^/]+/operations/.*", 503, times=1)
    code, text = run(new_app, neon, "env", "database")
    assert code == ExitCode.PASS, text
    assert text.count("waiting for Neon: create_timeline is running") == 1
    assert neon.made == ["project web"]


def test_an_operation_that_fails_stops_it_and_is_resumed(new_app: Path, neon: MakingNeon) -> None:
    neon.ends = "failed"
    code, text = run(new_app, neon, "env", "database")
    assert code == ExitCode.FAIL
    assert "Neon's operation create_timeline of project web failed" in text
    assert "DATABASE_URL" in values(new_app)
    assert values(new_app)["DATABASE_URL"] == ""
    for one in neon.doing.values():
        one.end = "finished"
    code, text = run(new_app, neon, "env", "database")
    assert code == ExitCode.PASS, text
    assert neon.made == ["project web"]


def test_without_a_key_it_says_what_to_do(new_app: Path) -> None:
    code, text = run(new_app, None, "database")
    assert code == ExitCode.FAIL
    assert "put NEON_API_KEY into the environment" in text
    assert "--local" in text


# -- asking


def test_it_asks_once_and_no_means_no(new_app: Path, neon: MakingNeon) -> None:
    code, text = run(new_app, neon, "env", "database", yes=False, answers=io.StringIO("n\n"))
    assert "Apply these 4 steps? [y/N]" in text
    assert text.rstrip().endswith("nothing was done")
    assert (code, neon.made, (new_app / ".env.local").exists()) == (ExitCode.FAIL, [], False)
    code, text = run(new_app, neon, "env", "database", yes=False, answers=io.StringIO("y\n"))
    assert (code, neon.made) == (ExitCode.PASS, ["project web"])
    assert text.count("[y/N]") == 1


def test_where_nobody_can_be_asked_it_refuses(new_app: Path, neon: MakingNeon) -> None:
    with pytest.raises(UsageError, match="nobody can be asked here"):
        run(new_app, neon, yes=False)
    _, text = run(new_app, neon, "env", "database", yes=False, dry_run=True)
    assert "nothing was done: --dry-run" in text
    assert (neon.made, (new_app / ".env.local").exists()) == ([], False)


# -- a branch of its own, a database of this machine, the CI job


def test_a_branch_for_ci_is_made_and_removed(new_app: Path, neon: MakingNeon) -> None:
    run(new_app, neon, "env", "database")
    project = neon.projects[0]
    keys = {"NEON_API_KEY": neon.key, "NEON_API_HOST": neon.url, "NEON_PROJECT_ID": project.id}
    (new_app / ".env.local").unlink()
    choices = Choices(branch="preview/42", expires="2h")
    code, text = run(new_app, neon, "database", process=keys, choices=choices)
    assert code == ExitCode.PASS, text
    branch = next(one for one in project.branches if one.name == "preview/42")
    assert branch.expires_at
    assert values(new_app)["DATABASE_URL"] == neon.databases[branch.id]
    said: list[str] = []
    with pytest.raises(ClientError, match="not one that infracheck made"):
        remove_branch(new_app, "main", keys, said.append)
    remove_branch(new_app, "preview/42", keys, said.append)
    remove_branch(new_app, "preview/42", keys, said.append)
    assert [one.name for one in project.branches] == ["main"]
    assert said[-1].startswith("there is no branch preview/42")


@pytest.mark.parametrize("expires", ["2", "0h", "40d", "soon"])
def test_a_wrong_duration_is_said_before_anything_is_made(new_app: Path, neon: MakingNeon, expires: str) -> None:
    keys = {"NEON_PROJECT_ID": "quiet-sea-1"}
    code, text = run(new_app, neon, "database", process=keys, choices=Choices(branch="x", expires=expires))
    assert (code, neon.made) == (ExitCode.FAIL, [])
    assert f"`{expires}` is no duration" in text


def test_a_local_database_serves_again(new_app: Path) -> None:
    code, text = run(new_app, None, "env", "database", "schema", choices=Choices(local=True))
    assert code == ExitCode.PASS, text
    assert "infracheck local" in text
    url = values(new_app)["DATABASE_URL"]
    assert url not in text
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    said: list[str] = []
    until = threading.Event()
    server = threading.Thread(target=serve, args=(new_app, said.append), kwargs={"until": until})
    server.start()
    try:
        while not said and server.is_alive():
            time.sleep(0.05)
        with psycopg.connect(url) as connection:
            assert connection.execute("select count(*) from notes").fetchone() == (0,)
    finally:
        until.set()
        server.join(30)
    assert not server.is_alive()


def test_an_app_that_speaks_https_only_is_told(new_app: Path) -> None:
    (new_app / "package.json").write_text('{"dependencies": {"@neondatabase/serverless": "1"}}')
    (new_app / "db.ts").write_text("import { neon } from '@neondatabase/serverless';\n")
    code, text = run(new_app, None, "database", choices=Choices(local=True))
    assert code == ExitCode.FAIL
    assert "db.ts asks its database by HTTPS" in text


def test_the_ci_job_is_written_once(new_app: Path, neon: MakingNeon) -> None:
    _, text = run(new_app, neon, "env", choices=Choices(ci=True))
    assert (new_app / ".github/workflows/deploy-check.yml").is_file()
    assert "DATABASE_URL" in text
    assert "write the CI job" not in run(new_app, neon, "env", choices=Choices(ci=True))[1]


def test_a_protected_branch_has_to_be_confirmed_by_name(new_app: Path, neon: MakingNeon, database: str) -> None:
    endpoint = neon_shapes.Endpoint("ep-quiet-1", "ep-quiet-1.c-2.us-east-2.aws.neon.tech")
    branch = neon_shapes.Branch("br-1", "main", default=True, protected=True, endpoints=[endpoint])
    neon.projects.append(neon_shapes.Project("quiet-sea-1", "web", [branch]))
    at = urlsplit(database)
    # A real database behind the name of Neon's endpoint.
    url = at._replace(
        netloc=f"{at.username}:{at.password}@{endpoint.host}:{at.port}", query="hostaddr=127.0.0.1&sslmode=disable"
    ).geturl()
    (new_app / ".env.local").write_text(f"DATABASE_URL='{url}'\n")
    code, text = run(new_app, neon, "schema")
    assert code == ExitCode.FAIL
    assert "the database is the protected Neon branch main" in text
    assert "--confirm main" in text
    with psycopg.connect(database) as connection:
        assert connection.execute("select to_regclass('notes')").fetchone() == (None,)
    assert run(new_app, neon, "schema", choices=Choices(confirm=("main",)))[0] == ExitCode.PASS


def test_no_planted_secret_shows(new_app: Path, neon: MakingNeon, tmp_path: Path) -> None:
    canaries = {f"CANARY_{number}_SECRET": f"canary-{secrets.token_hex(12)}" for number in range(20)}
    (new_app / ".env.local.example").write_text(EXAMPLE + "".join(f"{name}=\n" for name in canaries))
    (new_app / ".env.local").write_text("".join(f"{name}={value}\n" for name, value in canaries.items()))
    told = [run(new_app, neon, dry_run=True)[1], run(new_app, neon, "env", "database", "schema")[1]]
    told.append(run(new_app, neon, "env", "database", json=True)[1])
    told.append((new_app / ".infracheck" / "provision.jsonl").read_text())
    found = values(new_app)
    hidden = [neon.key, *canaries.values(), found["DATABASE_URL"], found["SESSION_SECRET"], found["CRON_SECRET"]]
    hidden.append(urlsplit(found["DATABASE_URL"]).password or "")
    for secret in hidden:
        assert secret
        assert not any(secret in text for text in told)
    assert {name: found[name] for name in canaries} == canaries


def test_the_values_of_a_supabase_project_are_written(new_app: Path, postgres: EmbeddedPostgres) -> None:
    names = ("NEXT_PUBLIC_SUPABASE_URL", "NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY", "SUPABASE_SERVICE_ROLE_KEY")
    (new_app / ".env.local.example").write_text("".join(f"{name}=\n" for name in ("DATABASE_URL", *names)))
    at = urlsplit(postgres.url)
    assert at.username
    assert at.password
    assert at.hostname
    assert at.port
    pooler = supabase_shapes.Pooler(at.hostname, at.username, at.port)  # a real database behind it
    ref = "abcdefghijklmnopqrst"
    with supabase_shapes.supabase(supabase_shapes.Project(ref, "web", poolers=[pooler])) as server:
        keys = {"SUPABASE_ACCESS_TOKEN": server.key, "SUPABASE_API_URL": server.url, "SUPABASE_PROJECT_ID": ref}
        code, text = run(new_app, None, "env", "database", process=keys)
        assert code == ExitCode.FAIL
        assert "put it into the environment as SUPABASE_DB_PASSWORD" in text
        assert values(new_app)["SUPABASE_SERVICE_ROLE_KEY"] == server.keys["service_role"]
        code, text = run(new_app, None, "env", "database", process={**keys, "SUPABASE_DB_PASSWORD": at.password})
        assert code == ExitCode.PASS, text
        found = values(new_app)
        assert found["NEXT_PUBLIC_SUPABASE_URL"] == f"https://{ref}.supabase.co"
        assert found["NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY"] == server.keys["publishable"]
        assert found["DATABASE_URL"] == postgres.url
        for secret in (server.key, at.password, server.keys["service_role"]):
            assert secret not in text
