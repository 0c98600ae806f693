"""What an app printed with console.error: `next dev` says so in a log of its own, which tells the levels apart.

On the terminal such a line looks like any other. Only lines that stand in both are taken for errors, so a log that an
earlier start left behind does no harm. Next.js 15 and older write none.
"""

import json
import os
from pathlib import Path
from typing import Final

FILE: Final = Path(".next", "dev", "logs", "next-development.log")
FLUSHED: Final = 0.25  # seconds after which Next.js has written what it printed; it gathers for 0.1 s
READ_BYTES: Final = 1 << 18


def console_errors(root: Path) -> frozenset[str] | None:
    """Return the first lines of what was printed as an error, None where there is no such log."""
    try:
        with (root / FILE).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - READ_BYTES))
            rows = file.read().splitlines()
    except OSError:
        return None
    return frozenset(filter(None, map(_error, rows)))


def _error(row: bytes) -> str:
    """Return the first line of an entry, "" where it is no error of the server."""
    try:
        entry = json.loads(row)
    except ValueError:  # cut, or not written to its end yet
        return ""
    if not isinstance(entry, dict) or (entry.get("source"), entry.get("level")) != ("Server", "ERROR"):
        return ""
    return str(entry.get("message", "")).partition("\n")[0].strip()
