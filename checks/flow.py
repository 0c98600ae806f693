"""Whether the core user flow works."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from infracheck.context import SERVER_CHECK, Context
from infracheck.errors import ClientError, InfracheckError, Unavailable, Unclear
from infracheck.flow.journal import Journal
from infracheck.flow.requests import SAFE
from infracheck.flow.shape import Flow, Persona
from infracheck.flow.steps import Surroundings
from infracheck.flow.values import Values
from infracheck.model import Failed, Finding, Level, Passed, Undecided, Verdict, check

from .auth_login import auth_otp_login
from .flow_command import run_elsewhere
from .flow_derived import derived
from .flow_picture import picture
from .schema import Read, schema_tables
from .server import no_server
from .writable import REMEDY, why_not_writable

if TYPE_CHECKING:
    from infracheck.clients.otpshapes import Session
    from infracheck.clients.postgres import Database
    from infracheck.flow.run import Ran
    from infracheck.flow.steps import Done

LOG_LINES: Final = 8
LEVELS: Final[dict[str, Level]] = {"FAILED": "fail", "NOT REMOVED": "fail"}
DECLARE: Final = "declare a [[flow]] in infracheck.toml: `infracheck flow init` writes one to edit (docs/flows.md)"


@check(applies=no_server, proves=6)
def user_flow(ctx: Context) -> Verdict:
    """The core user flow works end to end: login, write, read back, the primary feature.

    Pages that answer prove little: the form may save nothing, another user may read the note, the counter may never
    move. A [[flow]] says in steps what a user does and what has to come of it, in the answers and in the database;
    each step is asked of the running app, as an anonymous visitor or as one of two throw-away users who are really
    signed in. Clean-up steps always run, for a killed run by the next one. Without a declared flow only the shell is
    walked: the pages signed out and signed in. Nothing is written where data may matter: see `[app] disposable`.
    """
    flows = ctx.settings.flow
    if flows and (reason := _why_not_writable(ctx)):
        return Undecided(reason, REMEDY)
    _booted(ctx)
    chosen = flows or (derived(ctx),)
    ran = [_run(ctx, flow) for flow in chosen]
    findings = tuple(finding for one in ran for finding in _findings(ctx, one, several=len(chosen) > 1))
    if bad := next((one for one in ran if one.failed or _left(one)), None):
        _blame_missing_tables(ctx)
        return _failed(ctx, bad, findings)
    if not any(map(_does_something, flows)):
        note = "no step of a flow writes anything" if flows else DECLARE
        row = Finding("primary feature", "NOT PROVEN", note, level="warn")
        what = "let a flow write and read back" if flows else "declare a flow"
        return Passed(f"{_many(ran)} answered well; primary feature not proven: {what}", (row, *findings))
    return Passed(f"{', '.join(one.flow.name for one in ran)}: {_many(ran)} as expected", findings)


def _run(ctx: Context, flow: Flow) -> "Ran":
    from infracheck.flow.personas import Personas
    from infracheck.flow.run import run_flow

    personas = Personas(partial(_session, ctx), ctx.scrub.add)
    values = Values(partial(_value, ctx, personas.value))
    around = Surroundings(
        base=ctx.server.url,
        root=ctx.project.root,
        http=ctx.http,
        personas=personas,
        database=partial(_database, ctx),
        database_url=lambda: ctx.require(ctx.settings.database.url),
        database_timeout=ctx.settings.database.timeout,
        tell=ctx.tell,
        say=ctx.say,
        mark=ctx.server.mark,
        since=ctx.server.since,
        command=partial(run_elsewhere, ctx, partial(_session, ctx)),
    )
    return run_flow(flow, values, around, Journal(ctx.evidence.kept()))


def _blame_missing_tables(ctx: Context) -> None:
    """Let a failed flow be blocked where tables are missing: that is what to mend first."""
    if ctx.sql is None:
        return
    try:
        read: Read = ctx.begun(schema_tables)
    except InfracheckError:
        return
    if missing := [one.subject for one in read.found if one.state == "MISSING"]:
        raise Unavailable(schema_tables.id, f"{', '.join(missing[:3])} {'is' if len(missing) == 1 else 'are'} MISSING")


def _does_something(flow: Flow) -> bool:
    return bool(flow.command) or any(step.request and step.request.split()[0] not in SAFE for step in flow.step)


def _why_not_writable(ctx: Context) -> str | None:
    url = ctx.settings.database.url
    if ctx.settings.app.disposable or ctx.env.expects(url) or ctx.env[url].state != "MISSING":
        return why_not_writable(ctx)
    return f"nothing names the database that the app writes to (no {url}): nothing was written"


def _booted(ctx: Context) -> None:
    boot = ctx.server.boot
    if not boot.ok:
        raise Unavailable(SERVER_CHECK, boot.summary)


def _session(ctx: Context, persona: Persona) -> "Session":
    try:
        login = ctx.login
        return login.other if persona == "other-user" else login.user
    except Unclear:
        raise
    except ClientError as error:
        raise Unavailable(auth_otp_login.id, error.summary) from None


def _database(ctx: Context) -> "Database":
    try:
        return ctx.database
    except Unclear:
        raise
    except ClientError as error:
        raise Unavailable("database-connects", error.summary) from None


def _value(ctx: Context, of_user: Callable[[str], Any], name: str) -> Any:
    return ctx.require(name.removeprefix("env.")).reveal() if name.startswith("env.") else of_user(name)


# -- the verdict


def _failed(ctx: Context, ran: "Ran", findings: tuple[Finding, ...]) -> Failed:
    again = f"`infracheck flow run {ran.flow.name} --verbose` shows every request and answer"
    if not (done := ran.failed):
        left = _left(ran)[0]
        return Failed(
            f"flow {ran.flow.name}: the clean-up step “{left.step.name}” failed: {left.wrong}",
            f"correct {_where(ctx, ran, left) or 'the step'}, and remove by hand what the flow made; {again}",
            findings,
        )
    step = _where(ctx, ran, done)
    findings = (*findings, *picture(ctx, done))
    return Failed(
        f"flow {ran.flow.name}: the step “{done.step.name}” failed: {done.wrong}",
        f"correct the app{f', or what {step} expects' if step else ''}; {again}",
        findings,
        reproduce=done.curl or None,
    )


def _findings(ctx: Context, ran: "Ran", *, several: bool) -> Iterator[Finding]:
    prefix = f"{ran.flow.name}: " if several else ""
    if ran.swept:
        yield Finding(f"{prefix}earlier runs", "REMOVED", f"what {ran.swept} of them left", level="info")
    for done in (*ran.steps, *ran.cleanup):
        level = LEVELS.get(done.state, "info")
        yield Finding(prefix + done.step.name, done.state, _note(done), _where(ctx, ran, done), level)
        yield from (Finding("log", done.log_of, line, level="info") for line in _last(done.log))


def _note(done: "Done") -> str:
    who = "" if done.step.as_ == "anonymous" or not done.step.request else f" as {done.step.as_}"
    asked = f"{done.asked}{who}" if done.asked else ""
    rows = f"{done.rows} row{'' if done.rows == 1 else 's'}" if done.state == "REMOVED" and done.step.sql else ""
    return ": ".join(part for part in (asked, done.wrong or rows) if part)


def _where(ctx: Context, ran: "Ran", done: "Done") -> str | None:
    lines = ctx.flow_lines.get(ran.flow.name)
    if lines is None:
        return None
    for steps, places in ((ran.steps, lines.step), (ran.cleanup, lines.cleanup)):
        if done in steps and places:
            return places[steps.index(done)]
    return None


def _left(ran: "Ran") -> "list[Done]":
    return [done for done in ran.cleanup if done.state == "NOT REMOVED"]


def _last(lines: Sequence[str]) -> Sequence[str]:
    return [line for line in lines if line.strip()][-LOG_LINES:]


def _many(ran: "Sequence[Ran]") -> str:
    count = sum(len(one.steps) for one in ran)
    return f"{count} step{'' if count == 1 else 's'}"
