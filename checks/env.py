"""The app's variables."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from infracheck.context import Context
from infracheck.model import Failed, Finding, Passed, Undecided, Verdict, check
from infracheck.project.env_names import provided
from infracheck.project.envfile import Entry

if TYPE_CHECKING:
    from infracheck.project.source_model import Read

SHOWN = 4  # variables named in a remedy; the findings name all


def nothing_expected(ctx: Context) -> str | None:
    env = ctx.env
    if env.example is None:
        if env.files or ctx.project.package:
            return None
        return "no .env.local.example and no env file: nothing says which variables are needed"
    if not env.expected:
        return f"{ctx.project.show(env.example)} names no variable"
    if all(entry.optional for entry in env.expected):
        return f"{ctx.project.show(env.example)} marks every variable optional"
    return None


@check(applies=nothing_expected, proves=4)
def env_filled(ctx: Context) -> Verdict:
    """Every variable of the example that is not marked optional has a value.

    An app with an empty key boots, and fails later in front of a user. Each variable that the example names is FILLED,
    EMPTY (`VAR=`, `VAR=""` or white space) or MISSING; the last two close the gate, unless a comment of the example
    marks it optional (`infracheck env explain NAME` says which), or the Decisions Log exempts it by name. Values are
    read as the app reads them: the process environment first, then `.env.local` and the other env files in the
    framework's order and dialect. In CI all of them come from the process environment, and the report says so per
    variable. Without an example the variables that the code reads are judged.
    """
    env = ctx.env
    if env.example is None:
        return _no_example(ctx)
    rows = tuple(_row(ctx, entry) for entry in env.expected)
    required = [row for row in rows if row.state != "OPTIONAL" and not _is_optional(ctx, row.subject)]
    empty = [row for row in required if row.state != "FILLED"]
    if not empty:
        return Passed(f"{len(required)} of {len(required)} required variables have a value", rows)
    have = "has" if len(empty) == 1 else "have"
    summary = f"{len(empty)} of {len(required)} required variables {have} no value"
    if not env.files:
        summary += ": there is no env file, and the process environment lacks them"
    return Failed(summary, _remedy(ctx, empty), rows)


def _is_optional(ctx: Context, name: str) -> bool:
    return ctx.env.optional(name) is not None


def _row(ctx: Context, entry: Entry) -> Finding:
    """Return the evidence for one variable of the example; where = the line that sets it, else the example's."""
    env, name = ctx.env, entry.key
    variable = env[name]
    where = set_at(ctx, name) or (f"{ctx.project.show(env.example)}:{entry.line}" if env.example else None)
    if variable.state != "FILLED" and entry.optional:
        return Finding(name, "OPTIONAL", f"{variable.state}; {entry.comment}", where, "info")
    if variable.state != "FILLED" and (exempt := ctx.waivers.exempts(name)):
        # The runner excuses it by the same exemption: the check is then waived, visibly, and not passed.
        return Finding(name, "EXEMPT", f"{variable.state}; {exempt.source}: “{exempt.quote}”", where)
    note = _note(ctx, name)
    return Finding(name, variable.state, note, where, "info" if variable.state == "FILLED" else "fail")


def set_at(ctx: Context, name: str) -> str | None:
    """Return the file:line that gives a variable its value; None when the process environment does, or nothing."""
    return None if name in ctx.env.process else _written_at(ctx, name)


def _written_at(ctx: Context, name: str) -> str | None:
    if name not in ctx.env.entries:
        return None
    path, entry = ctx.env.entries[name]
    return f"{ctx.project.show(path)}:{entry.line}"


def _note(ctx: Context, name: str) -> str:
    """Say where a value comes from, unless it is the line that the finding names, and what it keeps from being read."""
    env = ctx.env
    if name in env.process:
        origin = "process environment" if env[name].state == "FILLED" else "set but empty in the process environment"
        beaten = _written_at(ctx, name)
        return f"{origin}, which beats {beaten}" if beaten else origin
    if name not in env.entries:
        return _in_a_dropped_file(ctx, name)
    if env[name].state == "EMPTY" and (beaten := _filled_elsewhere(ctx, name)):
        return f"beats {beaten}, which has a value"
    return ""


