"""env-filled: what a user is told about each variable of the example."""

import secrets
from pathlib import Path

import pytest

from infracheck.checks.env import env_filled
from infracheck.model import Failed, Finding, Outcome, Passed, Skipped, Undecided
from infracheck.runner import Finished, run
from infracheck.settings import AppSettings, Settings
from tests.helpers import judge, make_context, states, write

CANARY = f"canary{secrets.token_hex(8)}"
EXAMPLE = """\
# The database
DATABASE_URL=
NEON_AUTH_BASE_URL=

# Optional: mail
RESEND_API_KEY=
LOG_LEVEL= # optional
"""


def outcome(app: Path, process: dict[str, str] | None = None, settings: Settings | None = None) -> Outcome:
    found = judge(env_filled, make_context(app, process=process, settings=settings))
    assert CANARY not in repr(found)
    return found


def row(found: Outcome, subject: str) -> Finding:
    assert isinstance(found, Passed | Failed | Undecided)
    return next(finding for finding in found.findings if finding.subject == subject)


@pytest.mark.green("env-filled")
def test_every_required_variable_has_a_value(app: Path) -> None:
    write(app, __env__local__example=EXAMPLE, __env__local=f"NEON_AUTH_BASE_URL=x\n\nDATABASE_URL={CANARY}\n")
    found = outcome(app)
    assert isinstance(found, Passed)
    assert found.summary == "2 of 2 required variables have a value"
    assert [(f.subject, f.state, f.where, f.level) for f in found.findings] == [
        ("DATABASE_URL", "FILLED", ".env.local:3", "info"),
        ("NEON_AUTH_BASE_URL", "FILLED", ".env.local:1", "info"),
        ("RESEND_API_KEY", "OPTIONAL", ".env.local.example:6", "info"),
        ("LOG_LEVEL", "OPTIONAL", ".env.local.example:7", "info"),
    ]
    assert row(found, "RESEND_API_KEY").note == "MISSING; Optional: mail"


@pytest.mark.red("env-filled")
def test_an_empty_variable_is_named_with_its_line(app: Path) -> None:
    write(app, __env__local__example=EXAMPLE, __env__local=f"DATABASE_URL={CANARY}\n\nNEON_AUTH_BASE_URL=\n")
    found = outcome(app)
    assert isinstance(found, Failed)
    assert found.summary == "1 of 2 required variables has no value"
    assert found.remedy == "put a value after NEON_AUTH_BASE_URL= in .env.local:3"
    assert row(found, "NEON_AUTH_BASE_URL") == Finding("NEON_AUTH_BASE_URL", "EMPTY", "", ".env.local:3", "fail")
    assert row(found, "DATABASE_URL").state == "FILLED"


@pytest.mark.parametrize("written", ["", '""', "''", "   ", '"  "', " # to do", '"\t"'])
def test_each_way_to_write_nothing_is_empty(app: Path, written: str) -> None:
    write(app, __env__local__example="A=\n", __env__local=f"A={written}\n")
    assert row(outcome(app), "A").state == "EMPTY"


def test_a_missing_variable_is_shown_where_the_example_names_it(app: Path) -> None:
    write(app, __env__local__example=EXAMPLE, __env__local=f"DATABASE_URL={CANARY}\n")
    found = outcome(app)
    assert isinstance(found, Failed)
    assert row(found, "NEON_AUTH_BASE_URL") == Finding(
        "NEON_AUTH_BASE_URL", "MISSING", "", ".env.local.example:3", "fail"
    )
    assert found.remedy == "add NEON_AUTH_BASE_URL= with a value to .env.local"


def test_several_gaps_are_one_remedy(app: Path) -> None:
    write(app, __env__example="".join(f"V{n}=\n" for n in range(9)), __env="V0=\nV1=\n")
    found = outcome(app, {"V2": ""})
    assert isinstance(found, Failed)
    assert found.summary == "9 of 9 required variables have no value"
    assert found.remedy == (
        "put values after V0= in .env:1 and V1= in .env:2; "
        "give V2 a value in the process environment, or unset it there; "
        "add V3=, V4=, V5=, V6= and 2 more with values to .env"
    )


def test_in_ci_values_come_from_the_process_environment(app: Path) -> None:
    write(app, __env__local__example=EXAMPLE)
    found = outcome(app, {"CI": "true", "DATABASE_URL": CANARY})
    assert isinstance(found, Failed)
    assert row(found, "DATABASE_URL").note == "process environment"
    assert row(found, "DATABASE_URL").where == ".env.local.example:2"
    assert found.summary.endswith("there is no env file, and the process environment lacks them")
    assert found.remedy.startswith("give the job NEON_AUTH_BASE_URL in its environment")


