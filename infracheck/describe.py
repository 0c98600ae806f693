"""The checks in words: the table of `infracheck list` and the page of `infracheck explain`."""

import textwrap
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from infracheck.catalog import catalog, named
from infracheck.config import load
from infracheck.context import Context
from infracheck.errors import InfracheckError, UsageError
from infracheck.model import WORKFLOW, Check
from infracheck.project.detect import detect
from infracheck.project.waiverset import table as waiver_table


def table(folder: Path, process: Mapping[str, str], *, width: int = 100) -> str:
    """Return every check with what it needs and whether it applies to the app in `folder`.

    Outside an app the last column says so; the list itself never fails for want of one.
    """
    ctx, absent = _context(folder, process)
    rows = [("check", "needs", "here")]
    for one in catalog(ctx.settings if ctx else None):
        rows.append((one.id, ", ".join(need.id for need in one.needs) or "–", absent or _here(one, ctx)))
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    indent = " " * (first + second + 4)
    lines = []
    for check, needs, here in rows:
        head = f"{check:<{first}}  {needs:<{second}}  "
        lines += textwrap.wrap(here, max(width, len(indent) + 30), initial_indent=head, subsequent_indent=indent)
    return "\n".join(lines)


def page(name: str, folder: Path, process: Mapping[str, str], *, width: int = 100) -> str:
    """Return what there is to know about one check.

    Raises:
        UsageError: there is no such check; says which is near.
    """
    ctx, absent = _context(folder, process)
    several = named(catalog(ctx.settings if ctx else None), [name])
    found = [one for one in several if one.id == name]
    if not found:
        raise UsageError(f"`{name}` is a family", hint=f"its checks: {', '.join(one.id for one in several)}")
    one = found[0]
    parts = [f"{one.id} — {one.title}", *(textwrap.fill(text, width) for text in one.why.split("\n\n") if text)]
    if one.proves:
        parts.append(textwrap.fill(f"Proves item {one.proves} of the workflow: {WORKFLOW[one.proves]}.", width))
    facts = [
        f"needs    {', '.join(need.id for need in one.needs) or 'nothing before it'}",
        f"here     {absent or _here(one, ctx)}",
        f"alone    infracheck run --only {one.id}",
        f"docs     {one.docs}",
    ]
    return "\n\n".join([*parts, "\n".join(facts)])


def excuses(folder: Path, process: Mapping[str, str], *, width: int = 100) -> str:
    """Return all that is excused in the app, and what tries to be and does not count.

    Raises:
        UsageError: there is no app in `folder`, or a file cannot be read.
    """
    project = detect(folder)
    loaded = load(project.root)
    ctx = Context(project, settings=loaded.settings, process=process, waivers=loaded.waivers)
    today = date.today()
    lines: list[str] = []
    for row in waiver_table(ctx.waivers, today, lambda name: ctx.env[name].state):
        age = f", {row.age} days old" if row.age is not None else ""
        until = f", until {row.expires}" if row.expires else ""
        checks = f" ({', '.join(row.checks)})" if row.checks else ""
        lines.append(f"{row.kind:<15}{row.subject}{checks}  {row.source}{age}{until}")
        for text in (f"“{row.reason}”", row.note):
            lines += textwrap.wrap(ctx.scrub(text), width, initial_indent=" " * 15, subsequent_indent=" " * 15)
    return "\n".join(lines) or "nothing is excused: no waiver and no exemption is in force"


def _context(folder: Path, process: Mapping[str, str]) -> tuple[Context | None, str | None]:
    try:
        project = detect(folder)
    except UsageError as error:
        return None, str(error).split(":")[0]
    return Context(project, settings=load(project.root).settings, process=process), None


def _here(one: Check, ctx: Context | None) -> str:
    if one.applies is None or ctx is None:
        return "applies"
    try:
        reason = one.applies(ctx)
    except InfracheckError as error:
        return f"unknown: {error}"
    return f"no: {reason}" if reason else "applies"
