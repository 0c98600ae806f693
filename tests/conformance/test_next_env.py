"""infracheck reads env files exactly as @next/env 14, 15 and 16 do: hand-written and generated ones."""

import os
import secrets
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infracheck.project.dotenv_entry import Dialect
from infracheck.project.dotenv_next import opens
from tests.conformance.corpus import CASES, ENV
from tests.conformance.next_env import VERSIONS, Answer, Case, NextEnv, all_versions, disagreements, ours
from tests.conformance.strategies import cases, soups

# Both make one to four files at a time. Hypothesis repeats itself, but shows the shortest file that fails.
EXAMPLES = 2_300
SOUPS = 1_900
FILES = 5_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("next-env")


@pytest.fixture(scope="module")
def versions(folder: Path) -> Iterator[Mapping[Dialect, NextEnv]]:
    with all_versions(folder) as started:
        yield started


@pytest.mark.parametrize("name", CASES)
def test_a_file_that_has_gone_wrong_somewhere(versions: Mapping[Dialect, NextEnv], name: str) -> None:
    assert disagreements(versions, CASES[name]) == []


def test_the_hand_written_files_are_many() -> None:
    assert len(CASES) >= 150


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> str | None:
    """Without one the same files are made every time; `--hypothesis-seed=N` (or `=random`) makes others."""
    value: str | None = pytestconfig.getoption("--hypothesis-seed")
    return value


def test_generated_files(versions: Mapping[Dialect, NextEnv], seed: str | None) -> None:
    seen: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        derandomize=seed is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def compare(case: Case) -> None:
        own = ours(case)
        if own.dropped and _may_double(case):
            return
        seen["files"] += len(case.files)
        seen["dropped"] += bool(own.dropped)
        assert disagreements(versions, case) == []

    compare()
    assert seen["files"] >= FILES, seen
    assert seen["dropped"] >= EXAMPLES / 100, seen


def test_soup(versions: Mapping[Dialect, NextEnv], seed: str | None) -> None:
    compared: set[bytes] = set()
    for case in soups(zlib.crc32(repr(seed).encode()) if seed != "random" else secrets.randbits(32), SOUPS):
        if ours(case).dropped and _may_double(case):
            continue
        assert disagreements(versions, case) == [], case
        compared.update(case.files.values())
    assert len(compared) >= FILES


def _may_double(case: Case) -> bool:
    """Tell whether a circular reference may double its text each time: Node then ends for want of memory."""
    written = [*(data.decode("utf-8", "replace") for data in case.files.values()), *case.process.values()]
    return any(pattern in text for text in written for pattern in ("$`", "$'"))


@given(data=st.binary(max_size=12).map(lambda data: b"A='" + data + b"'\n"))
@settings(max_examples=1_000, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
def test_bytes_that_are_no_text(versions: Mapping[Dialect, NextEnv], data: bytes) -> None:
    assert disagreements(versions, Case({ENV: data})) == []


def test_a_folder_is_no_env_file(versions: Mapping[Dialect, NextEnv], folder: Path) -> None:
    for version in VERSIONS:
        (folder / str(version) / ENV).mkdir()
    try:
        for version, real in versions.items():
            real.ask(Case({}))
            assert real.answer() == Answer({}, ())
            assert not opens((folder / str(version) / ENV).stat().st_mode, version)
    finally:
        for version in VERSIONS:
            (folder / str(version) / ENV).rmdir()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_named_pipe(versions: Mapping[Dialect, NextEnv], folder: Path, version: Dialect) -> None:
    """Password managers hand out env files as pipes; Next.js 14 overlooks them."""
    pipe = folder / str(version) / ENV
    os.mkfifo(pipe)
    done = threading.Event()
    writer = threading.Thread(target=_feed, args=(pipe, b"A=1\n", done))
    try:
        writer.start()
        versions[version].ask(Case({}))
        read = dict(versions[version].answer().env)
        assert read == ({"A": "1"} if opens(pipe.stat().st_mode, version) else {})
        assert bool(read) == (version >= 15)
    finally:
        done.set()
        writer.join()
        pipe.unlink()


def _feed(pipe: Path, data: bytes, done: threading.Event) -> None:
    """Write into a pipe once someone reads it."""
    while not done.is_set():
        try:
            handle = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            time.sleep(0.01)
            continue
        os.write(handle, data)
        os.close(handle)
        return
