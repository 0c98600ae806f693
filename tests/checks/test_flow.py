"""user-flow on small real apps: what a declared flow may say, and what a user reads when a step fails."""

import json
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infracheck.checks.flow import user_flow
from infracheck.checks.writable import REMEDY
from infracheck.config import load
from infracheck.context import Context
from infracheck.errors import UsageError
from infracheck.model import Blocked, Failed, Outcome, Passed, Undecided
from infracheck.project.detect import detect
from tests.clients.processes import marked
from tests.clients.small_server import environment
from tests.components.ports import free_port
from tests.helpers import judge, states

APP = """
import http.server, json, os, sys, urllib.parse
import psycopg

class App(http.server.BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path, _, query = self.path.partition("?")
        method = self.command
        send = self.send
BODY
        send(404, {"error": "nothing here"})

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def send(self, status, body="", **headers):
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass

def sql(text, *values):
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(text, values)
        return cursor.fetchall() if cursor.description else []

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
"""
ROOT_PAGE = 'if path == "/": return send(200, "<!doctype html><title>fine</title>", Content_Type="text/html")'
HEAD = f'[server]\ncommand = "{sys.executable} app.py"\nready = "/"\ntimeout = 60\n\n'


class Small:
    """A small app with a flow; its folder and database are the test's own."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.database = folder, database

    def __call__(self, flow: str, body: str = "", *, head: str = HEAD, schema: str = "", **env: str) -> Outcome:
        lines = [ROOT_PAGE, *body.strip().splitlines()]
        code = APP.replace("BODY", "\n".join(f"        {line}" for line in lines))
        (self.folder / "app.py").write_text(code, encoding="utf-8")
        (self.folder / "infracheck.toml").write_text(head + flow, encoding="utf-8")
        values = {"DATABASE_URL": self.database, **env}
        text = "".join(f"{name}={value}\n" for name, value in values.items() if value)
        (self.folder / ".env.local").write_text(text, encoding="utf-8")
        if schema:
            with psycopg.connect(self.database, autocommit=True) as connection:
                connection.execute(schema.encode())
        loaded = load(self.folder)
        port = free_port()
        process = {**environment(port), "PYTHONPATH": ""}
        with Context(detect(self.folder), settings=loaded.settings, process=process, flow_lines=loaded.flows) as ctx:
            outcome = judge(user_flow, ctx)
        assert marked(str(self.folder)) == []
        return outcome

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(question.encode()).fetchall()


@pytest.fixture
def small(app: Path, database: str) -> Small:
    return Small(app, database)


def one_step(**keys: str) -> str:
    """Return a flow of one step from TOML texts."""
    return "[[flow]]\nname = 'core'\n[[flow.step]]\nname = 'it'\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())


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


# -- where nothing may be written, or nothing answers


def test_nothing_is_written_where_data_may_matter(small: Small) -> None:
    elsewhere = "postgresql://app:pw@db.example.com:5432/app"
    outcome = small(THINGS, MAKE, DATABASE_URL=elsewhere)
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
    assert "no answer within 1 s" in outcome.summary


# -- the contracts of postmortems


PRIVACY = """
[[flow]]
name = "privacy"
[[flow.step]]
name = "dismiss with a text"
request = "POST /feedback"
json = { dismissed = true, text = "private {run_id}" }
expect = { status = [200, 201, 204] }
capture = { feedback = "$.id" }
[[flow.step]]
name = "the text is not stored"
sql = "select text is null from feedback where id = {feedback}"
expect = { value = true }
[[flow.cleanup]]
name = "remove"
sql = "delete from feedback where id = {feedback}"
"""
FEEDBACK = "create table feedback (id int generated always as identity primary key, dismissed bool, text text)"
STORE = """
if path == "/feedback":
    sent = json.loads(body)
    kept = KEPT
    [[number]] = sql("insert into feedback (dismissed, text) values (%s, %s) returning id", sent["dismissed"], kept)
    return send(201, {"id": number})
