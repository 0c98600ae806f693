"""user-flow on small real apps: requests, what is expected of the answers, and where nothing answers."""

from pathlib import Path

import pytest

from infracheck.checks.writable import REMEDY
from infracheck.model import Blocked, Failed, Passed, Undecided
from tests.checks.flow_app import HEAD, Small, one_step
from tests.helpers import states


@pytest.fixture
def small(app: Path, database: str) -> Small:
    return Small(app, database)


# -- what a request may carry


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ('json = { a = "{run_id}", n = 1, list = [true] }', "application/json"),
        ('form = { a = "x y&z", many = ["1", "2"] }', "application/x-www-form-urlencoded"),
        ('body = "a,b\\n1,2"\nheaders = { "content-type" = "text/csv", x-key = "{env.CRON_SECRET}" }', "text/csv"),
        (
            'form = { title = "t" }\nfile = { field = "photo", path = "a.png", type = "image/png" }',
            "multipart/form-data",
        ),
    ],
)
def test_a_request_carries_what_the_step_says(small: Small, body: str, sent: str) -> None:
    (small.folder / "a.png").write_bytes(b"\x89PNG fake")
    echo = """
if path == "/echo":
    return send(200, {"type": self.headers["Content-Type"], "origin": self.headers["Origin"]})
"""
    flow = f"""
[[flow]]
name = "core"
[[flow.step]]
name = "send"
request = "POST /echo"
{body}
[flow.step.expect.json]
"$.type" = {{ matches = "^{sent}" }}
"$.origin" = {{ matches = "^http://localhost:" }}
"""
    outcome = small(flow, echo, CRON_SECRET="not-a-real-secret-1234")
    assert isinstance(outcome, Passed), outcome
    assert states(outcome.findings) == {"send": "OK"}


def test_cookies_of_a_visitor_are_kept(small: Small) -> None:
    body = """
if path == "/in": return send(200, "hello", Set_Cookie="visitor=v-12345678901234567890; Path=/; HttpOnly")
if path == "/me": return send(200, {"cookie": self.headers["Cookie"]})
"""
    flow = """
[[flow]]
name = "core"
[[flow.step]]
name = "come in"
request = "GET /in"
[[flow.step]]
name = "be known"
request = "GET /me"
expect = { json = { "$.cookie" = "visitor=v-12345678901234567890" } }
"""
    outcome = small(flow, body)
    assert isinstance(outcome, Passed)
    assert "v-12345678901234567890" not in repr(outcome)


# -- what is expected


ITEMS = """
if path == "/x":
    return send(200, {"note": {"id": 7, "body": "hi", "tags": ["a", "b"], "gone": None}}, X_Kind="note/1")
"""
WRONG = [
    ("status = 201", 'status: expected 201, found 200 ({"note": '),
    ("headers = { x-kind = 'user*' }", "header x-kind: expected “user*”, found “note/1”"),
    ("text = 'bye'", 'body: expected “bye” in it, found “{"note": '),
    ("no_text = ['zzz', 'hi']", "body: expected no “hi” in it, found it is there"),
    ("json = { '$.note.id' = 8 }", "$.note.id: expected 8, found 7"),
    ("json = { '$.note.id' = '8' }", '$.note.id: expected "8", found 7'),
    ("json = { '$.note.nothing' = 'x' }", '$.note.nothing: expected "x", found nothing'),
    ("json = { '$.note.body' = { exists = false } }", '$.note.body: expected that it exists: false, found "hi"'),
    ("json = { '$.note.body' = { matches = '^a' } }", '$.note.body: expected a text that matches "^a", found "hi"'),
    ("json = { '$.note.tags' = { length = 3 } }", '$.note.tags: expected a length of 3, found ["a", "b"]'),
    ("json = { '$.note.tags' = { contains = 'c' } }", '$.note.tags: expected that it contains "c", found ["a", "b"]'),
    ("json = { '$.note.body' = { is_null = true } }", '$.note.body: expected that it is null: true, found "hi"'),
    ("json = { '$.note.body' = { not = 'hi' } }", '$.note.body: expected anything but "hi", found "hi"'),
]


