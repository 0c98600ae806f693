"""The Better Auth client against a real Better Auth, with and without its tables, and against what is none."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from infracheck.clients.better_auth import NEON_KEYS, OWN_KEYS, PROBLEMS, Service, ask, base_of, elsewhere
from infracheck.clients.http import Http
from infracheck.clients.ports import free_port
from infracheck.errors import ClientError, Unclear
from tests.components import next_notes
from tests.components.better_auth import better_auth
from tests.hostile import HTML, Canned, canned, listening, silent

OK = Canned(200, {"ok": True})
NULL = Canned(200, None)
KEYS = Canned(200, {"keys": [{"kty": "OKP", "alg": "EdDSA", "kid": "1"}]})
GOOD = {"/a/ok": OK, "/a/get-session": NULL, "/a/jwks": KEYS}


@pytest.fixture
def http() -> Iterator[Http]:
    client = Http()
    yield client
    client.close()


@contextmanager
def served(folder: Path, database: str) -> Iterator[str]:
    """Run a real Better Auth with its tables."""
    (folder / "auth").mkdir()
    change(database, next_notes.SCHEMA.read_text(encoding="utf-8"))
    with better_auth(
        folder / "auth", database_url=database, secret=secrets.token_hex(16), app_origin="http://localhost:1"
    ) as base:
        yield base


@pytest.fixture
def auth_server(database: str, tmp_path: Path) -> Iterator[str]:
    with served(tmp_path, database) as base:
        yield base


def change(database: str, sql: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(sql.encode())


def shown(service: Service) -> dict[str, str]:
    return {probe.path: probe.state for probe in service.probes}


def problem(service: Service) -> ClientError:
    assert service.first_problem
    return service.first_problem[1]


# -- the real thing


def test_a_real_service_answers_every_question(auth_server: str, http: Http) -> None:
    service = ask(http, auth_server, neon=False, timeout=20)
    assert shown(service) == {"/ok": "ANSWERS", "/get-session": "ANSWERS", "/jwks": "ANSWERS"}
    assert service.probes[-1].note == "1 signing key (EdDSA)"
    assert service.first_problem is None


def test_neons_path_of_the_keys_is_tried_first_and_the_other_one_too(auth_server: str, http: Http) -> None:
    assert shown(ask(http, auth_server, neon=True, timeout=20))["/jwks"] == "ANSWERS"


def test_a_real_service_that_lost_its_tables_fails_at_the_keys_alone(
    auth_server: str, database: str, http: Http
) -> None:
    change(database, "DROP TABLE jwks")
    service = ask(http, auth_server, neon=False, timeout=20)
    assert shown(service) == {"/ok": "ANSWERS", "/get-session": "ANSWERS", "/jwks": "KEYS FAIL"}
    found = problem(service)
    assert "answers, but cannot read its keys (/neondb/auth/jwks: 500" in found.summary
    assert "its tables are not migrated" in found.remedy


def test_a_real_service_is_found_where_it_really_is(auth_server: str, http: Http) -> None:
    origin = auth_server.removesuffix("/neondb/auth")
    for wrong in (f"{origin}/neondb", f"{auth_server}/auth"):
        service = ask(http, wrong, neon=False, timeout=20)
        assert service.absent
        assert elsewhere(http, wrong, timeout=20) == auth_server
    assert elsewhere(http, f"{origin}/some/where", timeout=20) is None


def test_a_real_service_without_the_jwt_plugin_publishes_no_keys(
    database: str, tmp_path: Path, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    shutil.copytree(next_notes.SOURCE, source, ignore=shutil.ignore_patterns("node_modules", ".next"))
    configuration = source / "lib" / "auth.mjs"
    text = configuration.read_text(encoding="utf-8")
    assert text.count("jwt(),") == 1
    configuration.write_text(text.replace("jwt(),", ""), encoding="utf-8")
    monkeypatch.setattr(next_notes, "SOURCE", source)
    with served(tmp_path, database) as base:
        service = ask(http, base, neon=False, timeout=20)
    assert shown(service) == {"/ok": "ANSWERS", "/get-session": "ANSWERS", "/jwks": "MISSING"}
    assert problem(service).summary.endswith("publishes no keys: 404 for /jwks and /.well-known/jwks.json")


# -- what is none, row by row


ROWS: dict[str, tuple[str, dict[str, Canned], str]] = {
    "MISSING": ("/get-session", {"/a/get-session": Canned(404)}, "{url} has no /a/get-session (404)"),
    "REDIRECTS": (
        "/ok",
        {"/a/ok": Canned(307, "", {"Location": f"/login?next={secrets.token_hex(8)}"})},
        "{url}/a/ok redirects to {url}/login (307)",
    ),
    "DENIED": (
        "/ok",
        {"/a/ok": Canned(401, "Authentication Required")},
        "{url}/a/ok wants a login before it answers (401)",
    ),
    "LIMITED": (
        "/get-session",
        {"/a/get-session": Canned(429)},
        "{url}/a/get-session takes no more requests now (429)",
    ),
    "ERROR": ("/ok", {"/a/ok": Canned(500, {"message": "no such table"})}, "{url}/a/ok fails with 500: no such table"),
    "KEYS FAIL": ("/jwks", {"/a/jwks": Canned(500)}, "{url} answers, but cannot read its keys (/a/jwks: 500)"),
    "WEB PAGE": ("/ok", {"/a/ok": HTML}, "a web page answers at {url}/a/ok, not an auth service"),
    "OTHER SERVICE": (
        "/ok",
        {"/a/ok": Canned(200, {"status": "fine"})},
        "another service than Better Auth answers at {url}/a/ok",
    ),
    "UNEXPECTED": ("/ok", {"/a/ok": Canned(405, "no")}, "{url}/a/ok answers 405: no"),
    "NO KEYS": ("/jwks", {"/a/jwks": Canned(200, {"keys": []})}, "{url}/a/jwks publishes no key"),
}


def test_every_row_of_the_table_is_tested() -> None:
    assert set(ROWS) == set(PROBLEMS)


@pytest.mark.parametrize("state", ROWS)
def test_each_answer_has_its_state_and_message(http: Http, state: str) -> None:
    path, answers, summary = ROWS[state]
    with canned({**GOOD, **answers}) as server:
        service = ask(http, f"{server.url}/a", neon=False, timeout=5)
    assert shown(service)[path] == state
    assert problem(service).summary == summary.format(url=server.url)
    assert problem(service).remedy == PROBLEMS[state][2]
    assert isinstance(problem(service), Unclear) == (state == "LIMITED")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/ok", [True]),
        ("/ok", {"ok": "true"}),
        ("/ok", "ok"),
        ("/get-session", {"user": {"id": 1}}),
        ("/get-session", ""),
        ("/jwks", {"keys": "none"}),
        ("/jwks", {"keys": [1]}),
        ("/jwks", {"keys": [{}]}),
        ("/jwks", "null"),
    ],
)
def test_other_json_is_not_taken_for_better_auth(http: Http, path: str, body: object) -> None:
    with canned({**GOOD, f"/a{path}": Canned(200, body)}) as server:
        service = ask(http, f"{server.url}/a", neon=False, timeout=5)
    assert shown(service)[path] == "OTHER SERVICE"


NEXT_ERROR = '{"page":"/_error","err":{"message":"./lib/auth.mjs:1:1\\nModule not found: pg"}}'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"message": "a", "error": "b"}, ": a"),
        (
            {"error": "Connection refused by authentication server", "code": "NETWORK_REFUSED"},
            ": Connection refused by",
        ),
        ({"code": "INTERNAL"}, ": INTERNAL"),
        ({"message": ["not", "text"]}, ""),
        (
            f'<html><script id="__NEXT_DATA__" type="application/json">{NEXT_ERROR}</script>',
            ": ./lib/auth.mjs:1:1 Module",
        ),
        ('<html><script id="__NEXT_DATA__">{broken</script><title>502 Bad Gateway</title>', ": 502 Bad Gateway"),
        ("upstream \x1b[31mfailed\n\n now", ": upstream failed now"),
        ("x" * 5000, f": {'x' * 199}…"),
        ("", ""),
    ],
)
def test_an_error_is_told_with_the_services_own_words(http: Http, body: object, said: str) -> None:
    with canned({"/a/ok": Canned(502, body)}) as server:
        found = problem(ask(http, f"{server.url}/a", neon=False, timeout=5)).summary
    assert found.startswith(f"{server.url}/a/ok fails with 502{said}")
    assert said or found.endswith("502")


def test_nothing_but_404_is_absent(http: Http) -> None:
    with canned({}) as server:
        service = ask(http, f"{server.url}/a", neon=True, timeout=5)
        assert service.absent
        assert elsewhere(http, f"{server.url}/a", timeout=5) is None
    assert [path for _, path, _, _ in server.requests][:4] == [
        "/a/ok",
        "/a/get-session",
        f"/a{NEON_KEYS}",
        f"/a{OWN_KEYS}",
    ]


def test_without_an_answer_nothing_more_is_asked(http: Http) -> None:
    with listening(silent) as port:
        service = ask(http, f"http://127.0.0.1:{port}/a", neon=False, timeout=0.3)
    assert shown(service) == {"/ok": "NO ANSWER"}
    assert isinstance(problem(service), Unclear)
    service = ask(http, f"http://127.0.0.1:{free_port()}/a", neon=False, timeout=2)
    assert shown(service) == {"/ok": "NO ANSWER"}
    assert "nothing listens at" in problem(service).summary


# -- the base URL


@pytest.mark.parametrize(
    ("text", "base"),
    [
        (
            "https://ep-x.neonauth.us-east-2.aws.neon.tech/neondb/auth/",
            "https://ep-x.neonauth.us-east-2.aws.neon.tech/neondb/auth",
        ),
        ("http://localhost:3000", "http://localhost:3000/api/auth"),
        ("http://localhost:3000/", "http://localhost:3000/api/auth"),
        ("http://localhost:3000/auth", "http://localhost:3000/auth"),
    ],
)
def test_a_base_url_gets_the_usual_path_only_where_it_has_none(text: str, base: str) -> None:
    assert base_of(text, what="X", path="/api/auth") == base


@pytest.mark.parametrize(
    "text", ["localhost:3000", "http://", "http://h/a?b=c", "http://h/#x", "https://u:p@h/a", "h h"]
)
def test_a_base_url_that_is_none_is_named_and_not_quoted(text: str) -> None:
    with pytest.raises(ClientError) as caught:
        base_of(text, what="BETTER_AUTH_URL")
    assert caught.value.summary.startswith("BETTER_AUTH_URL ")
    assert text not in caught.value.summary
