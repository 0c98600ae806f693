"""A running dev server of this folder in the place of one that the gate starts: judged, and left running."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from infracheck.clients.devanswer import judge
from infracheck.clients.devboot import Row
from infracheck.clients.devlog import DevLog
from infracheck.clients.devplan import Plan
from infracheck.clients.devrunning import RunningServer
from infracheck.clients.standing import Standing

if TYPE_CHECKING:
    from infracheck.project.detect import Project
    from infracheck.project.envfile import Environment


class ReusedServer(Standing):
    """A server that somebody else started, in this folder."""

    def __init__(
        self, running: RunningServer, plan: Plan, project: "Project", env: "Environment", tell: Callable[[str], None]
    ) -> None:
        self.running = running
        log = DevLog(project.root, project.repository)  # stays empty: it knows the app's files
        super().__init__(
            running.url,
            plan.path,
            command=plan.shown,
            timeout=plan.timeout,
            judge=lambda answer: judge(plan, answer, log),
            tell=tell,
            rows=tuple(_rows(running, plan, project, env)),
            who=f": a dev server that ran already (pid {running.pid})",
        )


def _rows(running: RunningServer, plan: Plan, project: "Project", env: "Environment") -> Iterator[Row]:
    yield Row(f"port {running.port}", "REUSED", note=f"pid {running.pid}: {running.proof}", level="info")
    if running.port != plan.port:
        yield Row(f"port {running.port}", "OTHER PORT", note=f"{plan.port_source} says {plan.port}", level="warn")
    if project.framework != "next":  # which reads a changed file again
        for path in env.files:
            with suppress(OSError):
                if path.stat().st_mtime > running.started:
                    note = "changed since the server was started, which may still see the old values"
                    yield Row(path.name, "NEWER", note=note, level="warn")
    yield Row("log", "NOT SEEN", note="it prints where it was started; what it logs is not judged", level="info")
