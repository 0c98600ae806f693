"""The gate on an app with Neon's own SDK, pointed at a real Better Auth that is set up as Neon Auth is."""

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from infracheck.checks.auth import auth_responds
from infracheck.checks.auth_login import auth_otp_login
from infracheck.checks.auth_origin import auth_trusts_origin
from infracheck.clients.otp import Login
from infracheck.clients.otpshapes import Service, Session
from infracheck.clients.otpstore import Store
from infracheck.context import Context
from infracheck.model import Failed, Passed
from infracheck.secret import Secret
from infracheck.settings import ServerSettings, Settings
from tests.clients.test_otp import rows, run
from tests.components import neon_auth_app
from tests.components.better_auth import better_auth
from tests.components.next_notes import SCHEMA
from tests.components.node import path_with_node
from tests.components.ports import free_port
from tests.helpers import make_context, results, write

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(600)]
CHECKS = (auth_responds, auth_trusts_origin, auth_otp_login)


@pytest.fixture(scope="module")
def neon_app() -> Iterator[Path]:
    with neon_auth_app.working_copy() as folder:
        yield folder


@contextmanager
def context(folder: Path, base: str, database: str, port: int, *, secret: str | None = None) -> Iterator[Context]:
    values = {
        "DATABASE_URL": database,
        "NEON_AUTH_BASE_URL": base,
        "NEON_AUTH_COOKIE_SECRET": secrets.token_hex(16) if secret is None else secret,
        "APP_URL": f"http://localhost:{port}",
    }
    write(folder, __env__local="".join(f"{name}={value}\n" for name, value in values.items()))
    settings = Settings(server=ServerSettings(timeout=180, port=port))
    with make_context(folder, settings=settings, process={"PATH": path_with_node()}) as ctx:
        yield ctx


def page(ctx: Context, headers: dict[str, str]) -> str:
    answer = ctx.http.request("GET", ctx.server.boot.url, timeout=60, headers=headers)
    assert answer.status == 200
    return answer.text


@contextmanager
def signed_in_through(proxy: str, ctx: Context, database: str) -> Iterator[Session]:
    """Log in at the app's own route, which passes it on."""
    store = Store.open(Secret(database), timeout=10, tell=lambda _: None, neon=True)
    login = Login(ctx.http, store, Service(proxy, f"http://localhost:{ctx.server.port}", neon=True, timeout=60))
    with closing(login):
        yield login.user


def test_the_checks_pass_and_the_app_knows_who_is_signed_in(neon_app: Path, tmp_path: Path, database: str) -> None:
    port = free_port()
    run(database, "CREATE SCHEMA neon_auth")
    inside = f"{database}{'&' if '?' in database else '?'}options=-c%20search_path%3Dneon_auth"
    run(inside, SCHEMA.read_text(encoding="utf-8"))
    service = better_auth(
        tmp_path,
        database_url=inside,
        secret=secrets.token_hex(16),
        app_origin=f"http://localhost:{port}",
        neonCookies=True,
    )
    with service as base:
        with context(neon_app, base, database, port) as ctx:
            found = results(CHECKS, ctx)
            assert {name: type(one.outcome) for name, one in found.items()} == {one.id: Passed for one in CHECKS}
            before = rows(inside)
            user, other = ctx.login.user, ctx.login.other
            assert user.cookie.startswith("__Secure-neon-auth.session_token=")
            assert ctx.server.boot.ok, ctx.server.boot.summary
            assert "You are signed out." in page(ctx, {})
            assert f"Signed in as {user.email}" in page(ctx, user.headers)
            assert f"Signed in as {other.email}" in page(ctx, other.headers)
            proxy = f"{ctx.server.boot.url.rstrip('/')}/api/auth"
            answer = ctx.http.request("GET", f"{proxy}/get-session", timeout=60, headers=user.headers).json()
            assert answer["user"]["email"] == user.email
            with signed_in_through(proxy, ctx, database) as session:
                assert f"Signed in as {session.email}" in page(ctx, session.headers)
        assert rows(inside) == before


def test_a_short_cookie_secret_is_named_before_the_app_breaks_at_it(
    neon_app: Path, tmp_path: Path, database: str
) -> None:
    run(database, SCHEMA.read_text(encoding="utf-8"))
    port = free_port()
    service = better_auth(
        tmp_path, database_url=database, secret=secrets.token_hex(16), app_origin=f"http://localhost:{port}"
    )
    with service as base, context(neon_app, base, database, port, secret=secrets.token_hex(8)) as ctx:
        outcome = results([auth_responds], ctx)["auth-responds"].outcome
        assert isinstance(outcome, Failed)
        assert "NEON_AUTH_COOKIE_SECRET is too short" in outcome.summary
        answer = ctx.http.request("GET", f"{ctx.server.boot.url.rstrip('/')}/", timeout=60)
        assert answer.status == 500
        assert "cookies.secret must be at least 32 characters" in answer.text
