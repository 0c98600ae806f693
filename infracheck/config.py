"""infracheck.toml (or [tool.infracheck] of pyproject.toml) as frozen Settings; an unknown key is an error.

pydantic validates a file against the dataclasses of `settings`, and makes the JSON Schema that editors complete from.
"""

import difflib
import tomllib
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Final, get_type_hints

from infracheck.errors import UsageError
from infracheck.settings import Settings
from infracheck.verdicts import Waiver

FILE: Final = "infracheck.toml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings and where they came from (None: no file, all defaults)."""

    settings: Settings
    source: Path | None = None
    waivers: tuple[Waiver, ...] = ()


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
            settings = _validate(path, text, data, ".".join(table))
            return Loaded(settings, path, _waivers(path, text, settings))
    return Loaded(Settings())


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


def _validate(path: Path, text: str, data: Any, prefix: str) -> Settings:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Settings).validate_python(data)
    except ValidationError as error:
        # A misspelt key comes with "field required" for the right one: the misspelling is what to correct.
        found = error.errors(include_input=False, include_url=False)
        first = next((one for one in found if one["type"] == "unexpected_keyword_argument"), found[0])
    location = _place(first["loc"], data)
    line = _line_of(text, location, prefix)
    name = ".".join(location)
    if first["type"] == "unexpected_keyword_argument":
        problem = f"there is no setting `{name}`{_suggestion(location)}"
    else:
        problem = f"`{name}`: {first['msg'][:1].lower()}{first['msg'][1:]}"
    raise UsageError(f"{path.name}:{line}: {problem}", hint="all settings: docs/configuration.md; nothing was run")


def _place(loc: tuple[int | str, ...], data: Any) -> list[str]:
    """Return the keys that lead to a mistake; where several types are allowed, pydantic names the type after them."""
    place: list[str] = []
    for part in loc:
        if not isinstance(data, dict | list):
            break
        place.append(str(part))
        data = data.get(part) if isinstance(data, dict) else data[int(part)]
    return place


def _suggestion(location: list[str]) -> str:
    model: Any = Settings
    for part in location[:-1]:
        if part.isdecimal():
            continue
        hinted = get_type_hints(model).get(part)
        arguments = [a for a in getattr(hinted, "__args__", ()) if is_dataclass(a)]
        model = arguments[0] if arguments else hinted
    known = [one.name for one in fields(model)] if is_dataclass(model) else []
    near = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5)
    return f"; did you mean `{near[0]}`?" if near else f"; known here: {', '.join(known)}"


def _line_of(text: str, location: list[str], prefix: str) -> int:
    """Return the 1-based line of a key. TOML libraries keep no positions, so the table header is followed by eye."""
    *tables, key = location
    header = ".".join(part for part in [prefix, *(t for t in tables if not t.isdecimal())] if part)
    nth = next((int(part) for part in tables if part.isdecimal()), 0)
    current, seen, header_line = "", -1, 1
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("#")[0].strip()
        if line.startswith("["):
            current = line.strip("[] ").replace('"', "")
            if current == header:
                seen, header_line = seen + 1, number
            if current == f"{header}.{key}".lstrip("."):
                return number
        elif current == header and max(seen, 0) == nth and line.partition("=")[0].strip().strip("\"'") == key:
            return number
    return header_line


def _waivers(path: Path, text: str, settings: Settings) -> tuple[Waiver, ...]:
    prefix = "" if path.name == FILE else "tool.infracheck"
    return tuple(
        Waiver(
            check=one.check,
            subject=one.subject,
            reason=one.reason,
            expires=one.expires,
            approved_by=one.approved_by,
            source=f"{path.name}:{_line_of(text, ['waiver', str(index), 'check'], prefix)}",
        )
        for index, one in enumerate(settings.waiver)
    )
