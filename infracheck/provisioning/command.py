"""`infracheck provision`: from a folder to an exit code."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from infracheck.actions import Action, Choices
from infracheck.catalog import catalog, named, select
from infracheck.config import load
from infracheck.context import Context
from infracheck.errors import ExitCode, UsageError
from infracheck.evidence import Evidence
from infracheck.model import Check
from infracheck.project.detect import Project, detect
from infracheck.provisioning.engine import Outcome, Provisioner
from infracheck.provisioning.journal import Journal
from infracheck.provisioning.screen import Screen, as_json, outcome_lines, plan_lines

NEEDS_TERMINAL: Final = "nobody can be asked here: standard input is no terminal"


def provision(
    folder: Path,
    only: Sequence[str],
    process: Mapping[str, str],
    *,
    choices: Choices,
    yes: bool = False,
    dry_run: bool = False,
    json: bool = False,
    out: IO[str] = sys.stdout,
    answers: IO[str] | None = None,
) -> ExitCode:
    """Plan, show, ask once, apply, prove; return 0 when nothing is left to do.

    Args:
        only: ids or families; all that can be made when it is empty.
        answers: where the one question is answered; None where nobody can be asked.

    Raises:
        UsageError: folder, settings or names are wrong, or nobody can be asked; nothing was done.
    """
    project = detect(folder)
    loaded = load(project.root)
    checks = _checks(only)
    if not (yes or dry_run) and answers is None:
        raise UsageError(NEEDS_TERMINAL, hint="look at it with --dry-run, and apply it with --yes")
    notes = sys.stderr if json else out

    journal = Journal(Evidence(project.root).kept())
    screen = Screen(notes, yes=yes, read=answers, dry_run=dry_run)

    def fresh() -> Context:
        return Context(project, settings=loaded.settings, process=process, waivers=loaded.waivers, tell=screen.tell)

    screen.say(f"asking {len(checks)} checks what is missing in {os.path.relpath(project.root)}")
    extra = _workflow(project) if choices.ci else ()
    outcome = Provisioner(checks, fresh, journal, choices, extra).run(screen)
    _conclude(outcome, screen, dry_run=dry_run)
    if json:
        out.write(as_json(outcome) + "\n")
    return _exit_code(outcome)


def _workflow(project: Project) -> tuple[Action, ...]:
    """Return the action that writes the job `deploy-check`, none where it is there already."""
    from infracheck.scaffold import WORKFLOW_FILE, write_workflow

    if (project.repository / WORKFLOW_FILE).exists():
        return ()
    summary = "write the CI job deploy-check, and list the repository secrets to set"
    return (Action("ci-workflow", summary, lambda _, __: write_workflow(project.root, overwrite=False), WORKFLOW_FILE),)


def _checks(only: Sequence[str]) -> tuple[Check, ...]:
    """Return the checks that can be made true, and all they need."""
    every = catalog()
    able = [one for one in every if one.provision is not None]
    wanted = [one for one in named(every, only) if one.provision is not None] if only else able
    if not wanted:
        can = ", ".join(one.id for one in able)
        raise UsageError(f"nothing can be made for {', '.join(only)}", hint=f"it can for: {can}")
    return select(every, [one.id for one in wanted])


def _conclude(outcome: Outcome, screen: Screen, *, dry_run: bool) -> None:
    after = outcome.after
    if not outcome.steps and not outcome.before.actions:
        lines = plan_lines(after, ())
        screen.say("\n".join(["nothing to do: the plan is empty", *lines]))
    elif dry_run:
        screen.say("\nnothing was done: --dry-run")
    elif outcome.declined and not outcome.steps:
        screen.say("\nnothing was done")
    if outcome.steps:
        screen.say("\n".join(outcome_lines(outcome)))
        left = plan_lines(after, ())
        local = any(step.action.id == "local-postgres" for step in outcome.steps)
        following = (
            "next: `infracheck local` in a terminal of its own, then infracheck run"
            if local
            else "next: infracheck run"
        )
        screen.say("\n".join(["", "Left for you:", *left]) if left else f"\n{following}")


def _exit_code(outcome: Outcome) -> ExitCode:
    after = outcome.after
    if outcome.failed or after.questions or any(result.state in {"failed", "blocked"} for result in after.results):
        return ExitCode.FAIL
    return ExitCode.UNDECIDED if after.open else ExitCode.PASS
