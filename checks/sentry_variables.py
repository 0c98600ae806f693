"""The four variables of Sentry: which ones an app uses, where they stand, and what their values are."""

from typing import Final

from infracheck.context import Context
from infracheck.model import Finding
from infracheck.project import envfile
from infracheck.project.sentryfiles import BUILD_FILE
from infracheck.secret import Secret

DSN_NAMES: Final = ("NEXT_PUBLIC_SENTRY_DSN", "SENTRY_DSN")
TOKEN: Final = "SENTRY_AUTH_TOKEN"  # noqa: S105 - the name of a variable
ORG: Final = "SENTRY_ORG"
PROJECT: Final = "SENTRY_PROJECT"
NAMES: Final = {
    TOKEN: "Sentry: Settings, Organization Tokens",
    ORG: "the slug of the organisation, as in https://SLUG.sentry.io",
    PROJECT: "the slug of the project, in its settings under General",
}
DSN_SOURCE: Final = "Sentry: project settings, Client Keys (DSN)"


def no_sentry(ctx: Context) -> str | None:
    """Return why there is no Sentry to ask, from the files alone."""
    named = any("SENTRY" in name for name in ctx.env.names())
    if ctx.settings.sentry.dsn or named or any(name.startswith("@sentry/") for name in ctx.project.dependencies):
        return None
    return "the app does not use Sentry: no @sentry/ package, and no variable with SENTRY in its name"


def dsn_name(ctx: Context) -> str:
    """Return the variable of the DSN: the configured one, else the first that is filled, else one that is named."""
    if ctx.settings.sentry.dsn:
        return ctx.settings.sentry.dsn
    filled = (name for name in DSN_NAMES if ctx.env[name].state == "FILLED")
    named = (name for name in DSN_NAMES if name in ctx.env.names())
    return next(filled, None) or next(named, None) or DSN_NAMES[0]


def row(ctx: Context, name: str, source: str) -> Finding:
    """Return the state of a variable, where it stands, and where Sentry shows its value."""
    variable = ctx.env[name]
    where = where_of(ctx, name)
    if variable.state == "FILLED":
        return Finding(name, "FILLED", "" if where else variable.origin or "", where, "info")
    if name == TOKEN and (found := _in_build_file(ctx)):
        return Finding(name, "FILLED", "", found[1], "info")
    if (entry := ctx.env.optional(name)) and ctx.env.example:
        excuse = f"{ctx.project.show(ctx.env.example)}:{entry.line}"
        return Finding(name, "OPTIONAL", f"{variable.state}, and {excuse} says: {entry.comment}", where, "info")
    return Finding(name, variable.state, source, where)


def where_of(ctx: Context, name: str) -> str | None:
    """Return the line that gives a variable its value, else the line of the example that asks for it."""
    origin = ctx.env[name].origin
    if origin and ":" in origin:
        return origin
    asked = next((entry for entry in ctx.env.expected if entry.key == name), None)
    return f"{ctx.project.show(ctx.env.example)}:{asked.line}" if ctx.env.example and asked and not origin else None


def value(ctx: Context, name: str) -> Secret | None:
    """Return a variable's value, for the token also that of the build's own file; None where it has none."""
    variable = ctx.env[name]
    if variable.state == "FILLED":
        return variable.value
    found = _in_build_file(ctx) if name == TOKEN else None
    return found[0] if found else None


def excused(ctx: Context, name: str) -> bool:
    """Tell whether a variable may stay empty: the example or the log says so."""
    return bool(ctx.env.optional(name) or ctx.waivers.exempts(name))


def _in_build_file(ctx: Context) -> tuple[Secret, str] | None:
    path = ctx.project.root / BUILD_FILE
    entries = envfile.read(path).entries if path.is_file() else ()
    filled = (entry for entry in entries if entry.key == TOKEN and entry.value.reveal().strip())
    if entry := next(filled, None):
        ctx.scrub.learn(TOKEN, entry.value)
        return entry.value, f"{BUILD_FILE}:{entry.line}"
    return None
