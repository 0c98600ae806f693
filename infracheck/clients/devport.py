"""How a dev server is told to listen on another port than its own: by PORT, else by an argument."""

import re
import shlex
from typing import TYPE_CHECKING, Final

from infracheck.errors import ClientError

if TYPE_CHECKING:
    from infracheck.project.detect import Project

ARGUMENTS: Final = {
    "next": ("-p", "{port}"),
    "vite": ("--port", "{port}", "--strictPort"),
    "astro": ("--port", "{port}"),
    "nuxt": ("--port", "{port}"),
    "remix": ("--port", "{port}"),
}
"""What each program takes; given twice, the last one counts."""
DEAF: Final = frozenset({"vite", "astro", "remix"})  # listen where their own settings say, whatever PORT is
_OPERATORS: Final = re.compile(r"[&|;<>`\n]")
_ASSIGNMENT: Final = re.compile(r"\w+=")
_WRAPPERS: Final = frozenset({"cross-env", "env", "npx", "bunx"})
_PORT: Final = re.compile(r"((?:^|\s)(?:-p|--port)[ =]?|\bPORT=)\d{2,5}\b")
_SCRIPT: Final = re.compile(r"(npm|pnpm|yarn|bun) (?:run )?([\w:.-]+)")


def told_in_command(project: "Project", command: str, port: int) -> str:
    """Return a command of the settings that listens on `port`, given that PORT holds it.

    Raises:
        ClientError: it cannot be told.
    """
    if found := _SCRIPT.fullmatch(command.strip()):
        script = project.script(found[2])
        return command.strip() + told_in_script(script, found[1], port) if script else command
    if _PORT.search(command):
        return _PORT.sub(lambda match: f"{match[1]}{port}", command)
    return command + _arguments(command, port) if _program(command) in DEAF else command


def told_in_script(script: str, manager: str, port: int) -> str:
    """Return what is added to `npm run dev` for its script to listen on `port`, empty where PORT is enough.

    Raises:
        ClientError: it cannot be told.
    """
    program = _program(script)
    if not _PORT.search(script) and program not in DEAF:
        return ""
    if program is None:
        raise ClientError(
            f'[server] port = "auto": the script `{script}` sets its port itself, and cannot be told another one',
            "take the port out of the script (most servers listen on PORT), or set [server] port to it",
        )
    # npm alone takes arguments of its own for those of the script.
    return f"{' --' if manager == 'npm' else ''}{_arguments(script, port)}"


def _arguments(command: str, port: int) -> str:
    return "".join(f" {word.format(port=port)}" for word in ARGUMENTS[_program(command) or ""])


def _program(script: str) -> str | None:
    """Return the one program that a script runs, if it is one that takes a port; arguments at its end reach it."""
    try:
        words = [] if _OPERATORS.search(script) else shlex.split(script)
    except ValueError:
        return None
    while words and (_ASSIGNMENT.match(words[0]) or words[0] in _WRAPPERS):
        words.pop(0)
    return words[0] if words and words[0] in ARGUMENTS else None
