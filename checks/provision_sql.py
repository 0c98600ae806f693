"""What bringing SQL into the app's database needs: its statements, where they go, and how a plan shows them."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from infracheck.actions import Desk
from infracheck.context import Context
from infracheck.errors import ClientError
from infracheck.secret import Secret

if TYPE_CHECKING:
    from infracheck.clients.pgapply import Piece
    from infracheck.project.ddl.source import Statement

SHOWN: Final = 40  # lines of SQL in a plan; the file has the rest
DIRECT: Final = "DATABASE_URL_UNPOOLED"
STATEMENT_SECONDS: Final = 60.0


def run_statements(ctx: Context, desk: Desk, statements: "Sequence[Statement]") -> int:
    from infracheck.clients.pgapply import apply
    from infracheck.project.ddl.additive import groups

    pieces = [[_piece(one) for one in group] for group in groups(statements)]
    return apply(url_of(ctx), pieces, timeout=STATEMENT_SECONDS, tell=desk.tell)


def _piece(one: "Statement") -> "Piece":
    from infracheck.clients.pgapply import Piece

    return Piece(one.source.data[one.start : one.end], str(one.place))


def statements_of(ctx: Context) -> "list[Statement]":
    from infracheck.project.ddl.source import Reader

    assert ctx.sql is not None
    reader = Reader()
    return [one for file in ctx.sql.files for one in reader.statements(file, ctx.project.show(file))]


def parsed(sql: str, name: str) -> "list[Statement]":
    from infracheck.project.ddl.source import Reader

    return list(Reader().text(sql, name))


def losing_ones(statements: "Sequence[Statement]") -> "Iterator[tuple[str, str]]":
    from infracheck.project.ddl.additive import losing

    for one, reason in losing(statements):
        yield str(one.place.clause()), reason


def in_transactions(statements: "Sequence[Statement]") -> str:
    from infracheck.project.ddl.additive import groups

    parts = len(groups(statements))
    if parts == 1:
        return "in one transaction: where one statement fails, none is done"
    return f"in {parts} transactions, as Postgres demands; where a later one fails, the earlier ones stay"


def lines_of(statements: "Sequence[Statement]") -> Iterator[str]:
    lines = [f"{one.place}: {short(str(one.place.clause()))}" for one in statements if one.kind != "TransactionStmt"]
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"… and {len(lines) - SHOWN} more"


def where_of(ctx: Context) -> str:
    from infracheck.clients.pgaddress import address

    url = ctx.env[ctx.settings.database.url]
    if url.state != "FILLED":
        return "the new database"
    try:
        return f"the database at {address(url.value).place}"
    except ClientError:
        return "the database"


def url_of(ctx: Context) -> Secret:
    """Return the direct connection string where there is one: poolers do not like to be asked for long."""
    return ctx.env[DIRECT].value if ctx.env[DIRECT].state == "FILLED" else ctx.require(ctx.settings.database.url)


def counted(number: int) -> str:
    return f"{number} statement{'' if number == 1 else 's'}"


def short(sql: str) -> str:
    line = " ".join(sql.split())
    return line if len(line) <= 160 else f"{line[:159]}…"


def digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
