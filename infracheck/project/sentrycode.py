"""What one JavaScript or TypeScript file does with Sentry's SDK, as its syntax tree tells."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infracheck.project.source_files import is_client, load
from infracheck.project.syntax import Syntax, arguments, field_text, innermost, key, line, string, text
from infracheck.secret import Secret

if TYPE_CHECKING:
    from tree_sitter import Node

CONFIG_MODULES: Final = frozenset({"@sentry/nextjs", "@sentry/nextjs/config"})
_ENV: Final = re.compile(r"(?:[\w.]+\.)?env(?:\.([A-Za-z_]\w*)|\[[\"'](\w+)[\"']\])", re.ASCII)
_CHOOSES: Final = {"||", "??"}
_CAPTURES: Final = frozenset(
    {"captureException", "captureRequestError", "captureError", "captureMessage", "captureEvent"}
)
_WANTED: Final = frozenset({"call_expression", "import_statement", "export_statement", "catch_clause"})
_NAMES: Final = frozenset({"identifier", "property_identifier"})
_STATUS: Final = re.compile(r"status(?:Code)?\b\s*[:(=]\s*5\d\d\b")


@dataclass(frozen=True, slots=True)
class Given:
    """What an option is given: variables that are asked in turn, else a literal, else something that is not read."""

    line: int
    names: tuple[str, ...] = ()
    literal: Secret | None = field(default=None, repr=False)
    literal_line: int = 0

    @property
    def readable(self) -> bool:
        return bool(self.names) or self.literal is not None


@dataclass(frozen=True, slots=True)
class Init:
    """One call of Sentry.init; `dsn` is None where its options name none."""

    path: Path
    line: int
    dsn: Given | None
    whole: bool  # False: the options come from elsewhere or are spread, so that what is not named may be there


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What next.config gives withSentryConfig."""

    path: Path
    line: int
    options: dict[str, Given]


class SentryCode:
    """One source file. A file that cannot be read or parsed does nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        data = load(path)
        self.data = data if isinstance(data, bytes) else b""
        self.client = is_client(self.data)

    @cached_property
    def _syntax(self) -> Syntax:
        return Syntax(self.path, self.data)

    @cached_property
    def _nodes(self) -> "dict[str, list[Node]]":
        found: dict[str, list[Node]] = {}
        waiting = [self._syntax.root]
        while waiting:
            node = waiting.pop()
            if node.type in _WANTED or node.type in _NAMES:
                found.setdefault(node.type, []).append(node)
            waiting += reversed(node.named_children)
        return found

    @cached_property
    def imports(self) -> tuple[str, ...]:
        """Return the modules that are imported, required, loaded or passed on, as written."""
        loads = (call for call in self._calls if field_text(call, "function") in {"import", "require"})
        statements = [*self._nodes.get("import_statement", []), *self._nodes.get("export_statement", [])]
        named = [string(source) for node in statements if (source := node.child_by_field_name("source"))]
        named += [string(given[0]) for call in loads if (given := arguments(call))]
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def _calls(self) -> "list[Node]":
        return self._nodes.get("call_expression", [])

    @property
    def uses_sentry(self) -> bool:
        return any(name.startswith("@sentry/") for name in self.imports)

    @cached_property
    def inits(self) -> tuple[Init, ...]:
        """Return the calls of the SDK's init."""
        return tuple(self._inits()) if b"init" in self.data and self.uses_sentry else ()

    def _inits(self) -> Iterator[Init]:
        for call in self._calls:
            if field_text(call, "function").rpartition(".")[2] not in {"init", "initSentry"}:
                continue
            given = arguments(call)
            options, whole = self._object(given[0]) if given else ({}, True)
            yield Init(self.path, line(call), options.get("dsn"), whole)

    @cached_property
    def build_options(self) -> BuildOptions | None:
        """Return what withSentryConfig is given; None where it is not called, or is not Sentry's."""
        if not CONFIG_MODULES & set(self.imports):
            return None
        for call in self._calls:
            if "withSentryConfig" in field_text(call, "function"):
                options: dict[str, Given] = {}
                for one in arguments(call)[1:]:  # up to SDK 7 there are two objects
                    options |= self._object(one)[0]
                return BuildOptions(self.path, line(call), options)
        return None

    @property
    def captures(self) -> bool:
        """Tell whether it reports errors itself."""
        return any(name in _CAPTURES for name in self._names)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(text(node) for kind in _NAMES for node in self._nodes.get(kind, []))

    def export(self, name: str) -> "tuple[int, str] | None":
        """Return line and text of the statement that exports a name."""
        named = re.compile(rf"\b{name}\b")
        for node in self._nodes.get("export_statement", []):
            declared = node.child_by_field_name("declaration")
            head = text(declared or node)
            head = head.partition("=")[0] if declared and "function" not in declared.type else head
            head = head.partition("(")[0] if declared and "function" in declared.type else head
            if named.search(head):
                return line(node), text(node)
        found = re.search(rf"^(?:module\.)?exports\.{name}\b.*".encode(), self.data, re.MULTILINE)
        return (self.data.count(b"\n", 0, found.start()) + 1, found[0].decode(errors="replace")) if found else None

    @property
    def swallowing(self) -> int | None:
        """Return the line of a catch that answers 5xx by itself and throws nothing on."""
        for node in self._nodes.get("catch_clause", []):
            body = text(node)
            if _STATUS.search(body) and "throw" not in body:
                return line(node)
        return None

    def _object(self, node: "Node") -> tuple[dict[str, Given], bool]:
        node = self._declared(innermost(node))
        if node.type != "object":
            return {}, False
        found: dict[str, Given] = {}
        whole = True
        for child in node.named_children:
            value = child.child_by_field_name("value")
            if child.type == "pair" and value is not None and (name := key(child)):
                found[name] = self._given(value)
            elif child.type == "shorthand_property_identifier":
                found[text(child)] = self._given(child)
            elif child.type == "spread_element":
                whole = False
        return found, whole

    def _given(self, node: "Node") -> Given:
        names: list[str] = []
        here = line(node)
        for part in self._alternatives(node):
            if (literal := string(part)) is not None:
                return Given(here, tuple(names), Secret(literal), line(part))
            if found := _ENV.fullmatch(text(part)):
                names.append(found[1] or found[2])
            elif text(part) not in {"undefined", "null"}:
                return Given(here)  # a call, or a name from another file: what it yields is not known
        return Given(here, tuple(names))

    def _alternatives(self, node: "Node", depth: int = 0) -> "Iterator[Node]":
        node = self._declared(innermost(node))
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if node.type == "binary_expression" and field_text(node, "operator") in _CHOOSES and left and right:
            if depth < 10:
                yield from self._alternatives(left, depth + 1)
                yield from self._alternatives(right, depth + 1)
        else:
            yield node

    def _declared(self, node: "Node") -> "Node":
        """Return what a name of this file is declared with, else the node itself."""
        for _ in range(5):
            if node.type not in {"identifier", "shorthand_property_identifier"}:
                break
            declared = self._syntax.declaration(node)
            parent = declared.parent if declared else None
            value = parent.child_by_field_name("value") if parent and parent.type == "variable_declarator" else None
            if value is None:
                break
            node = innermost(value)
        return node
