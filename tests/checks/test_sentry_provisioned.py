"""sentry-provisioned, against a stand-in of Sentry's web API: a test for each rung, and for each way to miss it."""

import secrets
from pathlib import Path
from typing import Any

import pytest

from infracheck.checks.sentry_provisioned import sentry_provisioned
from infracheck.clients.ports import free_port
from infracheck.model import Blocked, Failed, Outcome, Passed, Skipped, Undecided
from infracheck.settings import SentrySettings, Settings
from tests.helpers import judge, make_context, states
from tests.hostile import HTML, Canned, canned, listening, silent
from tests.standins.sentry import CI, WHOLE, Project, Sentry, organization_token, sentry

NAMES = ("NEXT_PUBLIC_SENTRY_DSN", "SENTRY_AUTH_TOKEN", "SENTRY_ORG", "SENTRY_PROJECT")
DSN, TOKEN, ORG, PROJECT = NAMES
KEY = secrets.token_hex(16)
HIDDEN = "NOT VERIFIABLE"


@pytest.fixture
def web(app: Path) -> Path:
    """An app that uses Sentry."""
    (app / "package.json").write_text('{"dependencies": {"@sentry/nextjs": "11.0.0"}}')
    (app / ".env.local.example").write_text("".join(f"{name}=\n" for name in NAMES))
    return app


def ask(app: Path, values: dict[str, str], *, settings: Settings | None = None) -> Outcome:
    """Return the outcome for these values in .env.local."""
    (app / ".env.local").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    with make_context(app, settings=settings) as ctx:
        outcome = judge(sentry_provisioned, ctx)
    assert values.get(TOKEN, "-") not in repr(outcome) or not values[TOKEN]
    return outcome


def right(standin: Sentry, **changes: str) -> dict[str, str]:
    return {DSN: standin.dsn(), TOKEN: standin.key, ORG: "acme", PROJECT: "web", **changes}


def asked(app: Path, standin: Sentry, **changes: str) -> Outcome:
    return ask(app, right(standin, **changes))


def failed(outcome: Outcome, state: str, subject: str) -> Failed:
    assert isinstance(outcome, Failed), outcome
    assert states(tuple(one for one in outcome.findings if one.level == "fail"))[subject] == state
    assert outcome.reproduce == "infracheck run --only sentry-provisioned"
    return outcome


def undecided(outcome: Outcome) -> Undecided:
    assert isinstance(outcome, Undecided), outcome
    return outcome


def passed(outcome: Outcome) -> Passed:
    assert isinstance(outcome, Passed), outcome
    return outcome


# -- does it apply


def test_an_app_without_sentry_is_skipped(app: Path) -> None:
    (app / "package.json").write_text("{}")
    with make_context(app) as ctx:
        assert isinstance(judge(sentry_provisioned, ctx), Skipped)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_is_left_to_the_check_of_it(web: Path, name: str) -> None:
    with sentry() as standin:
        assert asked(web, standin, **{name: ""}) == Blocked("env-filled", f"{name} is EMPTY")
        assert standin.requests == []


@pytest.mark.parametrize("name", NAMES)
def test_an_excused_variable_skips_it(web: Path, name: str) -> None:
    (web / ".env.local.example").write_text("".join(f"# Optional\n{one}=\n" for one in NAMES))
    with sentry() as standin:
        outcome = asked(web, standin, **{name: ""})
    assert isinstance(outcome, Skipped)
    assert outcome.reason.startswith(f"{name} is EMPTY and marked optional (.env.local.example:")


def test_a_malformed_dsn_is_left_to_the_check_of_it(web: Path) -> None:
    with sentry() as standin:
        outcome = asked(web, standin, **{DSN: "not-a-dsn"})
    assert outcome == Blocked("sentry-configured", f"{DSN} is MALFORMED")


def test_a_server_without_that_part_of_the_api_is_skipped(web: Path) -> None:
    """Bugsink knows the token, and no organisation, project or key."""
    root = Canned(200, {"version": "0", "auth": {"scopes": ["org:ci"]}, "user": None})
    page = Canned(404, "<h1>Not Found</h1>", {"Content-Type": "text/html"})
    with canned({"/api/0/": root}, default=page) as server:
        dsn = server.url.replace("//", f"//{KEY}@") + "/1"
        outcome = ask(web, {DSN: dsn, TOKEN: secrets.token_hex(20), ORG: "acme", PROJECT: "web"})
    assert isinstance(outcome, Skipped)
    assert "does not have this part of Sentry's web API" in outcome.reason
    assert outcome.reason.endswith("so acme/web cannot be looked up")


