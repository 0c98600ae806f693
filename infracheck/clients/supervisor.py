"""Runs one command in a session of its own, and ends its whole tree when infracheck asks or is gone.

    python -I -S supervisor.py CONTROL STATUS PARENT SIGNAL GRACE LOCALE COMMAND [ARGUMENT ...]

CONTROL (a file descriptor): one byte or end-of-file means "end it"; SIGKILL of infracheck is such an end-of-file.
STATUS (a file descriptor): one JSON line each for {"pid": N} or {"failed": ERRNO}; {"exit": N}, N as a shell tells it;
and at last {"killed": [...], "survivors": [...]}: what had to be killed hard, and what did not even die of that.
PARENT: the process id of infracheck, which is gone when somebody else is the parent.
LOCALE: `drop` where the command's environment has no LC_CTYPE, because the interpreter adds one to its own.

A program rather than a thread or `preexec_fn`: it outlives infracheck by the moment it takes to clean up. The standard
library only, and little of it, because every start of a child waits for it.
"""
# ruff: noqa: PTH123, PTH208, SIM105 - pathlib and contextlib would double the start-up time

from __future__ import annotations

import os
import select
import signal
import sys
import time

KILL_SECONDS = 3.0  # how long a process may take to die of SIGKILL
ALIVE_SECONDS = 0.5  # how often to look whether infracheck is still the parent
SHORTEST_PAUSE, LONGEST_PAUSE = 0.002, 0.05  # seconds between two looks at a tree that is ending
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Python ignores the last two, and whoever started infracheck may have ignored the others.
RESET = (*REQUESTS, signal.SIGQUIT, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ)


class Process:
    """One line of the system's process table."""

    __slots__ = ("group", "name", "parent", "pid", "started")

    def __init__(self, pid: int, parent: int, group: int, started: str, name: str) -> None:
        self.pid, self.parent, self.group, self.started, self.name = pid, parent, group, started, name

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"


def table_from_proc() -> list[Process]:
    """Return the living processes as Linux's /proc shows them."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue  # gone since it was listed
        head, _, tail = text.rpartition(")")  # a name may hold blanks and brackets
        fields = tail.split()
        if fields[0] not in "ZX" or int(fields[17]) > 1:  # a dead first thread may leave others running
            found.append(Process(int(entry), int(fields[1]), int(fields[2]), fields[19], head.partition("(")[2]))
    return found


def table_from_ps() -> list[Process]:
    """Return the living processes as ps shows them, where there is no /proc (macOS)."""
    import subprocess

    columns = ["-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "state=", "-o", "lstart=", "-o", "comm="]
    with subprocess.Popen(
        ["ps", "-A", *columns], stdout=subprocess.PIPE, text=True, errors="replace", env={**os.environ, "LC_ALL": "C"}
    ) as ps:
        assert ps.stdout is not None
        rows = [line.split(None, 9) for line in ps.stdout]
    return [
        Process(int(row[0]), int(row[1]), int(row[2]), " ".join(row[4:9]), row[9].strip().rpartition("/")[2])
        for row in rows
        if len(row) == 10 and not row[3].startswith("Z") and int(row[0]) != ps.pid
    ]


ON_LINUX = sys.platform == "linux"
table = table_from_proc if ON_LINUX else table_from_ps


class Tree:
    """The command, its descendants, and whatever has left its session without leaving the family."""

    def __init__(self, command: int, status: int) -> None:
        self.command, self.status = command, status
        self.exit_code: int | None = None
        self.childless = False  # on Linux the proof that nothing is left: every descendant's line ends here
        self.seen: dict[int, str] = {}  # pid → start: a parent may die before its child, and take the trail with it

    def reap(self) -> None:
        """Collect the dead: the command and, on Linux, every descendant that was orphaned."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.childless = True
                return
            if pid == 0:
                return
            if pid == self.command:
                code = os.waitstatus_to_exitcode(status)
                self.exit_code = code if code >= 0 else 128 - code
                tell(self.status, f'{{"exit": {self.exit_code}}}')

    def alive(self) -> list[Process]:
        """Return what lives of the tree, parents before their children."""
        everything = table()
        self.reap()  # not before: what the table shows as dead is then collected, the command's exit code with it
        children: dict[int, list[Process]] = {}
        for process in everything:
            children.setdefault(process.parent, []).append(process)
        trail = children.get(os.getpid(), [])[:]
        trail += [p for p in everything if p.group == self.command or self.seen.get(p.pid) == p.started]
        found: dict[int, Process] = {}
        while trail:
            process = trail.pop(0)
            if process.pid not in found:
                found[process.pid] = process
                trail += children.get(process.pid, [])
        self.seen.update((p.pid, p.started) for p in found.values())
        return list(found.values())

    def end(self, stop_signal: int, grace: float) -> tuple[list[str], list[str]]:
        """Ask the group, then the strays; kill what is left after `grace` seconds; return (killed, survivors)."""
        deadline, pause = time.monotonic() + grace, SHORTEST_PAUSE
        asked: set[int] = set()
        while (living := self.alive()) or not self.childless:
            if time.monotonic() >= deadline:
                return self.kill(living)
            group = [p for p in living if p.group == self.command]
            if group and self.command not in asked:
                asked.add(self.command)
                send(os.killpg, self.command, stop_signal)
                send(os.killpg, self.command, signal.SIGCONT)  # a stopped process would not hear it
            for stray in () if group else living:
                if stray.pid not in asked:
                    asked.add(stray.pid)
                    send(os.kill, stray.pid, stop_signal)
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        return [], []

    def kill(self, living: list[Process]) -> tuple[list[str], list[str]]:
        """Kill until nothing new is born either; return (killed, survivors)."""
        deadline, killed = time.monotonic() + KILL_SECONDS, {}
        while (living or not self.childless) and time.monotonic() < deadline:
            for process in living:
                killed[process.pid] = str(process)
                send(os.kill, process.pid, signal.SIGKILL)
            time.sleep(SHORTEST_PAUSE)
            living = self.alive()
        survivors = [str(p) for p in living] or ([] if self.childless else ["a process that was not caught"])
        return [name for name in killed.values() if name not in survivors], survivors


