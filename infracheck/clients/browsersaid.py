"""Judges what a browser saw of a page: which of it a user would meet as an error, and which is known noise."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from infracheck.clients.browser import Seen
from infracheck.secret import clean

LENGTH: Final = 300  # characters of one message
ABOUT: Final = 40  # characters by which a message is found again in the server's log
SIGNED_OUT: Final = {401, 403}
ASKED_BY_CODE: Final = {"fetch", "xhr"}

NOISE: Final = (
    ("console", re.compile(r"Failed to load resource:"), "the request itself is judged"),
    ("console", re.compile(r"%?c?Download the React DevTools"), "an advertisement"),
    ("console", re.compile(r"\[(?:HMR|Fast Refresh|vite)\]"), "the dev server about its own connection"),
    ("console", re.compile(r"\[Client Instrumentation Hook\] Slow"), "about this machine, which may just be busy"),
    ("answer", re.compile(r"\S*/favicon\.ico$"), "asked by every browser, needed by none"),
    ("failed", re.compile(r"\S*/favicon\.ico$"), "asked by every browser, needed by none"),
    ("answer", re.compile(r"\S*/\.well-known/appspecific/com\.chrome\."), "asked by Chrome's developer tools"),
    ("failed", re.compile(r".*\bnet::ERR_ABORTED$"), "given up by the page itself: a prefetch, a redirect"),
)
"""What is no fault of the app: the kind of event, what its text (or `URL failure`) begins with, and why.

What is logged twice (StrictMode runs effects twice) is told once.
"""
HYDRATION: Final = re.compile(
    r"hydrat(?:ion|ing|ed)|did(?:n't| not) match\.? (?:Server|the client)|server rendered (?:text|HTML)|"
    r"Minified React error #4(?:18|19|21|22|23|25)\b",
    re.IGNORECASE,
)
_LEVEL = Literal["fail", "warn", "info"]
_OVERLAY_PLACE: Final = re.compile(r"(?P<path>[\w@/.()\[\]-]+\.[cm]?[jt]sx?) \((?P<line>\d+):\d+\)")
_PLACE: Final = re.compile(r"\((?P<path>[\w@/.()\[\]-]+\.[cm]?[jt]sx?):(?P<line>\d+)(?::\d+)?\)")
_FORWARDED: Final = "[browser] "


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a page: `UNCAUGHT`, `HYDRATION`, `CONSOLE ERROR`, `404`, …"""

    state: str
    text: str
    level: _LEVEL = "fail"


def problems(seen: Seen, origin: str) -> tuple[Problem, ...]:
    """Return what is wrong with a page, each once.

    Args:
        origin: of the app, without a path: what other servers answer is only warned of.
    """
    found = list(dict.fromkeys(_problems(seen, origin)))
    hydration = [one for one in found if one.state == "HYDRATION"]
    found = [one for one in found if one not in hydration[1:]]  # React tells one mismatch in several ways
    if seen.problem:
        found.insert(0, Problem("NOT LOADED", seen.problem))
    if seen.overlay and not any(one.level == "fail" for one in found):
        found.append(Problem("ERROR OVERLAY", _line(seen.overlay)))
    return tuple(found)


def _problems(seen: Seen, origin: str) -> Iterator[Problem]:
    for event in seen.events:
        text = str(event.get("text", ""))
        if _is_noise(event, text):
            continue
        match event.get("kind"):
            case "uncaught":
                yield _thrown(text, "UNCAUGHT")
            case "console" if event.get("level") == "error":
                yield _thrown(text, "CONSOLE ERROR")
            case "crash":
                yield Problem("CRASHED", text)
            case "failed":
                own = _is_own(event, origin)
                said = f"{_request(event, origin)}: {text}"
                yield Problem("REQUEST FAILED", clean(said, LENGTH), "fail" if own else "warn")
            case "answer":
                yield Problem(str(event["status"]), clean(_request(event, origin), LENGTH), _weight(event, origin))


def _thrown(text: str, state: str) -> Problem:
    return Problem("HYDRATION" if HYDRATION.search(text) else state, _line(text))


def _line(text: str) -> str:
    """Return a message up to its first empty line, on one line."""
    return clean(" ".join(text.strip().partition("\n\n")[0].split()), LENGTH)


def _is_noise(event: Mapping[str, Any], text: str) -> bool:
    kind = event.get("kind")
    told = text if kind == "console" else f"{event.get('url', '')} {text}".strip()
    return any(kind == of and pattern.match(told) for of, pattern, _ in NOISE)


def _is_own(event: Mapping[str, Any], origin: str) -> bool:
    return f"{event.get('url', '')}/".startswith(f"{origin}/")


def _weight(event: Mapping[str, Any], origin: str) -> _LEVEL:
    if not _is_own(event, origin):
        return "warn"
    # Code that asks who is signed in is told that nobody is.
    signed_out = event.get("status") in SIGNED_OUT and event.get("resource") in ASKED_BY_CODE
    return "info" if signed_out else "fail"


def _request(event: Mapping[str, Any], origin: str) -> str:
    """Return `GET /logo.png (image)`; no query, it may hold a token."""
    parts = urlsplit(str(event.get("url", "")))
    place = parts.path if _is_own(event, origin) else f"{parts.scheme}://{parts.netloc}{parts.path}"
    resource = f" ({event['resource']})" if event.get("resource") else ""
    return f"{event.get('method', 'GET')} {place}{resource}"


def position(problem: Problem, overlay: str, log: Sequence[str]) -> str | None:
    """Return file:line of the app's own code that a problem comes from, by the server's log or the error overlay."""
    about = problem.text[:ABOUT].rstrip("…")
    for at, line in enumerate(log):
        if line.startswith(_FORWARDED) and about in " ".join(line.split()):
            for one in log[at : _next_message(log, at)]:
                if found := _PLACE.search(one):
                    return f"{found['path']}:{found['line']}"
    shown = "".join(overlay.split())
    if "".join(about.split()) in shown and (found := _OVERLAY_PLACE.search(overlay)):
        return f"{found['path']}:{found['line']}"
    return None


def _next_message(log: Sequence[str], at: int) -> int:
    later = range(at + 1, len(log))
    return next((other for other in later if log[other].startswith((_FORWARDED, " GET /"))), len(log))
