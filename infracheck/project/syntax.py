"""JavaScript and TypeScript as a syntax tree: parsing, and the small questions every reader of it asks."""

from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Parser, Query

_WRAPPERS: Final = {"parenthesized_expression", "non_null_expression", "as_expression", "satisfies_expression"}
_BLOCKS: Final = {
    "program",
    "statement_block",
    "class_static_block",
    "switch_body",
    "for_statement",
    "for_in_statement",
}
_DESTRUCTURING: Final = {  # type -> the field whose names it declares; None: all
    "object_pattern": None,
    "array_pattern": None,
    "rest_pattern": None,
    "pair_pattern": "value",
    "assignment_pattern": "left",
    "object_assignment_pattern": "left",
}
_PARAMETERS: Final = {"required_parameter", "optional_parameter"}
_NAMES: Final = "[(identifier) (shorthand_property_identifier_pattern)] @names"
_TYPED: Final = '(#match? @type "^: *(NodeJS[.]ProcessEnv|ImportMetaEnv|typeof process[.]env) *$")'
# What readers look for, found in one pass over the tree; each capture is a name for `Syntax.found`.
_PATTERNS: Final = f"""
((member_expression property: (property_identifier) @_property) @env_property (#eq? @_property "env"))
((variable_declarator name: (object_pattern) value: (_) @_value) @unpacked_process (#match? @_value "process$"))
((required_parameter pattern: (identifier) @typed_env type: (type_annotation) @type) {_TYPED})
((optional_parameter pattern: (identifier) @typed_env type: (type_annotation) @type) {_TYPED})
((call_expression function: (identifier) @_function) @schema_call
 (#any-of? @_function "createEnv" "cleanEnv" "customCleanEnv" "parseEnv" "envsafe"))
(import_statement source: (string)) @import
((variable_declarator value: (call_expression function: (identifier) @_function)) @require (#eq? @_function "require"))
(export_statement) @export
"""


