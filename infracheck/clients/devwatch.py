"""Watches a dev server come up, through four gates: it listens, it is ours, it answers, it answers well.

A log line that says "Ready" proves nothing: Next.js prints it before it loads its settings and may still exit. So the
proof is an HTTP answer of a process of our own, and the log only says why there is none.
"""

import re
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from infracheck.clients import ports
from infracheck.clients.devanswer import judge, log_rows
from infracheck.clients.devboot import Boot, Refused, Row
from infracheck.clients.devplan import Plan
from infracheck.clients.devreason import given_up, late
from infracheck.clients.devrefusal import port_taken
from infracheck.clients.devvisit import HEADERS, Visit, last_row
from infracheck.errors import ClientError, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from infracheck.clients.devlog import DevLog
    from infracheck.clients.http import Answer, Http
    from infracheck.clients.process import Supervised

PAUSE: Final = 0.02  # seconds between two looks; a look costs 0.1 ms
AFTER_ERROR: Final = 20.0  # seconds that the page still gets once an error was logged: it is red either way
RETRY: Final = 0.25
OTHER_PORT: Final = 3.0  # seconds that the expected port gets once the log named another one
REQUESTS: Final = 4  # that may fail in a row although something listens
LOOKS: Final = 5  # at who listens: a process that was just born is not listed yet
SCRIPT: Final = re.compile(r"""<script type="module" src="(/(?!/|@)[^"]+)\"""")
TAIL: Final = 40  # lines


