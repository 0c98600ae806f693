"""auth-responds, against a real Better Auth: as a service of its own, and served by the app's own dev server."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic

import psycopg
import pytest

from infracheck.checks.auth import auth_responds
from infracheck.clients.ports import free_port
from infracheck.model import Blocked, Failed, Passed, Skipped, Undecided
from infracheck.settings import AuthSettings, ServerSettings, Settings
from tests.components import next_notes
from tests.components.better_auth import better_auth
from tests.components.node import path_with_node
from tests.helpers import judge, make_context, states
from tests.hostile import HTML, Canned, canned, listening, silent

ALL_ANSWER = {"/ok": "ANSWERS", "/get-session": "ANSWERS", "/jwks": "ANSWERS"}
ELSEWHERE = {"branch": "NOT COMPARED"}  # of a Neon Auth that is not at Neon


@dataclass(frozen=True)
class Auth:
    """A running Better Auth: its base URL and its database."""

    base: str
    database: str

    @property
    def origin(self) -> str:
        return self.base.removesuffix("/neondb/auth")

    def change(self, sql: str) -> None:
        with psycopg.connect(self.database) as connection:
            connection.execute(sql.encode())


def migrate(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(next_notes.SCHEMA.read_bytes())


@pytest.fixture
def auth(database: str, tmp_path: Path) -> Iterator[Auth]:
    (tmp_path / "auth").mkdir()
    migrate(database)
    with better_auth(
        tmp_path / "auth", database_url=database, secret=secrets.token_hex(16), app_origin="http://localhost:1"
    ) as base:
        yield Auth(base, database)


def package(app: Path, *dependencies: str, dev: str | None = None) -> Path:
    scripts = {"dev": dev} if dev else {}
    (app / "package.json").write_text(
        json.dumps({"scripts": scripts, "dependencies": dict.fromkeys(dependencies, "1")})
    )
    return app


def env(app: Path, **values: str) -> Path:
    (app / ".env.local").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return app


# -- does it apply


@pytest.mark.parametrize(
    ("dependency", "reason"),
    [
        (
            "next",
            "the app has no auth: no better-auth or @neondatabase/auth, and no NEON_AUTH_BASE_URL or BETTER_AUTH_URL",
        ),
        ("@clerk/nextjs", "Clerk (@clerk/nextjs) is not judged yet"),
        ("next-auth", "Auth.js (next-auth) is not judged yet"),
        ("@stackframe/stack", "Stack Auth (@stackframe/stack) is not judged yet"),
    ],
)
def test_what_is_not_judged_is_skipped_with_the_reason(app: Path, dependency: str, reason: str) -> None:
    with make_context(package(app, dependency)) as ctx:
        assert judge(auth_responds, ctx) == Skipped(reason)


def test_an_app_without_auth_by_its_settings_is_skipped(app: Path) -> None:
    settings = Settings(auth=AuthSettings(provider="none"))
    with make_context(env(package(app, "better-auth"), BETTER_AUTH_URL="http://localhost:1"), settings=settings) as ctx:
        outcome = judge(auth_responds, ctx)
    assert outcome == Skipped('the settings say that the app has no auth: [auth] provider = "none"')


def test_what_legacy_variables_name_is_skipped_by_name(app: Path) -> None:
    with make_context(env(app, NEXT_PUBLIC_STACK_PROJECT_ID="b6a1")) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Skipped)
    assert outcome.reason.startswith("NEXT_PUBLIC_STACK_PROJECT_ID is of the legacy Stack Auth, which is not judged")


@pytest.mark.parametrize("other", [("@clerk/nextjs", "Clerk"), ("next-auth", "Auth.js")])
def test_a_database_at_supabase_does_not_make_its_auth_the_apps(app: Path, other: tuple[str, str]) -> None:
    with make_context(package(app, other[0], "@supabase/supabase-js")) as ctx:
        assert judge(auth_responds, ctx) == Skipped(f"{other[1]} ({other[0]}) is not judged yet")


def test_a_variable_that_is_named_makes_it_apply(app: Path) -> None:
    (app / ".env.local.example").write_text("NEON_AUTH_BASE_URL=\n")
    with make_context(package(app, "@supabase/supabase-js")) as ctx:
        assert judge(auth_responds, ctx) == Blocked("env-filled", "NEON_AUTH_BASE_URL is MISSING")
    with make_context(env(app, NEON_AUTH_BASE_URL="")) as ctx:
        assert judge(auth_responds, ctx) == Blocked("env-filled", "NEON_AUTH_BASE_URL is EMPTY")


def test_an_optional_url_without_value_is_excused(app: Path) -> None:
    (app / ".env.local.example").write_text("# Optional: sign-in\nBETTER_AUTH_URL=\n")
    with make_context(app) as ctx:
        outcome = judge(auth_responds, ctx)
    assert outcome == Skipped(
        "BETTER_AUTH_URL is MISSING and marked optional (.env.local.example:2: Optional: sign-in)"
    )


def test_a_package_whose_url_nothing_names_fails(app: Path) -> None:
    with make_context(package(app, "@neondatabase/auth")) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary == "NEON_AUTH_BASE_URL is MISSING: nothing says where the auth service is"
    assert states(outcome.findings) == {"NEON_AUTH_BASE_URL": "MISSING"}


@pytest.mark.parametrize(
    "url", ["localhost:3100/auth", "https://user:pw@host/auth", "https://host/auth?token=abcdefgh"]
)
def test_a_malformed_url_is_named_and_not_quoted(app: Path, url: str) -> None:
    with make_context(env(app, NEON_AUTH_BASE_URL=url)) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary.startswith("NEON_AUTH_BASE_URL ")
    assert [(f.subject, f.state, f.where) for f in outcome.findings] == [
        ("NEON_AUTH_BASE_URL", "MALFORMED", ".env.local:1")
    ]
    assert url not in repr(outcome)


# -- the real service


@pytest.mark.green("auth-responds")
@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("NEON_AUTH_BASE_URL", "Neon Auth"),
        ("NEXT_PUBLIC_NEON_AUTH_URL", "Neon Auth"),
        ("BETTER_AUTH_URL", "Better Auth"),
    ],
)
def test_a_service_of_its_own_answers(app: Path, auth: Auth, name: str, service: str) -> None:
    with make_context(env(app, **{name: f"{auth.base}/"})) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Passed)
    assert outcome.summary == f"{service} answers at {auth.origin} with 1 signing key (EdDSA)"
    assert states(outcome.findings) == {**ALL_ANSWER, **(ELSEWHERE if service == "Neon Auth" else {})}
    assert {finding.where for finding in outcome.findings} == {".env.local:1"}


def test_the_configured_variable_is_the_one_that_is_asked(app: Path, auth: Auth) -> None:
    settings = Settings(auth=AuthSettings(url="SIGN_IN_AT"))
    env(app, SIGN_IN_AT=auth.base, NEON_AUTH_BASE_URL="http://localhost:1/elsewhere")
    with make_context(app, settings=settings) as ctx:
        assert isinstance(judge(auth_responds, ctx), Passed)
    with make_context(env(app), settings=settings) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Failed)
    assert states(outcome.findings) == {"SIGN_IN_AT": "MISSING"}


def test_the_settings_say_whose_service_it_is(app: Path, auth: Auth) -> None:
    env(app, SIGN_IN_AT=auth.base, NEON_AUTH_BASE_URL="http://localhost:1/elsewhere", BETTER_AUTH_URL=auth.base)
    for chosen, service in (
        (AuthSettings(url="SIGN_IN_AT", provider="neon"), "Neon Auth"),
        (AuthSettings(url="SIGN_IN_AT", provider="better-auth"), "Better Auth"),
        (AuthSettings(provider="better-auth"), "Better Auth"),
    ):
        with make_context(app, settings=Settings(auth=chosen)) as ctx:
            outcome = judge(auth_responds, ctx)
        assert isinstance(outcome, Passed)
        assert outcome.summary.startswith(f"{service} answers at ")
    with make_context(app, settings=Settings(auth=AuthSettings(provider="neon"))) as ctx:
        assert isinstance(judge(auth_responds, ctx), Failed)


def test_a_job_takes_the_url_from_its_environment(app: Path, auth: Auth) -> None:
    (app / ".env.example").write_text("NEON_AUTH_BASE_URL=\n")
    with make_context(app, process={"NEON_AUTH_BASE_URL": auth.base}) as ctx:
        assert isinstance(judge(auth_responds, ctx), Passed)


@pytest.mark.parametrize("wrong", ["/neondb", "/neondb/auth/auth", "/"])
def test_a_wrong_path_is_told_with_what_was_tried(app: Path, auth: Auth, wrong: str) -> None:
    with make_context(env(app, NEON_AUTH_BASE_URL=auth.origin + wrong)) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Failed)
    base = (auth.origin + wrong).rstrip("/")
    assert outcome.summary == f"no auth service at {base}: 404 for /ok, /get-session, /.well-known/jwks.json"
    assert set(states(outcome.findings[:-1]).values()) == {"MISSING"}
    if wrong == "/":
        assert outcome.remedy.startswith("correct the path of NEON_AUTH_BASE_URL")
    else:
        assert outcome.remedy == f"set NEON_AUTH_BASE_URL to {auth.base}: Better Auth answers there"
    assert outcome.reproduce == f"curl -i {base}/ok"


@pytest.mark.red("auth-responds")
def test_a_service_that_lost_its_tables_fails_although_it_answers(app: Path, auth: Auth) -> None:
    auth.change("DROP TABLE jwks")
    with make_context(env(app, NEON_AUTH_BASE_URL=auth.base)) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Failed)
    assert f"{auth.origin} answers, but cannot read its keys (/neondb/auth/jwks: 500" in outcome.summary
    assert states(outcome.findings) == {**ALL_ANSWER, **ELSEWHERE, "/jwks": "KEYS FAIL"}
    assert outcome.remedy.endswith("(NEON_AUTH_BASE_URL, .env.local:1)")
    assert outcome.reproduce == f"curl -i {auth.base}/jwks"


def test_a_service_that_is_down_fails(app: Path) -> None:
    port = free_port()
    with make_context(env(app, NEON_AUTH_BASE_URL=f"http://localhost:{port}/neondb/auth")) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"nothing listens at http://localhost:{port} (connection refused)"
    assert outcome.remedy == "start the service, or correct host and port (NEON_AUTH_BASE_URL, .env.local:1)"
    assert states(outcome.findings) == {**ELSEWHERE, "/ok": "NO ANSWER"}


# -- what the variables tell


def at_endpoint(base: str, endpoint: str) -> str:
    """Return the URL of the same server under a name that begins as Neon's do: it is this machine all the same."""
    return base.replace("//localhost:", f"//{endpoint}.localhost:")


