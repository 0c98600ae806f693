"""Makes a temporary folder and removes it as soon as infracheck is done with it, or is gone.

    python -I -S cleaner.py PREFIX

Prints the folder's path, then waits on its standard input: KEEP or REMOVE, and end-of-file means that infracheck was
killed. A program of its own, because nothing else survives SIGKILL of infracheck; and it makes the folder itself, so
that there is no moment at which the folder exists without somebody to remove it. The standard library only.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

KEEP, REMOVE = b"k", b"r"
PATIENCE = 30.0  # seconds until a folder that is still written to is given up
SETTLED = 1.0  # seconds after which nobody writes into the folder of a killed infracheck any more
PAUSE = 0.05  # seconds between two attempts


def main(prefix: str) -> int:
    """Return 0 when the folder is as it should be, 1 when some of it could not be removed."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # whoever ends infracheck gracefully lets it say what it wants
    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    with suppress(BrokenPipeError):
        os.write(1, os.fsencode(folder))
    os.close(1)
    match os.read(0, 1):
        case b"k":
            return 0
        case word:
            return 0 if remove(folder, settled=0.0 if word else SETTLED) else 1


def remove(folder: Path, settled: float) -> bool:
    """Remove the folder until it has been gone for `settled` seconds: what was killed may still be ending."""
    gone_since = None
    deadline = time.monotonic() + PATIENCE
    while (now := time.monotonic()) < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            gone_since = None
        elif now - (gone_since := gone_since or now) >= settled:
            return True
        time.sleep(PAUSE)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
