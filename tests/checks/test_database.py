"""database-connects: against a real PostgreSQL, with every kind of connection string that people have."""

import secrets
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from psycopg import sql

from infracheck.checks.database import database_connects
from infracheck.clients.ports import free_port
from infracheck.model import Blocked, Failed, Finding, Outcome, Passed, Skipped, Undecided
from infracheck.settings import DatabaseSettings, Settings
from tests.clients.pgline import line_to
from tests.clients.pgsession import with_port
from tests.helpers import judge, make_context, write
from tests.hostile import listening, silent

CANARY = f"canary{secrets.token_hex(8)}"
QUICK = Settings(database=DatabaseSettings(timeout=2))


def outcome(app: Path, process: dict[str, str] | None = None, settings: Settings = QUICK) -> Outcome:
    with make_context(app, process=process, settings=settings) as ctx:
        found = judge(database_connects, ctx)
    assert CANARY not in repr(found)
    return found


def with_url(app: Path, url: str) -> Outcome:
    """Judge an app whose .env.local holds this URL in line 2."""
    write(app, __env__local__example="DATABASE_URL=\n", __env__local=f"# local\nDATABASE_URL='{url}'\n")
    return outcome(app)


@pytest.mark.green("database-connects")
def test_a_real_database_answers(app: Path, database: str) -> None:
    found = with_url(app, database)
    assert isinstance(found, Passed)
    where = urlsplit(database)
    assert found.summary.startswith("PostgreSQL ")
    assert f" answers as postgres@127.0.0.1:{where.port}{where.path} in " in found.summary
    assert found.findings == ()


@pytest.mark.red("database-connects")
def test_a_wrong_password_is_named_with_its_line(app: Path, database: str) -> None:
    where = urlsplit(database)
    found = with_url(app, f"postgresql://postgres:{CANARY}@127.0.0.1:{where.port}{where.path}")
    assert isinstance(found, Failed)
    assert found.summary == f"127.0.0.1:{where.port} refuses the password of postgres (or has no such role)"
    assert found.findings == (Finding("DATABASE_URL", "BAD PASSWORD", "", ".env.local:2", "fail"),)
    assert "DATABASE_URL (.env.local:2)" in found.remedy
    assert found.reproduce == f"psql postgresql://postgres@127.0.0.1:{where.port}{where.path} -c 'select 1'"


def test_nothing_listens(app: Path) -> None:
    port = free_port()
    found = with_url(app, f"postgresql://app:{CANARY}@localhost:{port}/notes")
    assert isinstance(found, Failed)
    assert found.findings[0].state == "REFUSED"
    assert f"localhost:{port}" in found.summary


def test_a_database_that_was_never_made(app: Path, database: str) -> None:
    found = with_url(app, database.replace(urlsplit(database).path, "/never_made"))
    assert isinstance(found, Failed)
    assert found.findings[0].state == "NO SUCH DATABASE"
    assert "create the database never_made" in found.remedy


def test_a_server_that_says_nothing_is_undecided(app: Path) -> None:
    with listening(silent) as port:
        found = with_url(app, f"postgresql://app:{CANARY}@127.0.0.1:{port}/notes")
    assert isinstance(found, Undecided)
    assert (found.findings[0].subject, found.findings[0].state) == ("DATABASE_URL", "TIMEOUT")


def test_what_prisma_adds_is_left_out_and_said(app: Path, database: str) -> None:
    found = with_url(app, f"{database}?schema=public&pgbouncer=true&connection_limit=1")
    assert isinstance(found, Passed)
    [finding] = found.findings
    assert (finding.subject, finding.state, finding.level) == ("DATABASE_URL", "CLEANED", "info")
    assert finding.where == ".env.local:2"
    assert "schema, pgbouncer, connection_limit" in finding.note