def database_at(endpoint: str) -> str:
    return f"postgresql://app:{secrets.token_hex(8)}@{endpoint}.c-2.eu-central-1.aws.neon.tech/neondb"


@pytest.mark.green("auth-responds")
@pytest.mark.parametrize("pooler", ["", "-pooler"])
def test_auth_and_database_of_one_branch_pass(app: Path, auth: Auth, pooler: str) -> None:
    url = at_endpoint(auth.base, "ep-calm-sun-a1b2c3")
    with make_context(env(app, NEON_AUTH_BASE_URL=url, DATABASE_URL=database_at(f"ep-calm-sun-a1b2c3{pooler}"))) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Passed)
    assert states(outcome.findings) == {**ALL_ANSWER, "branch": "SAME"}
    assert outcome.findings[-1].note == "auth and database are of endpoint ep-calm-sun-a1b2c3"


@pytest.mark.red("auth-responds")
def test_auth_of_another_branch_fails_although_it_answers(app: Path, auth: Auth) -> None:
    url = at_endpoint(auth.base, "ep-calm-sun-a1b2c3")
    env(app, NEON_AUTH_BASE_URL=url, DATABASE_URL=database_at("ep-old-moon-d4e5f6-pooler"))
    with make_context(app) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary == (
        "the auth URL belongs to another branch: NEON_AUTH_BASE_URL is of endpoint ep-calm-sun-a1b2c3, "
        "DATABASE_URL of ep-old-moon-d4e5f6"
    )
    assert outcome.remedy == (
        "copy both of one branch from Neon's console: Auth gives NEON_AUTH_BASE_URL (.env.local:1), "
        "Connect gives DATABASE_URL (.env.local:2)"
    )
    assert states(outcome.findings) == {**ALL_ANSWER, "branch": "OTHER BRANCH"}


