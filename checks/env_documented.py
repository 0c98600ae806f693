"""Whether the example names what the code reads, and git keeps the right one of the two files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infracheck.context import Context
from infracheck.model import Failed, Finding, Passed, Skipped, Verdict, check
from infracheck.project import gitfiles
from infracheck.project.env_names import near, provided

from .env import read_by_code, several

if TYPE_CHECKING:
    from infracheck.project.source_model import Read

REAL = (".env.local", ".env.development.local", ".env.production.local")


def _no_code(ctx: Context) -> str | None:
    if ctx.project.package or ctx.env.example or any(ctx.project.root.glob("*.py")):
        return None
    return "there is neither a package.json nor Python code nor an example file"


@check(applies=_no_code, family="env")
def env_documented(ctx: Context) -> Verdict:
    """Every variable that the code reads is named in the example, which git tracks, while the real file stays out.

    A variable that only the code knows is empty at the next person's desk and in production. The source is parsed, not
    searched: `process.env.X`, destructuring, schemas of t3-env, zod and envalid, and helpers that read
    `process.env[name]`. What a platform sets by itself needs no line. A name that differs by a public prefix or by one
    letter is called out. `.gitignore` with `.env*` swallows the example, too: then nobody else ever gets it.
    """
    used = read_by_code(ctx)
    findings = [*_example(ctx, used), *_real_files(ctx)]
    if ctx.env.example:
        findings += _unnamed(ctx, used)
    wrong = [one for one in findings if one.level == "fail"]
    if wrong:
        return Failed(_summary(wrong), _remedy(ctx, wrong), tuple(findings))
    count = len({read.name for read in used})
    if not count:
        if ctx.env.example is None or gitfiles.is_tracked(ctx.env.example) is None:
            return Skipped("the code reads no variable by name, and git has nothing to say of the env files")
        return Passed("the code reads no variable by name; git keeps the example and not the values", tuple(findings))
    named = "1 variable that the code reads is" if count == 1 else f"{count} variables that the code reads are"
    return Passed(f"{named} named in the example", tuple(findings))


def _unnamed(ctx: Context, used: Sequence["Read"]) -> Iterator[Finding]:
    """Yield each variable that the example lacks, once, with the first place that reads it."""
    known = {entry.key for entry in ctx.env.expected}
    for name, read in {one.name: one for one in reversed(used)}.items():
        if name in known or provided(name, read.how):
            continue
        close = near(name, known)
        note = f"the example names {close}: one of the two is wrong" if close else ""
        if read.has_default:
            note = f"{note}; has a default" if note else "has a default in the code"
        yield Finding(name, "UNDOCUMENTED", note, f"{ctx.project.show(read.path)}:{read.line}")


def _example(ctx: Context, used: Sequence["Read"]) -> Iterator[Finding]:
    """Judge the example file itself: there, and tracked by git."""
    if ctx.env.example is None:
        needed = {read.name for read in used if not provided(read.name, read.how)}
        if needed:
            yield Finding(".env.local.example", "MISSING", f"the code reads {len(needed)} variables")
        return
    path = ctx.env.example
    if gitfiles.is_tracked(path) is not False:
        return
    ignored = gitfiles.ignored_by(path)
    name = ctx.project.show(path)
    if ignored:
        where = f"{ctx.project.show(ignored.source)}:{ignored.line}"
        yield Finding(name, "IGNORED", f"`{ignored.pattern}` keeps it out of git: nobody else gets it", where)
    else:
        yield Finding(name, "UNTRACKED", "it is not in git yet: nobody else gets it", name, "warn")


def _real_files(ctx: Context) -> Iterator[Finding]:
    """Judge the files that hold real values: never tracked, always ignored."""
    names = {*REAL, *(path.name for path in ctx.env.files if path.name in REAL or path.name.endswith(".local"))}
    for name in sorted(names):
        path = ctx.project.root / name
        tracked = gitfiles.is_tracked(path)
        if tracked:
            yield Finding(name, "TRACKED", "its values are in the repository's history", name)
        elif tracked is False and path.is_file() and gitfiles.ignored_by(path) is None:
            yield Finding(name, "NOT IGNORED", "the next `git add .` would commit its values", name)


def _summary(wrong: Sequence[Finding]) -> str:
    unnamed = [one for one in wrong if one.state == "UNDOCUMENTED"]
    parts = []
    if unnamed:
        parts.append(f"the example lacks {len(unnamed)} variable{'s' if len(unnamed) != 1 else ''} that the code reads")
    for one in wrong:
        if one.state != "UNDOCUMENTED":
            parts.append(f"{one.subject} is {one.state.lower()}")
    return "; ".join(parts)


def _remedy(ctx: Context, wrong: Sequence[Finding]) -> str:
    steps = []
    by_state: dict[str, list[Finding]] = {}
    for one in wrong:
        by_state.setdefault(one.state, []).append(one)
    if found := by_state.get("UNDOCUMENTED"):
        example = ctx.project.show(ctx.env.example) if ctx.env.example else ".env.local.example"
        steps.append(
            f"add {several([f'{one.subject}=' for one in found])} to {example}, or correct the name in the code"
        )
    if found := by_state.get("MISSING"):
        steps.append("write .env.local.example: a line NAME= for each variable, without its value")
    if found := by_state.get("IGNORED"):
        steps.append(f"add `!{Path(found[0].subject).name}` below that line ({found[0].where}), and commit the example")
    if found := by_state.get("TRACKED"):
        names = several([one.subject for one in found])
        steps.append(f"git rm --cached {names}, ignore it, and replace every secret that it held")
    if found := by_state.get("NOT IGNORED"):
        steps.append(f"add {several([one.subject for one in found])} to .gitignore")
    return "; ".join(steps)
