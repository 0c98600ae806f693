"""The real app tests/apps/neon-auth-app, with Neon's own SDK installed: at 550 MB there is one copy for all runs."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.components.cache import CACHE, built, digest_tree, locked
from tests.components.node import npm_ci

SOURCE = Path(__file__).resolve().parents[1] / "apps" / "neon-auth-app"
# What running the app by hand leaves in the sources.
LEFT_OUT = shutil.ignore_patterns("node_modules", ".next", ".env.local", "next-env.d.ts", "*.tsbuildinfo")


@contextmanager
def working_copy() -> Iterator[Path]:
    """Yield the app in a folder of its own, ready for `npm run dev`; one process at a time has it."""
    with locked(CACHE / "neon-auth-app-use.lock"):
        folder = built("neon-auth-app", digest_tree(_sources(), SOURCE), _build)
        try:
            yield folder
        finally:
            (folder / ".env.local").unlink(missing_ok=True)


def _sources() -> Iterator[Path]:
    for folder, folders, files in os.walk(SOURCE):
        left_out = LEFT_OUT(folder, [*folders, *files])
        folders[:] = set(folders) - left_out
        yield from (Path(folder, name) for name in files if name not in left_out)


def _build(folder: Path) -> None:
    shutil.copytree(SOURCE, folder, ignore=LEFT_OUT, dirs_exist_ok=True)
    npm_ci(folder)
    # A repository of its own: else the app would be one folder of infracheck's.
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True, timeout=60)
