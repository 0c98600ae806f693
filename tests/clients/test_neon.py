"""Neon's management API, against a stand-in that is held to its published shapes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infracheck.clients import neonlookup
from infracheck.clients.http import USER_AGENT, Http
from infracheck.clients.neon import SERVICE
from infracheck.clients.neon import Neon as Client
from infracheck.clients.ports import free_port
from infracheck.clients.providerapi import ProviderApi
from infracheck.clients.providercauses import CAUSES, Open, Refused
from infracheck.errors import ClientError, Unavailable, Unclear
from infracheck.secret import Secret
from tests.hostile import HTML, Canned, canned, listening, silent
from tests.standins.neon import Branch, Endpoint, Neon, Project, neon

HOST = "ep-cool-darkness-123456.c-2.us-east-2.aws.neon.tech"
ENDPOINT = "ep-cool-darkness-123456"
PROJECT = "shiny-wind-028834"
URL = "DATABASE_URL (.env.local:1)"


def acme(**changes: Any) -> Project:
    main = Branch("br-aged-salad-637688", "main", default=True, endpoints=[Endpoint(ENDPOINT)])
    preview = Branch("br-odd-frog-703504", "preview/login", endpoints=[Endpoint("ep-quiet-mouse-654321")])
    return Project(**{"id": PROJECT, "name": "acme-web", "branches": [main, preview], **changes})


def client(http: Http, standin: Neon, *, key: str | None = None, pauses: list[float] | None = None) -> Client:
    waited = pauses if pauses is not None else []
    api = ProviderApi(http, SERVICE, Secret(key or standin.key), base=standin.url, timeout=10.0, pause=waited.append)
    return Client(api)


def raised(ask: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as caught:
        ask()
    return caught.value


# -- what is asked


def test_questions_carry_the_key_and_our_own_name() -> None:
    with neon(acme()) as standin:
        assert client(Http(), standin).project(PROJECT).name == "acme-web"
    [headers] = standin.headers
    assert headers["Authorization"] == f"Bearer {standin.key}"
    assert headers["User-Agent"] == USER_AGENT


@pytest.mark.parametrize("slash", ["", "/", "//"])
def test_a_base_url_may_end_in_a_slash_or_not(slash: str) -> None:
    with neon(acme()) as standin:
        api = ProviderApi(Http(), SERVICE, Secret(standin.key), base=standin.url + slash, timeout=10.0)
        Client(api).project(PROJECT)
    assert standin.requests == [f"/projects/{PROJECT}"]


def test_an_entry_of_netrc_does_not_replace_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with neon(acme()) as standin:
        assert client(Http(), standin).owner() is None


def test_a_name_from_a_variable_stays_one_segment_of_the_path() -> None:
    with neon(acme()) as standin:
        standin.fail(".*", 404)
        raised(lambda: client(Http(), standin).project("../auth?x=1"))
    assert standin.requests == ["/projects/..%2Fauth%3Fx%3D1"]


def test_all_pages_of_the_projects_are_read() -> None:
    projects = [acme(id=f"small-sun-{number:06d}", name=f"p{number}") for number in range(230)]
    with neon(*projects) as standin:
        found, complete = client(Http(), standin).projects(None)
    assert ([one.name for one in found], complete) == ([one.name for one in projects], True)
    assert standin.requests == [
        "/projects?limit=100",
        "/projects?limit=100&cursor=small-sun-000099",
        "/projects?limit=100&cursor=small-sun-000199",
    ]


def test_a_list_with_a_project_that_was_not_readable_is_not_complete() -> None:
    with neon(acme()) as standin:
        standin.unavailable = ["quiet-sea-000001"]
        _, complete = client(Http(), standin).projects(None)
    assert not complete


def test_words_that_neon_adds_are_taken_as_they_are() -> None:
    new = Branch("br-new-1", "new", current_state="hibernating", endpoints=[Endpoint("ep-new-1", type="mirror")])
    with neon(acme(branches=[new], operations=[("br-new-1", "polish_moon", "pondering")])) as standin:
        one = client(Http(), standin)
        project = one.project(PROJECT)
        assert one.branch(project, "br-new-1").state == "hibernating"
        assert one.endpoint(project, "ep-new-1").type == "mirror"
        assert one.operations(project)[0].status == "pondering"


# -- the stand-in itself


def test_a_question_that_the_description_does_not_know_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="no parameter shared"), neon(acme()) as standin:
        standin.answer("/api/v2/projects", {"shared": "true"}, {"Authorization": f"Bearer {standin.key}"}, "http://x")


def test_an_answer_that_the_description_does_not_know_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="InvalidData"), neon(acme(name=7)) as standin:
        raised(lambda: client(Http(), standin).project(PROJECT))


# -- why there is no answer


def said(status: int, headers: dict[str, str] | None = None) -> Canned:
    return Canned(status, {"code": "", "message": "so it is"}, headers or {})


WAIT = {"Retry-After": "3600"}
SAID = ": so it is"
KEY_AT = "Neon's console, account or organization settings, API keys"
CONSOLE = "look it up in the console of Neon"
WHAT = f"project {PROJECT}"
ROWS: list[tuple[Canned, str, type[Refused], str, str]] = [
    (said(401), "REFUSED", Refused, f"Neon refuses NEON_API_KEY (401){SAID}", "put a valid key into NEON_API_KEY: "),
    (said(403), "NO PERMISSION", Open, f"NEON_API_KEY may not read {WHAT} (403){SAID}", "use a key of the account or "),
    (said(404), "NOT FOUND", Open, f"Neon has no {WHAT} (404){SAID}", "see that NEON_API_KEY belongs to the account"),
    (said(412), "NOT IN THIS STATE", Open, f"Neon does not show {WHAT} in its present state (412){SAID}", CONSOLE),
    (said(423, WAIT), "LOCKED", Open, f"Neon is changing {WHAT} now (423){SAID}", "wait 3600 s until it has finished"),
    (
        said(429, WAIT),
        "LIMITED",
        Open,
        "Neon takes no more requests of NEON_API_KEY now (429)",
        "wait 3600 s, then run",
    ),
    (said(500), "FAILS", Open, f"Neon fails at the question for {WHAT} (500){SAID}", "see Neon's status page, wait, "),
    (
        said(503, WAIT),
        "FAILS",
        Open,
        f"Neon fails at the question for {WHAT} (503)",
        "see Neon's status page, wait 3600",
    ),
    (said(302), "REDIRECTS", Open, "and NEON_API_KEY is not sent there (302)", "set NEON_API_HOST to the API's own"),
    (said(418), "NOT UNDERSTOOD", Open, f"Neon does not take the question for {WHAT} (418){SAID}", CONSOLE),
    (HTML, "WEB PAGE", Open, "a web page answers at {place}, not the API of Neon", "correct NEON_API_HOST"),
    (Canned(200, "{"), "NOT JSON", Open, f"what {{place}} answers for {WHAT} is not JSON", "correct NEON_API_HOST"),
    (Canned(204), "NOT JSON", Open, f"what {{place}} answers for {WHAT} is not JSON", "correct NEON_API_HOST"),
    (Canned(200, [1]), "INCOMPLETE", Open, f"Neon tells of {WHAT} in a form", "take the newest infracheck"),
    (Canned(200, {}), "INCOMPLETE", Open, "infracheck does not know: no usable project", "take the newest"),
    (Canned(200, {"project": {"id": 1}}), "INCOMPLETE", Open, "no usable name", "take the newest infracheck"),
    (Canned(200, {"project": "x"}), "INCOMPLETE", Open, "no usable project", "take the newest infracheck"),
]


@pytest.mark.parametrize(("answer", "state", "kind", "summary", "remedy"), ROWS, ids=lambda value: str(value)[:24])
def test_each_way_in_which_there_is_no_answer(
    answer: Canned, state: str, kind: type[Refused], summary: str, remedy: str
) -> None:
    with neon(acme()) as standin:
        standin.fail(".*", answer)
        error = raised(lambda: client(Http(), standin).project(PROJECT))
        place = standin.url.removesuffix("/api/v2")
    assert (type(error), error.state) == (kind, state)
    assert summary.format(place=place) in error.summary
    assert error.remedy.startswith(remedy)
    assert standin.key not in repr(vars(error))


def test_every_row_of_the_table_is_tested_here() -> None:
    elsewhere = {"NO ANSWER", "TOO SLOW", "OTHER SERVICE"}
    assert {row.state for row in CAUSES.values()} == {state for _, state, *_ in ROWS} | elsewhere


def test_another_service_is_told_by_the_first_question() -> None:
    with canned({}, default=Canned(404, {"message": "no such page"})) as server:
        one = Client(ProviderApi(Http(), SERVICE, Secret("napi_x"), base=f"{server.url}/api/v2", timeout=10.0))
        error = raised(one.owner)
    assert error.summary == f"{server.url} is not the API of Neon: it cannot tell the owner of the key (404)"
    assert error.remedy == "correct NEON_API_HOST, or take it away"


def test_nobody_listening_leaves_it_open() -> None:
    base = f"http://127.0.0.1:{free_port()}"
    one = Client(ProviderApi(Http(), SERVICE, Secret("napi_x"), base=base, timeout=10.0))
    error = raised(one.owner)
    assert (type(error), error.state) == (Open, "NO ANSWER")
    assert error.summary == (
        f"Neon could not be asked for the owner of the key: nothing listens at {base} (connection refused)"
    )
    assert error.remedy == f"let this machine reach {base}, or correct NEON_API_HOST, then run again"


def test_a_server_that_never_answers_leaves_it_open() -> None:
    with listening(silent) as port:
        one = Client(ProviderApi(Http(), SERVICE, Secret("napi_x"), base=f"http://127.0.0.1:{port}", timeout=0.2))
        error = raised(one.owner)
    assert (type(error), error.state) == (Open, "NO ANSWER")
    assert error.summary.endswith("gave no complete answer within 0.2 s")


def test_the_budget_ends_the_questions() -> None:
    with neon(acme()) as standin:
        one = Client(ProviderApi(Http(), SERVICE, Secret(standin.key), base=standin.url, timeout=0.0))
        error = raised(one.owner)
    assert (type(error), error.state) == (Open, "TOO SLOW")
    assert "did not answer all questions within 0 s" in error.summary
    assert standin.requests == []


def test_the_end_of_the_run_ends_the_questions() -> None:
    http = Http()
    http.close()
    with neon(acme()) as standin, pytest.raises(Unavailable):
        client(http, standin).owner()


# -- repeats


@pytest.mark.parametrize("status", [423, 429, 503])
def test_what_is_safe_to_repeat_is_repeated(status: int) -> None:
    pauses: list[float] = []
    with neon(acme()) as standin:
        standin.fail("/projects/.*", status, times=2)
        assert client(Http(), standin, pauses=pauses).project(PROJECT).id == PROJECT
    assert (pauses, len(standin.requests)) == ([0.25, 0.5], 3)


def test_the_server_says_how_long_to_wait() -> None:
    pauses: list[float] = []
    with neon(acme()) as standin:
        standin.fail("/projects/.*", said(429, {"Retry-After": "3"}), times=1)
        standin.fail("/projects/.*", said(503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), times=1)
        client(Http(), standin, pauses=pauses).project(PROJECT)
    assert pauses == [3.0, 0.0]


def test_a_wait_that_is_too_long_is_told_and_not_waited_for() -> None:
    pauses: list[float] = []
    with neon(acme()) as standin:
        standin.fail("/projects/.*", said(429, {"Retry-After": "11"}))
        error = raised(lambda: client(Http(), standin, pauses=pauses).project(PROJECT))
    assert error.remedy == "wait 11 s, then run again"
    assert (pauses, len(standin.requests)) == ([], 1)


def test_three_tries_are_enough() -> None:
    with neon(acme()) as standin:
        standin.fail("/projects/.*", 503)
        raised(lambda: client(Http(), standin).project(PROJECT))
    assert len(standin.requests) == 3


# -- the key


def test_a_redirect_is_not_followed() -> None:
    with neon(acme()) as standin, canned({}, default=Canned(200, {})) as other:
        standin.fail(".*", Canned(307, "", {"Location": f"{other.url}/elsewhere?token=1"}))
        error = raised(lambda: client(Http(), standin).project(PROJECT))
    assert f"redirects to {other.url}/elsewhere, and NEON_API_KEY is not sent there (307)" in error.summary
    assert other.requests == []


def test_a_key_that_the_server_repeats_is_masked() -> None:
    with neon(acme()) as standin:
        standin.fail(".*", Canned(401, {"code": "", "message": f"bad key {standin.key}"}))
        error = raised(lambda: client(Http(), standin).project(PROJECT))
    assert error.summary == "Neon refuses NEON_API_KEY (401): bad key [secret]"


@pytest.mark.parametrize("key", ["napi_a\r\nX-Evil: 1", "napi_ä", "napi a", " "])
def test_a_key_of_other_characters_is_not_sent(key: str) -> None:
    with neon(acme()) as standin:
        error = raised(lambda: client(Http(), standin, key=key))
    assert (error.state, error.subject) == ("MALFORMED", "NEON_API_KEY")
    assert error.summary == "NEON_API_KEY holds characters that no key has"
    assert standin.requests == []


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("http://api.example.com/v2", "NEON_API_HOST is no https address, and NEON_API_KEY would go there unencrypted"),
        ("https://me@api.example.com/v2", "NEON_API_HOST holds more than an address"),
        ("https://api.example.com/v2?x=1", "NEON_API_HOST holds more than an address"),
        ("console.neon.tech", "NEON_API_HOST is not a valid http or https URL"),
    ],
)
def test_an_address_that_would_show_the_key_is_not_asked(base: str, words: str) -> None:
    error = raised(lambda: ProviderApi(Http(), SERVICE, Secret("napi_x"), base=base, timeout=1.0))
    assert (error.summary, error.subject) == (words, "NEON_API_HOST")
    assert error.remedy == "write it as https://console.neon.tech/api/v2, or take it away"


# -- finding the endpoint of a host


def lookup(standin: Neon, host: str = HOST, project: str | None = None) -> neonlookup.Found:
    return neonlookup.find(client(Http(), standin), host, project, url=URL)


@pytest.mark.parametrize("host", [HOST, HOST.replace("6.", "6-pooler.", 1), HOST.upper()])
def test_direct_and_pooled_hosts_lead_to_the_same_branch(host: str) -> None:
    with neon(acme()) as standin:
        found = lookup(standin, host, PROJECT)
    assert (found.endpoint.id, found.branch.name, found.project.name) == (ENDPOINT, "main", "acme-web")
    assert standin.requests[0] == "/auth"


def test_a_person_s_key_asks_each_organization() -> None:
    with neon(
        acme(organization="org-b"), acme(id="other-1", name="other", branches=[], organization="org-a")
    ) as standin:
        standin.organizations = ["org-a", "org-b"]
        assert lookup(standin).project.name == "acme-web"
    assert "/projects?limit=100&org_id=org-b" in standin.requests


def test_an_organization_s_key_asks_its_own() -> None:
    with neon(acme(organization="org-acme-12345678"), method="api_key_org") as standin:
        assert lookup(standin).project.name == "acme-web"
    assert standin.requests[:2] == ["/auth", "/projects?limit=100&org_id=org-acme-12345678"]


def test_the_project_whose_hosts_end_alike_is_asked_first() -> None:
    far = acme(id="far-1", name="far", branches=[], proxy="eu-central-1.aws.neon.tech")
    with neon(far, acme()) as standin:
        lookup(standin)
    assert not any("far-1" in request for request in standin.requests)


def test_a_project_s_key_may_not_list_and_needs_the_project_named() -> None:
    with neon(acme(), scoped=True) as standin:
        assert lookup(standin, project=PROJECT).branch.name == "main"
        with pytest.raises(Unclear) as caught:
            lookup(standin)
    assert caught.value.summary.startswith("NEON_API_KEY shows no project")
    assert caught.value.remedy.startswith("set NEON_PROJECT_ID to the id of the project")


def test_a_project_that_may_not_be_read_leaves_it_open() -> None:
    with neon(acme(), acme(id="closed-1", name="closed", branches=[])) as standin:
        standin.fail("/projects/closed-1/.*", 403)
        with pytest.raises(Unclear, match="NEON_API_KEY shows not every project"):
            lookup(standin, "ep-nowhere-1.c-2.us-east-2.aws.neon.tech")


def test_an_unknown_endpoint_fails_and_names_the_branches() -> None:
    with neon(acme()) as standin, pytest.raises(ClientError) as caught:
        lookup(standin, "ep-nowhere-1.c-2.us-east-2.aws.neon.tech", PROJECT)
    assert not isinstance(caught.value, Unclear)
    assert caught.value.summary == "Neon knows no endpoint ep-nowhere-1 in project acme-web"
    assert caught.value.remedy == (
        f"copy the connection string of a branch that exists into {URL} (Neon's console: Connect): "
        "branches of acme-web: main (default), preview/login; or correct NEON_PROJECT_ID"
    )


@pytest.mark.parametrize(
    ("project", "words"),
    [
        ("gone-sun-000001", "Neon knows no project gone-sun-000001 that NEON_API_KEY may see"),
        ("Not An Id", "NEON_PROJECT_ID is not a project's id"),
    ],
)
def test_a_project_id_that_leads_nowhere_fails(project: str, words: str) -> None:
    with neon(acme()) as standin, pytest.raises(ClientError) as caught:
        lookup(standin, project=project)
    assert caught.value.summary == words
    assert "NEON_PROJECT_ID" in caught.value.remedy


def test_a_host_without_an_endpoint_is_not_looked_up() -> None:
    with neon(acme()) as standin, pytest.raises(ClientError, match="does not name a Neon endpoint"):
        lookup(standin, "pg.neon.tech")
    assert standin.requests == []


@pytest.mark.parametrize(
    ("operation", "waits"),
    [
        (("br-aged-salad-637688", "apply_config", "running"), ["apply_config"]),
        (("br-aged-salad-637688", "create_branch", "scheduling"), ["create_branch"]),
        (("br-aged-salad-637688", "apply_config", "finished"), []),
        (("br-aged-salad-637688", "start_compute", "running"), []),  # the gate itself wakes it
        (("br-aged-salad-637688", "polish_moon", "running"), []),
        (("br-odd-frog-703504", "apply_config", "running"), []),
    ],
)
def test_only_operations_that_a_session_waits_for_count(operation: tuple[str, str, str], waits: list[str]) -> None:
    with neon(acme(operations=[operation])) as standin:
        found = lookup(standin, project=PROJECT)
        assert neonlookup.busy(client(Http(), standin), found) == waits
