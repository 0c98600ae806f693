"""The report for a terminal: nothing lost, nothing too wide, the same live and afterwards."""

import io
import re
import subprocess
import sys
from typing import Final

import pytest

from infracheck.model import Failed, Finding, Passed, Skipped
from infracheck.report import terminal
from infracheck.report.ink import Ink
from infracheck.report.text import cells, longest_piece
from infracheck.runner import Finished, Started
from tests.report.parts import CONNECTS, ENV, FLOW, TABLES, report
from tests.report.scenarios import SCENARIOS

ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")
INDENT: Final = 17  # the deepest a wrapped text stands in


def shown_live(name: str, out: io.TextIOBase, *, color: bool = False, width: int = 100) -> str:
    """Return what stands on standard error after a run was watched on `out`."""
    made = SCENARIOS[name]()
    err = io.StringIO()
    screen = terminal.Screen(made, out=out, err=err, color=color, live=False, width=width)  # type: ignore[arg-type]
    for result in made.results:
        if result.state != "not-run":
            screen.show(Started(result.check))
            screen.show(Finished(result))
    screen.close(made)
    screen.close(made)  # a second time does nothing
    return err.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize("name", SCENARIOS)
def test_live_and_afterwards_read_the_same(name: str, width: int) -> None:
    out = io.StringIO()
    assert shown_live(name, out, width=width) == ""
    assert out.getvalue() == terminal.render(SCENARIOS[name](), width=width)


@pytest.mark.parametrize("width", [60, 73, 100, 120])
@pytest.mark.parametrize("name", SCENARIOS)
def test_colour_changes_nothing_but_colour(name: str, width: int) -> None:
    colored = terminal.render(SCENARIOS[name](), width=width, color=True)
    assert "\x1b[" in colored
    assert ANSI.sub("", colored) == terminal.render(SCENARIOS[name](), width=width)


@pytest.mark.parametrize("width", [60, 61, 73, 80, 100, 120])
@pytest.mark.parametrize("name", SCENARIOS)
def test_no_line_is_wider_than_the_terminal_unless_a_word_is(name: str, width: int) -> None:
    copied = False
    for line in terminal.render(SCENARIOS[name](), width=width).splitlines():
        assert line == line.rstrip()
        # A reproducer is there to be pasted and keeps its lines.
        copied = line.strip().startswith("↻") or (copied and line.startswith(" " * INDENT))
        assert copied or cells(line) <= width or longest_piece(line) > width - INDENT - 13, line


def test_widths_stay_between_sixty_and_a_hundred_and_twenty() -> None:
    made = SCENARIOS["red"]()
    assert terminal.render(made, width=20) == terminal.render(made, width=60)
    assert terminal.render(made, width=400) == terminal.render(made, width=120)


@pytest.mark.parametrize("width", [60, 100])
@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "long-evidence"])
def test_no_text_is_lost(name: str, width: int) -> None:
    made = SCENARIOS[name]()
    text = squeezed(re.sub(r" +\d+\.\d s$", "", terminal.render(made, width=width), flags=re.MULTILINE))
    for result in made.results:
        for finding in result.findings:
            if finding.level != "info":
                for part in (finding.subject, finding.state, finding.note, finding.where or ""):
                    assert squeezed(Ink(color=False).say(part)) in text
        for part in ("summary", "remedy", "reproduce", "reason", "error"):
            said = getattr(result.outcome, part, None) or ""
            if result.state != "not-run":
                assert squeezed(Ink(color=False).say(said)) in text


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_long_evidence_folds_and_says_where_it_is_complete() -> None:
    text = terminal.render(SCENARIOS["long-evidence"]())
    assert len(re.findall(r"public\.table_\d\d +MISSING", text)) == 12
    assert "… and 8 more (complete in --format json)" in text
    assert "also 31 PRESENT, 1 MISSING waived" in text


def test_blocked_checks_with_one_cause_share_a_line_and_others_do_not() -> None:
    red = terminal.render(SCENARIOS["red"]())
    assert "           ▪ schema-tables, schema-matches, auth-otp-login: not run, database-connects failed\n" in red
    ended = terminal.render(SCENARIOS["terminated"]())
    assert "           ▪ database-connects, schema-tables: not run, DATABASE_URL is EMPTY (env-filled)\n" in ended


def test_a_family_is_named_once_in_a_row() -> None:
    lines = terminal.render(SCENARIOS["green"]()).splitlines()
    assert [line[:11].strip() for line in lines[2:9]] == ["env", "database", "schema", "auth", "sentry", "server", ""]


