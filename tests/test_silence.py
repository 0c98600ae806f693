"""Services that accept and never answer: the run ends within its own bounds, and says which wait ran out."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile import listening, silent
from tests.stage import ROOT

KEY = "0123456789abcdef" * 2
WAITED = {  # of every check that asks a service: the verdict, and the seconds that it waited for
    "auth-responds": ("undecided", "gave no complete answer within 1 s"),
    "auth-trusts-origin": ("undecided", "gave no complete answer within 1 s"),
    "auth-otp-login": ("blocked", "gave no answer within 2 s"),
    "sentry-provisioned": ("undecided", "gave no complete answer within 1 s"),
    "sentry-receives": ("undecided", "gave no complete answer within 1 s"),
}


@pytest.fixture
def quiet(app: Path) -> Path:
    manifest = {"scripts": {"dev": "next dev"}, "dependencies": {"next": "16.0.0", "better-auth": "1.3.0"}}
    (app / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    limits = "[database]\ntimeout = 1\n[auth]\ntimeout = 1\n[sentry]\ntimeout = 1\n"
    (app / "infracheck.toml").write_text(limits, encoding="utf-8")
    return app


def test_no_service_that_is_silent_keeps_the_gate_waiting(quiet: Path) -> None:
    command = [sys.executable, "-m", "infracheck.cli", "run", str(quiet), "--only", "auth,sentry", "--format", "json"]
    with listening(silent) as port:
        values = {
            "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{port}/app",
            "NEON_AUTH_BASE_URL": f"http://127.0.0.1:{port}/auth",
            "NEXT_PUBLIC_SENTRY_DSN": f"http://{KEY}@127.0.0.1:{port}/1",
            "SENTRY_AUTH_TOKEN": "ab01" * 16,
            "SENTRY_ORG": "acme",
            "SENTRY_PROJECT": "web",
        }
        written = "".join(f"{name}={value}\n" for name, value in values.items())
        (quiet / ".env.local").write_text(written, encoding="utf-8")
        # This bound only ends a broken test: how long each check waited is told below, by the report.
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    checks = {one["id"]: one for one in json.loads(done.stdout)["checks"]}
    for name, (outcome, said) in WAITED.items():
        assert checks[name]["outcome"] == outcome, name
        assert said in json.dumps(checks[name]), name
    assert done.returncode == 1  # the SDK is not installed, which is known without asking anybody
