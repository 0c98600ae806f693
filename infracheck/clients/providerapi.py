"""Asks a provider's management API with a key: bounded in time, few repeats, and one table of what may go wrong.

Reading requests may be repeated; a writing one is sent again only where the provider says that it did nothing (423,
429, 503). No redirect is followed: the key is for this host alone. Whatever keeps the API from answering leaves the
question open, as it tells nothing about the database.
"""

import math
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode, urlsplit

from infracheck.clients.place import place_of
from infracheck.clients.providercauses import CAUSES, LOOK_UP, Open, Refused, Service
from infracheck.clients.said import leads_to, reason_of
from infracheck.clients.waits import wait_of
from infracheck.errors import ClientError, Unclear
from infracheck.secret import MASK, Secret

if TYPE_CHECKING:
    from infracheck.clients.http import Answer, Http

BUDGET: Final = 2.0  # the whole of it, as a multiple of the timeout of one request
TRIES: Final = 3
PATIENT_TRIES: Final = 8  # of a client with a budget of its own
RETRIED: Final = frozenset({423, 429, 503})  # the providers name these as safe to repeat
LONGEST_WAIT: Final = 10.0  # seconds; who asks for more is told to the user instead
_BACKOFF: Final = 0.25  # seconds, doubled each time
_HEADER: Final = re.compile(r"[\x21-\x7e]+")


class ProviderApi:
    """One provider's API as one key sees it, for one check: all questions share one budget of time."""

    def __init__(
        self,
        http: "Http",
        service: Service,
        key: Secret,
        *,
        base: str | None = None,
        timeout: float,
        budget: float | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the base URL that stands in the override's variable, None for the service's own.

        Args:
            timeout: seconds for one request.
            budget: seconds for all together; twice the timeout unless given.
            pause: waits between two tries.

        Raises:
            Refused: the key or the address cannot be used.
        """
        self.service = service
        self.base = _base(base or service.base, service)
        self._place = place_of(self.base)
        self._key = key.reveal().strip()
        if not _HEADER.fullmatch(self._key):
            raise Refused(
                f"{service.key} holds characters that no key has",
                f"copy the key once more: {service.new_key}",
                state="MALFORMED",
                subject=service.key,
            )
        self._http, self._timeout, self._pause = http, timeout, pause
        self._budget = BUDGET * timeout if budget is None else budget
        self._tries = TRIES if budget is None else PATIENT_TRIES
        self._end = time.monotonic() + self._budget

    @property
    def bearer(self) -> str:
        """Return the value of the Authorization header."""
        return f"Bearer {self._key}"

    def get_json(self, path: str, what: str, **query: str | int) -> Any:
        """Return the parsed answer for `path`; messages call it `what`.

        Raises:
            Refused: the status or the body is not what was asked for.
        """
        question = f"?{urlencode(query)}" if query else ""
        answer = self.get(f"{self.base}/{path}{question}", what)
        return answer.json()

    def get(self, url: str, what: str) -> "Answer":
        """Ask for `url`, again where the provider says so, and return the answer if it is JSON with status 200.

        Raises:
            Refused: as above.
        """
        answer = self._patiently("GET", url, what, None)
        if answer.status != 200:
            raise self._refused(answer, what)
        if answer.json() is None:
            raise self.problem("WEB PAGE" if answer.html else "NOT JSON", what)
        return answer

    def send(self, method: str, url: str, what: str, body: Any = None) -> "Answer":
        """Send a writing request, and return the answer if its status is one of success; the body may be empty.

        Raises:
            Refused: it is not; `status` is 0 where nobody can tell whether anything was done.
        """
        answer = self._patiently(method, url, what, body)
        if answer.status not in {200, 201, 202, 204}:
            raise self._refused(answer, what)
        if answer.html:
            raise self.problem("WEB PAGE", what)
        return answer

    def _patiently(self, method: str, url: str, what: str, body: Any) -> "Answer":
        for number in range(self._tries):
            answer = self._once(method, url, what, body)
            wait = wait_of(answer.headers)
            if answer.status not in RETRIED or number == self._tries - 1:
                break
            seconds = _BACKOFF * 2**number if wait is None else wait
            if seconds > min(LONGEST_WAIT, self._remaining()):
                break
            self._pause(seconds)
        return answer

    def problem(self, cause: int | str, what: str, detail: str = "", **facts: Any) -> Refused:
        """Return the exception of a row of the table."""
        of_class = cause // 100 if isinstance(cause, int) else cause
        row = CAUSES.get(cause) or CAUSES.get(of_class) or CAUSES["NOT JSON"]
        service = self.service
        words: dict[str, Any] = {
            "service": service.name,
            "key": service.key,
            "override": service.override,
            "new_key": service.new_key,
            "may_read": service.may_read,
            "look_up": LOOK_UP.format(service=service.name),
            "place": self._place,
            "what": what,
            "detail": detail,
            "seconds": self._budget,
            "said": "",
            "wait": "",
            "status": cause,
            **facts,
        }
        kind = Open if issubclass(row.kind, Unclear) else Refused
        status = cause if isinstance(cause, int) else 0
        subject = service.key if status in {401, 403} else None
        return kind(
            row.summary.format(**words), row.remedy.format(**words), state=row.state, status=status, subject=subject
        )

    def _once(self, method: str, url: str, what: str, body: Any) -> "Answer":
        remaining = self._remaining()
        if remaining <= 0:
            raise self.problem("TOO SLOW", what)
        headers = {"Authorization": self.bearer, "Accept": "application/json"}
        try:
            limit = min(self._timeout, remaining)
            return self._http.request(method, url, timeout=limit, headers=headers, json=body)
        except ClientError as error:
            raise self.problem("NO ANSWER", what, error.summary) from None

    def _refused(self, answer: "Answer", what: str) -> Refused:
        wait = wait_of(answer.headers)
        return self.problem(
            answer.status,
            what,
            said="" if answer.html else reason_of(answer).replace(self._key, MASK),
            wait="" if wait is None else f" {math.ceil(wait)} s",
            target=leads_to(answer, self._place),
        )

    def _remaining(self) -> float:
        return self._end - time.monotonic()


def segment(text: str) -> str:
    """Return one segment of a path: no name from a variable may lead to another path."""
    return quote(text, safe="")


def _base(text: str, service: Service) -> str:
    """Return the base URL without a slash at its end; the key is never sent unencrypted over a network."""
    remedy = f"write it as {service.base}, or take it away"
    try:
        place = place_of(text, service.override)
    except ClientError as error:
        raise Refused(error.summary, remedy, state="MALFORMED", subject=service.override) from None
    parts = urlsplit(text)
    wrong = ""
    if parts.query or parts.fragment or "@" in parts.netloc:
        wrong = "holds more than an address"
    elif place.scheme != "https" and not place.loopback:
        wrong = f"is no https address, and {service.key} would go there unencrypted"
    if wrong:
        raise Refused(f"{service.override} {wrong}", remedy, state="MALFORMED", subject=service.override)
    return text.rstrip("/")
