"""What a check may ask: settings, the app's variables, and resources that open on first use and close in reverse."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from infracheck.errors import NotApplicable, Unavailable
from infracheck.evidence import Evidence
from infracheck.headstarts import HeadStarts
from infracheck.project import envfile
from infracheck.project.detect import Project
from infracheck.project.waiverset import Ledger, Sources, WaiverSet, find_result, find_state, gather
from infracheck.project.weakening import Weakened, weakened
from infracheck.resources import Resources
from infracheck.secret import Scrubber, Secret
from infracheck.settings import Settings
from infracheck.verdicts import Waiver

if TYPE_CHECKING:
    from infracheck.clients.appserver import AppServer
    from infracheck.clients.browser import Browser
    from infracheck.clients.devplace import AppPlace
    from infracheck.clients.http import Http
    from infracheck.clients.otpshapes import Sessions
    from infracheck.clients.postgres import Database
    from infracheck.clients.scratch import Scratch
    from infracheck.config import FlowLines
    from infracheck.model import Check, Stage
    from infracheck.project.ddl.migrations import SqlSources
    from infracheck.project.source import Scan

ENV_CHECK: Final = "env-filled"
SENTRY_NAMES: Final = ("NEXT_PUBLIC_SENTRY_DSN", "SENTRY_DSN", "SENTRY_AUTH_TOKEN", "SENTRY_ORG", "SENTRY_PROJECT")
SERVER_CHECK: Final = "server-boots"
Opener = TypeVar("Opener", bound=Callable[["Context"], Any])
_OPENERS: Final[dict[str, Callable[["Context"], Any]]] = {}


def opens(name: str) -> Callable[[Opener], Opener]:
    """Register the function that opens a resource which only a check knows how to open."""

    def register(opener: Opener) -> Opener:
        _OPENERS[name] = opener
        return opener

    return register


class Context:
    """One run's view of the app. Checks read it and never write to it; safe to use from several threads."""

    def __init__(
        self,
        project: Project,
        *,
        settings: Settings | None = None,
        process: Mapping[str, str],
        stage: "Stage" = "execute-plan",
        tell: Callable[[str], None] = lambda _: None,
        say: Callable[[str], None] = lambda _: None,
        waivers: tuple[Waiver, ...] = (),
        base: str | None = None,
        known: frozenset[str] = frozenset(),
        flow_lines: "Mapping[str, FlowLines] | None" = None,
        against: str | None = None,
    ) -> None:
        """Take the process environment as a value, so that a run depends on nothing hidden.

        Args:
            process: the environment infracheck itself was started with.
            tell: hears what a long wait is waiting for, one short sentence at a time.
            say: hears every request and answer of a flow.
            waivers: those of the settings.
            base: the revision to compare this branch with; None for the default branch.
            known: the ids of all checks that there are.
            flow_lines: where declared flows and their steps stand.
            against: the base URL of a deployment that is judged in the place of a dev server.
        """
        self.project = project
        self.settings = settings or Settings()
        self.stage = stage
        self.process = process
        self.base = base
        self.against = against
        self.flow_lines = flow_lines or {}
        self.ledger = Ledger(known)
        self.scrub = Scrubber()
        self._configured = waivers
        self._placing = threading.Lock()
        self._place: AppPlace | None = None
        self._tell, self._say = tell, say
        self.evidence = Evidence(project.root)
        self._resources = Resources()
        self._head_starts = HeadStarts(self)

    def tell(self, text: str) -> None:
        """Say what is being waited for."""
        self._tell(self.scrub(text))

    def say(self, text: str) -> None:
        """Show what was asked and answered, to who wants to see everything."""
        self._say(self.scrub(text))

    # -- the app's files and variables

    @cached_property
    def env(self) -> envfile.Environment:
        """Return the variables as the app sees them; the scrubber learns their values before anyone else does.

        Raises:
            UsageError: an env file cannot be read as text.
        """
        app = self.settings.app
        env = envfile.load(
            self.project.root,
            stage=self.stage,
            example=self.project.root / app.env_example if app.env_example else self.project.env_example,
            env_file=app.env_file,
            process=self.process,
            dialect="next" if self.project.package else "python",
            mode=app.optional,
        )
        for name, value in env.secrets():
            self.scrub.learn(name, value)
        return env

    @cached_property
    def waivers(self) -> WaiverSet:
        """Return all that is excused: waivers of the settings, exemptions of the logs.

        Raises:
            UsageError: a log cannot be read.
        """
        return gather(self._sources, self._configured)

    @cached_property
    def weakened(self) -> Weakened:
        """Return how this branch asks less than the commit it left."""
        return weakened(self._sources, self.waivers, self.base)

    @cached_property
    def _sources(self) -> Sources:
        app = self.settings.app
        return Sources(
            self.project,
            tuple(sorted({*self.env.names(), *self._named_by_code(), *SENTRY_NAMES})),
            find_state(self.project, app.state),
            find_result(self.project, app.result),
            asdict(Settings()),
        )

    def _named_by_code(self) -> set[str]:
        # The code is parsed for this only where nothing else could say what an entry of the log may be about.
        return set() if self.env.example else {read.name for read in self.source.reads}

    @cached_property
    def source(self) -> "Scan":
        """Return what the app's code reads of its environment; parsed once, and not in every run."""
        from infracheck.project.source import scan

        return scan(self.project.root)

    @cached_property
    def sql(self) -> "SqlSources | None":
        """Return the files that say what the database should hold; None where the app keeps no SQL.

        Raises:
            ClientError: a named folder holds none, or a migration folder is another database's.
        """
        from infracheck.project.ddl.migrations import find

        return find(self.project, self.settings.app.schemas)

    def require(self, *names: str) -> Secret:
        """Return the value of the first of `names` that is filled.

        Raises:
            NotApplicable: the example marks it optional; quotes the line.
            Unavailable: it is EMPTY or MISSING, as `env-filled` reports it.
        """
        for name in names:
            variable = self.env[name]
            if variable.state == "FILLED":
                return variable.value
        name = next((name for name in names if self.env.expects(name) or name in self.env.entries), names[0])
        variable = self.env[name]
        if (entry := self.env.optional(name)) and self.env.example:
            where = f"{self.env.example.name}:{entry.line}"
            raise NotApplicable(f"{name} is {variable.state} and marked optional ({where}: {entry.comment})")
        if exempt := self.waivers.exempts(name):
            raise NotApplicable(f"{name} is {variable.state} and exempt ({exempt.source}: “{exempt.quote}”)")
        raise Unavailable(ENV_CHECK, f"{name} is {variable.state}")

    # -- resources

    @property
    def database(self) -> "Database":
        """Return the session on DATABASE_URL, opened once.

        Raises:
            ClientError: it cannot be opened, always the same way once tried; Unclear when that may pass.
        """

        def start() -> "Database":
            from infracheck.clients.postgres import Database

            chosen = self.settings.database
            return Database.open(self.require(chosen.url), timeout=chosen.timeout, tell=self.tell)

        return self._resources.get("database", start)

    @property
    def scratch(self) -> "Scratch":
        """Return the throw-away PostgreSQL, started once, of the database's major version where there is one.

        Raises:
            ClientError: there is none to start.
        """

        def start() -> "Scratch":
            from infracheck.clients.scratch import Scratch

            major = int(self.database.server_version.partition(".")[0])
            return Scratch.open(major=major, tell=self.tell)

        return self._resources.get("scratch", start)

    @property
    def http(self) -> "Http":
        """Return the one HTTP client; it follows no redirect and reads bounded bodies."""

        def start() -> "Http":
            from infracheck.clients.http import Http

            return Http()

        return self._resources.get("http", start)

    @property
    def place(self) -> "AppPlace":
        """Return where the app is served in this run, from the files alone: decided once, before anything starts."""
        from infracheck.clients.devplace import place_of_app

        with self._placing:
            if self._place is None:
                self._place = place_of_app(self.project, self.settings.server, self.env, self.against)
            return self._place

    @property
    def server(self) -> "AppServer":
        """Return the app as it is served: its dev server, started once, or the deployment. How well: `server.boot`."""

        def start() -> "AppServer":
            from infracheck.clients.deployment import deployment
            from infracheck.clients.devserver import start
            from infracheck.clients.logfile import LogFile

            if self.against:
                return deployment(self.against, self.settings.server, tell=self.tell)
            file = LogFile(lambda: self.evidence.file("server.log"), self.scrub)
            return start(self.project, self.settings.server, self.env, tell=self.tell, file=file, place=self.place)

        return self._resources.get("server", start)

    @property
    def browser(self) -> "Browser":
        """Return the browser that looks at pages; it is started where that is asked of it.

        Raises:
            ClientError: there is none on this machine, or `[server] browser` names none.
        """

        def start() -> "Browser":
            from infracheck.clients.browser import Browser, find

            chosen = self.settings.server
            program = find(chosen.browser, self.process.get("PATH"))
            return Browser(program, self.process, seconds=chosen.timeout, tell=self.tell)

        return self._resources.get("browser", start)

    @property
    def login(self) -> "Sessions":
        """Return what logs in: `user` and `other` are sessions of two users, removed at the end of the run.

        Raises:
            Unavailable: the database or the dev server is not there.
            ClientError: it cannot be opened; Unclear where nothing may be written.
        """

        def start() -> "Sessions":
            login: Sessions = _OPENERS["login"](self)
            return login

        return self._resources.get("login", start)

    def opened(self, name: str) -> Any:
        """Return a resource if it was opened, else None; never opens one."""
        return self._resources.opened(name)

    # -- head starts

    def begin(self, check: "Check") -> None:
        """Begin a check's slow work in a thread; its value or its error waits for `begun`."""
        self._head_starts.begin(check)

    def begun(self, check: "Check") -> Any:
        """Return what the head start of `check` makes, waiting for it; begins it here if nobody has."""
        return self._head_starts.begun(check)

    def settle(self, check: "Check") -> None:
        """Wait until the head start of `check` is through, however it went; return at once where nobody began it."""
        self._head_starts.settle(check)

    # -- the end

    def close(self) -> None:
        """Close every resource, the last opened first; a second call does nothing. Opens nothing more afterwards."""
        self._resources.close()

    def __enter__(self) -> "Context":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
