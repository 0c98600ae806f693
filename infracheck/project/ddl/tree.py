"""Postgres's own syntax trees (libpg_query's, through pglast) as plain dictionaries, and how to walk them.

The JSON form is five times quicker to make than pglast's objects. A node is `{"ColumnRef": {...}}`; a field that has
its default value is left out; locations are offsets in the UTF-8 text.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

Tree = Any
"""A node, a list of nodes, or a plain value; treat as read-only, copies are made by `rewritten`."""
PLACES: Final = frozenset({"location", "arg_location", "list_start", "list_end", "rexpr_list_start", "rexpr_list_end"})


def parse(text: str) -> list[dict[str, Any]]:
    """Return the statements of a text: `{"stmt": {KIND: node}, "stmt_location": ..., "stmt_len": ...}`.

    Raises:
        pglast.parser.ParseError: it is no SQL; `args` are the message and, where known, the place as a character index.
    """
    from pglast.parser import parse_sql_json

    statements: list[dict[str, Any]] = json.loads(parse_sql_json(text)).get("stmts", [])
    return statements


@lru_cache(maxsize=4096)
def expression(text: str) -> Tree:
    """Return the tree of one expression, as a catalog prints it; None where it cannot be read."""
    node = statement(f"SELECT ({text})")
    return node["SelectStmt"]["targetList"][0]["ResTarget"]["val"] if node else None


@lru_cache(maxsize=4096)
def statement(text: str) -> Tree:
    """Return the tree of one statement, as a catalog prints it; None where this parser is too old or new for it."""
    from pglast.parser import ParseError

    try:
        found = parse(text)
    except ParseError:
        return None
    return found[0]["stmt"] if len(found) == 1 else None


def kind(node: Tree) -> str:
    """Return the name of a node's only key: "ColumnRef"."""
    return next(iter(node)) if isinstance(node, dict) and len(node) == 1 else ""


def strings(nodes: Tree) -> list[str]:
    """Return the texts of a list of String nodes, such as the parts of a qualified name."""
    return [node["String"].get("sval", "") for node in nodes or () if "String" in node]


def walk(tree: Tree) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every node below a tree, and the tree itself, as (kind, fields)."""
    todo = [tree]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            for name, value in one.items():
                if isinstance(value, dict | list):
                    todo.append(value)
                    if isinstance(value, dict):
                        yield name, value
        elif isinstance(one, list):
            todo += one


def rewritten(tree: Tree, change: Callable[[str, dict[str, Any]], dict[str, Any] | None]) -> Tree:
    """Return a tree in which `change` has replaced the fields of nodes; where it returns None they stay."""
    if isinstance(tree, list):
        return [rewritten(one, change) for one in tree]
    if not isinstance(tree, dict):
        return tree
    result = {}
    for name, value in tree.items():
        below = rewritten(value, change)
        if isinstance(below, dict) and (new := change(name, below)) is not None:
            below = new
        result[name] = below
    return result


def columns(tree: Tree) -> frozenset[str]:
    """Return the names of the columns that an expression speaks of, without their qualifiers."""
    return frozenset(
        parts[-1] for name, node in walk(tree) if name == "ColumnRef" and (parts := strings(node.get("fields")))
    )


def options(nodes: Tree) -> Mapping[str, Tree]:
    """Return a list of DefElem nodes as name -> value; a flag without a value is True."""
    return {one["DefElem"]["defname"]: one["DefElem"].get("arg", True) for one in nodes or () if "DefElem" in one}
