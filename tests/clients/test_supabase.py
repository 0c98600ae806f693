"""Supabase's management API, against a stand-in that is held to its published shapes."""

from typing import Any

import pytest

from infracheck.clients.http import USER_AGENT, Http
from infracheck.clients.ports import free_port
from infracheck.clients.providerapi import ProviderApi
from infracheck.clients.providercauses import Open, Refused
from infracheck.clients.supabase import SERVICE, Health, Pooler, ref_of
from infracheck.clients.supabase import Supabase as Client
from infracheck.errors import ClientError
from infracheck.secret import Secret
from tests.hostile import HTML, Canned, listening, silent
from tests.standins.supabase import Pooler as Way
from tests.standins.supabase import Project, Supabase, supabase

REF = "abcdefghijklmnopqrst"
POOLER = "aws-1-eu-central-1.pooler.supabase.com"
WHAT = f"project {REF}"


def shop(**changes: Any) -> Project:
    return Project(**{"ref": REF, "name": "shop", "poolers": [Way(POOLER, f"postgres.{REF}")], **changes})


def client(standin: Supabase, base: str | None = None, timeout: float = 10.0) -> Client:
    key = Secret(standin.key)
    return Client(ProviderApi(Http(), SERVICE, key, base=base or standin.url, timeout=timeout, pause=lambda _: None))


def refused(standin: Supabase, base: str | None = None, timeout: float = 10.0) -> Refused:
    with pytest.raises(Refused) as caught:
        client(standin, base, timeout).project(REF)
    return caught.value


def test_project_pooler_and_health_are_read() -> None:
    with supabase(shop(health="UNHEALTHY", error="disk full")) as standin:
        one = client(standin)
        project = one.project(REF)
        assert (project.name, project.status, project.host) == ("shop", "ACTIVE_HEALTHY", f"db.{REF}.supabase.co")
        assert one.poolers(REF) == [Pooler(POOLER, 6543, f"postgres.{REF}", "PRIMARY")]
        assert one.health(REF) == Health("UNHEALTHY", "disk full")
    assert {headers["User-Agent"] for headers in standin.headers} == {USER_AGENT}
    assert {headers["Authorization"] for headers in standin.headers} == {f"Bearer {standin.key}"}


def test_words_that_supabase_adds_are_taken_as_they_are() -> None:
    with supabase(shop(status="LEVITATING", health="PONDERING")) as standin:
        assert client(standin).project(REF).status == "LEVITATING"
        assert client(standin).health(REF) == Health("PONDERING", "")


def said(status: int, headers: dict[str, str] | None = None) -> Canned:
    return Canned(status, {"message": "so it is"}, headers or {})


WAIT = {"Retry-After": "60"}
TOKEN = "SUPABASE_ACCESS_TOKEN"


@pytest.mark.parametrize(
    ("answer", "kind", "state", "summary"),
    [
        (said(401), Refused, "REFUSED", f"Supabase refuses {TOKEN} (401): so it is"),
        (said(403), Open, "NO PERMISSION", f"{TOKEN} may not read {WHAT} (403): so it is"),
        (said(404), Open, "NOT FOUND", f"Supabase has no {WHAT} (404): so it is"),
        (said(412), Open, "NOT IN THIS STATE", f"Supabase does not show {WHAT} in its present state (412): so it is"),
        (said(423, WAIT), Open, "LOCKED", f"Supabase is changing {WHAT} now (423): so it is"),
        (said(429, WAIT), Open, "LIMITED", f"Supabase takes no more requests of {TOKEN} now (429): so it is"),
        (said(500), Open, "FAILS", f"Supabase fails at the question for {WHAT} (500): so it is"),
        (said(503, WAIT), Open, "FAILS", f"Supabase fails at the question for {WHAT} (503): so it is"),
        (said(400), Open, "NOT UNDERSTOOD", f"Supabase does not take the question for {WHAT} (400): so it is"),
        (said(301), Open, "REDIRECTS", f"and {TOKEN} is not sent there (301)"),
        (HTML, Open, "WEB PAGE", "not the API of Supabase"),
        (Canned(200, "no json"), Open, "NOT JSON", f"answers for {WHAT} is not JSON"),
        (Canned(200, []), Open, "INCOMPLETE", "not an object"),
        (Canned(200, {"database": {}}), Open, "INCOMPLETE", "no usable ref"),
        (Canned(200, {"ref": REF}), Open, "INCOMPLETE", "no usable database"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_each_way_in_which_there_is_no_answer(answer: Canned, kind: type, state: str, summary: str) -> None:
    with supabase(shop()) as standin:
        standin.fail(".*", answer)
        error = refused(standin)
    assert (type(error), error.state) == (kind, state)
    assert summary in error.summary
    assert error.remedy
    assert standin.key not in repr(vars(error))


def test_a_limit_says_how_long_to_wait() -> None:
    with supabase(shop()) as standin:
        standin.fail(".*", said(429, WAIT))
        assert refused(standin).remedy == "wait 60 s, then run again"


def test_nobody_listening_leaves_it_open() -> None:
    with supabase(shop()) as standin:
        error = refused(standin, f"http://127.0.0.1:{free_port()}")
    assert (type(error), error.state) == (Open, "NO ANSWER")
    assert "(connection refused)" in error.summary


def test_a_server_that_never_answers_leaves_it_open() -> None:
    with supabase(shop()) as standin, listening(silent) as port:
        error = refused(standin, f"http://127.0.0.1:{port}", timeout=0.2)
    assert (type(error), error.state) == (Open, "NO ANSWER")
    assert error.summary.endswith("gave no complete answer within 0.2 s")


def test_lists_of_another_form_leave_it_open() -> None:
    with supabase(shop()) as standin:
        standin.fail(".*/pooler", Canned(200, {}))
        standin.fail(".*/health", Canned(200, [{"name": "db"}]))
        with pytest.raises(Open, match="not a list"):
            client(standin).poolers(REF)
        with pytest.raises(Open, match="no usable status"):
            client(standin).health(REF)


@pytest.mark.parametrize(
    ("host", "user", "options", "ref"),
    [
        (f"db.{REF}.supabase.co", "postgres", "", REF),
        (POOLER, f"postgres.{REF}", "", REF),
        (POOLER, f"app_role.{REF}", "", REF),
        (POOLER, f"postgres.{REF}-rr-us-east-1-abcde", "", REF),
        (POOLER, "postgres", f"reference={REF}", REF),
        ("localhost", "postgres", "", None),
        ("db.example.com", "postgres", "", None),
        (f"{POOLER}.evil.example", f"postgres.{REF}", "", None),
    ],
)
def test_the_ref_stands_in_the_host_or_in_the_user(host: str, user: str, options: str, ref: str | None) -> None:
    assert ref_of(host, user, options) == ref


def test_a_pooler_s_user_without_a_ref_names_no_project() -> None:
    with pytest.raises(ClientError) as caught:
        ref_of(POOLER, "postgres", "")
    assert caught.value.summary == f"the user postgres names no project, and the pooler {POOLER} serves many"
    assert "postgres.PROJECT-REF" in caught.value.remedy
