"""Asks pages and routes of the running app by HTTP, as a signed-out visitor, and judges answers and what is logged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urljoin, urlsplit

from infracheck.clients.devboot import Row
from infracheck.clients.place import place_of
from infracheck.clients.said import leads_to, next_message, reason_of
from infracheck.errors import ClientError
from infracheck.secret import clean

if TYPE_CHECKING:
    from infracheck.clients.http import Answer, Http

HOPS: Final = 5
REDIRECTS: Final = {301, 302, 303, 307, 308}
HEADERS: Final = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
GUARDED: Final = {401, 403}
LOOPBACK: Final = {"localhost", "127.0.0.1", "::1"}
LENGTH: Final = 300  # characters of a note


class Served(Protocol):
    """What is asked of the server: where it is, whether it runs, and what it logged since a moment."""

    @property
    def url(self) -> str: ...
    @property
    def exit_code(self) -> int | None: ...
    def mark(self) -> int: ...
    def problems(self, mark: int, /) -> tuple[Row, ...]: ...


@dataclass(frozen=True, slots=True)
class Visit:
    """How one page answered: its row, what was logged meanwhile, and where it ended (None: outside, or nowhere)."""

    path: str
    row: Row
    logged: tuple[Row, ...] = ()
    ended: str | None = None

    @property
    def late(self) -> bool:
        return self.row.state == "NO ANSWER"


class Visitor:
    """Asks one page after the other; `seconds` for each, because the first visit compiles it."""

    def __init__(self, http: "Http", server: Served, *, seconds: float, tell: Callable[[str], None]) -> None:
        self._http, self._server, self._seconds, self._tell = http, server, seconds, tell

    def page(self, path: str, *, guarded: bool) -> Visit:
        """Ask for a page, following redirects within the app.

        Args:
            guarded: a 401 or 403 is what a visitor may get there.
        """
        self._tell(f"waiting for {self._server.url}{path} to answer")
        mark = self._server.mark()
        try:
            answer, ended, through = self._follow(f"{self._server.url}{path}")
        except ClientError as error:
            note = self._ended() or error.summary
            return Visit(path, Row(path, "NO ANSWER", note=note), self._server.problems(mark))
        logged = self._server.problems(mark)
        if answer.status in GUARDED and guarded:
            return Visit(path, Row(path, str(answer.status), note="only for those who are signed in", level="info"))
        if answer.status >= 400 or _is_error_page(answer):
            return Visit(path, _failing(path, answer, logged), _others(logged), ended)
        return Visit(path, Row(path, str(answer.status), note=through, level="info"), logged, ended)

    def route(self, method: str, path: str, expected: int) -> Row:
        """Ask a route once, without credentials; any other status than the expected one is a failure."""
        label = path if method == "GET" else f"{method} {path}"
        self._tell(f"waiting for {method} {self._server.url}{path}")
        mark = self._server.mark()
        try:
            answer = self._http.request(method, f"{self._server.url}{path}", timeout=self._seconds)
        except ClientError as error:
            return Row(label, "NO ANSWER", note=f"expected {expected}: {self._ended() or error.summary}")
        if answer.status == expected:
            return Row(label, str(expected), note="as expected", level="info")
        cause = _cause(answer, self._server.problems(mark)) if answer.status >= 400 else (None, "")
        return Row(label, str(answer.status), cause[0], f"expected {expected}{f': {cause[1]}' if cause[1] else ''}")

    def _follow(self, url: str) -> tuple["Answer", str | None, str]:
        """Return the last answer, where it came from, and through where: `to /login`."""
        through: list[str] = []
        while True:
            answer = self._http.request("GET", url, timeout=self._seconds, headers=HEADERS)
            if answer.status not in REDIRECTS or "location" not in answer.headers:
                return answer, url, f"to {through[-1]}" if through else ""
            onward = self._within(answer)
            if onward is None:
                return answer, None, f"to {leads_to(answer, place_of(url))}"
            if onward == url or len(through) == HOPS:
                return answer, None, f"redirects in a circle, to {urlsplit(onward).path}"
            through.append(urlsplit(onward).path)
            url = onward

    def _within(self, answer: "Answer") -> str | None:
        """Return where a redirect leads if that is this app, too."""
        try:
            to, own = urlsplit(urljoin(answer.url, answer.headers["location"])), urlsplit(self._server.url)
            local = to.hostname in LOOPBACK and own.hostname in LOOPBACK
            same = to.scheme == own.scheme and to.port == own.port and (local or to.hostname == own.hostname)
        except ValueError:
            return None
        return to._replace(netloc=own.netloc, fragment="").geturl() if same else None

    def _ended(self) -> str | None:
        code = self._server.exit_code
        return None if code is None else f"the dev server ended with exit code {code}"


def _is_error_page(answer: "Answer") -> bool:
    return answer.html and ('id="__next_error__"' in answer.text or next_message(answer.text) is not None)


def _failing(path: str, answer: "Answer", logged: tuple[Row, ...]) -> Row:
    where, note = _cause(answer, logged)
    state = str(answer.status) if answer.status >= 400 else "ERROR PAGE"
    return Row(path, state, where, note)


def _cause(answer: "Answer", logged: tuple[Row, ...]) -> tuple[str | None, str]:
    """Return file:line and cause: what the log says last, else what the answer itself says."""
    errors = [row for row in logged if row.level == "fail"]
    if errors:
        return errors[-1].where, _joined(errors[-1])
    return None, reason_of(answer).removeprefix(": ")


def _joined(row: Row) -> str:
    """Return what a row of the log says; where its label is clipped, its note begins with the same words."""
    twice = row.note.startswith(row.label.rstrip("…"))
    return clean(row.note if twice else f"{row.label}: {row.note}" if row.note else row.label, LENGTH)


def _others(logged: tuple[Row, ...]) -> tuple[Row, ...]:
    """Return what was logged apart from the error that is told as the cause."""
    errors = [row for row in logged if row.level == "fail"]
    return tuple(row for row in logged if not errors or row != errors[-1])


def told(row: Row, path: str) -> Row:
    """Return a row of the log as one of the page that was asked for when it came."""
    state = "ERROR LOGGED" if row.level == "fail" else "WARNING LOGGED"
    return Row(path, state, row.where, _joined(row), row.level)
