"""The app's own dev server."""

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.model import Failed, Finding, Passed, Skipped, Undecided, Verdict, check

from .boot_ddl import catalog_now, changed_since, in_words
from .database_usable import database_usable
from .schema import schema_tables

if TYPE_CHECKING:
    from infracheck.clients.appserver import AppServer
    from infracheck.clients.devboot import Row
    from infracheck.clients.devreuse import ReusedServer
    from infracheck.clients.devserver import DevServer
    from infracheck.clients.pgfingerprint import Fingerprint
    from infracheck.clients.process import Stopped

FREE_SECONDS: Final = 2.0  # a port is free as soon as its last holder is gone
LAST_LINES: Final = 6
TYPED: Final = re.compile(r"\b(?:build|tsc|vue-tsc|type-?check|check-?types)\b")  # commands that meet type errors


def no_server(ctx: Context) -> str | None:
    """Return why there is no dev server to start, from the files alone."""
    if ctx.settings.server.command or ctx.project.dev_script or ctx.against:
        return None
    return "package.json has no dev script, and [server] command is not set"


@check(applies=no_server, proves=6)
def server_boots(ctx: Context) -> Verdict:
    """The dev server starts without errors, is ours, and answers well.

    What does not boot cannot be deployed, and "Ready" in the log proves nothing: Next.js prints it before it loads
    its settings. So the server is started as a developer starts it, on the app's own port, and has to answer a page
    itself; an error that it logs on the way counts, too, because users meet it later. With `--against` nothing is
    started, and the deployment has to answer well. What the app changes in its schema while it boots is told: the
    schema checks have read what was there before.
    """
    began: Began = ctx.begun(server_boots)
    server = began.server
    boot = server.boot
    changed = changed_since(ctx, began.catalog)
    findings = (*map(_finding, boot.rows), *changed, *_whole_log(ctx, server))
    if boot.unclear:
        return Undecided(boot.summary, boot.remedy, findings)
    if not boot.ok:
        return Failed(f"{boot.summary}{in_words(changed)}", boot.remedy, findings, reproduce=server.command)
    if server.exit_code is not None:
        return _ended(ctx, server, "it answered, and then ended", server.exit_code)
    unbuilt = _unbuilt(ctx)
    limits = "; type errors are not looked for (no build command)" if unbuilt else ""
    return Passed(f"{boot.summary}{in_words(changed)}{limits}", (*findings, *unbuilt))


@dataclass(frozen=True, slots=True)
class Began:
    """The server that is asked, and the catalog as it was before the gate started it; None where it is not known."""

    server: "AppServer"
    catalog: "Fingerprint | None" = None


@server_boots.head_start(after=[])
def boot(ctx: Context) -> Began:
    """Start it while other checks run, but not before the schema was read: apps change their database at boot."""
    if ctx.against or ctx.place.running:
        _ = ctx.server.boot  # nothing is started: it is asked at once
        return Began(ctx.server)
    ctx.settle(schema_tables)
    ctx.settle(database_usable)
    catalog = catalog_now(ctx)
    return Began(ctx.server, catalog)


@check(applies=no_server)
def server_stops(ctx: Context) -> Verdict:
    """What the gate started is stopped: its port free, no process left, its rewritten files restored.

    A server that stays behind holds the port, and the next run would judge yesterday's code. Frameworks also rewrite
    files while they run; the working tree must be after the gate what it was before. A reused server is left running.
    """
    from infracheck.clients.devreuse import ReusedServer
    from infracheck.clients.devserver import DevServer

    if ctx.against:
        return Skipped(f"nothing was started: {ctx.against} was judged (--against)")
    server = ctx.opened("server")
    if isinstance(server, ReusedServer):
        return _left_running(server)
    if not isinstance(server, DevServer):
        return Skipped("the gate started no dev server")
    if not server.started:
        return Skipped(f"the dev server could not be started: {server.boot.summary}")
    up = server.boot.ok
    ctx.tell(f"waiting for {server.command} to end")
    stopped = server.stop()
    left = (*_left_processes(stopped), *(_port_holders(ctx, server) if up else ()), *_unrestored(server))
    if left:
        names = ", ".join(f"{finding.subject} {finding.state}" for finding in left)
        return Failed(f"something is left of the dev server: {names}", _remedy(left), left)
    if up and server.ended_alone is not None:
        return _ended(ctx, server, "it ended by itself before it was stopped", server.ended_alone)
    summary = f"stopped in {stopped.seconds:.1f} s: port {server.port} is free, no process is left"
    return Passed(summary, (*_killed(stopped), *_restored(server)))


