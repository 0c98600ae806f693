"""A child process in a group of its own, which is gone, descendants and all, when its `with` block ends."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

GRACE_SECONDS = 5


class ChildFailed(Exception):
    """The program ended, or did not become ready in time; the message ends with the tail of its log."""


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    folder: Path,
    env: Mapping[str, str],
    log: Path,
    stop_signal: signal.Signals = signal.SIGTERM,
    pass_fds: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` in `folder`, its output in the file `log`; end its whole process group afterwards."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=pass_fds,
        )
    try:
        yield process
    finally:
        stop(process, stop_signal)


def stop(process: subprocess.Popen[bytes], first: signal.Signals, grace: float = GRACE_SECONDS) -> None:
    """End the process group that `process` leads: politely, then, after `grace` seconds, by force."""
    for number in (first, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM when only zombies are left
            os.killpg(process.pid, number)
        end = time.monotonic() + grace
        while time.monotonic() < end:
            process.poll()  # reaps the leader: as a zombie it would stay in the process table
            if process.returncode is not None and not group_members(process.pid):
                return
            time.sleep(0.02)
    raise ChildFailed(f"process group {process.pid} survived SIGKILL: {group_members(process.pid)}")


def group_members(group: int) -> list[int]:
    """Return the pids that still run in a process group; zombies do not."""
    import psutil

    members = []
    for process in psutil.process_iter(["pid", "status"]):
        with suppress(ProcessLookupError, PermissionError):
            if process.info["status"] != psutil.STATUS_ZOMBIE and os.getpgid(process.pid) == group:
                members.append(process.pid)
    return members


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
