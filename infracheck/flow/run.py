"""Runs a whole flow: its steps until one fails, its clean-up steps always, and first what a killed run left."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from infracheck.flow.journal import Journal
from infracheck.flow.shape import Flow
from infracheck.flow.steps import Done, Surroundings, remove, run
from infracheck.flow.values import Unknown, Values, names


@dataclass(frozen=True, slots=True)
class Ran:
    """How a flow went: its steps and clean-up steps in their order, and how many killed runs were cleaned up after."""

    flow: Flow
    steps: tuple[Done, ...]
    cleanup: tuple[Done, ...]
    swept: int = 0

    @property
    def failed(self) -> Done | None:
        """The step that failed, None if none did."""
        return next((done for done in self.steps if done.state == "FAILED"), None)


def run_flow(flow: Flow, values: Values, around: Surroundings, journal: Journal) -> Ran:
    """Run a flow.

    Raises:
        ClientError, Unavailable: a session or the database is not there; what was made by then is removed.
    """
    swept = sweep(flow, values, around, journal)
    values.known["run_id"] = run_id = secrets.token_hex(4)
    steps: list[Done] = []
    cleanup: list[Done] = []
    for name in _users(flow):
        values.get(name)
    journal.note(flow.name, values.known)
    try:
        if flow.command:
            steps += around.command(flow, run_id)
        for step in flow.step:
            if steps and steps[-1].state != "OK":
                steps.append(Done(step, "NOT REACHED"))
                continue
            steps.append(run(step, values, around, flow.timeout))
            if step.capture:
                journal.note(flow.name, values.known)
    finally:
        cleanup = [remove(step, values, around, flow.timeout) for step in flow.cleanup]
        if all(done.state != "NOT REMOVED" for done in cleanup):
            journal.forget(run_id)
    return Ran(flow, tuple(steps), tuple(cleanup), swept)


def sweep(flow: Flow, values: Values, around: Surroundings, journal: Journal) -> int:
    """Remove what killed runs of this flow left, as far as that needs nobody's session; return how many those were."""
    swept = 0
    for pending in journal.left():
        if pending.flow != flow.name:
            continue
        earlier = Values(partial(_of_another_run, values), {**pending.known, "run_id": pending.run_id})
        steps = [step for step in flow.cleanup if step.sql or step.as_ == "anonymous"]
        if _all_removed([remove(step, earlier, around, flow.timeout) for step in steps]):
            journal.forget(pending.run_id)
            swept += 1
    return swept


def _users(flow: Flow) -> list[str]:
    """Return what the clean-up steps say of the users: it has to be known before anything is made."""
    return [name for name in names([step.sql for step in flow.cleanup]) if name.startswith(("user.", "other."))]


def _of_another_run(values: Values, name: str) -> Any:
    if name.startswith("env."):
        return values.ask(name)
    raise Unknown(name)  # not this run's user


def _all_removed(done: Sequence[Done]) -> bool:
    return all(one.state != "NOT REMOVED" for one in done)
