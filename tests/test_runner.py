"""The runner: order, needs, head starts, exceptions, waivers, and nothing unscrubbed."""

import threading
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infracheck.context import Context
from infracheck.errors import ClientError, Interrupted, NotApplicable, Unavailable, Unclear
from infracheck.model import (
    Blocked,
    Check,
    Crashed,
    Failed,
    Finding,
    NotRun,
    Outcome,
    Passed,
    Result,
    Skipped,
    Undecided,
    Verdict,
    Waived,
    Waiver,
    check,
)
from infracheck.runner import Finished, Started, excused, not_run, run
from tests.helpers import make_context, results

TODAY = date(2026, 11, 22)


def asking(name: str, answer: Callable[[Context], Any], **options: Any) -> Check:
    def probe(ctx: Context) -> Verdict:
        """A check made for a test."""
        verdict: Verdict = answer(ctx)
        return verdict

    probe.__name__ = name
    return check(**options)(probe)


def answering(outcome: Outcome, ctx: Context) -> Outcome:
    return outcome


def raising(error: BaseException) -> Callable[[Context], Any]:
    def answer(ctx: Context) -> Any:
        raise error

    return answer


@pytest.fixture
def ctx(app: Path) -> Context:
    (app / "schema.sql").write_text("")
    (app / ".env.local").write_text("API_KEY=plainly-fake-value\n")
    return make_context(app)


def passing(name: str, **options: Any) -> Check:
    return asking(name, lambda _: Passed("fine"), **options)


def test_verdicts_come_in_order_each_announced_first(ctx: Context) -> None:
    first, second = passing("first"), passing("second")
    events = list(run([first, second], ctx))
    assert [(type(e), e.check.id if isinstance(e, Started) else e.result.check.id) for e in events] == [
        (Started, "first"),
        (Finished, "first"),
        (Started, "second"),
        (Finished, "second"),
    ]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NotApplicable("no auth here"), Skipped("no auth here")),
        (Unavailable("env-filled", "X is EMPTY"), Blocked("env-filled", "X is EMPTY")),
        (ClientError("refused", "start it", reproduce="curl x"), Failed("refused", "start it", reproduce="curl x")),
        (Unclear("timed out", "try again"), Undecided("timed out", "try again")),
    ],
)
def test_a_named_exception_becomes_its_outcome(ctx: Context, error: Exception, outcome: Outcome) -> None:
    assert results([asking("one", raising(error))], ctx)["one"].outcome == outcome


def test_an_unexpected_exception_is_a_crash_and_the_rest_still_runs(ctx: Context) -> None:
    found = results([asking("one", raising(ZeroDivisionError("oh"))), passing("two")], ctx)
    crash = found["one"].outcome
    assert isinstance(crash, Crashed)
    assert crash.error.startswith("ZeroDivisionError: oh (tests.test_runner:")
    assert found["two"].state == "passed"


def test_an_interrupt_passes_through_and_what_was_not_reached_is_not_run(ctx: Context) -> None:
    checks = [passing("one"), asking("two", raising(Interrupted())), passing("three")]
    done: list[Result] = []
    with pytest.raises(Interrupted):
        for event in run(checks, ctx):
            if isinstance(event, Finished):
                done.append(event.result)
    assert [(r.check.id, r.outcome) for r in not_run(checks, done)] == [("two", NotRun()), ("three", NotRun())]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda _: Passed("ok"), Passed("fine")),
        (lambda _: Failed("bad", "mend"), Blocked("one", "bad")),
        (lambda _: Undecided("slow", "wait"), Blocked("one", "slow")),
        (lambda _: Skipped("none here"), Skipped("needs one, which was skipped: none here")),
        (raising(Unavailable("zero", "gone")), Blocked("zero", "gone")),
    ],
)
def test_a_check_whose_need_did_not_pass(ctx: Context, answer: Callable[[Context], Any], expected: Outcome) -> None:
    one = asking("one", answer)
    assert results([one, passing("two", needs=[one])], ctx)["two"].outcome == expected


def test_a_need_that_was_not_selected_blocks_and_never_passes(ctx: Context) -> None:
    outcome = results([passing("two", needs=[passing("one")])], ctx)["two"].outcome
    assert outcome == Blocked("one", "one was not selected")


def test_what_does_not_apply_is_skipped_with_its_reason(ctx: Context) -> None:
    assert results([passing("one", applies=lambda _: "no such thing")], ctx)["one"].outcome == Skipped("no such thing")


def test_a_check_left_out_on_request_says_why(ctx: Context) -> None:
    [event] = [e for e in run([passing("one")], ctx, skip={"one": "not yet"}) if isinstance(e, Finished)]
    assert event.result.outcome == Skipped("left out on request: not yet")