# -- all four rungs


@pytest.mark.green("sentry-provisioned")
def test_a_token_that_sees_all_proves_all(web: Path) -> None:
    with sentry() as standin:
        outcome = passed(asked(web, standin))
    assert outcome.summary == "Sentry knows project acme/web, and NEXT_PUBLIC_SENTRY_DSN is an active key of it"
    subjects = (TOKEN, "project acme/web", "organisation acme", DSN)
    assert states(outcome.findings) == dict.fromkeys(subjects, "PRESENT")
    assert {one.level for one in outcome.findings} == {"info"}
    assert outcome.findings[0].note == f"may do {', '.join(WHOLE)}; asked at {standin.url} (by the DSN)"
    assert outcome.findings[3].where == ".env.local:1"


@pytest.mark.parametrize("hidden", ["org:read", "project:read"])
def test_each_rung_that_a_token_may_not_see_is_told(web: Path, hidden: str) -> None:
    scopes = tuple(one for one in (*WHOLE, "org:ci") if one != hidden)
    with sentry(scopes=scopes) as standin:
        outcome = passed(asked(web, standin))
    told = states(tuple(one for one in outcome.findings if one.level == "warn"))
    assert told == {"organisation acme" if hidden == "org:read" else DSN: HIDDEN}
    assert outcome.summary == "Sentry knows project acme/web; 1 of 4 answers are not verifiable with this token"


def test_an_organization_token_proves_the_project_alone(web: Path) -> None:
    with sentry(scopes=CI) as standin:
        standin.key = organization_token(region_url=standin.url)
        outcome = passed(asked(web, standin))
    assert outcome.summary == "Sentry knows project acme/web; 2 of 4 answers are not verifiable with this token"
    assert states(outcome.findings) == {
        TOKEN: "PRESENT",
        "project acme/web": "PRESENT",
        "organisation acme": HIDDEN,
        DSN: HIDDEN,
    }
    assert "You do not have permission" in outcome.findings[3].note
    assert outcome.findings[3].note.endswith("a token with org:read and project:read shows it")
    assert "(by the token)" in outcome.findings[0].note


def test_the_token_may_stand_where_the_wizard_puts_it(web: Path) -> None:
    with sentry() as standin:
        (web / ".env.sentry-build-plugin").write_text(f"SENTRY_AUTH_TOKEN={standin.key}\n")
        passed(asked(web, standin, **{TOKEN: ""}))


@pytest.mark.parametrize("where", ["setting", "variable"])
def test_the_address_may_be_set(web: Path, where: str) -> None:
    """The DSN leads to a server that is not there; it is not asked."""
    gone = f"http://127.0.0.1:{free_port()}"
    with sentry() as standin:
        values = right(standin, **{DSN: standin.dsn().replace(standin.url.partition("//")[2], gone.partition("//")[2])})
        if where == "setting":
            settings = Settings(sentry=SentrySettings(url=standin.url + "/"))
            outcome = passed(ask(web, {**values, "SENTRY_URL": gone}, settings=settings))
        else:
            outcome = passed(ask(web, {**values, "SENTRY_URL": standin.url}))
    assert f"(by {'[sentry] url' if where == 'setting' else 'SENTRY_URL'})" in outcome.findings[0].note


# -- rung 1: the token


@pytest.mark.red("sentry-provisioned")
def test_a_refused_token_fails(web: Path) -> None:
    with sentry() as standin:
        outcome = failed(asked(web, standin, **{TOKEN: secrets.token_hex(32)}), "REFUSED", TOKEN)
        assert standin.requests == ["/api/0/"]
    assert outcome.summary == "Sentry refuses SENTRY_AUTH_TOKEN (401): Invalid token"
    assert outcome.remedy == "put a valid key into SENTRY_AUTH_TOKEN: Sentry: Settings, Organization Tokens"
    assert outcome.findings[-1].where == ".env.local:2"


def test_a_server_that_takes_no_notice_of_the_token_fails(web: Path) -> None:
    with sentry() as standin:
        standin.logged_in = False
        outcome = failed(asked(web, standin), "NOT LOGGED IN", TOKEN)
    assert "answers as if nobody had logged in" in outcome.summary


