"""How a dev server is to be started: its command, the port it is expected on, and what it sees as its environment."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from infracheck.clients.devboot import Row
from infracheck.clients.devport import DEAF, told_in_command, told_in_script
from infracheck.project.detect import DEFAULT_PORTS, URL_VARIABLES

if TYPE_CHECKING:
    from infracheck.project.detect import Project
    from infracheck.project.envfile import Environment
    from infracheck.settings import ServerSettings

USUAL_PORT: Final = 3000
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
SHELL: Final = re.compile(r"[&|;<>$`*~(\n]|^\w+=")
INSTALL: Final = {
    "npm": ("npm install", "npm install --save-dev"),
    "pnpm": ("pnpm install", "pnpm add --save-dev"),
    "yarn": ("yarn install", "yarn add --dev"),
    "bun": ("bun install", "bun add --dev"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is started and where it should answer."""

    command: tuple[str, ...]
    shown: str  # "npm run dev"
    port: int
    port_source: str  # "[server] port"; what says that it is this port
    path: str  # of the page that is asked for: "/"
    timeout: float  # seconds until it has to answer well
    words: Mapping[str, str]  # for remedies: how packages are installed and added here
    remarks: tuple[Row, ...] = ()  # evidence that stands before that of the boot


def port_of(project: "Project", settings: "ServerSettings", env: "Environment") -> int:
    """Return the port on which the app expects itself: by settings, script, PORT or its own URL, else by default."""
    return _port(project, settings, env)[0]


def _port(project: "Project", settings: "ServerSettings", env: "Environment") -> tuple[int, str]:
    """Return the port, and what says that it is this one."""
    if isinstance(settings.port, int):
        return settings.port, "[server] port"
    if port := project.port_of_script(settings.command or project.dev_script or ""):
        return port, "[server] command" if settings.command else "the dev script"
    if project.framework not in DEAF:
        # Next.js reads PORT from the process alone; a server that loads its env file itself finds it there, too.
        text = env["PORT"].value.reveal() if project.framework is None else env.process.get("PORT", "")
        if text.strip().isdecimal() and 0 < int(text) < 65536:
            return int(text), "PORT"
        for name in URL_VARIABLES:
            if port := _local_port(env[name].value.reveal()):
                return port, name
    if project.framework in DEFAULT_PORTS:
        return DEFAULT_PORTS[project.framework], f"the default of {project.framework}"
    return USUAL_PORT, "the default"


def _local_port(url: str) -> int | None:
    try:
        parts = urlsplit(url.strip())
        return parts.port if parts.hostname in LOOPBACK else None
    except ValueError:
        return None


def command_of(project: "Project", settings: "ServerSettings") -> list[str]:
    """Return the command that starts the dev server; one that needs a shell is given to it."""
    if settings.command is None:
        return [project.package_manager, "run", "dev"]
    return words_of(settings.command)


def words_of(command: str) -> list[str]:
    """Return a command line as words; one that needs a shell is given to it."""
    if SHELL.search(command):
        return ["sh", "-c", command]
    try:
        return shlex.split(command)
    except ValueError:
        return ["sh", "-c", command]


def plan_of(project: "Project", settings: "ServerSettings", env: "Environment") -> Plan:
    """Return the plan by which the server listens where it expects itself."""
    port, source = _port(project, settings, env)
    shown = settings.command or f"{project.package_manager} run dev"
    install, add = INSTALL[project.package_manager]
    if project.package_manager == "npm" and (project.root / "package-lock.json").is_file():
        install = "npm ci"
    return Plan(
        command=tuple(command_of(project, settings)) or ("",),
        shown=shown,
        port=port,
        port_source=source,
        path=f"/{settings.ready.removeprefix('/')}",
        timeout=settings.timeout,
        words={"command": shown, "install": install, "add": add},
    )


def moved_plan(
    plan: Plan, project: "Project", settings: "ServerSettings", port: int, changes: Mapping[str, str]
) -> Plan:
    """Return the plan by which the server listens on a port that was picked for this run.

    Args:
        changes: the variables that will follow it.

    Raises:
        ClientError: the server cannot be told.
    """
    if settings.command:
        shown = told_in_command(project, settings.command, port)
        command = command_of(project, replace(settings, command=shown))
    else:
        told = told_in_script(project.dev_script or "", project.package_manager, port)
        shown = f"{plan.shown}{told}"
        command = [*plan.command, *told.split()]
    followed = f"; moved with it: {', '.join(sorted(changes))}" if changes else ""
    row = Row(f"port {port}", "FREE", note=f"picked for this run instead of {plan.port}{followed}", level="info")
    return replace(
        plan,
        command=tuple(command),
        shown=shown,
        port=port,
        port_source='[server] port = "auto"',
        words={**plan.words, "command": shown},
        remarks=(row,),
    )


def child_env(
    project: "Project", env: "Environment", port: int, changes: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return what the server sees: what a terminal gives it, the port it is expected on, and the changed variables."""
    return {**terminal_env(project, env), **(changes or {}), "PORT": str(port), "BROWSER": "none"}


def terminal_env(project: "Project", env: "Environment") -> dict[str, str]:
    """Return what a developer's terminal gives to what is run in it, no more.

    A framework reads its env files by itself, in its own dialect; values from here would hide what it makes of them.
    They are given only to what reads none: a server without a framework, or an env file that [app] env_file names.
    """
    reads_files = project.framework and all(
        path.parent == project.root and path.name.startswith(".env") for path in env.files
    )
    own = dict(env.process) if reads_files else env.as_process()
    own.pop("FORCE_COLOR", None)  # Node warns when both are set
    return {**own, "NEXT_TELEMETRY_DISABLED": "1", "NO_COLOR": "1"}
