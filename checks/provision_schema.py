"""Brings the app's SQL into its database: all of it, the missing tables, or what closes the differences."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from infracheck.actions import Action, Desk, Question
from infracheck.context import Context
from infracheck.errors import ClientError, InfracheckError
from infracheck.secret import Secret

from .provisioned import filled
from .provisioned_neon import HOSTS
from .provisioned_neon import PROJECT as PROJECT_ID
from .schema import APPLY, Read, how_to_apply, schema_tables
from .schema_matches import Compared, schema_matches

if TYPE_CHECKING:
    from infracheck.clients.pgapply import Piece
    from infracheck.project.ddl.source import Statement

ALL: Final = "schema"
TABLES: Final = "schema-tables"
FIXES: Final = "schema-fixes"
SHOWN: Final = 40  # lines of SQL in a plan; the file has the rest
DIRECT: Final = "DATABASE_URL_UNPOOLED"
STATEMENT_SECONDS: Final = 60.0
DESTRUCTIVE: Final = "read it; if that is meant, run again with --allow-destructive"


@schema_tables.provisioned_by
def tables(ctx: Context, desk: Desk) -> Iterator[Action | Question]:
    """Apply the files where no table of theirs exists, else create the tables that are missing."""
    if ctx.sql is None:
        return
    read = _read(ctx)
    if question := _stopped(ctx, desk, read):
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
    compared: Compared = ctx.begun(schema_matches)
    missing = {one.subject for one in read.found if one.state != "PRESENT"}
    open_ = [one for one in compared.differences if one.level == "fail" and one.subject not in missing]
    fixes = list(dict.fromkeys(one.fix for one in open_ if one.fix))
    statements = [one for fix in fixes for one in _parsed(fix, "fix")]
    bad = dict(_losing(statements))
    good = [fix for fix in fixes if not any(str(one.place.clause()) in bad for one in _parsed(fix, "fix"))]
    for sql, reason in bad.items():
        if desk.choices.allow_destructive:
            good = fixes
            break
        yield Question(f"{FIXES}:{_digest([sql])}", f"`{sql}` would close a difference, and {reason}", DESTRUCTIVE)
    if good:
        yield Action(
            f"{FIXES}:{_digest(good)}",
            f"close {len(good)} difference{'' if len(good) == 1 else 's'} to {read.expected.name}",
            partial(_run_fixes, good),
            _where(ctx),
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


def _stopped(ctx: Context, desk: Desk, read: "Read | None") -> Question | None:
    """Return what a person has to decide before anything is written to this database."""
    assert ctx.sql is not None
    tool = next((one for one in ctx.sql.chosen if one.kind in APPLY), None)
    if tool:
        command = f"infracheck env exec -- {APPLY[tool.kind]}"
        return Question(
            ALL, f"the migrations of {ctx.project.show(tool.path)}/ are {tool.kind}'s own", f"run: {command}"
        )
    if read is None:
        return None
    if (branch := _protected(ctx)) and branch not in desk.choices.confirm:
        return Question(ALL, f"the database is the protected Neon branch {branch}", f"confirm it: --confirm {branch}")
    name = ctx.database.name
    foreign = _foreign(read) if all(one.state == "MISSING" for one in read.found) else []
    if foreign and name not in desk.choices.confirm:
        listed = ", ".join(foreign[:5]) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
        return Question(
            ALL,
            f"the database {name} holds tables that {read.expected.name} does not know: {listed}",
            f"see that it is the right one, then confirm it: --confirm {name}",
        )
    return None


def _foreign(read: "Read") -> list[str]:
    from infracheck.project.ddl import scope

    own = {str(table) for table in read.expected.tables}
    return sorted(
        str(table) for table in read.live.app_tables if str(table) not in own and not scope.provided(table.name[0])
    )


def _protected(ctx: Context) -> str | None:
    """Return the name of the Neon branch if it is protected and the key can tell."""
    from infracheck.clients.neonlookup import find
    from infracheck.clients.pgaddress import address

    from .provision_neon import neon_of

    url = ctx.settings.database.url
    host = address(ctx.require(url)).host
    if not host.lower().rstrip(".").endswith(HOSTS) or not filled(ctx, "NEON_API_KEY"):
        return None
    branch = find(neon_of(ctx), host, filled(ctx, PROJECT_ID), url=url).branch
    return branch.name if branch.protected else None


# -- the files, whole


def _whole(ctx: Context, desk: Desk) -> Iterator[Action | Question]:
    statements = _statements(ctx)
    bad = dict(_losing(statements))
    if bad and not desk.choices.allow_destructive:
        sql, reason = next(iter(bad.items()))
        yield Question(ALL, f"`{_short(sql)}` of the app's SQL may lose data: {reason}", DESTRUCTIVE)
        return
    names = ", ".join(ctx.project.show(path) for path in ctx.sql.files[:3]) if ctx.sql else ""
    yield Action(
        ALL,
        f"apply {names}: {len(statements)} statements",
        _apply_files,
        _where(ctx),
        ctx.settings.database.url,
        _mind(statements),
        tuple(_lines(statements)),
    )


def _apply_files(ctx: Context, desk: Desk) -> str:
    """Apply them, once it is seen again that the database is empty of others' tables."""
    read: Read = ctx.begun(schema_tables)
    if question := _stopped(ctx, desk, read):
        raise ClientError(question.summary, question.answer)
    if any(one.state != "MISSING" for one in read.found):
        return "tables of it are there already; what is missing comes next"
    count = _apply(ctx, desk, _statements(ctx))
    return f"applied {read.expected.name}: {count} statements"


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
            f"{TABLES}:{_digest([one.subject for one in absent.values()])}",
            f"create {', '.join(one.subject for one in absent.values())}",
            lambda now, at: f"created tables by {_apply(now, at, _creating(now, set(absent)))} statements",
            _where(ctx),
            ctx.settings.database.url,
            _mind(creating),
            tuple(_lines(creating)),
        )


