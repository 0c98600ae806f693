"""Which variables an example marks optional, by which comment: the shapes and the traps of real examples."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infracheck.project import dotenv_next
from infracheck.project.optional import Mode, commented_out, marks
from tests.project.fixtures_env import EXAMPLES, Example


def assignments(text: str) -> list[tuple[str, int, bool]]:
    return [(each.key, each.line, not each.value) for each in dotenv_next.parse(text)]


def judge(text: str, mode: Mode = "wide") -> dict[str, str]:
    """Return the rule per variable, with "!" where the mark says required."""
    found = marks(text.splitlines(), assignments(text), mode=mode)
    return {key: mark.rule if mark.optional else f"!{mark.rule}" for key, mark in found.items()}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_each_variable_of_an_example(example: Example) -> None:
    found = judge(example.text)
    named = {key for key, _, _ in assignments(example.text)} | set(commented_out(example.lines))
    assert named == set(example.wide)
    assert {key: found.get(key, "-") for key in example.wide} == example.wide


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_team_s_rule_takes_only_an_adjacent_optional(example: Example) -> None:
    found = judge(example.text, "adjacent")
    assert {key for key, rule in found.items() if not rule.startswith("!")} == example.adjacent


def test_there_are_enough_shapes() -> None:
    assert sum(len(example.wide) for example in EXAMPLES) >= 100


@pytest.mark.parametrize(
    ("text", "line", "comment"),
    [
        ("A= # Optional: mail", 1, "Optional: mail"),
        ("# Mail.\n# Optional, see\n# the manual\nA=", 2, "Optional, see the manual"),
        ("# ==========\n#  OPTIONAL\n# ==========\n\nB=1\n\nA=", 2, "OPTIONAL"),
        ("# Mail (optional)\nB=\nA=", 1, "Mail (optional)"),
        ("# x\n# A=1", 2, ""),
        ('A="two\nlines" # optional', 2, "optional"),
    ],
)
def test_a_mark_names_the_comment_that_decided(text: str, line: int, comment: str) -> None:
    mark = marks(text.splitlines(), assignments(text), mode="wide")["A"]
    assert (mark.optional, mark.line, mark.comment) == (True, line, comment)


@pytest.mark.parametrize(
    "text",
    [
        "# Optional\nA=",
        "#optional\nA=",
        "# OPTIONAL: only for mail\nA=",
        "# Optional: only for mail\n# see the dashboard\nA=",
        "# (optional, falls back to B)\nA=",
        "# @optional\nA=",
        "# Optional: required only for mail\nA=",
        "A= # Optional",
        'A="" # optional',
        "A='x' # (optional)",
        'A="two\nlines" # optional',
    ],
)
@pytest.mark.parametrize("mode", ["wide", "adjacent"])
def test_an_adjacent_mark_holds_for_one_variable_only(text: str, mode: Mode) -> None:
    assert judge(f"{text}\nB=\n", mode).keys() == {"A"}
    assert not judge(f"{text}\nB=\n", mode)["A"].startswith("!")


@pytest.mark.parametrize(
    "text",
    [
        "# Optional\n\nA=",
        "# Optional\nB=\nA=",
        "# Optional\n# LOG_LEVEL=info\nA=",
        "# Optional settings follow\n# Required: the database\nA=",
        "# Other providers are optional below\nA=",
        "# Sentry (optional)\n\nA=",
        "# Optional: A, or\n\nA=",
        "# optional below\nA=",
        "# Optional later\nA=",
        "# Required: A. Optional: B.\nA=",
        "# Optional? No, this must be set.\nA=",
        "# This used to be optional\nA=",
        "# the optional cache\nA=",
        "# user:password, the password is optional\nA=",
        "# ---- Optional ----\nB=\n# -----------\nA=",
        "A",
    ],
)
@pytest.mark.parametrize("mode", ["wide", "adjacent"])
def test_anything_else_leaves_it_required(text: str, mode: Mode) -> None:
    found = marks(text.splitlines(), [("A", len(text.splitlines()), True)], mode=mode)
    assert "A" not in found or not found["A"].optional


def test_commented_out_assignments_are_documented_variables() -> None:
    text = "# LOG_LEVEL=info\n#export A_B = 1\n#C=\n## D=2\n# LOG_LEVEL=debug\n# NOTE=x\n# some TEXT=1\n# e.g. X=1\nE=1"
    assert commented_out(text.splitlines()) == {"LOG_LEVEL": 1, "A_B": 2, "C": 3, "D": 4}
    assert judge("# Required: fill it in\n# KEY=\n") == {"KEY": "!above"}
    assert judge("# KEY=\n", "adjacent") == {}


PIECES = st.sampled_from(
    [
        *("", "#", "# Optional", "# optional.", "# Required", "# Mail (optional)", "# and so on", "# not optional"),
        *("# ----", "# ---- Optional ----", "######", "## Optional", "# [[A OPTIONAL]]", "# A=1", "# @optional"),
        *(
            "A=",
            "A=1 # optional",
            'B="',
            '"',
            "B='x",
            "C: 1",
            "D",
            "export A=",
            "É=1",
            "# unless marked REQUIRED",
            "\ufeff",
        ),
    ]
)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=14))
def test_any_text_can_be_judged_and_the_narrow_rule_is_narrower(pieces: list[str]) -> None:
    text = "\n".join(pieces)
    narrow, wide = judge(text, "adjacent"), judge(text)
    assert all(line in range(1, len(pieces) + 1) for line in commented_out(pieces).values())
    assert {key for key, rule in narrow.items() if rule[0] != "!"} <= {k for k, rule in wide.items() if rule[0] != "!"}


@pytest.mark.parametrize(
    "piece", ["# optional ", "# ((", "# a, ", "=", "# ---", "####", "# is are not ", "# unless x "]
)
def test_a_long_line_takes_no_long_time(piece: str) -> None:
    judge(piece * (10_000 // len(piece)) + "\nA=\n")


@pytest.mark.parametrize("between", ["", "# note\n", "# Title\n", "# Service (optional)\n", "# ---- Part ----\n", "\n"])
def test_a_long_example_takes_no_long_time(between: str) -> None:
    text = "# ==== Optional ====\n" + "".join(f"{between}{chr(65 + n % 26)}_{n}=\n" for n in range(2000))
    assert len(judge(text)) == 2000
