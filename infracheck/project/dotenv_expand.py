"""`$NAME` in env files as Next.js resolves it: dotenv-expand 10.0.0, the same in @next/env 14, 15 and 16.

Not what its documentation says, but what it does, all of it tested against the package:
- The *last* `$` without a backslash is resolved first; the *first* place with the same text is what gets replaced.
- A value is resolved again until no `$NAME` is left, so that a value can name itself for ever.
- Quotes do not matter. `$$` in a value that is put in becomes `$` (a rule of JavaScript's `String.replace`).
- `${NAME:-default}` looks at the process only: the default also wins over an assignment in the same file.
- A variable that the process has already is expanded as well, wherever a file assigns it too.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

STEPS: Final = 4_000
"""References resolved within one value. Node's stack ends between 4,000 and 11,000; what is not circular needs few."""
CHARACTERS: Final = 20_000_000
"""Characters handled within one value, the bound against values that double with each reference."""

REFERENCE: Final = re.compile(r"\$\{?(?P<name>\w+)(?::-(?P<default>[^}\\]*))?\}?", re.ASCII)
_SPECIAL: Final = re.compile(r"\$([$&`'])")
_ARRAY_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_LAST_INDEX: Final = 2**32 - 2

# Looked up in a JavaScript object, these names are never missing: they find what every object inherits.
_INHERITED: Final = {
    "__proto__": "[object Object]",
    "constructor": "[object global]",
    "isPrototypeOf": "false",
    "toString": "[object Undefined]",
}
_FAILING: Final = {
    *("__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
    *("hasOwnProperty", "propertyIsEnumerable", "toLocaleString", "valueOf"),
}
INHERITED: Final = _INHERITED.keys() | _FAILING


class NothingLoaded(Exception):
    """Next.js throws while it expands a file, and loads nothing of the whole file; `key` is where it happens."""

    def __init__(self, key: str) -> None:
        super().__init__("the file is dropped")  # no key: in a broken file even that may be a piece of a secret
        self.key = key


class CircularReference(NothingLoaded):
    """A value refers to itself, directly or through others, without end."""


class UnusableReference(NothingLoaded):
    """A value refers to a name that is a method of JavaScript objects, such as `$valueOf`."""


def expand(parsed: Mapping[str, str], process: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of one file with every reference resolved, in the order in which JavaScript visits them.

    Args:
        parsed: the variables as parsed, in the order of their first assignment.
        process: the environment before this file.

    Raises:
        CircularReference: a value would be resolved for ever.
        UnusableReference: JavaScript cannot use what a reference finds.
    """
    order = visited(parsed)
    expanded = {key: parsed[key] for key in order}
    for key in order:
        # In place: what comes later sees what came earlier resolved, what came earlier saw the later text raw.
        text = _resolve(key, process.get(key, expanded[key]), process, expanded)
        expanded[key] = text.replace("\\$", "$")
    return expanded


def visited(keys: Iterable[str]) -> list[str]:
    """Return keys in the order of a JavaScript object: array indices by number first, the others as they come.

    `__proto__` is left out: assigning text to it does nothing.
    """
    known = [key for key in keys if key != "__proto__"]
    return sorted(filter(is_index, known), key=int) + [key for key in known if not is_index(key)]


def is_index(key: str) -> bool:
    """Tell whether JavaScript takes a key for an array index, such as `7`."""
    return _ARRAY_INDEX.fullmatch(key) is not None and int(key) <= _LAST_INDEX


def _resolve(key: str, text: str, process: Mapping[str, str], parsed: Mapping[str, str]) -> str:
    handled = 0
    for _ in range(STEPS):
        at = last_reference(text)
        found = REFERENCE.match(text, at) if at >= 0 else None
        if found is None:
            return text
        before, whole = text, found[0]
        text = text.replace(whole, _found(key, found, before, process, parsed), 1)
        handled += len(text)
        if text == before or handled > CHARACTERS:
            break
    raise CircularReference(key)


def last_reference(text: str) -> int:
    """Return the index of the last `$` that has no backslash before it, or -1."""
    at = text.rfind("$")
    return text.replace("\\$", "  ").rfind("$") if at > 0 and text[at - 1] == "\\" else at


def _found(key: str, found: re.Match[str], text: str, process: Mapping[str, str], parsed: Mapping[str, str]) -> str:
    """Return what takes the place of a reference."""
    name, whole = found["name"], found[0]
    value = process.get(name)
    if value is None and name in INHERITED:
        return _inherited(key, name)
    value = value or found["default"] or parsed.get(name)
    if value is None and name in INHERITED:
        if name == "constructor":
            raise CircularReference(key)  # what a plain object inherits gives the reference back as it was
        return _inherited(key, name)
    value = value or ""
    if "$" not in value:
        return value
    start = text.index(whole)
    special = {"$": "$", "&": whole, "`": text[:start], "'": text[start + len(whole) :]}
    return _SPECIAL.sub(lambda match: special[match[1]], value)


def _inherited(key: str, name: str) -> str:
    if name in _FAILING:
        raise UnusableReference(key)
    return _INHERITED[name]
