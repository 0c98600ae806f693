"""What the texts of a flow may name in braces: `{run_id}`, `{user.id}`, `{env.CRON_SECRET}` and what steps captured."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

BUILT_IN: Final = ("run_id", "user.id", "user.email", "other.id", "other.email")
SESSION_OF: Final = {"user": "user", "other": "other-user"}
_NAME: Final = re.compile(r"\{(?P<name>[a-z_]\w*(?:\.\w+)?)\}")


class Unknown(Exception):
    """A name that has no value here (a clean-up step whose row was never made)."""


@dataclass(slots=True)
class Values:
    """The values of one run of a flow.

    Attributes:
        known: run_id and what steps captured.
        ask: finds what is only looked up when it is named: `user.id` (opens a session), `env.NAME`.
    """

    ask: Callable[[str], Any]
    known: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """Return the value of a name.

        Raises:
            Unknown: it has none.
        """
        if name in self.known:
            return self.known[name]
        if "." not in name:
            raise Unknown(name)
        value = self.ask(name)
        if not name.startswith("env."):
            self.known[name] = value
        return value

    def fill(self, form: Any) -> Any:
        """Return a text, list or table with its names replaced; a text that is one name only keeps the value's type."""
        return _filled(form, self.get)

    def shown(self, form: Any) -> Any:
        """Return the same for people: a variable of the environment stays `$NAME`."""
        return _filled(form, lambda name: f"${name[4:]}" if name.startswith("env.") else self.get(name))


def _filled(form: Any, get: Callable[[str], Any]) -> Any:
    if isinstance(form, str):
        if whole := _NAME.fullmatch(form):
            return get(whole["name"])
        return _NAME.sub(lambda found: as_text(get(found["name"])), form)
    if isinstance(form, Mapping):
        return {_filled(key, get): _filled(value, get) for key, value in form.items()}
    if isinstance(form, list | tuple):
        return [_filled(value, get) for value in form]
    return form


def as_text(value: Any) -> str:
    """Return a value as it stands inside a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def names(form: Any) -> Iterator[str]:
    """Yield every name in a text, list or table."""
    if isinstance(form, str):
        yield from (found["name"] for found in _NAME.finditer(form))
    elif isinstance(form, Mapping):
        for key, value in form.items():
            yield from names(key)
            yield from names(value)
    elif isinstance(form, list | tuple):
        for value in form:
            yield from names(value)


def without_names(text: str) -> str:
    """Return a text with a number in place of every name, to see whether it parses."""
    return _NAME.sub("0", text)


def sql_filled(sql: str, get: Callable[[str], Any], literal: Callable[[Any], str]) -> str:
    """Return SQL with its names replaced by literals; inside a quoted text, by the text itself."""
    parts: list[str] = []
    end = 0
    for found in _NAME.finditer(sql):
        before = sql[end : found.start()]
        parts.append(before)
        quoted = "".join(parts).count("'") % 2 == 1
        value = get(found["name"])
        parts.append(as_text(value).replace("'", "''") if quoted else literal(value))
        end = found.end()
    return "".join([*parts, sql[end:]])
