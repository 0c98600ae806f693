"""Variables whose names code passes around: `env[name]`, and the literals that reach `name`."""

from typing import TYPE_CHECKING, Final

from infracheck.project.source_default import fallback
from infracheck.project.source_model import Helper, Module, Note
from infracheck.project.syntax import (
    Syntax,
    arguments,
    field_text,
    innermost,
    line,
    parameter,
    parameters,
    scope_of,
    string,
    text,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_LOOPS: Final = {"forEach", "map", "filter", "find", "every", "some", "flatMap", "reduce", "reduceRight"}
DEEPEST: Final = 20  # variables from a list's use to its literals


class Helpers:
    """Follows names within one file, from where they are used to the literals they come from."""

    def __init__(self, syntax: Syntax, module: Module) -> None:
        self._syntax = syntax
        self._module = module
        self._known: set[tuple[int, int]] = set()  # functions and positions followed already
        self._called: set[int] = set()

    def read(self, index: "Node", site: "Node") -> None:
        """Follow the name in `env[name]`; `site` is that whole expression."""
        self._follow(index, site, always=False)

    def called(self, use: "Node", helper: Helper) -> None:
        """Take the name from a call of a helper; `use` is the expression that is called."""
        call = use.parent
        if call is None or call.type != "call_expression" or call.child_by_field_name("function") != use:
            return
        given = arguments(call)
        if call.id in self._called or helper.position >= len(given):
            return
        self._called.add(call.id)
        default = helper.default if isinstance(helper.default, bool) else helper.default < len(given)
        self._follow(given[helper.position], call, always=default)

    def _follow(self, name: "Node", site: "Node", *, always: bool) -> None:
        name = innermost(name)
        declared = self._syntax.declaration(name) if name.type == "identifier" else None
        place = parameter(declared) if declared else None
        listed = _list_of(place) if place else None
        if declared and place and not listed:
            self._helper(*place, site, always=always)
            return
        found = self._elements(listed) if listed else self._literals(name)
        for node in found:
            self._module.add(string(node) or "", line(node), "helper", has_default=always or fallback(site) is not None)
        if not found:
            self._module.notes.append(Note(self._module.path, line(site), "reads a variable whose name is computed"))

    def _literals(self, node: "Node", depth: int = 0) -> "list[Node]":
        """Return the literals an expression can be: itself, a constant, the sides of `a ? b : c`, a loop's list."""
        node = innermost(node)
        if string(node) is not None:
            return [node]
        if depth > DEEPEST:
            return []
        if node.type == "ternary_expression":
            sides = (node.child_by_field_name("consequence"), node.child_by_field_name("alternative"))
            return [found for side in sides if side for found in self._literals(side, depth + 1)]
        holder = self._holder(node)
        if holder and holder.type == "for_in_statement" and field_text(holder, "operator") == "of":
            right = holder.child_by_field_name("right")
            return self._elements(right, depth + 1) if right else []
        value = holder.child_by_field_name("value") if holder and holder.type == "variable_declarator" else None
        return self._literals(value, depth + 1) if value else []

    def _elements(self, node: "Node", depth: int = 0) -> "list[Node]":
        """Return the string literals in a list: an array, a constant that holds one, `new Set([…])`."""
        node = innermost(node)
        if depth > DEEPEST:
            return []
        if node.type == "array":
            found = []
            for child in node.named_children:
                spread = child.named_child(0) if child.type == "spread_element" else None
                found += self._elements(spread, depth + 1) if spread else self._literals(child, depth + 1)
            return found
        if node.type == "new_expression":
            return [found for given in arguments(node)[:1] for found in self._elements(given, depth + 1)]
        holder = self._holder(node)
        value = holder.child_by_field_name("value") if holder and holder.type == "variable_declarator" else None
        return self._elements(value, depth + 1) if value else []

    def _holder(self, node: "Node") -> "Node | None":
        declared = self._syntax.declaration(node) if node.type == "identifier" else None
        return declared.parent if declared else None

    def _helper(self, function: "Node", position: int, site: "Node", *, always: bool) -> None:
        """A function passes one of its parameters on as a name: follow that argument at all of its calls."""
        if (function.id, position) in self._known:
            return
        self._known.add((function.id, position))
        helper = Helper(position, always or self._default(function, site))
        named = _name_of(function)
        if isinstance(named, tuple):
            self._method(*named, helper)
        elif named:
            if (scope := scope_of(named)) and scope.parent is None:
                self._module.exports[text(named)] = helper
            for use in list(self._syntax.uses(named)):
                self.called(use, helper)
        elif function.parent and function.parent.type == "export_statement":
            self._module.exports["default"] = helper

    def _default(self, function: "Node", site: "Node") -> bool | int:
        """Return what a helper uses for an empty variable: something always, nothing, or one of its own arguments."""
        used = fallback(site)
        for position, given in enumerate(parameters(function)):
            pattern = given.child_by_field_name("pattern") or given
            by_name = text(pattern).lower() in {"fallback", "default", "defaultvalue", "def", "dflt", "defaultval"}
            if by_name or (used and text(used) == text(pattern)):
                return True if given.child_by_field_name("value") else position
        return used is not None

    def _method(self, owner: str, method: str, helper: Helper) -> None:
        self._module.exports[f"{owner}.{method}"] = helper
        owners = [*self._syntax.named(owner), *self._syntax.this()]
        for use in owners:
            access = use.parent
            if access and access.type == "member_expression" and field_text(access, "property") == method:
                self.called(access, helper)


def _list_of(place: "tuple[Node, int]") -> "Node | None":
    """Return the list over whose elements a callback runs: `list` in `list.map((name) => …)`."""
    function, position = place
    call = function.parent.parent if function.parent and function.parent.type == "arguments" else None
    callee = call.child_by_field_name("function") if call else None
    if callee is None or callee.type != "member_expression":
        return None
    method = field_text(callee, "property")
    right = method in _LOOPS and position == (1 if method.startswith("reduce") else 0)
    return callee.child_by_field_name("object") if right else None


def _name_of(function: "Node") -> "Node | tuple[str, str] | None":
    """Return the identifier that a function is known by, or the owner's and its own name for a method."""
    name = function.child_by_field_name("name")
    parent = function.parent
    # `const read = cache((name) => …)`: the wrapped function goes by the variable's name.
    while parent and parent.type in {"arguments", "call_expression", "parenthesized_expression", "as_expression"}:
        parent = parent.parent
    if function.type == "method_definition" or (parent and parent.type == "pair"):
        member = function if function.type == "method_definition" else parent
        owner = member.parent.parent if member and member.parent else None
        method = text(name) if name else field_text(member, "key") if member else ""
        return (field_text(owner, "name"), method) if owner and method else None
    if function.type in {"function_declaration", "generator_function_declaration"}:
        return name
    if parent and parent.type == "variable_declarator":
        return parent.child_by_field_name("name")
    return None
