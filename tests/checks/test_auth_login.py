"""auth-otp-login, against a real Better Auth and a real PostgreSQL."""

import json
import os
import re
import secrets
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import psycopg
import pytest

from infracheck.checks.auth_login import auth_otp_login
from infracheck.checks.writable import REMEDY, why_not_writable
from infracheck.clients.embedded_postgres import EmbeddedPostgres
from infracheck.clients.otpcauses import CAUSES, SIGN_IN
from infracheck.clients.ports import free_port
from infracheck.model import Blocked, Failed, Outcome, Passed, Skipped, Undecided
from infracheck.settings import AppSettings, AuthSettings, DatabaseSettings, ServerSettings, Settings
from tests.clients.test_otp import add_user, rows, run, served
from tests.components import next_notes
from tests.components.node import path_with_node
from tests.helpers import judge, make_context, states
from tests.hostile import HTML, Canned, canned, listening, silent
from tests.standins.mailpit import mailpit
from tests.standins.neon import Branch, Endpoint, Project, neon

ORIGIN = "http://localhost:1"
ELSEWHERE = "postgresql://app:pw@db.example.com:5432/app"


def env(app: Path, **values: str) -> Path:
    (app / ".env.local").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return app


def judged(app: Path, base: str, database: str, *, origin: str = ORIGIN, **settings: Any) -> Outcome:
    env(app, NEON_AUTH_BASE_URL=base, DATABASE_URL=database)
    auth = AuthSettings(**{"origin": origin, "provider": "better-auth", "url": "NEON_AUTH_BASE_URL", **settings})
    with make_context(app, settings=Settings(auth=auth)) as ctx:
        return judge(auth_otp_login, ctx)


def with_tables(database: str) -> str:
    run(database, next_notes.SCHEMA.read_text(encoding="utf-8"))
    return database


# -- it works


@pytest.mark.green("auth-otp-login")
@pytest.mark.parametrize("form", ["plain", "hashed"])
def test_a_login_works_and_leaves_nothing(app: Path, tmp_path: Path, database: str, form: str) -> None:
    with served(tmp_path, database, storeOTP=form) as base:
        before = rows(database)
        outcome = judged(app, base, database)
        assert rows(database) == before
    assert isinstance(outcome, Passed)
    assert outcome.summary == "a one-time password logs in, and logging out ends the session"
    assert states(outcome.findings) == {
        "/sign-in/email-otp": "SIGNED IN",
        "/get-session": "SIGNED IN",
        "/token": "VERIFIED",
        "/sign-out": "SIGNED OUT",
        "rows": "REMOVED",
    }
    assert outcome.findings[0].note == f"the service stores codes {form}"
    assert {finding.level for finding in outcome.findings} == {"info"}
    assert "infracheck+" not in repr(outcome)


def test_without_tokens_it_works_too(app: Path, tmp_path: Path, database: str) -> None:
    with served(tmp_path, database, jwt=False) as base:
        outcome = judged(app, base, database)
    assert isinstance(outcome, Passed)
    assert states(outcome.findings)["/token"] == "NOT OFFERED"


@pytest.mark.parametrize("form", ["plain", "hashed", "encrypted"])
def test_with_mailpit_the_code_comes_by_mail(app: Path, tmp_path: Path, database: str, form: str) -> None:
    with mailpit() as box, served(tmp_path, database, storeOTP=form, mailpit=box.url) as base, unchanged(database):
        box.send({"To": [{"Email": "qa@example.com"}], "Subject": "Older", "Text": "000000"})
        first = judged(app, base, database, mailpit=box.url)
        second = judged(app, base, database, mailpit=box.url, otp_email="qa@example.com")
    assert isinstance(first, Passed)
    assert first.summary == "a one-time password logs in, mail arrives, and logging out ends the session"
    assert first.findings[0].note == "with the code of a mail that Mailpit caught"
    assert isinstance(second, Passed)
    assert box.received == 3
    assert [mail["Subject"] for mail in box.mails.values()] == ["Older"]  # ours are removed


