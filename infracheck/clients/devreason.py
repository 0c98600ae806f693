"""Why a dev server did not come up, by its log: it ended, gave up, or took too long."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from infracheck.clients.devanswer import log_rows, remedy_for
from infracheck.clients.devboot import Refused, Row
from infracheck.clients.devcauses import PORT, explain
from infracheck.clients.devplan import Plan
from infracheck.clients.devrefusal import port_taken
from infracheck.clients.ports import is_listening

if TYPE_CHECKING:
    from infracheck.clients.devlog import DevLog
    from infracheck.clients.process import Supervised


def given_up(what: str, plan: Plan, log: "DevLog", root: Path, *, code: int | None = None) -> Refused:
    """Return the cause that the log names for `what` has happened; `code` is the exit code, if it ended."""
    errors = log.errors()
    where = next((one.where for one in errors if one.where), None) or "what the log names"
    words = {**plan.words, "where": where} | ({"error": str(errors[0])} if errors else {})
    explained = explain("\n".join(log.lines()), words)
    rows = log_rows(log, hint=True)
    if explained and explained.cause is PORT:
        taken = port_taken(int("".join(explained.groups)), root)
        if taken:
            return Refused(f"{what}: {taken.summary}", taken.remedy, (*taken.rows, *rows))
    if explained:
        return Refused(f"{what}: {explained.summary}", explained.remedy, rows)
    if errors:
        return Refused(f"{what}: {errors[0]}", remedy_for(plan, errors[0]), rows)
    last = "".join(f": {line.strip()}" for line in log.tail(1))
    remedy = f"run `{plan.shown}` by hand and correct what it prints"
    if code == 0:
        remedy = (
            f"let `{plan.shown}` keep the server in the foreground: what it leaves running when it ends is ended, too"
        )
    return Refused(f"{what}{last}", remedy, rows)


def late(gate: str, plan: Plan, log: "DevLog", child: "Supervised") -> Refused:
    """Return that the time is up at this gate, and on which other ports the server listens."""
    elsewhere = set() if is_listening(plan.port) else _ports_of(child)
    doing = f" ({log.progress})" if log.progress else ""
    summary = f"{gate} after {plan.timeout:g} s{doing}"
    remedy = "see the last lines of its log; if it only needs longer, raise [server] timeout in infracheck.toml"
    if elsewhere:
        found = ", ".join(map(str, sorted(elsewhere)))
        summary += f"; it listens on {found} instead"
        remedy = f"set [server] port in infracheck.toml to the one that serves the app ({found})"
    row = Row(f"port {plan.port}", "TIMEOUT", note=f"expected by {plan.port_source}")
    return Refused(summary, remedy, (row, *log_rows(log, hint=True)))


def _ports_of(child: "Supervised") -> set[int]:
    import psutil

    found = set()
    for process in child.processes():
        with suppress(psutil.Error):
            found |= {one.laddr.port for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN}
    return found