@pytest.mark.parametrize("encode", [True, False])
@pytest.mark.parametrize("special", ["@", "%", "%z", ":", "/", "#", "?", "p@ss/w%rd#1?x"])
def test_a_password_of_special_characters_never_shows(app: Path, database: str, special: str, encode: bool) -> None:
    password, name, where = f"{special}{CANARY}{special}", f"r_{secrets.token_hex(6)}", urlsplit(database)
    with psycopg.connect(database, autocommit=True) as owner:
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        owner.execute(create.format(sql.Identifier(name), sql.Literal(password)))
        written = quote(password, safe="") if encode else password
        found = with_url(app, f"postgresql://{name}:{written}@127.0.0.1:{where.port}{where.path}")
        owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
    if encode or special in {"@", "%z", ":"}:  # `%ca`, as the canary has it, reads as a broken character
        assert isinstance(found, Passed)
        warned = [finding.state for finding in found.findings if finding.level == "warn"]
        assert warned == (["UNESCAPED"] if not encode and special != ":" else [])
    else:
        assert isinstance(found, Failed)
        assert found.findings[0].state == "UNESCAPED"
        assert ".env.local:2" in found.remedy


@pytest.mark.parametrize(
    "url",
    [
        f"postgres//app:{CANARY}@h/db",
        f"app:{CANARY}@h/db",
        f"postgresql://app:{CANARY}%zz@127.0.0.1:1/db",
        f"postgresql://app:{CANARY}%00@h/db",
        f"mysql://app:{CANARY}@h/db",
        f"https://h/{CANARY}",
        f"{CANARY}",
        f"postgresql://app:{CANARY}@/db",
        f"postgresql://app@h/{CANARY} {CANARY}:x",
        f"postgresql://app:12/{CANARY}@h/db",
        "postgresql://user:password@host:port/database",
    ],
)
def test_what_is_no_connection_string_fails_without_showing_it(app: Path, url: str) -> None:
    found = with_url(app, url)
    assert isinstance(found, Failed)
    assert found.findings[0].subject == "DATABASE_URL"
    assert found.findings[0].where == ".env.local:2"


def test_a_value_of_the_process_environment_has_no_line(app: Path) -> None:
    write(app, __env__local__example="DATABASE_URL=\n")
    found = outcome(app, {"DATABASE_URL": CANARY})
    assert isinstance(found, Failed)
    assert found.findings[0].where is None
    assert "DATABASE_URL (process environment)" in found.remedy


def test_an_empty_variable_is_for_env_filled_to_report(app: Path) -> None:
    write(app, __env__local__example="DATABASE_URL=\n", __env__local="DATABASE_URL=\n")
    assert outcome(app) == Blocked("env-filled", "DATABASE_URL is EMPTY")


def test_an_optional_database_is_skipped_with_the_line_that_excuses_it(app: Path) -> None:
    write(app, __env__local__example="# Optional\nDATABASE_URL=\n")
    found = outcome(app)
    assert isinstance(found, Skipped)
    assert ".env.local.example:2: Optional" in found.reason


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"schema__sql": "CREATE TABLE a (x int);"}, "DATABASE_URL is MISSING, and schema.sql needs a database"),
        ({"package__json": '{"dependencies": {"pg": "8"}}'}, "DATABASE_URL is MISSING, and package.json depends on pg"),
        ({"__env__local": "DATABASE_URL=\n"}, "DATABASE_URL is EMPTY"),
    ],
)
def test_a_database_that_is_needed_but_not_named_fails(app: Path, files: dict[str, str], said: str) -> None:
    found = outcome(write(app, **{"__env__example": "A=\n", **files}))
    assert isinstance(found, Failed)
    assert found.summary == said
    assert found.findings[0].subject == "DATABASE_URL"
    assert "[database] url" in found.remedy


def test_an_app_without_a_database_is_skipped(app: Path) -> None:
    found = outcome(write(app, __env__example="A=\n", package__json="{}"))
    assert isinstance(found, Skipped)
    assert "nothing here asks for a database" in found.reason


def test_the_variable_may_have_another_name(app: Path, database: str) -> None:
    write(app, __env__example="POSTGRES_URL=\n", __env=f"POSTGRES_URL={database}\n")
    settings = Settings(database=DatabaseSettings(url="POSTGRES_URL", timeout=2))
    assert isinstance(outcome(app, settings=settings), Passed)


def test_a_database_that_wakes_at_the_first_contact_is_waited_for_and_told(app: Path, database: str) -> None:
    with line_to(urlsplit(database).port or 0, drops=2) as line:
        found = with_url(app, with_port(database, line.port))
    assert isinstance(found, Passed)
    assert "ms once connected" in found.summary
    [woken] = [finding for finding in found.findings if finding.state == "WOKEN"]
    assert woken.note.startswith("it gave a session at try 3")
