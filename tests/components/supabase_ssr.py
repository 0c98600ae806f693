"""The real `@supabase/ssr`, reading the session out of a request as a page on a server does."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.components.cache import built, digest
from tests.components.node import node, npm_ci

SOURCE = Path(__file__).resolve().parents[1] / "apps" / "supabase-ssr"
SECONDS = 60


def _installed() -> Path:
    def build(folder: Path) -> None:
        for file in SOURCE.iterdir():
            if file.is_file():
                shutil.copyfile(file, folder / file.name)
        npm_ci(folder)

    files = sorted(file for file in SOURCE.iterdir() if file.is_file())
    return built("supabase-ssr", digest(*(file.read_bytes() for file in files)), build)


def session_in(cookie: str, url: str) -> dict[str, Any]:
    """Return what a page of the project at `url` finds in this Cookie header.

    `session` is None where it finds nobody, `written` names the cookies that it would set: none, where all is well.
    """
    done = subprocess.run(
        [node(), "session.mjs"],
        cwd=_installed(),
        input=json.dumps({"url": url, "cookie": cookie}),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
