"""The file that keeps a process's output: whole, without secrets, bounded, and never in the way."""

import os
from pathlib import Path

import pytest

from infracheck.clients import logfile
from infracheck.clients.logfile import LogFile


def test_it_is_made_with_the_first_line_and_can_be_read_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    log = LogFile(lambda: path, lambda line: line.replace("hunter2", "[secret]"))
    assert log.path is None
    assert not path.exists()
    log.add("the password is hunter2")
    assert log.path == path
    assert path.read_text() == "the password is [secret]\n"
    log.close()
    log.close()
    log.add("too late")
    assert path.read_text().count("\n") == 1


def test_it_is_bounded_and_its_last_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "LIMIT", 1_000_000)
    log = LogFile(lambda: tmp_path / "server.log", str)
    for number in range(200_000):
        log.add(f"line {number} ü")
    text = (tmp_path / "server.log").read_text()
    assert len(text.encode()) <= 1_000_100
    assert text.splitlines()[-1] == "[infracheck stopped writing here: 1 MB are kept of a log]"
    assert text.splitlines()[-2].startswith("line ")


def test_half_characters_do_not_break_it(tmp_path: Path) -> None:
    log = LogFile(lambda: tmp_path / "server.log", str)
    log.add("\ud800 lone")
    log.add("next")
    log.close()
    assert (tmp_path / "server.log").read_text() == "? lone\nnext\n"


@pytest.mark.parametrize("name", [None, "not-there/server.log", "/dev/full"])
def test_what_cannot_be_written_is_left_out(tmp_path: Path, name: str | None) -> None:
    if name == "/dev/full" and not os.path.exists(name):  # noqa: PTH110 - a device
        pytest.skip("no /dev/full here")
    log = LogFile(lambda: tmp_path / name if name else None, str)
    for _ in range(3):
        log.add("line")
    log.close()
