"""`infracheck run --against URL`: a deployment is judged, and nothing is started."""

import json
import os
import secrets
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import trustme

from infracheck.checks.auth import auth_responds
from infracheck.checks.auth_origin import auth_trusts_origin
from infracheck.checks.server import server_boots, server_stops
from infracheck.clients.deployment import base_of
from infracheck.errors import UsageError
from infracheck.model import Failed, Passed, Skipped, Undecided
from infracheck.settings import ServerSettings, Settings
from tests.clients.small_server import small_app
from tests.components import next_notes
from tests.components.child import running, wait_until
from tests.components.node import path_with_node
from tests.components.ports import free_port
from tests.components.probe import status_of
from tests.helpers import judge, make_context, states
from tests.hostile import HTML, Canned, canned, listening, saying, silent

ROOT = Path(__file__).parents[2]
SERVER = ServerSettings(timeout=20)


def judged(folder: Path, url: str, settings: ServerSettings = SERVER) -> object:
    small_app(folder, before='raise SystemExit("nobody starts this")')
    with make_context(folder, settings=Settings(server=settings), against=url) as ctx:
        outcome = judge(server_boots, ctx)
        assert not ctx.server.started
        assert ctx.server.url == url
        assert (ctx.server.mark(), ctx.server.since(0), ctx.server.problems(0)) == (0, (), ())
        stops = judge(server_stops, ctx)
    assert stops == Skipped(f"nothing was started: {url} was judged (--against)")
    return outcome


def failed(outcome: object) -> Failed:
    assert isinstance(outcome, Failed), outcome
    return outcome


@pytest.mark.green("server-boots")
def test_a_deployment_that_is_well_answers(app: Path) -> None:
    with canned({"/": HTML}) as preview:
        outcome = judged(app, preview.url)
    assert isinstance(outcome, Passed)
    assert outcome.summary.startswith(f"answers 200 on {preview.url}/ in ")
    assert states(outcome.findings) == {"GET /": "200"}


def test_its_own_redirects_are_followed(app: Path) -> None:
    answers = {"/start": Canned(307, headers={"Location": "/login?next=%2F"}), "/login": HTML}
    with canned(answers) as preview:
        outcome = judged(app, preview.url, ServerSettings(ready="/start", timeout=20))
    assert isinstance(outcome, Passed)
    assert states(outcome.findings) == {"GET /start": "307", "GET /login": "200"}


@pytest.mark.red("server-boots")
@pytest.mark.parametrize(
    ("answer", "summary", "remedy"),
    [
        (Canned(500, {"message": "no database"}), "`/` answers 500: no database", "read the log of the deployment"),
        (Canned(404), "`/` answers 404", "[server] ready"),
        (
            Canned(401, "<title>Authentication Required</title>", {"Content-Type": "text/html"}),
            "`/` answers 401: a login of the hosting stands before it",
            "deployment protection",
        ),
        (
            Canned(302, headers={"Location": "https://vercel.com/sso-api?url=x&nonce=abc"}),
            "`/` answers 302: a login of the hosting stands before it (vercel.com)",
            "deployment protection",
        ),
        (
            Canned(308, headers={"Location": "https://127.0.0.1:8443/"}),
            "it redirects to https://127.0.0.1:8443",
            "--against https://127.0.0.1:8443",
        ),
    ],
)
def test_one_that_is_not_well_is_red_with_what_to_do(app: Path, answer: Canned, summary: str, remedy: str) -> None:
    with canned({"/": answer}) as preview:
        outcome = failed(judged(app, preview.url))
    assert summary in outcome.summary
    assert remedy in outcome.remedy
    assert [(row.subject, row.state, row.level) for row in outcome.findings] == [("GET /", str(answer.status), "fail")]
    assert "nonce" not in repr(outcome)


def test_a_login_of_the_apps_own_elsewhere_is_no_failure(app: Path) -> None:
    with canned({"/": Canned(302, headers={"Location": "https://login.example.com/authorize"})}) as preview:
        assert isinstance(judged(app, preview.url), Passed)


def test_one_that_still_starts_is_waited_for_and_not_for_ever(app: Path) -> None:
    with canned({"/": Canned(503)}) as preview:
        outcome = failed(judged(app, preview.url, ServerSettings(timeout=1.2)))
        assert len(preview.requests) > 1
    assert outcome.summary.startswith("`/` answers 503")