"""


@pytest.mark.parametrize(
    ("kept", "kind"), [('None if sent["dismissed"] else sent["text"]', Passed), ('sent["text"]', Failed)]
)
def test_a_privacy_flag_is_enforced_on_the_server(small: Small, kept: str, kind: type[Outcome]) -> None:
    outcome = small(PRIVACY, STORE.replace("KEPT", kept), schema=FEEDBACK)
    assert isinstance(outcome, kind)
    if isinstance(outcome, Failed):
        assert (
            outcome.summary
            == "flow privacy: the step “the text is not stored” failed: value: expected true, found false"
        )


@pytest.mark.parametrize(("status", "kind"), [(401, Passed), (200, Failed)])
def test_a_cron_route_refuses_who_has_no_secret(small: Small, status: int, kind: type[Outcome]) -> None:
    body = f"""
if path == "/api/cron/x":
    good = self.headers["Authorization"] == "Bearer " + os.environ["CRON_SECRET"]
    return send(200 if good else {status}, "ok")
"""
    flow = """
[[flow]]
name = "cron"
[[flow.step]]
name = "without the secret"
request = "GET /api/cron/x"
expect = { status = 401 }
[[flow.step]]
name = "with it"
request = "GET /api/cron/x"
headers = { authorization = "Bearer {env.CRON_SECRET}" }
expect = { status = 200 }
"""
    outcome = small(flow, body, CRON_SECRET="not-a-real-secret-1234")
    assert isinstance(outcome, kind)
    assert "not-a-real-secret-1234" not in repr(outcome)


@pytest.mark.parametrize(("label", "kind"), [("standard", Passed), ("control", Failed)])
def test_a_control_group_gets_a_neutral_label(small: Small, label: str, kind: type[Outcome]) -> None:
    flow = """