@pytest.mark.red("auth-otp-login")
def test_a_mail_that_does_not_come_fails(app: Path, tmp_path: Path, database: str) -> None:
    with mailpit() as box, served(tmp_path, database) as base, unchanged(database):
        outcome = judged(app, base, database, mailpit=box.url, timeout=2.0)
    assert isinstance(outcome, Failed)
    assert outcome.summary.endswith("and no mail came to Mailpit within 2 s")
    assert states(outcome.findings) == {"login": "NO MAIL"}


def test_what_is_no_mailpit_fails(app: Path, database: str) -> None:
    with_tables(database)
    sent = Canned(200, {"success": True})
    with canned({"/a/email-otp/send-verification-otp": sent}) as server, unchanged(database):
        outcome = judged(app, f"{server.url}/a", database, mailpit=server.url)
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"no Mailpit answers at {server.url} (404)"
    assert "`[auth] mailpit`" in outcome.remedy


def test_neon_keeps_its_tables_in_a_schema_of_its_own(app: Path, tmp_path: Path, database: str) -> None:
    with_tables(database)  # tables of the same names, which are not the service's
    run(database, "CREATE SCHEMA neon_auth")
    inside = f"{database}{'&' if '?' in database else '?'}options=-c%20search_path%3Dneon_auth"
    with served(tmp_path, inside) as base, unchanged(database), unchanged(inside):
        outcome = judged(app, base, database, provider="neon")
    assert isinstance(outcome, Passed)


def test_the_end_of_the_run_removes_what_a_login_under_way_made(app: Path, database: str) -> None:
    with_tables(database)
    asked = Event()

    def hanging(connection: socket.socket) -> None:
        while connection.recv(4096):
            asked.set()

    with listening(hanging) as port, unchanged(database), ThreadPoolExecutor() as pool:
        env(app, BETTER_AUTH_URL=f"http://127.0.0.1:{port}", DATABASE_URL=database)
        with make_context(app, settings=Settings(auth=AuthSettings(origin=ORIGIN, timeout=60))) as ctx:
            outcome = pool.submit(judge, auth_otp_login, ctx)
            assert asked.wait(20)
            assert run(database, "SELECT count(*) FROM verification") == [(1,)]
        assert outcome.result(20) == Blocked("run", "the run is ending")


# -- where it may write


@pytest.mark.parametrize("host", ["db.example.com", "127.example.com", "10.0.0.1", "127.0.0.1,db.example.com"])
def test_a_database_elsewhere_is_left_alone(app: Path, host: str) -> None:
    env(app, BETTER_AUTH_URL="http://localhost:1", DATABASE_URL=f"postgresql://app:pw@{host}/app")
    with make_context(app) as ctx:
        outcome = judge(auth_otp_login, ctx)
        assert ctx.opened("http") is None
    assert isinstance(outcome, Undecided)
    assert outcome.reason.startswith("the database at ")
    assert outcome.reason.endswith(" may hold data that matters: nothing was written")
    assert outcome.remedy == REMEDY
    assert "[app] disposable = true" in outcome.remedy


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "127.8.8.8"])
def test_a_database_of_this_machine_may_be_written_to(app: Path, host: str) -> None:
    with make_context(env(app, DATABASE_URL=f"postgresql://app:pw@{host}/app")) as ctx:
        assert why_not_writable(ctx) is None


def test_one_that_is_declared_disposable_too(app: Path) -> None:
    settings = Settings(app=AppSettings(disposable=True))
    with make_context(env(app, DATABASE_URL=ELSEWHERE), settings=settings) as ctx:
        assert why_not_writable(ctx) is None


def test_a_neon_branch_that_cannot_be_looked_up_is_left_alone(app: Path) -> None:
    url = "postgresql://app:pw@ep-a-b-123.us-east-2.aws.neon.tech/app"
    host = f"http://localhost:{free_port()}"
    env(app, DATABASE_URL=url, NEON_API_KEY="napi_not_a_key", NEON_API_HOST=host)
    with make_context(app) as ctx:
        reason = why_not_writable(ctx)
    assert reason
    assert reason.startswith("whether the Neon branch may be written to is not known (")
    assert f"nothing listens at {host} (connection refused)" in reason