def _creating(ctx: Context, names: set[tuple[str, str]]) -> "list[Statement]":
    """Return the statements that create these tables and the types they need; indexes come in a later round."""
    read: Read = ctx.begun(schema_tables)
    wanted = {name for _, name in names}
    types = {name for _, name in (*read.live.enums, *read.live.domains, *read.live.composites)}
    return [one for one in _statements(ctx) if _creates(one, wanted) or _creates_type(one, types)]


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

    pieces = [Piece(fix.encode(), f"`{_short(fix)}`") for fix in fixes]
    apply(_url(ctx), [pieces], timeout=STATEMENT_SECONDS, tell=desk.tell)
    return f"ran {len(pieces)} statement{'' if len(pieces) == 1 else 's'}"


# -- shared


def _apply(ctx: Context, desk: Desk, statements: "Sequence[Statement]") -> int:
    from infracheck.clients.pgapply import apply
    from infracheck.project.ddl.additive import groups

    pieces = [[_piece(one) for one in group] for group in groups(statements)]
    return apply(_url(ctx), pieces, timeout=STATEMENT_SECONDS, tell=desk.tell)


def _piece(one: "Statement") -> "Piece":
    from infracheck.clients.pgapply import Piece

    return Piece(one.source.data[one.start : one.end], str(one.place))


def _statements(ctx: Context) -> "list[Statement]":
    from infracheck.project.ddl.source import Reader

    assert ctx.sql is not None
    reader = Reader()
    return [one for file in ctx.sql.files for one in reader.statements(file, ctx.project.show(file))]


def _parsed(sql: str, name: str) -> "list[Statement]":
    from infracheck.project.ddl.source import Reader

    return list(Reader().text(sql, name))


def _losing(statements: "Sequence[Statement]") -> "Iterator[tuple[str, str]]":
    from infracheck.project.ddl.additive import losing

    for one, reason in losing(statements):
        yield str(one.place.clause()), reason


def _mind(statements: "Sequence[Statement]") -> str:
    from infracheck.project.ddl.additive import groups

    parts = len(groups(statements))
    if parts == 1:
        return "in one transaction: where one statement fails, none is done"
    return f"in {parts} transactions, as Postgres demands; where a later one fails, the earlier ones stay"


def _lines(statements: "Sequence[Statement]") -> Iterator[str]:
    lines = [f"{one.place}: {_short(str(one.place.clause()))}" for one in statements if one.kind != "TransactionStmt"]
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"… and {len(lines) - SHOWN} more"


def _where(ctx: Context) -> str:
    from infracheck.clients.pgaddress import address

    url = ctx.env[ctx.settings.database.url]
    if url.state != "FILLED":
        return "the new database"
    try:
        return f"the database at {address(url.value).place}"
    except ClientError:
        return "the database"


def _url(ctx: Context) -> Secret:
    """Return the direct connection string where there is one: poolers do not like to be asked for long."""
    return ctx.env[DIRECT].value if ctx.env[DIRECT].state == "FILLED" else ctx.require(ctx.settings.database.url)


def _short(sql: str) -> str:
    line = " ".join(sql.split())
    return line if len(line) <= 160 else f"{line[:159]}…"


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