@pytest.mark.parametrize(
    ("endpoint", "url", "note"),
    [
        (
            "",
            "postgresql://app@ep-old-moon-d4e5f6.c-2.eu-central-1.aws.neon.tech/x",
            "NEON_AUTH_BASE_URL names no endpoint of Neon",
        ),
        ("ep-calm-sun-a1b2c3.", "postgresql://app@127.0.0.1/x", "DATABASE_URL names no endpoint of Neon"),
        ("ep-calm-sun-a1b2c3.", "mysql://app@ep-old-moon-d4e5f6/x", "DATABASE_URL names no endpoint of Neon"),
        ("ep-calm-sun-a1b2c3.", "", "DATABASE_URL names no endpoint of Neon"),
    ],
)
def test_what_is_not_at_neon_is_not_compared(app: Path, auth: Auth, endpoint: str, url: str, note: str) -> None:
    env(app, NEON_AUTH_BASE_URL=auth.base.replace("//localhost", f"//{endpoint}localhost"), DATABASE_URL=url)
    with make_context(app) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Passed)
    row = outcome.findings[-1]
    assert (row.state, row.level, row.note) == ("NOT COMPARED", "info", f"{note}, so its branch cannot be compared")


@pytest.mark.parametrize(("length", "short"), [(31, True), (32, False)])
def test_a_short_cookie_secret_fails_where_the_package_reads_it(
    app: Path, auth: Auth, length: int, short: bool
) -> None:
    secret = secrets.token_hex(16)[:length]
    env(app, NEON_AUTH_BASE_URL=auth.base, NEON_AUTH_COOKIE_SECRET=secret)
    with make_context(app) as ctx:
        assert isinstance(judge(auth_responds, ctx), Passed)
    with make_context(package(app, "@neondatabase/auth")) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Failed if short else Passed)
    assert secret not in repr(outcome)
    if isinstance(outcome, Failed):
        assert outcome.summary == (
            "NEON_AUTH_COOKIE_SECRET is too short: @neondatabase/auth does not start with fewer than 32 characters"
        )
        assert outcome.remedy.startswith("give NEON_AUTH_COOKIE_SECRET (.env.local:2) a new one: openssl rand")
        assert states(outcome.findings)["NEON_AUTH_COOKIE_SECRET"] == "SHORT"


