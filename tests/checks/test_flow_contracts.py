"""The contracts of postmortems as flows: each kept once and broken once."""

from pathlib import Path

import pytest

from infracheck.model import Failed, Outcome, Passed
from tests.checks.flow_app import Small


@pytest.fixture
def small(app: Path, database: str) -> Small:
    return Small(app, database)


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
