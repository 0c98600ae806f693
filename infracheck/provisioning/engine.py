"""Plans, has the plan agreed to, applies it step by step, and asks the same checks again, round after round."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from infracheck.actions import Action, Choices, Desk, Question
from infracheck.context import Context
from infracheck.errors import ClientError, InfracheckError, NotApplicable, Unavailable
from infracheck.model import Check, Result
from infracheck.provisioning.journal import Journal
from infracheck.runner import Finished, run

ROUNDS: Final = 6
OPEN: Final = ("failed", "blocked")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why nothing can be made for a check, and what to do instead."""

    check: str
    summary: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the checks found, what can be done about it, and what cannot."""

    results: tuple[Result, ...]
    actions: tuple[Action, ...] = ()
    questions: tuple[Question, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()

    @property
    def open(self) -> tuple[Result, ...]:
        """The checks that are not as they should be."""
        return tuple(result for result in self.results if result.state not in {"passed", "skipped", "waived"})


@dataclass(frozen=True, slots=True)
class Step:
    """An action that was applied: what it told, or why it failed."""

    action: Action
    told: str = ""
    failed: str = ""
    remedy: str = ""


@dataclass(slots=True)
class Outcome:
    """The whole of it: the first plan, the steps, the last plan; `declined` where somebody said no."""

    before: Plan
    after: Plan
    steps: list[Step] = field(default_factory=list)
    declined: bool = False

    @property
    def failed(self) -> Step | None:
        return next((step for step in self.steps if step.failed), None)


class Watcher(Protocol):
    """Whoever watches and agrees."""

    def agree(self, plan: Plan, new: Sequence[Action]) -> bool:
        """Show the plan and tell whether the new actions may be applied."""

    def begin(self, action: Action) -> None:
        """Hear that an action is applied now."""

    def end(self, step: Step) -> None:
        """Hear how it went."""


class Provisioner:
    """One run of `provision`.

    `open_context` makes a fresh Context: after each step the env file is another one. `extra` are actions that no check
    asks for.
    """

    def __init__(
        self,
        checks: Sequence[Check],
        open_context: Callable[[], Context],
        journal: Journal,
        choices: Choices,
        extra: Sequence[Action] = (),
    ) -> None:
        self._extra = extra
        self._kept = ExitStack()
        self._checks = checks
        self._open = open_context
        self._journal = journal
        self._choices = choices

    def plan(self, done: frozenset[str] = frozenset()) -> Plan:
        """Ask the checks, and collect what would make the failed and blocked ones true."""
        with self._open() as ctx:
            results = [
                e.result for e in run(self._checks, ctx, waivers=ctx.waivers.in_force) if isinstance(e, Finished)
            ]
            actions: dict[str, Action] = {one.id: one for one in self._extra if one.id not in done}
            questions: dict[str, Question] = {}
            obstacles: list[Obstacle] = []
            for result in results:
                if result.check.provision is None or result.state not in OPEN:
                    continue
                try:
                    for item in result.check.provision(ctx, self._desk(ctx)):
                        if isinstance(item, Question):
                            questions.setdefault(item.id, item)
                        elif item.id not in done:
                            actions.setdefault(item.id, item)
                except InfracheckError as error:
                    obstacles.append(_obstacle(result.check, error))
            return Plan(tuple(results), tuple(actions.values()), tuple(questions.values()), tuple(obstacles))

    def run(self, watcher: Watcher) -> Outcome:
        """Plan, ask, apply and ask again, until nothing is left to do."""
        with self._kept:
            return self._rounds(watcher)

    def _rounds(self, watcher: Watcher) -> Outcome:
        plan = self.plan()
        outcome = Outcome(plan, plan)
        agreed: set[str] = set()
        done: set[str] = set()
        for _ in range(ROUNDS):
            if not plan.actions:
                break
            new = [action for action in plan.actions if action.id not in agreed]
            if new and not watcher.agree(plan, new):
                outcome.declined = True
                break
            agreed |= {action.id for action in new}
            for step in self._apply(plan.actions, watcher):
                outcome.steps.append(step)
                done.add(step.action.id)
            plan = outcome.after = self.plan(frozenset(done))
            if outcome.failed:
                break
        return outcome

    def _apply(self, actions: Sequence[Action], watcher: Watcher) -> Iterator[Step]:
        """Apply one after the other; a failed one ends it, as later ones may build on it."""
        for action in actions:
            watcher.begin(action)
            self._journal.write(action.id, "begun")
            step = self._one(action)
            self._journal.write(action.id, "failed" if step.failed else "done")
            watcher.end(step)
            yield step
            if step.failed:
                return

    def _one(self, action: Action) -> Step:
        with self._open() as ctx:
            try:
                return Step(action, told=ctx.scrub(action.apply(ctx, self._desk(ctx))))
            except ClientError as error:
                return Step(action, failed=ctx.scrub(error.summary), remedy=ctx.scrub(error.remedy))
            except InfracheckError as error:
                return Step(action, failed=ctx.scrub(str(error)), remedy="see the checks below")

    def _keep(self, resource: Any) -> None:
        self._kept.callback(resource.close)

    def _desk(self, ctx: Context) -> Desk:
        return Desk(
            self._choices,
            self._journal.facts,
            lambda action, facts: self._journal.write(action, "noted", facts),
            ctx.tell,
            self._keep,
        )


def _obstacle(check: Check, error: InfracheckError) -> Obstacle:
    match error:
        case ClientError():
            return Obstacle(check.id, error.summary, error.remedy)
        case Unavailable():
            return Obstacle(check.id, error.because, f"see {error.by}")
        case NotApplicable():
            return Obstacle(check.id, str(error), "")
        case _:
            return Obstacle(check.id, str(error), "")
