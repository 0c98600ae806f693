"""sentry-configured and sentry-receives, against a real Sentry-compatible server."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from infracheck.checks.sentry import sentry_configured, sentry_receives
from infracheck.clients.ports import free_port
from infracheck.config import SentrySettings, Settings
from infracheck.model import Blocked, Check, Failed, Passed, Skipped, Undecided
from tests.components.bugsink import Bugsink
from tests.components.bugsink import bugsink as run_bugsink
from tests.helpers import judge, make_context, results, states
from tests.hostile import HTML, Canned, canned, listening, silent

KEY = secrets.token_hex(16)
GOOD = f"https://{KEY}@o123.ingest.us.sentry.io/42"
NAMES = ("NEXT_PUBLIC_SENTRY_DSN", "SENTRY_AUTH_TOKEN", "SENTRY_ORG", "SENTRY_PROJECT")
BUILD = {"SENTRY_AUTH_TOKEN": secrets.token_hex(32), "SENTRY_ORG": "acme", "SENTRY_PROJECT": "web"}


@pytest.fixture(scope="module")
def bugsink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bugsink]:
    with run_bugsink(tmp_path_factory.mktemp("bugsink")) as server:
        yield server


@pytest.fixture
def sentry_app(app: Path) -> Path:
    """An app that uses Sentry, with an example and no values."""
    (app / "package.json").write_text('{"dependencies": {"@sentry/nextjs": "11.0.0"}}')
    (app / ".env.local.example").write_text("".join(f"{name}=\n" for name in NAMES))
    return app


def fill(app: Path, dsn: str = GOOD, **others: str) -> Path:
    """Write .env.local; a value of None leaves the variable out."""
    values = {"NEXT_PUBLIC_SENTRY_DSN": dsn, **BUILD, **others}
    (app / ".env.local").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return app


def below(url: str) -> str:
    """Return the DSN of project 1 of a server."""
    return url.replace("//", f"//{KEY}@") + "/1"


# -- does it apply


@pytest.mark.parametrize("one", [sentry_configured, sentry_receives])
def test_an_app_without_sentry_is_skipped(app: Path, one: Check) -> None:
    (app / "package.json").write_text('{"dependencies": {"next": "16.0.0"}}')
    (app / ".env.local.example").write_text("DATABASE_URL=\n")
    with make_context(app) as ctx:
        reason = "the app does not use Sentry: no @sentry/ package, and no variable with SENTRY in its name"
        assert judge(one, ctx) == Skipped(reason)


def test_a_variable_alone_makes_it_apply(app: Path) -> None:
    (app / ".env.local.example").write_text("SENTRY_DSN=\n")
    with make_context(app) as ctx:
        assert isinstance(judge(sentry_configured, ctx), Failed)


# -- sentry-configured


@pytest.mark.green("sentry-configured")
def test_four_filled_variables_pass(sentry_app: Path) -> None:
    with make_context(fill(sentry_app)) as ctx:
        outcome = judge(sentry_configured, ctx)
    assert isinstance(outcome, Passed)
    assert outcome.summary == (
        "the DSN is well formed (o123.ingest.us.sentry.io, project 42), 3 of 3 build variables are filled"
    )
    assert states(outcome.findings) == dict.fromkeys(NAMES, "FILLED")
    assert [finding.where for finding in outcome.findings] == [f".env.local:{line}" for line in (1, 2, 3, 4)]
    assert KEY not in repr(outcome)


@pytest.mark.red("sentry-configured")
@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_fails_by_name_and_line(sentry_app: Path, name: str) -> None:
    values = {"NEXT_PUBLIC_SENTRY_DSN": GOOD, **BUILD, name: ""}
    (sentry_app / ".env.local").write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    with make_context(sentry_app) as ctx:
        outcome = judge(sentry_configured, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"{name} has no value"
    assert outcome.remedy.startswith(f"fill {name} in .env.local")
    finding = next(finding for finding in outcome.findings if finding.level == "fail")
    assert (finding.subject, finding.state) == (name, "EMPTY")
    assert finding.where == f".env.local:{NAMES.index(name) + 1}"
    assert "Sentry" in finding.note or "slug" in finding.note


def test_a_package_without_any_variable_misses_all_four(app: Path) -> None:
    (app / "package.json").write_text('{"devDependencies": {"@sentry/react": "11.0.0"}}')
    with make_context(app) as ctx:
        outcome = judge(sentry_configured, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary == "4 of 4 Sentry variables have no value"
    assert states(outcome.findings) == dict.fromkeys(NAMES, "MISSING")


def test_a_missing_variable_points_to_the_line_of_the_example(sentry_app: Path) -> None:
    with make_context(sentry_app) as ctx:
        outcome = judge(sentry_configured, ctx)
    assert isinstance(outcome, Failed)
    assert [finding.where for finding in outcome.findings] == [f".env.local.example:{line}" for line in (1, 2, 3, 4)]


def test_an_optional_variable_is_excused_with_its_line(sentry_app: Path) -> None:
    example = "NEXT_PUBLIC_SENTRY_DSN=\n# Optional: source maps\nSENTRY_AUTH_TOKEN=\nSENTRY_ORG=\nSENTRY_PROJECT=\n"
    (sentry_app / ".env.local.example").write_text(example)
    with make_context(fill(sentry_app, SENTRY_AUTH_TOKEN="")) as ctx:
        outcome = judge(sentry_configured, ctx)
    assert isinstance(outcome, Passed)
    token = outcome.findings[1]
    assert (token.subject, token.state, token.level) == ("SENTRY_AUTH_TOKEN", "OPTIONAL", "info")
    assert token.note == "EMPTY, and .env.local.example:3 says: Optional: source maps"


def test_an_optional_dsn_without_value_skips_both(sentry_app: Path) -> None:
    (sentry_app / ".env.local.example").write_text("".join(f"# Optional\n{name}=\n" for name in NAMES))
    with make_context(sentry_app) as ctx:
        found = results([sentry_configured, sentry_receives], ctx)
    excuse = "NEXT_PUBLIC_SENTRY_DSN is MISSING and marked optional (.env.local.example:2: Optional)"
    assert {result.outcome for result in found.values()} == {Skipped(excuse)}


def test_the_token_may_stand_where_the_wizard_puts_it(sentry_app: Path) -> None:
    fill(sentry_app, SENTRY_AUTH_TOKEN="")
    (sentry_app / ".env.sentry-build-plugin").write_text(f"# Sentry\nSENTRY_AUTH_TOKEN={secrets.token_hex(32)}\n")
    with make_context(sentry_app) as ctx:
        outcome = judge(sentry_configured, ctx)
    assert isinstance(outcome, Passed)
    assert outcome.findings[1].where == ".env.sentry-build-plugin:2"


def test_values_of_a_job_come_from_its_environment(sentry_app: Path) -> None:
    with make_context(sentry_app, process={"SENTRY_DSN": GOOD, **BUILD}) as ctx:
        outcome = judge(sentry_configured, ctx)
    assert isinstance(outcome, Passed)
    assert states(outcome.findings) == dict.fromkeys(("SENTRY_DSN", *NAMES[1:]), "FILLED")
    assert {finding.note for finding in outcome.findings} == {"process environment"}


def test_a_malformed_dsn_tells_every_defect_and_not_itself(sentry_app: Path) -> None:
    with make_context(fill(sentry_app, dsn=f"http://{KEY}@sentry.io/project")) as ctx:
        outcome = judge(sentry_configured, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary == (
        "NEXT_PUBLIC_SENTRY_DSN is malformed: what it ends in is not a project number; "
        "sentry.io is asked with http instead of https; its host is not like o123.ingest.us.sentry.io"
    )
    assert states(outcome.findings)["NEXT_PUBLIC_SENTRY_DSN"] == "MALFORMED"
    assert outcome.remedy.startswith("copy NEXT_PUBLIC_SENTRY_DSN again")
    assert KEY not in repr(outcome)


def test_a_dsn_with_a_secret_key_warns(sentry_app: Path) -> None:
    with make_context(fill(sentry_app, dsn=f"https://{KEY}:{KEY}@errors.example.com/1")) as ctx:
        outcome = judge(sentry_configured, ctx)
    assert isinstance(outcome, Passed)
    assert (outcome.findings[0].state, outcome.findings[0].level) == ("OLD FORM", "warn")


# -- sentry-receives


@pytest.mark.green("sentry-receives")
def test_an_event_is_accepted_by_the_real_server(sentry_app: Path, bugsink: Bugsink) -> None:
    with make_context(fill(sentry_app, dsn=bugsink.dsn)) as ctx:
        outcome = judge(sentry_receives, ctx)
    assert isinstance(outcome, Passed)
    finding = outcome.findings[0]
    assert (finding.subject, finding.state) == ("NEXT_PUBLIC_SENTRY_DSN", "ACCEPTED")
    assert finding.where == ".env.local:1"
    event_id = finding.note.split()[1].rstrip(",")
    assert bugsink.stored(event_id)
    place = bugsink.url.removeprefix("http://")
    assert outcome.summary == f"event {event_id[:8]}… accepted by {place}, project 1 (not read back)"


@pytest.mark.red("sentry-receives")
@pytest.mark.parametrize(
    ("which", "words"),
    [
        ("wrong_key_dsn", "does not know this key for project 1 (403)"),
        ("wrong_project_dsn", "does not know this key for project 999 (403)"),
        ("wrong_path_dsn", "takes no events for project 1 (404)"),
    ],
)
def test_a_wrong_dsn_is_refused_by_the_real_server(sentry_app: Path, bugsink: Bugsink, which: str, words: str) -> None:
    dsn = getattr(bugsink, which)
    with make_context(fill(sentry_app, dsn=dsn)) as ctx:
        outcome = judge(sentry_receives, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"{bugsink.url} {words}"
    assert (outcome.findings[0].subject, outcome.findings[0].state) == ("NEXT_PUBLIC_SENTRY_DSN", "NOT ACCEPTED")
    assert outcome.remedy.endswith("(NEXT_PUBLIC_SENTRY_DSN, .env.local:1)")
    assert outcome.reproduce
    assert dsn.partition("//")[2].partition("@")[0] not in repr(outcome)


def test_a_server_that_is_down_fails(sentry_app: Path) -> None:
    port = free_port()
    with make_context(fill(sentry_app, dsn=f"http://{KEY}@localhost:{port}/1")) as ctx:
        outcome = judge(sentry_receives, ctx)
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"nothing listens at http://localhost:{port} (connection refused)"
    assert KEY not in repr(outcome)


def test_a_page_in_place_of_sentry_fails(sentry_app: Path) -> None:
    with canned({}, default=HTML) as server, make_context(fill(sentry_app, dsn=below(server.url))) as ctx:
        outcome = judge(sentry_receives, ctx)
    assert isinstance(outcome, Failed)
    assert "is not Sentry" in outcome.summary


def test_a_quota_that_is_used_up_leaves_it_open(sentry_app: Path) -> None:
    limited = Canned(429, "", {"Retry-After": "42"})
    with canned({}, default=limited) as server, make_context(fill(sentry_app, dsn=below(server.url))) as ctx:
        outcome = judge(sentry_receives, ctx)
    assert isinstance(outcome, Undecided)
    assert outcome.remedy == "wait 42 s, or raise the quota of the project, then run again"
    assert states(outcome.findings) == {"NEXT_PUBLIC_SENTRY_DSN": "NOT ACCEPTED"}


def test_a_server_that_never_answers_leaves_it_open(sentry_app: Path) -> None:
    settings = Settings(sentry=SentrySettings(timeout=0.3))
    with listening(silent) as port:
        fill(sentry_app, dsn=below(f"http://127.0.0.1:{port}"))
        with make_context(sentry_app, settings=settings) as ctx:
            outcome = judge(sentry_receives, ctx)
    assert isinstance(outcome, Undecided)
    assert outcome.reason == f"http://127.0.0.1:{port} gave no complete answer within 0.3 s"


def test_a_malformed_dsn_blocks(sentry_app: Path) -> None:
    with make_context(fill(sentry_app, dsn="not-a-dsn")) as ctx:
        assert judge(sentry_receives, ctx) == Blocked("sentry-configured", "NEXT_PUBLIC_SENTRY_DSN is MALFORMED")


def test_an_empty_dsn_blocks_by_the_check_that_reports_it(sentry_app: Path) -> None:
    with make_context(fill(sentry_app, dsn="")) as ctx:
        assert judge(sentry_receives, ctx) == Blocked("env-filled", "NEXT_PUBLIC_SENTRY_DSN is EMPTY")
    (sentry_app / ".env.local").unlink()
    (sentry_app / ".env.local.example").unlink()
    with make_context(sentry_app) as ctx:
        assert judge(sentry_receives, ctx) == Blocked("sentry-configured", "NEXT_PUBLIC_SENTRY_DSN is MISSING")


def test_the_configured_variable_is_the_one_that_is_used(sentry_app: Path, bugsink: Bugsink) -> None:
    settings = Settings(sentry=SentrySettings(dsn="ERRORS_TO"))
    with make_context(fill(sentry_app, ERRORS_TO=bugsink.other_dsn), settings=settings) as ctx:
        found = results([sentry_configured, sentry_receives], ctx)
    assert [result.state for result in found.values()] == ["passed", "passed"]
    assert found["sentry-receives"].findings[0].subject == "ERRORS_TO"
    assert "project 2" in str(found["sentry-receives"].outcome)


def test_a_slow_server_does_not_delay_the_other_verdict(sentry_app: Path) -> None:
    """The event is sent while sentry-configured is judged, and only sentry-receives waits for it."""
    asked, judged = Event(), Event()

    def slow(connection: object) -> None:
        asked.set()
        judged.wait(20)

    with listening(slow) as port, make_context(fill(sentry_app, dsn=below(f"http://127.0.0.1:{port}"))) as ctx:
        ctx.begin(sentry_receives)
        assert asked.wait(20)
        assert isinstance(judge(sentry_configured, ctx), Passed)
        judged.set()
        assert isinstance(judge(sentry_receives, ctx), Failed)
