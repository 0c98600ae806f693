"""What the app in a folder is made of, as its files tell it."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from infracheck.errors import UsageError

ENV_EXAMPLES: Final = (".env.local.example", ".env.example")
LOCK_FILES: Final = {
    "package-lock.json": "npm",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
MARKERS: Final = ("infracheck.toml", "package.json", "schema.sql", *ENV_EXAMPLES, ".env.local")
_SKIPPED_FOLDERS: Final = {"node_modules", ".git", ".next", ".venv", "venv", "dist", "build", "vendor", "tests"}
_PORT_FLAG: Final = re.compile(r"(?:^|\s)(?:-p|--port)[ =]?(\d{2,5})\b|\bPORT=(\d{2,5})\b")
DEFAULT_PORTS: Final = {"next": 3000, "vite": 5173, "astro": 4321, "nuxt": 3000, "remix": 3000}
URL_VARIABLES: Final = (
    "BETTER_AUTH_URL",
    "NEXT_PUBLIC_APP_URL",
    "APP_URL",
    "NEXTAUTH_URL",
    "NEXT_PUBLIC_SITE_URL",
    "NEXT_PUBLIC_BASE_URL",
)


@dataclass(frozen=True)
class Project:
    """The app: its folder, the repository around it, and what is found in them."""

    root: Path
    repository: Path  # the git root, or the app's own folder outside git
    package: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def framework(self) -> str | None:
        """Return next, vite, astro, nuxt or remix, by the dependencies of package.json."""
        known = {"next": "next", "nuxt": "nuxt", "astro": "astro", "@remix-run/dev": "remix", "vite": "vite"}
        return next((name for dependency, name in known.items() if dependency in self.dependencies), None)

    @cached_property
    def dependencies(self) -> frozenset[str]:
        kinds = ("dependencies", "devDependencies", "optionalDependencies")
        tables = (self.package.get(kind) for kind in kinds)
        return frozenset(name for table in tables if isinstance(table, dict) for name in table)

    def major(self, dependency: str) -> int | None:
        """Return the major version that package.json asks for, None where it names none."""
        for kind in ("dependencies", "devDependencies"):
            table = self.package.get(kind)
            asked = table.get(dependency) if isinstance(table, dict) else None
            if isinstance(asked, str) and (found := re.match(r"[\^~>=v\s]*(\d+)", asked)):
                return int(found[1])
        return None

    @cached_property
    def dev_script(self) -> str | None:
        return self.script("dev")

    def script(self, name: str) -> str | None:
        scripts = self.package.get("scripts")
        script = scripts.get(name) if isinstance(scripts, dict) else None
        return script if isinstance(script, str) and script.strip() else None

    @cached_property
    def package_manager(self) -> str:
        """Return npm, pnpm, yarn or bun, by the lock file in the app or above it, up to the repository's root."""
        for folder in self.upwards():
            for name, manager in LOCK_FILES.items():
                if (folder / name).is_file():
                    return manager
        return "npm"

    @cached_property
    def env_example(self) -> Path | None:
        return self.first(*ENV_EXAMPLES)

    @cached_property
    def schema(self) -> Path | None:
        return self.first("schema.sql", "db/schema.sql", "database/schema.sql", "sql/schema.sql")

    @cached_property
    def state(self) -> Path | None:
        return next((f / "project-state.md" for f in self.upwards() if (f / "project-state.md").is_file()), None)

    def port_of_script(self, command: str) -> int | None:
        found = _PORT_FLAG.search(command)
        return int(found[1] or found[2]) if found else None

    def first(self, *names: str) -> Path | None:
        return next((self.root / name for name in names if (self.root / name).is_file()), None)

    def upwards(self) -> Iterator[Path]:
        yield self.root
        if self.root != self.repository:
            for folder in self.root.parents:
                yield folder
                if folder == self.repository:
                    return

    def show(self, path: Path) -> str:
        """Return a path as reports print it: relative to the app where it lies inside."""
        return os.path.relpath(path, self.root) if path.is_relative_to(self.repository) else str(path)


def detect(folder: Path) -> Project:
    """Read what the app in `folder` is.

    Raises:
        UsageError: there is no such folder, or no app in it; says what was looked for and which folders below hold one.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="infracheck run PATH takes the folder of the app")
    root = folder.resolve()
    if not any((root / marker).is_file() for marker in MARKERS):
        raise _no_app(folder, root)
    return Project(root, _repository(root), _package(root))


def _repository(root: Path) -> Path:
    return next((f for f in (root, *root.parents) if (f / ".git").exists()), root)


def _package(root: Path) -> dict[str, Any]:
    path = root / "package.json"
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError) as error:
        raise UsageError(
            f"package.json cannot be read: {error}", hint="correct package.json; nothing was run"
        ) from None
    return data if isinstance(data, dict) else {}


def _no_app(folder: Path, root: Path) -> UsageError:
    found = [os.path.relpath(app, root) for app in _apps_below(root)]
    looked = f"{folder} is no app: looked for {', '.join(MARKERS)}"
    if found:
        where = "" if folder == Path() else f"{folder}/"
        return UsageError(looked, hint=f"apps found below: {', '.join(found)} — try `infracheck run {where}{found[0]}`")
    return UsageError(looked, hint="give the app's folder: `infracheck run PATH`, or see it work: `infracheck demo`")


def _apps_below(root: Path, depth: int = 2) -> list[Path]:
    """Return the folders up to `depth` levels down that hold an env example, a schema or a dev script."""
    if not depth:
        return []
    found: list[Path] = []
    for folder in sorted(root.iterdir())[:500]:
        if not folder.is_dir() or folder.name in _SKIPPED_FOLDERS or folder.name.startswith(".") or folder.is_symlink():
            continue
        if any((folder / marker).is_file() for marker in MARKERS):
            found.append(folder)
        else:
            found += _apps_below(folder, depth - 1)
    return found[:8]
