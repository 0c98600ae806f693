"""A Sentry DSN, and one event sent to it in an envelope; Sentry and what is compatible with it, self-hosted too."""

import math
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from infracheck.clients.place import Place, place_of
from infracheck.clients.waits import asked_wait
from infracheck.errors import ClientError, Unclear
from infracheck.secret import MASK, clean

if TYPE_CHECKING:
    from infracheck.clients.http import Answer, Http

CATEGORIES: Final = frozenset({"error", "default"})  # of rate limits; an event of ours is an error
SAID: Final = 200  # characters quoted of what the server says
_KEY: Final = re.compile(r"[0-9a-f]{32}")
_PROJECT: Final = re.compile(r"[1-9][0-9]*")
_SAAS: Final = re.compile(r"o[1-9][0-9]*\.ingest(\.[a-z]{2,3})?\.sentry\.io")
_COPY: Final = "copy the DSN again from Sentry: project settings, Client Keys (DSN)"


@dataclass(frozen=True, slots=True)
class Dsn:
    """Where an app's errors go; str() shows host and project, never the key."""

    text: str = field(repr=False)
    key: str = field(repr=False)
    place: Place
    project: int
    secret_key: bool = False  # the old form, key:secret@host

    def __str__(self) -> str:
        host = str(self.place).partition("://")[2]
        return f"{host}, project {self.project}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The server took the event with this id; whether it stored it is another question."""

    event_id: str  # 32 hex digits
    dsn: Dsn
    seconds: float


def defects_of(text: str) -> tuple[str, ...]:
    """Return what is wrong with a DSN, one phrase for each defect; nothing of its value is quoted."""
    if re.search(r"\s", text):
        return ("it holds white space",)
    if text[:1] in {"'", '"', "`"}:
        return ("it is wrapped in quotes",)
    scheme, separator, _ = text.partition("://")
    if not separator or scheme not in {"http", "https"}:
        return ("it does not begin with https://",)
    try:
        place = place_of(text)
    except ClientError:
        return ("its host or port cannot be read",)
    return (*_defects_of_parts(text), *_defects_of_host(place))


def _defects_of_parts(text: str) -> list[str]:
    parts = urlsplit(text)
    found: list[str] = []
    if not parts.username:
        found.append("it has no key before an @")
    elif not _KEY.fullmatch(parts.username):
        found.append("its key is not 32 hexadecimal digits in lower case")
    project = parts.path.rpartition("/")[2]
    if not project:
        found.append("it ends in a slash" if parts.path.strip("/") else "it has no project number at its end")
    elif not _PROJECT.fullmatch(project):
        found.append("what it ends in is not a project number")
    if parts.query or parts.fragment or text[-1] in "?#":
        found.append("something follows the project number")
    return found


def _defects_of_host(place: Place) -> list[str]:
    if place.host != "sentry.io" and not place.host.endswith(".sentry.io"):
        return []
    found = [] if place.scheme == "https" else ["sentry.io is asked with http instead of https"]
    if not _SAAS.fullmatch(place.host):
        found.append("its host is not like o123.ingest.us.sentry.io")
    return found


def read_dsn(text: str) -> Dsn:
    """Return the parts of a DSN.

    Raises:
        ClientError: it is malformed; says how.
    """
    if defects := defects_of(text):
        raise ClientError(f"the DSN is malformed: {'; '.join(defects)}", _COPY)
    parts = urlsplit(text)
    project = int(parts.path.rpartition("/")[2])
    return Dsn(text, parts.username or "", place_of(text), project, secret_key=parts.password is not None)


def send_event(http: "Http", dsn: Dsn, *, timeout: float) -> Receipt:
    """Send one event of level info, the same issue each time, without anything about this machine.

    Raises:
        ClientError: it was not accepted; Unclear where that may pass (limits, an overloaded server, no answer).
    """
    from sentry_sdk.utils import Dsn as SentryDsn

    from infracheck.clients.http import USER_AGENT

    event_id = uuid.uuid4().hex
    auth = SentryDsn(dsn.text).to_auth(USER_AGENT)
    headers = {"Content-Type": "application/x-sentry-envelope", "X-Sentry-Auth": auth.to_header()}
    envelope = _envelope(event_id)
    answer = http.request("POST", auth.get_api_url(), timeout=timeout, headers=headers, content=envelope)
    _judge(answer, dsn, event_id)
    return Receipt(event_id, dsn, answer.seconds)


