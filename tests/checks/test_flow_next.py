"""user-flow on the real next-notes: green, and red at exactly the step that a planted bug breaks."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from infracheck.checks.flow import user_flow
from infracheck.config import load
from infracheck.context import Context
from infracheck.model import Failed, Outcome, Passed
from infracheck.project.detect import detect
from tests.components.chromium import chromium
from tests.helpers import judge, states
from tests.stage import Stage

FLOW = """
[[flow]]
name = "notes"

[[flow.step]]
name = "a visitor may not read notes"
request = "GET /api/notes"
expect = { status = 401 }

[[flow.step]]
name = "create a note"
as = "user"
request = "POST /api/notes"
json = { body = "infracheck {run_id}" }
expect = { status = 201, json = { "$.note.body" = "infracheck {run_id}" } }
capture = { note_id = "$.note.id" }

[[flow.step]]
name = "read it back"
as = "user"
request = "GET /api/notes"
expect = { json = { "$.notes[?@.id == '{note_id}'].body" = "infracheck {run_id}" } }

[[flow.step]]
name = "another user may not read it"
as = "other-user"
request = "GET /api/notes/{note_id}"
expect = { status = 404, no_text = "{run_id}" }

[[flow.step]]
name = "another user may not delete it"
as = "other-user"
request = "DELETE /api/notes/{note_id}"
expect = { status = [403, 404] }

[[flow.step]]
name = "the row stands in the database"
sql = "select owner, body from notes where id = {note_id}"
expect = { rows = [["{user.id}", "infracheck {run_id}"]] }

