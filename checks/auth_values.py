"""What the app's variables alone tell of its auth: the branch it belongs to, secrets that are too short, old names."""

from collections.abc import Iterator
from typing import Final

from infracheck.context import Context
from infracheck.errors import ClientError
from infracheck.model import Finding

from .auth_target import NEON_PACKAGES, STACK_NAMES, Target, line_of, named_of

BRANCH: Final = "branch"
COOKIE_SECRET: Final = "NEON_AUTH_COOKIE_SECRET"  # noqa: S105 - a variable's name
OWN_SECRET: Final = "BETTER_AUTH_SECRET"  # noqa: S105
LONG_ENOUGH: Final = 32  # characters
NEW_SECRET: Final = "a new one: openssl rand -base64 32"  # noqa: S105


def judge_values(ctx: Context, target: Target) -> Iterator[tuple[Finding, str, str]]:
    """Yield each row of evidence; one that fails with summary and remedy, the others with empty ones."""
    if target.neon:
        yield _branch(ctx, target)
    yield from _secrets(ctx)
    for name in named_of(ctx, STACK_NAMES):
        note = "of Stack Auth, which Neon Auth was built on before: take it out once nothing reads it"
        yield Finding(name, "LEGACY", note, line_of(ctx, name), "warn"), "", ""


def _branch(ctx: Context, target: Target) -> tuple[Finding, str, str]:
    """Compare the endpoints of auth and database: Neon gives each branch an auth of its own."""
    from infracheck.clients.neonlookup import endpoint_id
    from infracheck.clients.place import place_of

    variable = ctx.settings.database.url
    auth_host, database_host = place_of(target.base).host, _database_host(ctx, variable)
    auth, database = endpoint_id(auth_host), endpoint_id(database_host)
    if auth is None or database is None:
        which = f"{target.name} names" if auth is None else f"{variable} names"
        note = f"{which} no endpoint of Neon, so its branch cannot be compared"
        return Finding(BRANCH, "NOT COMPARED", note, target.where, "info"), "", ""
    if auth == database:
        return Finding(BRANCH, "SAME", f"auth and database are of endpoint {auth}", target.where, "info"), "", ""
    note = f"{target.name} is of endpoint {auth}, {variable} of {database}"
    places = [f"{name} ({line_of(ctx, name) or 'process environment'})" for name in (target.name or "", variable)]
    remedy = f"copy both of one branch from Neon's console: Auth gives {places[0]}, Connect gives {places[1]}"
    row = Finding(BRANCH, "OTHER BRANCH", note, target.where)
    return row, f"the auth URL belongs to another branch: {note}", remedy


def _database_host(ctx: Context, variable: str) -> str:
    from infracheck.clients.pgaddress import address

    if ctx.env[variable].state != "FILLED":
        return ""
    try:
        return address(ctx.env[variable].value).host.rstrip(".")
    except ClientError:  # database-connects says so
        return ""


def _secrets(ctx: Context) -> Iterator[tuple[Finding, str, str]]:
    if _short(ctx, COOKIE_SECRET) and ctx.project.dependencies & NEON_PACKAGES:
        note = f"@neondatabase/auth does not start with fewer than {LONG_ENOUGH} characters"
        where = line_of(ctx, COOKIE_SECRET)
        yield (
            Finding(COOKIE_SECRET, "SHORT", note, where),
            f"{COOKIE_SECRET} is too short: {note}",
            f"give {COOKIE_SECRET} ({where or 'process environment'}) {NEW_SECRET}",
        )
    if _short(ctx, OWN_SECRET):
        note = f"it has fewer than {LONG_ENOUGH} characters; {NEW_SECRET}"
        yield Finding(OWN_SECRET, "SHORT", note, line_of(ctx, OWN_SECRET), "warn"), "", ""


def _short(ctx: Context, name: str) -> bool:
    # Characters, not bytes: that is what the libraries count, and never more than the bytes.
    return ctx.env[name].state == "FILLED" and len(ctx.env[name].value) < LONG_ENOUGH
