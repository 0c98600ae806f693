"""DO blocks: what can be known of them without running them.

Two shapes are common enough to be read, since tools write them: statements that are allowed to find their object
there already (`EXCEPTION WHEN duplicate_object THEN null`), and statements behind `IF NOT EXISTS (SELECT ... FROM
pg_type ...)`. All else is noted as not compared, with the names it speaks of.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from infracheck.project.ddl import plain, tree
from infracheck.project.ddl.source import Source, Statement
from infracheck.project.ddl.state import State

DDL: Final = re.compile(
    r"\b(?:create|alter|drop|rename)\s+(?:or\s+replace\s+|unlogged\s+|foreign\s+|unique\s+|materialized\s+|recursive\s+)*"
    r"(?:table|index|type|domain|sequence|view|function|procedure|trigger|policy|extension|schema)\b",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Apply = Callable[[Statement], None]


def do(state: State, node: dict[str, Any], statement: Statement, apply: Apply) -> None:
    """Apply a DoStmt as far as it can be read."""
    body = _body(node)
    bare = plain.COMMENTS.sub("", body)
    if not DDL.search(bare) and not any(DDL.search(state.bodies.get(word, "")) for word in _WORD.findall(bare)):
        return
    found = list(_statements(body))
    if None not in found:
        for text in found:
            for one in _parsed(str(text), statement):
                apply(one)
        return
    note(state, statement, body, "a DO block changes the schema in a way that is not read")


def note(state: State, statement: Statement, body: str, text: str) -> None:
    """Note what is not compared, with the names that it speaks of."""
    state.note(statement.place, text, frozenset(_WORD.findall(body)))


def _body(node: dict[str, Any]) -> str:
    body = tree.options(node.get("args")).get("as") or {}
    return str(body.get("String", {}).get("sval", "")) if isinstance(body, dict) else ""


def _statements(body: str) -> Iterator[str | None]:
    """Yield the SQL statements of a block in order; None in place of what decides, loops or builds its SQL."""
    from pglast.parser import ParseError, parse_plpgsql_json

    quoted = body.replace("$infracheck$", "")
    try:
        parsed = json.loads(
            parse_plpgsql_json(f"CREATE FUNCTION b() RETURNS void LANGUAGE plpgsql AS $infracheck${quoted}$infracheck$")
        )
    except (ParseError, ValueError):
        yield None
        return
    yield from _block(parsed[0]["PLpgSQL_function"]["action"]["PLpgSQL_stmt_block"])


def _block(block: dict[str, Any]) -> Iterator[str | None]:
    for handler in block.get("exceptions", {}).get("PLpgSQL_exception_block", {}).get("exc_list", []):
        action = handler["PLpgSQL_exception"].get("action", [])
        if not all(_harmless(one) for one in action):
            yield None
    for one in block.get("body", []):
        yield from _one(one)


def _one(node: dict[str, Any]) -> Iterator[str | None]:
    [(kind, fields)] = node.items()
    match kind:
        case "PLpgSQL_stmt_execsql":
            yield fields["sqlstmt"]["PLpgSQL_expr"]["query"]
        case "PLpgSQL_stmt_perform" | "PLpgSQL_stmt_call":
            yield fields["expr"]["PLpgSQL_expr"]["query"]
        case "PLpgSQL_stmt_block":
            yield from _block(fields)
        case "PLpgSQL_stmt_if" if _asks_whether_it_is_missing(fields):
            for inner in fields.get("then_body", []):
                yield from _one(inner)
        case _ if not _harmless(node):
            yield None


def _harmless(node: dict[str, Any]) -> bool:
    [(kind, fields)] = node.items()
    return kind in {"PLpgSQL_stmt_return", "PLpgSQL_stmt_null"} or (
        kind == "PLpgSQL_stmt_raise" and fields.get("elog_level", 21) < 21  # ERROR would undo the block
    )


def _asks_whether_it_is_missing(fields: dict[str, Any]) -> bool:
    """Tell whether a condition is NOT EXISTS of a query to the catalog, and nothing more."""
    query = fields.get("cond", {}).get("PLpgSQL_expr", {}).get("query", "")
    node = tree.expression(query) if query else {}
    if fields.get("elsif_list") or fields.get("else_body") or tree.kind(node) != "BoolExpr":
        return False
    negation: dict[str, Any] = (node or {})["BoolExpr"]
    inner = negation.get("args", [{}])[0]
    if negation.get("boolop") != "NOT_EXPR" or tree.kind(inner) != "SubLink":
        return False
    tables = [one for kind, one in tree.walk(inner) if kind == "RangeVar"]
    return bool(tables) and all(
        one.get("relname", "").startswith("pg_") or one.get("schemaname") == "information_schema" for one in tables
    )


def _parsed(text: str, statement: Statement) -> Iterator[Statement]:
    from pglast.parser import ParseError

    try:
        found = tree.parse(text)
    except ParseError:
        return
    # Within a body places are those of the block: the parser does not say where its statements stand in the file.
    offset = statement.source.data.find(text.strip().encode(), statement.start, statement.end)
    for raw in found:
        [(kind, node)] = raw["stmt"].items()
        if offset < 0:
            yield Statement(kind, node, Source.of(statement.source.name, text), 0, 0, len(text.encode()))
        else:
            end = offset + len(text.strip().encode())
            yield Statement(kind, node, statement.source, offset, offset, end)
