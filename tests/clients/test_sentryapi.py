"""Sentry's web API: where it is, what a token tells, and each question with each answer, against a stand-in."""

import base64
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infracheck.clients.http import Http
from infracheck.clients.providercauses import Refused
from infracheck.clients.sentry import read_dsn, send_event
from infracheck.clients.sentryapi import SentryApi
from infracheck.clients.sentryplace import Base, Claims, base_of, claims_of, elsewhere, region_of
from infracheck.errors import Unclear
from infracheck.secret import Secret
from tests.hostile import HTML, Canned, canned, listening, silent
from tests.standins.sentry import CI, WHOLE, Project, Sentry, organization_token, sentry

KEY = secrets.token_hex(16)
EVENT = secrets.token_hex(16)
DE, US, OLD = (f"https://{KEY}@o1.{host}.sentry.io/1" for host in ("ingest.de", "ingest.us", "ingest"))


@pytest.fixture
def http() -> Iterator[Http]:
    client = Http()
    yield client
    client.close()


def api(http: Http, standin: Sentry, *, token: str | None = None, wait: float | None = None) -> SentryApi:
    return SentryApi(http, Secret(token or standin.key), Base(standin.url, "a test"), timeout=5, wait=wait)


def sent(http: Http, standin: Sentry) -> str:
    return send_event(http, read_dsn(standin.dsn()), timeout=5).event_id


# -- the token, and where to ask


def test_an_organisation_token_tells_where_it_belongs() -> None:
    token = organization_token("acme", url="https://sentry.io", region_url="https://de.sentry.io")
    assert claims_of(f" {token}\n") == Claims("acme", "https://sentry.io", "https://de.sentry.io")
    assert claims_of(organization_token("acme")) == Claims("acme", None, None)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "_YOUR_SENTRY_AUTH_TOKEN_",
        "sntryu_" + "0" * 64,
        "sntrys_" + "0" * 48,
        "sntrys_!!!_x",
        "sntrys_" + base64.b64encode(b"[1]").decode() + "_x",
        "sntrys_" + base64.b64encode(b"\xff{").decode() + "_x",
        "sntrys_" + base64.b64encode(b"[" * 100_000).decode() + "_x",
    ],
)
def test_other_tokens_tell_nothing(token: str) -> None:
    assert claims_of(token) is None


@pytest.mark.parametrize(
    ("url", "region"),
    [
        (DE, "de"),
        (US, "us"),
        (OLD, "us"),
        ("https://de.sentry.io/", "de"),
        ("https://us.sentry.io", "us"),
        ("https://sentry.io", None),
        ("https://acme.sentry.io", None),
        ("https://errors.example.com", None),
        ("http://[::1", None),
        (None, None),
    ],
)
def test_a_region_is_read_from_a_host(url: str | None, region: str | None) -> None:
    assert region_of(url) == region


@pytest.mark.parametrize(
    ("dsn", "base", "region"),
    [
        (DE, "https://us.sentry.io", "de"),
        (DE, "https://sentry.io", "de"),
        (US, "https://de.sentry.io", "us"),
        (OLD, "https://sentry.io", None),
        (DE, "https://de.sentry.io", None),
        (DE, "https://sentry.example.com", None),
        (f"https://{KEY}@errors.example.com/1", "https://sentry.io", None),
    ],
)
def test_a_dsn_of_another_region_than_the_one_asked_is_named(dsn: str, base: str, region: str | None) -> None:
    assert elsewhere(dsn, base) == region


@pytest.mark.parametrize(
    ("configured", "variable", "token", "dsn", "url", "source"),
    [
        ("https://a.example", "https://b.example", "x", DE, "https://a.example", "[sentry] url"),
        (None, "https://b.example", organization_token(url="https://c.example"), DE, "https://b.example", "SENTRY_URL"),
        (None, None, organization_token(url="https://c", region_url="https://r"), DE, "https://r", "the token"),
        (None, None, organization_token(url="https://c.example"), DE, "https://c.example", "the token"),
        (None, None, organization_token(), DE, "https://de.sentry.io", "the DSN"),
        (None, None, "x", US, "https://sentry.io", "the DSN"),
        (None, None, "x", OLD, "https://sentry.io", "the DSN"),
        (None, None, "x", f"http://{KEY}@localhost:8000/1", "http://localhost:8000", "the DSN"),
        (None, None, "x", f"https://{KEY}@e.example/sub/1", "https://e.example/sub", "the DSN"),
    ],
)
def test_the_first_that_says_where_the_api_is_wins(
    configured: str | None, variable: str | None, token: str, dsn: str, url: str, *, source: str
) -> None:
    base = base_of(configured, variable, Secret(token), read_dsn(dsn))
    assert (base.url, base.source) == (url, source)


# -- questions


def test_each_question_has_its_answer(http: Http) -> None:
    with sentry(Project(42, "web", {KEY: True, EVENT: False})) as standin:
        client = api(http, standin)
        assert client.scopes() == WHOLE
        assert client.organization("acme") == standin.url
        assert client.project("acme", "web") == 42
        client.releases("acme", "web")
        found = [(one.public, one.project, one.active) for one in client.keys("acme", "web")]
        assert found == [(KEY, 42, True), (EVENT, 42, False)]
        assert KEY not in repr(client.keys("acme", "web"))
        assert {one["Authorization"] for one in standin.headers} == {f"Bearer {standin.key}"}


