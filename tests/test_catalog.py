"""The catalog: one order, one door for everybody's checks, and no unknown need."""

import subprocess
import sys
from pathlib import Path

import pytest

from infracheck.catalog import catalog, named, select, validated
from infracheck.checks import GATE
from infracheck.errors import UsageError
from infracheck.model import Check, Passed
from tests.test_runner import asking


def passing(name: str, *needs: Check) -> Check:
    return asking(name, lambda _: Passed("ok"), needs=needs)


ONE = passing("one")
TWO = passing("two", ONE)
THREE = passing("three")


def test_the_built_in_gate_can_be_run_in_its_order() -> None:
    assert validated(GATE) == GATE
    assert GATE


def test_a_taken_id_is_refused() -> None:
    with pytest.raises(UsageError, match=r"two checks are named one: tests\.test_runner and tests\.test_runner"):
        validated([ONE, passing("one")])


def test_a_need_that_does_not_come_earlier_is_refused() -> None:
    with pytest.raises(UsageError, match=r"two .* needs one, which does not come earlier"):
        validated([TWO, ONE])
    with pytest.raises(UsageError, match="needs one"):
        validated([passing("one"), TWO])  # another check of the same id is not what it needs


def test_a_selection_is_the_closure_of_needs_in_order() -> None:
    every = (ONE, TWO, THREE)
    assert select(every, []) == every
    assert select(every, ["two"]) == (ONE, TWO)
    assert select(every, ["three,one"]) == (ONE, THREE)


def test_a_family_selects_its_checks() -> None:
    assert named((ONE, THREE), ["test_runner"]) == [ONE, THREE]


def test_an_unknown_word_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no check or family `thre`") as raised:
        select((ONE, THREE), ["thre"])
    assert raised.value.hint == "did you mean `three`?"


PLUGIN = '''
from infracheck.checks import GATE
from infracheck.model import Passed, check

@check(needs=[GATE[0]])
def mail_is_sent(ctx):
    """A mail can be sent."""
    return Passed("sent")

several = (mail_is_sent,)
broken = 1 / 0 if False else "no check"
'''


def installed(folder: Path, target: str) -> None:
    """Lay a distribution with one entry point into a folder of the path, as pip would."""
    (folder / "someones_checks.py").write_text(PLUGIN)
    info = folder / "someones_checks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: someones-checks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[infracheck.checks]\nmail = {target}\n")


@pytest.mark.parametrize("target", ["someones_checks:mail_is_sent", "someones_checks:several"])
def test_other_packages_add_checks_by_the_same_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    installed(tmp_path, target)
    monkeypatch.syspath_prepend(str(tmp_path))
    *_, last = catalog()
    assert (last.id, last.family, last.title) == ("mail-is-sent", "someones_checks", "A mail can be sent")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("someones_checks:broken", "is no Check"),
        ("someones_checks:absent", "cannot be loaded: AttributeError"),
        ("nowhere:x", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_a_broken_package_is_named_and_nothing_runs(tmp_path: Path, app: Path, target: str, message: str) -> None:
    installed(tmp_path, target)
    (app / "schema.sql").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "infracheck.cli", "run", str(app)],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""
