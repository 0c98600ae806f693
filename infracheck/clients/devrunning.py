"""A dev server of this very folder that runs already: by the lock of Next.js, else by who listens from the folder."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infracheck.clients import ports

if TYPE_CHECKING:
    from infracheck.project.detect import Project

NEXT_LOCK: Final = Path(".next", "dev", "lock")


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A process that serves the app; its start tells it from another one that gets its pid later."""

    pid: int
    started: float  # seconds since the epoch
    port: int
    proof: str  # why it is a server of this folder

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def there(self) -> bool:
        """Tell whether this process is still there, and listens."""
        return _born(self.pid) == self.started and any(one.pid == self.pid for one in ports.listeners(self.port))


def running_here(project: "Project", port: int) -> RunningServer | None:
    """Return the server of this folder that runs, None if there is none; a stranger's is never one.

    Args:
        port: where the app expects itself; the lock of Next.js may name another one.
    """
    if (held := next_lock(project.root)) is not None:
        port = held["port"] if isinstance(held.get("port"), int) else port
    listeners = ports.listeners(port)
    if not listeners or any(one.pid is None or not _at_home(one.pid, project.root) for one in listeners):
        return None
    pid = next(one.pid for one in listeners if one.pid)
    proof = f"it runs in this folder{f' and holds {NEXT_LOCK}' if held is not None else ''}"
    return RunningServer(pid, _born(pid), port, proof)


def next_lock(root: Path) -> dict[str, Any] | None:
    """Return what the lock of Next.js says while somebody holds it.

    A file whose lock is not held was left by a crash and means nothing.
    """
    import fcntl

    try:
        with (root / NEXT_LOCK).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                with suppress(ValueError):
                    said = json.loads(file.read())
                    return said if isinstance(said, dict) else {}
                return {}
    except OSError:
        return None
    return None


def _at_home(pid: int, root: Path) -> bool:
    import psutil

    with suppress(psutil.Error, OSError):
        return Path(psutil.Process(pid).cwd()).samefile(root)
    return False


def _born(pid: int) -> float:
    import psutil

    with suppress(psutil.Error):
        return psutil.Process(pid).create_time()
    return 0.0
