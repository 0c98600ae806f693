"""Which checks there are, and which of them a run asks: the built-in gate, then what other packages add."""

import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from infracheck.errors import UsageError
from infracheck.model import Check

if TYPE_CHECKING:
    from infracheck.settings import Settings

GROUP: Final = "infracheck.checks"
"""The entry-point group: each entry names a Check, or a sequence of them, to be judged after the built-in gate."""


LAST: Final = "server-stops"
"""Commands of the team's own come before it: they are judged while everything else of the gate is known."""


def catalog(settings: "Settings | None" = None) -> tuple[Check, ...]:
    """Return every check in the order of the gate, with those that the settings declare.

    Raises:
        UsageError: an entry point cannot be loaded or is no Check, an id is taken, or a need does not come earlier.
    """
    from infracheck.checks import GATE, command_checks

    place = next(number for number, one in enumerate(GATE) if one.id == LAST)
    commands = command_checks(settings) if settings else ()
    return validated((*GATE[:place], *commands, *GATE[place:], *_third_party()))


def validated(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks as a tuple if their order can be run, else say which one cannot."""
    seen: dict[str, Check] = {}
    for one in checks:
        if one.id in seen:
            raise UsageError(f"two checks are named {one.id}: {_home(seen[one.id])} and {_home(one)}")
        late = [need.id for need in one.needs if seen.get(need.id) is not need]
        if late:
            raise UsageError(
                f"{one.id} ({_home(one)}) needs {', '.join(late)}, which does not come earlier in the gate"
            )
        seen[one.id] = one
    return tuple(seen.values())


def _home(one: Check) -> str:
    return one.probe.__module__


def _third_party() -> list[Check]:
    from importlib.metadata import entry_points

    found: list[Check] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        try:
            loaded = entry.load()
        except Exception as error:
            message = f"the checks of {entry.value} cannot be loaded: {type(error).__name__}: {error}"
            raise UsageError(message, hint="correct or uninstall that package; nothing was run") from error
        several = [loaded] if isinstance(loaded, Check) else list(loaded) if isinstance(loaded, Sequence) else []
        if not several or not all(isinstance(one, Check) for one in several):
            raise UsageError(f"{entry.value} (entry point {GROUP}: {entry.name}) is no Check and no sequence of them")
        found += several
    return found


def named(checks: Sequence[Check], words: Iterable[str]) -> list[Check]:
    """Return the checks that ids or families name, in the order of the gate.

    Raises:
        UsageError: a word names nothing; says which one is near.
    """
    wanted = {part.strip() for word in words for part in word.split(",") if part.strip()}
    known = {one.id for one in checks} | {one.family for one in checks}
    for word in sorted(wanted - known):
        near = difflib.get_close_matches(word, known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else "`infracheck list` shows all checks"
        raise UsageError(f"there is no check or family `{word}`", hint=hint)
    return [one for one in checks if one.id in wanted or one.family in wanted]


def select(checks: Sequence[Check], only: Iterable[str] = ()) -> tuple[Check, ...]:
    """Return the checks that `only` names and all they need, in the order of the gate; all when it is empty."""
    wanted = named(checks, only)
    if not wanted:
        return tuple(checks)
    closure: set[Check] = set()
    todo = list(wanted)
    while todo:
        one = todo.pop()
        if one not in closure:
            closure.add(one)
            todo += one.needs
    return tuple(one for one in checks if one in closure)
