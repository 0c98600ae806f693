"""Two hundred planted secrets, an app that shouts them, and no output of any command that shows one."""

import base64
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

ROOT = Path(__file__).parents[1]
COUNT = 200
SHOUT = """
import pathlib, sys, time
text = pathlib.Path(".env.local").read_text(encoding="utf-8")
for line in text.splitlines():
    print("Error: I was started with " + line, flush=True)
print("Error: " + text.replace("\\n", " "), file=sys.stderr, flush=True)
sys.exit(3)
"""
BREAKING = '''
from infracheck.model import check

@check()
def always_breaks(ctx):
    """It always breaks."""
    values = [entry.value.reveal() for _, entry in ctx.env.entries.values()]
    raise RuntimeError(" | ".join(values))
'''


def token(number: int) -> str:
    return secrets.token_urlsafe(18 + number % 20).replace("-", "x").replace("_", "y")


def jwt() -> str:
    parts = [json.dumps({"alg": "HS256"}), json.dumps({"role": "service_role", "n": secrets.token_hex(8)})]
    encoded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, secrets.token_urlsafe(24)])


def planted() -> dict[str, tuple[str, str]]:
    """Return name -> (what is written behind `=`, the canary that must not show)."""
    found: dict[str, tuple[str, str]] = {}
    for number in range(COUNT):
        name, word = f"SERVICE_{number}_KEY", token(number)
        match number % 14:
            case 0:
                written = word
            case 1:
                written = f'"{word}"'
            case 2:
                written = f"'{word} with space'"
            case 3:
                written, name = f"postgresql://app:{word}@127.0.0.1:1/notes?sslmode=disable", f"DB_{number}_URL"
            case 4:
                word = f"p@{word}/x"
                written, name = f"postgresql://app:{quote(word, safe='')}@127.0.0.1:1/notes", f"DB_{number}_URL"
            case 5:
                written, name = f"https://hooks.example/services/T0/B0/{word}", f"SLACK_{number}_WEBHOOK_URL"
            case 6:
                written, name = f"https://api.example/v1?token={word}", f"API_{number}_URL"
            case 7:
                word = secrets.token_hex(32)
                written = f"sk_live_{word}"
            case 8:
                word = jwt()
                written = word
            case 9:
                written = f'"-----BEGIN PRIVATE KEY-----\n{word}{word}\n-----END PRIVATE KEY-----"'
                word += word
            case 10:
                written = f"{word}#{word[::-1]}"  # Next.js reads the first half
            case 11:
                written = f"{word}$UNSET_{number}"
            case 12:
                written, name = f"sntrys_{word}", f"NEXT_PUBLIC_{number}_TOKEN"
            case _:
                written, name = f"https://{word}@o1.ingest.sentry.io/1", f"SENTRY_{number}_DSN"
        found[name] = (written, word)
    return found


@pytest.fixture(scope="module")
def shouting(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("canary")
    canaries = planted()
    password, key, session = token(1), secrets.token_hex(16), token(7)
    special = {
        "DATABASE_URL": (f"postgresql://app:{password}@127.0.0.1:1/notes", password),
        "NEON_AUTH_BASE_URL": (f"http://user:{session}@127.0.0.1:1/neondb/auth", session),
        "SENTRY_DSN": (f"http://{key}:{token(3)}@127.0.0.1:1/1", key),
    }
    every = {**canaries, **special}
    (folder / ".env.local").write_text("".join(f"{name}={written}\n" for name, (written, _) in every.items()))
    (folder / ".env.local.example").write_text("".join(f"{name}=\n" for name in [*every, "ABSENT"]))
    (folder / "schema.sql").write_text("create table notes (id int);\n")
    (folder / "shout.py").write_text(SHOUT)
    command = f"{sys.executable} shout.py"
    (folder / "infracheck.toml").write_text(f"[server]\ncommand = {json.dumps(command)}\n[database]\ntimeout = 2\n")
    (folder / "breaking.py").write_text(BREAKING)
    info = folder / "breaking-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: breaking\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[infracheck.checks]\nbreaking = breaking:always_breaks\n")
    return folder, {name: canary for name, (_, canary) in every.items()}


COMMANDS = [
    ["run"],
    ["run", "--color", "always"],
    ["run", "--format", "markdown"],
    ["run", "--format", "json"],
    ["run", "--stage", "deploy-check", "--strict"],
    ["waivers"],
    ["env", "explain", "SERVICE_0_KEY"],
    ["env", "explain", "DATABASE_URL"],
    ["run", "--output", "json=report.json", "--output", "markdown=report.md", "--output", "terminal=report.txt"],
    ["list"],
    ["explain", "env-filled"],
    ["init", "--force", "--ci", "github"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_shows_a_secret(shouting: tuple[Path, dict[str, str]], command: list[str]) -> None:
    folder, canaries = shouting
    for old in folder.glob("report.*"):
        old.unlink()
    done = subprocess.run(
        [sys.executable, "-m", "infracheck.cli", *command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    written = [path.read_text() for path in folder.glob("report.*")]
    shown = "\n".join([done.stdout, done.stderr, *written])
    assert done.stdout
    leaked = [name for name, canary in canaries.items() if canary in shown]
    assert leaked == []
    if command[0] == "run":
        assert "[secret]" in shown  # something was there to hide
        assert "always-breaks" in shown
        assert done.returncode == 1