def test_what_fails_in_the_variables_and_at_the_service_is_told_in_one(app: Path) -> None:
    package(app, "@neondatabase/auth")
    base = f"http://ep-calm-sun-a1b2c3.localhost:{free_port()}/neondb/auth"
    env(app, NEON_AUTH_BASE_URL=base, DATABASE_URL=database_at("ep-old-moon-d4e5f6"), NEON_AUTH_COOKIE_SECRET="short")
    with make_context(app) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Failed)
    assert [part.partition(" ")[0] for part in outcome.summary.split("; ")] == [
        "nothing",
        "the",
        "NEON_AUTH_COOKIE_SECRET",
    ]
    assert len(outcome.remedy.split("; ")) == 3


def test_a_short_secret_of_better_auth_and_legacy_names_are_warned_of(app: Path, auth: Auth) -> None:
    env(app, BETTER_AUTH_URL=auth.base, BETTER_AUTH_SECRET=secrets.token_hex(15), STACK_SECRET_SERVER_KEY="")
    with make_context(app) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Passed)
    assert [(row.subject, row.state, row.level, row.where) for row in outcome.findings[3:]] == [
        ("BETTER_AUTH_SECRET", "SHORT", "warn", ".env.local:2"),
        ("STACK_SECRET_SERVER_KEY", "LEGACY", "warn", ".env.local:3"),
    ]


