"""auth-trusts-origin, against a real Better Auth; what that never answers comes from a server of fixed answers."""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import psycopg
import pytest

from infracheck.checks.auth_origin import ANSWERS, auth_trusts_origin
from infracheck.clients.better_auth_origin import NOBODY, OTP, PASSWORD
from infracheck.clients.ports import free_port
from infracheck.model import Blocked, Failed, Outcome, Passed, Skipped, Stage, Undecided
from infracheck.settings import AuthSettings, ServerSettings, Settings
from tests.components import next_notes
from tests.components.better_auth import better_auth
from tests.components.node import path_with_node
from tests.helpers import judge, make_context, states
from tests.hostile import HTML, Canned, Seen, canned, listening, silent

APP = "http://localhost:4321"
TRUSTED = Canned(400, {"code": "VALIDATION_ERROR", "message": "[body.email] Invalid input"})
REFUSED = Canned(403, {"message": "Invalid origin", "code": "INVALID_ORIGIN"})


@contextmanager
def running(folder: Path, database: str, **choice: bool) -> Iterator[str]:
    """Run a real Better Auth that trusts APP; yields its base URL."""
    (folder / "auth").mkdir()
    with psycopg.connect(database) as connection:
        connection.execute(next_notes.SCHEMA.read_bytes())
    secret = secrets.token_hex(16)
    with better_auth(folder / "auth", database_url=database, secret=secret, app_origin=APP, port=0, **choice) as base:
        yield base


