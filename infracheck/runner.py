"""Runs the gate: verdicts one at a time and in order, while slow work that was begun early goes on in threads."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from time import perf_counter
from typing import Any, TypeVar

from infracheck.context import Context
from infracheck.errors import ClientError, NotApplicable, Unavailable, Unclear
from infracheck.model import (
    Blocked,
    Check,
    Crashed,
    Failed,
    Finding,
    NotRun,
    Outcome,
    Passed,
    Result,
    Skipped,
    Undecided,
    Waived,
    Waiver,
)


@dataclass(frozen=True, slots=True)
class Started:
    """The check is being asked now."""

    check: Check


@dataclass(frozen=True, slots=True)
class Finished:
    """The check has its outcome."""

    result: Result


Event = Started | Finished
JUDGES_WAIVERS = "waivers-valid"  # nothing excuses this one: an expired waiver could excuse itself
T = TypeVar("T")


def run(
    checks: Sequence[Check],
    ctx: Context,
    *,
    waivers: Sequence[Waiver] = (),
    skip: Mapping[str, str] | None = None,
    today: date | None = None,
) -> Iterator[Event]:
    """Yield Started and Finished for each check, in order.

    Args:
        checks: in the order of the gate; a need that is not among them blocks.
        skip: id -> reason, for checks that somebody asked to leave out.

    Raises:
        Interrupted: passes through; `not_run` makes results of what had no verdict yet.
    """
    skip = skip or {}
    plain: dict[Check, Outcome] = {}  # unwaived: needs look at what is, not at what was excused
    for one in checks:
        _begin_head_starts(checks, plain, skip, ctx)
        yield Started(one)
        start = perf_counter()
        outcome = _scrubbed(_outcome(one, plain, skip, ctx), ctx.scrub)
        plain[one] = outcome
        final = excused(one, outcome, waivers, today or date.today())
        _record(ctx, one, outcome, waivers, today or date.today())
        yield Finished(Result(one, final, perf_counter() - start))


def not_run(checks: Sequence[Check], done: Sequence[Result]) -> list[Result]:
    """Return the results of the checks that an interrupted run did not reach."""
    reached = {result.check for result in done}
    return [Result(one, NotRun(), 0.0) for one in checks if one not in reached]


def attempt(one: Check, ctx: Context) -> Outcome:
    """Ask one check."""
    return _caught(lambda: one.probe(ctx))


def _caught(ask: Callable[[], T]) -> T | Outcome:
    """Return the answer: the single place where an exception becomes an outcome."""
    try:
        return ask()
    except NotApplicable as reason:
        return Skipped(str(reason))
    except Unavailable as missing:
        return Blocked(missing.by, missing.because)
    except Unclear as error:
        return Undecided(error.summary, error.remedy)
    except ClientError as error:
        return Failed(error.summary, error.remedy, reproduce=error.reproduce)
    except Exception as error:  # noqa: BLE001 - a gate that breaks must say so as a result, not as a traceback
        return Crashed(f"{type(error).__name__}: {error} ({_place(error)})")


def _place(error: BaseException) -> str:
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    return f"{last.tb_frame.f_globals.get('__name__')}:{last.tb_lineno}" if last else "?"


def _outcome(one: Check, done: Mapping[Check, Outcome], skip: Mapping[str, str], ctx: Context) -> Outcome:
    if one.id in skip:
        return Skipped(f"left out on request: {skip[one.id]}")
    return _hindrance(one.needs, done) or _inapplicable(one, ctx) or attempt(one, ctx)


def _inapplicable(one: Check, ctx: Context) -> Outcome | None:
    applies = one.applies
    if applies is None:
        return None
    answer = _caught(lambda: applies(ctx))
    return Skipped(answer) if isinstance(answer, str) else answer


def _hindrance(needs: Sequence[Check], done: Mapping[Check, Outcome]) -> Outcome | None:
    for need in needs:
        outcome = done.get(need)
        match outcome:
            case Passed():
                continue
            case Skipped(reason):
                return Skipped(f"needs {need.id}, which was skipped: {reason}")
            case Blocked(by, because):
                return Blocked(by, because)
            case None:
                return Blocked(need.id, f"{need.id} was not selected")
            case _:
                return Blocked(need.id, _first_words(outcome))
    return None


def _first_words(outcome: Outcome) -> str:
    match outcome:
        case Failed(summary=text) | Undecided(reason=text) | Crashed(error=text):
            return text
        case _:
            return "did not pass"


def _begin_head_starts(
    checks: Sequence[Check], done: Mapping[Check, Outcome], skip: Mapping[str, str], ctx: Context
) -> None:
    for one in checks:
        if one.starts is None or one in done or one.id in skip:
            continue
        if any(need.id in skip or need not in checks for need in one.needs):
            continue
        after = one.needs if one.starts.after is None else one.starts.after
        known = [need for need in one.needs if need in done]
        ready = all(other in done for other in after if other in checks)
        if ready and not _hindrance(known, done) and not _inapplicable(one, ctx):
            ctx.begin(one)


def excused(one: Check, outcome: Outcome, waivers: Sequence[Waiver], today: date) -> Outcome:
    """Return the outcome with the findings that a waiver in force excuses; Waived when nothing failing is left."""
    if not isinstance(outcome, Failed) or one.id == JUDGES_WAIVERS:
        return outcome
    failing = _failing(one, outcome)
    used = _used(one, failing, waivers, today)
    expired = tuple(
        Finding(w.subject, "WAIVER EXPIRED", f"on {w.expires}: {w.reason}", w.source, "warn")
        for w in waivers
        if w.expires and w.expires < today and fnmatchcase(one.id, w.check)
    )
    findings = tuple(
        dataclasses.replace(f, level="info", note=f"waived: {used[f].reason}") if f in used else f
        for f in outcome.findings
    )
    verdict = dataclasses.replace(outcome, findings=findings + expired)
    if len(used) == len(set(failing)):
        return Waived(verdict, tuple(dict.fromkeys(used.values())))
    return verdict


def _failing(one: Check, outcome: Failed) -> list[Finding]:
    # A failure without evidence rows is excused by its check's own id.
    return [f for f in outcome.findings if f.level == "fail"] or [Finding(one.id, "FAILED")]


def _used(one: Check, failing: Sequence[Finding], waivers: Sequence[Waiver], today: date) -> dict[Finding, Waiver]:
    """Return the waiver in force that excuses each finding."""
    alive = [w for w in waivers if fnmatchcase(one.id, w.check) and (w.expires is None or w.expires >= today)]
    # `public.f(text[])` is a subject, and as a pattern it would be another.
    return {f: w for f in failing for w in alive if f.subject == w.subject or fnmatchcase(f.subject, w.subject)}


def _record(ctx: Context, one: Check, outcome: Outcome, waivers: Sequence[Waiver], today: date) -> None:
    """Write down what was judged and what was excused, for the check that judges the waivers."""
    if isinstance(outcome, Passed | Failed):
        ctx.ledger.judged.add(one.id)
    if isinstance(outcome, Failed):
        for finding, waiver in _used(one, _failing(one, outcome), waivers, today).items():
            ctx.ledger.excused.setdefault(waiver, []).append(f"{one.id} {finding.subject}")


def _scrubbed(value: Any, scrub: Callable[[str], str]) -> Any:
    """Return a copy of an outcome in which every leaf text is scrubbed, so that no renderer can show a secret."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, tuple):
        return tuple(_scrubbed(item, scrub) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: _scrubbed(getattr(value, f.name), scrub) for f in dataclasses.fields(value)}
        return type(value)(**parts)
    return value
