"""Child processes: real commands, started, read, and gone with everything they started."""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from infracheck.clients import output as output_module
from infracheck.clients import process as process_module
from infracheck.clients import supervisor
from infracheck.clients.process import NotStarted, Stopped, Supervised
from tests.clients.processes import eventually, marked, program

ENV = {"PATH": os.environ["PATH"]}
STUBBORN = "trap '' TERM; echo ready; while :; do sleep 1; done"
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")


@pytest.fixture
def mark() -> str:
    """Return a number of seconds that nobody else sleeps: a mark that survives in every command line."""
    return f"300.{secrets.randbelow(10**9):09}"


def shell(script: str, folder: Path, **options: object) -> Supervised:
    return Supervised(["sh", "-c", script], cwd=folder, env=ENV, **options)  # type: ignore[arg-type]


def ready(child: Supervised) -> Supervised:
    eventually(lambda: "ready" in child.output())
    return child


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_and_the_whole_output_are_there_after_wait(tmp_path: Path, code: int) -> None:
    with shell(f"seq 1 1000; echo problem >&2; exit {code}", tmp_path) as child:
        assert child.wait(30) == code
        assert child.poll() == code
        assert child.output() == [*map(str, range(1, 1001)), "problem"]
        assert child.processes() == []
    assert child.stop() == Stopped(code, (), (), child.stop().seconds)


def test_a_signal_is_told_as_a_shell_tells_it(tmp_path: Path) -> None:
    with shell("kill -SEGV $$", tmp_path) as child:
        assert child.wait(30) == 128 + signal.SIGSEGV


def test_wait_gives_up_after_its_timeout(tmp_path: Path, mark: str) -> None:
    with shell(f"sleep {mark}", tmp_path) as child:
        assert child.wait(0.05) is None
        assert child.poll() is None


def test_stop_ends_children_and_grandchildren(tmp_path: Path, mark: str) -> None:
    with shell(f"sh -c 'sleep {mark} & sleep {mark}' & echo ready; wait", tmp_path) as child:
        ready(child)
        eventually(lambda: len(child.processes()) == 4)
        assert child.pid in {p.pid for p in child.processes()}
        stopped = child.stop()
    assert (stopped.exit_code, stopped.killed, stopped.survivors) == (143, (), ())
    assert marked(mark) == []
    assert child.processes() == []


def test_a_child_that_ignores_the_signal_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    with shell(STUBBORN, tmp_path, grace=0.3) as child:
        stopped = ready(child).stop()
    assert stopped.exit_code == 137
    assert f"sh (pid {child.pid})" in stopped.killed
    assert stopped.survivors == ()
    assert stopped.seconds >= 0.3


def test_the_stop_signal_can_be_chosen(tmp_path: Path) -> None:
    script = "trap 'echo bye; exit 5' INT; trap '' TERM; echo ready; while :; do sleep 0.05; done"
    with shell(script, tmp_path, stop_signal=signal.SIGINT) as child:
        stopped = ready(child).stop()
    assert (stopped.exit_code, stopped.killed) == (5, ())
    assert child.output() == ["ready", "bye"]


def test_a_stopped_process_is_woken_to_hear_the_signal(tmp_path: Path, mark: str) -> None:
    with shell(f"exec sleep {mark}", tmp_path) as child:
        os.kill(child.pid, signal.SIGSTOP)
        assert child.stop().killed == ()
    assert marked(mark) == []


@linux
@pytest.mark.parametrize(
    "daemon", ["(setsid sleep {} &)", "(trap '' TERM; setsid sleep {} &)"], ids=["polite", "stubborn"]
)
def test_a_daemon_that_left_the_session_is_found_and_ended(tmp_path: Path, mark: str, daemon: str) -> None:
    with shell(f"{daemon.format(mark)}; echo ready; exec cat /dev/zero >/dev/null", tmp_path, grace=0.5) as child:
        eventually(lambda: "sleep" in {p.name() for p in ready(child).processes()})
        stopped = child.stop()
    assert marked(mark) == []
    assert stopped.survivors == ()
    assert [name.split()[0] for name in stopped.killed] == (["sleep"] if "trap" in daemon else [])


@linux
def test_a_daemon_is_ended_when_its_command_exits(tmp_path: Path, mark: str) -> None:
    with shell(f"(setsid sleep {mark} &); exit 3", tmp_path) as child:
        assert child.wait(30) == 3
        eventually(lambda: not marked(mark))
    assert child.stop().exit_code == 3


