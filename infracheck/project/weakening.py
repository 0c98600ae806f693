"""How this branch asks less than the commit it left: new exemptions and waivers, and lowered settings."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from infracheck.project import gitfiles
from infracheck.project.exemption import Exemptions
from infracheck.project.waiverset import Read, Sources, WaiverSet, exempted, named, now

SETTINGS: Final = (("infracheck.toml", ()), ("pyproject.toml", ("tool", "infracheck")))
# Where the gate looks: any other place may hold easier expectations.
_PLACES: Final = frozenset({"app.root", "app.env_file", "app.env_example", "app.schema", "app.state"})
_STRICT: Final = {"app.optional": "adjacent"}  # the strictest value of a setting of words
_SWITCHES: Final = frozenset({"app.disposable"})  # dangerous when on; every other switch guards when on
_NEUTRAL: Final = frozenset({"server.port"})  # a number that is no limit


@dataclass(frozen=True, slots=True)
class Added:
    """One way in which this branch asks less than the commit it left."""

    subject: str
    state: Literal["ADDED HERE", "LOWERED HERE"]
    note: str
    source: str  # file:line


@dataclass(frozen=True, slots=True)
class Weakened:
    """The comparison with the merge base; `base` is None when there is nothing to compare with."""

    base: str | None = None
    shallow: bool = False  # why there is none: the history was cut off
    found: tuple[Added, ...] = ()


@dataclass(frozen=True, slots=True)
class Lowered:
    """A setting that asks less than it did."""

    key: str  # "server.timeout"
    note: str  # "120 → 600"


def weakened(sources: Sources, waivers: WaiverSet, ref: str | None = None, today: date | None = None) -> Weakened:
    """Compare with the commit where this branch left `ref`, or the default branch."""
    root = sources.project.root
    base = gitfiles.merge_base(root, ref)
    if base is None:
        return Weakened(shallow=bool(gitfiles.is_shallow(root)))
    commit: str = base

    def then(path: Path) -> str | None:
        return gitfiles.text_at(path, commit)

    before = exempted(sources, then, today)
    found = (*_new_exemptions(waivers, before), *_eased_settings(sources, waivers, then))
    return Weakened(base, found=found)


def _new_exemptions(waivers: WaiverSet, before: Exemptions) -> list[Added]:
    held = {one.variable: one.expires or date.max for one in before.granted}
    return [
        Added(one.variable, "ADDED HERE", one.quote, one.source)
        for one in waivers.exemptions.granted
        if (one.expires or date.max) > held.get(one.variable, date.min)
    ]


def _eased_settings(sources: Sources, waivers: WaiverSet, then: Read) -> list[Added]:
    """Return new or longer [[waiver]] tables and lowered settings; the file may have moved, or be gone."""
    root = sources.project.root
    path, text, inside, new = _settings(root, now)
    *_, old = _settings(root, then)
    held = [
        (w.get("check"), w.get("subject", "*"), w.get("expires")) for w in old.get("waiver", ()) if isinstance(w, dict)
    ]
    added = [
        Added(named(one), "ADDED HERE", one.reason, one.source)
        for one in waivers.configured
        if not any(
            (c, s) == (one.check, one.subject) and (e is None or one.expires <= e) for c, s, e in held if one.expires
        )
    ]
    shown = sources.project.show(path)
    eased = [
        Added(one.key, "LOWERED HERE", one.note, f"{shown}:{line_of(text, '.'.join((*inside, one.key)))}")
        for one in lowered(new, old, sources.defaults)
    ]
    return added + eased


def _settings(root: Path, read: Read) -> tuple[Path, str, tuple[str, ...], dict[str, Any]]:
    """Return path, text, table and settings of the file that is in effect; infracheck.toml and nothing when none is."""
    for name, inside in SETTINGS:
        text = read(root / name)
        if text is not None and ((found := table_of(text, inside)) or not inside):
            return root / name, text, inside, found
    return root / SETTINGS[0][0], "", (), {}


def lowered(new: Mapping[str, Any], old: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[Lowered]:
    """Compare two tables of settings; `defaults` (nested as they are) hold where a table says nothing."""
    old, new = {**_flat(defaults), **_flat(old)}, {**_flat(defaults), **_flat(new)}
    return [Lowered(key, note) for key in sorted(old | new) for note in _less(key, old.get(key), new.get(key))]


def table_of(text: str | None, inside: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the settings in a TOML text; nothing of one that cannot be read, whose own reader says so."""
    try:
        data: Any = tomllib.loads(text or "")
    except tomllib.TOMLDecodeError:
        return {}
    for key in inside:
        data = data.get(key, {}) if isinstance(data, dict) else {}
    return data if isinstance(data, dict) else {}


def line_of(text: str, key: str) -> int:
    """Return the line of a key; that of its table, else the first, when it has none of its own."""
    header, _, name = key.rpartition(".")
    current, above = "", 1
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("#")[0].strip()
        if line.startswith("["):
            current = line.strip("[] ").replace('"', "")
            if current in {header, key}:
                above = number
        elif current == header and line.partition("=")[0].strip().strip("\"'") == name:
            return number
    return above


def _less(key: str, old: Any, new: Any) -> Iterator[str]:
    """Yield what is less about the new value of one setting."""
    if old == new:
        return
    change = f"{_shown(old)} → {_shown(new)}"
    match old, new:
        case bool() | None, bool():
            if new == (key in _SWITCHES):
                yield change
        case ((int() | float()), (int() | float())) if key not in _NEUTRAL:
            if new > old:
                yield change
        case list() | tuple(), list() | tuple() | None:
            if gone := [item for item in old if item not in (new or ())]:
                yield f"no longer there: {', '.join(map(_shown, gone))}"
        case _ if key in _PLACES or (old is not None and old == _STRICT.get(key)):
            yield change


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("name") or value.get("path") or value.get("run") or next(iter(value.values()), "{}"))
    return "not set" if value is None else str(value)


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if key == "waiver" and not prefix:
            continue  # compared one by one
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
