"""Supabase Auth: the client and the verdict of auth-responds, against a stand-in held to the service's shapes."""

import secrets
from pathlib import Path

import pytest

from infracheck.checks.auth import auth_responds
from infracheck.clients.http import USER_AGENT, Http
from infracheck.clients.ports import free_port
from infracheck.clients.supabase_auth import PROBLEMS, ask, supabase_base
from infracheck.errors import ClientError
from infracheck.model import Blocked, Failed, Outcome, Passed, Skipped, Undecided
from infracheck.secret import Secret
from infracheck.settings import AuthSettings, Settings
from tests.helpers import judge, make_context, states, write
from tests.hostile import HTML, Canned, listening, silent
from tests.standins.supabase_auth import SupabaseAuth, supabase_auth

URL = "NEXT_PUBLIC_SUPABASE_URL"
KEY = "NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY"


def outcome_of(app: Path, **values: str) -> Outcome:
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    write(app, package__json='{"dependencies": {"@supabase/ssr": "1"}}', __env__local=lines)
    with make_context(app, settings=Settings(auth=AuthSettings(timeout=5))) as ctx:
        return judge(auth_responds, ctx)


def judged(app: Path, standin: SupabaseAuth, **changes: str) -> Outcome:
    return outcome_of(app, **{URL: standin.url, KEY: standin.key, **changes})


# -- the client


def test_health_and_settings_are_read_with_the_key_and_the_own_name() -> None:
    with supabase_auth("email", "google", signup=False) as standin:
        found = ask(Http(), f"{standin.url}/auth/v1", Secret(f"{standin.key} "), timeout=5)
    assert [(one.path, one.state, one.note) for one in found.probes] == [
        ("/health", "ANSWERS", "GoTrue v2.196.0"),
        ("/settings", "ANSWERS", "sign-in by email, google"),
    ]
    assert (found.ways, found.signup, found.first_problem) == (frozenset({"email", "google"}), False, None)
    assert standin.requests == ["/auth/v1/health", "/auth/v1/settings"]
    assert {headers["User-Agent"] for headers in standin.headers} == {USER_AGENT}


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("https://abc.supabase.co", "https://abc.supabase.co/auth/v1"),
        ("https://abc.supabase.co/", "https://abc.supabase.co/auth/v1"),
        ("https://abc.supabase.co/auth/v1/", "https://abc.supabase.co/auth/v1"),
        ("http://127.0.0.1:54321/base", "http://127.0.0.1:54321/base/auth/v1"),
    ],
)
def test_the_path_of_the_service_is_added_where_it_is_not_there(text: str, base: str) -> None:
    assert supabase_base(text, what=URL) == base


@pytest.mark.parametrize("text", ["abc.supabase.co", "https://u:p@abc.supabase.co", "https://abc.supabase.co?x=1"])
def test_a_url_that_is_none_is_named_and_not_quoted(text: str) -> None:
    with pytest.raises(ClientError) as caught:
        supabase_base(text, what=URL)
    assert caught.value.summary.startswith(URL)
    assert text not in caught.value.summary


# -- the verdict


@pytest.mark.green("auth-responds")
@pytest.mark.parametrize("url", [URL, "SUPABASE_URL", "VITE_SUPABASE_URL"])
@pytest.mark.parametrize("key", [KEY, "NEXT_PUBLIC_SUPABASE_ANON_KEY", "SUPABASE_ANON_KEY"])
def test_a_service_that_knows_the_key_and_sends_mail_passes(app: Path, url: str, key: str) -> None:
    with supabase_auth("email") as standin:
        outcome = outcome_of(app, **{url: standin.url, key: standin.key})
    assert isinstance(outcome, Passed)
    assert outcome.summary == f"Supabase Auth answers at {standin.url}, sign-in by e-mail is on"
    assert [(row.subject, row.state, row.where, row.level) for row in outcome.findings] == [
        ("/health", "ANSWERS", ".env.local:1", "info"),
        ("/settings", "ANSWERS", ".env.local:1", "info"),
    ]
    assert standin.key not in repr(outcome)