@pytest.mark.parametrize(
    ("branch", "reason"),
    [
        (Branch("br-1", "main", default=True), "the database is the default branch main of its Neon project: "),
        (Branch("br-1", "live", protected=True), "the database is the protected branch live of its Neon project: "),
        (Branch("br-1", "preview/7"), None),
        (Branch("br-1", "main", default=True, expires_at=datetime.now(UTC) + timedelta(days=2)), None),
    ],
)
def test_a_neon_branch_of_its_own_may_be_written_to(app: Path, branch: Branch, reason: str | None) -> None:
    branch.endpoints.append(Endpoint("ep-a-b-123"))
    with neon(Project("acme-1", "acme", [branch])) as standin:
        url = "postgresql://app:pw@ep-a-b-123-pooler.c-2.us-east-2.aws.neon.tech/neondb"
        env(app, DATABASE_URL=url, NEON_API_KEY=standin.key, NEON_API_HOST=standin.url)
        with make_context(app) as ctx:
            found = why_not_writable(ctx)
        env(app, DATABASE_URL=url)
        with make_context(app) as ctx:
            assert "may hold data that matters" in str(why_not_writable(ctx))
    assert found == (reason and f"{reason}nothing was written")


def test_what_it_needs_is_blocked_by_whoever_answers_for_it(app: Path, postgres: EmbeddedPostgres) -> None:
    with make_context(env(app, BETTER_AUTH_URL="http://localhost:1", DATABASE_URL="")) as ctx:
        assert judge(auth_otp_login, ctx) == Blocked("env-filled", "DATABASE_URL is EMPTY")
    gone = f"postgresql://app:pw@127.0.0.1:{free_port()}/app"
    settings = Settings(auth=AuthSettings(origin=ORIGIN), database=DatabaseSettings(timeout=1))
    env(app, BETTER_AUTH_URL="http://localhost:1", DATABASE_URL=gone)
    with make_context(app, settings=settings) as ctx:
        outcome = judge(auth_otp_login, ctx)
    assert isinstance(outcome, Blocked)
    assert outcome.by == "database-connects"


def test_supabase_is_skipped_with_the_reason(app: Path) -> None:
    (app / "package.json").write_text(json.dumps({"dependencies": {"@supabase/ssr": "1"}}))
    with make_context(app) as ctx:
        assert judge(auth_otp_login, ctx) == Skipped(
            "no SUPABASE_SECRET_KEY: without a secret key Supabase gives a one-time password by mail only"
        )


# -- the real service, set up wrongly


@contextmanager
def unchanged(database: str) -> Iterator[None]:
    before = rows(database)
    yield
    assert rows(database) == before


@pytest.mark.red("auth-otp-login")
def test_an_origin_that_is_not_trusted_fails(app: Path, tmp_path: Path, database: str) -> None:
    with served(tmp_path, database) as base, unchanged(database):
        outcome = judged(app, base, database, origin="https://app.example.com")
    assert isinstance(outcome, Failed)
    assert outcome.summary == "the auth service does not trust the app's origin https://app.example.com (403)"
    assert outcome.remedy.startswith("add https://app.example.com to trustedOrigins")
    assert states(outcome.findings) == {"login": "ORIGIN REFUSED"}


@pytest.mark.red("auth-otp-login")
def test_a_plugin_that_is_off_fails(app: Path, tmp_path: Path, database: str) -> None:
    with served(tmp_path, database, emailOTP=False) as base, unchanged(database):
        outcome = judged(app, base, database)
    assert isinstance(outcome, Failed)
    assert outcome.summary.endswith(f" has no {SIGN_IN} (404): it knows no login by one-time password")
    assert "emailOTP()" in outcome.remedy


@pytest.mark.red("auth-otp-login")
def test_a_table_that_is_missing_fails(app: Path, tmp_path: Path, database: str) -> None:
    with served(tmp_path, database) as base:
        run(database, "DROP TABLE verification")
        outcome = judged(app, base, database)
    assert isinstance(outcome, Failed)
    assert "fails with 500, and the database has no complete tables verification, user and session" in outcome.summary
    assert outcome.remedy.startswith("apply the migrations")
    assert states(outcome.findings) == {"login": "NO TABLES"}


@pytest.mark.red("auth-otp-login")
@pytest.mark.parametrize("form", ["plain", "hashed"])
def test_a_service_that_cannot_make_a_user_fails(app: Path, tmp_path: Path, database: str, form: str) -> None:
    with served(tmp_path, database, storeOTP=form) as base:
        run(database, 'ALTER TABLE "user" ADD team text NOT NULL')
        with unchanged(database):
            outcome = judged(app, base, database)
    assert isinstance(outcome, Failed)
    assert f"{SIGN_IN} fails with 500" in outcome.summary
    assert states(outcome.findings) == {"login": "ERROR"}


