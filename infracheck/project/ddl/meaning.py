"""What constraints, indexes, triggers and functions mean: each compared part by part, expressions by their meaning.

`True` is the same, `False` is different, `None` cannot be told from the trees.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from infracheck.project.ddl import expr, facts, tree, types
from infracheck.project.ddl.keys import printed
from infracheck.project.ddl.model import Constraint, Function, Index, Name, Schema, Trigger
from infracheck.project.ddl.piece import Sql
from infracheck.project.ddl.tree import Tree
from infracheck.project.ddl.types import Type

Verdict = bool | None


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides whether two definitions are the same.

    Attributes:
        exact: both come from catalogs of one major version, which print one thing in one way.
        own: names of the types that the declared schema makes.
    """

    exact: bool
    own: frozenset[Name]

    def type(self, declared: Type | None, live: Type | None) -> Verdict:
        if declared is None or live is None:
            return None
        return declared.same(live, own=((declared.schema or ""), declared.name) in self.own)

    def expression(self, declared: Sql | None, live: Sql | None, type_: Type | None = None) -> Verdict:
        """Compare two expressions; `type_` is what their value is turned into."""
        if declared is None or live is None:
            return declared is live
        if declared.catalog and declared.catalog == live.catalog:
            return True
        if not self.exact and live.catalog:
            return expr.same(declared.tree, live.tree, type_, printed(live.catalog))
        return self.trees(declared.tree, live.tree, type_)

    def trees(self, declared: Tree, live: Tree, type_: Type | None = None) -> Verdict:
        if self.exact and declared is not None and live is not None:
            return expr.identical(declared, live)
        return expr.same(declared, live, type_)

    # -- constraints

    def constraint(self, declared: Constraint, live: Constraint, schemas: Sequence[Schema]) -> Verdict:
        """Compare two constraints of one kind, whatever their names.

        Args:
            schemas: where the primary key of a table that is referred to is looked up, in this order.
        """
        if declared.text and declared.text == live.text:
            return True
        one, other = constraint_tree(declared), constraint_tree(live)
        if one is None or other is None:
            return None
        match declared.kind:
            case "check" if facts.enforced(one) != facts.enforced(other):
                return False
            case "check":
                return self.trees(one.get("raw_expr"), other.get("raw_expr"))
            case "foreign key":
                return facts.foreign_key(declared, one, schemas) == facts.foreign_key(live, other, schemas)
            case "exclude":
                return self.exclusion(one, other)
            case _:
                return facts.key(one, declared.columns) == facts.key(other, live.columns)

    def exclusion(self, one: dict[str, Any], other: dict[str, Any]) -> Verdict:
        if (one.get("access_method", "btree"), *facts.timing(one)) != (
            other.get("access_method", "btree"),
            *facts.timing(other),
        ):
            return False
        pairs = [[element["List"]["items"] for element in node.get("exclusions") or ()] for node in (one, other)]
        if [facts.operators(items) for items in pairs[0]] != [facts.operators(items) for items in pairs[1]]:
            return False
        elements = [[{"IndexElem": items[0]["IndexElem"]} for items in side] for side in pairs]
        return _all([self.elements(*elements), self.trees(one.get("where_clause"), other.get("where_clause"))])

    # -- indexes

    def index(self, declared: Index, live: Index) -> Verdict:
        if declared.text and declared.text == live.text:
            return True
        one, other = index_tree(declared), index_tree(live)
        if one is None or other is None:
            return None
        if facts.index_facts(one) != facts.index_facts(other):
            return False
        return _all(
            [
                self.elements(one.get("indexParams"), other.get("indexParams")),
                self.trees(one.get("whereClause"), other.get("whereClause")),
            ]
        )

    def elements(self, one: Tree, other: Tree) -> Verdict:
        mine = [each["IndexElem"] for each in one or ()]
        theirs = [each["IndexElem"] for each in other or ()]
        if [facts.element_facts(each) for each in mine] != [facts.element_facts(each) for each in theirs]:
            return False
        return _all(self.trees(facts.element(a), facts.element(b)) for a, b in zip(mine, theirs, strict=True))

    # -- triggers and functions

    def trigger(self, declared: Trigger, live: Trigger) -> Verdict:
        if declared.enabled != live.enabled:
            return False
        if declared.text and declared.text == live.text:
            return True
        one, other = declared.tree or _statement(declared.text), live.tree or _statement(live.text)
        if one is None or other is None:
            return None
        if facts.trigger_facts(one) != facts.trigger_facts(other):
            return False
        return self.trees(one.get("whenClause"), other.get("whenClause"))

    def function(self, declared: Function, live: Function) -> Verdict:
        if declared.text and declared.text == live.text:
            return True
        one, other = declared.tree or _statement(declared.text), live.tree or _statement(live.text)
        if one is None or other is None:
            return None
        open_ = facts.from_current(one) | facts.from_current(other)
        if facts.function_facts(one, open_) != facts.function_facts(other, open_):
            return False
        verdict = _all(self.arguments(one, other))
        if verdict and "sql_body" in one:
            return False if self.exact else None  # a body that is stored as a tree comes back in other words
        return verdict

    def arguments(self, one: dict[str, Any], other: dict[str, Any]) -> Iterable[Verdict]:
        mine, theirs = (facts.parameters(node) for node in (one, other))
        for a, b in zip(mine, theirs, strict=True):
            type_ = _bare(a["argType"])
            yield self.type(type_, _bare(b["argType"]))
            yield self.trees(a.get("defexpr"), b.get("defexpr"), type_)
        if "returnType" in one and "returnType" in other:
            yield self.type(_bare(one["returnType"]), _bare(other["returnType"]))


def _bare(node: dict[str, Any]) -> Type:
    return types.of(node).bare


def constraint_tree(one: Constraint) -> dict[str, Any] | None:
    """Return the fields of a constraint's node, read from what the catalog prints where it is not there yet."""
    if one.tree is None and one.text:
        found = tree.statement(f"ALTER TABLE x ADD {one.text}")
        one.tree = found["AlterTableStmt"]["cmds"][0]["AlterTableCmd"]["def"]["Constraint"] if found else None
    return one.tree


def index_tree(one: Index) -> dict[str, Any] | None:
    if one.tree is None:
        one.tree = _statement(one.text)
    return one.tree


def _statement(text: str) -> dict[str, Any] | None:
    found = tree.statement(text) if text else None
    return next(iter(found.values())) if found else None


def _all(verdicts: Iterable[Verdict]) -> Verdict:
    found = list(verdicts)
    return False if False in found else None if None in found else True
