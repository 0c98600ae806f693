"""Whether the values of the app's variables are real, and arrive as they were written."""

from collections.abc import Iterator
from typing import Final

from infracheck.context import Context
from infracheck.model import Failed, Finding, Level, Passed, Verdict, check
from infracheck.project.dotenv_entry import Assignment, Kind
from infracheck.project.dotenv_next import NEXT_13
from infracheck.project.dotenv_problems import cut
from infracheck.project.envfile import EnvFile

from .env import nothing_expected, set_at, several

SPOILS: Final[frozenset[Kind]] = frozenset(
    {"not-utf8", "nul", "utf16", "unclosed-quote", "smart-quote", "swallowed-lines", "next-line"}
)
"""Oddities after which the app surely reads something else than was meant; the others are warnings."""
SAID_ELSEWHERE: Final[frozenset[Kind]] = frozenset({"hash"})  # as CUT, with the lengths
CAUSES: Final = {
    "hash": "an unquoted `#` ends the value: put it in quotes",
    "dollar": "`$` begins a reference to another variable: write `\\$`",
    "expanded": "Next.js expands `$NAME` within single quotes too: write `\\$` where it is meant literally",
    "circular": "it refers to itself",
}
REMEDIES: Final = {
    "PLACEHOLDER": "put the real value",
    "UNCHANGED": "put a value of your own",
    "MALFORMED": "copy the value once more, whole,",
    "SHORT": "put a longer secret (openssl rand -base64 32)",
    "LOCAL": "put the deployed service's value",
    "CUT": "write `\\$` for `$`, and quotes around a `#`,",
    "EMPTIED": "write `\\$` for `$`, and quotes around a `#`,",
    "NOT LOADED": "take the self-reference out",
}


def _no_values(ctx: Context) -> str | None:
    if any(ctx.env[name].state == "FILLED" for name in ctx.env.names()) or ctx.env.read:
        return None
    return nothing_expected(ctx) or "no variable has a value, and there is no env file"


@check(applies=_no_values, proves=4, family="env")
def env_real(ctx: Context) -> Verdict:
    """No value is a placeholder, and the app reads each one as it was written.

    `your-key-here` fills a variable and breaks the app, and so does a value that the framework's own dialect cuts:
    Next.js expands `$` in every kind of quotes and ends an unquoted value at `#`, so that a password arrives halved;
    a variable that refers to itself makes it load nothing from the file at all. Known keys are held against their
    shape (DSN, Neon host, Supabase, Stripe ...), secrets that sign sessions against 32 bytes. Values are never shown:
    only their class, length and line.
    """
    findings = [*_dropped(ctx), *_values(ctx)]
    for file in ctx.env.read if ctx.env.dialect == "next" else ():
        findings += [*_cut(ctx, file), *_odd(ctx, file)]
    if (ctx.project.major("next") or 14) < 14 and ctx.env.read:
        findings.append(Finding("next", "OTHER DIALECT", NEXT_13, "package.json", "warn"))
    wrong = [one for one in findings if one.level == "fail"]
    if not wrong:
        filled = sum(ctx.env[name].state == "FILLED" for name in ctx.env.names())
        return Passed(f"{filled} value{'s' if filled != 1 else ''} look real and arrive whole", tuple(findings))
    noun = "value is" if len(wrong) == 1 else "values are"
    summary = f"{len(wrong)} {noun} not what the app needs"
    return Failed(summary, _remedy(wrong), tuple(findings), f"infracheck env explain {wrong[0].subject}")


def _values(ctx: Context) -> Iterator[Finding]:
    from infracheck.project.placeholder import suspicion  # its patterns take 0.1 s, which `list` need not pay

    examples = {entry.key: entry.value.reveal() for entry in ctx.env.expected}
    for name in sorted(ctx.env.names()):
        variable = ctx.env[name]
        found = suspicion(name, variable.value.reveal(), example=examples.get(name), stage=ctx.stage)
        if found and variable.state == "FILLED":
            yield Finding(name, found.kind, f"the value {found.reason}", set_at(ctx, name), found.level)


def _dropped(ctx: Context) -> Iterator[Finding]:
    for one in ctx.env.dropped:
        name = ctx.project.show(one.path)
        yield Finding(name, "NOT LOADED", one.reason, f"{name}:{one.line}" if one.line else name)


def _cut(ctx: Context, file: EnvFile) -> Iterator[Finding]:
    """Find the assignments in force whose value the dialect shortens."""
    for one in file.assignments:
        winner = ctx.env.entries.get(one.key)
        if not winner or winner[0] != file.path or winner[1].line != one.line:
            continue
        lost = cut(one, winner[1].value.reveal())
        if lost:
            causes = "; ".join(CAUSES[cause] for cause in lost.causes)
            state = "CUT" if lost.kept else "EMPTIED"
            note = f"Next.js reads {lost.kept} of {lost.written} characters: {causes}"
            if lost.kept >= lost.written:
                state, note = "EXPANDED", causes
            level: Level = "warn" if state == "EXPANDED" else "fail"
            yield Finding(one.key, state, note, f"{ctx.project.show(file.path)}:{one.line}", level)


def _odd(ctx: Context, file: EnvFile) -> Iterator[Finding]:
    name = ctx.project.show(file.path)
    for problem in file.problems:
        if problem.kind in SAID_ELSEWHERE:
            continue
        subject = _key_at(file, problem.line) or name
        level: Level = "fail" if problem.kind in SPOILS else "warn"
        state = problem.kind.replace("-", " ").upper()
        yield Finding(subject, state, problem.message, f"{name}:{problem.line}", level)


def _key_at(file: EnvFile, line: int) -> str | None:
    def holds(one: Assignment) -> bool:
        return one.line <= line <= one.end_line

    return next((one.key for one in file.assignments if holds(one)), None)


def _remedy(wrong: list[Finding]) -> str:
    steps = []
    for state in dict.fromkeys(one.state for one in wrong):
        places = [one.where or f"{one.subject} of the process environment" for one in wrong if one.state == state]
        steps.append(f"{REMEDIES.get(state, 'correct what the note says')} in {several(list(dict.fromkeys(places)))}")
    return "; ".join(steps)