def test_codes_that_are_encrypted_leave_it_open(app: Path, tmp_path: Path, database: str) -> None:
    with served(tmp_path, database, storeOTP="encrypted") as base, unchanged(database):
        outcome = judged(app, base, database)
    assert isinstance(outcome, Undecided)
    assert outcome.reason.startswith("infracheck cannot plant or read the code")
    assert outcome.remedy == 'set storeOTP to "plain" or "hashed" in emailOTP() where infracheck runs'


def test_a_limit_leaves_it_open_with_the_wait(app: Path, tmp_path: Path, database: str) -> None:
    with served(tmp_path, database, rateLimit=True) as base, unchanged(database):
        outcomes = [judged(app, base, database) for _ in range(4)]
    assert [type(one) for one in outcomes[:3]] == [Passed] * 3
    last = outcomes[3]
    assert isinstance(last, Undecided)
    assert last.reason.endswith(f"{SIGN_IN} takes no more requests now (429)")
    assert re.fullmatch(r"wait (a minute|\d+ seconds?), then run again", last.remedy)


@pytest.mark.red("auth-otp-login")
@pytest.mark.parametrize("tables", [True, False])
def test_a_service_on_another_database(
    app: Path, tmp_path: Path, postgres: EmbeddedPostgres, database: str, tables: bool
) -> None:
    other = postgres.create_database(f"t_{secrets.token_hex(6)}")
    if tables:
        with_tables(other)
    with served(tmp_path, database) as base, unchanged(database):
        own = judged(app, base, other)
        neon = judged(app, base, other, provider="neon")
    assert isinstance(own, Undecided)
    assert own.reason == "the auth service does not keep its codes in the database of DATABASE_URL"
    assert isinstance(neon, Failed)
    assert neon.summary == "the auth service reads another database than the one of DATABASE_URL"
    if tables:
        assert not any(rows(other).values())


def test_a_service_for_known_addresses_asks_for_one(app: Path, tmp_path: Path, database: str) -> None:
    with served(tmp_path, database, signUp=False) as base:
        add_user(database, "qa@example.com")
        add_user(database, "new@example.com", proven=False)
        run(database, "DELETE FROM verification")
        with unchanged(database):
            unknown = judged(app, base, database)
            known = judged(app, base, database, otp_email="qa@example.com")
            unproven = judged(app, base, database, otp_email="new@example.com")
    assert isinstance(unknown, Undecided)
    assert unknown.remedy == "name the address of a test user: `[auth] otp_email` in infracheck.toml"
    assert isinstance(known, Passed)
    assert isinstance(unproven, Undecided)
    assert states(unproven.findings) == {"login": "NOT VERIFIED USER"}