def test_the_variables_alone_make_it_apply(app: Path) -> None:
    with supabase_auth("email", signup=False) as standin:
        write(app, __env__local=f"SUPABASE_URL={standin.url}\nSUPABASE_ANON_KEY={standin.key}\n")
        with make_context(app) as ctx:
            outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Passed)
    assert [(row.subject, row.state, row.level) for row in outcome.findings[2:]] == [("sign-up", "OFF", "info")]


def test_the_settings_name_provider_and_variable(app: Path) -> None:
    settings = Settings(auth=AuthSettings(provider="supabase", url="BACKEND"))
    with supabase_auth("email") as standin:
        write(app, __env__local=f"BACKEND={standin.url}\n{KEY}={standin.key}\nBETTER_AUTH_URL=http://localhost:1\n")
        with make_context(app, settings=settings) as ctx:
            assert isinstance(judge(auth_responds, ctx), Passed)


@pytest.mark.red("auth-responds")
@pytest.mark.parametrize(("ways", "said"), [((), "no way at all"), (("google", "github"), "by github, google only")])
def test_without_sign_in_by_mail_it_fails(app: Path, ways: tuple[str, ...], said: str) -> None:
    with supabase_auth(*ways) as standin:
        outcome = judged(app, standin)
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"Supabase Auth answers at {standin.url}, but sign-in by e-mail is off ({said})"
    assert outcome.remedy.startswith("turn Email on in Supabase's dashboard")
    assert outcome.reproduce == f'curl -i -H "apikey: ${KEY}" {standin.url}/auth/v1/settings'
    assert states(outcome.findings) == {"/health": "ANSWERS", "/settings": "ANSWERS", "email": "OFF"}


def test_one_time_passwords_by_phone_alone_are_warned_of(app: Path) -> None:
    with supabase_auth("phone") as standin:
        outcome = judged(app, standin)
    assert isinstance(outcome, Passed)
    assert outcome.summary.endswith("sign-in by e-mail is off, by phone on")
    assert [(row.subject, row.level) for row in outcome.findings if row.state == "OFF"] == [("email", "warn")]


@pytest.mark.red("auth-responds")
def test_a_key_of_another_project_fails(app: Path) -> None:
    key = f"sb_publishable_{secrets.token_hex(12)}"
    with supabase_auth("email") as standin:
        outcome = judged(app, standin, **{KEY: key})
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"{standin.url} refuses the key (401: Invalid API key)"
    assert outcome.remedy.endswith(f"API Keys ({URL}, .env.local:1; {KEY}, .env.local:2)")
    assert states(outcome.findings) == {"/health": "KEY REFUSED", KEY: "REFUSED"}
    assert key not in repr(outcome)


ERROR_PAGE = "<!doctype html><title>Web server is down</title>"
ROWS: dict[str, tuple[Canned, str]] = {
    "KEY REFUSED": (Canned(403, {"message": "disabled"}), "{url} refuses the key (403: disabled)"),
    "DENIED": (Canned(403, ERROR_PAGE), "{path} shows a page that denies access (403: Web server is down)"),
    "PAUSED": (Canned(540, ERROR_PAGE), "the Supabase project at {url} is paused (540)"),
    "RESTRICTED": (Canned(402, {"message": "quota"}), "Supabase restricts the project at {url} (402: quota)"),
    "DOWN": (
        Canned(521, ERROR_PAGE),
        "{path} answers with an error page in place of the service (521: Web server is down)",
    ),
    "ERROR": (Canned(503, "upstream connect error"), "{path} fails with 503: upstream connect error"),
    "LIMITED": (Canned(429, "", {"Retry-After": "7"}), "{path} takes no more requests now (429)"),
    "MISSING": (Canned(404), "{url} has no /auth/v1/{last} (404)"),
    "REDIRECTS": (Canned(307, "", {"Location": "/login?next=x"}), "{path} redirects to {url}/login (307)"),
    "WEB PAGE": (HTML, "a web page answers at {path}, not Supabase Auth"),
    "OTHER SERVICE": (Canned(200, {"ok": True}), "another service than Supabase Auth answers at {path}"),
    "UNEXPECTED": (Canned(418, "teapot"), "{path} answers 418: teapot"),
}


