"""Which environment variables one JavaScript or TypeScript file reads, as its syntax tree tells."""

import re
from typing import TYPE_CHECKING, Final

from infracheck.project import source_schema
from infracheck.project.source_default import fallback
from infracheck.project.source_helper import Helpers
from infracheck.project.source_model import EnvObject, How, Module
from infracheck.project.syntax import (
    Syntax,
    arguments,
    field_text,
    innermost,
    key,
    line,
    outermost,
    parameters,
    scope_of,
    string,
    text,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_OBJECTS: Final[dict[str, How]] = {
    "process": "process.env",
    "Bun": "process.env",
    "Deno": "process.env",
    "import.meta": "import.meta.env",
}
_GLOBAL: Final = re.compile(r"^\(?(?:globalThis|global|window|self)(?: as \w+\)|\))?\??\.")
_GETTERS: Final = {"get", "has"}  # of Deno.env


class EnvReads:
    """Finds everything that stands for the environment in one file, and what is taken out of it."""

    def __init__(self, syntax: Syntax, module: Module) -> None:
        self._syntax = syntax
        self._module = module
        self.helpers = Helpers(syntax, module)
        self._seen: set[int] = set()

    def find(self) -> None:
        """Add all reads of the file itself; those through imported names are the caller's to add."""
        for node in self._syntax.found("env_property"):
            if how := _kind(node):
                self.environment(node, how)
        for node in self._syntax.found("unpacked_process"):
            self._process(node)
        for node in self._syntax.found("typed_env"):
            self.bind(node, "process.env")
        for name, where, absent in source_schema.declared(self._syntax):
            self._module.add(name, line(where), "schema", has_default=absent)

    def environment(self, node: "Node", how: How) -> None:
        """Follow one expression that holds the environment into what surrounds it."""
        if node.id in self._seen:
            return
        self._seen.add(node.id)
        node = _whole(node)
        if (parent := node.parent) and not self._taken_from(node, parent, how):
            self._given_to(node, parent, how)

    def _taken_from(self, node: "Node", parent: "Node", how: How) -> bool:
        """Handle `env.X`, `env["X"]` and `"X" in env`."""
        field = {"member_expression": "property", "subscript_expression": "index", "binary_expression": "left"}
        name = parent.child_by_field_name(field.get(parent.type, ""))
        if name is None or name == node:
            return False
        if parent.type == "member_expression":
            self._member(parent, how)
        elif parent.type == "subscript_expression" or field_text(parent, "operator") == "in":
            self._index(name, parent, how)
        return True

    def _given_to(self, node: "Node", parent: "Node", how: How) -> None:
        """Handle what gives the environment another name, takes it apart, or passes it on."""
        match parent.type:
            case "variable_declarator" if (name := parent.child_by_field_name("name")) and name != node:
                self.bind(name, how)
            case "assignment_expression" | "assignment_pattern" if (left := parent.child_by_field_name("left")) != node:
                self.bind(left, how)
            case "required_parameter" | "optional_parameter":
                self.bind(parent.child_by_field_name("pattern"), how)
            case "arguments" if parent.parent:
                self._argument(node, parent.parent, how)

    def bind(self, target: "Node | None", how: How) -> None:
        """The environment is given a name, or taken apart into names."""
        target = innermost(target) if target else None
        if target and target.type == "object_pattern":
            self._pattern(target, how)
        declared = self._syntax.declaration(target) if target and target.type == "identifier" else None
        if declared is None or declared.id in self._seen:
            return
        self._seen.add(declared.id)
        if (scope := scope_of(declared)) and scope.parent is None:
            self._module.exports[text(declared)] = EnvObject(how)
        for use in list(self._syntax.uses(declared)):
            self.environment(use, how)

    def _process(self, declarator: "Node") -> None:
        value, pattern = declarator.child_by_field_name("value"), declarator.child_by_field_name("name")
        if value is None or pattern is None or _GLOBAL.sub("", text(value)) != "process":
            return
        for child in pattern.named_children:
            if child.type == "pair_pattern" and key(child) == "env":
                self.bind(child.child_by_field_name("value"), "process.env")
            elif child.type == "shorthand_property_identifier_pattern" and text(child) == "env":
                for use in list(self._syntax.uses(child)):
                    self.environment(use, "process.env")

    def _member(self, access: "Node", how: How) -> None:
        name = field_text(access, "property")
        call = access.parent
        if name in _GETTERS and call and call.type == "call_expression" and (given := arguments(call)):
            self._index(given[0], call, how)
        elif not name.startswith("#"):
            self._add(name, access, how)

    def _index(self, index: "Node", site: "Node", how: How) -> None:
        name = string(innermost(index))
        if name is None:
            self.helpers.read(index, site)
        else:
            self._add(name, site, how)

    def _add(self, name: str, site: "Node", how: How) -> None:
        if not _is_written(site):
            absent = fallback(site) is not None or source_schema.excused(self._syntax, outermost(site))
            self._module.add(name, line(site), how, has_default=absent)

    def _pattern(self, pattern: "Node", how: How) -> None:
        """Add the names of `{ A, B: b = "default", ...rest }`; what is left over is followed as the environment."""
        for child in pattern.named_children:
            match child.type:
                case "shorthand_property_identifier_pattern":
                    self._module.add(text(child), line(child), "destructured", has_default=False)
                case "object_assignment_pattern":
                    self._module.add(field_text(child, "left"), line(child), "destructured", has_default=True)
                case "pair_pattern" if name := key(child):
                    value = child.child_by_field_name("value")
                    default = value is not None and value.type == "assignment_pattern"
                    self._module.add(name, line(child), "destructured", has_default=default)
                case "rest_pattern":
                    self.bind(child.named_child(0), how)

    def _argument(self, node: "Node", call: "Node", how: How) -> None:
        """The environment is passed to a call: of a schema, or of a function of this file."""
        if call.type != "call_expression":
            return
        for name, where, absent in source_schema.parsed(self._syntax, call):
            self._module.add(name, line(where), "schema", has_default=absent)
        callee = call.child_by_field_name("function")
        declared = self._syntax.declaration(callee) if callee and callee.type == "identifier" else None
        given = [outermost(argument) for argument in arguments(call)]
        if declared is None or declared.parent is None or node not in given:
            return
        function = declared.parent.child_by_field_name("value") or declared.parent
        taken = parameters(function)[given.index(node) :][:1]
        if taken:
            self.bind(taken[0].child_by_field_name("pattern") or taken[0], how)


def _kind(node: "Node") -> How | None:
    """Return what `X.env` is: the process's environment, the bundler's, or some other object's property (None)."""
    of = node.child_by_field_name("object")
    return _OBJECTS.get(_GLOBAL.sub("", text(innermost(of)))) if of else None


def _whole(node: "Node") -> "Node":
    """Return the expression with what does not change that it holds the environment: `… as X`, `… ?? {}`."""
    while (parent := (node := outermost(node)).parent) is not None:
        choice = parent.type == "binary_expression" and field_text(parent, "operator") in {"??", "||"}
        chosen = parent.type == "ternary_expression" and parent.child_by_field_name("condition") != node
        if not choice and not chosen:
            break
        node = parent
    return node


def _is_written(site: "Node") -> bool:
    """Tell whether a variable is set or deleted here, not read."""
    site = outermost(site)
    parent = site.parent
    if parent is None:
        return False
    if parent.type == "assignment_expression":
        return parent.child_by_field_name("left") == site
    return parent.type == "unary_expression" and field_text(parent, "operator") == "delete"