[[flow]]
name = "label"
[[flow.step]]
name = "the label is neutral"
request = "GET /api/variant"
expect = { no_text = ["control", "treatment"], json = { "$.variant" = "standard" } }
"""
    body = f"if path == '/api/variant': return send(200, {{'variant': '{label}'}})"
    assert isinstance(small(flow, body), kind)


# -- a runner of the team's own


RUNNER = """
import os, sys, urllib.request
assert urllib.request.urlopen(os.environ["BASE_URL"]).status == 200
print("running as", os.environ["INFRACHECK_RUN_ID"])
RESULTS
sys.exit(CODE)
"""
JUNIT = """
open(os.environ["INFRACHECK_JUNIT"], "w").write('''<testsuites><testsuite name="e2e">
<testcase classname="core.spec" name="signs in"/><testcase classname="core.spec" name="counts">CASE</testcase>
<testcase classname="core.spec" name="later"><skipped/></testcase></testsuite></testsuites>''')
"""
PLAYWRIGHT = """
import json
error = {"message": "\\x1b[31mexpect(received).toBe(expected)\\x1b[39m\\nExpected: 2\\nReceived: 1"}
spec = {"title": "counts", "ok": False, "tests": [{"status": "unexpected", "results": [{"errors": [error]}]}]}
report = {"suites": [{"title": "core.spec.ts", "specs": [spec]}]}
json.dump(report, open(os.environ["PLAYWRIGHT_JSON_OUTPUT_FILE"], "w"))
"""


def elsewhere(small: Small, results: str = "", code: int = 0, more: str = "") -> Outcome:
    script = RUNNER.replace("RESULTS", results).replace("CODE", str(code))
    (small.folder / "e2e.py").write_text(script, encoding="utf-8")
    return small(f"[[flow]]\nname = 'e2e'\ncommand = '{sys.executable} e2e.py'\n{more}")


def test_a_runner_that_passes_is_taken_over(small: Small) -> None:
    outcome = elsewhere(small, JUNIT.replace("CASE", ""))
    assert isinstance(outcome, Passed), outcome
    assert states(outcome.findings) == {
        "core.spec › signs in": "OK",
        "core.spec › counts": "OK",
        f"{sys.executable} e2e.py": "OK",
    }
    assert isinstance(elsewhere(small), Passed)


@pytest.mark.red("user-flow")
def test_a_runner_that_fails_names_its_test(small: Small) -> None:
    outcome = elsewhere(small, JUNIT.replace("CASE", '<failure message="expected 2, got 1"/>'), code=1)
    assert isinstance(outcome, Failed)
    assert outcome.summary == "flow e2e: the step “core.spec › counts” failed: expected 2, got 1"
    assert outcome.findings[-1].state == "SERVER LOG" or outcome.findings[-1].state == "OUTPUT"
    with_json = elsewhere(small, PLAYWRIGHT, code=1)
    assert isinstance(with_json, Failed)
    assert "expect(received).toBe(expected) Expected: 2 Received: 1" in with_json.summary


@pytest.mark.parametrize(
    ("results", "code", "more", "message"),
    [
        ("", 3, "", "exit code 3"),
        (JUNIT.replace("CASE", '<failure message="no"/>'), 0, "", "no"),
        ("open(os.environ['INFRACHECK_JUNIT'], 'w').write('<testsuites/>')", 0, "", "it ran no test"),
        ("open(os.environ['INFRACHECK_JUNIT'], 'w').write('oops')", 0, "", "results.xml cannot be read: no JUnit XML"),
        ("import time; time.sleep(60)", 0, "command_timeout = 1", "it did not end within 1 s"),
    ],
)
def test_a_runner_can_go_wrong_in_other_ways(small: Small, results: str, code: int, more: str, message: str) -> None:
    outcome = elsewhere(small, results, code, more)
    assert isinstance(outcome, Failed)
    assert message in outcome.summary


# -- what is wrong with a declaration


MISTAKES = [
    (one_step(request="'GET /x'", sql="'select 1'"), "infracheck.toml:9: a step has a request or sql, one of both"),
    (one_step(request="'FETCH /x'"), "infracheck.toml:10: there is no method FETCH"),
    (one_step(request="'/x'"), "infracheck.toml:10: a request is a method and a path"),
    (one_step(request="'GET /x'", expect="{ json = { '$.[' = 1 } }"), "infracheck.toml:11: `$.[` is no JSONPath"),
    (one_step(request="'GET /{note}'"), "infracheck.toml:10: {note} has no value here"),
    (one_step(request="'GET /x'", expect="{ rows = [] }"), "infracheck.toml:11: `rows` is for sql steps"),
    (one_step(sql="'selct 1'"), "infracheck.toml:10: this is no SQL: syntax error"),
    (one_step(sql="'select 1; select 2'"), "infracheck.toml:10: an sql step is one statement"),
    (one_step(sql="'select 1'", headers="{ a = 'b' }"), "infracheck.toml:11: `headers` is for request steps"),
    (one_step(request="'GET /x'", as_="'admin'"), "infracheck.toml:11: there is no setting `flow.0.step.0.as_`"),
    (one_step(request="'GET /x'", **{"as": "'admin'"}), "infracheck.toml:11: `flow.0.step.0.as`: input should be"),
    (one_step(reqest="'GET /x'"), "infracheck.toml:10: there is no setting `flow.0.step.0.reqest`; did you mean `req"),
    (one_step(request="'GET /x'", expect="{ json = { '$' = { exist = 1 } } }"), "infracheck.toml:11: there is no test"),
    ("[[flow]]\nname = 'Core Flow'\ncommand = 'x'\n", "infracheck.toml:7: a name is made of lower-case letters"),
    ("[[flow]]\nname = 'core'\n", "infracheck.toml:7: a flow has steps ([[flow.step]]) or a command"),
    (2 * "[[flow]]\nname = 'a'\ncommand = 'x'\n", "infracheck.toml:10: two flows are named a"),
]


@pytest.mark.parametrize(("flow", "message"), MISTAKES)
def test_a_mistake_is_named_with_its_line(app: Path, flow: str, message: str) -> None:
    (app / "infracheck.toml").write_text(HEAD + flow, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        load(app)
    assert str(raised.value).startswith(message)


def test_flows_may_stand_in_a_file_of_their_own(app: Path) -> None:
    (app / "flow.toml").write_text(one_step(request="'GET /x'"), encoding="utf-8")
    loaded = load(app)
    assert [flow.name for flow in loaded.settings.flow] == ["core"]
    assert loaded.flows["core"].step == ("flow.toml:4",)
    (app / "infracheck.toml").write_text(one_step(request="'GET /x'"), encoding="utf-8")
    with pytest.raises(UsageError, match="both declare the flow core"):
        load(app)
    (app / "flow.toml").write_text("[[flow]]\nname = 'x'\n[[flow.stp]]\n", encoding="utf-8")
    (app / "infracheck.toml").unlink()
    with pytest.raises(UsageError, match=r"flow\.toml:3: there is no setting `flow\.0\.stp`; did you mean `step`\?"):
        load(app)
