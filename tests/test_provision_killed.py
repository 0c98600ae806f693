"""provision is killed at every point at which it does something for good; the next run finishes, and makes no twin."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from infracheck.clients.embedded_postgres import EmbeddedPostgres
from infracheck.project.envwrite import parsed
from tests.stage import ROOT
from tests.standins.neon_making import MakingNeon, making_neon
from tests.standins.sentry import Project, Sentry, sentry
from tests.test_provision import MAKES

EXAMPLE = """\
DATABASE_URL=
# openssl rand -base64 32
SESSION_SECRET=
SENTRY_DSN=
SENTRY_ORG=
SENTRY_PROJECT=
"""
FAMILIES = ("env", "database", "schema", "sentry")
MOST = 80


def new_app(folder: Path) -> Path:
    folder.mkdir()
    (folder / "package.json").write_text('{"name": "web"}')
    (folder / ".env.local.example").write_text(EXAMPLE)
    (folder / "schema.sql").write_text("create table notes (id int primary key);\ninsert into notes values (1);\n")
    return folder


def run(app: Path, keys: dict[str, str], kill_at: int = 0) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.provision_driver", str(app), str(kill_at), *FAMILIES]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **keys}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    for secret in (keys["NEON_API_KEY"], keys["SENTRY_AUTH_TOKEN"]):
        assert secret not in done.stdout + done.stderr
    return done


def keys_of(neon: MakingNeon, server: Sentry) -> dict[str, str]:
    neon.looks = 0
    return {
        "NEON_API_KEY": neon.key,
        "NEON_API_HOST": neon.url,
        "SENTRY_AUTH_TOKEN": server.key,
        "SENTRY_URL": server.url,
        "SENTRY_ORG": "acme",
    }


def check_killed(app: Path, postgres: EmbeddedPostgres, kill_at: int) -> int | None:
    """Kill one run and finish it with another; return how many points there are when nothing was left to kill."""
    new = lambda: postgres.create_database(f"k{kill_at}_{os.getpid()}")  # noqa: E731
    with making_neon(new) as neon, sentry(Project(7, "other"), scopes=MAKES) as server:
        keys = keys_of(neon, server)
        killed = run(app, keys, kill_at)
        if killed.returncode != -signal.SIGKILL:
            assert killed.returncode == 0, killed.stdout + killed.stderr
            return int(re.findall(r"counted (\d+)", killed.stdout)[-1])
        half = {}
        if (app / ".env.local").exists():  # whole, whenever it is looked at
            half = {name: value for name, value in parsed((app / ".env.local").read_text(), "next").items() if value}
        again = run(app, keys)
        assert again.returncode == 0, f"killed at {kill_at}\n{killed.stdout}\n{again.stdout}{again.stderr}"
        found = parsed((app / ".env.local").read_text(), "next")
        kept = {name: value for name, value in half.items() if value}
        assert kept.items() <= found.items(), f"killed at {kill_at}: a value was lost"
        assert all(found[line.partition("=")[0]] for line in EXAMPLE.splitlines() if "=" in line)
        assert neon.made == ["project web"], f"killed at {kill_at}"
        assert server.made == ["team web", "project web"], f"killed at {kill_at}"
        with psycopg.connect(found["DATABASE_URL"]) as database:
            assert database.execute("select count(*) from notes").fetchone() == (1,)
        for line in (app / ".infracheck" / "provision.jsonl").read_text().splitlines():
            assert found["DATABASE_URL"] not in line
        if kill_at == 1:
            assert "the plan is empty" in run(app, keys).stdout
    return None


@pytest.mark.timeout(600)
def test_whatever_it_is_killed_at_the_next_run_finishes(tmp_path: Path, postgres: EmbeddedPostgres) -> None:
    for kill_at in range(1, MOST):
        points = check_killed(new_app(tmp_path / f"app{kill_at}"), postgres, kill_at)
        if points is not None:
            assert kill_at == points + 1
            assert points > 15  # every action has several
            return
    raise AssertionError(f"more than {MOST} points")


def test_a_journal_cut_in_the_middle_of_a_line_is_read(tmp_path: Path) -> None:
    from infracheck.provisioning.journal import Journal

    journal = Journal(tmp_path)
    journal.write("neon-project", "begun")
    journal.write("neon-project", "noted", {"project": "p1"})
    with (tmp_path / "provision.jsonl").open("a") as file:
        file.write('{"at": "2026-11-26T10:00:00+00:00", "action": "neon-project", "event": "no')
    assert Journal(tmp_path).facts("neon-project")["project"] == "p1"
    Journal(tmp_path).write("neon-project", "noted", {"branch": "b1"})
    assert Journal(tmp_path).facts("neon-project")["branch"] == "b1"
    assert [json.loads(line) for line in (tmp_path / "provision.jsonl").read_text().splitlines()[:2]]
