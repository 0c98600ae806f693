"""The read-back of sentry-receives: is the event that was accepted also stored, and in the project that is meant?"""

import time
from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import ClientError, NotApplicable, Unavailable, Unclear
from infracheck.model import Failed, Finding, Passed, Undecided, Verdict

from .env import set_at
from .sentry_access import Access, access, named
from .sentry_variables import PROJECT, TOKEN

if TYPE_CHECKING:
    from infracheck.clients.sentry import Receipt

REPRODUCE: Final = "infracheck run --only sentry-receives"
FIRST: Final = 1.0  # seconds before the first question
EVERY: Final = 2.0  # seconds between two questions
PARTS: Final = 10  # a short wait is divided into at least that many questions
PASSING: Final = {"LIMITED", "FAILS", "NO ANSWER", "TOO SLOW"}
DROPPED: Final = (
    "see in Sentry, Stats, what became of it: an inbound filter, a quota that is used up, spike protection and a "
    "discarded issue each drop events after they are accepted"
)


def stored(ctx: Context, receipt: "Receipt", row: Finding) -> Verdict:
    """Return the verdict of an event that was accepted; `row` is the evidence for that."""
    from infracheck.clients.providercauses import Refused
    from infracheck.clients.sentryapi import NO_API

    try:
        sentry = access(ctx, receipt.dsn, wait=ctx.settings.sentry.wait)
    except (NotApplicable, Unavailable) as reason:
        because = reason.because if isinstance(reason, Unavailable) else str(reason)
        return _unread(receipt, row, Finding(TOKEN, "NOT READ BACK", because, None, "info"))
    except Refused as error:
        note = Finding(error.subject or TOKEN, "NOT READ BACK", f"{error.summary}; {error.remedy}", None, "warn")
        return _unread(receipt, row, note)
    try:
        return _read(ctx, sentry, receipt, row)
    except Refused as error:
        if error.state == NO_API:
            return _unread(receipt, row, Finding(TOKEN, "NOT READ BACK", error.summary, None, "info"))
        if error.status not in {401, 403}:
            return _open(ctx, row, error)
        note = Finding(TOKEN, "NOT READ BACK", f"{error.summary}; {error.remedy}", set_at(ctx, TOKEN), "warn")
        return _unread(receipt, row, note, "; it cannot be read back with this token")


def _unread(receipt: "Receipt", row: Finding, note: Finding, why: str = " (not read back)") -> Passed:
    return Passed(f"event {receipt.event_id[:8]}… accepted by {receipt.dsn}{why}", (row, note))


def _open(ctx: Context, row: Finding, error: ClientError) -> Undecided:
    wait = f"`[sentry] wait` ({ctx.settings.sentry.wait:g} s)"
    summary = f"the event was accepted, but not seen within {wait}: {error.summary}"
    return Undecided(summary, error.remedy, (row, Finding(TOKEN, "NOT READ BACK", error.summary)))


def _read(ctx: Context, sentry: Access, receipt: "Receipt", row: Finding) -> Verdict:
    """Ask until it is stored or the time is up; send it once more at half of it.

    Raises:
        Refused: there is no usable answer.
    """
    from infracheck.clients.sentry import send_event

    wait = ctx.settings.sentry.wait
    start = time.monotonic()
    sent, pause = [receipt.event_id], min(FIRST, wait / PARTS)
    while True:
        # What is asked last is asked at the very end.
        time.sleep(max(0.0, min(pause, start + wait - time.monotonic())))
        pause = min(EVERY, wait / PARTS)
        found, problem = _look(sentry, sent)
        passed = time.monotonic() - start
        if found:
            event, project = f"event {found[0][:8]}…", found[1]
            state = Finding(event, "STORED", f"in {project}, seen after {passed:.1f} s", None, "info")
            if project == sentry.project:
                return Passed(f"{event} stored in {sentry.path}, sent to {receipt.dsn}", (row, state))
            return _elsewhere(ctx, sentry, (row, state), project)
        if passed >= wait:
            break
        if len(sent) == 1 and passed >= wait / 2 and not problem:
            try:
                sent.append(send_event(ctx.http, receipt.dsn, timeout=ctx.settings.sentry.timeout).event_id)
            except ClientError as error:
                return _refused_later(row, error)
        ctx.tell(f"waiting for Sentry to store the test event ({passed:.0f} of {wait:g} s)")
    if problem:
        raise problem
    return _lost(ctx, sentry, receipt, row)


def _look(sentry: Access, sent: list[str]) -> tuple[tuple[str, str] | None, ClientError | None]:
    """Return an event that is stored and its project, and what kept Sentry from answering for now."""
    from infracheck.clients.providercauses import Refused

    problem = None
    for event_id in sent:
        try:
            if found := sentry.api.event(sentry.organization, sentry.project, event_id):
                return (event_id, found), None
        except Refused as error:
            if error.state not in PASSING:
                raise
            problem = error
    return None, problem


def _elsewhere(ctx: Context, sentry: Access, rows: tuple[Finding, Finding], project: str) -> Failed:
    name = rows[0].subject
    return Failed(
        f"the event is stored in project {project}, not in {PROJECT} {sentry.project}",
        f"put the DSN of {sentry.path} into {named(ctx, name)} "
        f"(Sentry: project settings, Client Keys), or correct {named(ctx, PROJECT)}",
        (*rows, Finding(name, "OTHER PROJECT", f"it belongs to {project}", rows[0].where)),
        REPRODUCE,
    )


def _refused_later(row: Finding, error: ClientError) -> Verdict:
    """Sentry takes the first event of a wrong key where it has not yet loaded the project, and refuses the next."""
    summary = f"the event was accepted and not stored, and sent again it is not accepted: {error.summary}"
    rows = (row, Finding(row.subject, "NOT ACCEPTED", error.summary, row.where))
    if isinstance(error, Unclear):
        return Undecided(summary, error.remedy, rows)
    return Failed(summary, error.remedy, rows, REPRODUCE)


def _lost(ctx: Context, sentry: Access, receipt: "Receipt", row: Finding) -> Verdict:
    """Tell an event that Sentry dropped from one that was looked for in a project that is not there."""
    from infracheck.clients.providercauses import Refused

    wait = ctx.settings.sentry.wait
    try:
        sentry.api.project(sentry.organization, sentry.project)
    except Refused as error:
        if error.status == 404:
            note = Finding(PROJECT, "NOT READ BACK", f"Sentry knows no project {sentry.path}", None, "warn")
            return _unread(receipt, row, note)
    return Failed(
        f"{receipt.dsn} accepts events and does not store them: two were sent, and after {wait:g} s "
        f"Sentry knows neither in {sentry.path}",
        f"{DROPPED}; see that {row.subject} is a DSN of {sentry.path}; `[sentry] wait` in infracheck.toml "
        "gives it more time",
        (row, Finding(row.subject, "ACCEPTED, NOT STORED", f"{wait:g} s", row.where)),
        REPRODUCE,
    )