@linux
def test_threads_that_outlive_their_first_thread_are_found(tmp_path: Path) -> None:
    code = (
        "import ctypes, threading, time; threading.Thread(target=lambda: time.sleep(300)).start();"
        "print('ready', flush=True); ctypes.CDLL(None).pthread_exit(None)"
    )
    with Supervised([sys.executable, "-c", code], cwd=tmp_path, env=ENV) as child:
        eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
        assert child.stop().exit_code == 143


RELAY = """
import fcntl, os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)  # held by the open file: by whoever carries it on
print("ready", flush=True)
deadline = time.monotonic() + 20
while time.monotonic() < deadline:
    if os.fork():
        os._exit(0)
    os.setsid()
"""


@linux
def test_a_process_that_flees_from_fork_to_fork_is_caught(tmp_path: Path) -> None:
    """A look at the process table can miss it: the one it saw is dead, the one it did not see lives."""
    lock = tmp_path / "lock"
    with Supervised([sys.executable, "-c", RELAY, str(lock)], cwd=tmp_path, env=ENV, grace=0.05) as child:
        stopped = ready(child).stop()
    assert stopped.survivors == ()
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


PARENT = """
import os, sys, time
from pathlib import Path
from infracheck.clients.process import Supervised
script, fork = sys.argv[1:]
child = Supervised(["sh", "-c", script], cwd=Path("/"), env=dict(os.environ), grace=0.5)
while "ready" not in child.output():
    time.sleep(0.01)
if fork == "fork" and not (worker := os.fork()):
    time.sleep(600)  # holds a copy of every descriptor
print(worker if fork == "fork" else 0, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_infracheck(mark: str, how: signal.Signals) -> None:
    daemon = f"(setsid sleep {mark} &);" if sys.platform == "linux" else ""
    script = f"trap '' TERM; {daemon} sleep {mark} & sh -c 'sleep {mark}; :' & echo ready; wait; wait"
    with program(PARENT, script, "") as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        eventually(lambda: len(marked(mark)) >= 4)
        parent.send_signal(how)
        parent.wait(30)
        eventually(lambda: not marked(mark))


def test_nothing_outlives_infracheck_though_a_forked_worker_does(mark: str) -> None:
    with program(PARENT, f"echo ready; exec sleep {mark}", "fork") as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait(30)
        try:
            eventually(lambda: not [line for line in marked(mark) if PARENT not in line])
            assert worker.is_running()
        finally:
            worker.kill()


def test_a_supervisor_whose_infracheck_is_already_gone_ends_the_command(mark: str) -> None:
    control, status = os.pipe()  # both stay open, as in a forked worker
    options = [control, status, os.getppid(), int(signal.SIGTERM), 1.0, "drop"]
    command = [sys.executable, "-I", "-S", process_module.SUPERVISOR, *options, "sleep", mark]
    done = subprocess.run([*map(str, command)], pass_fds=(control, status), timeout=30, check=False)
    os.close(control)
    os.close(status)
    assert done.returncode == 143


def test_a_killed_supervisor_takes_the_tree_along(tmp_path: Path, mark: str) -> None:
    with shell(f"trap '' TERM; sleep {mark} & echo ready; wait", tmp_path) as child:
        own = psutil.Process(ready(child).pid).parent()
        assert own is not None
        own.kill()
        assert child.wait(30) == 137
        stopped = child.stop()
    assert {name.split()[0] for name in stopped.killed} == {"sh", "sleep"}
    assert stopped.survivors == ()
    assert marked(mark) == []


def test_a_supervisor_that_hangs_is_given_up(tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "END_SECONDS", 1.0)
    with shell(f"exec sleep {mark}", tmp_path, grace=0.1) as child:
        own = psutil.Process(child.pid).parent()
        assert own is not None
        own.suspend()
        assert child.stop().exit_code == 137
    assert marked(mark) == []


def test_asking_the_supervisor_to_end_ends_the_tree(tmp_path: Path, mark: str) -> None:
    with shell(f"exec sleep {mark}", tmp_path) as child:
        own = psutil.Process(child.pid).parent()
        assert own is not None
        own.terminate()
        assert child.wait(30) == 143


def test_the_terminal_reaches_neither_the_command_nor_its_supervisor(tmp_path: Path, mark: str) -> None:
    with shell(f"exec sleep {mark}", tmp_path) as child:
        own = psutil.Process(child.pid).parent()
        assert own is not None
        assert len({os.getsid(0), os.getsid(own.pid), os.getsid(child.pid)}) == 3
        assert os.getpgid(child.pid) == child.pid


def test_stop_from_another_thread_ends_a_wait(tmp_path: Path, mark: str) -> None:
    with shell(f"exec sleep {mark}", tmp_path) as child:
        stopper = threading.Timer(0.05, child.stop)
        stopper.start()
        assert child.wait(30) == 143
        stopper.join(30)


def test_stop_is_the_same_for_everyone_who_calls_it(tmp_path: Path, mark: str) -> None:
    with shell(f"exec sleep {mark}", tmp_path) as child:
        stopped: list[Stopped] = []
        threads = [threading.Thread(target=lambda: stopped.append(child.stop())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert stopped == [child.stop()] * 4


@pytest.mark.parametrize(
    ("command", "cause"),
    [
        ("no-such-command", "`no-such-command` was not found"),
        ("./no-such-script", "`./no-such-script` was not found"),
        ("./text", "`./text` may not be executed"),
        ("./garbage", "`./garbage` is not a program that this machine can run"),
    ],
)
def test_a_command_that_cannot_start_says_why(tmp_path: Path, command: str, cause: str) -> None:
    (tmp_path / "text").write_text("echo")
    (tmp_path / "garbage").write_bytes(b"\0\1\2\3")
    (tmp_path / "garbage").chmod(0o755)
    with pytest.raises(NotStarted, match=cause) as raised:
        Supervised([command], cwd=tmp_path, env=ENV)
    assert raised.value.remedy == "install it, or correct the command"


def test_a_folder_of_the_path_that_is_no_folder_does_not_change_the_cause(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotStarted, match="`no-such-command` was not found"):
        Supervised(["no-such-command"], cwd=tmp_path, env={"PATH": f"{tmp_path / 'file'}:/usr/bin:/bin"})


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotStarted, match=r"its folder .*/gone does not exist"):
        Supervised(["true"], cwd=tmp_path / "gone", env=ENV)


def test_the_environment_is_exactly_the_given_one(tmp_path: Path) -> None:
    with Supervised([shutil.which("env") or "env"], cwd=tmp_path, env={"ONE": "1", "TWO": "zwei\u00e9"}) as child:
        assert child.wait(30) == 0
        assert sorted(child.output()) == ["ONE=1", "TWO=zwei\u00e9"]


def test_the_child_inherits_three_descriptors_and_an_empty_input(tmp_path: Path) -> None:
    code = (
        "import os, sys; print(sorted(os.listdir('/dev/fd'))[:3], len(os.listdir('/dev/fd')), repr(sys.stdin.read()))"
    )
    with (tmp_path / "inherited").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        with Supervised([sys.executable, "-c", code], cwd=tmp_path, env=ENV) as child:
            assert child.wait(30) == 0
            assert child.output() == ["['0', '1', '2'] 4 ''"]  # the fourth is the listing itself


def test_signals_are_back_to_normal_in_the_child(tmp_path: Path) -> None:
    code = "import signal; print([n.name for n in signal.valid_signals() if signal.getsignal(n) is signal.SIG_IGN])"
    code += "; print(signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        with Supervised([sys.executable, "-c", code], cwd=tmp_path, env=ENV) as child:
            assert child.wait(30) == 0
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert child.output() == ["['SIGPIPE', 'SIGXFSZ']", "set()"]  # Python itself ignores these two


def test_output_is_clean_and_clipped(tmp_path: Path) -> None:
    script = r"printf '\033[31mred\033[0m\r\n10%%\r100%%\nnot \377 text\n'"
    script += r"; head -c 100000 /dev/zero | tr '\0' x; printf '\nProceed? '"
    with shell(script, tmp_path) as child:
        assert child.wait(30) == 0
        *lines, long, prompt = child.output()
    assert lines == ["red", "100%", "not \N{REPLACEMENT CHARACTER} text"]
    assert long == "x" * 1999 + "…"
    assert prompt == "Proceed? "


def test_only_the_last_lines_are_kept(tmp_path: Path) -> None:
    with shell("seq 1 5000", tmp_path, keep_lines=3) as child:
        assert child.wait(30) == 0
        assert child.output() == ["4998", "4999", "5000"]


def test_each_line_is_heard_in_order(tmp_path: Path) -> None:
    heard: list[str] = []
    with shell("seq 1 500; printf end", tmp_path, on_line=heard.append) as child:
        assert child.wait(30) == 0
    assert heard == [*map(str, range(1, 501)), "end"]


def test_a_listener_that_fails_does_not_block_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    with shell("seq 1 100000", tmp_path, on_line=lambda line: [][int(line)]) as child:
        assert child.wait(30) == 0
    assert [args.exc_type for args in raised] == [IndexError]


FLOOD = """
import os, resource, sys
from pathlib import Path
from infracheck.clients.process import Supervised
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "linux" else 1024 * 1024)
with Supervised(["true"], cwd=Path("/"), env=dict(os.environ)) as child:
    child.wait(60)
