"""What moves: the spinner on a real terminal, and the one plain line for slow checks where nothing may move."""

import io
import os
import pty
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infracheck.model import Passed, Result
from infracheck.report import terminal
from infracheck.runner import Finished, Started
from tests.report.parts import AUTH, BOOTS, report

MADE = report(((AUTH, Passed("it answers"), 0.0), (BOOTS, Passed("it boots"), 0.0)))


@contextmanager
def terminal_screen(*, color: bool = False) -> Iterator[tuple[terminal.Screen, io.StringIO, list[str]]]:
    """Yield a live Screen, what it printed as result, and what a real terminal received on standard error."""
    master, slave = pty.openpty()
    received: list[str] = []

    def drain() -> None:
        try:
            while data := os.read(master, 65536):
                received.append(data.decode())
        except OSError:  # Linux says so when the other end closes
            pass

    reader = threading.Thread(target=drain)
    reader.start()
    out = io.StringIO()
    with open(slave, "w", encoding="utf-8", buffering=1) as err:  # noqa: PTH123 - a file descriptor
        screen = terminal.Screen(MADE, out=out, err=err, color=color, live=True, width=100)
        try:
            yield screen, out, received
        finally:
            screen.close(MADE)
    reader.join(5)
    os.close(master)


def wait_for(received: list[str], text: str) -> None:
    end = time.monotonic() + 10
    while text not in "".join(received):
        assert time.monotonic() < end, f"{text!r} never came: {received[-3:]}"
        time.sleep(0.02)


def test_a_spinner_says_who_is_asked_for_what_and_how_long_and_goes() -> None:
    with terminal_screen() as (screen, out, received):
        screen.show(Started(AUTH))
        wait_for(received, "The auth service answers as itself at its configured URL")
        screen.tell("waiting for /ok")
        wait_for(received, "waiting for /ok · The auth service answers as itself")
        assert re.search(r"auth {7}[⠁-⣿] waiting for /ok .* \d\.\d s", "".join(received))
        before = out.getvalue()
        screen.show(Finished(MADE.results[0]))
        wait_for(received, "\x1b[?25h")
        time.sleep(terminal.SPIN_AFTER * 2)
        last = "".join(received)
        screen.close(MADE)
    assert "it answers" not in before
    assert out.getvalue() == terminal.render(MADE)
    assert last.rstrip("\r\n").endswith(("\x1b[2K", "\x1b[?25h"))  # erased, and the cursor is back
    assert "".join(received) == last, "nothing moved afterwards"
    assert not re.search(r"\x1b\[[\d;]*m", last), "no colour was asked for"


def test_a_quick_check_moves_nothing() -> None:
    with terminal_screen() as (screen, out, received):
        for result in MADE.results:
            screen.show(Started(result.check))
            screen.show(Finished(result))
        screen.close(MADE)
        time.sleep(terminal.SPIN_AFTER * 2)
    assert received == []
    assert out.getvalue() == terminal.render(MADE)


def test_what_another_thread_waits_for_is_shown_only_where_work_was_begun_early() -> None:
    BOOTS.head_start()(lambda _: None)
    with terminal_screen() as (screen, _, received):
        screen.show(Started(AUTH))
        other = threading.Thread(target=screen.tell, args=["compiling /"])
        other.start()
        other.join()
        time.sleep(terminal.SPIN_AFTER * 3)
        assert "compiling /" not in "".join(received)
        screen.show(Finished(MADE.results[0]))
        screen.show(Started(BOOTS))
        wait_for(received, "compiling /")
        screen.close(MADE)
    BOOTS.starts = None


def test_an_interrupted_run_leaves_a_clean_line() -> None:
    with terminal_screen(color=True) as (screen, out, received):
        screen.show(Started(AUTH))
        wait_for(received, "The auth service")
        screen.close(MADE)
    assert re.search(r"\x1b\[\?25h[^⠁-⣿]*$", "".join(received)), "the cursor is back and nothing is drawn after it"
    assert "PASS" in out.getvalue()


def test_where_nothing_may_move_a_slow_check_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "SLOW_AFTER", 0.05)
    out, err = io.StringIO(), io.StringIO()
    screen = terminal.Screen(MADE, out=out, err=err, color=False, live=False, width=100)
    screen.show(Started(AUTH))
    screen.tell("waiting for /ok")
    time.sleep(0.3)
    screen.show(Finished(Result(AUTH, Passed("it answers"), 0.3)))
    screen.show(Started(BOOTS))
    screen.show(Finished(MADE.results[1]))
    screen.close(MADE)
    assert err.getvalue() == "auth-responds has taken 0 s so far: waiting for /ok\n"
    assert out.getvalue().count("auth-responds") == 0


def test_no_thread_is_left() -> None:
    before = threading.active_count()
    with terminal_screen() as (screen, _, received):
        screen.show(Started(AUTH))
        wait_for(received, "The auth service")
        screen.close(MADE)
    time.sleep(0.3)
    assert threading.active_count() <= before
