"""Where the app is served in this run: at its own port, at a free one, by a server that runs already, or deployed."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from infracheck.clients.devplan import port_of
from infracheck.clients.devrunning import RunningServer, running_here
from infracheck.clients.ports import free_port
from infracheck.project.detect import URL_VARIABLES

if TYPE_CHECKING:
    from infracheck.project.detect import Project
    from infracheck.project.envfile import Environment
    from infracheck.settings import ServerSettings

_ADDRESSES = re.compile(r"URLS?$|URIS?$|ORIGINS?$|HOSTS?$")


@dataclass(frozen=True)
class AppPlace:
    """The base URL at which the app is served, and the port on which its own files expect it."""

    url: str  # without a path
    own: int
    elsewhere: bool = False  # it is not where its files expect it
    free: int | None = None  # the port that was picked for this run, and that the server has to be told
    running: RunningServer | None = None  # the one that is reused

    def moved(self, text: str) -> str:
        """Return an address (or a list of them) with the app's own one on this machine replaced by the real one."""
        return self._pattern.sub(lambda _: self.url, text) if self.elsewhere else text

    def changes(self, env: "Environment") -> dict[str, str]:
        """Return the variables that name the app's own address, with the real one in its place."""
        names = {*env.entries, *URL_VARIABLES, *(name for name in env.process if _ADDRESSES.search(name))}
        values = {name: env[name].value.reveal() for name in names}
        return {name: moved for name, text in values.items() if (moved := self.moved(text)) != text}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(rf"https?://(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0):{self.own}(?!\d)", re.IGNORECASE)


def place_of_app(
    project: "Project", settings: "ServerSettings", env: "Environment", against: str | None = None
) -> AppPlace:
    """Return where the app is served; a free port is picked here, so ask once a run.

    Raises:
        ClientError: no port is free.
    """
    own = port_of(project, settings, env)
    if against:
        return AppPlace(against, own, elsewhere=True)
    if settings.reuse and (running := running_here(project, own)):
        return AppPlace(running.url, own, elsewhere=running.port != own, running=running)
    if settings.port == "auto":
        free = free_port()
        return AppPlace(f"http://localhost:{free}", own, elsewhere=True, free=free)
    return AppPlace(f"http://localhost:{own}", own)
