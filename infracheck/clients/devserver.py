"""The app's own dev server: started as a developer starts it, watched until it is up, stopped without a trace."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

from infracheck.clients.devboot import Boot, Refused, Row
from infracheck.clients.devfiles import Remembered, Restored
from infracheck.clients.devlog import DevLog
from infracheck.clients.devplan import Plan, child_env, command_of, plan_of, port_of
from infracheck.clients.devrefusal import refusal
from infracheck.clients.devwatch import Watch
from infracheck.clients.http import Http
from infracheck.clients.process import NotStarted, Stopped, Supervised

if TYPE_CHECKING:
    from infracheck.project.detect import Project
    from infracheck.project.envfile import Environment
    from infracheck.settings import ServerSettings

__all__ = ["Boot", "DevServer", "Row", "command_of", "port_of", "start"]

TELL_SECONDS: Final = 0.2
MARGIN: Final = 30.0  # seconds beyond the timeout, after which the watch itself is given up


def start(
    project: "Project", settings: "ServerSettings", env: "Environment", *, tell: Callable[[str], None]
) -> "DevServer":
    """Start the dev server and return at once; how that goes is told by `boot`, also when it cannot even be started."""
    plan = plan_of(project, settings, env)
    own_env = child_env(project, env, plan.port)
    if not (settings.command or project.dev_script):
        remedy = 'add "dev" to the scripts of package.json, or set [server] command in infracheck.toml'
        return DevServer(plan, tell, Refused("there is no dev script in package.json", remedy))
    if refused := refusal(project, plan, own_env):
        return DevServer(plan, tell, refused)
    try:
        return DevServer(plan, tell, _Running(project, plan, own_env))
    except NotStarted as error:
        return DevServer(plan, tell, Refused(error.summary, error.remedy))


class _Running:
    """The process with all that belongs to it."""

    def __init__(self, project: "Project", plan: Plan, env: dict[str, str]) -> None:
        self.log = DevLog(project.root, project.repository)
        self.http = Http()
        self.remembered = Remembered(project.root)
        began = time.monotonic()
        self.child = Supervised(plan.command, cwd=project.root, env=env, on_line=self.log.add)
        self.watch = Watch(plan, root=project.root, child=self.child, log=self.log, http=self.http, began=began)

    def stop(self) -> tuple[Stopped, Restored]:
        self.watch.ending.set()
        self.http.close()
        stopped = self.child.stop()
        return stopped, self.remembered.restore("\n".join(self.log.lines()))


class DevServer:
    """A dev server that was started, or the reason why it was not. Every method works from any thread."""

    def __init__(self, plan: Plan, tell: Callable[[str], None], what: _Running | Refused) -> None:
        self._plan, self._tell = plan, tell
        self._running = what if isinstance(what, _Running) else None
        self._booted: Future[Boot] = Future()
        self._stopping = threading.Lock()
        self._stopped: Stopped | None = None
        self.restored = Restored()  # the files that were put back by `stop`
        self.ended_alone: int | None = None  # the exit code with which it had ended before it was stopped
        if isinstance(what, Refused):
            url = f"http://localhost:{plan.port}"
            self._booted.set_result(Boot(False, url, what.summary, what.remedy, what.rows))
        else:
            threading.Thread(target=self._follow, args=(what,), name="dev server boot", daemon=True).start()

    @property
    def started(self) -> bool:
        """Tell whether a process was started at all."""
        return self._running is not None

    @property
    def port(self) -> int:
        return self._running.watch.plan.port if self._running else self._plan.port

    @property
    def command(self) -> str:
        """The command as a developer types it: `npm run dev`."""
        return self._plan.shown

    @property
    def boot(self) -> Boot:
        """How the boot went; waits until that is known, and says meanwhile what it waits for."""
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
        """The exit code if the server has ended, by itself or not; None while it runs."""
        return self._running.child.poll() if self._running else None

    def tail(self, count: int) -> tuple[str, ...]:
        """Return the last lines of the log that say something."""
        return self._running.log.tail(count) if self._running else ()

    def stop(self) -> Stopped:
        """End the whole process tree, put rewritten files back and return how it ended; safe to call again."""
        with self._stopping:
            if self._stopped is None:
                self.ended_alone = self.exit_code
                self._stopped, self.restored = (
                    self._running.stop() if self._running else (Stopped(0, (), (), 0.0), Restored())
                )
            return self._stopped

    def close(self) -> None:
        self.stop()

    def _follow(self, running: _Running) -> None:
        try:
            self._booted.set_result(running.watch.boot())
        except BaseException as error:  # noqa: BLE001 - raised where the boot is asked for
            self._booted.set_exception(error)
        if running.log.hopeless_at:
            self.stop()  # before it installs packages, or waits for a port that it will not get
