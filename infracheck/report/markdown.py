"""The deploy-check report: Markdown that opens with the verdict and ends in approving or blocking the deployment."""

from collections.abc import Iterator, Mapping
from datetime import UTC
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from infracheck.model import Blocked, Crashed, Failed, Finding, NotRun, Report, Result, Skipped, Undecided, Waived
from infracheck.report import words
from infracheck.report.prose import code, fenced, folded, inline, table

_MARKS: Final = {
    "passed": "✓ passed",
    "failed": "✗ **FAILED**",
    "skipped": "– skipped",
    "undecided": "? **UNDECIDED**",
    "blocked": "▪ **BLOCKED**",
    "crashed": "☠ **CRASHED**",
    "waived": "~ waived",
    "not-run": "▪ **NOT RUN**",
}
_ORDER: Final = {"fail": 0, "warn": 1, "info": 2}
_NO_PICTURES: Final[Mapping[str, str]] = MappingProxyType({})


def render(report: Report, pictures: Mapping[str, str] = _NO_PICTURES) -> str:
    """Return the report as Markdown: complete evidence, and nothing in it that can break a table or become HTML.

    Args:
        pictures: links to the pictures that findings name, by their `where`; shown below the evidence.
    """
    sections = [
        _top(report),
        _summary(report),
        *_open(report, pictures),
        _warnings(report),
        _not_proven(report),
        _waived(report, pictures),
        _proven(report, pictures),
        _bottom(report),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _top(report: Report) -> list[str]:
    target = report.target
    clause = words.headline(report)
    tally = words.tally(report)
    lines = [
        f"# Deploy check: {report.verdict.upper()}",
        "",
        f"**{inline(clause[0].upper() + clause[1:])}**{f' · {tally}' if tally else ''} · {report.seconds:.1f} s",
    ]
    if step := words.advice(report):
        lines += ["", f"**Next:** {inline(step)}"]
    facts = [
        ("App", code(target.root)),
        ("Commit", code(words.commit(target) or "")),
        ("Stage", report.stage + (", strict" if report.strict else "")),
        ("Started", report.started_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")),
        ("infracheck", inline(report.version)),
        *((f"Input {code(name)}", code(digest)) for name, digest in report.inputs.items()),
    ]
    return [*lines, "", *table(["Judged", ""], [fact for fact in facts if fact[1]])]


def _summary(report: Report) -> list[str]:
    told = {result.check.id: result for result in report.results}
    rows = [
        (code(r.check.id), _MARKS[r.state], inline(_found(r, told)), f"{r.seconds:.1f} s" if _asked(r) else "")
        for r in report.results
    ]
    return ["## Summary", "", *table(["Check", "Outcome", "Found", "Time"], rows)] if rows else []


def _found(result: Result, told: Mapping[str, Result]) -> str:
    if isinstance(result.outcome, Blocked):
        return f"not run: {words.cause(result.outcome, told)}"
    return words.reason(result.outcome)


def _asked(result: Result) -> bool:
    return not isinstance(result.outcome, Blocked | Skipped | NotRun)


def _open(report: Report, pictures: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield a section for each check that closes the gate by itself."""
    for result in report.results:
        outcome = result.outcome
        if not isinstance(outcome, Failed | Undecided | Crashed):
            continue
        lines = [f"## {_MARKS[result.state].replace('*', '')}: {code(result.check.id)}", ""]
        lines += [f"**Expected:** {inline(result.check.title)}", "", _found_line(result)]
        lines += _evidence(result, pictures)
        if isinstance(outcome, Failed | Undecided):
            lines += ["", f"**Remedy:** {inline(outcome.remedy)}"]
        if isinstance(outcome, Failed) and outcome.reproduce:
            lines += ["", "**Reproduce:**", "", *fenced(outcome.reproduce)]
        yield lines


def _found_line(result: Result) -> str:
    # The words before it keep a text such as `1. x` from beginning a list.
    return f"**Found:** {inline(words.reason(result.outcome))}"


def _evidence(result: Result, pictures: Mapping[str, str]) -> list[str]:
    found = sorted(result.findings, key=lambda finding: _ORDER[finding.level])
    lines = ["", *table([_subject(result), "Status", "Where", "Note"], list(map(_row, found)))] if found else []
    for finding in result.findings:
        if link := pictures.get(finding.where or ""):
            lines += ["", f"![{inline(finding.subject)}]({quote(link)})"]
    return lines


def _subject(result: Result) -> str:
    if result.check.id == "schema-tables":
        return "Expected table"
    return "Variable" if result.check.family == "env" else "Subject"


def _row(finding: Finding) -> tuple[str, str, str, str]:
    state = inline(finding.state)
    strong = {"fail": f"✗ **{state}**", "warn": f"! **{state}**", "info": state}[finding.level]
    return code(finding.subject), strong, code(finding.where or ""), inline(finding.note)


def _warnings(report: Report) -> list[str]:
    # Those of the checks above stand there already.
    rows = [
        (code(result.check.id), *_row(finding))
        for result in report.results
        if result.state in {"passed", "waived"}
        for finding in result.findings
        if finding.level == "warn"
    ]
    return ["## Warnings", "", *table(["Check", "Subject", "Status", "Where", "Note"], rows)] if rows else []


def _not_proven(report: Report) -> list[str]:
    rows = [
        (code(result.check.id), inline(result.check.title), inline(words.reason(result.outcome)))
        for result in report.results
        if isinstance(result.outcome, Skipped | NotRun)
    ]
    return ["## Not proven", "", *table(["Check", "Would show", "Why not"], rows)] if rows else []


def _waived(report: Report, pictures: Mapping[str, str]) -> list[str]:
    lines: list[str] = []
    for result in report.results:
        if isinstance(result.outcome, Waived):
            rows = [
                (code(w.subject), inline(w.reason), inline(words.terms(w)), code(w.source))
                for w in result.outcome.waivers
            ]
            lines += ["", f"### {code(result.check.id)}", "", _found_line(result), ""]
            lines += [*table(["Excused", "Reason", "Terms", "Source"], rows), *_evidence(result, pictures)]
    return ["## Waived", *lines] if lines else []


def _proven(report: Report, pictures: Mapping[str, str]) -> list[str]:
    passed = [result for result in report.results if result.state == "passed"]
    if not passed:
        return []
    lines: list[str] = []
    for result in passed:
        lines += ["", f"### ✓ {code(result.check.id)}", "", _found_line(result), *_evidence(result, pictures)]
    return ["## Passed", "", *folded(f"{words.many(len(passed), 'check')} passed, with evidence", lines[1:])]


def _bottom(report: Report) -> list[str]:
    word = "Approve" if report.verdict == "pass" else "Block"
    return ["---", "", f"**{word} Deployment**"]
