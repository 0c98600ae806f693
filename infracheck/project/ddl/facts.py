"""What a definition says besides its expressions, as values that are equal where the definitions are."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from infracheck.project.ddl import tree
from infracheck.project.ddl.model import Constraint, Schema
from infracheck.project.ddl.tree import Tree

# Operator classes that an index has when none is named; Postgres leaves them out when it prints the index.
_DEFAULT_CLASSES: Final = frozenset(
    f"{name}_ops"
    for name in (
        *(
            "text",
            "varchar",
            "bpchar",
            "name",
            "char",
            "int2",
            "int4",
            "int8",
            "integer",
            "float4",
            "float8",
            "numeric",
        ),
        *("bool", "date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "bytea", "oid", "inet"),
        *("cidr", "network", "macaddr", "money", "bit", "varbit", "array", "jsonb", "record", "range", "multirange"),
        *("enum", "tsvector", "tsquery", "point", "box", "poly", "circle", "citext", "hstore", "ltree", "gin_hstore"),
        *("gist_ltree", "vector_l2", "text_minmax", "timestamptz_minmax", "int8_minmax", "int4_minmax", "date_minmax"),
    )
)


def timing(node: dict[str, Any]) -> tuple[bool, bool]:
    deferred = bool(node.get("initdeferred"))
    return bool(node.get("deferrable")) or deferred, deferred


def enforced(node: dict[str, Any]) -> tuple[bool, bool]:
    """Return whether a check or foreign key is enforced, and kept from tables that inherit."""
    return bool(node.get("is_enforced", not _knows_enforcement())), bool(node.get("is_no_inherit"))


@cache
def _knows_enforcement() -> bool:
    import pglast

    return bool(pglast.get_postgresql_version() >= (18,))  # an older parser leaves the flag out, and so does False


def key(node: dict[str, Any], columns: Sequence[str]) -> tuple[Any, ...]:
    return (
        tuple(tree.strings(node.get("keys"))) or tuple(columns),
        tuple(tree.strings(node.get("including"))),
        bool(node.get("nulls_not_distinct")),
        bool(node.get("without_overlaps")),
        timing(node),
    )


def foreign_key(one: Constraint, node: dict[str, Any], schemas: Sequence[Schema]) -> tuple[Any, ...]:
    referred = tuple(tree.strings(node.get("pk_attrs")))
    if not referred and one.target is not None:
        tables = [schema.tables[one.target] for schema in schemas if one.target in schema.tables]
        keys = (key for table in tables for key in table.constraints.values() if key.kind == "primary key")
        referred = next((key.columns for key in keys), ())
    return (
        tuple(tree.strings(node.get("fk_attrs"))) or one.columns,
        one.target,
        referred,
        node.get("fk_matchtype", "s"),
        node.get("fk_upd_action", "a"),
        node.get("fk_del_action", "a"),
        tuple(tree.strings(node.get("fk_del_set_cols"))),
        enforced(node),
        timing(node),
    )


def operators(items: Tree) -> str:
    return tree.strings(items[1]["List"]["items"])[-1]


def index_facts(node: dict[str, Any]) -> tuple[Any, ...]:
    including = [one["IndexElem"].get("name") for one in node.get("indexIncludingParams") or ()]
    return (
        bool(node.get("unique")),
        node.get("accessMethod", "btree"),
        tuple(including),
        bool(node.get("nulls_not_distinct")),
    )


def element_facts(node: dict[str, Any]) -> tuple[Any, ...]:
    classes = [name for name in tree.strings(node.get("opclass"))[-1:] if name not in _DEFAULT_CLASSES]
    collation = [name for name in tree.strings(node.get("collation"))[-1:] if name != "default"]
    descending = node.get("ordering") == "SORTBY_DESC"
    nulls = node.get("nulls_ordering", "SORTBY_NULLS_DEFAULT").removeprefix("SORTBY_NULLS_")
    first = descending if nulls == "DEFAULT" else nulls == "FIRST"
    return (tuple(classes), tuple(collation), descending, first)


def element(node: dict[str, Any]) -> Tree:
    if "name" in node:
        return {"ColumnRef": {"fields": [{"String": {"sval": node["name"]}}]}}
    return node.get("expr")


def trigger_facts(node: dict[str, Any]) -> tuple[Any, ...]:
    transitions = [one["TriggerTransition"] for one in node.get("transitionRels") or ()]
    return (
        bool(node.get("isconstraint")),
        bool(node.get("row")),
        node.get("timing", 0),
        node.get("events", 0),
        tuple(sorted(tree.strings(node.get("columns")))),
        tree.strings(node.get("funcname"))[-1],
        tuple(tree.strings(node.get("args"))),
        tuple(sorted((one.get("name", ""), bool(one.get("isNew"))) for one in transitions)),
        timing(node),
    )


def parameters(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["FunctionParameter"] for one in node.get("parameters") or ()]


def _mode(parameter: dict[str, Any]) -> str:
    mode = str(parameter.get("mode", "FUNC_PARAM_DEFAULT"))
    return "FUNC_PARAM_IN" if mode == "FUNC_PARAM_DEFAULT" else mode


def from_current(node: dict[str, Any]) -> frozenset[str]:
    """Return the settings that a function took from the session that made it."""
    settings = (one["DefElem"]["arg"] for one in node.get("options") or () if one["DefElem"]["defname"] == "set")
    fields = (one["VariableSetStmt"] for one in settings)
    return frozenset(one.get("name", "") for one in fields if one.get("kind") == "VAR_SET_CURRENT")


def function_facts(node: dict[str, Any], left_out: frozenset[str]) -> tuple[Any, ...]:
    options = tree.options(node.get("options"))
    body = tuple(text.replace("\r\n", "\n") for text in tree.strings(_items(options.get("as"))))
    settings = sorted(
        (one["DefElem"]["arg"]["VariableSetStmt"].get("name", ""), _setting(one["DefElem"]["arg"]["VariableSetStmt"]))
        for one in node.get("options") or ()
        if one["DefElem"]["defname"] == "set" and one["DefElem"]["arg"]["VariableSetStmt"].get("name") not in left_out
    )
    return (
        bool(node.get("is_procedure")),
        [(_mode(one), one.get("name", "")) for one in parameters(node)],
        _word(options.get("language"), "sql"),
        _word(options.get("volatility"), "volatile"),
        _flag(options.get("strict")),
        _flag(options.get("security")),
        _flag(options.get("leakproof")),
        _word(options.get("parallel"), "unsafe"),
        settings,
        body,
        "sql_body" in node,
    )


def _items(node: Tree) -> Tree:
    return node["List"].get("items") if isinstance(node, dict) and "List" in node else ()


def _word(node: Tree, default: str) -> str:
    return str(node["String"].get("sval", "")).lower() if isinstance(node, dict) else default


def _flag(node: Tree) -> bool:
    return bool(node.get("Boolean", {}).get("boolval")) if isinstance(node, dict) else bool(node)


def _setting(node: dict[str, Any]) -> tuple[str, ...]:
    found = []
    for one in node.get("args") or ():
        constant = one.get("A_Const", {})
        value: dict[str, Any] = next(
            (part for key, part in constant.items() if key in {"sval", "ival", "fval", "boolval"}), {}
        )
        found += [part.strip().strip('"') for part in str(next(iter(value.values()), "")).split(",")]
    return tuple(found)