def _in_a_dropped_file(ctx: Context, name: str) -> str:
    for file in ctx.env.read:
        reason = next((one.reason for one in ctx.env.dropped if one.path == file.path), None)
        line = next((entry.line for entry in file.entries if entry.key == name and entry.assigned), None)
        if reason and line:
            return f"{ctx.project.show(file.path)}:{line} sets it, but {reason}"
    return ""


def _filled_elsewhere(ctx: Context, name: str) -> str | None:
    winner, _ = ctx.env.entries[name]
    for file in ctx.env.read:
        for entry in file.entries if file.path != winner else ():
            if entry.key == name and entry.value.reveal().strip():
                return f"{ctx.project.show(file.path)}:{entry.line}"
    return None


def _remedy(ctx: Context, empty: Sequence[Finding]) -> str:
    env = ctx.env
    in_process = [row for row in empty if row.subject in env.process and row.state != "EXEMPT"]
    in_file = [row for row in empty if row not in in_process and row.state == "EMPTY"]
    missing = [row for row in empty if row.state == "MISSING"]
    steps = []
    if in_file:
        steps.append(f"put {_a_value(in_file)} after {several([f'{row.subject}= in {row.where}' for row in in_file])}")
    if in_process:
        names = several([row.subject for row in in_process])
        steps.append(f"give {names} a value in the process environment, or unset it there")
    if missing:
        steps.append(_add(ctx, missing))
    return "; ".join(steps) or "fill what is exempt before the exemption ends"


def _add(ctx: Context, missing: Sequence[Finding]) -> str:
    env = ctx.env
    names = several([row.subject for row in missing])
    if not env.files and ctx.process.get("CI", "false").lower() not in {"", "0", "false"}:
        return f"give the job {names} in its environment (`env:`, from the repository's secrets)"
    lines = several([f"{row.subject}=" for row in missing])
    if env.files:
        return f"add {lines} with {_a_value(missing)} to {ctx.project.show(env.files[0])}"
    example = ctx.project.show(env.example) if env.example else ".env.local.example"
    target = _target(ctx)
    return f"cp {example} {target}, then put {_a_value(missing)} after {lines} in {target}"


def _target(ctx: Context) -> str:
    if ctx.settings.app.env_file:
        return ctx.settings.app.env_file
    example = ctx.env.example
    next_js = ctx.project.framework == "next"  # git ignores .env.local in its template, .env not always
    return ".env.local" if next_js or example is None else example.name.removesuffix(".example")


def _a_value(rows: Sequence[Finding]) -> str:
    return "a value" if len(rows) == 1 else "values"


def several(texts: Sequence[str]) -> str:
    """Return `a, b and c`, or the first few and how many more."""
    shown = list(texts[:SHOWN]) if len(texts) > SHOWN + 1 else list(texts)
    if more := len(texts) - len(shown):
        shown.append(f"{more} more")
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def read_by_code(ctx: Context) -> tuple["Read", ...]:
    """Return where the app's code reads variables that no platform and no tool sets by itself."""
    return tuple(one for one in ctx.source.reads if not provided(one.name, one.how))


def _no_example(ctx: Context) -> Verdict:
    """Judge what the code reads: without an example that is all there is to tell what is needed."""
    needed: dict[str, str] = {}
    for read in read_by_code(ctx):
        if not read.has_default:
            needed.setdefault(read.name, f"{ctx.project.show(read.path)}:{read.line}")
    rows = tuple(_of_code(ctx, name, where) for name, where in needed.items())
    empty = [row for row in rows if row.state != "FILLED"]
    write = "write .env.local.example: a line NAME= for each variable that the app needs, without its value"
    if not rows:
        there = tuple(
            Finding(name, ctx.env[name].state, _note(ctx, name), set_at(ctx, name), "info") for name in ctx.env.entries
        )
        return Undecided("there is no .env.local.example, and the code reads no variable by name", write, there)
    judged = f"{len(rows)} variables that the code reads (there is no .env.local.example)"
    if empty:
        return Failed(f"{len(empty)} of {judged} have no value", f"{_remedy(ctx, empty)}; and {write}", rows)
    return Passed(f"{len(rows)} of {judged} have a value", rows)


def _of_code(ctx: Context, name: str, where: str) -> Finding:
    state = ctx.env[name].state
    note = "; ".join(part for part in (_note(ctx, name), f"read in {where}") if part)
    return Finding(name, state, note, set_at(ctx, name) or where, "info" if state == "FILLED" else "fail")