before = peak()
with Supervised(["sh", "-c", sys.argv[1]], cwd=Path("/"), env=dict(os.environ)) as child:
    assert child.wait(240) == 0
    print(peak() - before, max(map(len, child.output())))
"""


@pytest.mark.parametrize(
    "flood",
    ["head -c 500000000 /dev/zero", "head -c 100000000 /dev/urandom", "yes 'a line of text' | head -c 500000000"],
    ids=["no newline", "binary", "lines"],
)
def test_a_flood_of_output_is_read_in_bounded_memory(flood: str) -> None:
    with program(FLOOD, flood) as reader:
        text, _ = reader.communicate(timeout=240)
    megabytes, longest = map(int, text.split())
    assert megabytes < 64
    assert longest <= 2000


def test_thirty_children_leave_no_descriptor_and_no_thread(tmp_path: Path) -> None:
    with shell("true", tmp_path) as child:
        child.wait(30)
    own = psutil.Process()
    before = own.num_fds(), threading.active_count(), set(own.children())
    for index in range(30):
        with shell("echo ready; exec sleep 300" if index % 2 else "exit 1", tmp_path) as child:
            child.wait(0.01)
        with pytest.raises(NotStarted):
            Supervised(["no-such-command"], cwd=tmp_path, env=ENV)
    assert (own.num_fds(), threading.active_count(), set(own.children())) == before


def test_the_two_process_tables_agree() -> None:
    if sys.platform != "linux":
        assert {p.pid for p in supervisor.table_from_ps()} > {os.getpid(), os.getppid()}
        return
    proc, ps = ({p.pid: p for p in table()} for table in (supervisor.table_from_proc, supervisor.table_from_ps))
    for pid in (os.getpid(), os.getppid()):
        assert (proc[pid].parent, proc[pid].group, proc[pid].name) == (ps[pid].parent, ps[pid].group, ps[pid].name)


def test_without_proc_and_adoption_the_tree_is_ended_all_the_same(
    tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS: a process that leaves the session is found as long as its parent lives."""
    script = tmp_path / "as_on_macos.py"
    script.write_text(
        f"import os, sys; sys.path.insert(0, {str(process_module.SUPERVISOR.parent)!r}); import supervisor\n"
        "supervisor.ON_LINUX = False; supervisor.table = supervisor.table_from_ps\n"
        "os._exit(supervisor.main(sys.argv[1:]))\n"
    )
    monkeypatch.setattr(process_module, "SUPERVISOR", script)
    leaves = f"import os, time; os.setsid(); time.sleep({mark})"
    with shell(f'{sys.executable} -c "{leaves}" & sleep {mark} & echo ready; wait', tmp_path, grace=0.5) as child:
        eventually(lambda: len(ready(child).processes()) == 3)
        eventually(lambda: len({os.getsid(p.pid) for p in child.processes()}) == 2)
        stopped = child.stop()
    assert (stopped.exit_code, stopped.survivors) == (143, ())
    assert marked(mark) == []


def test_of_a_flood_the_first_lines_of_a_second_and_the_newest_are_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_module, "HEARD_LINES", 50)
    heard: list[str] = []
    with shell("seq 1 100000; sleep 0.6; echo after", tmp_path, on_line=heard.append) as child:
        assert child.wait(30) == 0
        assert child.output()[-1] == "after"
    assert heard[:50] == [*map(str, range(1, 51))]
    assert heard[-1] == "after"
    assert heard[-201:-1] == [*map(str, range(99_801, 100_001))]
    numbers = [int(line) for line in heard[:-1] if line.isdecimal()]
    left_out = sum(int(line.split()[1]) for line in heard if line.startswith("[infracheck: "))
    assert numbers == sorted(numbers)
    assert len(numbers) + left_out == 100_000
