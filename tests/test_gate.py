"""The whole gate on a real Next.js app with real Postgres, Better Auth and a Sentry-compatible server."""

import os
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.components.chromium import chromium
from tests.stage import Done, Stage

EVERY = (
    "env-filled",
    "env-real",
    "env-documented",
    "env-private",
    "database-connects",
    "database-provisioned",
    "database-usable",
    "schema-tables",
    "schema-matches",
    "auth-responds",
    "auth-trusts-origin",
    "auth-otp-login",
    "sentry-configured",
    "sentry-provisioned",
    "sentry-receives",
    "server-boots",
    "server-pages",
    "user-flow",
    "server-stops",
    "waivers-valid",
)


def git_status(stage: Stage) -> str:
    status = ["git", "-C", str(stage.folder), "status", "--porcelain"]
    return subprocess.run(status, capture_output=True, text=True, check=True).stdout


def only_red(done: Done, check: str, **blocked_by: str) -> None:
    """Assert that this check failed, that these are blocked by it, and that everything else passed."""
    assert done.code == 1
    expected = {check: "failed"} | {name.replace("_", "-"): "blocked" for name in blocked_by}
    assert done.not_passed() == expected
    for name, cause in blocked_by.items():
        assert done.check(name.replace("_", "-"))["blocked_by"] == cause
    assert done.check(check)["remedy"]


def test_all_right_is_green(stage: Stage) -> None:
    events = len(stage.sentry.events())
    done = stage.run()
    assert done.not_passed() == {}
    assert done.code == 0
    assert tuple(done.outcomes) == EVERY
    assert done.report["verdict"] == "pass"
    stage.assert_nothing_left()
    assert git_status(stage) == ""
    assert len(stage.sentry.events()) == events + 1


def test_all_right_with_the_auth_service_inside_the_app_is_green(stage: Stage) -> None:
    stage.write_env(NEON_AUTH_BASE_URL=f"http://localhost:{stage.port}/api/auth")
    done = stage.run()
    assert done.not_passed() == {}
    assert done.code == 0


def test_a_dropped_table_is_named_with_the_line_that_declares_it(stage: Stage) -> None:
    with psycopg.connect(stage.values["DATABASE_URL"], autocommit=True) as database:
        database.execute("alter table notes rename to gone")
        try:
            done = stage.run()
        finally:
            database.execute("alter table gone rename to notes")
    only_red(done, "schema-tables", user_flow="schema-tables")
    lines = (stage.folder / "schema.sql").read_text().splitlines()
    declared = next(n for n, line in enumerate(lines, 1) if "create table if not exists notes" in line.lower())
    [missing] = [f for f in done.check("schema-tables")["findings"] if f["level"] == "fail"]
    assert (missing["subject"], missing["state"]) == ("public.notes", "MISSING")
    assert missing["where"] == f"schema.sql:{declared}"


def test_an_empty_variable_is_named_and_blocks_only_what_reads_it(stage: Stage) -> None:
    stage.write_env(NEON_AUTH_BASE_URL="")
    done = stage.run()
    reading = ("auth_responds", "auth_trusts_origin", "auth_otp_login", "user_flow")
    only_red(done, "env-filled", **dict.fromkeys(reading, "env-filled"))
    [empty] = [f for f in done.check("env-filled")["findings"] if f["level"] == "fail"]
    assert (empty["subject"], empty["state"]) == ("NEON_AUTH_BASE_URL", "EMPTY")
    assert empty["where"].startswith(".env.local:")


def test_a_wrong_password_is_told_apart(stage: Stage) -> None:
    url = urlsplit(stage.values["DATABASE_URL"])
    wrong = url._replace(netloc=f"{url.username}:not-the-password@{url.hostname}:{url.port}").geturl()
    stage.write_env(DATABASE_URL=wrong)
    done = stage.run()
    reading = ("database_usable", "schema_tables", "schema_matches", "auth_otp_login", "user_flow")
    blocked = dict.fromkeys(reading, "database-connects")
    only_red(done, "database-connects", **blocked)
    assert "password" in done.check("database-connects")["summary"]
    assert "not-the-password" not in done.stdout + done.stderr


def test_an_auth_service_that_is_down_is_named(stage: Stage) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        stage.write_env(NEON_AUTH_BASE_URL=f"http://127.0.0.1:{unused.getsockname()[1]}/neondb/auth")
        done = stage.run()
    # The login asks the service itself, and says in its own words where it ends.
    failed = {"auth-responds": "failed", "auth-trusts-origin": "blocked", "auth-otp-login": "failed"}
    assert (done.code, done.not_passed()) == (1, {**failed, "user-flow": "blocked"})
    assert "refuse" in done.check("auth-responds")["summary"]


