"""The pages and API routes of a Next.js app, as its folders tell them: App Router and Pages Router."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
EXTENSIONS: Final = (".tsx", ".jsx", ".ts", ".js", ".mdx")
LEFT_OUT: Final = {"node_modules", ".next", ".git", "__tests__"}
SPECIAL: Final = {"_app", "_document", "_error", "404", "500", "middleware", "instrumentation"}
_EXPORTED: Final = re.compile(
    rf"export\s+(?:async\s+)?(?:function\s*\*?\s*|(?:const|let|var)\s+)({'|'.join(METHODS)})\b"
    r"|export\s*\{([^}]*)\}|export\s+const\s*\{([^}]*)\}\s*="
)
_SESSION: Final = re.compile(
    r"\b(?:getSession|getServerSession|useSession|currentUser|getUser|getCurrentUser|requireUser|requireAuth|auth\(\)"
    r"|auth\.api|auth\.protect|validateSession|verifySession|session)\b|\bcookies\(\)",
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its path as in the address bar (`/blog/[slug]` where it is dynamic), and its file relative to the app."""

    path: str
    file: str

    @property
    def dynamic(self) -> bool:
        """Tell whether the path has parts that only data fills."""
        return "[" in self.path


@dataclass(frozen=True, slots=True)
class Route:
    """A route handler: its path, its file relative to the app, the methods it exports, and whether it reads a session.

    `methods` is empty where they cannot be told (a handler of the Pages Router takes all of them).
    """

    path: str
    file: str
    methods: tuple[str, ...]
    reads_session: bool

    @property
    def dynamic(self) -> bool:
        """Tell whether the path has parts that only data fills."""
        return "[" in self.path


def pages(root: Path) -> tuple[Page, ...]:
    """Return every page of the app in `root`, `/` first, then by path."""
    found = {page.path: page for folder in _folders(root, "app") for page in _app_pages(root, folder)}
    for folder in _folders(root, "pages"):
        for page in _old_pages(root, folder):
            found.setdefault(page.path, page)
    return tuple(found[path] for path in sorted(found, key=lambda path: (path != "/", path)))


def routes(root: Path) -> tuple[Route, ...]:
    """Return every route handler of the app in `root`, by path."""
    found = {}
    for folder in _folders(root, "app"):
        for path in _files(folder, "route"):
            if (at := _app_path(path.parent.relative_to(folder))) is not None:
                found[at] = _route(root, path, at, _methods)
    for folder in _folders(root, "pages"):
        for path in _files(folder / "api"):
            at = _old_path(path.relative_to(folder))
            found.setdefault(at, _route(root, path, at, lambda _: ()))
    return tuple(found[path] for path in sorted(found))


def _folders(root: Path, name: str) -> Iterator[Path]:
    yield from (folder for folder in (root / name, root / "src" / name) if folder.is_dir())


def _files(folder: Path, stem: str | None = None) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in LEFT_OUT and not path.is_symlink():
                yield from _files(path, stem)
        elif path.suffix in EXTENSIONS and not path.name.endswith(".d.ts") and (stem is None or path.stem == stem):
            yield path


def _app_pages(root: Path, folder: Path) -> Iterator[Page]:
    for path in _files(folder, "page"):
        if (at := _app_path(path.parent.relative_to(folder))) is not None:
            yield Page(at, path.relative_to(root).as_posix())


def _app_path(folder: Path) -> str | None:
    """Return the path that a folder of the App Router is served at, None where it is served at none of its own."""
    parts = []
    for part in folder.parts:
        if part.startswith(("_", "@", "(.")):  # private, a slot of another page, an intercepted one
            return None
        if not (part.startswith("(") and part.endswith(")")):
            parts.append(part)
    return "/" + "/".join(parts)


def _old_pages(root: Path, folder: Path) -> Iterator[Page]:
    for path in _files(folder):
        relative = path.relative_to(folder)
        if relative.parts[0] != "api" and path.stem not in SPECIAL:
            yield Page(_old_path(relative), path.relative_to(root).as_posix())


def _old_path(file: Path) -> str:
    parts = [*file.parts[:-1], *([] if file.stem == "index" else [file.stem])]
    return "/" + "/".join(parts)


def _route(root: Path, path: Path, at: str, methods_of: Callable[[str], tuple[str, ...]]) -> Route:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return Route(at, path.relative_to(root).as_posix(), methods_of(text), bool(_SESSION.search(text)))


def _methods(text: str) -> tuple[str, ...]:
    names: set[str] = set()
    for found in _EXPORTED.finditer(text):
        names |= {found[1]} if found[1] else set(re.findall(r"\w+", found[2] or found[3] or ""))
    return tuple(method for method in METHODS if method in names)
