"""The real app with all its real surroundings, and `infracheck run` on it as a user starts it."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import psutil

from infracheck.clients.embedded_postgres import EmbeddedPostgres
from tests.components import next_notes
from tests.components.better_auth import better_auth
from tests.components.bugsink import Bugsink, bugsink
from tests.components.node import path_with_node
from tests.components.ports import free_port

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
LIMIT = 240  # seconds for one run; every run ends far sooner


@dataclass(frozen=True)
class Done:
    """What a user has after a run: what it printed, its exit code, and the report."""

    code: int
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        """Return the JSON report, proven to be one document of the published shape."""
        document: dict[str, Any] = json.loads(self.stdout)
        jsonschema.validate(document, SCHEMA)
        return document

    @property
    def outcomes(self) -> dict[str, str]:
        return {one["id"]: one["outcome"] for one in self.report["checks"]}

    def check(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in self.report["checks"] if one["id"] == name)
        return found

    def not_passed(self) -> dict[str, str]:
        """Return what did not pass; nothing is excused here, and neither database nor Bugsink has a provider's API."""
        as_it_should = {(one, "skipped") for one in ("waivers-valid", "database-provisioned", "sentry-provisioned")}
        return {name: one for name, one in self.outcomes.items() if one != "passed" and (name, one) not in as_it_should}


@dataclass
class Stage:
    """next-notes in a folder, its database, auth server and Sentry, all real and all right until a test breaks one."""

    folder: Path
    port: int
    values: dict[str, str]
    sentry: Bugsink
    secrets: list[str] = field(default_factory=list)

    def write_env(self, **changes: str) -> None:
        next_notes.write_env(self.folder, {**self.values, **changes})

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        return {**kept, "PATH": path_with_node(), "PORT": str(self.port), "PYTHONPATH": str(ROOT), **more}

    def command(self, *options: str) -> list[str]:
        return [sys.executable, "-m", "infracheck.cli", "run", str(self.folder), *options]

    def run(self, *options: str, env: Mapping[str, str] | None = None) -> Done:
        """Run the gate to its end, as JSON unless the options say otherwise."""
        options = options or ("--format", "json")
        done = subprocess.run(
            self.command(*options),
            env=env or self.environment(),
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        self.assert_no_secret(done.stdout + done.stderr)
        return Done(done.returncode, done.stdout, done.stderr)

    def interrupt(self, when: Callable[[], bool], number: signal.Signals, *options: str) -> Done:
        """Run the gate and send it a signal as soon as `when` says so."""
        with subprocess.Popen(
            self.command(*(options or ("--format", "json"))),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            eventually(lambda: when() or process.poll() is not None)
            process.send_signal(number)
            out, err = process.communicate(timeout=LIMIT)
        self.assert_no_secret(out + err)
        return Done(process.returncode, out, err)

    def assert_no_secret(self, text: str) -> None:
        for secret in self.secrets:
            assert secret not in text, "a secret shows"

    def booted(self) -> bool:
        return any("next" in " ".join(one.info["cmdline"] or ()) for one in self.processes())

    def processes(self) -> list[psutil.Process]:
        """Return what runs in or for the folder, with `info`: what ends while it is asked has none of it."""
        found = []
        for process in psutil.process_iter(["cmdline", "cwd", "status"]):
            cwd = process.info["cwd"]
            if cwd and Path(cwd).is_relative_to(self.folder) and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process)
        return found

    def assert_nothing_left(self) -> None:
        """Assert that no process and no port of the run remain, and that git sees no change that no test made."""
        eventually(lambda: not self.processes(), seconds=15)
        assert self.processes() == []
        listening = {c.laddr[1] for c in psutil.net_connections("tcp") if c.laddr and c.status == psutil.CONN_LISTEN}
        assert self.port not in listening


def eventually(true: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait until something is true, and tell whether it came to be."""
    end = time.monotonic() + seconds
    while not (answer := true()) and time.monotonic() < end:
        time.sleep(0.05)
    return answer


@contextmanager
def set_up(postgres: EmbeddedPostgres, folder: Path) -> Iterator[Stage]:
    """Yield the app with everything right; `folder` is for the data of its surroundings."""
    import psycopg

    url = postgres.create_database(f"notes_{secrets.token_hex(4)}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(next_notes.SCHEMA.read_text(encoding="utf-8").encode())
    port, secret = free_port(), secrets.token_hex(24)
    origin = f"http://localhost:{port}"
    for name in ("auth", "sentry"):
        (folder / name).mkdir()
    with (
        next_notes.working_copy() as app,
        bugsink(folder / "sentry") as sentry,
        better_auth(folder / "auth", database_url=url, secret=secret, app_origin=origin) as auth,
    ):
        values = {
            "DATABASE_URL": url,
            "NEON_AUTH_BASE_URL": auth,
            "BETTER_AUTH_SECRET": secret,
            "BETTER_AUTH_URL": origin,
            "NEXT_PUBLIC_SENTRY_DSN": sentry.dsn,
            "SENTRY_AUTH_TOKEN": sentry.token,
            "SENTRY_ORG": "acme",
            "SENTRY_PROJECT": "next-notes",
        }
        password = psycopg.conninfo.conninfo_to_dict(url)["password"]
        yield Stage(app, port, values, sentry, [secret, sentry.token, str(password)])
