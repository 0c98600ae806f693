"""From the sources of next-notes and keys in the environment to a green gate: provision, then run."""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from infracheck.clients.embedded_postgres import EmbeddedPostgres
from infracheck.project.envwrite import parsed
from tests.components import next_notes
from tests.components.better_auth import better_auth
from tests.components.node import path_with_node
from tests.components.ports import free_port
from tests.stage import ROOT
from tests.standins.neon_making import making_neon
from tests.standins.sentry import Project, sentry
from tests.test_provision import MAKES


def test_provision_makes_a_red_gate_green(tmp_path: Path, postgres: EmbeddedPostgres) -> None:
    url = postgres.create_database(f"green_{os.getpid()}")
    (tmp_path / "auth").mkdir()

    def start_auth() -> str:
        origin = "http://localhost:3000"  # the example's own
        auth = better_auth(tmp_path / "auth", database_url=url, secret="x" * 40, app_origin=origin)
        return stack.enter_context(auth)

    with (
        next_notes.working_copy() as app,
        ExitStack() as stack,
        making_neon(lambda: url, start_auth) as neon,
        sentry(Project(7, "other"), scopes=MAKES) as server,
    ):
        neon.latency = 0.02
        (app / ".env.local").unlink(missing_ok=True)
        keys = {
            "NEON_API_KEY": neon.key,
            "NEON_API_HOST": neon.url,
            "SENTRY_AUTH_TOKEN": server.key,
            "SENTRY_URL": server.url,
            "SENTRY_ORG": "acme",
            "PORT": str(free_port()),
        }
        env = {"PATH": path_with_node(), "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), **keys}

        def infracheck(*words: str) -> "subprocess.CompletedProcess[str]":
            command = [sys.executable, "-m", "infracheck.cli", *words]
            done = subprocess.run(command, cwd=app, env=env, capture_output=True, text=True, timeout=240, check=False)
            for secret in (neon.key, server.key, url.partition("@")[0].rpartition(":")[2]):
                assert secret not in done.stdout + done.stderr
            return done

        made = infracheck("provision", "--yes", "--json")
        assert made.returncode == 0, made.stdout + made.stderr
        told = json.loads(made.stdout)
        assert {step["id"] for step in told["steps"]} == {
            "env-file",
            "own-secrets",
            "neon-project",
            "schema",
            "neon-auth",
            "sentry-project",
        }
        assert neon.made == ["project next-notes", "auth"]
        green = infracheck("run", "--format", "json")
        report = json.loads(green.stdout)
        wrong = {one["id"]: one["outcome"] for one in report["checks"] if one["outcome"] not in {"passed", "skipped"}}
        assert wrong == {}, green.stdout
        assert green.returncode == 0
        again = infracheck("provision", "--yes")
        assert "the plan is empty" in again.stdout
        values = parsed((app / ".env.local").read_text(), "next")
        assert values["NEON_AUTH_BASE_URL"] == neon.auth_base
        assert values["BETTER_AUTH_SECRET"] not in made.stdout + made.stderr + green.stdout