def test_a_name_from_a_variable_leads_to_no_other_path(http: Http) -> None:
    with canned({}) as server:
        client = SentryApi(http, Secret("t"), Base(server.url, "a test"), timeout=5)
        with pytest.raises(Refused):
            client.project("../..", "web?x=/")
        assert server.requests[0][1] == "/api/0/projects/..%2F../web%3Fx%3D%2F/"


# -- an event


@pytest.mark.parametrize("scopes", [WHOLE, ("org:read",), ("project:read",)])
def test_an_event_is_found_by_each_kind_of_token(http: Http, scopes: tuple[str, ...]) -> None:
    with sentry(scopes=scopes) as standin:
        client, event_id = api(http, standin), sent(http, standin)
        standin.hides = 2
        assert client.event("acme", "web", EVENT) is None
        standin.hides = 0
        assert client.event("acme", "web", event_id) == "web"


def test_an_event_of_another_project_is_told_by_its_slug(http: Http) -> None:
    with sentry(Project(42, "web"), Project(43, "shop")) as standin:
        assert api(http, standin).event("acme", "shop", sent(http, standin)) == "web"


def test_a_token_that_may_not_read_events_is_told(http: Http) -> None:
    with sentry(scopes=CI) as standin, pytest.raises(Refused) as caught:
        api(http, standin).event("acme", "web", EVENT)
    assert (caught.value.status, caught.value.state) == (403, "NO PERMISSION")


def test_a_server_that_has_one_of_the_two_ways_is_enough(http: Http) -> None:
    with sentry() as standin:
        standin.fail("/api/0/organizations/.*/eventids/.*", Canned(404, "<h1>Not Found</h1>"))
        client = api(http, standin)
        assert client.event("acme", "web", sent(http, standin)) == "web"
        assert client.event("acme", "web", EVENT) is None
        assert len([one for one in standin.requests if "eventids" in one]) == 1


def test_a_server_that_has_neither_way_is_told(http: Http) -> None:
    with canned({}) as server, pytest.raises(Unclear) as caught:
        SentryApi(http, Secret("t"), Base(server.url, "a test"), timeout=5).event("acme", "web", EVENT)
    assert isinstance(caught.value, Refused)
    assert caught.value.state == "NO API"


SHAPES: dict[str, list[Any]] = {
    "/api/0/": [{"detail": "hello"}, {"version": "0", "auth": 5}, {"version": "0", "auth": {}}, [1]],
    "/api/0/organizations/acme/": [[], "text"],
    "/api/0/projects/acme/web/": [{}, {"id": "forty-two"}, {"id": None}],
    "/api/0/projects/acme/web/keys/": [{}, [1], [{"public": KEY, "projectId": "42", "isActive": True}]],
    "/api/0/projects/acme/web/releases/": [{}],
    f"/api/0/organizations/acme/eventids/{EVENT}/": [{}, {"projectSlug": 5}],
}


@pytest.mark.parametrize(("path", "number"), [(path, n) for path, found in SHAPES.items() for n in range(len(found))])
def test_an_answer_of_another_shape_is_never_believed(http: Http, path: str, number: int) -> None:
    with canned({path: Canned(200, SHAPES[path][number])}) as server, pytest.raises(Unclear) as caught:
        client = SentryApi(http, Secret("t"), Base(server.url, "a test"), timeout=5)
        questions: dict[str, Callable[[], object]] = {
            "/api/0/": client.scopes,
            "/api/0/organizations/acme/": lambda: client.organization("acme"),
            "/api/0/projects/acme/web/": lambda: client.project("acme", "web"),
            "/api/0/projects/acme/web/keys/": lambda: client.keys("acme", "web"),
            "/api/0/projects/acme/web/releases/": lambda: client.releases("acme", "web"),
        }
        questions.get(path, lambda: client.event("acme", "web", EVENT))()
    assert isinstance(caught.value, Refused)
    assert caught.value.state in {"INCOMPLETE", "NOT JSON"}


def test_the_event_of_another_id_is_not_believed(http: Http) -> None:
    path = f"/api/0/projects/acme/web/events/{EVENT}/"
    with canned({path: Canned(200, {"eventID": "0" * 32})}) as server, pytest.raises(Unclear, match="another event"):
        SentryApi(http, Secret("t"), Base(server.url, "a test"), timeout=5).event("acme", "web", EVENT)


def test_a_page_is_told_as_such(http: Http) -> None:
    with canned({}, default=HTML) as server, pytest.raises(Unclear, match="a web page answers at"):
        SentryApi(http, Secret("t"), Base(server.url, "a test"), timeout=5).scopes()


@pytest.mark.parametrize(("wait", "setting"), [(None, "timeout"), (0.2, "wait")])
def test_the_budget_that_ran_out_is_named(http: Http, wait: float | None, setting: str) -> None:
    with listening(silent) as port:
        base = Base(f"http://127.0.0.1:{port}", "a test")
        client = SentryApi(http, Secret("t"), base, timeout=0.1, wait=wait)
        caught: list[Refused] = []
        while not caught or caught[-1].state != "TOO SLOW":
            with pytest.raises(Unclear) as one:
                client.scopes()
            assert isinstance(one.value, Refused)
            caught.append(one.value)
    assert len(caught) <= 4
    assert f"`[sentry] {setting}`" in caught[-1].remedy
