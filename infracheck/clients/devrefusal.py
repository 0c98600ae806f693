"""Why a dev server need not even be started: what the disk and the port tell before, in a few milliseconds."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infracheck.clients.devboot import Refused, Row
from infracheck.clients.devplan import Plan
from infracheck.clients.devrunning import NEXT_LOCK, next_lock

if TYPE_CHECKING:
    from infracheck.clients.ports import Listener
    from infracheck.project.detect import Project

INSTALL: Final = {
    **dict.fromkeys(("npm", "npx", "node"), "install Node.js"),
    "pnpm": "install it (`npm install --global pnpm`, or `corepack enable pnpm`)",
    "yarn": "install it (`npm install --global yarn`, or `corepack enable yarn`)",
    "bun": "install it (`npm install --global bun`)",
}
NODE_PROGRAMS: Final = ("npm", "pnpm", "yarn", "bun", "npx", "node", "next", "vite")
PACKAGE_OF: Final = {"remix": "@remix-run/dev"}
TYPESCRIPT: Final = ("typescript", "@types/react", "@types/node")
NATIVE_TYPESCRIPT: Final = "@typescript/native-preview"
SHOWN_HOLDERS: Final = 3


def refusal(project: "Project", plan: Plan, env: Mapping[str, str]) -> Refused | None:
    """Return the first reason why starting makes no sense, None if there is none."""
    return next(_refusals(project, plan, env), None)


def _refusals(project: "Project", plan: Plan, env: Mapping[str, str]) -> Iterator[Refused]:
    program = plan.command[0]
    if not shutil.which(program, path=env.get("PATH", os.defpath)):
        yield Refused(
            f"`{program}` is not on PATH",
            f"{INSTALL.get(program, 'install it')}, or correct [server] command",
            (Row(program, "MISSING"),),
        )
    if program in NODE_PROGRAMS:
        yield from _missing_packages(project, plan)
    if project.framework == "next":
        yield from _running_already(project)
    if refused := port_taken(plan.port, project.root):
        yield refused


def _missing_packages(project: "Project", plan: Plan) -> Iterator[Refused]:
    if not project.dependencies or any((folder / ".pnp.cjs").is_file() for folder in _upwards(project)):
        return
    framework = PACKAGE_OF.get(project.framework or "", project.framework)
    if not _installed(project, framework or ""):
        name = f"node_modules/{framework}" if framework else "node_modules"
        yield Refused(
            f"the app's packages are not installed: there is no {name}",
            f"install them: `{plan.words['install']}`",
            (Row(name, "MISSING", note="looked for in the app and above it"),),
        )
    if framework == "next" and _is_typescript(project.root):
        missing = [name for name in TYPESCRIPT if not _installed(project, name)]
        if missing == ["typescript"] and _installed(project, NATIVE_TYPESCRIPT):
            return
        if missing:
            yield Refused(
                f"the app is written in TypeScript, but {', '.join(missing)} "
                f"{'is' if len(missing) == 1 else 'are'} not installed (Next.js would install by itself)",
                f"install: `{plan.words['add']} {' '.join(missing)}`, and commit package.json and the lock file",
                tuple(Row(f"node_modules/{name}", "MISSING") for name in missing),
            )


def _installed(project: "Project", package: str) -> bool:
    return any((folder / "node_modules" / package).exists() for folder in _upwards(project))


def _upwards(project: "Project") -> tuple[Path, ...]:
    # Node looks up to the root of the disk, beyond the repository.
    return (project.root, *project.root.parents)


def _is_typescript(root: Path) -> bool:
    """Tell, as Next.js does, whether it would set the app up for TypeScript."""
    if (root / "tsconfig.json").is_file():
        return True
    folders = (root / name for name in ("app", "pages", "src/app", "src/pages"))
    files = (path for folder in folders for path in folder.rglob("*.ts*") if path.suffix in {".ts", ".tsx"})
    return any(not path.name.endswith(".d.ts") for path in files)


def _running_already(project: "Project") -> Iterator[Refused]:
    known = next_lock(project.root)
    if known is None:
        return
    pid, url = known.get("pid", "?"), str(known.get("appUrl", "an unknown URL"))
    yield Refused(
        f"another dev server of this folder is running already: {url} (pid {pid})",
        f"stop it (Ctrl-C in its terminal, or `kill {pid}`), or judge it as it is: [server] reuse = true",
        (Row(str(NEXT_LOCK), "HELD", note=f"by pid {pid}, which serves {url}"),),
    )


def port_taken(port: int, root: Path) -> Refused | None:
    """Return who holds the port, None if it is free."""
    from infracheck.clients import ports

    if ports.is_free(port):
        return None
    holders = [(one, _folder(one)) for one in ports.listeners(port)]
    if not holders:
        row = Row(f"port {port}", "TAKEN")
        return Refused(f"port {port} cannot be bound here", "set another [server] port in infracheck.toml", (row,))
    names = list(dict.fromkeys(_named(one, folder) for one, folder in holders))[:SHOWN_HOLDERS]
    pids = list(dict.fromkeys(str(one.pid) for one, _ in holders if one.pid))
    stop = f"stop it (`kill {' '.join(pids)}`)" if pids else "stop it (`sudo ss -ltnp` says what it is)"
    remedy = f"{stop}, or give this app a port of its own: [server] port in infracheck.toml and its URL variables"
    if any(folder and Path(folder) == root for _, folder in holders):
        remedy = f"{stop}: it runs in this app's folder; or judge it as it is: [server] reuse = true"
    return Refused(
        f"port {port} is taken by {' and '.join(names)}",
        remedy,
        tuple(Row(f"port {port}", "TAKEN", note=f"by {name}") for name in names),
    )


def _named(listener: "Listener", folder: str) -> str:
    if listener.pid is None:
        return "a process of another user"
    details = ", ".join(part for part in (f"pid {listener.pid}", folder and f"in {folder}") if part)
    return f"{listener.command or listener.name or 'a process'} ({details})"


def _folder(listener: "Listener") -> str:
    import psutil

    with suppress(psutil.Error):
        return psutil.Process(listener.pid).cwd() if listener.pid else ""
    return ""