def test_every_problem_has_its_row() -> None:
    assert set(ROWS) == set(PROBLEMS)


@pytest.mark.red("auth-responds")
@pytest.mark.parametrize("last", ["health", "settings"])
@pytest.mark.parametrize("state", ROWS)
def test_each_answer_has_its_verdict(app: Path, state: str, last: str) -> None:
    answer, summary = ROWS[state]
    with supabase_auth("email") as standin:
        standin.fail(f"/auth/v1/{last}", answer)
        outcome = judged(app, standin)
    expected = summary.format(url=standin.url, path=f"{standin.url}/auth/v1/{last}", last=last)
    remedy = PROBLEMS[state][2].format(wait="7 seconds")
    if state == "LIMITED":
        assert isinstance(outcome, Undecided)
        assert outcome.reason == expected
    else:
        assert isinstance(outcome, Failed)
        assert outcome.summary == expected
    assert outcome.remedy.startswith(f"{remedy} ({URL}, .env.local:1")
    assert states(outcome.findings)[f"/{last}"] == state


@pytest.mark.parametrize("body", [[], None, "null", {"external": []}, {"external": None}])
def test_settings_of_another_shape_are_of_another_service(app: Path, body: object) -> None:
    with supabase_auth("email") as standin:
        standin.fail("/auth/v1/settings", Canned(200, body))
        outcome = judged(app, standin)
    assert isinstance(outcome, Failed)
    assert states(outcome.findings)["/settings"] == "OTHER SERVICE"


def test_a_service_that_is_not_there_fails_and_a_silent_one_is_open(app: Path) -> None:
    port = free_port()
    outcome = outcome_of(app, **{URL: f"http://localhost:{port}", KEY: "sb_publishable_x"})
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"nothing listens at http://localhost:{port} (connection refused)"
    write(app, __env__local=f"{KEY}=sb_publishable_x\n")
    settings = Settings(auth=AuthSettings(timeout=0.3))
    with listening(silent) as port:
        process = {URL: f"http://127.0.0.1:{port}"}
        with make_context(app, settings=settings, process=process) as ctx:
            outcome = judge(auth_responds, ctx)
    assert isinstance(outcome, Undecided)
    assert outcome.remedy.endswith(f"({URL}, process environment)")


# -- variables that are not there


def test_a_project_that_nothing_names_fails(app: Path) -> None:
    outcome = outcome_of(app)
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"{URL} is MISSING: nothing says where the Supabase project is"
    assert states(outcome.findings) == {URL: "MISSING"}


def test_a_key_that_nothing_names_fails(app: Path) -> None:
    outcome = outcome_of(app, **{URL: "http://localhost:1"})
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"{KEY} is MISSING: Supabase answers nobody without its publishable key"
    assert states(outcome.findings) == {KEY: "MISSING"}


def test_a_malformed_url_fails(app: Path) -> None:
    outcome = outcome_of(app, **{URL: "abc.supabase.co", KEY: "sb_publishable_x"})
    assert isinstance(outcome, Failed)
    assert states(outcome.findings) == {URL: "MALFORMED"}


def test_named_variables_without_value_are_what_env_filled_reports(app: Path) -> None:
    assert outcome_of(app, **{URL: "", KEY: ""}) == Blocked("env-filled", f"{URL} is EMPTY")
    assert outcome_of(app, **{URL: "http://localhost:1", KEY: ""}) == Blocked("env-filled", f"{KEY} is EMPTY")
    write(app, __env__local__example=f"# Optional: sign-in\n{URL}=\n{KEY}=\n")
    assert isinstance(outcome_of(app), Skipped)
