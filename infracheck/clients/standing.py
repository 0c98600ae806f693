"""A server that the gate did not start and that it judges by its answers: a deployment, or a reused dev server."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from infracheck.clients.appserver import AppServer
from infracheck.clients.devboot import Boot, Refused, Row
from infracheck.clients.devvisit import HEADERS, Visit, last_row
from infracheck.clients.http import Http
from infracheck.errors import ClientError, Unavailable, Unclear

if TYPE_CHECKING:
    from infracheck.clients.http import Answer

STARTING: Final = 30.0  # seconds that 502, 503 and 504 may take to pass
RETRY: Final = 0.5


class Standing(AppServer):
    """Asked for its page when its `boot` is first asked for."""

    def __init__(
        self,
        url: str,
        path: str,
        *,
        command: str,
        timeout: float,
        judge: "Callable[[Answer], Refused | None]",
        tell: Callable[[str], None],
        rows: tuple[Row, ...] = (),
        who: str = "",
    ) -> None:
        """Take where it is.

        Args:
            command: what a developer types to see the same.
            timeout: seconds until the page has to be there.
            judge: why an answer is not good, None if it is.
            rows: evidence that stands before that of the answer.
            who: ends the summary of an answer that is well.
        """
        self._url, self._path, self._command = url, path, command
        self._timeout, self._judge, self._tell, self._rows = timeout, judge, tell, rows
        self._who = who
        self._http = Http()
        self._closing = threading.Event()
        self._asking = threading.Lock()
        self._boot: Boot | None = None

    @property
    def url(self) -> str:
        return self._url

    @property
    def command(self) -> str:
        return self._command

    @property
    def boot(self) -> Boot:
        with self._asking:
            if self._boot is None:
                self._boot = self._look()
            return self._boot

    def close(self) -> None:
        self._closing.set()
        self._http.close()

    def _look(self) -> Boot:
        self._tell(f"waiting for {self._url}{self._path} to answer")
        began = time.monotonic()
        visit = Visit(self._url, lambda url: self._ask(url, began), lambda answer: self._again(answer, began))
        unclear = False
        try:
            answer = visit.answer(self._path)
            refused = self._judge(answer)
        except Unavailable:
            refused, unclear = Refused("the run ended before the server had answered", "run the gate again"), True
        except ClientError as error:
            row = Row(f"GET {self._path}", "NO ANSWER", note=error.summary)
            refused, unclear = Refused(error.summary, error.remedy, (row,)), isinstance(error, Unclear)
        seconds = time.monotonic() - began
        rows = (*self._rows, *visit.rows)
        if refused:
            rows = (*refused.rows, *rows)
            return Boot(False, self._url, refused.summary, refused.remedy, rows, seconds, unclear=unclear)
        summary = f"answers {answer.status} on {self._url}{self._path} in {seconds:.1f} s{self._who}"
        return Boot(True, self._url, summary, "", (*rows, last_row(answer)), seconds)

    def _ask(self, url: str, began: float) -> "Answer":
        left = max(1.0, began + self._timeout - time.monotonic())
        return self._http.request("GET", url, timeout=left, headers=HEADERS)

    def _again(self, answer: "Answer", began: float) -> bool:
        self._tell(f"waiting for {answer.url}, which still answers {answer.status}")
        self._closing.wait(RETRY)
        return time.monotonic() < began + min(STARTING, self._timeout)


def status_row(answer: "Answer", said: str) -> Row:
    """Return the row of an answer that is not good."""
    return Row(f"GET {urlsplit(answer.url).path}", str(answer.status), note=said.removeprefix(": "))
