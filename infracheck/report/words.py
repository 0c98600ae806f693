"""The sentences that every report for people says the same way: verdict, counts, what comes next."""

from collections.abc import Mapping

from infracheck.model import (
    Blocked,
    Crashed,
    Failed,
    NotRun,
    Outcome,
    Passed,
    Report,
    Result,
    Skipped,
    Target,
    Undecided,
    Waived,
    Waiver,
)
from infracheck.report.text import flat


def headline(report: Report) -> str:
    """Return what the verdict means in one clause, without its name."""
    match report.verdict:
        case "pass":
            return "the gate is open"
        case "fail":
            return f"the gate is closed: {_closed(report)}"
        case "undecided":
            return f"the gate stays closed: {_open_questions(report)}"
        case "empty":
            return "nothing was checked, and nothing passes by itself"
        case "interrupted":
            return _interrupted(report)


def tally(report: Report) -> str:
    """Return how many checks ended how; blocked and unreached ones stand in the headline."""
    counts = {name: number for name, number in report.counts.items() if name not in {"blocked", "not-run"}}
    parts = [f"{number} {name}" for name, number in counts.items() if number]
    warnings = sum(finding.level == "warn" for result in report.results for finding in result.findings)
    return ", ".join([*parts, *([many(warnings, "warning")] if warnings else [])])


def advice(report: Report) -> str | None:
    """Return the one thing to do next as a sentence without a full stop, or None when the gate is open."""
    again = _command(report)
    causes = report.causes
    match report.verdict:
        case "pass":
            return None
        case "empty":
            return "`infracheck list` says which checks apply here, and why the others do not"
        case "fail" if not report.counts["failed"]:
            step = _breach(report.strict_breaches[0])
        case "fail" | "undecided" | "interrupted" if causes:
            step = report.next_step or ""
            if not isinstance(causes[0].outcome, Failed | Undecided):
                return step
        case _:
            return f"`{again}` once more, to the end"
    # The remedy stands in full at its check; here its first line is enough.
    step = (step.strip().splitlines() or [""])[0].rstrip(" .:")
    return step if "infracheck run" in step else f"{step}, then `{again}`" if step else f"`{again}` once more"


def _command(report: Report) -> str:
    stage = " --stage deploy-check" if report.stage == "deploy-check" else ""
    return f"infracheck run{stage}{' --strict' * report.strict}"


def _breach(result: Result) -> str:
    """Return what to do about a result that `--strict` does not let pass."""
    warned = [finding for finding in result.findings if finding.level == "warn"]
    if not warned:
        return f"{result.check.id} may not be skipped under --strict: {flat(reason(result.outcome))}"
    more = f" and {len(warned) - 1} more" if len(warned) > 1 else ""
    return f"clear what {result.check.id} warns of: {flat(f'{warned[0].subject} {warned[0].state}')}{more}"


def reason(outcome: Outcome) -> str:
    """Return the sentence of an outcome: what was found, or why nothing was."""
    match outcome:
        case Passed(summary=text) | Failed(summary=text):
            return text
        case Waived(verdict=verdict):
            return verdict.summary
        case Skipped(reason=text) | Undecided(reason=text) | NotRun(reason=text):
            return text
        case Blocked(because=text) | Crashed(error=text):
            return text


def cause(outcome: Blocked, told: Mapping[str, Result]) -> str:
    """Return why a check could not run; where the results already told say so in full, their check's id is enough."""
    by = told.get(outcome.by)
    if by and reason(by.outcome) == outcome.because:
        return f"{outcome.by} {by.state}"
    return outcome.because if outcome.by in outcome.because else f"{outcome.because} ({outcome.by})"


def terms(waiver: Waiver) -> str:
    """Return until when and by whose word a finding is excused."""
    until = f"until {waiver.expires.isoformat()}" if waiver.expires else "no expiry date"
    return f"{until}, approved by {waiver.approved_by}" if waiver.approved_by else until


def commit(target: Target) -> str | None:
    """Return `main@3f2a91c + changes`, or None outside git."""
    if not target.commit:
        return None
    short = target.commit[:7]
    name = f"{target.branch}@{short}" if target.branch else short
    return f"{name} + changes" if target.dirty else name


def many(number: int, thing: str) -> str:
    """Return `1 check`, `2 checks`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _closed(report: Report) -> str:
    counts = report.counts
    if not counts["failed"]:
        return f"--strict does not let {many(len(report.strict_breaches), 'check')} pass"
    return ", ".join([many(counts["failed"], "cause"), *_blocked(report)])


def _blocked(report: Report) -> list[str]:
    number = report.counts["blocked"]
    return [f"{many(number, 'check')} blocked"] if number else []


def _open_questions(report: Report) -> str:
    silent = report.counts["undecided"] + report.counts["crashed"]
    if not silent:
        return f"{many(report.counts['blocked'], 'check')} could not run"
    return ", ".join([f"{many(silent, 'check')} gave no answer", *_blocked(report)])


def _interrupted(report: Report) -> str:
    counts = report.counts
    by = "stopped by Ctrl-C" if report.exit_code == 130 else "stopped by a signal"
    rest = [f"{many(counts['not-run'], 'check')} not reached"] if counts["not-run"] else []
    if counts["failed"]:
        found = [f"the gate is closed: {many(counts['failed'], 'cause')} so far", *_blocked(report), *rest]
        return f"{by}, {', '.join(found)}"
    return ", ".join([by, "nothing is decided", *_blocked(report), *rest])
