"""Asks a Better Auth service (Neon Auth is one) what any stranger may ask: is it there, itself, and are its keys out.

`/ok` and `/get-session` answer without a database; the keys come from it. Nothing here signs in or sends mail.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from infracheck.clients.place import place_of
from infracheck.clients.said import leads_to, reason_of
from infracheck.errors import ClientError, Unclear
from infracheck.secret import clean

if TYPE_CHECKING:
    from infracheck.clients.http import Answer, Http

OK: Final = "/ok"
SESSION: Final = "/get-session"
NEON_KEYS: Final = "/.well-known/jwks.json"
OWN_KEYS: Final = "/jwks"  # Better Auth's default

ANSWERS: Final = "ANSWERS"
PROBLEMS: Final[Mapping[str, tuple[type[ClientError], str, str]]] = {
    "MISSING": (
        ClientError,
        "{place} has no {path} (404)",
        "correct the path of the URL, or take a version of Better Auth that serves it",
    ),
    "REDIRECTS": (
        ClientError,
        "{place}{path} redirects to {detail} ({status})",
        "write the address that answers itself; a login page or deployment protection must not stand before it",
    ),
    "DENIED": (
        ClientError,
        "{place}{path} wants a login before it answers ({status})",
        "let these paths through middleware, proxy or deployment protection: a visitor asks them before signing in",
    ),
    "LIMITED": (
        Unclear,
        "{place}{path} takes no more requests now (429)",
        "wait a minute, then run again",
    ),
    "ERROR": (
        ClientError,
        "{place}{path} fails with {status}{detail}",
        "look at the log of the auth service; its database, its secret and a compile error are the usual causes",
    ),
    "KEYS FAIL": (
        ClientError,
        "{place} answers, but cannot read its keys ({path}: {status}{detail})",
        "look at the log of the auth service: its database does not answer, or its tables are not migrated",
    ),
    "WEB PAGE": (
        ClientError,
        "a web page answers at {place}{path}, not an auth service",
        "correct host and path of the URL",
    ),
    "OTHER SERVICE": (
        ClientError,
        "another service than Better Auth answers at {place}{path}",
        "correct host and path of the URL",
    ),
    "UNEXPECTED": (
        ClientError,
        "{place}{path} answers {status}{detail}",
        "correct host and path of the URL, or look at the log of the auth service",
    ),
    "NO KEYS": (
        ClientError,
        "{place}{path} publishes no key",
        "see that the jwt plugin of the auth service is on and its table jwks can be written",
    ),
}
"""State of a probe -> kind, message, remedy."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One question: ANSWERS, a key of PROBLEMS or NO ANSWER; `problem` says what is wrong and what to do."""

    path: str
    state: str
    note: str = ""
    problem: ClientError | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """What an auth service answered, question by question; the last one asks for its keys."""

    base: str
    probes: tuple[Probe, ...]

    @property
    def absent(self) -> bool:
        """Tell whether there is nothing of Better Auth below this path."""
        return all(probe.state == "MISSING" for probe in self.probes)

    @property
    def first_problem(self) -> tuple[Probe, ClientError] | None:
        return next(((probe, probe.problem) for probe in self.probes if probe.problem), None)


def base_of(text: str, *, what: str, path: str = "") -> str:
    """Return a base URL without a slash at its end; `path` is added where it has none, messages call it `what`.

    Raises:
        ClientError: it is not a plain http or https URL; nothing of it is quoted.
    """
    place_of(text, what)
    parts = urlsplit(text)
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ClientError(f"{what} holds more than an address", "write it as https://host/path: no user, ? or #")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or path}"


def ask(http: "Http", base: str, *, neon: bool, timeout: float) -> Service:
    """Ask the service at `base`; stops at the first question without an answer, so at most four waits.

    Args:
        neon: ask Neon's path of the keys first.
        timeout: seconds for each question.
    """
    probes = []
    for path, judge in ((OK, _judge_ok), (SESSION, _judge_session)):
        probes.append(_probe(http, base, path, judge, timeout))
        if probes[-1].state == "NO ANSWER":
            return Service(base, tuple(probes))
    paths = (NEON_KEYS, OWN_KEYS) if neon else (OWN_KEYS, NEON_KEYS)
    failing = "KEYS FAIL" if probes[0].state == ANSWERS else "ERROR"
    return Service(base, (*probes, _keys(http, base, paths, timeout, failing)))


