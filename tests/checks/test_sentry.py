"""sentry-receives, against a real Sentry-compatible server, and read back from a stand-in of Sentry itself."""

import json
import secrets
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from infracheck.checks.sentry import sentry_receives
from infracheck.checks.sentry_configured import sentry_configured
from infracheck.clients.ports import free_port
from infracheck.model import Blocked, Check, Failed, Finding, Outcome, Passed, Skipped, Undecided
from infracheck.settings import SentrySettings, Settings
from tests.components.bugsink import Bugsink
from tests.components.bugsink import bugsink as run_bugsink
from tests.helpers import judge, make_context, results, states
from tests.hostile import HTML, Canned, canned, listening, silent
from tests.standins.sentry import CI, Project, Sentry, organization_token, sentry

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


def test_a_dsn_that_stands_in_the_code_is_the_one_that_is_used(sentry_app: Path, bugsink: Bugsink) -> None:
    """Sentry's wizard writes it there, and no variable then has a value."""
    (sentry_app / "package.json").write_text('{"dependencies": {"next": "16.0.0", "@sentry/nextjs": "11.0.0"}}')
    code = f'import * as Sentry from "@sentry/nextjs";\nSentry.init({{\n  dsn: "{bugsink.wrong_key_dsn}",\n}});\n'
    (sentry_app / "instrumentation-client.ts").write_text(code)
    with make_context(fill(sentry_app, dsn="")) as ctx:
        outcome = judge(sentry_receives, ctx)
    assert isinstance(outcome, Failed)
    assert "does not know this key for project 1 (403)" in outcome.summary
    assert states(outcome.findings) == {"instrumentation-client.ts": "NOT ACCEPTED"}
    assert outcome.findings[0].where == "instrumentation-client.ts:3"


# -- sentry-receives: the read-back


EVENTS = "/api/0/(organizations|projects)/.*/(eventids|events)/.*"
DSN = "NEXT_PUBLIC_SENTRY_DSN"


def read_back(
    app: Path, standin: Sentry, changes: dict[str, str] | None = None, *, wait: float = 20, timeout: float = 10
) -> Outcome:
    """Return the outcome with an app whose values are those of the stand-in."""
    fill(app, **{"dsn": standin.dsn(), "SENTRY_AUTH_TOKEN": standin.key, **(changes or {})})
    settings = Settings(sentry=SentrySettings(wait=wait, timeout=timeout))
    with make_context(app, settings=settings) as ctx:
        outcome = judge(sentry_receives, ctx)
    assert standin.key not in repr(outcome)
    return outcome


def row(outcome: Outcome, state: str) -> Finding:
    assert isinstance(outcome, Passed | Failed | Undecided)
    [found] = [one for one in outcome.findings if one.state == state]
    return found


@pytest.mark.green("sentry-receives")
@pytest.mark.parametrize("scopes", [("org:read",), ("project:read",), ("org:read", "project:read")])
def test_an_event_is_read_back(sentry_app: Path, scopes: tuple[str, ...]) -> None:
    with sentry(scopes=scopes) as standin:
        outcome = read_back(sentry_app, standin, wait=1)
        [(event_id, _)] = standin.events.items()
    assert isinstance(outcome, Passed)
    place = standin.url.removeprefix("http://")
    assert outcome.summary == f"event {event_id[:8]}… stored in acme/web, sent to {place}, project 42"
    assert states(outcome.findings) == {DSN: "ACCEPTED", f"event {event_id[:8]}…": "STORED"}
    assert len(standin.envelopes) == 1


def test_an_event_that_is_stored_late_is_waited_for(sentry_app: Path) -> None:
    with sentry() as standin:
        standin.hides = 5
        outcome = read_back(sentry_app, standin, wait=4)
    assert isinstance(outcome, Passed)
    assert row(outcome, "STORED").level == "info"


