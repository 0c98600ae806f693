"""What is excused, and whether it may be."""

import difflib
from collections.abc import Iterator, Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Final

from infracheck.context import Context
from infracheck.model import Failed, Finding, Passed, Undecided, Verdict, Waiver, check
from infracheck.project.exemption import Exemption
from infracheck.project.waiverset import Ledger, named
from infracheck.project.weakening import Weakened

NO_REASON: Final = {"", "-", ".", "?", "none", "n/a", "na", "todo", "tbd", "fixme", "x", "xxx", "temp", "temporary"}
CLEAR: Final = "give the reason, or delete the waiver and fix what it excuses"


def _nothing_excused(ctx: Context) -> str | None:
    held = ctx.waivers.in_force or ctx.waivers.rejected or ctx.waivers.exemptions.ended
    if held or ctx.weakened.found or ctx.base:
        return None
    nothing = "no waiver and no exemption is in force"
    return nothing if ctx.weakened.base else f"{nothing}; settings were not compared: {_no_base(ctx.weakened)}"


@check(applies=_nothing_excused)
def waivers_valid(ctx: Context) -> Verdict:
    """Every waiver and exemption in force has a reason, is not expired, excuses something, and is not new here.

    A gate is weakened most quietly by what it is told to overlook. All that is excused is listed with its line: the
    `[[waiver]]` tables of infracheck.toml, and the exemptions in the Decisions Log of project-state.md and in this
    cycle's deploy-check result. An exemption counts only when it names its variables literally and was not taken back
    since; a sentence that tries to exempt and does not is shown, with the sentence to write. What this branch added or
    lowered, compared with the commit it left (`--base`), is reported here, so that a reviewer sees it.
    """
    findings = tuple(_rows(ctx))
    if wrong := [one for one in findings if one.level == "fail"]:
        return Failed(_summary(wrong), _remedy(wrong), findings)
    if ctx.base and ctx.weakened.base is None:
        why = f"{ctx.base} cannot be compared with: {_no_base(ctx.weakened)}"
        return Undecided(why, _fetch(ctx.weakened), findings)
    return Passed(_in_force(ctx), findings)


def _rows(ctx: Context) -> Iterator[Finding]:
    today = date.today()
    new = {(one.subject, one.source) for one in ctx.weakened.found}
    for waiver in ctx.waivers.configured:
        yield _configured(waiver, ctx.ledger, today)
    for one in ctx.waivers.exemptions.granted:
        if (one.variable, one.source) not in new:
            yield _granted(ctx, one)
    for change in ctx.weakened.found:
        yield Finding(change.subject, change.state, change.note, change.source, "warn")
    for lost in ctx.waivers.rejected:
        open_ = _without_value(ctx, lost.variables)
        subject = ", ".join(lost.variables) or "exemption"
        note = f"“{lost.quote}”: {lost.why}; if that was decided, write: {lost.write}"
        yield Finding(subject, "DOES NOT COUNT", note, lost.source, "warn" if open_ else "info")
    for over in ctx.waivers.exemptions.ended:
        if _without_value(ctx, (over.variable,)):
            yield Finding(over.variable, "ENDED", f"“{over.quote}” was ended by {over.by}", over.source, "info")
    if ctx.weakened.base is None and not ctx.base:
        in_ci = ctx.process.get("CI", "false").lower() not in {"", "0", "false"}
        note = f"{_no_base(ctx.weakened)}: {_fetch(ctx.weakened)}"
        yield Finding("this branch", "NOT COMPARED", note, None, "warn" if in_ci else "info")


def _configured(waiver: Waiver, ledger: Ledger, today: date) -> Finding:
    """Return the row of one [[waiver]]."""
    subject, where = named(waiver), waiver.source
    if waiver.reason.strip().lower() in NO_REASON:
        return Finding(subject, "NO REASON", f"its reason is {waiver.reason.strip() or 'empty'!r}", where)
    if waiver.expires and waiver.expires < today:
        return Finding(subject, "EXPIRED", f"on {waiver.expires}: {waiver.reason}", where)
    matching = {one for one in ledger.known if fnmatchcase(one, waiver.check)}
    if not matching and ledger.known:
        near = difflib.get_close_matches(waiver.check, ledger.known, n=1)
        return Finding(subject, "NO SUCH CHECK", f"did you mean {near[0]}?" if near else "", where, "warn")
    if excused := ledger.excused.get(waiver):
        limit = f"until {waiver.expires}" if waiver.expires else "without a limit"
        return Finding(subject, "IN FORCE", f"{limit}, excuses {', '.join(excused)}: {waiver.reason}", where, "info")
    if matching <= ledger.judged:
        return Finding(subject, "UNUSED", f"nothing failed that it excuses: {waiver.reason}", where, "warn")
    return Finding(subject, "IN FORCE", f"what it is for was not judged in this run: {waiver.reason}", where, "info")


def _granted(ctx: Context, one: Exemption) -> Finding:
    state = ctx.env[one.variable].state
    what = "not needed, it has a value" if state == "FILLED" else f"excuses that it is {state}"
    limit = f", until {one.expires}" if one.expires else ""
    return Finding(one.variable, "EXEMPT", f"{what}{limit}: “{one.quote}”", one.source, "info")


def _without_value(ctx: Context, variables: tuple[str, ...]) -> bool:
    """Tell whether one of the variables has no value; where nobody can tell which are meant, any of the example."""
    names = variables or tuple(entry.key for entry in ctx.env.expected if not entry.optional)
    return any(ctx.env[name].state != "FILLED" for name in names)


def _summary(wrong: list[Finding]) -> str:
    kinds = {state: sum(one.state == state for one in wrong) for state in ("EXPIRED", "NO REASON")}
    said = {"EXPIRED": "expired", "NO REASON": "without a reason"}
    parts = [f"{count} {said[state]}" for state, count in kinds.items() if count]
    return f"{len(wrong)} waiver{'s' if len(wrong) > 1 else ''} cannot stand: {', '.join(parts)}"


def _remedy(wrong: list[Finding]) -> str:
    advice: Mapping[str, str] = {
        "EXPIRED": "fix what it excuses and delete the waiver, or agree on a new date",
        "NO REASON": CLEAR,
    }
    return "; ".join(f"{one.where}: {advice[one.state]}" for one in wrong)


def _in_force(ctx: Context) -> str:
    waivers, exempt = len(ctx.waivers.configured), len(ctx.waivers.exemptions.granted)
    text = f"{waivers} waiver{_s(waivers)} and {exempt} exemption{_s(exempt)} in force"
    if new := len(ctx.weakened.found):
        text += f", {new} change{_s(new)} on this branch ask{'' if new > 1 else 's'} less than before"
    if lost := len(ctx.waivers.rejected):
        text += f", {lost} sentence{_s(lost)} that do{'' if lost > 1 else 'es'} not count"
    return text if ctx.weakened.base else f"{text}; not compared with another commit"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _no_base(weakened: Weakened) -> str:
    return "the history is cut off (shallow clone)" if weakened.shallow else "git knows no commit to compare with"


def _fetch(weakened: Weakened) -> str:
    fetch = "fetch the whole history (actions/checkout: `fetch-depth: 0`)"
    return fetch if weakened.shallow else "fetch the branch to compare with, or name one: --base REF"