def reconfigure(folder: Path, patch: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Change the options of the servers that this test starts."""
    source = folder / "source"
    shutil.copytree(next_notes.SOURCE, source, ignore=shutil.ignore_patterns("node_modules", ".next"))
    configuration = source / "lib" / "auth.mjs"
    text = configuration.read_text(encoding="utf-8")
    for old, new in patch.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    configuration.write_text(text, encoding="utf-8")
    monkeypatch.setattr(next_notes, "SOURCE", source)


@pytest.fixture
def auth(database: str, tmp_path: Path) -> Iterator[str]:
    with running(tmp_path, database) as base:
        yield base


def judged(app: Path, settings: AuthSettings | None = None, stage: Stage = "execute-plan", **values: str) -> Outcome:
    (app / "package.json").write_text(json.dumps({"scripts": {"dev": "next dev"}}))
    (app / ".env.local").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    with make_context(app, settings=Settings(auth=settings or AuthSettings()), stage=stage) as ctx:
        outcome = judge(auth_trusts_origin, ctx)
        assert ctx.opened("server") is None
    return outcome


def verifications(database: str) -> int:
    with psycopg.connect(database) as connection:
        found = connection.execute('SELECT (SELECT count(*) FROM verification) + (SELECT count(*) FROM "user")')
        [[count]] = found.fetchall()
    return int(count)


# -- the real service


@pytest.mark.green("auth-trusts-origin")
def test_the_origin_that_is_trusted_passes_and_nothing_is_written(app: Path, auth: str, database: str) -> None:
    outcome = judged(app, NEON_AUTH_BASE_URL=auth, NEXT_PUBLIC_APP_URL=f"{APP}/start?x=1")
    place = auth.removesuffix("/neondb/auth")
    assert isinstance(outcome, Passed)
    assert outcome.summary == f"Neon Auth at {place} accepts the app's origin {APP}"
    assert [(row.subject, row.state, row.note, row.where, row.level) for row in outcome.findings] == [
        (
            APP,
            "TRUSTED",
            f"POST {OTP}: 400 VALIDATION_ERROR; NEXT_PUBLIC_APP_URL, .env.local:2",
            ".env.local:2",
            "info",
        ),
        (NOBODY, "REFUSED", f"POST {PASSWORD}: 403 INVALID_ORIGIN", None, "info"),
    ]
    assert verifications(database) == 0


@pytest.mark.red("auth-trusts-origin")
@pytest.mark.parametrize(
    ("variable", "trust"),
    [
        ("NEON_AUTH_BASE_URL", "the trusted domains of the branch in Neon's console (Auth, Domains)"),
        ("NEXT_PUBLIC_BETTER_AUTH_URL", "`trustedOrigins` in the options of betterAuth()"),
    ],
)
@pytest.mark.parametrize("origin", ["http://localhost:4322", "https://localhost:4321", "https://shop.example"])
def test_an_origin_that_is_not_trusted_fails(app: Path, auth: str, variable: str, trust: str, origin: str) -> None:
    outcome = judged(app, None, "execute-plan", **{variable: auth}, NEXT_PUBLIC_APP_URL=origin)
    assert isinstance(outcome, Failed)
    assert outcome.summary.endswith(f"refuses the app's origin {origin} (403 INVALID_ORIGIN): nobody can sign in")
    assert outcome.remedy == f"add {origin} to {trust}, or correct the origin (NEXT_PUBLIC_APP_URL, .env.local:2)"
    assert [(row.subject, row.state, row.where, row.level) for row in outcome.findings] == [
        (origin, "NOT TRUSTED", ".env.local:2", "fail")
    ]
    assert outcome.reproduce == (
        f"curl -i -H 'Content-Type: application/json' -H 'Origin: {origin}' -H 'Cookie: infracheck=1' "
        f"-d '{{}}' {auth}{OTP}"
    )


@pytest.mark.green("auth-trusts-origin")
def test_without_the_plugin_the_other_route_tells(app: Path, database: str, tmp_path: Path) -> None:
    with running(tmp_path, database, emailOTP=False) as base:
        good = judged(app, NEON_AUTH_BASE_URL=base, APP_URL=APP)
        bad = judged(app, NEON_AUTH_BASE_URL=base, APP_URL="https://shop.example")
    for outcome, kind, state in ((good, Passed, "TRUSTED"), (bad, Failed, "NOT TRUSTED")):
        assert isinstance(outcome, kind)
        assert outcome.findings[0].state == state
        assert outcome.findings[0].note.startswith(f"POST {PASSWORD}: ")
        assert [(row.state, row.level) for row in outcome.findings if row.subject == OTP] == [("MISSING", "warn")]


@pytest.mark.parametrize(
    "change",
    [
        {"    plugins: [": "    advanced: { disableOriginCheck: true, disableCSRFCheck: true },\n    plugins: ["},
        {"    trustedOrigins,": '    trustedOrigins: ["*"],'},
        {"    trustedOrigins,": '    trustedOrigins: ["https://*", "http://*"],'},
    ],
)
def test_a_service_that_takes_every_origin_passes_with_a_warning(
    app: Path, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    reconfigure(tmp_path, change, monkeypatch)
    with running(tmp_path, database) as base:
        outcome = judged(app, NEON_AUTH_BASE_URL=base, APP_URL=APP)
    assert isinstance(outcome, Passed)
    assert outcome.summary.endswith(f"accepts the app's origin {APP}, and every other")
    row = outcome.findings[-1]
    assert (row.subject, row.state, row.level) == (NOBODY, "ACCEPTED", "warn")
    assert "any page on the web may send requests of a user" in row.note


def test_a_limit_of_codes_leaves_the_other_route(app: Path, database: str, tmp_path: Path) -> None:
    with running(tmp_path, database, rateLimit=True) as base:
        outcomes = [judged(app, NEON_AUTH_BASE_URL=base, APP_URL="https://shop.example") for _ in range(7)]
    rows = [outcome.findings[0] for outcome in outcomes if isinstance(outcome, Failed)]
    assert [row.note.partition(":")[0] for row in rows] == [f"POST {OTP}"] * 3 + [f"POST {PASSWORD}"] * 3
    last = outcomes[6]
    assert isinstance(last, Undecided)
    assert "takes no more requests now (429: Too many requests. Please try again later.)" in last.reason
    assert re.fullmatch(r"wait (a minute|\d+ seconds?), then run again", last.remedy)
    assert states(last.findings) == {"https://shop.example": "LIMITED"}


# -- which origin


def test_the_settings_name_the_origin(app: Path, auth: str) -> None:
    chosen = AuthSettings(origin=f"{APP}/")
    outcome = judged(app, chosen, NEON_AUTH_BASE_URL=auth, NEXT_PUBLIC_APP_URL="https://shop.example")
    assert isinstance(outcome, Passed)
    assert outcome.findings[0].note.endswith("; [auth] origin in infracheck.toml")
    outcome = judged(app, AuthSettings(origin="shop.example"), NEON_AUTH_BASE_URL=auth)
    assert isinstance(outcome, Failed)
    assert outcome.summary.startswith("[auth] origin ")


@pytest.mark.parametrize(("named", "expected"), [("APP_URL", Failed), ("OTHER_URL", Passed)])
def test_a_service_of_its_own_is_not_the_app(app: Path, auth: str, named: str, expected: type[Passed | Failed]) -> None:
    """BETTER_AUTH_URL is first among the app's URLs, but a service always trusts itself."""
    (app / "package.json").write_text(json.dumps({"scripts": {"dev": "next dev -p 4321"}}))
    (app / ".env.local").write_text(f"BETTER_AUTH_URL={auth}\n{named}=https://shop.example\n")
    with make_context(app) as ctx:
        outcome = judge(auth_trusts_origin, ctx)
    assert isinstance(outcome, expected)
    assert outcome.findings[0].where == (".env.local:2" if expected is Failed else ".env.local:1")


def test_the_apps_own_url_comes_first_where_the_service_has_another(app: Path, auth: str) -> None:
    outcome = judged(app, NEON_AUTH_BASE_URL=auth, BETTER_AUTH_URL=APP, APP_URL="https://shop.example")
    assert isinstance(outcome, Passed)


@pytest.mark.parametrize("origin", ["", "/notes", "localhost:4321"])
def test_a_value_that_is_no_origin_is_passed_over(app: Path, auth: str, origin: str) -> None:
    outcome = judged(app, NEON_AUTH_BASE_URL=auth, NEXT_PUBLIC_APP_URL=origin, NEXTAUTH_URL=APP)
    assert isinstance(outcome, Passed)
    assert outcome.findings[0].where == ".env.local:3"


@pytest.mark.parametrize(("script", "expected"), [("next dev -p 4321", Passed), ("next dev -p 4322", Failed)])
def test_without_a_url_it_is_the_dev_servers(
    app: Path, auth: str, script: str, expected: type[Passed | Failed]
) -> None:
    (app / "package.json").write_text(json.dumps({"scripts": {"dev": script}}))
    (app / ".env.local").write_text(f"NEON_AUTH_BASE_URL={auth}\n")
    with make_context(app) as ctx:
        outcome = judge(auth_trusts_origin, ctx)
    assert isinstance(outcome, expected)
    assert outcome.findings[0].note.endswith("; where the dev server listens")


def test_a_job_says_the_origin_itself(app: Path, auth: str) -> None:
    (app / "package.json").write_text(json.dumps({"scripts": {"dev": "next dev -p 4321"}}))
    (app / ".env.local").write_text(f"NEON_AUTH_BASE_URL={auth}\nAPP_URL=https://shop.example\n")
    process = {"NEON_AUTH_BASE_URL": auth, "APP_URL": APP}
    with make_context(app, stage="deploy-check", process=process) as ctx:
        outcome = judge(auth_trusts_origin, ctx)
    assert isinstance(outcome, Passed)
    assert outcome.findings[0].note.endswith("; APP_URL, process environment")
    with make_context(app, stage="deploy-check", process={**process, "APP_URL": "https://shop.example"}) as ctx:
        assert isinstance(judge(auth_trusts_origin, ctx), Failed)
    with make_context(app, stage="deploy-check", process={**process, "APP_URL": ""}) as ctx:
        outcome = judge(auth_trusts_origin, ctx)
    assert isinstance(outcome, Undecided)
    assert outcome.reason.startswith("nothing says at which origin the app is served")
    assert outcome.remedy.startswith("give the job NEXT_PUBLIC_APP_URL, or write `[auth] origin`")


# -- what the real service never answers


def asked_of(app: Path, answers: dict[str, Canned], default: Canned | None = None) -> tuple[Outcome, Seen]:
    with canned({f"/a{route}": answer for route, answer in answers.items()}, default) as server:
        outcome = judged(app, NEON_AUTH_BASE_URL=f"{server.url}/a", APP_URL=APP)
    return outcome, server


ROWS: dict[str, tuple[Canned, type, str]] = {
    "NOT TRUSTED": (REFUSED, Failed, "refuses the app's origin http://localhost:4321 (403 INVALID_ORIGIN)"),
    "ORIGIN LOST": (
        Canned(403, {"code": "MISSING_OR_NULL_ORIGIN"}),
        Failed,
        "got no origin (403 MISSING_OR_NULL_ORIGIN), although one was sent",
    ),
    "LIMITED": (Canned(429, "", {"X-Retry-After": "9"}), Undecided, "takes no more requests now (429)"),
    "DENIED": (Canned(403, "blocked by a rule"), Undecided, "for a reason of its own (403: blocked by a rule)"),
    "ERROR": (Canned(500, {"message": "no secret"}), Undecided, "fails with 500: no secret"),
    "UNEXPECTED": (Canned(200, {"success": True}), Undecided, "answers 200, which is neither yes nor no"),
    "MISSING": (Canned(404), Blocked, f"404 for {PASSWORD}"),
    "REDIRECTS": (Canned(307, "", {"Location": "/login?next=x"}), Blocked, "/login)"),
    "WEB PAGE": (HTML, Blocked, "a web page answers at "),
}


def test_every_answer_has_its_row() -> None:
    assert set(ROWS) == set(ANSWERS)


@pytest.mark.red("auth-trusts-origin")
@pytest.mark.parametrize("state", ROWS)
def test_each_answer_has_its_verdict(app: Path, state: str) -> None:
    answer, kind, said = ROWS[state]
    outcome, _ = asked_of(app, {}, answer)
    assert isinstance(outcome, kind)
    match outcome:
        case Failed(summary=text, findings=findings) | Undecided(reason=text, findings=findings):
            assert states(findings) == {APP: state}
            assert outcome.remedy
        case Blocked(by=by, because=text):
            assert by == "auth-responds"
    assert said in text


def test_a_limit_says_how_long_to_wait(app: Path) -> None:
    outcome, _ = asked_of(app, {OTP: Canned(429, "", {"X-Retry-After": "9"})})
    assert isinstance(outcome, Undecided)
    assert outcome.remedy == "wait 9 seconds, then run again"
    assert states(outcome.findings) == {APP: "LIMITED"}


def test_the_request_is_as_a_page_sends_it_and_empty(app: Path) -> None:
    outcome, server = asked_of(app, {OTP: TRUSTED, PASSWORD: REFUSED})
    assert isinstance(outcome, Passed)
    assert [(method, path, headers["Origin"], body) for method, path, headers, body in server.requests] == [
        ("POST", f"/a{OTP}", APP, b"{}"),
        ("POST", f"/a{PASSWORD}", NOBODY, b"{}"),
    ]
    for _, _, headers, _ in server.requests:
        assert headers["Cookie"] == "infracheck=1"
        assert headers["Content-Type"] == "application/json"
        assert not [name for name in headers if name.lower().startswith("sec-fetch")]


@pytest.mark.parametrize(
    ("control", "state"), [(Canned(500), "ERROR"), (Canned(403, "no"), "DENIED"), (Canned(200), "UNEXPECTED")]
)
def test_without_a_control_the_answer_is_open(app: Path, control: Canned, state: str) -> None:
    outcome, _ = asked_of(app, {OTP: TRUSTED, PASSWORD: control})
    assert isinstance(outcome, Undecided)
    assert "but whether it looks at origins at all is not known" in outcome.reason
    assert states(outcome.findings) == {APP: "TRUSTED", NOBODY: state}


def test_a_control_that_cannot_be_asked_by_password_is_asked_by_code(app: Path) -> None:
    outcome, server = asked_of(app, {OTP: TRUSTED, PASSWORD: Canned(429)})
    assert isinstance(outcome, Passed)  # the fixed answer takes every origin
    assert [path for _, path, _, _ in server.requests] == [f"/a{OTP}", f"/a{PASSWORD}", f"/a{OTP}"]
    assert states(outcome.findings)[NOBODY] == "ACCEPTED"


def test_a_service_that_is_down_is_what_auth_responds_reports(app: Path) -> None:
    port = free_port()
    outcome = judged(app, NEON_AUTH_BASE_URL=f"http://localhost:{port}/a", APP_URL=APP)
    assert outcome == Blocked("auth-responds", f"nothing listens at http://localhost:{port} (connection refused)")
    assert judged(app, NEON_AUTH_BASE_URL="localhost:1", APP_URL=APP) == Blocked(
        "auth-responds", "NEON_AUTH_BASE_URL is not a valid http or https URL"
    )


def test_a_silent_service_leaves_it_open(app: Path) -> None:
    with listening(silent) as port:
        settings = AuthSettings(timeout=0.3)
        outcome = judged(app, settings, NEON_AUTH_BASE_URL=f"http://127.0.0.1:{port}/a", APP_URL=APP)
    assert isinstance(outcome, Undecided)
    assert outcome.reason == f"http://127.0.0.1:{port} gave no complete answer within 0.3 s"


def test_a_slow_service_is_asked_early(app: Path) -> None:
    asked, answer = Event(), Event()

    def slow(connection: object) -> None:
        asked.set()
        answer.wait(20)

    with listening(slow) as port:
        (app / ".env.local").write_text(f"NEON_AUTH_BASE_URL=http://127.0.0.1:{port}/a\nAPP_URL={APP}\n")
        with make_context(app) as ctx:
            ctx.begin(auth_trusts_origin)
            assert asked.wait(20)  # nobody waits for it yet
            answer.set()
            assert isinstance(judge(auth_trusts_origin, ctx), Blocked)


@pytest.mark.parametrize(
    ("dependency", "reason"),
    [
        ("next", "the app has no auth"),
        ("next-auth", "Auth.js (next-auth) is not judged yet"),
        ("@supabase/ssr", "Supabase Auth takes requests from every origin"),
    ],
)
def test_where_no_origin_is_asked_about_it_is_skipped(app: Path, dependency: str, reason: str) -> None:
    (app / "package.json").write_text(json.dumps({"dependencies": {dependency: "1"}}))
    with make_context(app) as ctx:
        outcome = judge(auth_trusts_origin, ctx)
    assert isinstance(outcome, Skipped)
    assert outcome.reason.startswith(reason)


# -- auth inside the app


@pytest.fixture
def inside(app: Path, database: str) -> Path:
    """An app whose own dev server is a real Better Auth at /api/auth that trusts its BETTER_AUTH_URL."""
    with psycopg.connect(database) as connection:
        connection.execute(next_notes.SCHEMA.read_bytes())
    shutil.copytree(next_notes.SOURCE / "lib", app / "lib")
    server = (next_notes.SOURCE / "auth-server.mjs").read_text(encoding="utf-8")
    assert "/neondb/auth" in server
    (app / "auth-server.mjs").write_text(server.replace("/neondb/auth", "/api/auth"), encoding="utf-8")
    (app / "node_modules").symlink_to(next_notes.installed() / "node_modules")
    package = {"scripts": {"dev": "node auth-server.mjs"}, "dependencies": {"better-auth": "1", "pg": "8"}}
    (app / "package.json").write_text(json.dumps(package))
    (app / ".env.local").write_text(f"DATABASE_URL={database}\nBETTER_AUTH_SECRET={secrets.token_hex(16)}\n")
    return app


def test_auth_inside_the_app_moves_with_it_to_a_free_port(inside: Path) -> None:
    """The auth knows its own URL from a variable, and trusts no other origin than that."""
    with (inside / ".env.local").open("a") as file:
        file.write("BETTER_AUTH_URL=http://localhost:3000\n")
    process = {"PATH": path_with_node(), "HOME": os.environ.get("HOME", "/")}
    settings = Settings(server=ServerSettings(port="auto", ready="/api/auth/ok", timeout=60))
    with make_context(inside, process=process, settings=settings) as ctx:
        outcome = judge(auth_trusts_origin, ctx)
        url = ctx.server.url
    assert isinstance(outcome, Passed), outcome
    assert url != "http://localhost:3000"
    assert outcome.summary == f"Better Auth at {url} accepts the app's origin {url}"


def judged_inside(inside: Path, port: int, origin: str) -> Outcome:
    with (inside / ".env.local").open("a") as file:
        file.write(f"BETTER_AUTH_URL=http://localhost:{port}\n")
    process = {"PATH": path_with_node(), "HOME": os.environ.get("HOME", "/")}
    settings = Settings(
        auth=AuthSettings(origin=origin), server=ServerSettings(port=port, ready="/api/auth/ok", timeout=60)
    )
    with make_context(inside, process=process, settings=settings) as ctx:
        ctx.begin(auth_trusts_origin)
        assert ctx.begun(auth_trusts_origin) is None
        assert ctx.opened("server") is None  # a head start must not begin the boot: the schema is read first
        return judge(auth_trusts_origin, ctx)


@pytest.mark.green("auth-trusts-origin")
def test_auth_inside_the_app_is_asked_when_the_app_is_up(inside: Path) -> None:
    port = free_port()
    outcome = judged_inside(inside, port, f"http://localhost:{port}")
    assert isinstance(outcome, Passed)
    assert outcome.summary == (
        f"Better Auth at http://localhost:{port} accepts the app's origin http://localhost:{port}"
    )


@pytest.mark.red("auth-trusts-origin")
def test_auth_inside_the_app_refuses_another_port(inside: Path) -> None:
    outcome = judged_inside(inside, free_port(), "http://localhost:4321")
    assert isinstance(outcome, Failed)
    assert states(outcome.findings) == {"http://localhost:4321": "NOT TRUSTED"}


def test_an_app_that_does_not_boot_blocks_the_question(inside: Path) -> None:
    (inside / "auth-server.mjs").write_text("process.exit(1)")
    outcome = judged_inside(inside, free_port(), "http://localhost:4321")
    assert isinstance(outcome, Blocked)
    assert outcome.by == "server-boots"