[[flow.cleanup]]
name = "remove the note"
sql = "delete from notes where owner = {user.id}"
"""
STEPS = (
    "a visitor may not read notes",
    "create a note",
    "read it back",
    "another user may not read it",
    "another user may not delete it",
    "the row stands in the database",
)
ALL = "app/api/notes/route.ts"
ONE = "app/api/notes/[id]/route.ts"


@pytest.fixture(scope="module")
def notes(whole_stage: Stage) -> Iterator[Context]:
    """next-notes, booted once for all tests here, with the flow declared."""
    whole_stage.write_env()
    (whole_stage.folder / "infracheck.toml").write_text(FLOW, encoding="utf-8")
    loaded = load(whole_stage.folder)
    project = detect(whole_stage.folder)
    environment = whole_stage.environment()
    with Context(project, settings=loaded.settings, process=environment, flow_lines=loaded.flows) as ctx:
        yield ctx
    (whole_stage.folder / "infracheck.toml").unlink()
    whole_stage.assert_nothing_left()


def rows(stage: Stage) -> list[tuple[object, ...]]:
    with psycopg.connect(stage.values["DATABASE_URL"]) as database:
        return database.execute("select * from notes").fetchall()


def planted(ctx: Context, bug: "Bug") -> Outcome:
    """Judge with a bug in one file of the app, once the dev server has taken it up, and mend it again."""
    path = ctx.project.root / bug.file
    good = path.read_text(encoding="utf-8")
    assert good.count(bug.old) == 1
    path.write_text(good.replace(bug.old, bug.new), encoding="utf-8")
    try:
        return judged(ctx, Failed)
    finally:
        path.write_text(good, encoding="utf-8")
        judged(ctx, Passed)


def judged(ctx: Context, kind: type[Outcome]) -> Outcome:
    """Return the outcome as soon as it is of this kind; the watcher of the dev server takes a moment."""
    end = time.monotonic() + 20
    while not isinstance(outcome := judge(user_flow, ctx), kind) and time.monotonic() < end:
        time.sleep(0.1)
    return outcome


@pytest.mark.green("user-flow")
def test_the_flow_of_next_notes_works_and_leaves_nothing(notes: Context, whole_stage: Stage) -> None:
    outcome = judge(user_flow, notes)
    assert isinstance(outcome, Passed), outcome
    assert outcome.summary == "notes: 6 steps as expected"
    assert states(outcome.findings) == {**dict.fromkeys(STEPS, "OK"), "remove the note": "REMOVED"}
    assert outcome.findings[-1].note.endswith(": 1 row")
    assert outcome.findings[0].where == "infracheck.toml:6"
    assert rows(whole_stage) == []
    assert list((notes.project.root / ".infracheck").glob("flow-*")) == []


GUARD = "if (!user) return signedOut();\n    const { rows }"
OF_ANYBODY = "WHERE id = $1 AND $2 <> ''"


class Bug(NamedTuple):
    step: str  # the one that turns red
    file: str
    old: str
    new: str


BUGS = [
    Bug("a visitor may not read notes", ALL, GUARD, "const { rows }"),
    Bug("create a note", ALL, "notes (owner, body)", "notes (owner, text)"),
    Bug("create a note", ALL, "[user.id, body],", "[user.id, body.toUpperCase()],"),
    Bug("read it back", ALL, "WHERE owner = $1", "WHERE owner = $1 AND created_at < now() - interval '1 h'"),
    Bug("another user may not read it", ONE, 'owner = $2");\n', f'owner = owner AND {OF_ANYBODY[6:]}");\n'),
    Bug("another user may not delete it", ONE, "WHERE id = $1 AND owner = $2 RETURNING", f"{OF_ANYBODY} RETURNING"),
]


@pytest.mark.red("user-flow")
@pytest.mark.parametrize("bug", BUGS, ids=[bug.step for bug in BUGS])
def test_each_bug_of_the_app_turns_one_step_red(notes: Context, whole_stage: Stage, bug: Bug) -> None:
    outcome = planted(notes, bug)
    assert isinstance(outcome, Failed)
    assert outcome.summary.startswith(f"flow notes: the step “{bug.step}” failed: ")
    found = {finding.subject: finding.state for finding in outcome.findings if finding.subject in STEPS}
    at = STEPS.index(bug.step)
    after = dict.fromkeys(STEPS[at + 1 :], "NOT REACHED")
    assert found == {**dict.fromkeys(STEPS[:at], "OK"), bug.step: "FAILED", **after}
    assert "infracheck flow run notes --verbose" in outcome.remedy
    assert outcome.reproduce
    assert outcome.reproduce.startswith("curl ")
    assert rows(whole_stage) == []


def test_the_reproducer_shows_no_session(notes: Context) -> None:
    outcome = planted(notes, Bug("create a note", ALL, "[user.id, body],", "[user.id, body + 'x'],"))
    assert isinstance(outcome, Failed)
    assert outcome.reproduce
    command = re.sub("infracheck [0-9a-f]{8}", "infracheck RUN", outcome.reproduce)
    assert command == (
        """curl -i -X POST -H "Cookie: $USER_COOKIE" -H 'Content-Type: application/json' """
        f"""-d '{{"body": "infracheck RUN"}}' {notes.server.boot.url}/api/notes"""
    )
    session = notes.login.user
    for secret in (session.cookie, *(pair.partition("=")[2] for pair in session.cookie.split("; "))):
        assert secret not in repr(outcome)


PAGE = """
[[flow]]
name = "page"
[[flow.step]]
name = "the page greets"
as = "user"
request = "GET /"
expect = { text = "Welcome back" }
"""


def test_a_page_that_is_not_as_expected_is_kept_as_a_picture(notes: Context, tmp_path: Path) -> None:
    (tmp_path / "flow.toml").write_text(PAGE, encoding="utf-8")
    settings = load(tmp_path).settings
    settings = replace(settings, server=replace(settings.server, browser=str(chromium())))
    ctx = Context(notes.project, settings=settings, process=notes.process)
    ctx._resources = notes._resources
    outcome = judge(user_flow, ctx)
    assert isinstance(outcome, Failed)
    [shot] = [finding for finding in outcome.findings if finding.state == "SCREENSHOT"]
    assert shot.where == ".infracheck/evidence/shots/flow-the-page-greets.png"
    assert (notes.project.root / shot.where).read_bytes().startswith(b"\x89PNG")
    assert notes.login.user.cookie not in repr(outcome)


def test_without_a_flow_the_primary_feature_is_not_proven(notes: Context, tmp_path: Path) -> None:
    settings = load(tmp_path).settings
    ctx = Context(notes.project, settings=settings, process=notes.process)
    ctx._resources = notes._resources
    outcome = judge(user_flow, ctx)
    assert isinstance(outcome, Passed)
    assert outcome.summary.endswith("primary feature not proven: declare a flow")
    assert [finding.state for finding in outcome.findings if finding.level == "warn"] == ["NOT PROVEN"]