def _left_running(server: "ReusedServer") -> Verdict:
    """Say that a reused server is left as it was found, and that it is still the same."""
    running = server.running
    if running.there:
        return Passed(f"the reused dev server is left running, as it was found: {running.url} (pid {running.pid})")
    return Failed(
        f"the reused dev server ended while it was judged (pid {running.pid}): {running.url} is not its own any more",
        f"run `{server.command}` again, use the app, and correct what ends it; or let the gate boot its own: "
        "[server] reuse = false",
        (Finding(f"pid {running.pid}", "GONE", f"listened on port {running.port}"),),
    )


def _finding(row: "Row") -> Finding:
    return Finding(row.label, row.state, row.note, row.where, row.level)


def _whole_log(ctx: Context, server: "AppServer") -> tuple[Finding, ...]:
    path = server.log_file
    return (Finding("log", "FILE", "its whole output", ctx.evidence.shown(path), "info"),) if path else ()


def _unbuilt(ctx: Context) -> tuple[Finding, ...]:
    """Say that nobody looks for type errors: a dev server serves pages in spite of them, and a build does not."""
    typed = ctx.project.framework == "next" or (ctx.project.root / "tsconfig.json").is_file()
    if not typed or any(TYPED.search(command.run) for command in ctx.settings.command):
        return ()
    run = f"{ctx.project.package_manager} run build"
    note = f'type errors show only in a build; add [[command]] name = "build", run = "{run}", stage = "deploy-check"'
    return (Finding("build", "NOT CONFIGURED", note, level="info"),)


def _ended(ctx: Context, server: "AppServer", what: str, code: int) -> Failed:
    lines = server.tail(LAST_LINES)
    last = (Finding("log", "LAST LINE", line, level="info") for line in lines)
    return Failed(
        f"{what}, with exit code {code}",
        f"run `{server.command}`, use the app, and correct what ends it; the last lines of its log are below",
        (Finding(server.command, f"EXIT {code}"), *last, *_whole_log(ctx, server)),
        reproduce=server.command,
    )


def _left_processes(stopped: "Stopped") -> tuple[Finding, ...]:
    return tuple(Finding(name, "ALIVE", "did not even end when it was killed") for name in stopped.survivors)


def _killed(stopped: "Stopped") -> tuple[Finding, ...]:
    return tuple(Finding(name, "KILLED", "did not end when it was asked to", level="warn") for name in stopped.killed)


def _port_holders(ctx: Context, server: "DevServer") -> tuple[Finding, ...]:
    from infracheck.clients import ports
    from infracheck.clients.devrefusal import port_taken

    until = time.monotonic() + FREE_SECONDS
    while not ports.is_free(server.port) and time.monotonic() < until:
        time.sleep(0.02)
    taken = port_taken(server.port, ctx.project.root)
    return tuple(_finding(row) for row in taken.rows) if taken else ()


def _restored(server: "DevServer") -> tuple[Finding, ...]:
    files = server.restored.files
    return tuple(Finding(name, "RESTORED", "the framework had rewritten it", level="info") for name in files)


def _unrestored(server: "DevServer") -> tuple[Finding, ...]:
    failed = server.restored.failed
    return tuple(Finding(name, "REWRITTEN", f"by the framework, and cannot be restored: {why}") for name, why in failed)


def _remedy(left: tuple[Finding, ...]) -> str:
    if any(finding.state == "REWRITTEN" for finding in left):
        return "restore the files by hand (`git checkout -- FILE`), and let this user write to the app's folder"
    return "end what is left by its pid, then find out why it survives: it may belong to another user"
