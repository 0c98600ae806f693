"""Gates of the team's own: each [[command]] of the settings becomes the check `command-NAME`."""

from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.model import Check, Failed, Finding, Passed, Verdict

if TYPE_CHECKING:
    from infracheck.clients.command import Ran
    from infracheck.clients.commandlog import Problem
    from infracheck.settings import CommandSettings, Settings

FAMILY: Final = "command"
DOCS: Final = "docs/configuration.md#command"
ERRORS: Final = 20  # that are reported of one command
LAST_LINES: Final = 8
NOT_FOUND: Final = 127  # by which a shell, and npm, say that there is no such program
WHY: Final = """
A gate that the team keeps itself (its build, its type checker, its tests, its linters), judged with everything else in
one report. The command runs in the app's folder with what a developer's terminal gives it, has to exit 0 in the time it
is given, and leaves no process behind. The dev server is stopped before: a build may share its folder and its port.
"""


def command_checks(settings: "Settings") -> tuple[Check, ...]:
    """Return a check for each command that the settings declare, in their order."""
    return tuple(_check(one) for one in settings.command)


def _check(command: "CommandSettings") -> Check:
    def applies(ctx: Context) -> str | None:
        if command.stage in (None, ctx.stage):
            return None
        return f"`{_shown(command)}` runs at --stage {command.stage} only"

    def probe(ctx: Context) -> Verdict:
        return _judged(ctx, command)

    doc = f"`{_shown(command)}` exits 0\n{WHY}"
    name = f"{FAMILY}-{command.name}"
    check = Check(probe, needs=(), applies=applies, proves=None, family=FAMILY, name=name, doc=doc)
    check.docs = DOCS
    return check


def _judged(ctx: Context, command: "CommandSettings") -> Verdict:
    from infracheck.clients.command import run_command
    from infracheck.clients.devplan import terminal_env, words_of
    from infracheck.clients.process import NotStarted

    _stop_server(ctx)
    shown = _shown(command)
    ctx.tell(f"running {shown}")
    log = ctx.evidence.file(f"{FAMILY}-{command.name}.log")
    try:
        ran = run_command(
            words_of(command.run),
            shown=shown,
            root=ctx.project.root,
            env=terminal_env(ctx.project, ctx.env),
            timeout=command.timeout,
            log=log,
            scrub=ctx.scrub,
            tell=ctx.tell,
        )
    except NotStarted as error:
        return Failed(error.summary, _install(ctx, command), (Finding(shown, "NOT FOUND"),), reproduce=command.run)
    kept = ctx.evidence.shown(log) if log and log.is_file() else None
    extra = _extra(ran, kept)
    if ran.code == 0:
        return Passed(f"{shown} exits 0 after {ran.seconds:.1f} s", extra)
    if ran.code is None:
        return _too_slow(ran, command, kept, extra)
    return _wrong(ctx, ran, command, kept, extra)


def _stop_server(ctx: Context) -> None:
    """End the dev server as `server-stops` would, which judges this ending: a build may share its folder and port."""
    from infracheck.clients.devserver import DevServer

    server = ctx.opened("server")
    if isinstance(server, DevServer) and server.started:
        ctx.tell(f"waiting for {server.command} to end")
        server.stop()


def _wrong(
    ctx: Context, ran: "Ran", command: "CommandSettings", kept: str | None, extra: tuple[Finding, ...]
) -> Failed:
    from infracheck.clients.commandlog import problems

    shown, end = _shown(command), f"exit code {ran.code} after {ran.seconds:.1f} s"
    found = problems(ran.lines, ctx.project.root, ctx.project.repository)
    if found:
        first = found[0]
        place = f"{first.where} " if first.where else ""
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        rows = [_finding(one) for one in found[:ERRORS]]
        rows += [Finding("output", "LAST LINE", line, level="info") for line in _last(ran)]
        remedy = f"correct {first.where or 'what it reports'}, and run `{shown}` again{_whole(kept)}"
        return Failed(f"{shown}: {end}: {place}{first.text}{more}", remedy, (*rows, *extra), reproduce=command.run)
    row = Finding(shown, f"EXIT {ran.code}", "\n".join(_last(ran)))
    if ran.code == NOT_FOUND:
        remedy = _install(ctx, command)
    else:
        remedy = f"run `{shown}` in the app's folder, and correct what it reports{_whole(kept)}"
    last = next(reversed(_last(ran)), "it printed nothing").strip()
    return Failed(f"{shown}: {end}: {last}", remedy, (row, *extra), reproduce=command.run)


def _too_slow(ran: "Ran", command: "CommandSettings", kept: str | None, extra: tuple[Finding, ...]) -> Failed:
    last = _last(ran)
    said = f"; it printed last: {last[-1].strip()}" if last else "; it printed nothing"
    return Failed(
        f"{_shown(command)} did not end within {command.timeout:g} s{said}",
        "let it end by itself (a watcher never does, and nobody answers its questions), or raise `timeout` of "
        f"[[command]] {command.name}{_whole(kept)}",
        (Finding(_shown(command), "TIMEOUT", "\n".join(last)), *extra),
        reproduce=command.run,
    )


def _install(ctx: Context, command: "CommandSettings") -> str:
    """Say how a program that was not found comes to be found."""
    from infracheck.clients.devplan import INSTALL

    program = command.run.split()[0]
    if (ctx.project.root / "node_modules" / ".bin" / program).exists():
        return f"write `npx {_shown(command)}` in [[command]] {command.name}: {program} is in node_modules only"
    packages = f" (`{INSTALL[ctx.project.package_manager][0]}` for the app's packages)" if ctx.project.package else ""
    return f"install it{packages}, or correct `run` of [[command]] {command.name}"


def _finding(problem: "Problem") -> Finding:
    return Finding(problem.text, "ERROR", where=problem.where)


def _extra(ran: "Ran", kept: str | None) -> tuple[Finding, ...]:
    """Return what is worth knowing however it ended."""
    rows = [
        Finding(name, "ALIVE", "did not even end when it was killed", level="warn") for name in ran.stopped.survivors
    ]
    rows += [
        Finding(name, "REWRITTEN", f"by the framework, and cannot be restored: {why}", level="warn")
        for name, why in ran.restored.failed
    ]
    rows += [Finding(name, "RESTORED", "the framework had rewritten it", level="info") for name in ran.restored.files]
    if kept:
        rows.append(
            Finding(
                kept, "LOG", "not all of the output: it is a flood" if ran.cut else "the whole output", level="info"
            )
        )
    return tuple(rows)


def _whole(kept: str | None) -> str:
    return f"; its output is in {kept}" if kept else ""


def _last(ran: "Ran") -> list[str]:
    return [line.rstrip() for line in ran.lines if line.strip()][-LAST_LINES:]


def _shown(command: "CommandSettings") -> str:
    """Return the command on one line."""
    return " ".join(command.run.split())
