"""Copies of the app tests/apps/fastapi-app, and the virtual environment that holds its uvicorn and FastAPI."""

import os
import shutil
import sys
from pathlib import Path

from tests.components.cache import built, digest
from tests.components.child import run

SOURCE = Path(__file__).resolve().parents[1] / "apps" / "fastapi-app"
LOCK = Path(__file__).with_name("fastapi.lock.txt")
PIP_SECONDS = 600


def copy_to(folder: Path) -> Path:
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    return folder


def path_with_uvicorn() -> str:
    """Return the value of PATH as it is after `source venv/bin/activate`; the environment is built on first use."""
    return os.pathsep.join([str(_installed() / "venv" / "bin"), os.environ.get("PATH", os.defpath)])


def _installed() -> Path:
    return built("fastapi", digest(LOCK.read_bytes(), sys.version.encode()), _build)


def _build(folder: Path) -> None:
    log = folder / "build.log"
    run([sys.executable, "-m", "venv", folder / "venv"], folder=folder, env=os.environ, log=log, seconds=PIP_SECONDS)
    pip: list[str | Path] = [folder / "venv" / "bin" / "python", "-m", "pip", "install", "--requirement", LOCK]
    run(pip, folder=folder, env=os.environ, log=log, seconds=PIP_SECONDS)
