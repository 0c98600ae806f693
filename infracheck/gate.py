"""One whole run of the gate: from a folder to a Report, with everything closed again at the end."""

import difflib
import hashlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Protocol

from infracheck import __version__
from infracheck.catalog import catalog, named, select
from infracheck.clients.deployment import base_of
from infracheck.config import Loaded, load
from infracheck.context import Context
from infracheck.errors import ClientError, ExitCode, Interrupted, UsageError
from infracheck.flow.shape import Flow
from infracheck.model import Check, Report, Result, Stage
from infracheck.project import git
from infracheck.project.detect import Project, detect
from infracheck.runner import Event, Finished, not_run, run


class Listener(Protocol):
    """Whoever watches a run."""

    def show(self, event: Event) -> None:
        """Hear that a check started or finished."""

    def tell(self, text: str) -> None:
        """Hear what is being waited for; called from any thread."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the user asked for."""

    folder: Path = Path()
    only: Sequence[str] = ()
    skip: Mapping[str, str] = field(default_factory=dict)  # id or family -> reason
    stage: Stage = "execute-plan"
    strict: bool = False
    base: str | None = None  # the revision to compare this branch with
    flow: str | None = None  # the one declared flow to run, None: all
    against: str | None = None  # the URL of a deployment to judge in the place of a dev server


class Gate:
    """A question that can be answered: app, settings and checks are read, nothing has been asked yet.

    `say` hears every request and answer of a flow.

    Raises:
        UsageError: the folder, the settings, the env files or the selection are wrong. Nothing ran.
    """

    def __init__(
        self, question: Question, process: Mapping[str, str], *, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._start = perf_counter()
        against = base_of(question.against) if question.against is not None else None
        self.question = question
        self.project: Project = detect(question.folder)
        self.loaded: Loaded = load(self.project.root)
        settings = self.loaded.settings
        if question.flow:
            settings = replace(settings, flow=(_flow_named(settings.flow, question.flow),))
        every = catalog(settings)
        self.checks: tuple[Check, ...] = select(every, question.only)
        self.skip = {one.id: why for word, why in question.skip.items() for one in named(every, [word])}
        self.context = Context(
            self.project,
            settings=settings,
            process=process,
            stage=question.stage,
            tell=self._tell,
            say=say,
            waivers=self.loaded.waivers,
            base=question.base,
            known=frozenset(one.id for one in every),
            flow_lines=self.loaded.flows,
            against=against,
        )
        self._listener: Listener | None = None
        _require_files(self.context)
        self.report = Report(
            results=(),
            target=git.target(self.project.root, _shown(self.project)),
            stage=question.stage,
            started_at=datetime.now(UTC),
            seconds=0.0,
            version=__version__,
            inputs=_inputs(self.context),
            strict=question.strict,
        )

    def run(self, listener: Listener) -> Report:
        """Ask every check, telling the listener; close everything; return the Report, also of an interrupted run."""
        self._listener = listener
        done: list[Result] = []
        interrupted: ExitCode | None = None
        try:
            for event in run(self.checks, self.context, waivers=self.context.waivers.in_force, skip=self.skip):
                listener.show(event)
                if isinstance(event, Finished):
                    done.append(event.result)
        except Interrupted as reason:
            interrupted = reason.code
        except KeyboardInterrupt:
            interrupted = ExitCode.INTERRUPTED
        finally:
            with _uninterrupted():
                self.context.close()
        results = (*done, *not_run(self.checks, done))
        seconds = perf_counter() - self._start
        return replace(self.report, results=results, seconds=seconds, interrupted=interrupted)

    def _tell(self, text: str) -> None:
        if self._listener:
            self._listener.tell(text)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let bounded cleaning up finish although Ctrl-C is pressed again."""
    try:
        kept = {
            number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
    except ValueError:  # not the main thread: signals do not arrive here
        kept = {}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _flow_named(flows: Sequence[Flow], name: str) -> Flow:
    if found := next((flow for flow in flows if flow.name == name), None):
        return found
    if not flows:
        raise UsageError("no flow is declared", hint="`infracheck flow init` writes one to edit")
    near = difflib.get_close_matches(name, [flow.name for flow in flows], n=1, cutoff=0.0)
    raise UsageError(f"there is no flow `{name}`", hint=f"did you mean `{near[0]}`?")


def _require_files(ctx: Context) -> None:
    """Refuse settings that name files which are not there, before anything runs."""
    app = ctx.settings.app
    named = [("env_example", app.env_example), ("state", app.state), *(("schema", name) for name in app.schemas)]
    for key, name in named:
        path = ctx.project.root / name if name else None
        if path and not (path.is_file() or (key == "schema" and path.is_dir())):
            raise UsageError(f"[app] {key} = {name!r}: there is no such file", hint="correct infracheck.toml")
    _ = ctx.env, ctx.waivers  # files that cannot be read are said now


def _shown(project: Project) -> str:
    inside = os.path.relpath(project.root, project.repository)
    return project.root.name if inside == "." else inside


def _sql_files(ctx: Context) -> tuple[Path, ...]:
    try:
        return ctx.sql.files if ctx.sql else ()
    except ClientError:  # the checks of the schema say so
        return ()


def _inputs(ctx: Context) -> dict[str, str]:
    """Return the digests of the files that say what is expected; never of one that holds values."""
    files = [path for path in (ctx.env.example, *_sql_files(ctx)) if path and path.is_file()]
    return {ctx.project.show(path): f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files}