@pytest.mark.parametrize(
    ("name", "verdict", "step"),
    [
        ("green", "PASS · the gate is open · 7 passed · 11.9 s", ""),
        (
            "red",
            "FAIL · the gate is closed: 2 causes, 3 checks blocked · 5 passed, 2 failed, 2 skipped · 11.9 s",
            "next: write `\\$` for `$` in .env.local:3; put a real key into .env.local:11, then `infracheck run`",
        ),
        (
            "strict",
            "FAIL · the gate is closed: --strict does not let 1 check pass · 7 passed, 1 skipped, 1 warning · 11.9 s",
            "next: clear what env-filled warns of: LEGACY_KEY UNDOCUMENTED, then `infracheck run --strict`",
        ),
        (
            "undecided",
            "UNDECIDED · the gate stays closed: 1 check gave no answer · 6 passed, 1 undecided · 18.4 s",
            "next: wait a minute, or ask for a higher rate, then `infracheck run`",
        ),
        (
            "blocked-outside",
            "UNDECIDED · the gate stays closed: 2 checks could not run · 1 passed · 0.1 s",
            "next: run `database-connects` too: it says what is missing",
        ),
        (
            "empty",
            "EMPTY · nothing was checked, and nothing passes by itself · 0.1 s",
            "next: `infracheck list` says which checks apply here, and why the others do not",
        ),
        (
            "interrupted",
            "INTERRUPTED · stopped by Ctrl-C, nothing is decided, 3 checks not reached · 4 passed · 0.8 s",
            "next: `infracheck run` once more, to the end",
        ),
        (
            "terminated",
            (
                "INTERRUPTED · stopped by a signal, the gate is closed: 1 cause so far, 2 checks blocked, "
                "3 checks not reached · 1 failed · 0.1 s"
            ),
            "next: put a value into .env.local:3, then `infracheck run`",
        ),
    ],
)
def test_the_last_lines_are_the_verdict_and_the_next_step(name: str, verdict: str, step: str) -> None:
    text = terminal.render(SCENARIOS[name](), width=120)
    end = [" ".join(line.split()) for line in text.rstrip("\n").split("\n\n")[-1].split("\n")]
    assert " ".join(end) == f"{verdict} {step}".strip()


def test_what_was_skipped_stands_under_not_proven() -> None:
    text = terminal.render(SCENARIOS["red"](), width=60)
    assert "\nnot proven   database-provisioned   NEON_API_KEY is not set\n" in text
    assert "\nnot reached   server-boots, server-stops, user-flow\n" in terminal.render(SCENARIOS["interrupted"]())


def test_a_remedy_that_runs_infracheck_gets_no_second_command() -> None:
    failed = Failed("x", "fill it, then `infracheck run --only env`.", (Finding("A", "EMPTY"),))
    assert terminal.render(report(((ENV, failed, 0.0),))).endswith(
        "\nnext: fill it, then `infracheck run --only env`\n"
    )


def test_the_deploy_check_is_asked_again_as_it_was_asked() -> None:
    text = terminal.render(report(((ENV, Failed("x", "fill it."), 0.0),), stage="deploy-check", strict=True))
    assert text.endswith("\nnext: fill it, then `infracheck run --stage deploy-check --strict`\n")


def test_each_line_is_there_as_soon_as_its_check_has_finished() -> None:
    class Watched(io.StringIO):
        flushed = ""

        def flush(self) -> None:
            self.flushed = self.getvalue()

    out, made = Watched(), SCENARIOS["green"]()
    screen = terminal.Screen(made, out=out, err=io.StringIO(), color=False, live=False, width=100)
    assert out.flushed == "infracheck 0.1.0 · web · deploy-check · 3f2a91c\n\n"
    screen.show(Started(made.results[0].check))
    screen.show(Finished(made.results[0]))
    assert out.flushed.endswith("have a value                                          0.0 s\n")


def test_a_report_in_a_pipe_never_loads_rich() -> None:
    code = """
import sys
from infracheck.report import json, markdown, terminal
from tests.report.scenarios import SCENARIOS
made = SCENARIOS["red"]()
screen = terminal.Screen(made, out=sys.stdout, err=sys.stderr, color=True, live=False, width=100)
screen.close(made)
json.render(made), markdown.render(made)
assert not [name for name in sys.modules if name.split(".")[0] == "rich"]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_title_family_and_reason_of_any_length_fit() -> None:
    rows = ((ENV, Passed("p" * 200), 0.0), (CONNECTS, Skipped("s " * 100), 0.0), (FLOW, Skipped("r" * 99), 0.0))
    text = terminal.render(report((*rows, (TABLES, Failed("f " * 99, "m " * 99), 9999.9))), width=60)
    assert "p" * 200 in text
    assert text.count("s ") >= 90
    assert "9999.9 s" in text
