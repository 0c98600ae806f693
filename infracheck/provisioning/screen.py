"""Shows a provisioning run in a terminal or a pipe, and asks the one question."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import IO, Any, Final

from infracheck.actions import Action
from infracheck.model import Result
from infracheck.provisioning.engine import Outcome, Plan, Step
from infracheck.secret import clean

MARKS: Final = {
    "passed": "✓", "failed": "✗", "skipped": "–", "undecided": "?", "blocked": "▪", "crashed": "☠", "waived": "~",
    "not-run": "▪",
}  # fmt: skip
ASK: Final = "Apply these {count} steps? [y/N] "


class Screen:
    """Prints plan and progress; agrees by `yes`, else by asking on `read` (None: nobody can be asked)."""

    def __init__(self, out: IO[str], *, yes: bool, read: IO[str] | None, dry_run: bool = False) -> None:
        self._out = out
        self._yes, self._read, self._dry_run = yes, read, dry_run
        self._rounds = 0
        self._waiting: str | None = None  # what was told last; None between steps

    def agree(self, plan: Plan, new: Sequence[Action]) -> bool:
        """Show what is new of a plan, and return whether it may be done."""
        self._rounds += 1
        self.say("" if self._rounds == 1 else "\nSomething is new, which was not in the plan:")
        self.say("\n".join(plan_lines(plan, new)))
        if self._dry_run:
            return False
        if self._yes:
            return True
        if self._read is None:
            return False
        self._out.write("\n" + ASK.format(count=len(new)))
        self._out.flush()
        return self._read.readline().strip().lower() in {"y", "yes"}

    def begin(self, action: Action) -> None:
        self._waiting = ""
        self.say(f"  … {action.summary}")

    def tell(self, text: str) -> None:
        """Show what a step is waiting for, each thing once."""
        if self._waiting is not None and text != self._waiting:
            self._waiting = text
            self.say(f"      {text}")

    def end(self, step: Step) -> None:
        self._waiting = None
        if step.failed:
            self.say(f"  ✗ {step.failed}\n    → {step.remedy}")
        else:
            self.say(f"  ✓ {step.told}")

    def say(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()


def plan_lines(plan: Plan, actions: Sequence[Action]) -> list[str]:
    """Return the plan as lines: what, where, by whose rights, what it costs or cannot be undone."""
    lines = ["Plan"] if actions else []
    for number, action in enumerate(actions, 1):
        lines.append(f"{number:>3}. {action.summary}")
        about = [("in", action.where), ("by", action.account), ("mind", action.warning)]
        lines += [f"     {word} {text}" for word, text in about if text]
        lines += [f"       {line}" for detail in action.details for line in clean(detail).splitlines()]
    for question in plan.questions:
        lines += [f"  ?  {question.summary}", f"     → {question.answer}"]
    for obstacle in plan.obstacles:
        lines.append(f"  –  {obstacle.check}: {obstacle.summary}")
        lines += [f"     → {obstacle.remedy}"] if obstacle.remedy else []
    return lines


def outcome_lines(outcome: Outcome) -> list[str]:
    """Return before and after, check by check, and what is left to do."""
    before = {result.check.id: result for result in outcome.before.results}
    lines = ["", f"{'check':<24}{'before':<12}after"]
    for result in outcome.after.results:
        was = before[result.check.id].state if result.check.id in before else ""
        lines.append(f"{result.check.id:<24}{MARKS.get(was, '')} {was:<10}{MARKS[result.state]} {result.state}")
    for result in outcome.after.open:
        lines.append(f"  {result.check.id}: {_first_words(result)}")
        lines += [f"    → {remedy}"] if (remedy := getattr(result.outcome, "remedy", "")) else []
    return lines


def as_json(outcome: Outcome) -> str:
    """Return the whole run for programs: one document."""
    document: dict[str, Any] = {
        "schema": "infracheck.provision/1",
        "plan": [_action(action) for action in outcome.before.actions],
        "questions": [asdict(question) for question in outcome.after.questions],
        "obstacles": [asdict(obstacle) for obstacle in outcome.after.obstacles],
        "steps": [{"id": s.action.id, "told": s.told, "failed": s.failed, "remedy": s.remedy} for s in outcome.steps],
        "declined": outcome.declined,
        "before": {result.check.id: result.state for result in outcome.before.results},
        "after": {result.check.id: result.state for result in outcome.after.results},
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _action(action: Action) -> dict[str, Any]:
    return {
        "id": action.id,
        "summary": action.summary,
        "where": action.where,
        "account": action.account,
        "warning": action.warning,
        "details": list(action.details),
    }


def _first_words(result: Result) -> str:
    outcome = result.outcome
    for name in ("summary", "reason", "because", "error"):
        if text := getattr(outcome, name, ""):
            return str(text)
    return result.state
