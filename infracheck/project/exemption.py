"""Which variables the Decisions Log and the deploy-check result exempt: the newest statement about each one counts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from infracheck.model import Waiver
from infracheck.project.appidentity import AppIdentity
from infracheck.project.statelog import Entry, StateLog

if TYPE_CHECKING:
    from infracheck.project.statement import Statement
    from infracheck.project.vocabulary import Vocabulary

# What "may stay empty" excuses. Never more: an exempted variable that leaks is still a leak.
EXCUSED: Final = ("env-filled", "env-real", "sentry-configured")
AMBIGUOUS: Final = "the repository holds several apps, and its entry names none of them"
FUTURE: Final = "its entry is dated in the future"
CLIPPED: Final = 160  # characters of a quote


@dataclass(frozen=True, slots=True)
class Exemption:
    """A variable that may stay empty, with the sentence that says so."""

    variable: str
    quote: str
    source: str  # file:line of the sentence
    since: date | None = None  # the date of its entry
    expires: date | None = None  # "until 2026-06-01": the last day

    def waivers(self) -> tuple[Waiver, ...]:
        """Return it as waivers, one for each check that it excuses in."""
        checks = [check for check in EXCUSED if not check.startswith("sentry") or "SENTRY" in self.variable]
        return tuple(Waiver(check, self.variable, self.quote, self.expires, source=self.source) for check in checks)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A sentence that reads like an exemption and does not count."""

    quote: str
    why: str
    write: str  # the entry to write instead
    variables: tuple[str, ...]  # that it names or probably means; empty when nobody can tell
    source: str


@dataclass(frozen=True, slots=True)
class Ended:
    """An exemption that a newer statement, or its own limit, has ended."""

    variable: str
    quote: str
    source: str
    by: str  # file:line of the newer statement, or the day it ran out


