"""Which app of a repository is judged, and whether a text of the whole repository speaks of it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from infracheck.project.detect import ENV_EXAMPLES, Project
from infracheck.project.statelog import ActiveProject

Scope = Literal["ours", "another", "ambiguous"]
_FRAMEWORKS: Final = {"next", "nuxt", "astro", "vite", "@remix-run/dev", "@sveltejs/kit", "express", "fastify", "hono"}
_MANIFESTS: Final = ("package.json", "pyproject.toml", "requirements.txt")
_NO_APPS: Final = frozenset(
    {"node_modules", "dist", "build", "vendor", "test", "tests", "e2e", "docs", "venv", "experiments"}
    | {"example", "examples", "templates", "fixtures"}
)
_MOST: Final = 2000  # folders looked at; a repository with more is judged by those


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """What a text may call the app, and what it may call the other apps of the repository."""

    folder: str = "."  # from the repository's root, with slashes
    names: tuple[str, ...] = ()
    others: tuple[str, ...] = ()  # names of the other apps that are not also names of this one
    several: bool = False

    @property
    def label(self) -> str:
        """Return the name that a statement about this app should carry."""
        return self.folder if self.folder != "." or not self.names else self.names[0]

    def scope(self, sentence: str, entry: str, active: ActiveProject | None) -> Scope:
        """Tell whose a statement is: what its sentence names, else what its entry names, else the active project's."""
        if not self.several:
            return "ours"
        for text in (sentence, entry):
            if any(_names(text, name) for name in (self.folder, *self.names)):
                # An entry that names several apps leaves open which of them a sentence without a name means.
                return "ambiguous" if text is entry and any(_names(text, name) for name in self.others) else "ours"
            if any(_names(text, name) for name in self.others):
                return "another"
        if active is None or not (active.repo_path or active.name):
            return "ambiguous"
        return "ours" if self._is(active) else "another"

    def _is(self, active: ActiveProject) -> bool:
        if active.repo_path:
            return f"/{active.repo_path}".endswith(f"/{self.folder}")
        return bool(active.name) and str(active.name).lower() in {name.lower() for name in self.names}


def identify(project: Project) -> AppIdentity:
    """Return how texts of the repository may call this app; product names are `productName` and `displayName`."""
    others: list[str] = []
    for folder in _apps(project.repository, project.root):
        others += [folder.relative_to(project.repository).as_posix(), *_called(folder, _manifest(folder))]
    inside = project.root.relative_to(project.repository).as_posix()
    names = _called(project.root, project.package) if inside != "." else _called(None, project.package)
    foreign = tuple(name for name in dict.fromkeys(others) if name not in {*names, inside})
    return AppIdentity(inside, names, foreign, several=bool(others))


def _apps(repository: Path, ours: Path, depth: int = 2) -> Iterator[Path]:
    """Yield the other folders, up to `depth` levels down, that hold an app."""
    budget = _MOST
    level = [repository]
    if repository != ours and _is_app(repository):
        yield repository
    for _ in range(depth):
        below = [f for folder in level if folder != ours for f in _folders(folder)][:budget]
        budget -= len(below)
        level = [folder for folder in below if folder == ours or not _is_app(folder)]
        yield from (folder for folder in below if folder not in level)


def _folders(folder: Path) -> list[Path]:
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    return [
        f for f in found if f.name not in _NO_APPS and not f.name.startswith(".") and not f.is_symlink() and f.is_dir()
    ]


def _is_app(folder: Path) -> bool:
    if (folder / "infracheck.toml").is_file():
        return True
    package = _manifest(folder)
    kinds = (package.get(kind) for kind in ("dependencies", "devDependencies"))
    if any(_FRAMEWORKS & set(table) for table in kinds if isinstance(table, dict)):
        return True
    example = any((folder / name).is_file() for name in ENV_EXAMPLES)
    return example and any((folder / name).is_file() for name in _MANIFESTS)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        data = json.loads((folder / "package.json").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _called(folder: Path | None, package: Mapping[str, Any]) -> tuple[str, ...]:
    said = [package.get(key) for key in ("name", "productName", "displayName")]
    names = [folder.name if folder else "", *(name for name in said if isinstance(name, str))]
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def _names(text: str, name: str) -> bool:
    """Tell whether a text names an app. A plain word (`web`) counts only where it is clearly meant as a name."""
    word = re.escape(name)
    if name == ".":
        return False
    if re.search(r"[/@\s-]", name) or re.search(r"[a-z][A-Z]", name):
        return re.search(rf"(?<![\w/@.-]){word}(?![\w-])", text) is not None
    if name[:1].isupper():
        return re.search(rf"(?<![\w/-]){word}(?![\w-])", text) is not None
    marked = rf"`{word}`|\[{word}\]|\({word}\)|(?:^|[—–|]|[*_]{{2}})\s*{word}[*_]{{0,2}}\s*:"
    return (
        re.search(rf"{marked}|\b(?i:app|project|for) {word}(?![\w/-])|(?<![\w/-]){word}(?:'s)? app\b", text) is not None
    )