def test_no_other_verdict_waits_for_a_paused_head_start(ctx: Context) -> None:
    gate = threading.Event()
    slow = asking("slow", lambda ctx: ctx.begun(slow))

    @slow.head_start()
    def begin(ctx: Context) -> Verdict:
        assert gate.wait(30)
        return Passed("at last")

    seen: list[str] = []
    checks = [passing("one"), passing("two"), slow, passing("three")]
    for event in run(checks, ctx):
        if isinstance(event, Started) and event.check is slow:
            assert seen == ["one", "two"]  # both verdicts are out although the head start still waits
            gate.set()
        if isinstance(event, Finished):
            seen.append(event.result.check.id)
    assert seen == ["one", "two", "slow", "three"]


def test_a_head_start_begins_only_after_what_it_waits_for(ctx: Context) -> None:
    order: list[str] = []

    def reads(_: Context) -> Verdict:
        order.append("read")
        return Passed("ok")

    read = asking("read", reads)
    boot = asking("boot", lambda ctx: ctx.begun(boot))

    @boot.head_start(after=[read])
    def begin(ctx: Context) -> Verdict:
        order.append("boot")
        return Passed("up")

    results([passing("zero"), read, boot], ctx)
    assert order == ["read", "boot"]


def test_the_error_of_a_head_start_is_the_verdict_of_its_check(ctx: Context) -> None:
    slow = asking("slow", lambda ctx: ctx.begun(slow))
    slow.head_start()(raising(ClientError("refused", "start it")))
    found = results([passing("one"), slow], ctx)
    assert found["one"].state == "passed"
    assert found["slow"].outcome == Failed("refused", "start it")


def test_a_head_start_of_a_blocked_or_skipped_check_never_begins(ctx: Context) -> None:
    begun: list[str] = []
    bad = asking("bad", lambda _: Failed("bad", "mend"))
    blocked = passing("blocked", needs=[bad])
    absent = passing("absent", applies=lambda _: "not here")
    for one in (blocked, absent):
        one.head_start()(lambda _: begun.append("begun"))
    results([bad, blocked, absent], ctx)
    assert begun == []


def test_every_leaf_text_is_scrubbed_before_a_result_exists(ctx: Context) -> None:
    leak = "plainly-fake-value"
    _ = ctx.env
    finding = Finding(leak, leak, leak, leak)
    outcomes: list[Outcome] = [
        Passed(leak, (finding,)),
        Failed(leak, leak, (finding,), leak),
        Undecided(leak, leak, (finding,)),
        Skipped(leak),
    ]
    checks = [asking(f"c{n}", partial(answering, o)) for n, o in enumerate(outcomes)]
    checks += [asking("crash", raising(ValueError(leak))), asking("blocked", raising(Unavailable("x", leak)))]
    for result in results(checks, ctx).values():
        assert leak not in repr(result.outcome), result.check.id
        assert "[secret]" in repr(result.outcome)


def waiver(subject: str = "*", expires: date | None = None) -> Waiver:
    return Waiver("one", subject, "agreed", expires, source="infracheck.toml:3")


FAILED = Failed(
    "two are bad", "mend", (Finding("A", "EMPTY"), Finding("B", "EMPTY"), Finding("C", "FILLED", level="info"))
)


def test_a_waiver_of_every_failing_finding_waives_and_stays_visible() -> None:
    one = passing("one")
    outcome = excused(one, FAILED, [waiver("A"), waiver("B")], TODAY)
    assert isinstance(outcome, Waived)
    assert [w.subject for w in outcome.waivers] == ["A", "B"]
    assert [(f.subject, f.level, f.note) for f in outcome.verdict.findings] == [
        ("A", "info", "waived: agreed"),
        ("B", "info", "waived: agreed"),
        ("C", "info", ""),
    ]


def test_a_waiver_of_one_finding_leaves_the_other_failing() -> None:
    outcome = excused(passing("one"), FAILED, [waiver("A")], TODAY)
    assert isinstance(outcome, Failed)
    assert [f.subject for f in outcome.findings if f.level == "fail"] == ["B"]


def test_an_expired_waiver_excuses_nothing_and_is_named() -> None:
    outcome = excused(passing("one"), FAILED, [waiver("*", date(2026, 11, 21))], TODAY)
    assert isinstance(outcome, Failed)
    assert [f.subject for f in outcome.findings if f.level == "fail"] == ["A", "B"]
    assert outcome.findings[-1] == Finding("*", "WAIVER EXPIRED", "on 2026-11-21: agreed", "infracheck.toml:3", "warn")


def test_a_waiver_of_another_check_or_of_a_crash_does_nothing() -> None:
    assert excused(passing("two"), FAILED, [waiver()], TODAY) == FAILED
    assert excused(passing("one"), Crashed("oh"), [waiver()], TODAY) == Crashed("oh")


def test_needs_look_at_the_unwaived_verdict(ctx: Context) -> None:
    one = asking("one", lambda _: FAILED)
    found = [
        e.result for e in run([one, passing("two", needs=[one])], ctx, waivers=[waiver()]) if isinstance(e, Finished)
    ]
    assert [r.state for r in found] == ["waived", "blocked"]


def test_nothing_excuses_the_check_that_judges_waivers() -> None:
    judge_of_waivers = passing("waivers_valid")
    assert excused(judge_of_waivers, FAILED, [Waiver("*", "*", "all is well")], TODAY) == FAILED
