"""Asks a Better Auth service whether it takes requests of the pages of an origin; it signs nobody in and sends no mail.

The body is empty, so the answer is a complaint about that, or before it one about the origin. Better Auth looks at the
origin of requests with a cookie, so one is sent; without it, versions before 1.7 take a request from anywhere.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infracheck.clients.place import place_of
from infracheck.clients.said import leads_to, reason_of
from infracheck.clients.waits import in_words, wait_of
from infracheck.secret import clean

if TYPE_CHECKING:
    from infracheck.clients.http import Answer, Http

OTP: Final = "/email-otp/send-verification-otp"
PASSWORD: Final = "/sign-in/email"  # noqa: S105 - a route that every Better Auth has, also with passwords off
NOBODY: Final = "https://infracheck.invalid"  # an origin that no service can trust: the name cannot exist
COOKIE: Final = "infracheck=1"
ELSEWHERE: Final = frozenset({"MISSING", "LIMITED"})  # another route may tell all the same


@dataclass(frozen=True, slots=True)
class Stance:
    """How a service takes an origin: TRUSTED, NOT TRUSTED, or what kept it from saying."""

    route: str
    state: str
    said: str  # "403 INVALID_ORIGIN"
    wait: str = ""  # "60 seconds", for LIMITED
    otp: bool = True  # False: the route of the email-otp plugin was asked, and is not there

    @property
    def clear(self) -> bool:
        return self.state in {"TRUSTED", "NOT TRUSTED"}


def ask_origin(http: "Http", base: str, origin: str, *, timeout: float) -> Stance:
    """Ask as a page of the app would; where the route for codes is not there or takes no more, the one for passwords.

    Raises:
        ClientError: there was no answer.
    """
    first = _ask(http, base, OTP, origin, timeout)
    if first.state not in ELSEWHERE:
        return first
    second = _ask(http, base, PASSWORD, origin, timeout)
    otp = first.state != "MISSING"
    chosen = first if second.state == "MISSING" and otp else second
    return Stance(chosen.route, chosen.state, chosen.said, chosen.wait, otp)


def ask_control(http: "Http", base: str, *, timeout: float) -> Stance:
    """Ask as a page of an origin that nobody trusts; by password first, as codes may be sent thrice a minute only.

    Raises:
        ClientError: there was no answer.
    """
    stance = _ask(http, base, PASSWORD, NOBODY, timeout)
    return _ask(http, base, OTP, NOBODY, timeout) if stance.state in ELSEWHERE else stance


def _ask(http: "Http", base: str, route: str, origin: str, timeout: float) -> Stance:
    headers = {"Accept": "application/json", "Origin": origin, "Cookie": COOKIE}
    answer = http.request("POST", base + route, timeout=timeout, headers=headers, json={})
    state, code = _state(answer)
    detail = f" to {leads_to(answer, place_of(base))}" if state == "REDIRECTS" else reason_of(answer)
    return Stance(
        route,
        state,
        f"{answer.status} {code}" if code else f"{answer.status}{detail}",
        in_words(wait_of(answer.headers)),
    )


def _state(answer: "Answer") -> tuple[str, str]:
    """Return the state, and Better Auth's own code where that tells it."""
    body = answer.json()
    code = body.get("code") if isinstance(body, dict) else None
    match answer.status, code:
        case 400, "VALIDATION_ERROR":
            return "TRUSTED", code
        case 403, "INVALID_ORIGIN":
            return "NOT TRUSTED", code
        case 403, "MISSING_OR_NULL_ORIGIN":
            return "ORIGIN LOST", code
    match answer.status:
        case 404:
            return "MISSING", ""
        case 429:
            return "LIMITED", ""
        case 401 | 403:
            return "DENIED", clean(code, 40) if isinstance(code, str) else ""
        case status if 300 <= status < 400:
            return "REDIRECTS", ""
        case status if status >= 500:
            return "ERROR", ""
        case _:
            return ("WEB PAGE" if answer.html else "UNEXPECTED"), ""