def test_a_token_of_another_organisation_fails_without_a_question(web: Path) -> None:
    with sentry() as standin:
        token = organization_token("north", region_url=standin.url)
        outcome = failed(asked(web, standin, **{TOKEN: token}), "OTHER ORGANISATION", TOKEN)
        assert standin.requests == []
    assert outcome.summary == "SENTRY_AUTH_TOKEN is a token of organisation north, not of SENTRY_ORG acme"
    assert outcome.remedy.startswith("put a token of acme into SENTRY_AUTH_TOKEN (.env.local:2)")


def test_a_token_that_no_header_can_hold_fails(web: Path) -> None:
    with sentry() as standin:
        failed(asked(web, standin, **{TOKEN: "'two words'"}), "MALFORMED", TOKEN)


# -- rung 2: organisation and project


def test_a_project_that_is_not_there_fails(web: Path) -> None:
    with sentry() as standin:
        outcome = failed(asked(web, standin, **{PROJECT: "shop"}), "NOT FOUND", PROJECT)
    assert outcome.summary == "Sentry knows no project shop in organisation acme (404)"
    assert states(outcome.findings)["organisation acme"] == "PRESENT"
    assert "into SENTRY_PROJECT, or create the project" in outcome.remedy


def test_a_project_that_is_not_there_fails_for_an_organization_token_too(web: Path) -> None:
    with sentry(scopes=CI) as standin:
        outcome = failed(asked(web, standin, **{PROJECT: "shop"}), "NOT FOUND", PROJECT)
    assert states(outcome.findings)["organisation acme"] == HIDDEN


def test_an_organisation_that_is_not_there_fails(web: Path) -> None:
    with sentry() as standin:
        outcome = failed(asked(web, standin, **{ORG: "north"}), "NOT FOUND", ORG)
    assert outcome.summary == "Sentry knows no organisation north (404)"
    assert outcome.remedy.endswith("into SENTRY_ORG")


def test_a_renamed_project_fails_with_its_new_slug(web: Path) -> None:
    with sentry(Project(42, "website")) as standin:
        standin.renamed["web"] = "website"
        outcome = failed(asked(web, standin), "RENAMED", PROJECT)
        assert len(standin.requests) == 2
    assert outcome.summary == "project acme/web has another slug now: website (302)"
    assert outcome.remedy == "put website into SENTRY_PROJECT"


def test_a_token_that_sees_neither_project_nor_releases_leaves_it_open(web: Path) -> None:
    with sentry(scopes=("team:read",)) as standin:
        outcome = undecided(asked(web, standin))
    assert outcome.reason.startswith("SENTRY_AUTH_TOKEN may see neither project acme/web nor its releases (403)")
    assert states(outcome.findings) == {TOKEN: "PRESENT", "project acme/web": HIDDEN, "organisation acme": HIDDEN}
    assert "org:read and project:read" in outcome.remedy


# -- rung 3: the region


def test_a_dsn_of_another_region_than_the_organisation_fails(web: Path) -> None:
    """An organisation of the EU, and a DSN that sends to the host of the US."""
    key = secrets.token_hex(16)
    with sentry(Project(42, "web", {key: True})) as standin:
        standin.region = "https://de.sentry.io"
        dsn = f"https://{key}@o1.ingest.us.sentry.io/42"
        outcome = failed(asked(web, standin, **{DSN: dsn, "SENTRY_URL": standin.url}), "OTHER REGION", DSN)
    assert outcome.summary == (
        "organisation acme is kept in region de, but NEXT_PUBLIC_SENTRY_DSN sends to region us, "
        "which does not take its events"
    )
    assert outcome.remedy.startswith("copy the DSN of acme/web into NEXT_PUBLIC_SENTRY_DSN (.env.local:1)")


def test_a_dsn_of_the_same_region_passes(web: Path) -> None:
    key = secrets.token_hex(16)
    with sentry(Project(42, "web", {key: True})) as standin:
        standin.region = "https://de.sentry.io"
        dsn = f"https://{key}@o1.ingest.de.sentry.io/42"
        passed(asked(web, standin, **{DSN: dsn, "SENTRY_URL": standin.url}))


# -- rung 4: the key of the DSN


def test_a_key_of_another_project_fails(web: Path) -> None:
    with sentry(Project(42, "web"), Project(43, "shop")) as standin:
        outcome = failed(asked(web, standin, **{DSN: standin.dsn(1)}), "OTHER PROJECT", DSN)
    assert outcome.summary == "acme/web is project 42, but NEXT_PUBLIC_SENTRY_DSN sends to 43"
    assert "or correct SENTRY_PROJECT (.env.local:4)" in outcome.remedy


