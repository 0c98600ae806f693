"""Whether code that reads a variable has something to use when it is not set."""

import re
from typing import TYPE_CHECKING, Final

from infracheck.project.syntax import field_text, outermost, text

if TYPE_CHECKING:
    from tree_sitter import Node

_NOTHING: Final = {"undefined", "null"}
_THROWS: Final = re.compile(r"throw|fail|raise|invariant|panic|\bdie\b|exit|missing|required|error", re.IGNORECASE)
_CONVERTERS: Final = {"Number", "parseInt", "parseFloat", "String", "Number.parseInt", "Number.parseFloat"}


def fallback(node: "Node") -> "Node | None":
    """Return the expression used instead of an empty value: the right side of `?? …`, `|| …`, `??= …`, `||= …`.

    Looks through parentheses, `?.trim()` and number conversions. An alternative that only throws is none.
    """
    while (parent := (node := outermost(node)).parent) is not None:
        match parent.type:
            case "binary_expression" if field_text(parent, "operator") in {"??", "||"}:
                right = parent.child_by_field_name("right")
                if right is None or right == node:
                    node = parent
                    continue
                return right if _gives_something(right) else None
            case "augmented_assignment_expression" if field_text(parent, "operator") in {"??=", "||="}:
                right = parent.child_by_field_name("right")
                return right if right and right != node and _gives_something(right) else None
        outer = _carried_on(node, parent)
        if outer is None:
            return None
        node = outer
    return None


def _carried_on(node: "Node", parent: "Node") -> "Node | None":
    """Return the expression that is as empty as `node` is: `node?.trim()`, `Number(node)`."""
    if parent.type == "member_expression" and parent.child_by_field_name("optional_chain"):
        call = parent.parent
        return call if call and call.child_by_field_name("function") == parent else parent
    call = parent.parent if parent.type == "arguments" else None
    if call and field_text(call, "function") in _CONVERTERS and parent.named_child(0) == node:
        return call
    return None


def _gives_something(node: "Node") -> bool:
    if text(node) in _NOTHING:
        return False
    return not (node.type == "call_expression" and _THROWS.search(field_text(node, "function")))
