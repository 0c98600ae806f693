"""`infracheck env explain` and `infracheck env exec`."""

import secrets
import sys
from pathlib import Path

import pytest

from tests.helpers import write
from tests.test_cli import infracheck

PACKAGE = '{"dependencies": {"next": "16.4.5"}}'


@pytest.fixture
def next_app(app: Path) -> Path:
    return write(app, package__json=PACKAGE, __env__local__example="A=\n# Optional: only for mail\nMAIL=\n")


def explained(app: Path, key: str, **env: str) -> str:
    done = infracheck("env", "explain", key, cwd=app, **env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_place_is_shown_and_never_the_value(next_app: Path) -> None:
    value = secrets.token_urlsafe(24)
    write(next_app, __env__local=f"\nA={value}$x#y\n", __env=f"A={value}\n")
    shown = explained(next_app, "A")
    assert value not in shown
    assert "A is FILLED, from .env.local:2" in shown
    assert ".env.local.example:1: required, nothing marks it optional" in shown
    assert "✓ .env.local:2: written" in shown
    assert "the app reads 32 of 36 characters (hash, dollar)" in shown
    assert "python-dotenv would read" in shown
    assert "  .env:1: written a token, 32 characters" in shown


def test_the_process_beats_every_file(next_app: Path) -> None:
    write(next_app, __env__local="A=file\n")
    shown = explained(next_app, "A", A="process")
    assert "✓ process environment: text, 7 characters; it beats every file" in shown
    assert "✓ .env.local" not in shown


def test_what_marks_it_optional_is_quoted(next_app: Path) -> None:
    assert ".env.local.example:2: optional (above): Optional: only for mail" in explained(next_app, "MAIL")


def test_a_file_that_is_dropped_is_said(next_app: Path) -> None:
    write(next_app, __env__local="A=1\nB=${B}x\n")
    shown = explained(next_app, "A")
    assert "A is MISSING" in shown
    assert ".env.local:2: a variable there refers to itself" in shown


def test_a_key_that_is_none_is_refused(next_app: Path) -> None:
    done = infracheck("env", "explain", "postgres://u:p@h/d", cwd=next_app)
    assert done.returncode == 2
    assert "u:p@h" not in done.stderr


def test_a_command_sees_the_variables_as_the_framework_reads_them(next_app: Path) -> None:
    write(next_app, __env__local="HOST=db\nA=at-$HOST\n")
    done = infracheck("env", "exec", "--", "sh", "-c", 'printf %s "$A"; exit 7', cwd=next_app)
    assert (done.returncode, done.stdout) == (7, "at-db")


def test_a_command_reaches_the_database(app: Path, database: str) -> None:
    write(app, schema__sql="", __env__local=f"DATABASE_URL={database}\n")
    show = 'printf "%s %s" "$PGDATABASE" "$PGPASSWORD"'
    done = infracheck("env", "exec", "--", "sh", "-c", show, cwd=app)
    name, password = done.stdout.split()
    assert database.endswith(f"/{name}")
    assert f":{password}@" in database


def test_libpq_finds_the_database_without_being_told(app: Path, database: str) -> None:
    write(app, schema__sql="", __env__local=f"DATABASE_URL={database}\n")
    ask = "import psycopg; print(psycopg.connect().execute('select current_database()').fetchone()[0])"
    done = infracheck("env", "exec", "--", sys.executable, "-c", ask, cwd=app)
    assert (done.returncode, done.stdout.strip()) == (0, database.rpartition("/")[2])


@pytest.mark.parametrize(("words", "said"), [([], "needs a command"), (["no-such-program"], "there is no program")])
def test_what_cannot_be_run_is_said(next_app: Path, words: list[str], said: str) -> None:
    done = infracheck("env", "exec", "--", *words, cwd=next_app)
    assert done.returncode == 2
    assert said in done.stderr
