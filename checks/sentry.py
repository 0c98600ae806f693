"""Whether Sentry takes an event that is sent to the app's DSN, and keeps it."""

from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import ClientError, Unavailable, Unclear
from infracheck.model import Failed, Finding, Undecided, Verdict, check
from infracheck.project.sentryfiles import SentryFiles

from .sentry_stored import stored
from .sentry_variables import dsn_name, no_sentry, where_of

if TYPE_CHECKING:
    from infracheck.clients.sentry import Dsn, Receipt

CONFIGURED: Final = "sentry-configured"  # the check that says what is wrong with the DSN


@check(applies=no_sentry, proves=5)
def sentry_receives(ctx: Context) -> Verdict:
    """An event that is sent to the DSN is accepted, and stored in the project.

    A well formed DSN can still name a deleted project, a key that was switched off or a server that is not there. One
    event of level info is sent, always into the same issue. An accepted event can still be dropped, by a filter or a
    quota: it is read back through Sentry's web API for as long as `[sentry] wait` says, where the token may do that.
    """
    name, where, _ = used_dsn(ctx)
    ctx.tell("waiting for Sentry to accept the test event")
    try:
        receipt: Receipt = ctx.begun(sentry_receives)
    except ClientError as error:
        findings = (Finding(name, "NOT ACCEPTED", error.summary, where),)
        if isinstance(error, Unclear):
            return Undecided(error.summary, error.remedy, findings)
        remedy = f"{error.remedy} ({', '.join(part for part in (name, where) if part)})"
        return Failed(error.summary, remedy, findings, "infracheck run --only sentry-receives")
    note = f"event {receipt.event_id}, in {receipt.seconds:.1f} s"
    return stored(ctx, receipt, Finding(name, "ACCEPTED", note, where, "info"))


@sentry_receives.head_start()
def send(ctx: Context) -> "Receipt":
    """Send the event while other checks run."""
    from infracheck.clients.sentry import send_event

    _, _, dsn = used_dsn(ctx)
    return send_event(ctx.http, dsn, timeout=ctx.settings.sentry.timeout)


def used_dsn(ctx: Context) -> "tuple[str, str | None, Dsn]":
    """Return the variable of the DSN, the line that sets it, and the DSN; without one, the file that has it literally.

    Raises:
        NotApplicable: it has no value, and is excused.
        Unavailable: it has none, or is malformed; the checks of it say so.
    """
    from infracheck.clients.sentry import defects_of, read_dsn

    name = dsn_name(ctx)
    if ctx.env[name].state != "FILLED" and (literal := _in_code(ctx)):
        return literal
    if ctx.env[name].state == "MISSING" and not ctx.env.expects(name):
        raise Unavailable(CONFIGURED, f"{name} is MISSING")
    text = ctx.require(name).reveal()
    if defects_of(text):
        raise Unavailable(CONFIGURED, f"{name} is MALFORMED")
    return name, where_of(ctx, name), read_dsn(text)


def _in_code(ctx: Context) -> "tuple[str, str, Dsn] | None":
    """Return the DSN that Sentry's wizard wrote into the code of a Next.js app."""
    from infracheck.clients.sentry import defects_of, read_dsn

    if "next" not in ctx.project.dependencies:
        return None
    for one in SentryFiles(ctx.project).literals:
        text = one.value.reveal()
        if not defects_of(text):
            ctx.scrub.learn("SENTRY_DSN", one.value)
            path = ctx.project.show(one.path)
            return path, f"{path}:{one.line}", read_dsn(text)
    return None
