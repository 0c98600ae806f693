"""A child process in a group of its own, which is gone, descendants and all, when its `with` block ends."""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

GRACE_SECONDS = 5
# Inherited by every descendant: `next dev` starts a last process in a session of its own while it ends.
MARK = "TESTS_CHILD_MARK"


class ChildFailed(Exception):
    """The program ended, or did not become ready in time; the message ends with the tail of its log."""


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    folder: Path,
    env: Mapping[str, str],
    log: Path,
    pass_fds: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` in `folder`, its output in the file `log`; end it and all that it started afterwards."""
    mark = secrets.token_hex(8)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**env, MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=pass_fds,
        )
    try:
        yield process
    finally:
        _stop(process, mark)


def _stop(process: subprocess.Popen[bytes], mark: str) -> None:
    """End a process and its descendants: politely, then, after a while, by force."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _alive(process.pid, mark):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if _gone_within(GRACE_SECONDS, process, mark):
            return
    raise ChildFailed(f"{process.args!r} survived SIGKILL: {_alive(process.pid, mark)}")


def _gone_within(seconds: float, process: subprocess.Popen[bytes], mark: str) -> bool:
    """Wait for the end of a process and its descendants.

    It takes two looks: during one, a process can start another, which that look has not listed, and end.
    """
    end = time.monotonic() + seconds
    quiet = 0
    while quiet < 2 and time.monotonic() < end:
        process.poll()  # reaps it: as a zombie it would stay in the process table
        quiet = quiet + 1 if process.returncode is not None and not _alive(process.pid, mark) else 0
        time.sleep(0.02)
    return quiet == 2


def _alive(group: int, mark: str) -> list[int]:
    """Return the pids that still run in a process group or carry the mark; zombies do not run."""
    import psutil

    pids = []
    for process in psutil.process_iter(["status"]):
        with suppress(ProcessLookupError, PermissionError, psutil.Error):
            if process.info["status"] != psutil.STATUS_ZOMBIE and (
                os.getpgid(process.pid) == group or process.environ().get(MARK) == mark
            ):
                pids.append(process.pid)
    return pids


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    """Wait until `ready()`. Raises ChildFailed when the process ends before, or after `seconds`."""
    end = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise ChildFailed(f"{process.args!r} ended with code {process.returncode}:\n{tail(log)}")
        if time.monotonic() > end:
            raise ChildFailed(f"{process.args!r} was not ready after {seconds:.0f} s:\n{tail(log)}")
        time.sleep(0.03)


def tail(log: Path, lines: int = 120) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def run(
    command: Sequence[str | Path],
    *,
    folder: Path,
    env: Mapping[str, str],
    log: Path,
    seconds: float,
) -> None:
    """Run `command` to its end. Raises ChildFailed, with what it printed, when it fails or takes longer."""
    with running(command, folder=folder, env=env, log=log) as process:
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ChildFailed(f"{process.args!r} took longer than {seconds:.0f} s:\n{tail(log)}") from None
    if code:
        raise ChildFailed(f"{process.args!r} ended with code {code}:\n{tail(log)}")
