"""Whether secrets stay where only the server reads them."""

from collections.abc import Iterator

from infracheck.context import Context
from infracheck.model import Failed, Finding, Passed, Verdict, check

from .env import set_at, several


def _no_variables(ctx: Context) -> str | None:
    return None if ctx.env.names() else "there is no env file and no example: nothing could be exposed"


@check(applies=_no_variables, family="env")
def env_private(ctx: Context) -> Verdict:
    """No secret stands under a public prefix or in a file that git tracks.

    What begins with NEXT_PUBLIC_ is copied into the code that every visitor downloads, and what is committed stays in
    the history. Secrets are known by their shape (service_role keys, sb_secret_, sk_live_, sntrys_, napi_, database
    URLs ...) and by their name (SALT, SECRET, PASSWORD: experiment salts too). Long values of the env files are looked
    for, word by word, in the tracked files; none of them is ever shown.
    """
    findings = (*_public(ctx), *_copies(ctx))
    if findings:
        names = list(dict.fromkeys(one.subject for one in findings))
        exposed = f"{len(names)} secret{'s are' if len(names) != 1 else ' is'} exposed: {several(names)}"
        return Failed(exposed, _remedy(findings), findings)
    return Passed(f"none of {len(ctx.env.names())} variables is exposed")


def _public(ctx: Context) -> Iterator[Finding]:
    from infracheck.project import exposure

    variables = [(name, ctx.env[name].value) for name in sorted(ctx.env.names())]
    for one in exposure.public_secrets(variables):
        where = set_at(ctx, one.name) or _in_example(ctx, one.name)
        yield Finding(one.name, "PUBLIC", f"{one.reason}: its prefix puts it into the browser's code", where)


def _in_example(ctx: Context, name: str) -> str | None:
    entry = next((entry for entry in ctx.env.expected if entry.key == name), None)
    return f"{ctx.project.show(ctx.env.example)}:{entry.line}" if entry and ctx.env.example else None


def _copies(ctx: Context) -> Iterator[Finding]:
    from infracheck.project import exposure

    values = {name: entry.value for name, (_, entry) in ctx.env.entries.items()}
    examples = {entry.key: entry.value for entry in ctx.env.expected}
    for copy in exposure.tracked_copies(ctx.project.repository, values, examples=examples) or ():
        if copy.path in ctx.env.files:
            continue  # a tracked env file is what env-documented reports
        where = f"{ctx.project.show(copy.path)}:{copy.line}"
        yield Finding(copy.name, "COMMITTED", "its value stands in a file that git tracks", where)


def _remedy(findings: tuple[Finding, ...]) -> str:
    steps = []
    if public := [one.subject for one in findings if one.state == "PUBLIC"]:
        steps.append(f"rename {several(public)} without the public prefix and read it on the server only")
    if committed := [f"{one.subject} ({one.where})" for one in findings if one.state == "COMMITTED"]:
        steps.append(f"take {several(committed)} out of the file and replace the secret: the history keeps it")
    return "; ".join(steps)
