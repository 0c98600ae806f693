"""What a check is, and what a run of the gate adds up to."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from infracheck.actions import Action, Desk, Question
from infracheck.errors import ExitCode
from infracheck.verdicts import (
    OUTCOMES,
    Blocked,
    Crashed,
    Failed,
    Finding,
    Level,
    NotRun,
    Outcome,
    Passed,
    Skipped,
    Undecided,
    Verdict,
    Waived,
    Waiver,
)

if TYPE_CHECKING:
    from infracheck.context import Context

__all__ = [
    "OUTCOMES",
    "WORKFLOW",
    "Action",
    "Blocked",
    "Check",
    "Crashed",
    "Desk",
    "Failed",
    "Finding",
    "HeadStart",
    "Level",
    "NotRun",
    "Outcome",
    "Passed",
    "Question",
    "Report",
    "Result",
    "Skipped",
    "Stage",
    "Target",
    "Undecided",
    "Verdict",
    "Waived",
    "Waiver",
    "check",
]

Stage = Literal["execute-plan", "deploy-check"]


WORKFLOW: Final[Mapping[int, str]] = {
    1: "the database project exists and DATABASE_URL is a real connection string",
    2: "schema.sql has been applied: every expected table stands in information_schema.tables",
    3: "the auth provider is provisioned and a one-time-password login works",
    4: "every variable of the example that is not marked optional has a real value",
    5: "the Sentry project exists and its four variables are filled, unless exempted by name",
    6: "npm run dev boots without errors and the core user flow works end to end",
}
"""The six items a team must show before a plan is closed; a check names the one it proves."""


Probe = Callable[["Context"], Verdict]
Applies = Callable[["Context"], str | None]
Provision = Callable[["Context", Desk], Iterator[Action | Question]]
Begin = TypeVar("Begin", bound=Callable[["Context"], Any])


@dataclass(frozen=True, slots=True)
class HeadStart:
    """Slow work that begins in a thread, early; its value is collected by the check.

    It waits for the verdicts of `after`; where that is None, for those of all that the check needs.
    """

    begin: Callable[["Context"], Any]
    after: "tuple[Check, ...] | None"


class Check:
    """A question with an id, a title, the reason it is asked, and the function that answers it.

    Checks that are made from the settings share one function: `name` is then the id, and `doc` the docstring.

    Raises:
        TypeError: the function has no docstring; its first line is the title and the rest the reason.
    """

    def __init__(
        self,
        probe: Probe,
        *,
        needs: Sequence["Check"],
        applies: Applies | None,
        proves: int | None,
        family: str | None = None,
        name: str | None = None,
        doc: str | None = None,
    ) -> None:
        doc = doc or inspect.getdoc(probe)
        if not doc:
            raise TypeError(f"check {probe.__name__} has no docstring: its first line is the title")
        self.id = name or probe.__name__.replace("_", "-")
        self.docs = f"docs/checks.md#{self.id}"
        self.family = family or probe.__module__.rpartition(".")[2]
        self.title, _, why = doc.partition("\n\n")
        self.title = " ".join(self.title.split()).removesuffix(".")
        self.why = inspect.cleandoc(why)
        self.needs = tuple(needs)
        self.probe = probe
        self.applies = applies
        self.proves = proves
        self.starts: HeadStart | None = None
        self.provision: Provision | None = None

    def head_start(self, *, after: "Sequence[Check] | None" = None) -> Callable[[Begin], Begin]:
        """Register slow work to begin early: once those in `after` have their verdicts, else all that is needed."""

        def register(begin: Begin) -> Begin:
            self.starts = HeadStart(begin, None if after is None else tuple(after))
            return begin

        return register

    def provisioned_by(self, provision: Provision) -> Provision:
        """Register the way to make it true, as announced steps (see `actions`)."""
        self.provision = provision
        return provision

    def __repr__(self) -> str:
        return f"<check {self.id}>"


def check(
    *,
    needs: Sequence[Check] = (),
    applies: Applies | None = None,
    proves: int | None = None,
    family: str | None = None,
) -> Callable[[Probe], Check]:
    """Make a Check from a function.

    Args:
        needs: checks without which nothing at all could be told; objects, so that a typo fails at import.
        applies: tells from the disk alone why the check does not apply here, or None when it does.
        proves: the item of WORKFLOW that this check shows.
        family: the subject it belongs to; its module's name unless given.
    """
    return lambda probe: Check(probe, needs=needs, applies=applies, proves=proves, family=family)


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one check; every text in it is scrubbed."""

    check: Check
    outcome: Outcome
    seconds: float

    @property
    def state(self) -> str:
        """The public name of the outcome: passed, failed, skipped, ..."""
        return OUTCOMES[type(self.outcome)]

    @property
    def findings(self) -> tuple[Finding, ...]:
        outcome = self.outcome.verdict if isinstance(self.outcome, Waived) else self.outcome
        return outcome.findings if isinstance(outcome, Passed | Failed | Undecided) else ()

    @property
    def warned(self) -> bool:
        return any(finding.level == "warn" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Target:
    """What was judged: the app's folder as the user knows it, and the commit it stands on (None outside git)."""

    root: str
    commit: str | None = None
    branch: str | None = None
    dirty: bool | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run: the results in the order of the gate, and the one verdict and exit code they add up to."""

    results: tuple[Result, ...]
    target: Target
    stage: Stage
    started_at: datetime
    seconds: float
    version: str
    inputs: Mapping[str, str] = field(default_factory=dict)  # file -> "sha256:..."
    strict: bool = False
    interrupted: ExitCode | None = None

    @property
    def counts(self) -> dict[str, int]:
        return {name: sum(result.state == name for result in self.results) for name in OUTCOMES.values()}

    @property
    def exit_code(self) -> ExitCode:
        """The only place where outcomes become an exit code. Nothing passes vacuously."""
        counts = self.counts
        if self.interrupted:
            return self.interrupted
        if counts["failed"] or (self.strict and self.strict_breaches):
            return ExitCode.FAIL
        if counts["undecided"] or counts["crashed"] or counts["blocked"] or counts["not-run"]:
            return ExitCode.UNDECIDED
        return ExitCode.PASS if counts["passed"] else ExitCode.EMPTY

    @property
    def verdict(self) -> Literal["pass", "fail", "undecided", "empty", "interrupted"]:
        match self.exit_code:
            case ExitCode.PASS:
                return "pass"
            case ExitCode.FAIL:
                return "fail"
            case ExitCode.EMPTY:
                return "empty"
            case ExitCode.INTERRUPTED | ExitCode.TERMINATED:
                return "interrupted"
            case _:
                return "undecided"

    @property
    def strict_breaches(self) -> tuple[Result, ...]:
        """What `--strict` does not let pass: warnings, and an item of the workflow that was skipped."""
        return tuple(r for r in self.results if r.warned or (r.check.proves and isinstance(r.outcome, Skipped)))

    @property
    def causes(self) -> tuple[Result, ...]:
        """The results to act on, the first one first: failed, else crashed or undecided, else blocked."""
        for states in ({"failed"}, {"crashed", "undecided"}, {"blocked"}):
            if found := tuple(result for result in self.results if result.state in states):
                return found
        return ()

    @property
    def next_step(self) -> str | None:
        """What the first cause asks for, or None where there is none."""
        if not self.causes:
            return None
        match self.causes[0].outcome:
            case Failed(remedy=remedy) | Undecided(remedy=remedy):
                return remedy
            case Crashed():
                return f"infracheck itself broke in {self.causes[0].check.id}: report it with the line that says where"
            case Blocked(by=by):
                return f"run `{by}` too: it says what is missing"
            case _:
                return None
