"""What can be configured, as plain frozen dataclasses: a run without a file never imports pydantic (0.1 s)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Final, Literal

from infracheck.flow.shape import Flow

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
    port: int | Literal["auto"] | None = None  # "auto": a free one, and the app's URL variables follow it
    ready: str = "/"
    timeout: float = 120.0
    reuse: bool = False  # judge a server of this folder that runs already, instead of refusing
    pages: tuple[str, ...] | None = None  # None: those that are found in the code
    routes: Mapping[str, int] = field(default_factory=dict)  # "/api/cron/x" or "POST /api/x" -> status
    browser: str = "auto"  # "off", or the path of a Chrome or Chromium
    shots: bool = True  # one screenshot a page


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """[[command]]: a gate of the team's own, which becomes the check `command-NAME`; `timeout` in seconds."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT
    name: str
    run: str
    stage: Literal["execute-plan", "deploy-check"] | None = None  # None: at both
    timeout: float = 600.0


@dataclass(frozen=True, slots=True)
class ProvisionSettings:
    """[provision]: names and places of what `infracheck provision` makes."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT
    name: str | None = None  # of new projects; None: the app's, by package.json or folder
    neon_org: str | None = None  # id; None: the only one that the key belongs to
    neon_region: str | None = None  # "aws-eu-central-1"; None: Neon's default
    neon_postgres: int | None = None  # major version; None: Neon's default
    sentry_team: str | None = None  # slug; None: the only one, or one named like the project
    timeout: float = 300.0  # seconds for one step


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
    command: tuple[CommandSettings, ...] = ()
    flow: tuple[Flow, ...] = ()
    provision: ProvisionSettings = field(default_factory=ProvisionSettings)
    waiver: tuple[WaiverSettings, ...] = ()
