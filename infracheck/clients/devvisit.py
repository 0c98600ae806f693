"""Asks a server for a page as a browser's first request does: until it answers for itself, along its own redirects."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from infracheck.clients.devboot import Level, Row
from infracheck.clients.place import place_of
from infracheck.clients.said import leads_to
from infracheck.errors import ClientError

if TYPE_CHECKING:
    from infracheck.clients.http import Answer
    from infracheck.clients.place import Place

HOPS: Final = 5
NOT_YET: Final = {502, 503, 504}
REDIRECTS: Final = {301, 302, 303, 307, 308}
HEADERS: Final = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Visit:
    """One visit to the server at `base`; `rows` are the steps that it took."""

    def __init__(self, base: str, ask: "Callable[[str], Answer]", wait: "Callable[[Answer], bool]") -> None:
        """Take how a URL is asked, and what waits after a 502, 503 or 504 and tells whether to ask again."""
        self._base = base
        self._ask, self._wait = ask, wait
        self.rows: list[Row] = []

    def answer(self, path: str) -> "Answer":
        """Return the page's answer; a redirect only where it leads to another server or in a circle."""
        url, seen = f"{self._base}{path}", set[str]()
        while True:
            answer = self._ask(url)
            seen.add(url)
            if answer.status in NOT_YET and self._wait(answer):
                continue
            if not (onward := self._onward(answer)):
                return answer
            if onward in seen or len(seen) == HOPS:
                # Not a failure: a browser, which sends cookies, may get on.
                self.rows.append(_row(answer, "REDIRECT LOOP", "warn"))
                return answer
            self.rows.append(_row(answer, str(answer.status), "info"))
            url = onward

    def _onward(self, answer: "Answer") -> str | None:
        """Return where a redirect leads if that is this server too."""
        if answer.status not in REDIRECTS or "location" not in answer.headers:
            return None
        to = urljoin(answer.url, answer.headers["location"])
        try:
            there, here = place_of(to), place_of(self._base)
        except ClientError:
            return None
        if there != here and not _same_machine(there, here):
            return None
        return urlsplit(to)._replace(netloc=urlsplit(self._base).netloc, fragment="").geturl()


def shown_target(answer: "Answer") -> str:
    """Return where a redirect leads, as reports show it."""
    return leads_to(answer, place_of(answer.url))


def last_row(answer: "Answer") -> Row:
    """Return the row of an answer that is well."""
    note = f"to {shown_target(answer)}" if answer.status in REDIRECTS else ""
    return Row(f"GET {urlsplit(answer.url).path}", str(answer.status), note=note, level="info")


def _row(answer: "Answer", state: str, level: Level) -> Row:
    return Row(f"GET {urlsplit(answer.url).path}", state, note=f"to {shown_target(answer)}", level=level)


def _same_machine(there: "Place", here: "Place") -> bool:
    return there.loopback and here.loopback and (there.scheme, there.port) == (here.scheme, here.port)
