"""Asks a Supabase Auth service, with the app's publishable key, whether it is up and how people may sign in.

`/health` answers without a database, `/settings` lists the ways to sign in. Nothing here signs in or sends mail. The
key goes into the header `apikey` alone: one of the new kind is no token, and is refused as one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from infracheck.clients.better_auth import ANSWERS, Probe, base_of
from infracheck.clients.place import place_of
from infracheck.clients.said import leads_to, reason_of
from infracheck.clients.waits import in_words, wait_of
from infracheck.errors import ClientError, Unclear
from infracheck.secret import Secret, clean

if TYPE_CHECKING:
    from infracheck.clients.http import Answer, Http

PATH: Final = "/auth/v1"
HEALTH: Final = "/health"
SETTINGS: Final = "/settings"

PROBLEMS: Final[Mapping[str, tuple[type[ClientError], str, str]]] = {
    "KEY REFUSED": (
        ClientError,
        "{place} refuses the key ({status}{detail})",
        "copy URL and publishable key of one project from Supabase's dashboard: Project Settings, API Keys",
    ),
    "DENIED": (
        ClientError,
        "{place}{path} shows a page that denies access ({status}{detail})",
        "take away what stands before the service: access protection, a proxy or a firewall",
    ),
    "PAUSED": (
        ClientError,
        "the Supabase project at {place} is paused ({status})",
        "restore the project in Supabase's dashboard, and wait until it is healthy",
    ),
    "RESTRICTED": (
        ClientError,
        "Supabase restricts the project at {place} ({status}{detail})",
        "look at the usage and the invoices of the organization in Supabase's dashboard",
    ),
    "DOWN": (
        ClientError,
        "{place}{path} answers with an error page in place of the service ({status}{detail})",
        "look at the project in Supabase's dashboard: a paused one has to be restored, a starting one takes minutes",
    ),
    "ERROR": (
        ClientError,
        "{place}{path} fails with {status}{detail}",
        "look at the auth logs of the project in Supabase's dashboard",
    ),
    "LIMITED": (Unclear, "{place}{path} takes no more requests now (429)", "wait {wait}, then run again"),
    "MISSING": (
        ClientError,
        "{place} has no {path} (404)",
        "write the URL as Supabase's dashboard shows it, such as https://<ref>.supabase.co: without a path",
    ),
    "REDIRECTS": (
        ClientError,
        "{place}{path} redirects to {detail} ({status})",
        "write the address that answers itself, as Supabase's dashboard shows it",
    ),
    "WEB PAGE": (
        ClientError,
        "a web page answers at {place}{path}, not Supabase Auth",
        "write the URL of the project's API: the address of the dashboard or of the app is another one",
    ),
    "OTHER SERVICE": (
        ClientError,
        "another service than Supabase Auth answers at {place}{path}",
        "correct host and path of the URL",
    ),
    "UNEXPECTED": (
        ClientError,
        "{place}{path} answers {status}{detail}",
        "correct host and path of the URL, or look at the auth logs in Supabase's dashboard",
    ),
}
"""State of a probe -> kind, message, remedy."""


@dataclass(frozen=True, slots=True)
class SupabaseAuth:
    """What the service answered; `ways` are the enabled ways to sign in, None where it did not tell."""

    base: str
    probes: tuple[Probe, ...]
    ways: frozenset[str] | None = None
    signup: bool = True

    @property
    def first_problem(self) -> tuple[Probe, ClientError] | None:
        return next(((probe, probe.problem) for probe in self.probes if probe.problem), None)


def supabase_base(text: str, *, what: str) -> str:
    """Return the base URL of the auth service of a project; `text` may name that service already.

    Raises:
        ClientError: it is not a plain http or https URL; nothing of it is quoted.
    """
    base = base_of(text, what=what)
    return base if base.endswith(PATH) else base + PATH


def ask(http: "Http", base: str, key: Secret, *, timeout: float) -> SupabaseAuth:
    """Ask the service at `base`; stops at the first question that has no good answer.

    Args:
        timeout: seconds for each question.
    """
    headers = {"Accept": "application/json", "apikey": key.reveal().strip()}

    def get(url: str) -> "Answer":
        return http.request("GET", url, timeout=timeout, headers=headers)

    health, _ = _probe(base, HEALTH, _judge_health, get)
    if health.problem:
        return SupabaseAuth(base, (health,))
    settings, body = _probe(base, SETTINGS, _judge_settings, get)
    if settings.problem:
        return SupabaseAuth(base, (health, settings))
    return SupabaseAuth(base, (health, settings), frozenset(_ways(body)), body.get("disable_signup") is not True)


Judge = Callable[[Any], tuple[str, str]]
Get = Callable[[str], "Answer"]


def _probe(base: str, path: str, judge: Judge, get: Get) -> tuple[Probe, Any]:
    try:
        answer = get(base + path)
    except ClientError as error:
        return Probe(path, "NO ANSWER", error.summary, error), None
    body = answer.json()
    state, note = (_state(answer), "") if answer.status != 200 or answer.html else judge(body)
    if state == ANSWERS:
        return Probe(path, state, note), body
    kind, summary, remedy = PROBLEMS[state]
    place = place_of(base)
    detail = leads_to(answer, place) if state == "REDIRECTS" else reason_of(answer)
    full = urlsplit(base).path + path
    facts = {
        "place": place,
        "path": full,
        "status": answer.status,
        "detail": detail,
        "wait": in_words(wait_of(answer.headers)),
    }
    said = summary.format(**facts)
    return Probe(path, state, said, kind(said, remedy.format(**facts))), None


def _state(answer: "Answer") -> str:
    """Return what the status tells, and whether a page came with it."""
    match answer.status:
        case 200:
            return "WEB PAGE"
        case 401 | 403:
            return "DENIED" if answer.html else "KEY REFUSED"
        case 402:
            return "RESTRICTED"
        case 404:
            return "MISSING"
        case 429:
            return "LIMITED"
        case 540:
            return "PAUSED"
        case status if 300 <= status < 400:
            return "REDIRECTS"
        case status if status >= 500:
            return "DOWN" if answer.html else "ERROR"
        case _:
            return "UNEXPECTED"


def _judge_health(body: Any) -> tuple[str, str]:
    if not isinstance(body, dict) or body.get("name") != "GoTrue":
        return "OTHER SERVICE", ""
    version = body.get("version")
    return ANSWERS, f"GoTrue {clean(version, 20)}" if isinstance(version, str) else "GoTrue"


def _judge_settings(body: Any) -> tuple[str, str]:
    if not isinstance(body, dict) or not isinstance(body.get("external"), dict):
        return "OTHER SERVICE", ""
    ways = _ways(body)
    return ANSWERS, f"sign-in by {', '.join(ways)}" if ways else "no way to sign in is enabled"


def _ways(body: Any) -> list[str]:
    return sorted(clean(name, 30) for name, enabled in body["external"].items() if enabled is True)
