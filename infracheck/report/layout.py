"""The report for a terminal, line by line in the order of the gate; the same lines live and afterwards."""

from collections.abc import Hashable, Sequence
from typing import Final

from infracheck.model import (
    Blocked,
    Crashed,
    Failed,
    Finding,
    NotRun,
    Passed,
    Report,
    Result,
    Skipped,
    Undecided,
    Waived,
)
from infracheck.report import evidence, words
from infracheck.report.ink import Ink, Style
from infracheck.report.text import cells, flat, hanging, pad, wrap

FAMILY: Final = 11  # columns of the first column, with the space after it
_BODY: Final = FAMILY + 2  # after the mark
_CLOCK: Final = 9  # columns kept free for "  123.4 s"
_NARROWEST_NOTE: Final = 24
_VERDICTS: Final[dict[str, Style]] = {"pass": "open", "fail": "failed"}


class Layout:
    """Makes lines of results, told one after the other; holds back only what may fold with the next one."""

    def __init__(self, width: int, ink: Ink) -> None:
        self.width = width
        self.ink = ink
        self._family = ""
        self._held: list[Result] = []
        self._told: dict[str, Result] = {}

    def header(self, report: Report) -> list[str]:
        """Return what is judged, and an empty line."""
        parts = [f"infracheck {report.version}", report.target.root, report.stage]
        parts += [part for part in (words.commit(report.target), "strict" if report.strict else None) if part]
        first, *more = wrap(self.ink.say(" · ".join(map(flat, parts))), self.width)
        return [self.ink.paint(first, "loud"), *more, ""]

    def result(self, result: Result) -> list[str]:
        """Return the lines that can be shown now."""
        self._told[result.check.id] = result
        key = _folds(result)
        lines = [] if self._held and key == _folds(self._held[0]) else self._release()
        if key is not None:
            self._held.append(result)
            return lines
        return lines + self._block(result)

    def end(self, report: Report) -> list[str]:
        """Return what remains: folded lines, what is not proven, the verdict, and the one thing to do next."""
        lines = self._release()
        not_proven = [(r.check.id, words.reason(r.outcome)) for r in report.results if isinstance(r.outcome, Skipped)]
        not_reached = [r.check.id for r in report.results if isinstance(r.outcome, NotRun)]
        sections = [
            self._listed("not proven", not_proven),
            self._listed("not reached", [(", ".join(not_reached), "")] if not_reached else []),
            self._verdict(report),
        ]
        for section in filter(None, sections):
            lines += ["", *section] if lines or self._told else section
        return lines

    # -- one check

    def _block(self, result: Result) -> list[str]:
        outcome = result.outcome
        lines: list[str] = []
        match outcome:
            case Passed(summary):
                lines += self._entry(result, summary)
            case Failed(summary) | Undecided(summary):
                lines += self._entry(result, summary, named=True)
            case Crashed(error):
                lines += self._entry(result, f"infracheck could not finish this check: {error}", named=True)
            case Waived(verdict, waivers):
                lines += self._entry(result, f"waived: {verdict.summary}", named=True)
                excused = [
                    Finding(w.subject, "WAIVED", f"{w.reason} ({words.terms(w)})", w.source, "info") for w in waivers
                ]
                lines += self._indented(evidence.table(excused, self.width - _BODY - 2, self.ink))
            case _:
                return []
        lines += self._indented(evidence.rows(result.findings, self.width - _BODY - 2, self.ink))
        if isinstance(outcome, Failed | Undecided):
            lines += self._remedy(outcome.remedy)
        if isinstance(outcome, Failed) and outcome.reproduce:
            lines += self._reproducer(outcome.reproduce)
        return lines

    def _entry(self, result: Result, text: str, *, named: bool = False) -> list[str]:
        tail = f" · {result.check.id}" if named else ""
        style: Style = "loud" if result.state in {"failed", "undecided", "crashed"} else ""
        lines, painted = self._sentence(text, tail, self.width - _BODY - _CLOCK, style)
        clock = f"{result.seconds:.1f} s"
        free = " " * max(2, self.width - _BODY - cells(lines[0]) - len(clock))
        mark: Style = "undecided" if result.state == "passed" and result.warned else _style(result.state)
        head = f"{self.ink.paint(self.ink.mark(result.state), mark)} {painted[0]}{free}{self.ink.paint(clock, 'faint')}"
        return [*self._label(result.check.family, head), *self._indented(painted[1:])]

    def _sentence(self, text: str, tail: str, room: int, style: Style) -> tuple[list[str], list[str]]:
        """Return the lines of a sentence plain, and painted; its tail, the check's id, is faint."""
        tail = self.ink.say(tail)
        lines = wrap(self.ink.say(text) + tail, room)
        painted = [self.ink.paint(line, style) for line in lines]
        # The tail may have been divided before the id, never within it.
        end = next((end for end in (tail, tail[3:]) if end and lines[-1].endswith(end)), "")
        painted[-1] = self.ink.paint(lines[-1].removesuffix(end), style) + self.ink.paint(end, "faint")
        return lines, painted

    def _label(self, family: str, line: str) -> list[str]:
        """Return the line behind its family, which is named once; a long name gets a line of its own."""
        new, self._family = family != self._family, family
        name = self.ink.say(family) if new else ""
        shown = self.ink.paint(name, "heading") + " " * (FAMILY - cells(name))
        return [shown, " " * FAMILY + line] if cells(name) >= FAMILY else [shown + line]

    def _indented(self, lines: Sequence[str]) -> list[str]:
        return [(" " * _BODY + line).rstrip() for line in lines]

    def _remedy(self, text: str) -> list[str]:
        first, *more = wrap(self.ink.say(text), self.width - _BODY - 4)
        mark = self.ink.paint(self.ink.mark("remedy"), "loud")
        lines = [f"  {mark} {self.ink.prose(first)}", *(f"    {self.ink.prose(line)}" for line in more)]
        return self._indented(lines)

    def _reproducer(self, text: str) -> list[str]:
        # Never wrapped: a command must survive being copied.
        first, *more = self.ink.say(text).strip().split("\n")
        mark = self.ink.paint(self.ink.mark("reproduce"), "faint")
        lines = [f"  {mark} {self.ink.paint(first, 'code')}", *(f"    {self.ink.paint(line, 'code')}" for line in more)]
        return self._indented(lines)

    # -- several checks on one line

    def _release(self) -> list[str]:
        held, self._held = self._held, []
        if not held:
            return []
        ids = ", ".join(result.check.id for result in held)
        families = {result.check.family for result in held}
        match held[0].outcome:
            case Blocked() as outcome:
                text = f"{ids}: not run, {words.cause(outcome, self._told)}"
            case _:
                text = f"{ids}: skipped"
        first, *more = [self.ink.paint(line, "faint") for line in wrap(self.ink.say(text), self.width - _BODY)]
        line = f"{self.ink.paint(self.ink.mark(held[0].state), 'faint')} {first}"
        # Checks of several families hang under their cause, without a family of their own.
        label = families.pop() if len(families) == 1 else ""
        return [*self._label(label, line), *self._indented(more)]

    # -- the end

    def _listed(self, title: str, entries: Sequence[tuple[str, str]]) -> list[str]:
        """Return `title   name   note` lines, the title once."""
        start = " " * (len(title) + 3)
        column = max((cells(name) for name, _ in entries), default=0)
        lines: list[str] = []
        for name, note in [(self.ink.say(name), self.ink.say(note)) for name, note in entries]:
            if len(start) + column + _NARROWEST_NOTE <= self.width:
                lines += hanging(f"{start}{pad(name, column)}   ", note, self.width)
            else:
                lines += hanging(start, name, self.width)
                lines += hanging(f"{start}  ", note, self.width) if note else []
        return [self.ink.paint(title, "undecided") + line[len(title) :] for line in lines[:1]] + lines[1:]

    def _verdict(self, report: Report) -> list[str]:
        name = report.verdict.upper()
        parts = [words.headline(report), words.tally(report), f"{report.seconds:.1f} s"]
        said = self.ink.say(f" · {' · '.join(filter(None, parts))}")
        first, *more = hanging(name + said[:3], said[3:], self.width)
        style = _VERDICTS.get(report.verdict, "undecided")
        lines = [self.ink.paint(name, style) + first.removeprefix(name), *more]
        if step := words.advice(report):
            first, *more = hanging("next: ", self.ink.say(step), self.width)
            lines += [self.ink.paint("next:", "loud") + self.ink.prose(first.removeprefix("next:"))]
            lines += map(self.ink.prose, more)
        return lines


def _style(state: str) -> Style:
    match state:
        case "passed" | "failed" | "undecided" | "crashed" | "waived":
            return state
        case _:
            return "faint"


def _folds(result: Result) -> Hashable:
    """Return what a result has in common with those that share a line with it, or None where it stands alone."""
    match result.outcome:
        case Blocked(by, because):
            return by, because
        case Skipped():
            return result.check.family
        case _:
            return None
