"""Copies of the app tests/apps/vite-app with its node_modules, ready for `npm run dev`."""

import shutil
from pathlib import Path

from tests.components.cache import built, digest
from tests.components.next_notes import link
from tests.components.node import npm_ci

SOURCE = Path(__file__).resolve().parents[1] / "apps" / "vite-app"


def copy_to(folder: Path) -> Path:
    """Make the new or empty `folder` a copy; the files in its node_modules are hard links: never write into them."""
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules"), dirs_exist_ok=True)
    shutil.copytree(_installed() / "node_modules", folder / "node_modules", symlinks=True, copy_function=link)
    return folder


def _installed() -> Path:
    def build(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(SOURCE / name, folder / name)
        npm_ci(folder)

    return built("vite-app-modules", digest((SOURCE / "package-lock.json").read_bytes()), build)
