"""Which environment variables a Python file reads."""

import ast
import warnings
from typing import Final

from infracheck.project.source_model import Module, Note

_CALLS: Final = {"os.getenv", "getenv", "os.environ.get", "environ.get", "os.environ.pop", "environ.pop"}
_OBJECTS: Final = {"os.environ", "environ"}


def read_python(data: bytes, module: Module) -> None:
    """Add `os.environ["X"]`, `os.environ.get("X")`, `os.getenv("X")` and `"X" in os.environ` of one file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the file's own faulty escapes
            tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        module.notes.append(Note(module.path, None, "not read: no valid Python"))
        return
    alternatives = {
        id(node.values[0]) for node in ast.walk(tree) if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=of, slice=ast.Constant(value=str(name)), ctx=ast.Load()) if (
                _dotted(of) in _OBJECTS
            ):
                module.add(name, node.lineno, "os.environ", has_default=False)
            case ast.Call(func=function, args=[ast.Constant(value=str(name)), *rest]) if _dotted(function) in _CALLS:
                default = bool(rest or node.keywords) or id(node) in alternatives
                module.add(name, node.lineno, "os.environ", has_default=default)
            case ast.Compare(left=ast.Constant(value=str(name)), ops=[ast.In() | ast.NotIn()], comparators=[of]):
                if _dotted(of) in _OBJECTS:
                    module.add(name, node.lineno, "os.environ", has_default=False)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
