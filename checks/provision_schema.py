"""Brings the app's SQL into its database: all of it, the missing tables, or what closes the differences."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from infracheck.actions import Action, Desk, Question
from infracheck.context import Context
from infracheck.errors import ClientError, InfracheckError

from .provision_sql import (
    STATEMENT_SECONDS,
    counted,
    digest,
    in_transactions,
    lines_of,
    losing_ones,
    parsed,
    run_statements,
    short,
    statements_of,
    url_of,
    where_of,
)
from .provision_stops import ALL, stopped
from .schema import Read, how_to_apply, schema_tables
from .schema_matches import Compared, schema_matches

if TYPE_CHECKING:
    from infracheck.project.ddl.source import Statement

TABLES: Final = "schema-tables"
FIXES: Final = "schema-fixes"
DESTRUCTIVE: Final = "read it; if that is meant, run again with --allow-destructive"


@schema_tables.provisioned_by
def tables(ctx: Context, desk: Desk) -> Iterator[Action | Question]:
    """Apply the files where no table of theirs exists, else create the tables that are missing."""
    if ctx.sql is None:
        return
    read = _read(ctx)
    if question := stopped(ctx, desk, read):
        yield question
    elif read is None or all(one.state == "MISSING" for one in read.found):
        yield from _whole(ctx, desk)
    else:
        yield from _missing(ctx, read)


@schema_matches.provisioned_by
def differences(ctx: Context, desk: Desk) -> Iterator[Action | Question]:
    """Run the smallest SQL that closes the differences, as far as it only adds."""
    read = _read(ctx)
    if read is None or all(one.state == "MISSING" for one in read.found):
        return  # applying the files comes first
    if question := stopped(ctx, desk, read):
        yield question
        return
    compared: Compared = ctx.begun(schema_matches)
    missing = {one.subject for one in read.found if one.state != "PRESENT"}
    open_ = [one for one in compared.differences if one.level == "fail" and one.subject not in missing]
    fixes = list(dict.fromkeys(one.fix for one in open_ if one.fix))
    statements = [one for fix in fixes for one in parsed(fix, "fix")]
    bad = dict(losing_ones(statements))
    good = [fix for fix in fixes if not any(str(one.place.clause()) in bad for one in parsed(fix, "fix"))]
    for sql, reason in bad.items():
        if desk.choices.allow_destructive:
            good = fixes
            break
        yield Question(f"{FIXES}:{digest([sql])}", f"`{sql}` would close a difference, and {reason}", DESTRUCTIVE)
    if good:
        yield Action(
            f"{FIXES}:{digest(good)}",
            f"close {len(good)} difference{'' if len(good) == 1 else 's'} to {read.expected.name}",
            partial(_run_fixes, good),
            where_of(ctx),
            ctx.settings.database.url,
            "in one transaction: where one fails, none is done",
            tuple(good),
        )


def _read(ctx: Context) -> "Read | None":
    """Return both sides, None where there is no database to ask yet."""
    try:
        read: Read = ctx.begun(schema_tables)
    except InfracheckError:
        return None
    return read


# -- the files, whole


def _whole(ctx: Context, desk: Desk) -> Iterator[Action | Question]:
    statements = statements_of(ctx)
    bad = dict(losing_ones(statements))
    if bad and not desk.choices.allow_destructive:
        sql, reason = next(iter(bad.items()))
        yield Question(ALL, f"`{short(sql)}` of the app's SQL may lose data: {reason}", DESTRUCTIVE)
        return
    names = ", ".join(ctx.project.show(path) for path in ctx.sql.files[:3]) if ctx.sql else ""
    yield Action(
        ALL,
        f"apply {names}: {counted(len(statements))}",
        _apply_files,
        where_of(ctx),
        ctx.settings.database.url,
        in_transactions(statements),
        tuple(lines_of(statements)),
    )


def _apply_files(ctx: Context, desk: Desk) -> str:
    """Apply them, once it is seen again that the database is empty of others' tables."""
    read: Read = ctx.begun(schema_tables)
    if question := stopped(ctx, desk, read):
        raise ClientError(question.summary, question.answer)
    if any(one.state != "MISSING" for one in read.found):
        return "tables of it are there already; what is missing comes next"
    count = run_statements(ctx, desk, statements_of(ctx))
    return f"applied {read.expected.name}: {counted(count)}"


# -- tables that are missing


def _missing(ctx: Context, read: "Read") -> Iterator[Action | Question]:
    absent = {one.table.name: one for one in read.found if one.state == "MISSING"}
    if not absent:
        return
    if any(one.kind == "migrations" for one in read.expected.sources.chosen):
        yield Question(
            TABLES, f"some migrations are applied and {len(absent)} tables are missing", how_to_apply(read.expected)
        )
        return
    creating = _creating(ctx, set(absent))
    if creating:
        yield Action(
            f"{TABLES}:{digest([one.subject for one in absent.values()])}",
            f"create {', '.join(one.subject for one in absent.values())}",
            lambda now, at: f"created tables by {run_statements(now, at, _creating(now, set(absent)))} statements",
            where_of(ctx),
            ctx.settings.database.url,
            in_transactions(creating),
            tuple(lines_of(creating)),
        )


def _creating(ctx: Context, names: set[tuple[str, str]]) -> "list[Statement]":
    """Return the statements that create these tables and the types they need; indexes come in a later round."""
    read: Read = ctx.begun(schema_tables)
    wanted = {name for _, name in names}
    types = {name for _, name in (*read.live.enums, *read.live.domains, *read.live.composites)}
    return [one for one in statements_of(ctx) if _creates(one, wanted) or _creates_type(one, types)]


def _creates(one: "Statement", names: set[str]) -> bool:
    return one.kind == "CreateStmt" and one.node["relation"]["relname"] in names


def _creates_type(one: "Statement", there: set[str]) -> bool:
    """Tell whether a statement makes a type that is not there yet: a table may need it."""
    if one.kind == "CreateExtensionStmt":
        return bool(one.node.get("if_not_exists"))
    if one.kind == "CompositeTypeStmt":
        return one.node["typevar"]["relname"] not in there
    key = {"CreateEnumStmt": "typeName", "CreateDomainStmt": "domainname"}.get(one.kind)
    return bool(key) and one.node[str(key)][-1]["String"]["sval"] not in there


def _run_fixes(fixes: Sequence[str], ctx: Context, desk: Desk) -> str:
    from infracheck.clients.pgapply import Piece, apply

    pieces = [Piece(fix.encode(), f"`{short(fix)}`") for fix in fixes]
    apply(url_of(ctx), [pieces], timeout=STATEMENT_SECONDS, tell=desk.tell)
    return f"ran {len(pieces)} statement{'' if len(pieces) == 1 else 's'}"
