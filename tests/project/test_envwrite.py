"""Values written into an env file are read back identically: by our readers, the real @next/env, and python-dotenv."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from infracheck.project.dotenv_entry import Dialect
from infracheck.project.envwrite import NotWritten, edited, parsed, write_values
from infracheck.secret import Secret
from tests.conformance.next_env import Case, NextEnv, all_versions

PEM = "-----BEGIN KEY-----\nabc+/=\n-----END KEY-----\n"
HARD = {
    f"V{number}": value
    for number, value in enumerate(
        [
            *("plain", "with space", "#hash", "a#b", "a # b", "it's", 'say "hi"', "a`b", "$HOME", "pa$$word"),
            *("${X:-y}", "a\\b", "\\$x", "C:\\new\\table", "line1\nline2", PEM, " lead and trail ", "tab\there"),
            *("postgresql://u:p%40ss$w#rd@h.example/db?sslmode=require", "'", '"', "a'b\"c", "x=y", "export A=1"),
            *("\\n", "$", "a$", "ends in \\", "`'\"", "ü€", "$V0", "{a: $b}", "don't $x", '"quoted"', "  "),
        ]
    )
}
INTERPOLATED = "${X:-y}"  # python-dotenv knows no way to write this


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[Dialect, NextEnv]]:
    with all_versions(tmp_path_factory.mktemp("next-env")) as started:
        yield started


def read_by_next(versions: Mapping[Dialect, NextEnv], text: str) -> Iterator[Mapping[str, str]]:
    for reader in versions.values():
        reader.ask(Case({".env.local": text.encode()}))
        yield reader.answer().env


def test_hard_values_come_back_from_the_real_readers(versions: Mapping[Dialect, NextEnv]) -> None:
    for env in read_by_next(versions, edited("", HARD, "next")):
        assert {name: env[name] for name in HARD} == HARD
    python = {name: value for name, value in HARD.items() if value != INTERPOLATED}
    assert dotenv_values(stream=io.StringIO(edited("", python, "python"))) == python


def test_what_both_can_read_is_written_so(versions: Mapping[Dialect, NextEnv]) -> None:
    easy = {name: value for name, value in HARD.items() if "$" not in value and "\\" not in value and value != "`'\""}
    for dialect in ("next", "python"):
        text = edited("", easy, dialect)
        assert dotenv_values(stream=io.StringIO(text)) == easy
        for env in read_by_next(versions, text):
            assert {name: env[name] for name in easy} == easy


@settings(max_examples=120, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab$'\"`\\#\n {}=:-"), max_size=8), min_size=1, max_size=3))
def test_any_value_is_read_back_or_refused(values: list[str]) -> None:
    named = {f"V{number}": value for number, value in enumerate(values) if value}
    for dialect in ("next", "python"):
        try:
            text = edited("# a comment\nOTHER=1\n", named, dialect)
        except NotWritten:
            continue
        found = parsed(text, dialect)
        assert {name: found.get(name) for name in named} == named


def test_comments_and_order_stay(tmp_path: Path) -> None:
    path = tmp_path / ".env.local"
    path.write_text("# Database\nDATABASE_URL=   # from the console\n\nexport KEPT='x y' # why\nLIST=\"a\nb\"\nLAST=\n")
    told = write_values(
        path, {"DATABASE_URL": Secret("postgres://h/d"), "LAST": Secret("z"), "NEW": Secret("n")}, "next"
    )
    database = "# Database\nDATABASE_URL=postgres://h/d # from the console\n\n"
    assert path.read_text() == f"{database}export KEPT='x y' # why\nLIST=\"a\nb\"\nLAST=z\nNEW=n\n"
    assert told == "wrote DATABASE_URL, LAST, NEW to .env.local"
    assert path.stat().st_mode & 0o777 == 0o600
    [backup] = tmp_path.glob(".env.local.backup-*")
    assert backup.read_text().startswith("# Database\nDATABASE_URL=   #")
    assert backup.stat().st_mode & 0o777 == 0o600
    assert write_values(path, {"LAST": Secret("z")}, "next") == ".env.local has LAST already"


def test_a_filled_value_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / ".env.local"
    path.write_text("KEY=mine\n")
    with pytest.raises(NotWritten) as raised:
        write_values(path, {"KEY": Secret("other"), "NEW": Secret("x")}, "next")
    assert "KEY has another value in .env.local" in raised.value.summary
    assert "mine" not in repr(raised.value) + raised.value.summary
    assert path.read_text() == "KEY=mine\n"
    assert list(tmp_path.iterdir()) == [path]
    write_values(path, {"KEY": Secret("other")}, "next", replace=True)
    assert path.read_text() == "KEY=other\n"


def test_a_file_that_would_be_read_otherwise_stays(tmp_path: Path) -> None:
    path = tmp_path / ".env.local"
    path.write_text('OPEN="never closed\nNEXT=1\n')
    before = path.read_bytes()
    with pytest.raises(NotWritten):
        write_values(path, {"NEW": Secret('a"\nb')}, "next")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_no_quoting_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotWritten) as raised:
        write_values(tmp_path / ".env.local", {"KEY": Secret(INTERPOLATED)}, "python")
    assert "no way of quoting" in raised.value.summary
    assert not (tmp_path / ".env.local").exists()
