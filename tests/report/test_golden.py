"""What each kind of run looks like, in every format; UPDATE_GOLDEN=1 writes the files anew, to be read and committed.

A name is scenario.exit-code.format, so that a listing of the folder tells which runs open the gate.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from infracheck.model import OUTCOMES, Report
from infracheck.report import json, markdown, terminal
from tests.report.scenarios import SCENARIOS

GOLDEN: Final = Path(__file__).parents[1] / "golden"
FORMATS: Final[dict[str, Callable[[Report], str]]] = {
    "txt": terminal.render,
    "md": markdown.render,
    "json": json.render,
}


def expected() -> list[Path]:
    return [
        GOLDEN / f"{name}.{int(make().exit_code)}.{extension}"
        for name, make in SCENARIOS.items()
        for extension in FORMATS
    ]


@pytest.mark.parametrize("path", expected(), ids=lambda path: path.name)
def test_a_report_reads_as_it_did(path: Path) -> None:
    name, _, extension = path.name.split(".")
    text = FORMATS[extension](SCENARIOS[name]())
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(GOLDEN.iterdir()), ids=lambda path: path.name)
def test_the_name_tells_the_exit_code(path: Path) -> None:
    name, code, _ = path.name.split(".")
    assert SCENARIOS[name]().exit_code == int(code)


def test_the_folder_holds_every_scenario_and_nothing_else() -> None:
    assert sorted(GOLDEN.iterdir()) == sorted(expected())


def test_the_scenarios_end_in_every_exit_code_and_hold_every_outcome() -> None:
    reports = [make() for make in SCENARIOS.values()]
    assert {int(report.exit_code) for report in reports} == {0, 1, 3, 5, 130, 143}
    assert {result.state for report in reports for result in report.results} == set(OUTCOMES.values())


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_format_can_be_written_as_utf8_and_ends_in_one_newline(name: str) -> None:
    for render in FORMATS.values():
        text = render(SCENARIOS[name]())
        text.encode("utf-8")
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
