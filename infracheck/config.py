"""infracheck.toml (or [tool.infracheck] of pyproject.toml) as frozen Settings; an unknown key is an error.

pydantic validates a file against the dataclasses of `settings`, and makes the JSON Schema that editors complete from.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar, get_type_hints

from infracheck.errors import UsageError
from infracheck.flow.rules import mistakes
from infracheck.flow.shape import Flow, FlowFile
from infracheck.settings import Settings
from infracheck.tomllines import line_of
from infracheck.verdicts import Waiver

FILE: Final = "infracheck.toml"
FLOW_FILE: Final = "flow.toml"
T = TypeVar("T")
_COMMAND_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
_LONGEST: Final = 86400  # seconds


@dataclass(frozen=True, slots=True)
class FlowLines:
    """Where a flow and its steps stand, as file:line."""

    flow: str
    step: tuple[str, ...]
    cleanup: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings and where they came from (None: no file, all defaults)."""

    settings: Settings
    source: Path | None = None
    waivers: tuple[Waiver, ...] = ()
    flows: Mapping[str, FlowLines] = field(default_factory=dict)  # by the flow's name


def load(root: Path) -> Loaded:
    """Read the settings of the app in `root`.

    Raises:
        UsageError: the file is not TOML, or a key or value is wrong; the message names file, line and nearest key.
    """
    for path, table in ((root / FILE, ()), (root / "pyproject.toml", ("tool", "infracheck"))):
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        data = _parse(path, text)
        for key in table:
            data = data.get(key, {}) if isinstance(data, dict) else {}
        if data or not table:
            settings = _validate(path, text, data, table, Settings)
            source, waivers = path, _waivers(path, text, table, settings)
            flows = _places(path, text, table, settings.flow)
            break
    else:
        settings, source, waivers, flows = Settings(), None, (), {}
    if (path := root / FLOW_FILE).is_file():
        text = path.read_text(encoding="utf-8", errors="replace")
        more = _validate(path, text, _parse(path, text), (), FlowFile).flow
        if twice := {one.name for one in more} & {one.name for one in settings.flow}:
            raise UsageError(f"{FLOW_FILE} and {FILE} both declare the flow {min(twice)}", hint="remove one of them")
        settings = replace(settings, flow=(*settings.flow, *more))
        flows = flows | _places(path, text, (), more)
    return Loaded(settings, source, waivers, flows)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of infracheck.toml."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(Settings).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": FILE}


def _parse(path: Path, text: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{path.name} is not valid TOML: {error}", hint=f"correct {path.name}; nothing was run"
        ) from None


def _validate(path: Path, text: str, data: Any, prefix: Sequence[str], model: type[T]) -> T:
    from pydantic import TypeAdapter, ValidationError

    try:
        settings = TypeAdapter(model).validate_python(data)
    except ValidationError as error:
        # A misspelt key comes with "field required" for the right one: the misspelling is what to correct.
        found = error.errors(include_input=False, include_url=False)
        first = next((one for one in found if one["type"] == "unexpected_keyword_argument"), found[0])
    else:
        if isinstance(settings, Settings):
            _check_commands(path, text, prefix, settings)
        flows = getattr(settings, "flow", ())
        for place, problem in mistakes(flows) if flows else ():
            line = line_of(text, [*prefix, *map(str, place)])
            raise UsageError(f"{path.name}:{line}: {problem}", hint="see docs/flows.md; nothing was run")
        return settings
    location = _place(first["loc"], data)
    line = line_of(text, [*prefix, *location])
    name = ".".join(location)
    if first["type"] == "unexpected_keyword_argument":
        problem = f"there is no setting `{name}`{_suggestion(model, location)}"
    else:
        problem = f"`{name}`: {first['msg'][:1].lower()}{first['msg'][1:]}"
    raise UsageError(f"{path.name}:{line}: {problem}", hint="all settings: docs/configuration.md; nothing was run")


def _check_commands(path: Path, text: str, prefix: Sequence[str], settings: Settings) -> None:
    seen: set[str] = set()
    for number, one in enumerate(settings.command):
        if not _COMMAND_NAME.fullmatch(one.name):
            key, problem = "name", f"`{one.name}` is no name of a command: lower-case letters, digits and dashes"
        elif one.name in seen:
            key, problem = "name", f"two commands are named `{one.name}`"
        elif not one.run.strip():
            key, problem = "run", f"the command `{one.name}` is empty"
        elif not 0 < one.timeout <= _LONGEST:
            key, problem = "timeout", f"`timeout` of the command `{one.name}` is not between 0 and {_LONGEST} seconds"
        else:
            seen.add(one.name)
            continue
        line = line_of(text, [*prefix, "command", str(number), key])
        raise UsageError(f"{path.name}:{line}: {problem}", hint="see docs/configuration.md; nothing was run")


def _place(loc: tuple[int | str, ...], data: Any) -> list[str]:
    """Return the keys that lead to a mistake; where several types are allowed, pydantic names the type after them."""
    place: list[str] = []
    for part in loc:
        if not isinstance(data, dict | list):
            break
        place.append(str(part))
        data = data.get(part) if isinstance(data, dict) else data[int(part)]
    return place


def _suggestion(model: Any, location: list[str]) -> str:
    for part in location[:-1]:
        if part.isdecimal():
            continue
        hinted = get_type_hints(model).get(part)
        arguments = [a for a in getattr(hinted, "__args__", ()) if is_dataclass(a)]
        model = arguments[0] if arguments else hinted
    known = [one.name.rstrip("_") for one in fields(model)] if is_dataclass(model) else []
    near = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5)
    return f"; did you mean `{near[0]}`?" if near else f"; known here: {', '.join(known)}"


def _places(path: Path, text: str, prefix: Sequence[str], flows: Sequence[Flow]) -> dict[str, FlowLines]:
    def at(*place: str) -> str:
        return f"{path.name}:{line_of(text, [*prefix, *place])}"

    return {
        flow.name: FlowLines(
            at("flow", str(number), "name"),
            tuple(at("flow", str(number), "step", str(one), "name") for one in range(len(flow.step))),
            tuple(at("flow", str(number), "cleanup", str(one), "name") for one in range(len(flow.cleanup))),
        )
        for number, flow in enumerate(flows)
    }


def _waivers(path: Path, text: str, prefix: Sequence[str], settings: Settings) -> tuple[Waiver, ...]:
    return tuple(
        Waiver(
            check=one.check,
            subject=one.subject,
            reason=one.reason,
            expires=one.expires,
            approved_by=one.approved_by,
            source=f"{path.name}:{line_of(text, [*prefix, 'waiver', str(index), 'check'])}",
        )
        for index, one in enumerate(settings.waiver)
    )
