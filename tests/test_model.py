"""What a run adds up to: nothing passes vacuously."""

from datetime import UTC, datetime
from typing import Any

import pytest

from infracheck.context import Context
from infracheck.errors import ExitCode
from infracheck.model import (
    Blocked,
    Check,
    Crashed,
    Failed,
    Finding,
    NotRun,
    Outcome,
    Passed,
    Report,
    Result,
    Skipped,
    Target,
    Undecided,
    Verdict,
    Waived,
    check,
)

PASS, FAIL = Passed("ok"), Failed("bad", "mend it")


@check(proves=4)
def sample(ctx: Context) -> Verdict:
    """A sample is judged.

    Because a test needs one.
    """
    return PASS


def report(*outcomes: Outcome, **options: Any) -> Report:
    results = tuple(Result(sample, outcome, 0.1) for outcome in outcomes)
    return Report(results, Target("app"), "execute-plan", datetime(2026, 11, 22, tzinfo=UTC), 1.0, "0", **options)


@pytest.mark.parametrize(
    ("outcomes", "code", "verdict"),
    [
        ([PASS], ExitCode.PASS, "pass"),
        ([PASS, Skipped("none")], ExitCode.PASS, "pass"),
        ([PASS, Waived(FAIL, ())], ExitCode.PASS, "pass"),
        ([PASS, FAIL], ExitCode.FAIL, "fail"),
        ([FAIL, Crashed("oh"), Undecided("slow", "wait")], ExitCode.FAIL, "fail"),
        ([PASS, Undecided("slow", "wait")], ExitCode.UNDECIDED, "undecided"),
        ([PASS, Crashed("oh")], ExitCode.UNDECIDED, "undecided"),
        ([PASS, Blocked("another", "not selected")], ExitCode.UNDECIDED, "undecided"),
        ([], ExitCode.EMPTY, "empty"),
        ([Skipped("none"), Skipped("none")], ExitCode.EMPTY, "empty"),
        ([Waived(FAIL, ())], ExitCode.EMPTY, "empty"),
        ([PASS, NotRun()], ExitCode.UNDECIDED, "undecided"),
    ],
)
def test_the_exit_code_is_what_the_outcomes_add_up_to(outcomes: list[Outcome], code: ExitCode, verdict: str) -> None:
    one = report(*outcomes)
    assert one.exit_code == code
    assert one.verdict == verdict


@pytest.mark.parametrize("code", [ExitCode.INTERRUPTED, ExitCode.TERMINATED])
def test_an_interrupted_run_says_so_whatever_it_found(code: ExitCode) -> None:
    assert report(PASS, NotRun(), interrupted=code).exit_code == code
    assert report(FAIL, NotRun(), interrupted=code).verdict == "interrupted"


def test_strict_fails_on_warnings_and_on_a_skipped_item_of_the_workflow() -> None:
    warned = Passed("ok", (Finding("X", "ODD", level="warn"),))
    assert report(warned).exit_code == ExitCode.PASS
    assert report(warned, strict=True).exit_code == ExitCode.FAIL
    assert report(PASS, Skipped("none"), strict=True).exit_code == ExitCode.FAIL
    assert report(PASS, strict=True).exit_code == ExitCode.PASS


def test_the_next_step_is_the_remedy_of_the_first_cause() -> None:
    assert report(Blocked("x", "y"), Undecided("slow", "wait"), FAIL).next_step == "mend it"
    assert report(PASS, Undecided("slow", "wait")).next_step == "wait"
    assert report(PASS).next_step is None


def test_counts_name_every_outcome() -> None:
    counts = report(PASS, FAIL, Skipped("x"), Waived(FAIL, ()), NotRun()).counts
    assert counts == {
        "passed": 1,
        "failed": 1,
        "skipped": 1,
        "undecided": 0,
        "blocked": 0,
        "crashed": 0,
        "waived": 1,
        "not-run": 1,
    }


def test_a_failure_without_a_remedy_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="needs a remedy"):
        Failed("bad", " ")


def test_a_check_without_a_docstring_does_not_import() -> None:
    def bare(ctx: Context) -> Verdict:
        return PASS

    with pytest.raises(TypeError, match="no docstring"):
        check()(bare)


def test_a_check_is_named_and_explained_by_its_function() -> None:
    assert isinstance(sample, Check)
    assert (sample.id, sample.family, sample.title) == ("sample", "test_model", "A sample is judged")
    assert sample.why == "Because a test needs one."