def send(to: object, pid: int, number: int) -> None:
    """Send a signal with os.kill or os.killpg; a process that is gone or not ours to signal is no error."""
    try:
        to(pid, number)  # type: ignore[operator]
    except (ProcessLookupError, PermissionError):
        pass


def tell(status: int, line: str) -> None:
    try:
        os.write(status, f"{line}\n".encode())
    except BrokenPipeError:
        pass  # infracheck is gone: there is nobody to tell


def adopt_orphans() -> None:
    """Become the parent of every descendant that daemonises; Linux only."""
    if ON_LINUX:
        import ctypes

        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def start(command: list[str], locale: str) -> int:
    """Start the command in a new session with default signals and no descriptor but 0, 1 and 2; return its pid."""
    environment = {**os.environ}
    if locale == "drop":
        environment.pop("LC_CTYPE", None)
    return os.posix_spawnp(command[0], command, environment, setsid=True, setsigmask=[], setsigdef=RESET)


def silence() -> None:
    """Let go of the command's output, so that it ends when the tree does."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def wait_for_the_end(tree: Tree, control: int, wake: int, parent: int) -> None:
    """Return when the command has exited, infracheck asks for its end, or infracheck is gone."""
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(wake, select.POLLIN)
    while tree.exit_code is None and os.getppid() == parent:
        # The parent is looked at because a forked worker of infracheck could hold the pipe's other end open.
        for descriptor, _ in poller.poll(ALIVE_SECONDS * 1000):
            if descriptor == control or any(number in REQUESTS for number in os.read(wake, 512)):
                return
        tree.reap()


def main(arguments: list[str]) -> int:
    control, status, parent, stop_signal = (int(text) for text in arguments[:4])
    grace, locale, command = float(arguments[4]), arguments[5], arguments[6:]
    wake, waker = os.pipe()
    for descriptor in (control, status):
        os.set_inheritable(descriptor, False)
    for descriptor in (wake, waker):
        os.set_blocking(descriptor, False)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.set_wakeup_fd(waker)
    for number in (*REQUESTS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    adopt_orphans()
    try:
        pid = start(command, locale)
    except OSError as error:
        tell(status, f'{{"failed": {error.errno}}}')
        return 127
    silence()
    tell(status, f'{{"pid": {pid}}}')
    tree = Tree(pid, status)
    try:
        import json  # 10 ms for which nobody waits any more

        wait_for_the_end(tree, control, wake, parent)
        killed, survivors = tree.end(stop_signal, grace)
    except BaseException:
        send(os.killpg, pid, signal.SIGKILL)  # better dead than left behind
        raise
    tell(status, json.dumps({"killed": killed, "survivors": survivors}))
    return 137 if tree.exit_code is None else tree.exit_code


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
