"""The shape of a declared flow, as `[[flow]]` in infracheck.toml or in flow.toml.

Plain frozen dataclasses, as all settings; pydantic reads a field `as_` as the key `as`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal

_STRICT: Final[dict[str, Any]] = {"extra": "forbid", "alias_generator": lambda name: name.rstrip("_")}

Persona = Literal["anonymous", "user", "other-user"]
Statuses = int | tuple[int, ...]
Texts = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a request carries: the form's field, and the file's path relative to the app."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    field: str
    path: str
    type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Expect:
    """What has to come of a step; without a status, a request has to be answered with less than 400."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    status: Statuses | None = None
    headers: Mapping[str, str] = field(default_factory=dict)  # name -> value, in which `*` matches any part
    text: Texts = ()  # parts of the body
    no_text: Texts = ()  # what must not stand in it
    json: Mapping[str, Any] = field(default_factory=dict)  # JSONPath -> value, or a test such as { exists = false }
    rows: tuple[tuple[Any, ...], ...] | None = None  # of an SQL question, in their order
    count: int | None = None  # how many rows
    value: Any = None  # of the only row and column


@dataclass(frozen=True, slots=True)
class Step:
    """One request or one SQL question, what has to come of it, and what later steps may use of it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    name: str
    as_: Persona = "anonymous"
    request: str | None = None  # "POST /api/notes"
    sql: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, Any] = field(default_factory=dict)
    body: str | None = None
    file: Upload | None = None
    expect: Expect = field(default_factory=Expect)
    capture: Mapping[str, str] = field(default_factory=dict)  # name -> JSONPath, `header:NAME`, or a column
    eventually: float | None = None  # seconds in which it has to come true


@dataclass(frozen=True, slots=True)
class Flow:
    """A named flow: steps in their order and clean-up steps that always run, or a command that runs it elsewhere."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    name: str
    step: tuple[Step, ...] = ()
    cleanup: tuple[Step, ...] = ()
    timeout: float = 30.0  # seconds for one request
    command: str | None = None  # "npx playwright test e2e/core.spec.ts"
    results: str | None = None  # the JUnit or Playwright JSON file that the command writes
    command_timeout: float = 600.0  # seconds for the command


@dataclass(frozen=True, slots=True)
class FlowFile:
    """flow.toml."""

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT
    flow: tuple[Flow, ...] = ()
