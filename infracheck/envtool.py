"""The commands `infracheck env explain` and `env exec`: how a variable gets its value, and using all of them."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

from infracheck.clients.pgaddress import address
from infracheck.config import load
from infracheck.context import Context
from infracheck.errors import ClientError, UsageError
from infracheck.model import Stage
from infracheck.project.detect import detect
from infracheck.project.dotenv_problems import cut
from infracheck.project.envfile import PROCESS, EnvFile, Environment, read
from infracheck.project.shape import shape

LIBPQ: Final = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "channel_binding": "PGCHANNELBINDING",
    "options": "PGOPTIONS",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
"""Parameters of a connection string and libpq's variables for them (postgresql.org/docs, libpq-envars)."""


def execute(folder: Path, command: Sequence[str], process: Mapping[str, str], stage: Stage) -> NoReturn:
    """Become a command that sees the app's variables as the framework reads them, and PG* for the database.

    Raises:
        UsageError: there is no app, no command, or no such program.
    """
    if not command:
        raise UsageError("env exec needs a command", hint="for instance: infracheck env exec -- psql -c 'select 1'")
    ctx = _context(folder, process, stage)
    env = {**ctx.env.as_process(), **libpq(ctx)}
    if not shutil.which(command[0], path=env.get("PATH", os.defpath)):
        raise UsageError(f"there is no program `{command[0]}` on PATH", hint="install it, or correct the command")
    os.chdir(ctx.project.root)
    os.execvpe(command[0], list(command), env)  # noqa: S606 - the user's own command, without a shell


def libpq(ctx: Context) -> dict[str, str]:
    """Return libpq's variables for the app's database; none where its URL is no Postgres URL."""
    variable = ctx.env[ctx.settings.database.url]
    if variable.state != "FILLED":
        return {}
    try:
        parameters = address(variable.value).parameters
    except ClientError:
        return {}
    return {name: parameters[key] for key, name in LIBPQ.items() if parameters.get(key)}


def explain(folder: Path, key: str, process: Mapping[str, str], stage: Stage) -> str:
    """Return how one variable gets its value: every place that sets it, what is made of it, and which place wins.

    Values are never shown, only their class and length.

    Raises:
        UsageError: there is no app, or the key cannot be a variable's name.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", key):
        raise UsageError("that is no name of a variable", hint="infracheck env explain DATABASE_URL")
    ctx = _context(folder, process, stage)
    env = ctx.env
    lines = [f"{key} is {env[key].state}" + (f", from {env[key].origin}" if env[key].origin else "")]
    lines += _example(ctx, env, key)
    if key in env.process:
        lines.append(f"✓ {PROCESS}: {shape(env.process[key])}; it beats every file")
    for file in env.read:
        lines += _in_file(ctx, env, file, key)
    for dropped in env.dropped:
        lines.append(f"  {ctx.project.show(dropped.path)}:{dropped.line}: {dropped.reason}")
    if len(lines) == 1:
        read_files = ", ".join(path.name for path in env.files) or "no env file"
        lines.append(f"  nothing sets it (read: {PROCESS}, {read_files})")
    return "\n".join(lines)


def _context(folder: Path, process: Mapping[str, str], stage: Stage) -> Context:
    project = detect(folder)
    return Context(project, settings=load(project.root).settings, process=process, stage=stage)


def _example(ctx: Context, env: Environment, key: str) -> Iterator[str]:
    if env.example is None:
        return
    name = ctx.project.show(env.example)
    mark = env.marks.get(key)
    entry = next((one for one in env.expected if one.key == key), None)
    if entry is None:
        yield f"  {name} does not name it"
    elif mark is None:
        yield f"  {name}:{entry.line}: {'optional' if entry.comment else 'required, nothing marks it optional'}"
    else:
        yield f"  {name}:{mark.line}: {'optional' if mark.optional else 'required'} ({mark.rule}): {mark.comment}"


def _in_file(ctx: Context, env: Environment, file: EnvFile, key: str) -> Iterator[str]:
    """Describe each assignment of the key in a file, in the dialect of the app and in the other one."""
    winner = env.entries.get(key) if key not in env.process else None
    for one in file.assignments:
        if one.key != key:
            continue
        wins = winner is not None and winner[0] == file.path and winner[1].line == one.line
        expanded = winner[1].value.reveal() if wins and winner else None
        steps = [f"written {shape(one.raw)}"]
        if one.value != one.raw:
            steps.append(f"parsed {shape(one.value)}")
        if expanded is not None and expanded != one.value:
            steps.append(f"expanded {shape(expanded)}")
        yield f"{'✓' if wins else ' '} {ctx.project.show(file.path)}:{one.line}: {' → '.join(steps)}"
        if expanded is not None and (lost := cut(one, expanded)):
            yield f"    the app reads {lost.kept} of {lost.written} characters ({', '.join(lost.causes)})"
        yield from _otherwise(env, file, key, expanded if expanded is not None else one.value)


def _otherwise(env: Environment, file: EnvFile, key: str, value: str) -> Iterator[str]:
    """Tell when python-dotenv would read another value than Next.js."""
    if env.dialect != "next":
        return
    try:
        others = [entry.value.reveal() for entry in read(file.path, "python").entries if entry.key == key]
    except UsageError:
        return
    if others and others[-1] != value:
        yield f"    python-dotenv would read {shape(others[-1])}"
