"""The Sentry client: each defect of a DSN, an event into a real Sentry-compatible server, and the table of answers."""

import json
import os
import secrets
import socket
import sys
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from infracheck.clients.http import Http
from infracheck.clients.ports import free_port
from infracheck.clients.sentry import REFUSALS, defects_of, read_dsn, send_event
from infracheck.errors import ClientError, Unclear
from tests.components.bugsink import Bugsink
from tests.components.bugsink import bugsink as run_bugsink
from tests.hostile import HTML, Canned, canned, listening, serving, silent

KEY = secrets.token_hex(16)


@pytest.fixture(scope="module")
def bugsink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bugsink]:
    with run_bugsink(tmp_path_factory.mktemp("bugsink")) as server:
        yield server


@pytest.fixture
def http() -> Iterator[Http]:
    client = Http()
    yield client
    client.close()


# -- the DSN


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        (f"https://{KEY}@o123.ingest.us.sentry.io/42", "o123.ingest.us.sentry.io, project 42"),
        (f"https://{KEY}@o1.ingest.de.sentry.io/1", "o1.ingest.de.sentry.io, project 1"),
        (f"https://{KEY}@o1.ingest.sentry.io/1", "o1.ingest.sentry.io, project 1"),
        (f"https://{KEY}@errors.example.com/sub/path/7", "errors.example.com, project 7"),
        (f"http://{KEY}@localhost:8000/1", "localhost:8000, project 1"),
        (f"http://{KEY}@[::1]:8000/1", "[::1]:8000, project 1"),
        (f"http://{KEY}@sentry.internal:9000/3", "sentry.internal:9000, project 3"),
    ],
)
def test_a_good_dsn_shows_host_and_project_only(dsn: str, shown: str) -> None:
    assert defects_of(dsn) == ()
    assert str(read_dsn(dsn)) == shown
    assert KEY not in repr(read_dsn(dsn))


@pytest.mark.parametrize(
    ("dsn", "defect"),
    [
        ("", "it does not begin with https://"),
        ("your-dsn-here", "it does not begin with https://"),
        (f"ftp://{KEY}@host/1", "it does not begin with https://"),
        (f" https://{KEY}@host/1", "it holds white space"),
        (f"https://{KEY}@host/1\n", "it holds white space"),
        (f"'https://{KEY}@host/1'", "it is wrapped in quotes"),
        (f"https://{KEY}@host:port/1", "its host or port cannot be read"),
        (f"https://{KEY}@host:99999/1", "its host or port cannot be read"),
        (f"https://{KEY}@[::1/1", "its host or port cannot be read"),
        (f"https://{KEY}@/1", "its host or port cannot be read"),
        ("https://host/1", "it has no key before an @"),
        ("https://@host/1", "it has no key before an @"),
        ("https://examplePublicKey@host/1", "its key is not 32 hexadecimal digits in lower case"),
        (f"https://{KEY[:-1]}@host/1", "its key is not 32 hexadecimal digits in lower case"),
        (f"https://{'AB' * 16}@host/1", "its key is not 32 hexadecimal digits in lower case"),
        (f"https://{KEY}@host", "it has no project number at its end"),
        (f"https://{KEY}@host/", "it has no project number at its end"),
        (f"https://{KEY}@host/1/", "it ends in a slash"),
        (f"https://{KEY}@host/web", "what it ends in is not a project number"),
        (f"https://{KEY}@host/0", "what it ends in is not a project number"),
        (f"https://{KEY}@host/-5", "what it ends in is not a project number"),
        (f"https://{KEY}@host/1_0", "what it ends in is not a project number"),
        (f"https://{KEY}@host/١", "what it ends in is not a project number"),
        (f"https://{KEY}@host/1?x=y", "something follows the project number"),
        (f"https://{KEY}@host/1#x", "something follows the project number"),
        (f"https://{KEY}@host/1?", "something follows the project number"),
        (f"http://{KEY}@o1.ingest.sentry.io/1", "sentry.io is asked with http instead of https"),
        (f"https://{KEY}@sentry.io/1", "its host is not like o123.ingest.us.sentry.io"),
        (f"https://{KEY}@o0.ingest.sentry.io/1", "its host is not like o123.ingest.us.sentry.io"),
        (f"https://{KEY}@acme.sentry.io/1", "its host is not like o123.ingest.us.sentry.io"),
    ],
)
def test_each_defect_of_a_dsn_has_its_phrase(dsn: str, defect: str) -> None:
    assert defects_of(dsn) == (defect,)
    with pytest.raises(ClientError) as caught:
        read_dsn(dsn)
    assert caught.value.summary == f"the DSN is malformed: {defect}"
    assert KEY not in caught.value.summary


