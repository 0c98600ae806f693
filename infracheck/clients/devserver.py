"""The app's own dev server: started as a developer starts it, watched until it is up, stopped without a trace."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

from infracheck.clients.appserver import AppServer
from infracheck.clients.devanswer import log_rows
from infracheck.clients.devboot import Boot, Refused, Row
from infracheck.clients.devfiles import Remembered, Restored
from infracheck.clients.devlog import KEPT_LINES, DevLog
from infracheck.clients.devplace import place_of_app
from infracheck.clients.devplan import Plan, child_env, command_of, moved_plan, plan_of, port_of
from infracheck.clients.devrefusal import refusal
from infracheck.clients.devreuse import ReusedServer
from infracheck.clients.devwatch import PAUSE, Watch
from infracheck.clients.http import Http
from infracheck.clients.process import NotStarted, Stopped, Supervised
from infracheck.errors import ClientError

if TYPE_CHECKING:
    from pathlib import Path

    from infracheck.clients.devplace import AppPlace
    from infracheck.clients.logfile import LogFile
    from infracheck.project.detect import Project
    from infracheck.project.envfile import Environment
    from infracheck.settings import ServerSettings

__all__ = ["Boot", "DevServer", "Row", "command_of", "port_of", "start"]

TELL_SECONDS: Final = 0.2
MARGIN: Final = 30.0  # seconds beyond the timeout, after which the watch itself is given up


def start(
    project: "Project",
    settings: "ServerSettings",
    env: "Environment",
    *,
    tell: Callable[[str], None],
    file: "LogFile | None" = None,
    place: "AppPlace | None" = None,
) -> AppServer:
    """Start the dev server, or take the one that is reused, and return at once.

    How that goes is told by `boot`, also when it cannot even be started.

    Args:
        file: takes its whole output.
        place: where it has to listen, if that was decided already.
    """
    place = place or place_of_app(project, settings, env)
    changes = place.changes(env)
    plan = plan_of(project, settings, env)
    if place.running:
        return ReusedServer(place.running, plan, project, env, tell)
    try:
        plan = moved_plan(plan, project, settings, place.free, changes) if place.free else plan
    except ClientError as error:
        return DevServer(plan, tell, Refused(error.summary, error.remedy))
    own_env = child_env(project, env, plan.port, changes)
    if not (settings.command or project.dev_script):
        remedy = 'add "dev" to the scripts of package.json, or set [server] command in infracheck.toml'
        return DevServer(plan, tell, Refused("there is no dev script in package.json", remedy))
    if refused := refusal(project, plan, own_env):
        return DevServer(plan, tell, refused)
    try:
        return DevServer(plan, tell, _Running(project, plan, own_env, file))
    except NotStarted as error:
        return DevServer(plan, tell, Refused(error.summary, error.remedy))


class _Running:
    """The process with all that belongs to it."""

    def __init__(self, project: "Project", plan: Plan, env: dict[str, str], file: "LogFile | None") -> None:
        self.file = file
        self.log = DevLog(project.root, project.repository)
        self.http = Http()
        self.remembered = Remembered(project.root)
        began = time.monotonic()
        self.child = Supervised(plan.command, cwd=project.root, env=env, on_line=self._hear)
        self.watch = Watch(plan, root=project.root, child=self.child, log=self.log, http=self.http, began=began)

    def _hear(self, line: str) -> None:
        self.log.add(line)
        if self.file:
            self.file.add(line)

    def stop(self) -> tuple[Stopped, Restored]:
        self.watch.ending.set()
        self.http.close()
        stopped = self.child.stop()
        if self.file:
            self.file.close()
        return stopped, self.remembered.restore("\n".join(self.log.lines()))


class DevServer(AppServer):
    """A dev server that was started, or the reason why it was not. Every method works from any thread."""

    def __init__(self, plan: Plan, tell: Callable[[str], None], what: _Running | Refused) -> None:
        self._plan, self._tell = plan, tell
        self._running = what if isinstance(what, _Running) else None
        self._booted: Future[Boot] = Future()
        self._stopping = threading.Lock()
        self._stopped: Stopped | None = None
        self.ended_alone: int | None = None  # the exit code with which it had ended before it was stopped
        if isinstance(what, Refused):
            self._booted.set_result(Boot(False, self.url, what.summary, what.remedy, what.rows))
        else:
            threading.Thread(target=self._follow, args=(what,), name="dev server boot", daemon=True).start()

    @property
    def started(self) -> bool:
        return self._running is not None

    @property
    def port(self) -> int:
        return self._running.watch.plan.port if self._running else self._plan.port

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def command(self) -> str:
        return self._plan.shown

    @property
    def boot(self) -> Boot:
        until, told = time.monotonic() + self._plan.timeout + MARGIN, ""
        while not self._booted.done() and self._running and time.monotonic() < until:
            if told != self._running.watch.progress:
                told = self._running.watch.progress
                self._tell(told)
            try:
                return self._booted.result(TELL_SECONDS)
            except TimeoutError:
                continue
        return self._booted.result(0)

    @property
    def exit_code(self) -> int | None:
        return self._running.child.poll() if self._running else None

    def tail(self, count: int) -> tuple[str, ...]:
        return self._running.log.tail(count) if self._running else ()

    @property
    def log_file(self) -> "Path | None":
        return self._running.file.path if self._running and self._running.file else None

    def mark(self) -> int:
        return self._running.log.mark if self._running else 0

    def since(self, mark: int) -> tuple[str, ...]:
        return self._settled().tail(KEPT_LINES, mark) if self._running else ()

    def problems(self, mark: int) -> tuple[Row, ...]:
        return log_rows(self._settled(), since=mark) if self._running else ()

    def _settled(self) -> DevLog:
        assert self._running
        asked = time.monotonic()
        while not self._running.log.settled(asked):
            time.sleep(PAUSE)
        return self._running.log

    def stop(self) -> Stopped:
        with self._stopping:
            if self._stopped is None:
                self.ended_alone = self.exit_code
                self._stopped, self.restored = (
                    self._running.stop() if self._running else (Stopped(0, (), (), 0.0), Restored())
                )
            return self._stopped

    def _follow(self, running: _Running) -> None:
        try:
            self._booted.set_result(running.watch.boot())
        except BaseException as error:  # noqa: BLE001 - raised where the boot is asked for
            self._booted.set_exception(error)
        if running.log.hopeless_at:
            self.stop()  # before it installs packages, or waits for a port that it will not get
