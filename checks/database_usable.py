"""Whether the app's own role can work with the database's tables."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import ClientError, Unavailable
from infracheck.model import Failed, Finding, Passed, Skipped, Verdict, check
from infracheck.project.ddl import scope

from .database import database_connects
from .env import set_at
from .schema import TABLE_KINDS, Read, schema_tables

if TYPE_CHECKING:
    from infracheck.clients.pgrights import Rights, TableRights

SHOWN: Final = 6  # statements of a remedy
TOGETHER: Final = 10  # tables of one statement
EVERY_ROW: Final = "true /* every row: narrow it where rows belong to somebody */"
RESET: Final = {
    "user": "as the owner: ALTER ROLE {role} RESET default_transaction_read_only;",
    "database": "as the owner: ALTER DATABASE {database} RESET default_transaction_read_only;",
    "database user": "as the owner: ALTER ROLE {role} IN DATABASE {database} RESET default_transaction_read_only;",
    "client": "take default_transaction_read_only out of the options of {url}",
}
RESET_SERVER: Final = (
    "set default_transaction_read_only = off at the server; a provider sets it to on when the disk is full, so look at "
    "its dashboard first"
)


@check(needs=[database_connects], family="database")
def database_usable(ctx: Context) -> Verdict:
    """The app's own role may use the schema and read and write its tables.

    Migrations are often applied as the owner and the app runs as another role: everything exists, and every query is
    refused. Asked are the grants on schemas, tables and columns, those on the sequences that columns take their numbers
    from, and row-level security: a table on which it is enabled without a policy for the role answers with no rows and
    no error. A database that takes no writes, such as a read replica, fails too. A role that is meant to do less with
    a table, such as only to add to a log, is what waivers are for.
    """
    rights, declared = ctx.begun(database_usable)
    tables = [one for one in rights.tables if not scope.provided(one.schema)]
    closed = _closed(ctx, rights)
    if not tables and not closed:
        return _nothing(rights, declared)
    rows = [tuple(_rows(rights, one)) for one in tables]
    findings = (*closed, *chain.from_iterable(rows))
    broken = [one for one, found in zip(tables, rows, strict=True) if any(row.level == "fail" for row in found)]
    if not broken and not closed:
        return Passed(_passed(rights, rows), findings)
    return Failed(
        _failed(rights, len(broken), len(tables), closed),
        "; ".join(filter(None, (_opening(ctx, rights), _granting(rights, broken)))),
        findings,
        ctx.database.psql(*_asking(rights, broken)),
    )


@database_usable.head_start(after=[])
def read_early(ctx: Context) -> "tuple[Rights, bool]":
    """Return the rights, and whether the app declares which tables it needs."""
    from infracheck.clients import pgrights

    tables = _expected(ctx)
    return pgrights.read(ctx.database, tables), tables is not None


def _expected(ctx: Context) -> list[tuple[str, str]] | None:
    """Return (schema, name) of the declared tables that exist; None where nothing that can be read declares any."""
    try:
        if ctx.sql is None:
            return None
        read: Read = ctx.begun(schema_tables)
    except ClientError:  # schema-tables says so
        return None
    if not read.found:
        return None
    return [(one.schema, one.table.name[1]) for one in read.found if one.row["kind"] in TABLE_KINDS]


def _nothing(rights: "Rights", declared: bool) -> Verdict:
    if rights.tables:
        return Skipped("all tables lie in schemas that the provider keeps for itself")
    if declared:
        raise Unavailable(schema_tables.id, "no declared table exists")
    path = ", ".join(rights.path) or "empty"
    return Skipped(f"nothing declares tables, and there are none on the search path ({path})")


# -- whether the database takes writes at all


def _closed(ctx: Context, rights: "Rights") -> tuple[Finding, ...]:
    name = ctx.settings.database.url
    if rights.standby:
        return (Finding(name, "READ ONLY", "a standby: it takes no writes", set_at(ctx, name)),)
    if rights.read_only:
        note = f"default_transaction_read_only is on (set by: {rights.read_only_by})"
        return (Finding(name, "READ ONLY", note, set_at(ctx, name)),)
    return ()


def _opening(ctx: Context, rights: "Rights") -> str:
    name = ctx.settings.database.url
    url = f"{name} ({set_at(ctx, name) or 'process environment'})"
    if rights.standby:
        return f"put the connection string of the primary into {url}"
    if rights.read_only:
        reset = RESET.get(rights.read_only_by, RESET_SERVER)
        return reset.format(role=rights.quoted, database=rights.quoted_database, url=url)
    return ""


# -- what is true of each table


def _rows(rights: "Rights", one: "TableRights") -> Iterator[Finding]:
    subject, lacking = f"{one.schema}.{one.name}", one.lacking
    limits = "; ".join(f"{command} on {', '.join(names)} only" for command, names in one.columns.items())
    if not one.usage:
        yield Finding(subject, "NO USAGE", f"{rights.role} may not use the schema {one.schema}")
    elif lacking:
        yield Finding(subject, f"NO {', '.join(lacking)}", limits)
    elif limits:
        # Who hides columns from reading breaks `select *` and every ORM; writing to some columns only is a usual guard.
        yield Finding(subject, "COLUMNS ONLY", limits, level="fail" if "SELECT" in one.columns else "warn")
    elif one.row_security and not one.subject:
        yield Finding(subject, "BYPASSES RLS", f"row-level security is on, {_exempt(rights)}", level="info")
    elif not one.without_policy:
        yield Finding(subject, "USABLE", level="info")
    if one.without_policy:
        yield _no_policy(rights, one, subject)
    if "INSERT" not in lacking:
        for sequence in one.sequences:
            yield Finding(sequence.name, "NO SEQUENCE USAGE", f"inserting into {subject} takes a number from it")


def _no_policy(rights: "Rights", one: "TableRights", subject: str) -> Finding:
    """Without a policy for SELECT queries find nothing, and nobody is told; a write is often kept out on purpose."""
    for_others = f" (there are some for {', '.join(one.others)})" if one.others else ""
    note = f"row-level security is on, and no policy{for_others} lets {rights.role}"
    if "SELECT" in one.without_policy:
        return Finding(subject, "NO POLICY", f"{note} read: it gets no rows, and no error")
    return Finding(subject, "NO POLICY", f"{note} {', '.join(one.without_policy)}", level="warn")


def _exempt(rights: "Rights") -> str:
    if rights.superuser:
        return f"but {rights.role} is a superuser"
    if rights.bypassrls:
        return f"but {rights.role} has BYPASSRLS"
    return "but not for the table's owner"


# -- what to say and to do


def _passed(rights: "Rights", rows: Sequence[tuple[Finding, ...]]) -> str:
    limited = sum(any(row.level == "warn" for row in found) for found in rows)
    role = f"{rights.role} (superuser)" if rights.superuser else rights.role
    if not limited:
        return f"{role} may read and write {len(rows)} of {len(rows)} tables"
    return f"{role} may read {len(rows)} of {len(rows)} tables, and write {len(rows) - limited} of them without limits"


def _failed(rights: "Rights", broken: int, total: int, closed: tuple[Finding, ...]) -> str:
    parts = ["the database takes no writes"] if closed else []
    if broken:
        parts.append(f"{broken} of {total} tables {'is' if broken == 1 else 'are'} not usable by {rights.role}")
    return ", and ".join(parts)


def _asking(rights: "Rights", broken: "Sequence[TableRights]") -> tuple[str, str]:
    """Return the arguments with which psql shows the same."""
    if broken:
        return "-c", f"\\dp {' '.join(sorted({f'{one.quoted_schema}.*' for one in broken}))}"
    return "-c", "select pg_is_in_recovery()" if rights.standby else "show default_transaction_read_only"


def _granting(rights: "Rights", broken: "Sequence[TableRights]") -> str:
    statements = tuple(dict.fromkeys(_statements(rights, broken)))
    if not statements:
        return ""
    more = f" and {len(statements) - SHOWN} more: run again after these" if len(statements) > SHOWN else ""
    return f"as the owner: {' '.join(statements[:SHOWN])}{more}"


def _statements(rights: "Rights", broken: "Sequence[TableRights]") -> Iterator[str]:
    """Yield what the role lacks in order to use these tables, and no more than that."""
    for one in broken:
        if not one.usage:
            yield f"GRANT USAGE ON SCHEMA {one.quoted_schema} TO {rights.quoted};"
    groups: dict[str, list[str]] = {}
    for one in broken:
        partly = ("SELECT",) if "SELECT" in one.columns else ()
        if commands := (*partly, *one.lacking):
            groups.setdefault(f"{', '.join(commands)} ON", []).append(one.quoted)
        # A right to insert that is yet to be granted needs the sequence too.
        groups.setdefault("USAGE ON SEQUENCE", []).extend(sequence.quoted for sequence in one.sequences)
    for what, names in groups.items():
        for some in _chunks(tuple(dict.fromkeys(names))):
            yield f"GRANT {what} {', '.join(some)} TO {rights.quoted};"
    for one in broken:
        if "SELECT" not in one.policies and one.subject:
            yield _policy(rights, one)


def _policy(rights: "Rights", one: "TableRights") -> str:
    names, on = rights.policy_names, one.quoted
    if one.policies:
        return f"CREATE POLICY {names['SELECT']} ON {on} FOR SELECT TO {rights.quoted} USING ({EVERY_ROW});"
    return f"CREATE POLICY {names['ALL']} ON {on} TO {rights.quoted} USING ({EVERY_ROW});"


def _chunks(names: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    return (names[start : start + TOGETHER] for start in range(0, len(names), TOGETHER))
