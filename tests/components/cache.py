"""Things that are slow to make and can be used again by the next test run, kept below tests/.cache."""

import fcntl
import hashlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CACHE = Path(__file__).resolve().parents[1] / ".cache"
STAMP = ".complete"


def digest(*parts: bytes) -> str:
    """Return a short name for these contents."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()[:16]


def digest_tree(files: Iterable[Path], root: Path) -> str:
    """Return a short name for these files: their paths below `root` and their contents."""
    pairs = ((str(file.relative_to(root)).encode(), file.read_bytes()) for file in sorted(files))
    return digest(*(part for pair in pairs for part in pair))


@contextmanager
def locked(file: Path, seconds: float = 900) -> Iterator[None]:
    """Hold a lock that all processes respect and that the system lifts when the holder dies.

    Raises TimeoutError after `seconds`.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + seconds
    with file.open("a") as handle:
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > end:
                raise TimeoutError(f"{file} was held by another process for {seconds:.0f} s")
            time.sleep(0.1)
        yield


def built(name: str, key: str, build: Callable[[Path], None]) -> Path:
    """Return the folder tests/.cache/NAME-KEY, made once by `build(folder)`; one that was left half made is made again.

    Folders of the same name with other keys are stale (the lock file they came from has changed) and are removed.
    """
    folder = CACHE / f"{name}-{key}"
    with locked(CACHE / f"{name}.lock"):
        if not (folder / STAMP).exists():
            for stale in CACHE.glob(f"{name}-*/"):
                shutil.rmtree(stale)
            folder.mkdir(parents=True)
            build(folder)
            (folder / STAMP).touch()
    return folder
