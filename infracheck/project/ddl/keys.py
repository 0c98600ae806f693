"""The keys of expressions: what somebody wrote and what Postgres prints of it get the same key.

Postgres stores a parsed expression and prints it in its own way: `status IN ('a','b')` comes back as
`(status = ANY (ARRAY['a'::text, 'b'::text]))`, `BETWEEN` as two comparisons, `LIKE` as `~~`, and every constant with
the cast that it needs. The key keeps what an expression means and leaves out how it is written.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

from infracheck.project.ddl import literal, tree, types

FROM_JSON: Final = "->>"
_NOT_SHOWN: Final = tree.PLACES | {
    "funcformat",
    "row_format",
    "inh",
    "relpersistence",
    "alias",
    "schemaname",
    "catalogname",
}
_BETWEEN: Final = {
    "AEXPR_BETWEEN": ("and", ">=", "<="),
    "AEXPR_NOT_BETWEEN": ("or", "<", ">"),
}
_NOW: Final = {"now", "transaction_timestamp"}
_SAME_FUNCTION: Final = {"extract": "date_part"}
_ROW_VALUES: Final = {"new", "old"}


@dataclass
class _Reader:
    """Makes the key of one expression, and counts the casts on the way, which the key leaves out."""

    casts: Counter[str] = field(default_factory=Counter)

    def key(self, node: Any) -> Any:
        if isinstance(node, list):
            return tuple(self.key(one) for one in node)
        if not isinstance(node, dict):
            return node
        kind = tree.kind(node)
        if reader := _READERS.get(kind):
            return reader(self, node[kind])
        return tuple((name, self.key(value)) for name, value in sorted(node.items()) if name not in _NOT_SHOWN)

    def cast(self, node: dict[str, Any]) -> Any:
        type_ = types.of(node["typeName"])
        inner = self.key(node["arg"])
        if "TypeCast" in node["arg"] and types.of(node["arg"]["TypeCast"]["typeName"]) == type_:
            return inner  # the same cast twice
        if isinstance(inner, tuple) and inner and inner[0] in literal.KINDS:
            if type_.name == "interval" and type_.modifiers and inner[0] == "text" and inner[1].strip().isdecimal():
                inner = ("text", f"{inner[1]} {type_.modifiers[0].partition('(')[0]}")  # INTERVAL '90' MINUTE
            return literal.cast(inner, type_.name, array=type_.array)
        if isinstance(inner, tuple) and inner and inner[0] == "array" and "A_ArrayExpr" in node["arg"]:
            return ("array", *(literal.cast(one, type_.name, array=False) for one in inner[1:]))
        # What comes out of JSON is text: a cast of it is never one that Postgres leaves out.
        from_json = isinstance(inner, tuple) and inner[:2] in {("op", "->>"), ("op", "#>>")}
        self.casts[(FROM_JSON if from_json else "") + str(replace(type_, schema=None))] += 1
        return inner

    def operation(self, node: dict[str, Any]) -> Any:
        kind, name = node.get("kind", "AEXPR_OP"), (tree.strings(node.get("name")) or [""])[-1]
        left, right = node.get("lexpr") or {}, node.get("rexpr") or {}
        if kind == "AEXPR_IN":
            return self.any_of(name, left, _items(right), all_of=name == "<>")
        if kind in {"AEXPR_OP_ANY", "AEXPR_OP_ALL"}:
            return self.any_of(name, left, right, all_of=kind == "AEXPR_OP_ALL")
        if kind in _BETWEEN:
            joint, low, high = _BETWEEN[kind]
            first, last = (self.key(one) for one in _items(right))
            return _joined(joint, [("op", low, self.key(left), first), ("op", high, self.key(left), last)])
        if kind.endswith("BETWEEN_SYM"):
            return self.symmetric(kind, self.key(left), [self.key(one) for one in _items(right)])
        if kind == "AEXPR_NOT_DISTINCT":
            return ("not", ("AEXPR_DISTINCT", self.key(left), self.key(right)))
        if kind in {"AEXPR_NULLIF", "AEXPR_DISTINCT"}:
            return (kind, self.key(left), self.key(right))
        if left and tree.kind(left) == tree.kind(right) == "RowExpr" and name in {"=", "<>"}:
            pairs = zip(left["RowExpr"].get("args", []), right["RowExpr"].get("args", []), strict=False)
            return _joined("and" if name == "=" else "or", [("op", name, self.key(a), self.key(b)) for a, b in pairs])
        return ("op", name, self.key(left), self.key(right))

    def any_of(self, name: str, left: Any, right: Any, *, all_of: bool) -> Any:
        """Return a comparison with each of several values, whichever way the values are listed."""
        value = self.key(left)
        items = self.key(right)
        if isinstance(right, dict) and "A_Const" in right and items[0] == "text" and items[1].startswith("{"):
            items = literal.like(items[1], ("array",))
        if isinstance(right, dict):
            if not (isinstance(items, tuple) and items and items[0] == "array"):
                return ("all" if all_of else "any", name, value, items)
            items = items[1:]
        return _joined("and" if all_of else "or", [("op", name, value, one) for one in items])

    def symmetric(self, kind: str, value: Any, bounds: list[Any]) -> Any:
        within = [
            _joined("and", [("op", ">=", value, low), ("op", "<=", value, high)])
            for low, high in (bounds, bounds[::-1])
        ]
        outside = [
            _joined("or", [("op", "<", value, low), ("op", ">", value, high)]) for low, high in (bounds, bounds[::-1])
        ]
        return _joined("and", outside) if "NOT" in kind else _joined("or", within)

    def boolean(self, node: dict[str, Any]) -> Any:
        name = node.get("boolop", "AND_EXPR").removesuffix("_EXPR").lower()
        parts = [self.key(one) for one in node.get("args", [])]
        return ("not", parts[0]) if name == "not" else _joined(name, parts)

    def column(self, node: dict[str, Any]) -> Any:
        parts = [one["String"].get("sval", "") if "String" in one else "*" for one in node.get("fields", [])]
        if len(parts) > 1 and parts[0].lower() in _ROW_VALUES:
            return ("column", parts[0], parts[-1])
        return ("column", parts[-1])

    def call(self, node: dict[str, Any]) -> Any:
        name = tree.strings(node.get("funcname"))[-1]
        arguments = tuple(self.key(one) for one in node.get("args", []))
        if name in _NOW and not arguments:
            return ("now",)
        if name in {"nextval", "currval"} and arguments and arguments[0][0] == "text":
            return (name, arguments[0][1].rpartition(".")[2].strip('"'))
        rest = {key: value for key, value in node.items() if key not in {"funcname", "args"}}
        name = _SAME_FUNCTION.get(name, name)
        return ("call", name, arguments, *(self.key(rest) or ()))

    def value_function(self, node: dict[str, Any]) -> Any:
        name = node.get("op", "").removeprefix("SVFOP_").lower()
        digits = node.get("typmod", 0)
        if name == "current_timestamp":
            return ("now",)
        return ("value", name.removesuffix("_n"), digits)

    def case(self, node: dict[str, Any]) -> Any:
        whens = [(self.key(one["CaseWhen"]["expr"]), self.key(one["CaseWhen"]["result"])) for one in node["args"]]
        return (
            "case",
            self.key(node.get("arg")),
            tuple(whens),
            self.key(node.get("defresult", {"A_Const": {"isnull": True}})),
        )

    def sublink(self, node: dict[str, Any]) -> Any:
        select = node["subselect"]
        if node.get("subLinkType", "EXISTS_SUBLINK") == "EXISTS_SUBLINK" and "SelectStmt" in select:
            # Which columns are selected plays no part, and Postgres writes `*` out.
            select = {"SelectStmt": {key: value for key, value in select["SelectStmt"].items() if key != "targetList"}}
        rest = {key: value for key, value in node.items() if key != "subselect"}
        return ("select", self.key(rest), self.key(select))

    def collation(self, node: dict[str, Any]) -> Any:
        name = tree.strings(node["collname"])[-1]
        inner = self.key(node["arg"])
        return inner if name == "default" else ("collate", inner, name)

    def target(self, node: dict[str, Any]) -> Any:
        return ("target", self.key(node.get("val")))  # the name it gets is printed in each case

    def type_name(self, node: dict[str, Any]) -> Any:
        return ("type", types.of(node).name)

    def array(self, node: dict[str, Any]) -> Any:
        return ("array", *(self.key(one) for one in node.get("elements", [])))


def _items(node: Any) -> list[Any]:
    return list(node["List"].get("items", []))


def _joined(name: str, parts: Iterable[Any]) -> Any:
    """Return AND or OR of parts: nested ones flattened, in an order of their own, since it plays no part."""
    flat: set[Any] = set()
    for part in parts:
        if isinstance(part, tuple) and part and part[0] == name and isinstance(part[1], frozenset):
            flat |= part[1]
        else:
            flat.add(part)
    return next(iter(flat)) if len(flat) == 1 else (name, frozenset(flat))


_READERS: Final[dict[str, Callable[[_Reader, dict[str, Any]], Any]]] = {
    "A_Const": lambda _, node: literal.constant(node),
    "TypeCast": _Reader.cast,
    "A_Expr": _Reader.operation,
    "BoolExpr": _Reader.boolean,
    "ColumnRef": _Reader.column,
    "FuncCall": _Reader.call,
    "SQLValueFunction": _Reader.value_function,
    "CaseExpr": _Reader.case,
    "SubLink": _Reader.sublink,
    "CollateClause": _Reader.collation,
    "ResTarget": _Reader.target,
    "TypeName": _Reader.type_name,
    "A_ArrayExpr": _Reader.array,
}


@dataclass(frozen=True)
class Meaning:
    """What an expression means: a key for comparing, and how often it casts to each type."""

    key: Any
    casts: Counter[str]


@lru_cache(maxsize=4096)
def printed(text: str) -> Meaning:
    """Return what an expression means that a catalog prints: many columns have the same default."""
    return meaning(tree.expression(text))


def meaning(node: tree.Tree) -> Meaning:
    """Return what an expression's tree means."""
    reader = _Reader()
    return Meaning(reader.key(node), reader.casts)