def test_an_event_that_is_stored_when_sent_again_is_enough(sentry_app: Path) -> None:
    """The first one is lost; both are looked for."""
    with sentry() as standin:
        standin.loses = 1
        outcome = read_back(sentry_app, standin, wait=1)
        [event_id] = standin.events
    assert isinstance(outcome, Passed)
    assert row(outcome, "STORED").subject == f"event {event_id[:8]}…"
    assert len(standin.envelopes) == 2


@pytest.mark.red("sentry-receives")
def test_an_event_that_is_accepted_and_not_stored_fails(sentry_app: Path) -> None:
    with sentry() as standin:
        standin.loses = 2
        outcome = read_back(sentry_app, standin, wait=0.3)
    assert isinstance(outcome, Failed)
    assert "accepts events and does not store them: two were sent, and after 0.3 s" in outcome.summary
    assert states(outcome.findings) == {DSN: "ACCEPTED, NOT STORED"}
    for word in ("inbound filter", "quota", "spike protection", "`[sentry] wait`", "a DSN of acme/web"):
        assert word in outcome.remedy
    assert len(standin.envelopes) == 2
    assert len({json.loads(one.splitlines()[0])["event_id"] for one in standin.envelopes}) == 2


@pytest.mark.red("sentry-receives")
def test_an_event_in_another_project_fails(sentry_app: Path) -> None:
    with sentry(Project(43, "shop"), Project(42, "web")) as standin:
        outcome = read_back(sentry_app, standin, wait=1)
    assert isinstance(outcome, Failed)
    assert outcome.summary == "the event is stored in project shop, not in SENTRY_PROJECT web"
    assert row(outcome, "OTHER PROJECT").subject == DSN
    assert "put the DSN of acme/web into NEXT_PUBLIC_SENTRY_DSN (.env.local:1)" in outcome.remedy
    assert "or correct SENTRY_PROJECT (.env.local:4)" in outcome.remedy


def test_a_second_event_that_is_refused_fails(sentry_app: Path) -> None:
    """Sentry may take the first event of a wrong key: it has not loaded the project yet."""
    with sentry() as standin:
        standin.loses, standin.takes = 1, 1
        outcome = read_back(sentry_app, standin, wait=0.3)
    assert isinstance(outcome, Failed)
    assert outcome.summary.startswith("the event was accepted and not stored, and sent again it is not accepted: ")
    assert "does not know this key for project 42 (403)" in outcome.summary


def test_a_limit_at_the_second_event_leaves_it_open(sentry_app: Path) -> None:
    with sentry() as standin:
        standin.loses, standin.takes = 1, 1
        standin.full = Canned(429, {"detail": "quota"}, {"Retry-After": "9"})
        outcome = read_back(sentry_app, standin, wait=0.3)
    assert isinstance(outcome, Undecided)
    assert outcome.remedy.startswith("wait 9 s")
    assert states(outcome.findings) == {DSN: "NOT ACCEPTED"}


# -- ... cannot be done


@pytest.mark.parametrize("name", ["SENTRY_AUTH_TOKEN", "SENTRY_ORG", "SENTRY_PROJECT"])
def test_without_a_value_it_is_not_read_back(sentry_app: Path, name: str) -> None:
    with sentry() as standin:
        outcome = read_back(sentry_app, standin, {name: ""})
        assert standin.requests == []
    assert isinstance(outcome, Passed)
    assert outcome.summary.endswith("project 42 (not read back)")
    assert row(outcome, "NOT READ BACK").note == f"{name} is EMPTY"
    assert {one.level for one in outcome.findings} == {"info"}


@pytest.mark.parametrize("kind", ["org:ci", "refused"])
def test_a_token_that_may_not_read_events_warns(sentry_app: Path, kind: str) -> None:
    with sentry(scopes=CI) as standin:
        token = organization_token(region_url=standin.url)
        if kind == "org:ci":
            standin.key = token
        outcome = read_back(sentry_app, standin, {"SENTRY_AUTH_TOKEN": token})
    assert isinstance(outcome, Passed)
    assert outcome.summary.endswith(", project 42; it cannot be read back with this token")
    found = row(outcome, "NOT READ BACK")
    assert (found.subject, found.level, found.where) == ("SENTRY_AUTH_TOKEN", "warn", ".env.local:2")
    assert ("(403)" if kind == "org:ci" else "(401)") in found.note
    assert len(standin.requests) == 2


