"""user-flow and the database: questions, clean-up, and what killed runs left."""

import json
from pathlib import Path

import pytest

from infracheck.model import Failed, Passed
from tests.checks.flow_app import Small, one_step
from tests.helpers import states


@pytest.fixture
def small(app: Path, database: str) -> Small:
    return Small(app, database)


# -- the database


TABLE = "create table things (id int generated always as identity primary key, name text, at date default '2026-01-02')"
MAKE = """
if path == "/things" and method == "POST":
    [[number]] = sql("insert into things (name) values (%s) returning id", json.loads(body)["name"])
    return send(201, {"id": number})
"""
THINGS = """
[[flow]]
name = "core"
[[flow.step]]
name = "make"
request = "POST /things"
json = { name = "it's {run_id}" }
expect = { status = 201 }
capture = { thing = "$.id" }
[[flow.step]]
name = "look"
sql = "select name, at, '{run_id}' as run, id from things where id = {thing}"
expect = { rows = [["it's {run_id}", "2026-01-02", "{run_id}", "{thing}"]] }
capture = { called = "name" }
[[flow.step]]
name = "count"
sql = "select count(*) from things where name = {called}"
expect = { value = 1 }
[[flow.cleanup]]
name = "remove"
sql = "delete from things where id = {thing}"
"""


@pytest.mark.green("user-flow")
def test_sql_is_asked_and_cleaned_up(small: Small) -> None:
    outcome = small(THINGS, MAKE, schema=TABLE)
    assert isinstance(outcome, Passed), outcome
    assert states(outcome.findings) == {"make": "OK", "look": "OK", "count": "OK", "remove": "REMOVED"}
    assert small.rows("select * from things") == []


@pytest.mark.red("user-flow")
def test_clean_up_runs_after_a_failure_too(small: Small) -> None:
    outcome = small(THINGS.replace("value = 1", "value = 2"), MAKE, schema=TABLE)
    assert isinstance(outcome, Failed)
    assert outcome.summary == "flow core: the step “count” failed: value: expected 2, found 1"
    assert states(outcome.findings)["remove"] == "REMOVED"
    assert small.rows("select * from things") == []


@pytest.mark.red("user-flow")
def test_a_clean_up_that_fails_is_a_failure(small: Small) -> None:
    outcome = small(THINGS.replace("delete from things where id", "delete from thigns where id"), MAKE, schema=TABLE)
    assert isinstance(outcome, Failed)
    assert outcome.summary == (
        'flow core: the clean-up step “remove” failed: the database refuses it: relation "thigns" does not exist'
    )
    [pending] = (small.folder / ".infracheck").glob("flow-*.json")
    assert json.loads(pending.read_text())["flow"] == "core"


def test_a_question_cannot_write(small: Small) -> None:
    outcome = small(one_step(sql="\"insert into things (name) values ('x') returning 1\""), schema=TABLE)
    assert isinstance(outcome, Failed)
    assert "cannot execute INSERT in a read-only transaction" in outcome.summary
    assert small.rows("select * from things") == []


def test_what_a_killed_run_left_is_removed_by_the_next(small: Small) -> None:
    (small.folder / ".infracheck").mkdir()
    left = {"flow": "core", "run_id": "aaaa1111", "pid": 2**22 + 1, "known": {"run_id": "aaaa1111", "thing": 1}}
    (small.folder / ".infracheck" / "flow-aaaa1111.json").write_text(json.dumps(left))
    going_on = {**left, "run_id": "bbbb1111", "pid": 1, "known": {"run_id": "bbbb1111", "thing": 2}}
    (small.folder / ".infracheck" / "flow-bbbb1111.json").write_text(json.dumps(going_on))
    outcome = small(THINGS, MAKE, schema=f"{TABLE}; insert into things (name) values ('left'), ('of another run')")
    assert isinstance(outcome, Passed), outcome
    assert states(outcome.findings)["earlier runs"] == "REMOVED"
    assert small.rows("select name from things") == [("of another run",)]
    assert [path.name for path in (small.folder / ".infracheck").glob("flow-*")] == ["flow-bbbb1111.json"]


def test_eventually_waits_for_what_takes_a_moment(small: Small) -> None:
    body = "if path == '/later':\n    App.asked = getattr(App, 'asked', 0) + 1\n    return send(200, {'n': App.asked})"
    flow = one_step(request="'GET /later'", expect="{ json = { '$.n' = 3 } }", eventually="10")
    outcome = small(flow, body)
    assert isinstance(outcome, Passed)
    late = small(flow.replace("eventually = 10", "eventually = 0.3").replace("= 3", "= 30"), body)
    assert isinstance(late, Failed)
