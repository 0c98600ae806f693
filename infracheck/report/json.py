"""The report as one JSON document, `infracheck.report/1`; report.schema.json beside this file says what it holds."""

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from infracheck.model import (
    Blocked,
    Crashed,
    Failed,
    Finding,
    NotRun,
    Outcome,
    Passed,
    Report,
    Result,
    Skipped,
    Undecided,
    Waived,
    Waiver,
)

SCHEMA: Final = "infracheck.report/1"
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def render(report: Report) -> str:
    """Return the report as JSON text that ends with a newline and that every encoder and parser takes."""
    text = json.dumps(document(report), indent=2, ensure_ascii=False, allow_nan=False)
    return _LONE_SURROGATE.sub("\ufffd", text) + "\n"


def document(report: Report) -> dict[str, Any]:
    """Return the report as plain values."""
    target = report.target
    return {
        "schema": SCHEMA,
        "tool": {"name": "infracheck", "version": report.version},
        "started_at": _utc(report.started_at),
        "seconds": round(report.seconds, 3),
        "stage": report.stage,
        "target": {"root": target.root, "commit": target.commit, "branch": target.branch, "dirty": target.dirty},
        "inputs": dict(report.inputs),
        "verdict": report.verdict,
        "exit_code": int(report.exit_code),
        "counts": report.counts,
        "checks": [_check(result) for result in report.results],
    }


def _check(result: Result) -> dict[str, Any]:
    check = result.check
    found = {"summary": None, "remedy": None, "reproduce": None, "blocked_by": None, "reason": None}
    return {
        "id": check.id,
        "title": check.title,
        "outcome": result.state,
        **found,
        **_words(result.outcome),
        "findings": [_finding(finding) for finding in result.findings],
        "waivers": [_waiver(w) for w in result.outcome.waivers] if isinstance(result.outcome, Waived) else [],
        "seconds": round(result.seconds, 3),
        "url": check.docs,
    }


def _words(outcome: Outcome) -> dict[str, str | None]:
    """Return `summary` where something was found, `reason` where nothing was; the schema says the same."""
    match outcome:
        case Passed(summary):
            return {"summary": summary}
        case Failed() | Waived():
            failed = outcome.verdict if isinstance(outcome, Waived) else outcome
            return {"summary": failed.summary, "remedy": failed.remedy, "reproduce": failed.reproduce}
        case Undecided(reason, remedy):
            return {"reason": reason, "remedy": remedy}
        case Blocked(by, because):
            return {"blocked_by": by, "reason": because}
        case Skipped(reason) | NotRun(reason):
            return {"reason": reason}
        case Crashed(error):
            return {"reason": error}


def _finding(finding: Finding) -> dict[str, str | None]:
    return {
        "subject": finding.subject,
        "state": finding.state,
        "note": finding.note,
        "where": finding.where,
        "level": finding.level,
    }


def _waiver(waiver: Waiver) -> dict[str, str | None]:
    return {
        "check": waiver.check,
        "subject": waiver.subject,
        "reason": waiver.reason,
        "expires": waiver.expires.isoformat() if waiver.expires else None,
        "approved_by": waiver.approved_by,
        "source": waiver.source,
    }


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
