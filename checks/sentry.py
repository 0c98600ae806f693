"""Sentry: its four variables, and whether an event that is sent to the app's DSN is taken."""

from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import ClientError, Unavailable, Unclear
from infracheck.model import Failed, Finding, Passed, Undecided, Verdict, check
from infracheck.project import envfile

if TYPE_CHECKING:
    from infracheck.clients.sentry import Receipt

DSN_NAMES: Final = ("NEXT_PUBLIC_SENTRY_DSN", "SENTRY_DSN")
TOKEN: Final = "SENTRY_AUTH_TOKEN"  # noqa: S105 - the name of a variable
BUILD_FILE: Final = ".env.sentry-build-plugin"  # where Sentry's own wizard puts the token
NAMES: Final = {
    TOKEN: "Sentry: Settings, Organization Tokens",
    "SENTRY_ORG": "the slug of the organisation, as in https://SLUG.sentry.io",
    "SENTRY_PROJECT": "the slug of the project, in its settings under General",
}
DSN_SOURCE: Final = "Sentry: project settings, Client Keys (DSN)"


def no_sentry(ctx: Context) -> str | None:
    """Return why there is no Sentry to ask, from the files alone."""
    named = any("SENTRY" in name for name in ctx.env.names())
    if ctx.settings.sentry.dsn or named or any(name.startswith("@sentry/") for name in ctx.project.dependencies):
        return None
    return "the app does not use Sentry: no @sentry/ package, and no variable with SENTRY in its name"


@check(applies=no_sentry, proves=5)
def sentry_configured(ctx: Context) -> Verdict:
    """The four Sentry variables have values, and the DSN is well formed.

    A missing or malformed DSN raises no error anywhere: Sentry's SDK simply sends nothing. Without token, organisation
    and project the build uploads no source maps, and says so only in its log.
    """
    from infracheck.clients.sentry import defects_of, read_dsn

    dsn = _dsn_name(ctx)
    findings = [_row(ctx, name, source) for name, source in {dsn: DSN_SOURCE, **NAMES}.items()]
    text = ctx.env[dsn].value.reveal()
    if findings[0].state == "FILLED" and (defects := defects_of(text)):
        findings[0] = Finding(dsn, "MALFORMED", "; ".join(defects), findings[0].where)
    if failing := [finding for finding in findings if finding.level == "fail"]:
        return _unconfigured(ctx, failing, tuple(findings))
    parsed = read_dsn(ctx.require(dsn).reveal())  # an optional DSN without a value ends here, quoting why
    if parsed.secret_key:
        findings[0] = Finding(dsn, "OLD FORM", "it holds a secret key that no SDK needs", findings[0].where, "warn")
    filled = sum(finding.state == "FILLED" for finding in findings[1:])
    return Passed(f"the DSN is well formed ({parsed}), {filled} of 3 build variables are filled", tuple(findings))


@check(applies=no_sentry, proves=5)
def sentry_receives(ctx: Context) -> Verdict:
    """An event that is sent to the DSN is accepted.

    A well formed DSN can still name a deleted project, a key that was switched off or a server that is not there. One
    event of level info is sent, always into the same issue. It is not read back: that it is stored is not shown.
    """
    name = _dsn_name(ctx)
    where = _where(ctx, name)
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
    finding = Finding(name, "ACCEPTED", note, where, "info")
    return Passed(f"event {receipt.event_id[:8]}… accepted by {receipt.dsn} (not read back)", (finding,))


@sentry_receives.head_start()
def send(ctx: Context) -> "Receipt":
    """Send the event while other checks run."""
    from infracheck.clients.sentry import defects_of, read_dsn, send_event

    name = _dsn_name(ctx)
    variable = ctx.env[name]
    if variable.state == "MISSING" and not ctx.env.expects(name):
        raise Unavailable(sentry_configured.id, f"{name} is MISSING")
    text = ctx.require(name).reveal()
    if defects_of(text):
        raise Unavailable(sentry_configured.id, f"{name} is MALFORMED")
    return send_event(ctx.http, read_dsn(text), timeout=ctx.settings.sentry.timeout)


def _dsn_name(ctx: Context) -> str:
    """Return the variable of the DSN: the configured one, else the first that is filled, else one that is named."""
    if ctx.settings.sentry.dsn:
        return ctx.settings.sentry.dsn
    filled = (name for name in DSN_NAMES if ctx.env[name].state == "FILLED")
    named = (name for name in DSN_NAMES if name in ctx.env.names())
    return next(filled, None) or next(named, None) or DSN_NAMES[0]


def _row(ctx: Context, name: str, source: str) -> Finding:
    """Return the state of a variable, where it stands, and where Sentry shows its value."""
    variable = ctx.env[name]
    where = _where(ctx, name)
    if variable.state == "FILLED":
        return Finding(name, "FILLED", "" if where else variable.origin or "", where, "info")
    if name == TOKEN and (line := _token_line(ctx)):
        return Finding(name, "FILLED", "", line, "info")
    if (entry := ctx.env.optional(name)) and ctx.env.example:
        excuse = f"{ctx.project.show(ctx.env.example)}:{entry.line}"
        return Finding(name, "OPTIONAL", f"{variable.state}, and {excuse} says: {entry.comment}", where, "info")
    return Finding(name, variable.state, source, where)


def _where(ctx: Context, name: str) -> str | None:
    """Return the line that gives a variable its value, else the line of the example that asks for it."""
    origin = ctx.env[name].origin
    if origin and ":" in origin:
        return origin
    asked = next((entry for entry in ctx.env.expected if entry.key == name), None)
    return f"{ctx.project.show(ctx.env.example)}:{asked.line}" if ctx.env.example and asked and not origin else None


def _token_line(ctx: Context) -> str | None:
    path = ctx.project.root / BUILD_FILE
    entries = envfile.read(path).entries if path.is_file() else ()
    filled = (entry for entry in entries if entry.key == TOKEN and entry.value.reveal().strip())
    return next((f"{BUILD_FILE}:{entry.line}" for entry in filled), None)


def _unconfigured(ctx: Context, failing: list[Finding], findings: tuple[Finding, ...]) -> Failed:
    empty = [finding.subject for finding in failing if finding.state != "MALFORMED"]
    malformed = [finding for finding in failing if finding.state == "MALFORMED"]
    said = [f"{finding.subject} is malformed: {finding.note}" for finding in malformed]
    done = [f"copy {finding.subject} again ({DSN_SOURCE})" for finding in malformed]
    if empty:
        target = ctx.project.show(ctx.env.files[0]) if ctx.env.files else "the environment"
        said.append(
            f"{len(empty)} of 4 Sentry variables have no value" if len(empty) > 1 else f"{empty[0]} has no value"
        )
        done.append(f"fill {', '.join(empty)} in {target}: each row says where Sentry shows it")
    return Failed("; ".join(said), "; ".join(done), findings)