# -- what is not the service


def test_a_page_in_its_place_fails(app: Path) -> None:
    with canned({}, default=HTML) as server, make_context(env(app, NEON_AUTH_BASE_URL=f"{server.url}/a")) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"a web page answers at {server.url}/a/ok, not an auth service"
    assert set(states(outcome.findings[:-1]).values()) == {"WEB PAGE"}


def test_a_limit_leaves_it_open(app: Path) -> None:
    limited = Canned(429, {"message": "Too many requests."})
    with canned({}, default=limited) as server, make_context(env(app, BETTER_AUTH_URL=server.url)) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Undecided)
    assert states(outcome.findings)["/ok"] == "LIMITED"


def test_a_silent_service_leaves_it_open_and_ends_in_time(app: Path) -> None:
    settings = Settings(auth=AuthSettings(timeout=0.3))
    with listening(silent) as port:
        env(app, NEON_AUTH_BASE_URL=f"http://127.0.0.1:{port}/a")
        with make_context(app, settings=settings) as ctx:
            start = monotonic()
            outcome = judge(auth_responds, ctx)
    assert monotonic() - start < 3
    assert isinstance(outcome, Undecided)
    assert outcome.reason == f"http://127.0.0.1:{port} gave no complete answer within 0.3 s"
    assert states(outcome.findings) == {**ELSEWHERE, "/ok": "NO ANSWER"}


WITHOUT_KEYS = {"/api/auth/ok": Canned(200, {"ok": True}), "/api/auth/get-session": Canned(200, None)}


def test_an_own_better_auth_may_do_without_keys_and_neon_may_not(app: Path) -> None:
    """The real service without its jwt plugin is in tests/clients/test_better_auth.py; here only the verdict."""
    with canned(WITHOUT_KEYS) as server:
        with make_context(env(app, BETTER_AUTH_URL=server.url)) as ctx:
            own = judge(auth_responds, ctx)
        with make_context(env(app, NEON_AUTH_BASE_URL=f"{server.url}/api/auth")) as ctx:
            neon = judge(auth_responds, ctx)
    assert isinstance(own, Passed)
    assert own.summary.endswith("it publishes no keys")
    assert [(f.state, f.level) for f in own.findings if f.subject == "/jwks"] == [("NOT PUBLISHED", "warn")]
    assert isinstance(neon, Failed)
    assert "publishes no keys: 404 for /.well-known/jwks.json and /jwks" in neon.summary


def test_a_slow_service_is_asked_early(app: Path) -> None:
    asked, answer = Event(), Event()

    def slow(connection: object) -> None:
        asked.set()
        answer.wait(20)

    with listening(slow) as port, make_context(env(app, NEON_AUTH_BASE_URL=f"http://127.0.0.1:{port}/a")) as ctx:
        ctx.begin(auth_responds)
        assert asked.wait(20)  # nobody waits for it yet
        answer.set()
        assert isinstance(judge(auth_responds, ctx), Failed)