def test_a_role_that_may_not_write_leaves_it_open(app: Path, tmp_path: Path, database: str) -> None:
    role, password = f"r_{secrets.token_hex(4)}", secrets.token_hex(8)
    with served(tmp_path, database) as base:
        run(
            database,
            f"CREATE ROLE {role} LOGIN PASSWORD '{password}'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        )
        info = psycopg.conninfo.conninfo_to_dict(database)
        url = f"postgresql://{role}:{password}@127.0.0.1:{info['port']}/{info['dbname']}"
        with unchanged(database):
            outcome = judged(app, base, url)
        run(database, f"DROP OWNED BY {role}; DROP ROLE {role}")
    assert isinstance(outcome, Undecided)
    assert outcome.reason.startswith("the app's role may not read and write the auth tables")
    assert "GRANT SELECT, INSERT, UPDATE, DELETE" in outcome.remedy


@pytest.mark.red("auth-otp-login")
def test_a_user_that_cannot_be_removed_is_told(app: Path, tmp_path: Path, database: str) -> None:
    """A hook or trigger of the app may add rows of its own for a new user."""
    with served(tmp_path, database) as base:
        run(
            database,
            """
            CREATE TABLE profile (owner text NOT NULL REFERENCES "user" (id));
            CREATE FUNCTION add_profile() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN INSERT INTO profile VALUES (NEW.id); RETURN NEW; END';
            CREATE TRIGGER add_profile AFTER INSERT ON "user" FOR EACH ROW EXECUTE FUNCTION add_profile();
            """,
        )
        outcome = judged(app, base, database)
    assert isinstance(outcome, Failed)
    assert outcome.summary == "the user that infracheck made cannot be removed: rows of profile hold on to it"
    assert "ON DELETE CASCADE" in outcome.remedy


# -- what is not the service


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (HTML, "WEB PAGE", "a web page answers at"),
        (Canned(500, {"message": "no such table"}), "ERROR", "fails with 500: no such table"),
        (Canned(302, "", {"Location": "/login?next=secret"}), "REDIRECTS", "/login (302)"),
        (Canned(401, {"message": "who are you"}), "DENIED", "refuses (401: who are you)"),
        (Canned(400, {"message": "Missing CAPTCHA response"}), "CAPTCHA", "wants a captcha"),
        (Canned(400, {"code": "OTP_EXPIRED"}), "CLOCKS DIFFER", "takes a code as expired"),
        (Canned(403, {"code": "INVALID_ORIGIN"}), "ORIGIN REFUSED", "does not trust the app's origin"),
        (Canned(429, "", {"X-Retry-After": "17"}), "LIMITED", "takes no more requests now (429)"),
        (Canned(418, {"message": "teapot"}), "UNEXPECTED", "answers 418: teapot"),
        (Canned(200, {"user": {"id": "1"}, "token": "t" * 32}), "NO COOKIE", "sets no session cookie"),
    ],
)
def test_each_wrong_answer_has_its_message(app: Path, database: str, answer: Canned, state: str, said: str) -> None:
    with_tables(database)
    with canned({f"/a{SIGN_IN}": answer}) as server, unchanged(database):
        outcome = judged(app, f"{server.url}/a", database)
    assert isinstance(outcome, Failed | Undecided)
    assert states(outcome.findings) == {"login": state}
    summary = outcome.summary if isinstance(outcome, Failed) else outcome.reason
    assert said in summary
    assert "secret" not in summary
    assert outcome.remedy
    if state == "LIMITED":
        assert outcome.remedy == "wait 17 seconds, then run again"


SIGNED_IN = Canned(
    200, {"user": {"id": "1"}, "token": "t" * 32}, {"Set-Cookie": "better-auth.session_token=s3cr3tc00kie; Path=/"}
)


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({}, "NO SESSION"),
        ({"/a/get-session": Canned(200, None)}, "NO SESSION"),
        ({"/a/get-session": Canned(200, {"user": {"email": "somebody@example.com"}})}, "OTHER USER"),
    ],
)
def test_a_session_that_does_not_hold_fails(app: Path, database: str, answers: dict[str, Canned], state: str) -> None:
    with_tables(database)
    with canned({f"/a{SIGN_IN}": SIGNED_IN, **answers}) as server, unchanged(database):
        outcome = judged(app, f"{server.url}/a", database)
        seen = [headers.get("Cookie") for _, path, headers, _ in server.requests if path == "/a/get-session"]
    assert isinstance(outcome, Failed)
    assert states(outcome.findings)["login"] == state
    assert seen == ["better-auth.session_token=s3cr3tc00kie"]
    assert "s3cr3tc00kie" not in repr(outcome)


def test_what_a_service_quotes_of_a_login_is_masked(app: Path, database: str) -> None:
    with_tables(database)
    echo = Canned(500, {"message": "session s3cr3tc00kie is broken"})
    with canned({f"/a{SIGN_IN}": SIGNED_IN, "/a/get-session": echo}) as server:
        outcome = judged(app, f"{server.url}/a", database)
    assert isinstance(outcome, Failed)
    assert "session [secret] is broken" in outcome.summary


