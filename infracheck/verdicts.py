"""What a check may say, and what the runner may record instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

Level = Literal["fail", "warn", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of evidence: a subject (`SENTRY_DSN`, `public.users`) and its state (`EMPTY`, `PRESENT`)."""

    subject: str
    state: str
    note: str = ""
    where: str | None = None  # file:line, relative to the app
    level: Level = "fail"


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding excused by someone, with the reason; `check` and `subject` are globs."""

    check: str
    subject: str
    reason: str
    expires: date | None = None
    approved_by: str | None = None
    source: str = ""  # file:line


@dataclass(frozen=True, slots=True)
class Passed:
    """It is so. Findings are evidence, of level info or warn."""

    summary: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """It is not so. There is always a remedy: a failure without a way out cannot be built."""

    summary: str
    remedy: str
    findings: tuple[Finding, ...] = ()
    reproduce: str | None = None

    def __post_init__(self) -> None:
        if not self.remedy.strip():
            raise ValueError(f"a failure needs a remedy: {self.summary}")


@dataclass(frozen=True, slots=True)
class Skipped:
    """It does not apply here, or somebody asked to leave it out; always listed under "not proven"."""

    reason: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """It could not be told. Never a pass."""

    reason: str
    remedy: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Blocked:
    """Not run: the check `by` says why. Made by the runner alone."""

    by: str
    because: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """infracheck itself could not finish this check. Made by the runner alone."""

    error: str


@dataclass(frozen=True, slots=True)
class Waived:
    """Every failing finding is excused; the verdict stays visible. Made by the runner alone."""

    verdict: Failed
    waivers: tuple[Waiver, ...]


@dataclass(frozen=True, slots=True)
class NotRun:
    """The run was interrupted before this check had a verdict. Made by the runner alone."""

    reason: str = "interrupted"


Verdict = Passed | Failed | Skipped | Undecided
Outcome = Verdict | Blocked | Crashed | Waived | NotRun

OUTCOMES: Final[Mapping[type, str]] = {
    Passed: "passed",
    Failed: "failed",
    Skipped: "skipped",
    Undecided: "undecided",
    Blocked: "blocked",
    Crashed: "crashed",
    Waived: "waived",
    NotRun: "not-run",
}
"""The public name of each outcome, in the order in which reports count them."""
