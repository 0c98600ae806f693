"""Runs one step of a flow: asks, compares, and keeps what later steps use."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from infracheck.errors import ClientError
from infracheck.flow import database
from infracheck.flow.expectations import Mismatch, of_answer, of_rows
from infracheck.flow.personas import Personas
from infracheck.flow.requests import outgoing
from infracheck.flow.rules import HEADER
from infracheck.flow.shape import Expect, Flow, Step
from infracheck.flow.values import Unknown, Values, as_text

if TYPE_CHECKING:
    from infracheck.clients.http import Answer, Http
    from infracheck.clients.postgres import Database
    from infracheck.secret import Secret

PAUSE: Final = 0.25  # seconds between two tries of what has to come true eventually
State = Literal["OK", "FAILED", "NOT REACHED", "REMOVED", "NOT REMOVED", "NOTHING MADE"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a flow acts on; `say` hears each request and answer, `mark` and `since` read the server's log."""

    base: str  # of the app, without a path
    root: Path
    http: "Http"
    personas: Personas
    database: "Callable[[], Database]"
    database_url: "Callable[[], Secret]"
    database_timeout: float
    tell: Callable[[str], None] = lambda _: None
    say: Callable[[str], None] = lambda _: None
    mark: Callable[[], int] = lambda: 0
    since: Callable[[int], Sequence[str]] = lambda _: ()
    command: "Callable[[Flow, str], list[Done]]" = lambda _flow, _run_id: []


@dataclass(frozen=True, slots=True)
class Done:
    """How a step went; `asked` is the request or question for people, `curl` repeats a request."""

    step: Step
    state: State
    mismatches: tuple[Mismatch, ...] = ()
    problem: str = ""  # why there was nothing to compare
    asked: str = ""
    curl: str = ""
    log: tuple[str, ...] = ()  # what the server logged meanwhile
    log_of: str = "SERVER LOG"  # or what it is else
    seconds: float = 0.0
    rows: int = 0  # what a clean-up step took
    html: bool = False  # a page answered

    @property
    def wrong(self) -> str:
        """What was expected and what was found instead, in one sentence."""
        return self.problem or "; ".join(map(str, self.mismatches))


@dataclass(slots=True)
class _Try:
    mismatches: tuple[Mismatch, ...] = ()
    problem: str = ""
    asked: str = ""
    curl: str = ""
    captured: dict[str, Any] = field(default_factory=dict)
    html: bool = False


def run(step: Step, values: Values, around: Surroundings, timeout: float) -> Done:
    """Run a step, as often as `eventually` allows, and return how it went.

    Raises:
        ClientError, Unavailable: a session or the database is not there at all.
    """
    start = time.monotonic()
    mark = around.mark()
    until = start + (step.eventually or 0.0)
    while True:
        tried = _once(step, values, around, timeout)
        good = not tried.mismatches and not tried.problem
        if good or time.monotonic() + PAUSE > until:
            break
        time.sleep(PAUSE)
    if good:
        values.known |= tried.captured
    return Done(
        step,
        "OK" if good else "FAILED",
        tried.mismatches,
        tried.problem,
        tried.asked,
        tried.curl,
        () if good else tuple(around.since(mark)),
        seconds=time.monotonic() - start,
        html=tried.html,
    )


def remove(step: Step, values: Values, around: Surroundings, timeout: float) -> Done:
    """Run a clean-up step; what it names may never have been made."""
    start = time.monotonic()
    try:
        if step.sql is None:
            done = run(step, values, around, timeout)
            return replace(done, state="REMOVED" if done.state == "OK" else "NOT REMOVED")
        sql = database.statement(step.sql, values)
        rows = database.write(around.database_url(), sql, timeout=around.database_timeout, tell=around.tell)
        around.say(f"{step.name}: {rows} rows by {step.sql}")
    except Unknown:
        return Done(step, "NOTHING MADE")
    except ClientError as error:
        return Done(step, "NOT REMOVED", problem=error.summary, asked=step.sql or step.request or "")
    return Done(step, "REMOVED", asked=step.sql, seconds=time.monotonic() - start, rows=rows)


def _once(step: Step, values: Values, around: Surroundings, timeout: float) -> _Try:
    want = _filled(step.expect, values)
    return _ask_sql(step, want, values, around) if step.sql else _ask_app(step, want, values, around, timeout)


def _filled(want: Expect, values: Values) -> Expect:
    return replace(
        want,
        headers={name: str(values.fill(value)) for name, value in want.headers.items()},
        text=values.fill(want.text),
        no_text=values.fill(want.no_text),
        json={as_text(values.fill(path)): values.fill(value) for path, value in want.json.items()},
        rows=None if want.rows is None else tuple(tuple(values.fill(row)) for row in want.rows),
        value=values.fill(want.value),
    )


def _ask_app(step: Step, want: Expect, values: Values, around: Surroundings, timeout: float) -> _Try:
    request = outgoing(step, values, around.base, around.root, around.personas.headers(step.as_))
    tried = _Try(asked=f"{request.method} {request.shown}", curl=request.curl)
    around.tell(f"{step.name}: {tried.asked}")
    try:
        answer = around.http.request(
            request.method, request.url, timeout=timeout, headers=request.headers, content=request.content
        )
    except ClientError as error:
        around.say(f"{tried.asked} as {step.as_}: {error.summary}")
        tried.problem = error.summary
        return tried
    around.say(f"{tried.asked} as {step.as_}: {answer.status} {' '.join(answer.text.split())}")
    around.personas.answered(step.as_, answer)
    tried.html = answer.html
    tried.mismatches = tuple(of_answer(want, answer))
    if not tried.mismatches:
        tried.captured, tried.problem = _captured(step, answer)
    return tried


def _ask_sql(step: Step, want: Expect, values: Values, around: Surroundings) -> _Try:
    sql = database.statement(step.sql or "", values)
    tried = _Try(asked=sql)
    around.tell(f"{step.name}: asking the database")
    try:
        found = database.read(around.database(), sql)
    except database.Refusal as error:
        tried.problem = error.summary
        return tried
    around.say(f"{sql}: {json.dumps(found, default=str, ensure_ascii=False)}")
    tried.mismatches = tuple(of_rows(want, [list(row.values()) for row in found]))
    if not tried.mismatches:
        tried.captured = {
            name: found[0][column] for name, column in step.capture.items() if found and column in found[0]
        }
        if missing := step.capture.keys() - tried.captured.keys():
            tried.problem = f"there is no column {step.capture[min(missing)]} to capture as {min(missing)}"
    return tried


def _captured(step: Step, answer: "Answer") -> tuple[dict[str, Any], str]:
    """Return what an answer gives to later steps, and what it does not have."""
    captured: dict[str, Any] = {}
    for name, path in step.capture.items():
        found = list(_found(path, answer))
        if not found:
            return {}, f"there is no {path} to capture as {name}"
        captured[name] = found[0]
    return captured, ""


def _found(path: str, answer: "Answer") -> Iterator[Any]:
    from jsonpath import findall

    if path.startswith(HEADER):
        value = answer.headers.get(path.removeprefix(HEADER).lower())
        yield from [] if value is None else [value]
        return
    body = answer.json()
    yield from findall(path, body) if isinstance(body, dict | list) else []