class _Down(Exception):
    """It will not come up, or not in time."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.summary)
        self.refused = refused


class Watch:
    """One boot under watch. `ending` ends the wait from outside; `progress` says what it waits for."""

    def __init__(
        self, plan: Plan, *, root: "Path", child: "Supervised", log: "DevLog", http: "Http", began: float
    ) -> None:
        self.plan = plan  # its port changes when the server names another one
        self.ending = threading.Event()
        self._root, self._child, self._log, self._http = root, child, log, http
        self._began, self._deadline = began, began + plan.timeout
        self._gate = f"nothing listens on port {plan.port}"
        self._rows: list[Row] = [*plan.remarks]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.plan.port}"

    @property
    def progress(self) -> str:
        doing = f" ({self._log.progress})" if self._log.progress else ""
        return f"waiting for {self.url}{self.plan.path} to answer{doing}"

    def boot(self) -> Boot:
        """Return how the boot went, as soon as that is known."""
        refused: Refused | None
        try:
            _load()
            self._listening()
            self._ours()
            answer = self._answer()
            seconds = time.monotonic() - self._began
            self._load_scripts(answer)
            self._settle()
            refused = judge(self.plan, answer, self._log)
        except _Down as down:
            refused, seconds = down.refused, time.monotonic() - self._began
        except Unavailable:
            refused, seconds = _interrupted(), time.monotonic() - self._began
        tail = self._log.tail(TAIL)
        if refused:
            rows = (*refused.rows, *self._rows)
            return Boot(False, self.url, refused.summary, refused.remedy, rows, seconds, tail)
        shown = f"{self.url}{self.plan.path}"
        summary = f"answers {answer.status} on {shown} {seconds:.1f} s after {self.plan.shown}"
        rows = (*self._rows, last_row(answer), *log_rows(self._log))
        return Boot(True, self.url, summary, "", rows, seconds, tail)

    # -- the gates

    def _listening(self) -> None:
        named_at = 0.0
        while not ports.is_listening(self.plan.port):
            named = self._log.port
            if named and named != self.plan.port:
                named_at = named_at or time.monotonic()
                by_default = self._log.vite and self.plan.port_source == "the default of vite"
                if by_default or time.monotonic() > named_at + OTHER_PORT:
                    self._follow(named)
            self._pause(PAUSE)

    def _follow(self, port: int) -> None:
        """Take the port that the server says it listens on, unless somebody decided on another one."""
        expected = self.plan
        if expected.port_source.startswith("["):
            raise _Down(
                Refused(
                    f"it listens on port {port}, not on {expected.port}",
                    f"correct {expected.port_source} in infracheck.toml, or the port that the command listens on",
                    (Row(f"port {expected.port}", "NOT LISTENING", note=f"the log names port {port}"),),
                )
            )
        if not expected.port_source.startswith("the default"):
            note = f"{expected.port_source} says {expected.port}"
            self._rows.append(Row(f"port {port}", "OTHER PORT", note=note, level="warn"))
        self.plan = replace(expected, port=port)

    def _ours(self) -> None:
        self._gate = f"port {self.plan.port} is not the server's own"
        for _ in range(LOOKS):
            if ports.owned_by(self.plan.port, self._child.processes()):
                return
            if any(one.pid is None for one in ports.listeners(self.plan.port)):
                row = Row(f"port {self.plan.port}", "UNVERIFIED", note="whose it is cannot be seen", level="warn")
                self._rows.append(row)
                return
            self._pause(PAUSE)
        taken = port_taken(self.plan.port, self._root)
        raise _Down(taken or Refused(f"port {self.plan.port} was closed again", "run the gate again"))

    def _answer(self) -> "Answer":
        visit = Visit(self.url, self._reach, self._still_starting)
        try:
            return visit.answer(self.plan.path)
        finally:
            self._rows += visit.rows

    def _reach(self, url: str) -> "Answer":
        """Ask until there is an answer of whatever status: a server that restarts while it boots is no failure."""
        refusals = 0
        if not self._gate.startswith(f"{url} "):  # else it says that it answered, and what
            self._gate = f"{url} does not answer"
        while True:
            try:
                return self._ask(url)
            except ClientError as error:
                refusals = refusals + 1 if ports.is_listening(self.plan.port) else 0
                if refusals == REQUESTS:
                    raise _Down(Refused(error.summary, error.remedy, log_rows(self._log, hint=True))) from None
                self._pause(RETRY)

    def _still_starting(self, answer: "Answer") -> bool:
        self._gate = f"{answer.url} still answers {answer.status}"
        self._pause(RETRY)
        return True

    def _ask(self, url: str) -> "Answer":
        asked: Future[Answer] = Future()

        def work() -> None:
            try:
                seconds = max(1.0, self._deadline - time.monotonic() + 1.0)
                asked.set_result(self._http.request("GET", url, timeout=seconds, headers=HEADERS))
            except BaseException as error:  # noqa: BLE001 - raised where the answer is waited for
                asked.set_exception(error)

        threading.Thread(target=work, name="dev server request", daemon=True).start()
        while not asked.done():
            self._look()
            with suppress(TimeoutError):
                asked.exception(PAUSE)
        return asked.result()

    def _load_scripts(self, answer: "Answer") -> None:
        """Have Vite log what is wrong with a page's scripts: its page is a shell, which answers 200 all the same."""
        for path in SCRIPT.findall(answer.text)[:5] if self._log.vite else ():
            with suppress(ClientError):
                self._ask(urljoin(answer.url, path))

    def _settle(self) -> None:
        """Let the log finish what it says about the answer."""
        answered = time.monotonic()
        while not self._log.settled(answered):
            self._pause(PAUSE)

    # -- what ends the wait

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._look()
            self.ending.wait(PAUSE)
        self._look()

    def _look(self) -> None:
        """Raise _Down as soon as waiting makes no sense any more."""
        now = time.monotonic()
        if self.ending.is_set():
            raise _Down(_interrupted())
        if (code := self._child.poll()) is not None:
            self._child.wait(1.0)  # until its last words are read
            what = f"`{self.plan.shown}` ended with exit code {code} after {now - self._began:.1f} s"
            raise _Down(given_up(what, self.plan, self._log, self._root, code=code))
        if self._log.hopeless_at and now > self._log.hopeless_at:
            raise _Down(given_up(f"`{self.plan.shown}` cannot serve", self.plan, self._log, self._root))
        if self._log.error_at and now > self._log.error_at + AFTER_ERROR:
            raise _Down(given_up(f"an error was logged, and {self._gate}", self.plan, self._log, self._root))
        if now > self._deadline:
            raise _Down(late(self._gate, self.plan, self._log, self._child))


def _interrupted() -> Refused:
    return Refused("the run ended before the server was up", "run the gate again")


def _load() -> None:
    """Import, while the server starts, what the gates need as soon as it listens (0.1 s)."""
    import httpx  # noqa: F401
    import psutil  # noqa: F401