def test_a_key_that_is_none_of_the_project_fails(web: Path) -> None:
    with sentry() as standin:
        dsn = standin.url.replace("//", f"//{KEY}@") + "/42"
        outcome = failed(asked(web, standin, **{DSN: dsn}), "OTHER PROJECT", DSN)
    assert outcome.summary == "the key of NEXT_PUBLIC_SENTRY_DSN is none of the 1 of project acme/web"
    assert KEY not in repr(outcome)


def test_a_key_that_is_switched_off_fails(web: Path) -> None:
    with sentry(Project(42, "web", {KEY: False, secrets.token_hex(16): True})) as standin:
        outcome = failed(asked(web, standin), "INACTIVE", DSN)
    assert outcome.summary.endswith("is switched off in project acme/web: its events are dropped")
    assert "switch the key on" in outcome.remedy


def test_a_key_beyond_the_first_page_is_not_verifiable(web: Path) -> None:
    with sentry(Project(42, "web", {secrets.token_hex(16): True for _ in range(100)})) as standin:
        dsn = standin.url.replace("//", f"//{KEY}@") + "/42"
        outcome = passed(asked(web, standin, **{DSN: dsn}))
    assert states(outcome.findings)[DSN] == HIDDEN


# -- answers that are none


PLACES = ["/api/0/", "/api/0/projects/acme/web/", "/api/0/organizations/acme/", "/api/0/projects/acme/web/keys/"]
UNUSABLE: dict[str, tuple[Any, str, str]] = {
    "HTML": (HTML, "WEB PAGE", "a web page answers at"),
    "no JSON": (Canned(200, "OK"), "NOT JSON", "is not JSON"),
    "another shape": (Canned(200, "7"), "INCOMPLETE", "in a form that infracheck does not know"),
    "500": (500, "FAILS", "Sentry fails at the question for"),
    "429": (Canned(429, {"detail": "slow down"}, {"Retry-After": "3600"}), "LIMITED", "takes no more requests"),
    "redirect": (Canned(302, "", {"Location": "https://elsewhere.example/"}), "REDIRECTS", "is not sent there"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_answer_leaves_each_rung_open(web: Path, kind: str, place: str) -> None:
    answer, state, words = UNUSABLE[kind]
    with sentry() as standin:
        standin.fail(place, answer)
        outcome = undecided(asked(web, standin))
    assert words in outcome.reason
    assert [one.state for one in outcome.findings if one.level == "fail"] == [state]
    assert len(outcome.findings) == 1 + PLACES.index(place)
    assert outcome.remedy


def test_a_redirect_never_gets_the_token(web: Path) -> None:
    with canned({}) as other, sentry() as standin:
        standin.fail("/api/0/projects/acme/web/", Canned(301, "", {"Location": f"{other.url}/api/0/"}))
        outcome = undecided(asked(web, standin))
    assert other.requests == []
    assert other.url in outcome.reason


def test_a_limit_that_ends_soon_is_waited_for(web: Path) -> None:
    with sentry() as standin:
        standin.fail("/api/0/", Canned(429, {"detail": "slow down"}, {"Retry-After": "0"}), times=2)
        passed(asked(web, standin))


def test_a_silent_server_ends_within_the_budget(web: Path) -> None:
    settings = Settings(sentry=SentrySettings(timeout=0.2))
    with listening(silent) as port:
        url = f"http://127.0.0.1:{port}"
        dsn = f"http://{KEY}@127.0.0.1:{port}/1"
        outcome = undecided(ask(web, {DSN: dsn, TOKEN: "0" * 64, ORG: "acme", PROJECT: "web"}, settings=settings))
    assert outcome.reason == f"Sentry could not be asked for the token: {url} gave no complete answer within 0.2 s"


def test_a_server_that_is_down_leaves_it_open(web: Path) -> None:
    dsn = f"http://{KEY}@127.0.0.1:{free_port()}/1"
    outcome = undecided(ask(web, {DSN: dsn, TOKEN: "0" * 64, ORG: "acme", PROJECT: "web"}))
    assert "nothing listens at" in outcome.reason


def test_an_unencrypted_address_is_not_asked(web: Path) -> None:
    with sentry() as standin:
        outcome = failed(asked(web, standin, SENTRY_URL="http://sentry.example.com"), "MALFORMED", "SENTRY_URL")
        assert standin.requests == []
    assert "would go there unencrypted" in outcome.summary