def test_all_defects_are_told_at_once() -> None:
    assert len(defects_of("http://examplePublicKey@sentry.io/0?x")) == 5


def test_the_old_form_with_a_secret_key_is_recognised() -> None:
    assert read_dsn(f"https://{KEY}:{KEY}@host/1").secret_key
    assert not read_dsn(f"https://{KEY}@host/1").secret_key


# -- a real server


def test_an_event_is_accepted_and_stored(bugsink: Bugsink, http: Http) -> None:
    receipt = send_event(http, read_dsn(bugsink.dsn), timeout=20)
    assert bugsink.stored(receipt.event_id)
    event = next(event for event in bugsink.events() if event.id == receipt.event_id)
    assert event.project == 1
    assert event.data["level"] == "info"
    assert event.data["fingerprint"] == ["infracheck-deploy-gate"]
    assert event.data["environment"] == "infracheck"
    assert dict(event.data["tags"]) == {"infracheck": "true"}


def test_an_event_tells_nothing_about_this_machine(
    bugsink: Bugsink, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = secrets.token_hex(8)
    for name in ("SENTRY_ENVIRONMENT", "SENTRY_RELEASE", "DATABASE_URL"):
        monkeypatch.setenv(name, marker)
    receipt = send_event(http, read_dsn(bugsink.dsn), timeout=20)
    event = next(event for event in bugsink.events() if event.id == receipt.event_id)
    shown = str(event.data)
    assert marker not in shown
    assert os.environ["PATH"] not in shown
    assert sys.argv[0] not in shown
    assert "server_name" not in event.data
    assert socket.gethostname() not in shown.replace("infracheck", "")


def test_a_key_that_belongs_to_no_project_is_refused(bugsink: Bugsink, http: Http) -> None:
    for text in (bugsink.wrong_key_dsn, bugsink.wrong_project_dsn):
        dsn = read_dsn(text)
        with pytest.raises(ClientError) as caught:
            send_event(http, dsn, timeout=20)
        assert not isinstance(caught.value, Unclear)
        # The server's page repeats the DSN; not one word of it is quoted.
        assert caught.value.summary == f"{dsn.place} does not know this key for project {dsn.project} (403)"
        assert "see that project and key are active" in caught.value.remedy


def test_a_path_without_an_endpoint_is_told(bugsink: Bugsink, http: Http) -> None:
    with pytest.raises(ClientError, match=r"takes no events for project 1 \(404\)$"):
        send_event(http, read_dsn(bugsink.wrong_path_dsn), timeout=20)


# -- the table of answers, row by row


RELAY = {"detail": "event submission rejected with_reason: ProjectId", "causes": []}
ANSWERS = {
    "400": (Canned(400, {"detail": "bad public key"}), "refuses the event as invalid (400): bad public key"),
    "401": (Canned(401, {"detail": "no auth"}), "does not accept the key of the DSN (401): no auth"),
    "403": (Canned(403, RELAY), "for project 5 (403): event submission rejected with_reason: ProjectId"),
    "403 of an old server": (Canned(403, "", {"X-Sentry-Error": "Invalid key"}), "for project 5 (403): Invalid key"),
    "404": (Canned(404, "<h1>Not Found</h1>"), "takes no events for project 5 (404)"),
    "413": (Canned(413, ""), "calls 1 KB too large (413)"),
    "429": (Canned(429, {"detail": "Sentry dropped data"}), "rate limit or quota (429): Sentry dropped data"),
    "redirect": (Canned(302, "", {"Location": "https://elsewhere/"}), "redirects instead of taking the event (302)"),
    "500": (Canned(500, {"detail": "Internal Error"}), "fails at the event (500): Internal Error"),
    "503": (Canned(503, "upstream"), "fails at the event (503)"),
    "teapot": (Canned(418, "short and stout"), "answers the event with 418"),
    "no content": (Canned(204), "answers the event with 204"),
    "a page": (HTML, "is not Sentry: it answers the event with a web page"),
    "text": (Canned(200, "OK"), "is not Sentry: it answers the event with 200, but no event id"),
    "JSON without an id": (Canned(200, {"ok": True}), "is not Sentry: it answers the event with 200, but no event id"),
    "JSON that is no object": (Canned(200, [1]), "is not Sentry: it answers the event with 200, but no event id"),
    "another id": (Canned(200, {"id": "0" * 32}), "acknowledges another event than the one sent"),
}
OPEN = {"429", "500", "503"}


@pytest.mark.parametrize("row", ANSWERS)
def test_each_answer_has_its_message(http: Http, row: str) -> None:
    answer, words = ANSWERS[row]
    with canned({"/api/5/envelope/": answer}) as server, pytest.raises(ClientError) as caught:
        send_event(http, read_dsn(server.url.replace("//", f"//{KEY}@") + "/5"), timeout=5)
    assert caught.value.summary.startswith(server.url)
    assert words in caught.value.summary
    assert isinstance(caught.value, Unclear) == (row in OPEN)
    assert caught.value.remedy


def test_every_row_of_the_table_is_tested() -> None:
    tested = {answer.status for answer, _ in ANSWERS.values()}
    assert set(REFUSALS) <= tested | {status // 100 for status in tested}


def test_a_reason_that_repeats_the_key_is_masked(http: Http) -> None:
    answer = Canned(403, {"detail": f"unknown key {KEY}\x1b[31m"})
    with canned({"/api/5/envelope/": answer}) as server, pytest.raises(ClientError) as caught:
        send_event(http, read_dsn(server.url.replace("//", f"//{KEY}@") + "/5"), timeout=5)
    assert caught.value.summary.endswith(": unknown key [secret]")


LIMITS = [
    ({"Retry-After": "60"}, 60),
    ({"X-Sentry-Rate-Limits": "60::key, 86400:transaction;span:organization"}, 60),
    ({"X-Sentry-Rate-Limits": "30:error;default:project"}, 30),
    ({"X-Sentry-Rate-Limits": "86400:transaction;span:organization"}, 0),
    ({"X-Sentry-Rate-Limits": "nonsense, :::", "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0),
    ({}, 0),
]


@pytest.mark.parametrize(("headers", "seconds"), LIMITS)
def test_the_wait_is_that_of_errors(http: Http, headers: dict[str, str], seconds: int) -> None:
    with canned({"/api/5/envelope/": Canned(429, "", headers)}) as server, pytest.raises(Unclear) as caught:
        send_event(http, read_dsn(server.url.replace("//", f"//{KEY}@") + "/5"), timeout=5)
    wait = f" {seconds} s" if seconds else ""
    assert caught.value.remedy == f"wait{wait}, or raise the quota of the project, then run again"


class Acknowledging(BaseHTTPRequestHandler):
    """Acknowledges every event, with the limits of its server."""

    def do_POST(self) -> None:
        head = json.loads(self.rfile.read(int(self.headers["Content-Length"])).split(b"\n")[0])
        self.send_response(200)
        self.send_header("X-Sentry-Rate-Limits", self.limits)
        self.end_headers()
        self.wfile.write(json.dumps({"id": str(uuid.UUID(head["event_id"]))}).encode())

    limits = ""

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("limits", "seconds"), [("86400:transaction;span:organization", 0), ("60::key", 60), ("9:error:project", 9)]
)
def test_an_accepted_event_that_is_the_last_one_is_told(http: Http, limits: str, seconds: int) -> None:
    handler = type("Limited", (Acknowledging,), {"limits": limits})
    with serving(handler) as url:
        dsn = read_dsn(url.replace("//", f"//{KEY}@") + "/5")
        if not seconds:
            assert send_event(http, dsn, timeout=5).event_id
            return
        with pytest.raises(Unclear, match=f"took the event, and takes no further errors for {seconds} s"):
            send_event(http, dsn, timeout=5)


def test_the_request_carries_the_key_in_its_header_alone(http: Http) -> None:
    with canned({"/api/5/envelope/": Canned(200, {"id": "0"})}) as server, pytest.raises(ClientError):
        send_event(http, read_dsn(server.url.replace("//", f"//{KEY}@") + "/5"), timeout=5)
    method, path, headers, body = server.requests[0]
    assert (method, path) == ("POST", "/api/5/envelope/")
    assert f"sentry_key={KEY}" in headers["X-Sentry-Auth"]
    assert "Origin" not in headers
    assert KEY.encode() not in body


def test_no_answer_is_told_as_such(http: Http) -> None:
    with pytest.raises(ClientError, match="nothing listens at"):
        send_event(http, read_dsn(f"http://{KEY}@127.0.0.1:{free_port()}/5"), timeout=5)
    with listening(silent) as port, pytest.raises(Unclear, match="gave no complete answer"):
        send_event(http, read_dsn(f"http://{KEY}@127.0.0.1:{port}/5"), timeout=0.3)