def _envelope(event_id: str) -> bytes:
    """Return an envelope without the DSN in its head: servers compare that one with the header's."""
    from sentry_sdk.envelope import Envelope

    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    event: Any = {  # the SDK's type knows Python's own events only
        "event_id": event_id,
        "timestamp": now,
        "platform": "other",
        "level": "info",
        "logger": "infracheck",
        "environment": "infracheck",
        "message": "infracheck deploy-gate test event",
        "fingerprint": ["infracheck-deploy-gate"],  # every run adds to one issue
        "tags": {"infracheck": "true"},
    }
    envelope = Envelope(headers={"event_id": event_id, "sent_at": now})
    envelope.add_event(event)
    return envelope.serialize()


_NOT_SENTRY: Final = "correct the host of the DSN: nothing compatible with Sentry takes events there"

REFUSALS: Final[Mapping[int, tuple[type[ClientError], str, str]]] = {
    400: (ClientError, "{place} refuses the event as invalid (400){said}", _COPY),
    401: (ClientError, "{place} does not accept the key of the DSN (401){said}", _COPY),
    403: (
        ClientError,
        "{place} does not know this key for project {project} (403){said}",
        f"{_COPY}; see that project and key are active, and that the host is the organisation's own region",
    ),
    404: (ClientError, "{place} takes no events for project {project} (404){said}", _NOT_SENTRY),
    413: (ClientError, "{place} calls 1 KB too large (413){said}", "raise the limit of what stands before the service"),
    429: (
        Unclear,
        "{place} takes no events now: rate limit or quota (429){said}",
        "wait{wait}, or raise the quota of the project, then run again",
    ),
    3: (ClientError, "{place} redirects instead of taking the event ({status})", _COPY),
    5: (Unclear, "{place} fails at the event ({status}){said}", "see the service's status page or log, then run again"),
}
"""Status -> kind, message, remedy; 3 and 5 stand for their whole class."""


def _judge(answer: "Answer", dsn: Dsn, event_id: str) -> None:
    """Return when the answer acknowledges exactly our event, else raise why not."""
    wait = math.ceil(asked_wait(answer.headers, sentry=CATEGORIES) or 0)
    facts = {
        "place": dsn.place,
        "project": dsn.project,
        "status": answer.status,
        "said": _said(answer, dsn),
        "wait": f" {wait} s" if wait else "",
    }
    refusal = REFUSALS.get(answer.status) or REFUSALS.get(answer.status // 100)
    if answer.status != HTTPStatus.OK:
        kind, summary, remedy = refusal or (ClientError, "{place} answers the event with {status}{said}", _NOT_SENTRY)
        raise kind(summary.format(**facts), remedy.format(**facts))
    body = answer.json()
    acknowledged = body.get("id") if isinstance(body, dict) else None
    if not isinstance(acknowledged, str):
        what = "a web page" if answer.html else "200, but no event id"
        raise ClientError(f"{dsn.place} is not Sentry: it answers the event with {what}", _NOT_SENTRY)
    if acknowledged.replace("-", "").lower() != event_id:
        raise ClientError(f"{dsn.place} acknowledges another event than the one sent", _NOT_SENTRY)
    if wait:
        raise Unclear(
            f"{dsn.place} took the event, and takes no further errors for {wait} s",
            f"wait {wait} s, or raise the quota of the project, then run again",
        )


def _said(answer: "Answer", dsn: Dsn) -> str:
    """Return the server's own reason, ready to append. Other bodies than JSON are not quoted: they repeat the DSN."""
    body = answer.json()
    detail = body.get("detail") if isinstance(body, dict) else None
    text = detail if isinstance(detail, str) else answer.headers.get("x-sentry-error", "")
    quoted = clean(" ".join(text.replace(dsn.key, MASK).split()), SAID)
    return f": {quoted}" if quoted else ""
