"""What one JavaScript or TypeScript file imports from other files, and under which names it exports."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infracheck.project.source_env import EnvReads
from infracheck.project.source_model import EnvObject, Exported, Lookup, Module
from infracheck.project.syntax import Syntax, arguments, field_text, key, line, string, text

if TYPE_CHECKING:
    from tree_sitter import Node

ALL: Final = "*"
_RUNTIMES: Final = {"process", "node:process", "bun", "$env/dynamic/private", "$env/dynamic/public"}
_STATIC: Final = {"$env/static/private", "$env/static/public"}  # SvelteKit: each export is a variable


@dataclass(frozen=True, slots=True)
class Import:
    local: "Node"  # the identifier in this file
    module: str  # as written
    name: str  # in that module; * for all of it


def follow_imports(syntax: Syntax, module: Module, reads: EnvReads, lookup: Lookup) -> None:
    """Add what is read through imported names: the runtime's environment, helpers and environments of other files."""
    for found in _imports(syntax):
        if found.module in _STATIC:
            module.add(found.name, line(found.local), "destructured", has_default=False)
        elif found.module in _RUNTIMES:
            if found.name == "env":
                reads.bind(found.local, "process.env")
        elif exported := lookup(found.module):
            _follow(syntax, reads, found, exported)


def _follow(syntax: Syntax, reads: EnvReads, found: Import, exported: Callable[[str], Exported | None]) -> None:
    whole = None if found.name == ALL else exported(found.name)
    for use in list(syntax.uses(found.local)):
        if whole:
            _use(reads, use, whole)
        elif use.parent and use.parent.type == "member_expression" and use.parent.child_by_field_name("object") == use:
            member = field_text(use.parent, "property")
            names = [member] if found.name == ALL else [f"{found.name}.{member}"]
            if found.name == "default":
                names.append(f"{text(found.local)}.{member}")
            for part in map(exported, names):
                if part:
                    _use(reads, use.parent, part)


def _use(reads: EnvReads, use: "Node", exported: Exported) -> None:
    if isinstance(exported, EnvObject):
        reads.environment(use, exported.how)
    else:
        reads.helpers.called(use, exported)


def _imports(syntax: Syntax) -> Iterator[Import]:
    for statement in syntax.found("import"):
        source = statement.child_by_field_name("source")
        name = string(source) if source else None
        clause = next((child for child in statement.named_children if child.type == "import_clause"), None)
        for part in clause.named_children if name and clause else ():
            yield from _of_clause(part, name or "")
    for declarator in syntax.found("require"):
        yield from _of_require(declarator)


def _of_clause(part: "Node", module: str) -> Iterator[Import]:
    if part.type == "identifier":
        yield Import(part, module, "default")
    elif part.type == "namespace_import" and (local := part.named_child(0)) is not None:
        yield Import(local, module, ALL)
    elif part.type == "named_imports":
        for specifier in part.named_children:
            name = specifier.child_by_field_name("name")
            if name:
                yield Import(specifier.child_by_field_name("alias") or name, module, text(name))


def _of_require(declarator: "Node") -> Iterator[Import]:
    call, target = declarator.child_by_field_name("value"), declarator.child_by_field_name("name")
    given = arguments(call) if call else []
    module = string(given[0]) if given else None
    if module is None or target is None:
        return
    if target.type == "identifier":
        yield Import(target, module, ALL)
    for child in target.named_children if target.type == "object_pattern" else ():
        if child.type == "shorthand_property_identifier_pattern":
            yield Import(child, module, text(child))
        elif child.type == "pair_pattern" and (name := key(child)) and (value := child.child_by_field_name("value")):
            yield Import(value, module, name)


def read_exports(syntax: Syntax, module: Module) -> None:
    """Give exported names their outward form: renamed, as default, or passed on from another file."""
    for statement in syntax.found("export"):
        source = statement.child_by_field_name("source")
        origin = string(source) if source else None
        value = statement.child_by_field_name("value")
        clause = next((child for child in statement.named_children if child.type == "export_clause"), None)
        if value and text(value) in module.exports:
            module.exports["default"] = module.exports[text(value)]
        elif origin and clause is None:
            module.forwards_all.append(origin)
        for specifier in clause.named_children if clause else ():
            name = field_text(specifier, "name")
            outward = field_text(specifier, "alias") or name
            if origin:
                module.forwards[outward] = (origin, name)
            elif name in module.exports:
                module.exports[outward] = module.exports[name]
        declaration = statement.child_by_field_name("declaration")
        own = field_text(declaration, "name") if declaration else ""
        if own in module.exports and any(child.type == "default" for child in statement.children):
            module.exports["default"] = module.exports[own]