class Syntax:
    """The syntax tree of one file. Faulty code has one too: what cannot be read is left out, the rest stands."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self._typescript = path.suffix in {".ts", ".mts", ".cts"}
        self.root = _parser(self._typescript).parse(data).root_node

    def found(self, name: str) -> "list[Node]":
        """Return the nodes that one of the patterns above captures under a name."""
        return self._found.get(name, [])

    @cached_property
    def _found(self) -> "dict[str, list[Node]]":
        return self._captures(_PATTERNS)

    def this(self) -> "list[Node]":
        return self._captures("(this) @this").get("this", [])

    def _captures(self, patterns: str) -> "dict[str, list[Node]]":
        from tree_sitter import QueryCursor

        return QueryCursor(_query(self._typescript, patterns)).captures(self.root)

    def declaration(self, use: "Node") -> "Node | None":
        """Return the identifier that declares the variable `use` refers to; None for globals and classes."""
        start, end = use.start_byte, use.end_byte
        around = [
            (last - first, node) for first, last, node in self._declared(text(use)) if first <= start < end <= last
        ]
        return min(around, key=lambda found: found[0])[1] if around else None

    def uses(self, declared: "Node") -> "Iterator[Node]":
        """Yield the identifiers that refer to the variable that `declared` declares."""
        for node in self._names.get(text(declared), ()):
            if node.type == "identifier" and node != declared and self.declaration(node) == declared:
                yield node

    def named(self, name: str) -> "list[Node]":
        """Return the identifiers of that name, whatever they refer to."""
        return self._names.get(name, [])

    @cached_property
    def _names(self) -> "dict[str, list[Node]]":
        found: dict[str, list[Node]] = {}
        for node in self._captures(_NAMES).get("names", []):
            found.setdefault(text(node), []).append(node)
        return found

    def _declared(self, name: str) -> "list[tuple[int, int, Node]]":
        if name not in self._scopes:
            scopes = [(scope_of(node), node) for node in self._names.get(name, ())]
            self._scopes[name] = [(scope.start_byte, scope.end_byte, node) for scope, node in scopes if scope]
        return self._scopes[name]

    @cached_property
    def _scopes(self) -> "dict[str, list[tuple[int, int, Node]]]":
        return {}


def scope_of(node: "Node") -> "Node | None":
    """Return the part of the tree that knows the variable an identifier declares; None if it declares none."""
    inner, outer = _out_of_pattern(node)
    if outer is None:
        return None
    match outer.type:
        case "variable_declarator" if outer.child_by_field_name("name") == inner:
            return _above(outer, _BLOCKS)
        case "required_parameter" | "optional_parameter" if outer.child_by_field_name("pattern") == inner:
            return outer.parent.parent if outer.parent else None
        case "for_in_statement" if outer.child_by_field_name("left") == inner and outer.child_by_field_name("kind"):
            return outer
        case "arrow_function" | "catch_clause" if outer.child_by_field_name("parameter") == inner:
            return outer
        case "import_specifier" if inner != (outer.child_by_field_name("alias") or outer.child_by_field_name("name")):
            return None
        case "import_specifier" | "import_clause" | "namespace_import":
            return _above(outer, {"program"})
        case "function_declaration" | "generator_function_declaration":
            return _above(outer, _BLOCKS)
    return None


def _out_of_pattern(node: "Node") -> "tuple[Node, Node | None]":
    """Return the pattern of which a name is a part, or the name itself, and what is around that."""
    inner, outer = node, node.parent
    while outer and outer.type in _DESTRUCTURING:
        kept = _DESTRUCTURING[outer.type]
        if kept and outer.child_by_field_name(kept) != inner:
            return inner, None
        inner, outer = outer, outer.parent
    return inner, outer


def _above(node: "Node", types: set[str]) -> "Node | None":
    above = node.parent
    while above and above.type not in types:
        # A file with errors may have no program at its root.
        if above.parent is None:
            return above
        above = above.parent
    return above


def outermost(node: "Node") -> "Node":
    """Return an expression with the parentheses, `!` and `as` around it."""
    while node.parent and node.parent.type in _WRAPPERS and node.parent.named_child(0) == node:
        node = node.parent
    return node


def innermost(node: "Node") -> "Node":
    """Return an expression without the parentheses, `!` and `as` around it."""
    while node.type in _WRAPPERS and (inner := node.named_child(0)) is not None:
        node = inner
    return node


def text(node: "Node") -> str:
    return (node.text or b"").decode(errors="replace")


def field_text(node: "Node", name: str) -> str:
    child = node.child_by_field_name(name)
    return text(child) if child else ""


def line(node: "Node") -> int:
    """Return the 1-based line a node begins in."""
    return node.start_point[0] + 1


def string(node: "Node") -> str | None:
    """Return the text of a string literal, or of a template without anything to fill in."""
    if node.type not in {"string", "template_string"}:
        return None
    if any(child.type == "template_substitution" for child in node.named_children):
        return None
    return text(node)[1:-1]


def key(pair: "Node") -> str | None:
    """Return the name of a pair of an object or of a pattern; None when it is computed."""
    node = pair.child_by_field_name("key")
    if node is None:
        return None
    if node.type == "computed_property_name":
        computed = node.named_children
        return string(computed[0]) if computed else None
    return string(node) or text(node)


def arguments(call: "Node") -> "list[Node]":
    found = call.child_by_field_name("arguments")
    return [node for node in found.named_children if node.type != "comment"] if found else []


def parameter(declared: "Node") -> "tuple[Node, int] | None":
    """Return the function and the position of the plain parameter that an identifier declares."""
    holder = declared.parent
    if holder is None:
        return None
    if holder.type == "arrow_function":
        return holder, 0
    if holder.type in _PARAMETERS and holder.parent and holder.parent.parent:
        return holder.parent.parent, parameters(holder.parent.parent).index(holder)
    return None


def parameters(function: "Node") -> "list[Node]":
    found = function.child_by_field_name("parameters")
    if found:
        return [node for node in found.named_children if node.type in _PARAMETERS]
    single = function.child_by_field_name("parameter")
    return [single] if single else []


@cache
def _language(typescript: bool) -> "Language":
    import tree_sitter_typescript
    from tree_sitter import Language

    # TSX reads JavaScript too; only `<Type>value` needs the grammar without JSX.
    grammar = tree_sitter_typescript.language_typescript if typescript else tree_sitter_typescript.language_tsx
    return Language(grammar())


@cache
def _parser(typescript: bool) -> "Parser":
    from tree_sitter import Parser

    return Parser(_language(typescript))


@cache
def _query(typescript: bool, pattern: str) -> "Query":
    from tree_sitter import Query

    return Query(_language(typescript), pattern)
