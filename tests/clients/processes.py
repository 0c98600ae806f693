"""What the tests of child processes share: bounded waiting, and finding processes by a mark in their command line."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import psutil

ROOT = Path(__file__).parents[2]
T = TypeVar("T")


def eventually(look: Callable[[], T], seconds: float = 30.0) -> T:
    """Return the first true value of `look`; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := look()):
        assert time.monotonic() < deadline, f"did not come true within {seconds} s"
        time.sleep(0.02)
    return value


def marked(mark: str) -> list[str]:
    """Return the command lines of the living processes that hold `mark`, whoever their parents are."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            command = " ".join(process.cmdline())
            if mark in command and process.status() != psutil.STATUS_ZOMBIE:
                found.append(command)
    return found


def running_in(folder: Path) -> list[str]:
    """Return the command lines of the living processes whose working directory is this folder or below it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(folder):
                found.append(" ".join(process.cmdline()))
    return found


@contextmanager
def program(code: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run Python code in a process of its own, which a test may kill at any moment."""
    command = [sys.executable, "-c", code, *arguments]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
