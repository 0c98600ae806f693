"""Child processes that never outlive infracheck: started under a supervisor, always read, stopped with their tree."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from infracheck.clients.output import OutputReader
from infracheck.errors import ClientError, Unclear

if TYPE_CHECKING:
    import psutil

SUPERVISOR = Path(__file__).with_name("supervisor.py")
START_SECONDS = 30.0  # the supervisor needs 0.03 s; a machine that swaps needs patience
END_SECONDS = 10.0  # beyond the grace period, before the supervisor itself is given up
DRAIN_SECONDS = 1.0  # how long to read on after the command is gone
LOST = 128 + signal.SIGKILL  # the exit code of a command whose supervisor was killed
CAUSES = {
    errno.ENOENT: "was not found",
    errno.EACCES: "may not be executed",
    errno.ENOEXEC: "is not a program that this machine can run",
}


class NotStarted(ClientError):
    """The command could not be started: not found, not executable, or its folder is missing."""


@dataclass(frozen=True)
class Stopped:
    """How a command ended; processes are named `node (pid 123)`, and a survivor did not even die of SIGKILL."""

    exit_code: int  # 128+N when signal N ended it
    killed: tuple[str, ...]  # what had to be killed hard
    survivors: tuple[str, ...]
    seconds: float  # what the stopping took


class Supervised:
    """A running command with its whole tree; a context manager that ends with `stop`.

    `env` is the command's whole environment; its standard input is empty. `on_line` hears each line of output, in
    order, from the reading thread, possibly before the constructor has returned. Every method works from any thread.
    Raises NotStarted.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stop_signal: int = signal.SIGTERM,
        grace: float = 5.0,
        keep_lines: int = 2000,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self._grace = grace
        self._told: dict[str, Any] = {}  # by the supervisor: pid or failed, exit, killed, survivors
        self._ended = False  # the supervisor is gone
        self._changed = threading.Condition()  # guards the two above
        self._stopping = threading.RLock()
        self._stopped: Stopped | None = None
        self._supervisor, self._control, status = _launch(command, cwd, env, stop_signal, grace)
        assert self._supervisor.stdout is not None
        self._output = OutputReader(self._supervisor.stdout, keep_lines, on_line)
        self._ear = threading.Thread(target=self._hear, args=(status,), name="child-status", daemon=True)
        self._ear.start()
        try:
            self._await_start(command[0], env.get("PATH"))
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the command itself, which leads its own session and process group."""
        return int(self._told["pid"])

    def poll(self) -> int | None:
        """Return the command's exit code (128+N when signal N ended it), None while it runs."""
        with self._changed:
            code: int | None = self._told.get("exit", LOST if self._ended else None)
        return code

    def output(self) -> list[str]:
        """Return the last lines of stdout and stderr together, an unfinished one included, clean and clipped."""
        return self._output.lines()

    def processes(self) -> list["psutil.Process"]:
        """Return everything alive in the tree, also what has left the command's session."""
        return [] if self._ended and self._told.get("survivors") == [] else self._alive()

    def wait(self, timeout: float | None = None) -> int | None:
        """Return the exit code once the command has exited and its output is read; None after `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.poll() is not None, timeout)
        code = self.poll()
        if code is not None:
            self._output.drain(DRAIN_SECONDS)
        return code

    def stop(self) -> Stopped:
        """End the whole tree and return how, when that is proven; may be called again, and from several threads."""
        with self._stopping:
            if self._stopped is None:
                began = time.monotonic()
                self._end()
                killed, survivors = (tuple(self._told.get(key, ())) for key in ("killed", "survivors"))
                code = self.poll()
                self._stopped = Stopped(LOST if code is None else code, killed, survivors, time.monotonic() - began)
            return self._stopped

    def _await_start(self, name: str, path: str | None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._told or self._ended, START_SECONDS)
        if "pid" in self._told:
            return
        if number := self._told.get("failed"):
            if "/" not in name and not shutil.which(name, path=path):
                number = errno.ENOENT  # the system says EACCES where it may not look into a folder of PATH
            cause = CAUSES.get(number, f"could not be started: {os.strerror(number)}")
            raise NotStarted(f"`{name}` {cause}", "install it, or correct the command")
        cause = "its supervisor ended" if self._ended else f"no sign of life within {START_SECONDS:.0f} s"
        raise Unclear(f"`{name}` did not start: {cause}", "try again when the machine is less busy")

    def _hear(self, status: int) -> None:
        """Take in what the supervisor says, until it is gone."""
        last: dict[str, list[str]] = {}
        try:
            with open(status, "rb") as lines:
                for line in lines:
                    if line.endswith(b"\n"):  # a killed supervisor may leave half a line
                        with self._changed:
                            self._told |= json.loads(line)
                            self._changed.notify_all()
            self._supervisor.wait()
            if "pid" in self._told and "survivors" not in self._told:
                last = self._kill()
        finally:
            with self._changed:
                self._told |= last
                self._ended = True
                self._changed.notify_all()

    def _end(self) -> None:
        """Have the supervisor end the tree; each step may be repeated after an interruption."""
        control, self._control = self._control, -1
        if control >= 0:
            with suppress(BrokenPipeError):
                os.write(control, b".")  # end-of-file alone could be held back by a forked copy of this process
            os.close(control)
        self._ear.join(self._grace + END_SECONDS)
        if self._ear.is_alive():
            self._supervisor.kill()  # it hangs; the listening thread then kills the tree itself
            self._ear.join(END_SECONDS)
        self._output.close(DRAIN_SECONDS)

    def _kill(self) -> dict[str, list[str]]:
        """Kill the tree in place of a supervisor that was itself killed; return what it would have reported."""
        import psutil

        names = {}
        for process in self._alive():
            with suppress(psutil.Error):
                names[process] = f"{process.name()} (pid {process.pid})"
                process.kill()
        gone, left = psutil.wait_procs(list(names), timeout=END_SECONDS / 2)
        return {"killed": [names[p] for p in gone], "survivors": [names[p] for p in left]}

    def _alive(self) -> list["psutil.Process"]:
        import psutil

        found: dict[int, psutil.Process] = {}
        supervisor = [self._supervisor.pid] if self._supervisor.returncode is None else []
        for root in supervisor + _session(self.pid):
            with suppress(psutil.Error):
                process = psutil.Process(root)
                found |= {p.pid: p for p in (process, *process.children(recursive=True))}
        found.pop(self._supervisor.pid, None)
        alive = []
        for process in found.values():
            with suppress(psutil.NoSuchProcess):
                if process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
                    alive.append(process)
        return alive


def _launch(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], stop_signal: int, grace: float
) -> tuple["subprocess.Popen[bytes]", int, int]:
    """Start the supervisor; return it with the control and the status descriptor."""
    control_out, control = os.pipe()
    status, status_in = os.pipe()
    locale = "keep" if "LC_CTYPE" in env else "drop"
    options = [str(option) for option in (control_out, status_in, os.getpid(), int(stop_signal), grace, locale)]
    try:
        supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), *options, *command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            pass_fds=(control_out, status_in),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        os.close(control)
        os.close(status)
        cause = f"its folder {cwd} does not exist" if not cwd.is_dir() else str(error)
        message = f"`{command[0]}` could not be started: {cause}"
        raise NotStarted(message, "correct the command or its folder") from error
    finally:
        os.close(control_out)
        os.close(status_in)
    return supervisor, control, status


def _session(leader: int) -> list[int]:
    """Return the processes of the session that `leader` leads or led."""
    import psutil

    members = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == leader:
                members.append(pid)
    return members