@pytest.mark.red("user-flow")
@pytest.mark.parametrize(("expect", "message"), WRONG)
def test_what_is_not_as_expected_is_told(small: Small, expect: str, message: str) -> None:
    outcome = small(one_step(request="'GET /x'", expect=f"{{ {expect} }}"), ITEMS)
    assert isinstance(outcome, Failed)
    assert outcome.summary.startswith(f"flow core: the step “it” failed: {message}")
    assert outcome.findings[0].where == "infracheck.toml:9"
    assert outcome.findings[0].state == "FAILED"
    assert outcome.findings[0].note.startswith("GET /x: ")


@pytest.mark.red("user-flow")
def test_what_is_not_there_cannot_be_captured(small: Small) -> None:
    outcome = small(one_step(request="'GET /x'", capture="{ it = '$.nope' }"), ITEMS)
    assert isinstance(outcome, Failed)
    assert outcome.summary == "flow core: the step “it” failed: there is no $.nope to capture as it"


def test_what_is_as_expected_passes(small: Small) -> None:
    flow = """
[[flow]]
name = "core"
[[flow.step]]
name = "it"
request = "GET /x"
[flow.step.expect]
status = [200, 201]
text = "hi"
no_text = "bye"
headers = { x-kind = "note/*" }
[flow.step.expect.json]
"$.note.id" = 7
"$.note" = { id = 7, body = "hi", tags = ["a", "b"], gone = "" }
"$.note.gone" = { exists = true, is_null = true }
"$.note.tags[*]" = ["a", "b"]
"$..body" = "hi"
""".replace(', gone = ""', "").replace('"$.note" = { id = 7, body = "hi", tags = ["a", "b"] }\n', "")
    outcome = small(flow, ITEMS)
    assert isinstance(outcome, Passed), outcome


def test_a_flow_that_only_looks_does_not_prove_the_primary_feature(small: Small) -> None:
    outcome = small(one_step(request="'GET /'"))
    assert isinstance(outcome, Passed)
    assert outcome.summary == "1 step answered well; primary feature not proven: let a flow write and read back"
    assert outcome.findings[0].level == "warn"


# -- where nothing may be written, or nothing answers


def test_nothing_is_written_where_data_may_matter(small: Small) -> None:
    elsewhere = "postgresql://app:pw@db.example.com:5432/app"
    outcome = small(one_step(request="'GET /'"), DATABASE_URL=elsewhere)
    assert isinstance(outcome, Undecided)
    assert outcome.reason == "the database at db.example.com:5432 may hold data that matters: nothing was written"
    assert outcome.remedy == REMEDY


def test_without_a_database_it_has_to_be_declared_disposable(small: Small) -> None:
    flow = one_step(request="'GET /'")
    outcome = small(flow, DATABASE_URL="")
    assert isinstance(outcome, Undecided)
    assert "nothing names the database" in outcome.reason
    assert isinstance(small(flow, DATABASE_URL="", head=f"[app]\ndisposable = true\n{HEAD}"), Passed)


def test_a_server_that_does_not_boot_blocks_it(small: Small) -> None:
    outcome = small(one_step(request="'GET /'"), head=HEAD.replace("app.py", "nothing.py"))
    assert isinstance(outcome, Blocked)
    assert outcome.by == "server-boots"


@pytest.mark.red("user-flow")
def test_a_step_that_gets_no_answer_fails_within_its_timeout(small: Small) -> None:
    flow = one_step(request="'GET /slow'").replace("name = 'core'", "name = 'core'\ntimeout = 1")
    outcome = small(flow, "if path == '/slow':\n    import time\n    time.sleep(30)")
    assert isinstance(outcome, Failed)
    assert "no complete answer within 1 s" in outcome.summary
