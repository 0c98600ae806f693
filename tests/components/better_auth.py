"""The stand-alone Better Auth server of next-notes, as Neon Auth is in production."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.components import next_notes
from tests.components.child import running, wait_until
from tests.components.node import node, path_with_node
from tests.components.probe import status_of

START_SECONDS = 60
READY = re.compile(r"^auth server: ready at (\S+)$", re.MULTILINE)


@contextmanager
def better_auth(
    folder: Path, *, database_url: str, secret: str, app_origin: str, port: int = 0, **choice: Any
) -> Iterator[str]:
    """Run the auth server out of the empty `folder`; yield its base URL, such as http://localhost:3100/neondb/auth.

    `secret` (32 characters or more) must be the app's BETTER_AUTH_SECRET for the app to accept its sessions;
    `app_origin` is the origin it trusts; port 0 takes a free one. It is ready before the tables exist, as the real
    one is. `choice` sets it up in another way: storeOTP="hashed" or "encrypted", rateLimit, emailOTP, signUp, jwt,
    mailpit, neonCookies. Its output is in `folder`/auth.log. Raises ChildFailed when it does not come up.
    """
    shutil.copytree(next_notes.SOURCE / "lib", folder / "lib", dirs_exist_ok=True)
    for name in ("auth-server.mjs", "package.json"):
        shutil.copyfile(next_notes.SOURCE / name, folder / name)
    modules = folder / "node_modules"
    if not modules.is_symlink():
        modules.symlink_to(next_notes.installed() / "node_modules")
    env = {
        "PATH": path_with_node(),
        "HOME": os.environ.get("HOME", "/"),
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "BETTER_AUTH_SECRET": secret,
        "BETTER_AUTH_URL": app_origin,
    }
    log = folder / "auth.log"
    with running([node(), "auth-server.mjs", json.dumps(choice)], folder=folder, env=env, log=log) as process:
        wait_until(lambda: bool(_announced(log)), process, log, START_SECONDS)
        base = _announced(log)
        wait_until(lambda: status_of(f"{base}/ok") is not None, process, log, START_SECONDS)
        yield base


def _announced(log: Path) -> str:
    found = READY.search(log.read_text(encoding="utf-8", errors="replace"))
    return found.group(1) if found else ""
