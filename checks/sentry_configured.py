"""Whether an app's Sentry is set up to report: its four variables, and the code that uses them."""

from dataclasses import replace

from infracheck.context import Context
from infracheck.model import Failed, Finding, Passed, Verdict, check
from infracheck.project.sentryfiles import SentryFiles

from .sentry_agreement import InitRows, dsn_row, literal_token, read, slug_rows, token_rows
from .sentry_rules import RULES, remedy
from .sentry_variables import DSN_SOURCE, NAMES, ORG, PROJECT, TOKEN, dsn_name, excused, no_sentry, row
from .sentry_wiring import build_file, wiring

SAID = 3  # faults that a summary tells; the rows tell all


@check(applies=no_sentry, proves=5, family="sentry")
def sentry_configured(ctx: Context) -> Verdict:
    """DSN, token, organisation and project are filled, agree with each other, and the code reports to them.

    Sentry fails in silence: with a DSN that is missing, malformed or another project's, without register() or
    onRequestError, or with a client configuration that Turbopack does not load, its SDK sends nothing and raises
    nothing. Without a real token of the right organisation the build uploads no source maps, and says so only in its
    log. All of it is read from files. Of an app without Next.js the variables alone are judged.
    """
    files = SentryFiles(ctx.project)
    is_next = "next" in ctx.project.dependencies
    name = dsn_name(ctx)
    dsn = dsn_row(ctx, row(ctx, name, DSN_SOURCE))
    inits = InitRows(ctx, files, dsn)
    in_code = inits.rows() if is_next and files.installed else ()
    if dsn.state not in {"FILLED", "MALFORMED", "OLD FORM"} and inits.literal_at:
        dsn = replace(dsn, note=f"{dsn.note}; the app uses the one in {inits.literal_at}")
    used = read(ctx.env[name].value.reveal()) or inits.literal
    others = {one: row(ctx, one, source) for one, source in NAMES.items()}
    # A DSN that may be missing switches Sentry off, unless the code has one of its own: nothing needs to load it then.
    off = ctx.env[name].state != "FILLED" and excused(ctx, name) and not in_code
    findings = (
        dsn,
        *token_rows(ctx, others[TOKEN], files, used),
        *slug_rows(ctx, others[ORG], files),
        *slug_rows(ctx, others[PROJECT], files),
        *build_file(ctx, files),
        *literal_token(ctx, files),
        *in_code,
        *(wiring(ctx, files) if is_next and not off else ()),
    )
    if failing := [one for one in findings if one.level == "fail"]:
        return _unconfigured(ctx, failing, findings, name)
    if used is None:
        ctx.require(name)  # an optional DSN without a value ends here, quoting why
    filled = sum(ctx.env[one].state == "FILLED" or others[one].state == "FILLED" for one in NAMES)
    told = f"the DSN is well formed ({used}), {filled} of 3 build variables are filled"
    loads = is_next and not off and files.installed
    return Passed(f"{told}, the code loads the SDK" if loads else told, findings)


def _unconfigured(ctx: Context, failing: list[Finding], findings: tuple[Finding, ...], dsn: str) -> Failed:
    empty = [one.subject for one in failing if one.state not in RULES]
    wrong = [one for one in failing if one.state in RULES]
    said = []
    done = []
    for one in wrong:
        verb = " is malformed" if one.state == "MALFORMED" else ""
        said.append(f"{one.subject}{verb}: {one.note}")
        done.append(remedy(one, variable=dsn))
    if empty:
        target = ctx.project.show(ctx.env.files[0]) if ctx.env.files else "the environment"
        none = f"{len(empty)} of 4 Sentry variables have no value" if len(empty) > 1 else f"{empty[0]} has no value"
        said.insert(0, none)
        done.insert(0, f"fill {', '.join(empty)} in {target}: each row says where Sentry shows it")
    more = [f"and {len(said) - SAID} more"] if len(said) > SAID else []
    return Failed("; ".join([*said[:SAID], *more]), "; ".join(dict.fromkeys(done)), findings)