def test_one_that_is_not_there_or_never_answers(app: Path) -> None:
    outcome = failed(judged(app, f"http://127.0.0.1:{free_port()}"))
    assert "connection refused" in outcome.summary
    assert states(outcome.findings) == {"GET /": "NO ANSWER"}
    with listening(silent) as port:
        late = judged(app, f"http://127.0.0.1:{port}", ServerSettings(timeout=1))
    assert isinstance(late, Undecided), "nobody knows whether it would have answered"
    assert "gave no complete answer within 1 s" in late.reason


def test_its_certificate_has_to_be_valid(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi"

    def secured(connection: object) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:  # type: ignore[arg-type]
            saying(page)(wrapped)

    with listening(secured) as port:
        outcome = failed(judged(app, f"https://localhost:{port}"))
        assert "shows a certificate that is not trusted" in outcome.summary
        with authority.cert_pem.tempfile() as trusted:
            monkeypatch.setenv("SSL_CERT_FILE", trusted)
            assert isinstance(judged(app, f"https://localhost:{port}"), Passed)


# -- auth inside the deployed app


@pytest.fixture
def deployed(app: Path, database: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a real Better Auth that trusts itself, as a deployment; the app's own files speak of port 3000."""
    with psycopg.connect(database) as connection:
        connection.execute(next_notes.SCHEMA.read_bytes())
    there = tmp_path / "deployed"
    shutil.copytree(next_notes.SOURCE / "lib", there / "lib")
    server = (next_notes.SOURCE / "auth-server.mjs").read_text(encoding="utf-8").replace("/neondb/auth", "/api/auth")
    (there / "auth-server.mjs").write_text(server, encoding="utf-8")
    (there / "node_modules").symlink_to(next_notes.installed() / "node_modules")
    port, secret = free_port(), secrets.token_hex(16)
    values = {"DATABASE_URL": database, "BETTER_AUTH_SECRET": secret, "BETTER_AUTH_URL": "http://localhost:3000"}
    (app / ".env.local").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    package = {"scripts": {"dev": "exit 1"}, "dependencies": {"better-auth": "1", "pg": "8"}}
    (app / "package.json").write_text(json.dumps(package))
    url = f"http://localhost:{port}"
    env = {**values, "BETTER_AUTH_URL": url, "PORT": str(port), "PATH": path_with_node()}
    with running(["node", "auth-server.mjs"], folder=there, env=env, log=tmp_path / "log") as process:
        wait_until(lambda: status_of(f"{url}/api/auth/ok") == 200, process=process, log=tmp_path / "log", seconds=60)
        yield url


def test_auth_inside_it_is_asked_at_the_deployment_and_with_its_origin(app: Path, deployed: str) -> None:
    settings = Settings(server=ServerSettings(ready="/api/auth/ok", timeout=30))
    with make_context(app, settings=settings, against=deployed) as ctx:
        responds, trusts = judge(auth_responds, ctx), judge(auth_trusts_origin, ctx)
    assert isinstance(responds, Passed), responds
    assert responds.summary.startswith(f"Better Auth answers at {deployed} ")
    assert isinstance(trusts, Passed), trusts
    assert trusts.summary == f"Better Auth at {deployed} accepts the app's origin {deployed}"
    assert trusts.findings[0].note.endswith("; --against")


# -- the command line


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("preview.example.com", "--against is not a valid http or https URL"),
        ("", "--against is not a valid http or https URL"),
        ("https://user:hunter2hunter2@preview.example.com", "holds a credential"),
        ("https://preview.example.com/?token=hunter2hunter2", "holds a query"),
        ("https://preview.example.com/hunter2hunter2", "holds a path"),
    ],
)
def test_a_url_that_is_none_is_a_usage_error_and_is_not_quoted(url: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        base_of(url)
    assert said in str(caught.value)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://preview-1.example.app", "https://preview-1.example.app"),
        ("HTTPS://Preview-1.Example.App:443/ ", "https://preview-1.example.app"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_the_base_of_a_url(url: str, base: str) -> None:
    assert base_of(url) == base


def test_a_user_sees_it(app: Path) -> None:
    small_app(app)
    run = [sys.executable, "-m", "infracheck.cli", "run", str(app), "--only", "server", "--format", "json"]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    with ExitStack() as stack:
        good = stack.enter_context(canned({"/": HTML}))
        bad = stack.enter_context(canned({"/": Canned(500)}))
        for preview, code in ((good.url, 0), (bad.url, 1), ("ftp://preview", 2)):
            command = [*run, "--against", preview]
            done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == code, done.stdout + done.stderr
    assert "--against is not a valid" in done.stderr
    assert done.stdout == ""
