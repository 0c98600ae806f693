"""infracheck.toml (or [tool.infracheck] of pyproject.toml) as frozen Settings; an unknown key is an error.

The settings are plain dataclasses, so that a run without a file never imports pydantic (0.1 s); pydantic validates a
file against them, and makes the JSON Schema that editors complete from.
"""

import difflib
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, get_type_hints

from infracheck.errors import UsageError
from infracheck.verdicts import Waiver

FILE: Final = "infracheck.toml"
_STRICT: Final = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class AppSettings:
    """[app]: where things lie; paths are relative to the app."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT
    env_file: str | None = None
    env_example: str | None = None
    schema: str | tuple[str, ...] | None = None  # a file, a folder of migrations, or several in their order
    state: str | None = None
    result: str | None = None
    optional: Literal["wide", "adjacent"] = "wide"
    disposable: bool = False

    @property
    def schemas(self) -> tuple[str, ...]:
        return (self.schema,) if isinstance(self.schema, str) else self.schema or ()


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """[database]: `url` is the name of the variable that holds the connection string."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT
    url: str = "DATABASE_URL"
    timeout: float = 10.0  # seconds for one connection attempt
    provider: Literal["neon", "supabase", "none"] | None = None  # None: by the host
    compare: Literal["auto", "shadow", "parse"] = "auto"
    schemas: tuple[str, ...] = ()  # provider schemas that are the app's own here


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """[auth]: `url` is the name of the variable that holds the base URL of the auth service."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT
    url: str | None = None
    timeout: float = 10.0  # seconds for one request
    provider: Literal["neon", "better-auth", "supabase", "none"] | None = None  # None: by packages and variables
    origin: str | None = None  # the app's own, None: its URL variable, else the dev server's
    otp_email: str | None = None  # None: a throw-away address of the run's own
    mailpit: str | None = None  # base URL of a Mailpit that catches the app's mail


@dataclass(frozen=True, slots=True)
class SentrySettings:
    """[sentry]: names of the variables; `timeout` in seconds for one request."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT
    dsn: str | None = None
    timeout: float = 10.0
    url: str | None = None  # of the web API; None: SENTRY_URL, else by token and DSN
    wait: float = 60.0  # seconds for an accepted event to be stored


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """[server]: how the dev server is started, and how long it may take to answer well (seconds)."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT
    command: str | None = None
    port: int | None = None
    ready: str = "/"
    timeout: float = 120.0


@dataclass(frozen=True, slots=True)
class WaiverSettings:
    """[[waiver]]: one excused finding; a reason and an expiry are required."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT
    check: str
    reason: str
    expires: date
    subject: str = "*"
    approved_by: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be configured; every key has a default, so that no file is needed."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT
    app: AppSettings = field(default_factory=AppSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    sentry: SentrySettings = field(default_factory=SentrySettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    waiver: tuple[WaiverSettings, ...] = ()


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
    location = [str(part) for part in first["loc"]]
    line = _line_of(text, location, prefix)
    name = ".".join(location)
    if first["type"] == "unexpected_keyword_argument":
        problem = f"there is no setting `{name}`{_suggestion(location)}"
    else:
        problem = f"`{name}`: {first['msg'][:1].lower()}{first['msg'][1:]}"
    raise UsageError(f"{path.name}:{line}: {problem}", hint="all settings: docs/configuration.md; nothing was run")


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