def _keys(http: "Http", base: str, paths: tuple[str, str], timeout: float, failing: str) -> Probe:
    for path in paths:
        found = _probe(http, base, path, _judge_keys, timeout, failing=failing)
        if found.state != "MISSING":
            return found
    summary = f"{place_of(base)} publishes no keys: 404 for {' and '.join(paths)}"
    return Probe(paths[0], "MISSING", summary, ClientError(summary, "turn the jwt plugin of the auth service on"))


def elsewhere(http: "Http", base: str, *, timeout: float) -> str | None:
    """Return a base URL of the same host at which Better Auth does answer: a forgotten or doubled path."""
    parts = urlsplit(base)
    origin = f"{parts.scheme}://{parts.netloc}"
    candidates = [f"{base}/auth", f"{base}/api/auth", f"{origin}/api/auth", base.rpartition("/")[0]]
    for candidate in dict.fromkeys(candidates):
        if candidate != base and candidate.startswith(origin):
            found = _probe(http, candidate, OK, _judge_ok, timeout)
            if found.state == ANSWERS:
                return candidate
            if found.state == "NO ANSWER":
                return None
    return None


# -- one question

Judge = Callable[["Answer"], tuple[str, str]]


def _probe(http: "Http", base: str, path: str, judge: Judge, timeout: float, *, failing: str = "ERROR") -> Probe:
    """Ask once; `failing` is the state of an answer of the 500 kind."""
    try:
        answer = http.request("GET", base + path, timeout=timeout, headers={"Accept": "application/json"})
    except ClientError as error:
        return Probe(path, "NO ANSWER", error.summary, error)
    state, note = _state(answer) or judge(answer)
    if state == ANSWERS:
        return Probe(path, state, note)
    state = failing if state == "ERROR" else state
    kind, summary, remedy = PROBLEMS[state]
    place = place_of(base)
    full = urlsplit(base).path + path
    detail = leads_to(answer, place) if state == "REDIRECTS" else reason_of(answer)
    facts = {"place": place, "path": full, "status": answer.status, "detail": detail}
    return Probe(path, state, summary.format(**facts), kind(summary.format(**facts), remedy))


def _state(answer: "Answer") -> tuple[str, str] | None:
    """Return what the status alone tells, None for a 200 that is no page."""
    match answer.status:
        case HTTPStatus.OK:
            return ("WEB PAGE", "") if answer.html else None
        case HTTPStatus.NOT_FOUND:
            return "MISSING", ""
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return "DENIED", ""
        case HTTPStatus.TOO_MANY_REQUESTS:
            return "LIMITED", ""
        case status if 300 <= status < 400:
            return "REDIRECTS", ""
        case status if status >= 500:
            return "ERROR", ""
        case _:
            return "UNEXPECTED", ""


def _judge_ok(answer: "Answer") -> tuple[str, str]:
    body = answer.json()
    return (ANSWERS, "") if isinstance(body, dict) and body.get("ok") is True else ("OTHER SERVICE", "")


def _judge_session(answer: "Answer") -> tuple[str, str]:
    return (ANSWERS, "no session, as for any stranger") if answer.text.strip() == "null" else ("OTHER SERVICE", "")


def _judge_keys(answer: "Answer") -> tuple[str, str]:
    body = answer.json()
    keys = body.get("keys") if isinstance(body, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) and key.get("kty") for key in keys):
        return "OTHER SERVICE", ""
    algorithms = sorted({clean(str(key.get("alg") or key["kty"]), 20) for key in keys})
    count = "1 signing key" if len(keys) == 1 else f"{len(keys)} signing keys"
    return (ANSWERS, f"{count} ({', '.join(algorithms)})") if keys else ("NO KEYS", "")
