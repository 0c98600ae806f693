"""What is excused in a run, by whom, and what it excused: waivers of the settings and exemptions of the logs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from infracheck.model import Waiver
from infracheck.project import statelog
from infracheck.project.appidentity import identify
from infracheck.project.detect import Project
from infracheck.project.exemption import Exemption, Exemptions, Rejected, exemptions
from infracheck.project.statelog import StateLog

Read = Callable[[Path], str | None]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where excuses may stand, and what they are read with."""

    project: Project
    variables: tuple[str, ...]  # that the app knows
    state: Path | None = None  # project-state.md
    result: Path | None = None  # this cycle's deploy-check result
    defaults: Mapping[str, Any] = field(default_factory=dict)  # of all settings, nested as in the file


@dataclass(frozen=True, slots=True)
class WaiverSet:
    """All that excuses something in this run."""

    configured: tuple[Waiver, ...] = ()  # [[waiver]] of the settings
    exemptions: Exemptions = field(default_factory=Exemptions)

    @property
    def in_force(self) -> tuple[Waiver, ...]:
        return self.configured + self.exemptions.in_force

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        return self.exemptions.rejected

    def exempts(self, variable: str) -> Exemption | None:
        """Return what allows a variable to stay empty."""
        return next((one for one in self.exemptions.granted if one.variable == variable), None)


@dataclass(slots=True)
class Ledger:
    """What the runner did: it alone writes. Only the check that judges waivers reads it, after all others."""

    known: frozenset[str] = frozenset()  # ids of all checks of the catalog
    judged: set[str] = field(default_factory=set)  # ids whose own outcome is passed or failed
    excused: dict[Waiver, list[str]] = field(default_factory=dict)  # -> "check subject" of each finding it excused


def gather(sources: Sources, configured: tuple[Waiver, ...], today: date | None = None) -> WaiverSet:
    """Read what is in force.

    Raises:
        UsageError: a file that is there cannot be read.
    """
    return WaiverSet(configured, exempted(sources, now, today))


def find_state(project: Project, chosen: str | None) -> Path | None:
    """Return the state file: the chosen one, relative to the app, else project-state.md in it or above."""
    return project.root / chosen if chosen else project.state


def find_result(project: Project, pattern: str | None) -> Path | None:
    """Return the newest deploy-check result: below the app when a pattern was chosen, else in it or above."""
    if pattern:
        return statelog.newest_result([project.root], pattern)
    return statelog.newest_result(project.upwards())


def exempted(sources: Sources, read: Read, today: date | None = None) -> Exemptions:
    """Judge the logs as `read` returns them: as they are, or as they were at another commit."""
    logs: list[StateLog] = []
    for path, parse in ((sources.state, statelog.parse), (sources.result, statelog.parse_result)):
        if path and (text := read(path)) is not None:
            logs.append(parse(text, sources.project.show(path)))
    return exemptions(logs, sources.variables, app=identify(sources.project), today=today)


def now(path: Path) -> str | None:
    """Return the text of a file, None when it is not there."""
    return statelog.text_of(path) if path.is_file() else None


def named(waiver: Waiver) -> str:
    """Return how lists call a waiver: the check, and the subject where it is not every one."""
    return waiver.check if waiver.subject == "*" else f"{waiver.check} {waiver.subject}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of `infracheck waivers`."""

    kind: Literal["waiver", "exemption", "does not count", "ended"]
    subject: str
    checks: tuple[str, ...]
    reason: str
    source: str  # file:line
    age: int | None  # days since its entry; None when that is not dated
    expires: date | None
    note: str  # what it excuses, or why it does not count and what to write


def table(waivers: WaiverSet, today: date, state: Callable[[str], str]) -> tuple[Row, ...]:
    """Return all rows: in force, rejected, ended. `state` tells whether a variable is FILLED, EMPTY or MISSING."""
    rows = [
        Row("waiver", one.subject, (one.check,), one.reason, one.source, None, one.expires, _runs(one.expires, today))
        for one in waivers.configured
    ]
    for one in waivers.exemptions.granted:
        checks = tuple(waiver.check for waiver in one.waivers())
        age = (today - one.since).days if one.since else None
        now = state(one.variable)
        note = "not needed: it has a value" if now == "FILLED" else f"excuses that it is {now}"
        rows.append(Row("exemption", one.variable, checks, one.quote, one.source, age, one.expires, note))
    for lost in waivers.rejected:
        subject = ", ".join(lost.variables) or "?"
        rows.append(
            Row(
                "does not count",
                subject,
                (),
                lost.quote,
                lost.source,
                None,
                None,
                f"{lost.why}; if that was decided, write: {lost.write}",
            )
        )
    for over in waivers.exemptions.ended:
        rows.append(Row("ended", over.variable, (), over.quote, over.source, None, None, f"ended by {over.by}"))
    return tuple(rows)


def _runs(expires: date | None, today: date) -> str:
    if expires is None:
        return "never expires"
    days = (expires - today).days
    return f"expired {-days} days ago" if days < 0 else f"expires in {days} days"