# -- auth inside the app


@pytest.fixture
def inside(app: Path, database: str) -> Path:
    """An app whose own dev server is a real Better Auth at /api/auth, with nothing that names its URL."""
    migrate(database)
    shutil.copytree(next_notes.SOURCE / "lib", app / "lib")
    server = (next_notes.SOURCE / "auth-server.mjs").read_text(encoding="utf-8")
    for old, new in (("/neondb/auth", "/api/auth"), (', "BETTER_AUTH_URL"', ""), ("process.env.BETTER_AUTH_URL", '""')):
        assert old in server
        server = server.replace(old, new)
    (app / "auth-server.mjs").write_text(server, encoding="utf-8")
    (app / "node_modules").symlink_to(next_notes.installed() / "node_modules")
    package(app, "better-auth", "pg", dev="node auth-server.mjs")
    return env(app, DATABASE_URL=database, BETTER_AUTH_SECRET=secrets.token_hex(16))


def served(port: int, ready: str = "/api/auth/ok") -> Settings:
    return Settings(server=ServerSettings(port=port, ready=ready, timeout=60))


def process() -> dict[str, str]:
    return {"PATH": path_with_node(), "HOME": os.environ.get("HOME", "/")}


def test_auth_inside_the_app_is_asked_when_the_app_is_up(inside: Path) -> None:
    port = free_port()
    with make_context(inside, process=process(), settings=served(port)) as ctx:
        ctx.begin(auth_responds)
        assert ctx.begun(auth_responds) is None
        assert ctx.opened("server") is None  # a head start must not begin the boot: the schema is read first
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Passed)
    assert outcome.summary == f"Better Auth answers at http://localhost:{port} with 1 signing key (EdDSA)"
    assert states(outcome.findings) == ALL_ANSWER


def test_auth_inside_the_app_may_have_a_url_of_its_own(inside: Path) -> None:
    port = free_port()
    with (inside / ".env.local").open("a") as file:
        file.write(f"NEON_AUTH_BASE_URL=http://localhost:{port}/api/auth\n")
    with make_context(inside, process=process(), settings=served(port)) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Passed)
    assert outcome.summary.startswith(f"Neon Auth answers at http://localhost:{port} ")


def test_an_app_that_does_not_boot_blocks_its_auth(inside: Path) -> None:
    (inside / "auth-server.mjs").write_text("process.exit(1)")
    with make_context(inside, process=process(), settings=served(free_port())) as ctx:
        outcome = judge(auth_responds, ctx)
        assert isinstance(outcome, Blocked)
        assert (outcome.by, outcome.because) == ("server-boots", ctx.server.boot.summary)


def test_an_error_inside_the_app_is_told_with_what_its_server_printed(inside: Path) -> None:
    server = inside / "auth-server.mjs"
    text = server.read_text(encoding="utf-8")
    handler = "toNodeHandler(auth)"
    assert handler in text
    failing = """async (request, answer) => {
      if (request.url === "/") return answer.end("home");
      console.log("⨯ Error: no such table");
      answer.writeHead(500).end();
    }"""
    server.write_text(text.replace(handler, failing), encoding="utf-8")
    port = free_port()
    with make_context(inside, process=process(), settings=served(port, ready="/")) as ctx:
        outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"http://localhost:{port}/api/auth/ok fails with 500"
    assert set(states(outcome.findings[:3]).values()) == {"ERROR"}
    printed = outcome.findings[-1]
    assert (printed.subject, printed.state, printed.note) == ("npm run dev", "PRINTED", "Error: no such table")


def test_auth_elsewhere_does_not_start_the_app(inside: Path, auth: Auth) -> None:
    with make_context(env(inside, NEON_AUTH_BASE_URL=auth.base), process=process(), settings=served(1)) as ctx:
        assert isinstance(judge(auth_responds, ctx), Passed)
        assert ctx.opened("server") is None