def test_a_project_that_sentry_does_not_know_is_left_to_the_check_of_it(sentry_app: Path) -> None:
    with sentry(scopes=("project:read",)) as standin:
        outcome = read_back(sentry_app, standin, {"SENTRY_PROJECT": "shop"}, wait=0.2)
    assert isinstance(outcome, Passed)
    found = row(outcome, "NOT READ BACK")
    assert (found.subject, found.level, found.note) == ("SENTRY_PROJECT", "warn", "Sentry knows no project acme/shop")


def test_a_token_that_no_header_can_hold_warns(sentry_app: Path) -> None:
    with sentry() as standin:
        outcome = read_back(sentry_app, standin, {"SENTRY_AUTH_TOKEN": "'two words'"})
    assert isinstance(outcome, Passed)
    assert row(outcome, "NOT READ BACK").level == "warn"


@pytest.mark.red("sentry-receives")
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (HTML, "a web page answers at"),
        (Canned(200, "OK"), "is not JSON"),
        (Canned(302, "", {"Location": "https://elsewhere.example/"}), "and SENTRY_AUTH_TOKEN is not sent there"),
        (Canned(500, {"detail": "oops"}), "Sentry fails at the question for event"),
        (Canned(429, {"detail": "slow down"}, {"Retry-After": "3600"}), "takes no more requests"),
    ],
)
def test_an_unusable_answer_leaves_it_open(sentry_app: Path, answer: Canned, words: str) -> None:
    with sentry() as standin:
        standin.fail(EVENTS, answer)
        outcome = read_back(sentry_app, standin, wait=0.3)
    assert isinstance(outcome, Undecided)
    assert outcome.reason.startswith("the event was accepted, but not seen within `[sentry] wait` (0.3 s): ")
    assert words in outcome.reason
    assert outcome.remedy
    assert row(outcome, "NOT READ BACK").level == "fail"


def test_an_answer_that_fails_for_a_while_is_waited_for(sentry_app: Path) -> None:
    with sentry() as standin:
        standin.fail(EVENTS, Canned(502, "bad gateway"), times=3)
        standin.fail(EVENTS, Canned(429, {"detail": "slow down"}, {"Retry-After": "0"}), times=2)
        outcome = read_back(sentry_app, standin, wait=4)
    assert isinstance(outcome, Passed)
    assert row(outcome, "STORED").level == "info"


def test_a_web_api_that_never_answers_ends_with_the_wait(sentry_app: Path) -> None:
    with sentry() as standin, listening(silent) as port:
        silence = f"http://127.0.0.1:{port}"
        outcome = read_back(sentry_app, standin, {"SENTRY_URL": silence}, wait=0.3, timeout=0.5)
    assert isinstance(outcome, Undecided)
    assert outcome.reason.startswith("the event was accepted, but not seen within `[sentry] wait` (0.3 s): ")
    assert len(standin.envelopes) == 1


# -- what is sent


def test_what_arrives_tells_nothing_of_this_machine(sentry_app: Path) -> None:
    marker = secrets.token_hex(8)
    with sentry() as standin:
        fill(sentry_app, dsn=standin.dsn(), SENTRY_AUTH_TOKEN=standin.key, SENTRY_ENVIRONMENT=marker)
        with make_context(sentry_app, process={"SENTRY_RELEASE": marker, "SENTRY_ENVIRONMENT": marker}) as ctx:
            assert isinstance(judge(sentry_receives, ctx), Passed)
        [arrived] = standin.envelopes
        asked = [value for one in standin.headers for value in one.values()]
    text = arrived.decode().replace("infracheck", "")
    for private in (marker, socket.gethostname(), sys.argv[0], str(sentry_app), standin.key, "server_name"):
        assert private not in text
    assert marker not in "".join(asked)
    [(_, event)] = standin.events.values()
    assert event["tags"] == {"infracheck": "true"}
    assert event["environment"] == "infracheck"
