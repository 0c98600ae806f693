"""The database."""

from typing import TYPE_CHECKING

from infracheck.context import Context
from infracheck.errors import ClientError, Unclear
from infracheck.model import Failed, Finding, Passed, Undecided, Verdict, check

from .env import set_at

if TYPE_CHECKING:
    from infracheck.clients.pgrefusal import NoSession
    from infracheck.clients.postgres import Database
    from infracheck.project.ddl.migrations import SqlSources

# Clients that speak to Postgres only; ORMs such as Prisma speak to others too, and prove nothing.
DRIVERS = ("pg", "postgres", "pg-promise", "slonik", "@neondatabase/serverless", "@vercel/postgres")


def _driver(ctx: Context) -> str | None:
    return next((name for name in DRIVERS if name in ctx.project.dependencies), None)


def _sql(ctx: Context) -> "SqlSources | None":
    try:
        return ctx.sql
    except ClientError:  # schema-tables says so
        return None


def _no_database(ctx: Context) -> str | None:
    name = ctx.settings.database.url
    if ctx.env[name].state != "MISSING" or ctx.env.expects(name) or _sql(ctx) or _driver(ctx):
        return None
    return f"nothing here asks for a database: no {name} in the env files or their example, and no schema.sql"


@check(applies=_no_database, proves=1)
def database_connects(ctx: Context) -> Verdict:
    """DATABASE_URL opens a session on a real Postgres database.

    Everything after this reads it; a database that was never made is the commonest first failure of a new project. A
    session is opened as the app would open it, with a bounded wait, and answers `select 1` in a read-only transaction.
    Parameters that other tools put into the URL (`pgbouncer=true`, `schema=...`) are left out, and named.
    """
    from infracheck.clients.pgrefusal import NoSession

    name = ctx.settings.database.url
    if ctx.env[name].state != "FILLED" and not ctx.env.expects(name):
        return _not_named(ctx, name)
    try:
        database: Database = ctx.begun(database_connects)
    except NoSession as refusal:
        return _refused(ctx, name, refusal)
    port = "" if database.port == 5432 else f":{database.port}"
    return Passed(
        f"PostgreSQL {database.server_version} answers as {database.user}@{database.host}{port}/{database.name} "
        f"in {database.seconds:.2f} s, {database.warm * 1000:.0f} ms once connected",
        _remarks(ctx, name, database),
    )


@database_connects.head_start()
def connect(ctx: Context) -> "Database":
    return ctx.database


def _not_named(ctx: Context, name: str) -> Verdict:
    """Fail by ourselves where the example does not name the variable: `env-filled` does not speak of it then."""
    state, where = ctx.env[name].state, set_at(ctx, name)
    sql, driver = _sql(ctx), _driver(ctx)
    needs = f", and {ctx.project.show(sql.chosen[0].path)} needs a database" if sql else ""
    if driver and not sql:
        needs = f", and package.json depends on {driver}"
    return Failed(
        f"{name} is {state}{needs}",
        f"put {name}=postgresql://USER:PASSWORD@HOST:5432/DATABASE into {where or '.env.local'} and name it in the "
        'example; if the app calls it otherwise, write that into infracheck.toml: [database] url = "NAME"',
        (Finding(name, state, where=where),),
    )


def _refused(ctx: Context, name: str, refusal: "NoSession") -> Verdict:
    where = set_at(ctx, name)
    remedy = refusal.remedy_for(f"{name} ({where or 'process environment'})")
    findings = (Finding(name, refusal.state, where=where),)
    if isinstance(refusal, Unclear):
        return Undecided(refusal.summary, remedy, findings)
    return Failed(refusal.summary, remedy, findings, refusal.reproduce)


def _remarks(ctx: Context, name: str, database: "Database") -> tuple[Finding, ...]:
    where = set_at(ctx, name)
    remarks = []
    if database.removed:
        note = f"left out of the URL, as Postgres does not know it: {', '.join(database.removed)}"
        remarks.append(Finding(name, "CLEANED", note, where, "info"))
    if database.tries > 1:
        note = f"it gave a session at try {database.tries}: a database that sleeps when idle wakes at the first contact"
        remarks.append(Finding(name, "WOKEN", note, where, "info"))
    if database.unescaped:
        note = f"a bare {' and '.join(database.unescaped)} in the password: psql and others read another URL than Node"
        remarks.append(Finding(name, "UNESCAPED", f"{note}; write %40 for @ and %25 for %", where, "warn"))
    return tuple(remarks)
