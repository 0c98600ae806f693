"""`infracheck local`: the app's own PostgreSQL on this machine, in the foreground."""

import threading
from collections.abc import Callable
from pathlib import Path

from infracheck.clients.localpostgres import LocalPostgres
from infracheck.errors import ClientError, UsageError
from infracheck.evidence import Evidence
from infracheck.project.detect import detect


def serve(folder: Path, say: Callable[[str], None], *, until: threading.Event | None = None) -> None:
    """Serve until somebody ends it (Ctrl-C), or `until` is set.

    Raises:
        UsageError: `provision --local` has made none here, or it does not start.
    """
    kept = Evidence(detect(folder).root).kept()
    home = kept / "postgres" if kept else None
    if home is None or not (home / "data").is_dir():
        raise UsageError("there is no local PostgreSQL here", hint="`infracheck provision --local` makes one")
    try:
        local = LocalPostgres.started(home)
    except ClientError as error:
        raise UsageError(error.summary, hint=error.remedy) from None
    try:
        say(f"PostgreSQL serves on 127.0.0.1:{local.port}; Ctrl-C ends it, the data stays in {home}")
        (until or threading.Event()).wait()
    finally:
        local.close()