def test_without_any_env_file_the_example_is_copied(app: Path) -> None:
    write(app, __env__local__example="A=\nB=\n")
    found = outcome(app)
    assert isinstance(found, Failed)
    assert found.remedy == "cp .env.local.example .env.local, then put values after A= and B= in .env.local"


def test_a_next_app_keeps_its_values_out_of_git(app: Path) -> None:
    write(app, __env__example="A=\n", package__json='{"dependencies": {"next": "16.0.0"}}')
    found = outcome(app)
    assert isinstance(found, Failed)
    assert found.remedy == "cp .env.example .env.local, then put a value after A= in .env.local"


def test_what_beats_what_is_said(app: Path) -> None:
    write(app, __env__local__example="A=\nB=\nC=\n", __env__local="A=\nB=1\nC=1\n", __env=f"A={CANARY}\n")
    found = outcome(app, {"B": "", "C": CANARY})
    assert row(found, "A").note == "beats .env:1, which has a value"
    assert row(found, "B").note == "set but empty in the process environment, which beats .env.local:2"
    assert row(found, "C").note == "process environment, which beats .env.local:3"
    assert states(found.findings if isinstance(found, Failed) else ()) == {"A": "EMPTY", "B": "EMPTY", "C": "FILLED"}


def test_no_example_is_undecided_and_shows_what_is_there(app: Path) -> None:
    write(app, __env__local=f"A={CANARY}\nB=\n")
    found = outcome(app)
    assert isinstance(found, Undecided)
    assert "write .env.local.example" in found.remedy
    assert states(found.findings) == {"A": "FILLED", "B": "EMPTY"}


@pytest.mark.parametrize(
    ("example", "reason"),
    [
        (None, "no env file"),
        ("# nothing yet\n", ".env.example names no variable"),
        ("# Optional\nA=\n", ".env.example marks every variable optional"),
    ],
)
def test_nothing_passes_for_want_of_a_question(app: Path, example: str | None, reason: str) -> None:
    write(app, schema__sql="", **({"__env__example": example} if example else {}))
    found = outcome(app)
    assert isinstance(found, Skipped)
    assert reason in found.reason


def test_the_configured_files_are_the_ones_read(app: Path) -> None:
    write(app, config___env__sample="A=\n", config___env__here="A=\n", package__json="{}")
    settings = Settings(app=AppSettings(env_file="config/env.here", env_example="config/env.sample"))
    found = outcome(app, settings=settings)
    assert isinstance(found, Failed)
    assert found.remedy == "put a value after A= in config/env.here:1"


def test_a_value_that_spans_lines_or_holds_control_characters_never_shows(app: Path) -> None:
    key = f"-----BEGIN KEY-----\n{CANARY}{CANARY}\n-----END KEY-----"
    write(app, __env__example="A=\nB=\n", __env=f'A="{key}"\nB=\n')
    assert row(outcome(app), "A").state == "FILLED"


STATE = """# State

## Decisions Log (append-only)

- 2026-04-05 (revised): **deploy-check** PM excludes SENTRY_ORG, SENTRY_PROJECT from the blocking env check
- 2026-04-06: PM Sentry DSN exempt
"""


def test_an_exemption_that_names_the_variable_waives_it_and_another_does_not(app: Path) -> None:
    names = ["SENTRY_ORG", "SENTRY_PROJECT", "SENTRY_DSN"]
    write(app, __env__local__example="".join(f"{name}=\n" for name in names))
    (app / "project-state.md").write_text(STATE)
    ctx = make_context(app)
    [*_, last] = [e for e in run([env_filled], ctx, waivers=ctx.waivers.in_force) if isinstance(e, Finished)]
    found = last.result.outcome
    assert isinstance(found, Failed)
    by_level = {one.subject: (one.state, one.level) for one in found.findings}
    assert by_level == {
        "SENTRY_ORG": ("EXEMPT", "info"),
        "SENTRY_PROJECT": ("EXEMPT", "info"),
        "SENTRY_DSN": ("MISSING", "fail"),
    }
    (app / ".env.local").write_text("SENTRY_DSN=https://x@o1.ingest.sentry.io/1\n")
    ctx = make_context(app)
    [*_, last] = [e for e in run([env_filled], ctx, waivers=ctx.waivers.in_force) if isinstance(e, Finished)]
    assert last.result.state == "waived"
