"""Reports in files: the pictures of the evidence stand beside those that can show them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from infracheck.errors import UsageError
from infracheck.evidence import Evidence
from infracheck.model import Finding, Passed, Report, Result, Target
from infracheck.outputs import Outputs, renderer
from tests.report.parts import BOOTS

PNG = b"\x89PNG\r\n\x1a\nnot much of a picture"


def report_of(*wheres: str) -> Report:
    findings = tuple(Finding(f"/page-{n}", "SCREENSHOT", "", where, "info") for n, where in enumerate(wheres))
    result = Result(BOOTS, Passed("fine", findings), 0.1)
    return Report((result,), Target("web"), "execute-plan", datetime(2026, 11, 22, tzinfo=UTC), 1.0, "0.1.0")


def written(root: Path, path: Path, report: Report, name: str = "markdown") -> str:
    outputs = Outputs.parse("terminal", [f"{name}={path}"], "never")
    outputs.finish(outputs.screen(report, {"TERM": "dumb"}), report, root)
    return path.read_text(encoding="utf-8")


def pictures(text: str) -> dict[str, str]:
    """Return alternative text -> source of the images that a Markdown reader makes of it."""
    found = {}
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        for child in token.children or []:
            if child.type == "image":
                found[child.content] = str(child.attrs["src"])
    return found


def shot(root: Path, name: str) -> str:
    path = Evidence(root).file("empty")
    assert path
    file = root / ".infracheck" / "evidence" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(PNG)
    return file.relative_to(root).as_posix()


def test_a_markdown_file_shows_the_pictures_that_stand_beside_it(app: Path, tmp_path: Path) -> None:
    where = shot(app, "shots/login.png")
    text = written(app, tmp_path / "out" / "deploy-check.md", report_of(where))
    assert pictures(text) == {"/page-0": "deploy-check.files/login.png"}
    assert (tmp_path / "out" / "deploy-check.files" / "login.png").read_bytes() == PNG
    assert f"`{where}`" in text


def test_elsewhere_the_path_of_the_evidence_stands_as_text(app: Path, tmp_path: Path) -> None:
    where = shot(app, "shots/login.png")
    assert where in written(app, tmp_path / "report.json", report_of(where), "json")
    shown = renderer("markdown")(report_of(where))
    assert f"`{where}`" in shown
    assert pictures(shown) == {}
    assert list(tmp_path.glob("*.files")) == []


def test_a_picture_that_is_gone_or_lies_elsewhere_is_only_named(app: Path, tmp_path: Path) -> None:
    (tmp_path / "other.png").write_bytes(PNG)
    gone = ".infracheck/evidence/shots/gone.png"
    text = written(app, tmp_path / "report.md", report_of(gone, "../other.png"))
    assert pictures(text) == {}
    assert gone in text
    assert list((tmp_path / "report.files").glob("*")) == []


def test_a_folder_is_no_file_to_write_to(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        Outputs.parse("json", [f"markdown={tmp_path}"], "never")