@dataclass(frozen=True, slots=True)
class Exemptions:
    """What the logs grant, what they try to grant in vain, and what is over."""

    granted: tuple[Exemption, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    ended: tuple[Ended, ...] = ()

    @property
    def in_force(self) -> tuple[Waiver, ...]:
        return tuple(waiver for one in self.granted for waiver in one.waivers())


@dataclass(frozen=True, slots=True)
class _Said:
    """A statement with its place in time: dates first (no date is the oldest), then the later file and line."""

    statement: "Statement"
    source: str
    dated: date | None
    when: tuple[date, int, int, int]


def exemptions(
    logs: Sequence[StateLog], variables: Iterable[str], *, app: AppIdentity, today: date | None = None
) -> Exemptions:
    """Judge all entries of `logs` together.

    Args:
        logs: the state file first, then the deploy-check result; on one day the later file counts.
        variables: all that the app knows; an entry about others exempts nothing here.
    """
    if not any(log.entries for log in logs):
        return Exemptions()
    # The patterns take 0.05 s to compile: an app without a log never waits for them.
    from infracheck.project.vocabulary import Vocabulary

    today = today or date.today()
    vocabulary = Vocabulary.of(variables)
    clear: dict[str, list[_Said]] = {name: [] for name in vocabulary.variables}
    unclear: list[tuple[_Said, str, tuple[str, ...]]] = []
    for said, why in _said(logs, vocabulary, app, today):
        statement = said.statement
        known = tuple(name for name in statement.names if name in clear)
        if statement.sense == "unclear" or why:
            meant = known or _near(statement.names, vocabulary) or statement.means
            if meant or not statement.names:  # what names only variables that this app does not have is not about it
                unclear.append((said, why or statement.why, meant))
            continue
        for name in known:
            clear[name].append(said)
        strange = [name for name in statement.names if name not in clear]
        if statement.sense == "exempt" and (near := _near(strange, vocabulary)):
            unclear.append((said, f"this app has no {' or '.join(strange)}", near))
    newest = {name: max(found, key=lambda one: one.when) for name, found in clear.items() if found}
    granted = tuple(e for name, one in newest.items() if (e := _granted(name, one, today)))
    ended = tuple(e for name, found in clear.items() if found for e in _ended(name, found, newest[name], today))
    return Exemptions(granted, tuple(_rejected(unclear, newest, {e.variable for e in granted}, app, today)), ended)


def _said(
    logs: Sequence[StateLog], vocabulary: "Vocabulary", app: AppIdentity, today: date
) -> Iterator[tuple[_Said, str]]:
    """Yield the statements that are about this app, and why one of them does not count although it is clear."""
    from infracheck.project.statement import statements

    active = next((log.active_project for log in logs if log.active_project), None)
    for number, log in enumerate(logs):
        for entry in log.entries:
            for order, statement in enumerate(statements(entry.text, vocabulary, entry.heading)):
                scope = app.scope(statement.quote, f"{entry.heading}\n{entry.text}", active)
                if scope == "another":
                    continue
                line = entry.line + statement.line
                when = (entry.date or date.min, number, line, order)
                why = _against(statement, entry, today, ambiguous=scope == "ambiguous")
                yield _Said(statement, f"{log.file}:{line}", entry.date, when), why


def _against(statement: "Statement", entry: Entry, today: date, *, ambiguous: bool) -> str:
    if statement.sense != "exempt":
        return ""  # that something is required counts in any case: the gate fails closed
    if entry.date and entry.date > today + timedelta(days=1):  # one day, for those who live further east
        return FUTURE
    return AMBIGUOUS if ambiguous else ""


def _near(names: Sequence[str], vocabulary: "Vocabulary") -> tuple[str, ...]:
    near = (vocabulary.nearest(name) for name in names)
    return tuple(dict.fromkeys(name for name in near if name))


def _granted(name: str, one: _Said, today: date) -> Exemption | None:
    expires = one.statement.expires
    if one.statement.sense != "exempt" or (expires and expires < today):
        return None
    return Exemption(name, clip(one.statement.quote), one.source, one.dated, expires)


def _ended(name: str, found: Sequence[_Said], newest: _Said, today: date) -> Iterator[Ended]:
    """Yield the last exemption of a variable that has none in force."""
    expires = newest.statement.expires
    if newest.statement.sense == "exempt":
        if expires and expires < today:
            yield Ended(name, clip(newest.statement.quote), newest.source, f"it ran out on {expires}")
        return
    granted = [one for one in found if one.statement.sense == "exempt"]
    if granted:
        last = max(granted, key=lambda one: one.when)
        yield Ended(name, clip(last.statement.quote), last.source, newest.source)


def _rejected(
    unclear: Sequence[tuple[_Said, str, tuple[str, ...]]],
    newest: dict[str, _Said],
    granted: set[str],
    app: AppIdentity,
    today: date,
) -> Iterator[Rejected]:
    """Yield what does not count, of each sentence once, without the variables that clearer words have settled."""
    merged: dict[tuple[str, str, str], list[str]] = {}
    for said, why, meant in unclear:
        open_ = [n for n in meant if n not in granted and not (n in newest and newest[n].when > said.when)]
        if open_ or not meant:
            merged.setdefault((said.source, said.statement.quote, why), []).extend(open_)
    for (source, quote, why), names in merged.items():
        variables = tuple(dict.fromkeys(names))
        yield Rejected(clip(quote), why, entry_for(variables, app, today), variables, source)


def entry_for(variables: Sequence[str], app: AppIdentity, today: date) -> str:
    """Return the line of the Decisions Log that exempts exactly these variables."""
    names = ", ".join(variables) or "<VARIABLE>"
    whose = f"{app.label}: " if app.several else ""
    are = "are" if len(variables) > 1 else "is"
    return f"- {today}: {whose}{names} {are} exempt from the env check"


def clip(text: str, limit: int = CLIPPED) -> str:
    """Return the text on one line, cut at a word."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[:limit].rsplit(" ", 1)[0].rstrip(" ,;:") + " …"
