"""What many tests do: build a Context from plain values, and judge one check."""

from collections.abc import Mapping
from pathlib import Path

from infracheck.context import Context
from infracheck.model import Check, Finding, Outcome, Result, Stage
from infracheck.project.detect import detect
from infracheck.runner import Finished, run
from infracheck.settings import Settings


def make_context(
    folder: Path,
    *,
    process: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    stage: Stage = "execute-plan",
    against: str | None = None,
) -> Context:
    """Return the Context of the app in `folder`; only `process` is its process environment."""
    return Context(detect(folder), settings=settings, process=process or {}, stage=stage, against=against)


def judge(check: Check, ctx: Context) -> Outcome:
    """Return the outcome of one check as the runner records it: applicability, exceptions and scrubbing included."""
    return results([check], ctx)[check.id].outcome


def results(checks: "list[Check] | tuple[Check, ...]", ctx: Context) -> dict[str, Result]:
    return {event.result.check.id: event.result for event in run(checks, ctx) if isinstance(event, Finished)}


def states(found: "tuple[Finding, ...]") -> dict[str, str]:
    """Return subject -> state of findings."""
    return {finding.subject: finding.state for finding in found}


def write(folder: Path, **files: str) -> Path:
    """Write files into a folder; `__` in a name stands for a dot, `___` for a slash."""
    for name, text in files.items():
        path = folder / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