SESSION = {"user": {"email": "qa@infracheck.example"}}


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"/a/token": Canned(500)}, "BAD TOKEN"),
        ({"/a/token": Canned(200, {"token": "a.b.c"}), "/a/jwks": Canned(200, {"keys": []})}, "BAD TOKEN"),
        ({}, "NO SIGN-OUT"),
        ({"/a/sign-out": Canned(200, {"success": True})}, "STILL SIGNED IN"),
    ],
)
def test_what_comes_after_the_login_is_judged(app: Path, database: str, answers: dict[str, Canned], state: str) -> None:
    with_tables(database)
    held = {f"/a{SIGN_IN}": SIGNED_IN, "/a/get-session": Canned(200, SESSION)}
    with canned({**held, **answers}) as server, unchanged(database):
        outcome = judged(app, f"{server.url}/a", database, otp_email="qa@infracheck.example")
    assert isinstance(outcome, Failed)
    assert states(outcome.findings)["login"] == state
    assert outcome.reproduce == "infracheck run --only auth-otp-login"


def test_a_service_that_is_silent_leaves_it_open(app: Path, database: str) -> None:
    with_tables(database)
    with listening(silent) as port, unchanged(database):
        outcome = judged(app, f"http://127.0.0.1:{port}/a", database, timeout=0.3)
    assert isinstance(outcome, Undecided)
    assert outcome.reason == f"http://127.0.0.1:{port} gave no complete answer within 0.3 s"


def test_a_service_that_is_down_fails(app: Path, database: str) -> None:
    with_tables(database)
    port = free_port()
    with unchanged(database):
        outcome = judged(app, f"http://localhost:{port}/a", database)
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"nothing listens at http://localhost:{port} (connection refused)"


def test_tables_that_are_locked_leave_it_open(app: Path, database: str) -> None:
    with_tables(database)
    env(app, BETTER_AUTH_URL="http://localhost:1", DATABASE_URL=database)
    settings = Settings(auth=AuthSettings(origin=ORIGIN), database=DatabaseSettings(timeout=0.3))
    with psycopg.connect(database) as connection, make_context(app, settings=settings) as ctx:
        connection.execute("LOCK TABLE verification")
        outcome = judge(auth_otp_login, ctx)
    assert isinstance(outcome, Undecided)
    assert outcome.reason.endswith(" gave no answer within 0.3 s")


def test_every_cause_says_what_to_do() -> None:
    assert all(summary and remedy for _, summary, remedy in CAUSES.values())


# -- auth inside the app


@pytest.fixture
def inside(app: Path, database: str) -> Path:
    """An app whose own dev server is a real Better Auth at /api/auth."""
    with_tables(database)
    shutil.copytree(next_notes.SOURCE / "lib", app / "lib")
    server = (next_notes.SOURCE / "auth-server.mjs").read_text(encoding="utf-8")
    for old, new in (("/neondb/auth", "/api/auth"), (', "BETTER_AUTH_URL"', ""), ("process.env.BETTER_AUTH_URL", '""')):
        assert old in server
        server = server.replace(old, new)
    (app / "auth-server.mjs").write_text(server, encoding="utf-8")
    (app / "node_modules").symlink_to(next_notes.installed() / "node_modules")
    scripts = {"dev": "node auth-server.mjs"}
    (app / "package.json").write_text(json.dumps({"scripts": scripts, "dependencies": {"better-auth": "1"}}))
    return env(app, DATABASE_URL=database, BETTER_AUTH_SECRET=secrets.token_hex(16))


def process() -> dict[str, str]:
    return {"PATH": path_with_node(), "HOME": os.environ.get("HOME", "/")}


def test_a_login_inside_the_app_goes_through_its_dev_server(inside: Path, database: str) -> None:
    settings = Settings(server=ServerSettings(port=free_port(), ready="/api/auth/ok", timeout=60))
    with make_context(inside, process=process(), settings=settings) as ctx, unchanged(database):
        outcome = judge(auth_otp_login, ctx)
        user = ctx.login.user
        assert user.email != ctx.login.other.email
        assert run(database, 'SELECT count(*) FROM "user"') == [(2,)]
        ctx.close()
    assert isinstance(outcome, Passed)


def test_an_app_that_does_not_boot_blocks_the_login(inside: Path) -> None:
    (inside / "auth-server.mjs").write_text("process.exit(1)")
    settings = Settings(server=ServerSettings(port=free_port(), timeout=60))
    with make_context(inside, process=process(), settings=settings) as ctx:
        outcome = judge(auth_otp_login, ctx)
        assert isinstance(outcome, Blocked)
        assert (outcome.by, outcome.because) == ("server-boots", ctx.server.boot.summary)