def test_a_wrong_sentry_key_is_refused(stage: Stage) -> None:
    stage.write_env(NEXT_PUBLIC_SENTRY_DSN=stage.sentry.wrong_key_dsn)
    done = stage.run()
    only_red(done, "sentry-receives")
    assert "403" in done.check("sentry-receives")["summary"]


def test_a_compile_error_is_quoted_with_its_file(stage: Stage) -> None:
    page = stage.folder / "app" / "page.tsx"
    page.write_text(page.read_text() + "\nexport const broken = <div>\n")
    done = stage.run()
    only_red(done, "server-boots", server_pages="server-boots", user_flow="server-boots")
    wheres = [str(f["where"]) for f in done.check("server-boots")["findings"]]
    assert any(where.startswith("app/page.tsx:") for where in wheres)


def test_what_breaks_in_the_browser_is_shown_beside_the_report(stage: Stage, tmp_path: Path) -> None:
    form = stage.folder / "app" / "login" / "login-form.tsx"
    broken = (
        'const [email, setEmail] = useState("");\n  if (typeof window !== "undefined") throw new Error("no form");\n'
    )
    form.write_text(form.read_text().replace('const [email, setEmail] = useState("");\n', broken))
    path = os.pathsep.join([stage.environment()["PATH"], str(chromium().parent)])
    report = tmp_path / "deploy-check.md"
    done = stage.run("--format", "json", "--output", f"markdown={report}", env=stage.environment(PATH=path))
    only_red(done, "server-pages")
    [thrown] = [f for f in done.check("server-pages")["findings"] if f["level"] == "fail"]
    assert (thrown["subject"], thrown["state"], thrown["note"]) == ("/login", "UNCAUGHT", "no form")
    assert thrown["where"].startswith("app/login/login-form.tsx:")
    text = report.read_text()
    for name in ("home", "login"):
        assert f"](deploy-check.files/{name}.png)" in text
        assert (tmp_path / "deploy-check.files" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_a_taken_port_says_by_whom(stage: Stage) -> None:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", stage.port))
        holder.listen()
        done = stage.run()
    assert done.code == 1
    assert {name for name, outcome in done.not_passed().items() if outcome == "failed"} == {"server-boots"}
    told = str(done.check("server-boots"))
    assert str(stage.port) in told
    assert "python" in told or "pytest" in told


def test_in_ci_the_values_come_from_the_environment_and_the_report_says_so(stage: Stage) -> None:
    (stage.folder / ".env.local").unlink()
    env = stage.environment(CI="true", **stage.values)
    done = stage.run("--format", "json", "--stage", "deploy-check", env=env)
    # Everything here is on this machine, and a deploy may not depend on that.
    only_red(done, "env-real")
    local = {f["subject"] for f in done.check("env-real")["findings"] if f["state"] == "LOCAL"}
    assert {"DATABASE_URL", "NEON_AUTH_BASE_URL"} <= local
    notes = {f["subject"]: f["note"] for f in done.check("env-filled")["findings"]}
    assert all("process environment" in notes[name] for name in stage.values)
    assert "BETTER_AUTH_SECRET" in notes


def test_every_format_of_one_red_run_agrees(stage: Stage, tmp_path: Path) -> None:
    stage.write_env(SENTRY_ORG="")
    files = {name: tmp_path / f"report.{name}" for name in ("markdown", "json", "terminal")}
    outputs = [word for name, path in files.items() for word in ("--output", f"{name}={path}")]
    done = stage.run("--only", "env", *outputs)
    assert done.code == 1
    texts = {name: path.read_text() for name, path in files.items()}
    for text in (*texts.values(), done.stdout):
        assert "SENTRY_ORG" in text
        assert "EMPTY" in text
        stage.assert_no_secret(text)
    assert done.stdout == texts["terminal"]
    assert Done(1, texts["json"], "").report["verdict"] == "fail"


@pytest.mark.parametrize("options", [("--only", "database,schema"), ("--skip", "server", "--because", "no time today")])
def test_a_part_of_the_gate_starts_no_server(stage: Stage, options: tuple[str, ...]) -> None:
    done = stage.run("--format", "json", *options)
    assert done.code == 0
    assert done.outcomes.get("server-boots") in {None, "skipped"}
