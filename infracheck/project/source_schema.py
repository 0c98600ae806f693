"""Schemas of variables in code (t3-env, zod, valibot, envalid, …): the names, and which of them may be absent."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from infracheck.project.syntax import Syntax, arguments, field_text, innermost, key, text

if TYPE_CHECKING:
    from tree_sitter import Node

# Function -> position of the argument with the schema's keys.
_FUNCTIONS: Final = {"cleanEnv": 1, "customCleanEnv": 1, "parseEnv": 1, "envsafe": 0}
_GROUPS: Final = {"server", "client", "shared"}  # of createEnv
_RUNTIME: Final = {"runtimeEnv", "runtimeEnvStrict", "experimental__runtimeEnv"}
_OBJECTS: Final = {"object", "strictObject", "looseObject", "extend", "safeExtend", "keys", "interface"}
_COMBINED: Final = {"merge", "and", "intersection", "intersect"}
_PARSERS: Final = {
    "parse",
    "safeParse",
    "parseAsync",
    "safeParseAsync",
    "validate",
    "validateSync",
    "assert",
    "attempt",
}
_MAY_BE_ABSENT: Final = {"optional", "nullish", "default", "prefault", "catch", "optionalDefault", "undefinedable"}
_DEFAULTS: Final = {"default", "devDefault"}  # of envalid's and envsafe's options
DEEPEST: Final = 40  # links of one chain

Key = tuple[str, "Node", bool]  # name, where it stands, may be absent


def declared(syntax: Syntax) -> Iterator[Key]:
    """Yield what createEnv, cleanEnv, parseEnv and envsafe declare."""
    for call in syntax.found("schema_call"):
        function = call.child_by_field_name("function")
        where = syntax.declaration(function) if function else None
        if where is None or (where.parent and where.parent.type.startswith("import_")):
            yield from _of_function(syntax, call)


def _of_function(syntax: Syntax, call: "Node") -> Iterator[Key]:
    name, given = field_text(call, "function"), arguments(call)
    if name == "createEnv":
        for pair in _pairs(given[0]) if given else ():
            value = pair.child_by_field_name("value")
            if key(pair) in _GROUPS and value:
                yield from _keys(syntax, value)
    elif (position := _FUNCTIONS.get(name)) is not None and position < len(given):
        yield from _keys(syntax, given[position])


def parsed(syntax: Syntax, call: "Node") -> Iterator[Key]:
    """Yield the keys of the schema that a call such as `schema.parse(values)` or `v.parse(schema, values)` applies."""
    function = call.child_by_field_name("function")
    if function is None or function.type != "member_expression" or field_text(function, "property") not in _PARSERS:
        return
    given = arguments(call)
    schema = given[0] if len(given) > 1 else None
    found = list(_keys(syntax, schema)) if schema else []
    of = function.child_by_field_name("object")
    yield from found or (_keys(syntax, of) if of else ())


def excused(syntax: Syntax, node: "Node") -> bool:
    """Tell whether `NAME: process.env.NAME` stands in an object whose schema lets that name be absent."""
    pair = node.parent
    holder = pair.parent.parent if pair and pair.type == "pair" and pair.parent else None
    if pair is None or holder is None:
        return False
    if holder.type == "pair" and key(holder) in _RUNTIME:
        options = holder.parent
        holder = options.parent if options else None
    call = holder.parent if holder and holder.type == "arguments" else None
    if call is None:
        return False
    keys = _of_function(syntax, call) if field_text(call, "function") == "createEnv" else parsed(syntax, call)
    return any(name == key(pair) and absent for name, _, absent in keys)


def _keys(syntax: Syntax, node: "Node", depth: int = 0) -> Iterator[Key]:
    """Yield the keys of a schema: an object literal, a chain with `.object({…})`, or a variable that holds one."""
    node = innermost(node)
    if depth > DEEPEST:
        return
    match node.type:
        case "object":
            yield from _of_object(syntax, node, depth)
        case "identifier":
            where = syntax.declaration(node)
            value = where.parent.child_by_field_name("value") if where and where.parent else None
            if value and where and where.parent and where.parent.type == "variable_declarator":
                yield from _keys(syntax, value, depth + 1)
        case "call_expression":
            yield from _of_chain(syntax, node, depth)


def _of_chain(syntax: Syntax, call: "Node", depth: int) -> Iterator[Key]:
    function = call.child_by_field_name("function")
    if function is None or function.type != "member_expression":
        return
    method, of = field_text(function, "property"), function.child_by_field_name("object")
    inner: list[Key] = list(_keys(syntax, of, depth + 1)) if of else []
    if method in _OBJECTS | _COMBINED:
        for given in arguments(call)[:1] if method in _OBJECTS else arguments(call):
            inner += _keys(syntax, given, depth + 1)
    yield from ((name, where, True) for name, where, _ in inner) if method == "partial" else inner


def _of_object(syntax: Syntax, node: "Node", depth: int) -> Iterator[Key]:
    for child in node.named_children:
        value = child.child_by_field_name("value") if child.type == "pair" else None
        if value and (name := key(child)):
            yield name, child, _may_be_absent(syntax, value)
        elif child.type == "spread_element" and (spread := child.named_child(0)) is not None:
            yield from _keys(syntax, spread, depth + 1)


def _pairs(node: "Node") -> "list[Node]":
    return [child for child in innermost(node).named_children if child.type == "pair"]


def _may_be_absent(syntax: Syntax, node: "Node") -> bool:
    """Tell whether a value of a schema says `.optional()`, `.default(…)`, `optional(…)` or `str({ default: … })`."""
    for _ in range(DEEPEST):
        node = innermost(node)
        if node.type == "identifier":
            where = syntax.declaration(node)
            holder = where.parent if where and where.parent and where.parent.type == "variable_declarator" else None
            value = holder.child_by_field_name("value") if holder else None
            if value is None:
                return False
            node = value
            continue
        function = node.child_by_field_name("function") if node.type == "call_expression" else None
        if function is None:
            return False
        name = field_text(function, "property") or text(function)
        given = arguments(node)
        if name in _MAY_BE_ABSENT or any(
            key(pair) in _DEFAULTS for arg in given if arg.type == "object" for pair in _pairs(arg)
        ):
            return True
        if name == "preprocess" and given:
            node = given[-1]
        elif of := function.child_by_field_name("object"):
            node = of
        else:
            return False
    return False
