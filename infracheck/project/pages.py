"""Which pages and API routes a Next.js app has, by the files that make them; nothing of it is run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infracheck.project.source_files import load, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from infracheck.project.detect import Project

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
LOGIN: Final = ("login", "signin", "sign-in", "log-in", "auth")
_SUFFIXES: Final = frozenset({".tsx", ".jsx", ".ts", ".js", ".mdx"})
_ROOTS: Final[tuple[tuple[str, ...], ...]] = (("app",), ("src", "app"), ("pages",), ("src", "pages"))
_NO_PAGE: Final = re.compile(r"_app|_document|_error|_middleware|middleware|404|500")
_INTERCEPTS: Final = re.compile(r"\(\.{1,3}\)")
_SESSION: Final = re.compile(
    r"\b(?:getSession|getServerSession|currentUser|getUser|getCurrentUser|requireUser|requireAuth|auth\(\)|auth\.api"
    r"|auth\.protect|validateSession|verifySession|session)\b|\bcookies\(\)"
)
_BASE_PATH: Final = re.compile(r"\bbasePath\s*:\s*[\"'](/[\w./-]+)[\"']")


@dataclass(frozen=True, slots=True)
class Page:
    """A page that can be asked for as it stands: `/login`, made by `app/login/page.tsx`."""

    path: str
    file: str  # relative to the app


@dataclass(frozen=True, slots=True)
class Route:
    """An API route: `/api/notes/[id]` with the methods that its file exports; no methods: they are not to be seen.

    `reads_session` tells whether its file speaks of a session or of the signed-in user.
    """

    path: str
    file: str  # relative to the app
    methods: tuple[str, ...]
    reads_session: bool = field(default=False, compare=False)

    @property
    def dynamic(self) -> bool:
        """Tell whether the path has parts to fill in."""
        return "[" in self.path


def is_next(project: "Project") -> bool:
    return "next" in project.dependencies


def pages(project: "Project") -> tuple[Page, ...]:
    """Return the pages without parts to fill in: `/` first, then those of the login, then by depth and name."""
    if not is_next(project):
        return ()
    base = _base_path(project.root)
    found: dict[str, Page] = {}
    for file, kind, folders in _files(project.root):
        if folders is not None and kind == "page" and (url := _static(folders)) is not None:
            path = f"{base}{url}".removesuffix("/") or "/"
            found.setdefault(path, Page(path, file))
    return tuple(sorted(found.values(), key=lambda page: _rank(page.path.removeprefix(base))))


def routes(root: Path) -> tuple[Route, ...]:
    """Return the API routes of the app in `root`, by path."""
    base = _base_path(root)
    found = [
        Route(
            f"{base}/{'/'.join(folders)}".removesuffix("/") or "/",
            file,
            _methods(root / file, kind),
            _reads_session(root / file),
        )
        for file, kind, folders in _files(root)
        if folders is not None and kind in {"route", "api"}
    ]
    return tuple(sorted(found, key=lambda route: route.path))


def _files(root: Path) -> Iterator[tuple[str, str, tuple[str, ...] | None]]:
    """Yield file, kind (page, route, api) and the URL's parts of each file that answers requests."""
    for file in walk(root, _SUFFIXES):
        parts = file.relative_to(root).parts
        for at in _ROOTS:
            if parts[: len(at)] != at:
                continue
            inside, stem = parts[len(at) : -1], file.stem
            shown = "/".join(parts)
            if at[-1] == "app" and stem in {"page", "route"} and (stem == "page" or file.suffix in {".ts", ".js"}):
                yield shown, stem, _app_folders(inside)
            elif at[-1] == "pages" and not _NO_PAGE.fullmatch(stem):
                folders = inside if stem == "index" else (*inside, stem)
                yield shown, "api" if inside[:1] == ("api",) else "page", folders


def _app_folders(folders: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the folders that stand in the URL; None where they make no URL of their own."""
    if any(name.startswith(("@", "_")) or _INTERCEPTS.match(name) for name in folders):
        return None
    return tuple(name for name in folders if not (name.startswith("(") and name.endswith(")")))


def _static(folders: tuple[str, ...]) -> str | None:
    if folders and folders[-1].startswith("[[..."):
        folders = folders[:-1]  # an optional rest may be empty
    return None if any("[" in name for name in folders) else "/" + "/".join(folders)


def _rank(path: str) -> tuple[bool, bool, int, str]:
    parts = path.strip("/").split("/")
    return path not in {"", "/"}, not any(part in LOGIN for part in parts), len(parts), path


def _base_path(root: Path) -> str:
    for name in ("next.config.ts", "next.config.mjs", "next.config.js"):
        data = load(root / name) if (root / name).is_file() else None
        if isinstance(data, bytes) and (found := _BASE_PATH.search(data.decode(errors="replace"))):
            return found[1].removesuffix("/")
    return ""


# -- the methods of a route.ts


def _methods(file: Path, kind: str) -> tuple[str, ...]:
    from infracheck.project.syntax import Syntax

    data = load(file) if kind == "route" else None  # one of the pages router takes every method
    if not isinstance(data, bytes):
        return ()
    names = {name for node in Syntax(file, data).found("export") for name in _exported(node)}
    return tuple(method for method in METHODS if method in names)


def _reads_session(file: Path) -> bool:
    data = load(file)
    return isinstance(data, bytes) and bool(_SESSION.search(data.decode(errors="replace")))


def _exported(node: "Node") -> Iterator[str]:
    """Yield the names that one export statement gives."""
    from infracheck.project.syntax import field_text, text

    declared = node.child_by_field_name("declaration")
    if declared is not None and declared.type == "function_declaration":
        yield field_text(declared, "name")
    for child in declared.named_children if declared is not None else ():
        name = child.child_by_field_name("name") if child.type == "variable_declarator" else None
        if name is not None:
            yield from re.findall(r"\w+", text(name))  # `{ GET, POST }` too
    for clause in node.named_children:
        if clause.type == "export_clause":
            yield from (
                field_text(one, "alias") or field_text(one, "name")
                for one in clause.named_children
                if one.type == "export_specifier"
            )
