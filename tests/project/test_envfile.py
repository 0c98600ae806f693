"""Env files: what is set where, what is optional, and which of several files wins."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from infracheck.errors import UsageError
from infracheck.project import envfile
from infracheck.project.envfile import Dialect, Entry, Environment
from infracheck.secret import Secret
from tests.helpers import write

DIALECTS: tuple[Dialect, ...] = ("next", "python")


def entries(folder: Path, text: str | bytes, dialect: Dialect = "next") -> dict[str, Entry]:
    """Return the variables of a file that is read as an example."""
    path = folder / ".env.local.example"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    env = envfile.load(folder, stage="execute-plan", example=path, env_file=None, process={}, dialect=dialect)
    return {entry.key: entry for entry in env.expected}


def load(folder: Path, process: Mapping[str, str] | None = None, stage: str = "execute-plan") -> Environment:
    example = folder / ".env.local.example"
    return envfile.load(
        folder, stage=stage, example=example if example.is_file() else None, env_file=None, process=process or {}
    )


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("export A=1", "1"),
        ("  A = 1  ", "1"),
        ("A='1 # 2'", "1 # 2"),
        ('A="1\\n2"', "1\n2"),
        ('A="1\n2"', "1\n2"),
        ("A=1 # note", "1"),
        ("A=", ""),
        ('A=""', ""),
        ("A= # note", ""),
        ("A=x=y", "x=y"),
        ('A="never closed', '"never closed'),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_values(app: Path, line: str, value: str, dialect: Dialect) -> None:
    read = entries(app, f"{line}\nB=2\n", dialect)
    assert read["A"].value == Secret(value)
    assert read["B"].value == Secret("2")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_lines_are_those_of_an_editor(app: Path, newline: str, start: str) -> None:
    lines = ["A=1", "", "# note", "", 'B="two', 'lines"', "  C=3", 'D="never closed', "E=5", "F=6"]
    read = entries(app, start + newline.join(lines))
    assert {key: entry.line for key, entry in read.items()} == {"A": 1, "B": 5, "C": 7, "D": 8, "E": 9, "F": 10}


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
def test_a_mark_beside_or_right_above_makes_a_variable_optional(app: Path, text: str) -> None:
    assert entries(app, f"{text}\nB=\n")["A"].optional
    assert not entries(app, f"{text}\nB=\n")["B"].optional


@pytest.mark.parametrize(
    "text",
    [
        "# Optional\n\nA=",
        "# Optional\nB=\nA=",
        "# Optional\n# LOG_LEVEL=info\nA=",
        "# Other providers are optional below\nA=",
        "# May be optional in the future\nA=",
        "# not optional\nA=",
        "# Optional in development, required in production\nA=",
        "# Optional settings follow\n# Required: the database\nA=",
        'A="x # optional"',
        "A=x#optional",
        "# Optionally signed\nA=",
    ],
)
def test_anything_else_leaves_it_required(app: Path, text: str) -> None:
    assert not entries(app, text)["A"].optional


def test_the_framework_s_order_of_files(app: Path) -> None:
    write(app, __env="A=env\nB=env\nC=env\nD=env", __env__local="A=local\nB=local\nD=")
    write(app, **{".env.development": "B=dev\nC=dev", ".env.production": "C=prod"})
    env = load(app, {"A": "process", "E": " "})
    seen = {name: (env[name].state, env[name].value.reveal(), env[name].origin) for name in "ABCDEF"}
    assert seen == {
        "A": ("FILLED", "process", "process environment"),
        "B": ("FILLED", "local", ".env.local:2"),
        "C": ("FILLED", "dev", ".env.development:2"),
        "D": ("EMPTY", "", ".env.local:3"),  # an empty value beats a filled one further down
        "E": ("EMPTY", " ", "process environment"),
        "F": ("MISSING", "", None),
    }
    assert load(app, stage="deploy-check")["C"].origin == ".env.production:1"


def test_of_two_assignments_the_last_wins(app: Path) -> None:
    write(app, __env__local="A=1\nA=2\n")
    assert load(app)["A"].origin == ".env.local:2"


def test_a_bare_name_sets_nothing_but_an_example_may_list_it(app: Path) -> None:
    write(app, __env__local="A\n", __env="A=1\n", __env__local__example="A\nsome prose\nB=\n")
    env = load(app)
    assert env["A"].origin == ".env:1"
    assert [entry.key for entry in env.expected] == ["A", "B"]


def test_every_value_is_known_to_the_scrubber(app: Path) -> None:
    write(app, __env__local="A=one\n", __env__local__example="B=\n")
    env = load(app, {"B": "two", "SOME_TOKEN": "three", "PATH": "four"})
    assert {(name, value.reveal()) for name, value in env.secrets()} == {
        ("A", "one"),
        ("B", "two"),
        ("SOME_TOKEN", "three"),
    }
    assert env.as_process()["A"] == "one"


@pytest.mark.parametrize("data", [b"A=\xff\xfe", "A=1".encode("utf-16")])
def test_what_is_no_utf8_text_is_a_usage_error_only_for_the_dialect_that_refuses_it(app: Path, data: bytes) -> None:
    with pytest.raises(UsageError, match="not UTF-8"):
        entries(app, data, "python")
    entries(app, data)  # Next.js reads on; the check of values says what it makes of it


def test_a_file_that_refers_to_itself_gives_nothing(app: Path) -> None:
    write(app, __env__local="A=1\nSELF=${SELF}x\n", __env="A=2\n")
    env = load(app)
    assert env["A"].origin == ".env:1"
    [dropped] = env.dropped
    assert (dropped.path.name, dropped.line) == (".env.local", 2)


def test_references_are_expanded_as_the_framework_does(app: Path) -> None:
    write(app, __env__local="HOST=db\nURL=postgres://$HOST/x\nCUT=pa$$word\n")
    env = load(app)
    assert env["URL"].value == Secret("postgres://db/x")
    assert env["CUT"].value == Secret("pa$")


def test_an_assignment_that_is_commented_out_is_optional(app: Path) -> None:
    found = entries(app, "A=\n# B=\n")
    assert (found["A"].optional, found["B"].optional) == (False, True)
