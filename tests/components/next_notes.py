"""Working copies of the real app tests/apps/next-notes: a git repository with node_modules, ready for `npm run dev`."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from tests.components.cache import CACHE, STAMP, built, digest, digest_tree, locked
from tests.components.child import running, wait_until
from tests.components.node import node, npm_ci, path_with_node
from tests.components.ports import free_port
from tests.components.probe import status_of

SOURCE = Path(__file__).resolve().parents[1] / "apps" / "next-notes"
SCHEMA = SOURCE / "schema.sql"
# What running the app by hand leaves in the sources.
LEFT_OUT = shutil.ignore_patterns("node_modules", ".next", ".env.local", "next-env.d.ts", "*.tsbuildinfo")
# Not /api/auth: most tests sign in at the stand-alone server, and its part of the cache slows every start.
COMPILED_BEFORE = ("/", "/login", "/api/health", "/api/notes", "/api/notes/1")
TURBOPACK_CACHE = ".next/dev/cache/turbopack"
WARM_SECONDS = 240


def installed() -> Path:
    """Return a folder that holds the app's node_modules, installed by `npm ci` on first use."""
    lock = SOURCE / "package-lock.json"

    def build(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(SOURCE / name, folder / name)
        npm_ci(folder)

    return built("next-notes-modules", digest(lock.read_bytes()), build)


def copy_to(folder: Path) -> Path:
    """Make the new or empty `folder` a working copy, about 0.5 s; its first `npm run dev` compiles everything.

    The files in node_modules are hard links into the cache: replace one if you must, never write into it.
    """
    shutil.copytree(SOURCE, folder, ignore=LEFT_OUT, dirs_exist_ok=True)
    # Links, as Turbopack refuses a node_modules that is a symlink out of the app; copies where that cannot be.
    shutil.copytree(installed() / "node_modules", folder / "node_modules", symlinks=True, copy_function=link)
    _commit(folder)
    return folder


def link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


@contextmanager
def working_copy() -> Iterator[Path]:
    """Yield a fresh working copy whose routes Turbopack has compiled before: `npm run dev` takes half the CPU time.

    Turbopack's cache holds for one absolute path only, so these copies stand at fixed places below tests/.cache, one
    for each process that asks at the same time. The first use of a place starts the app once to fill the cache.
    """
    with ExitStack() as stack:
        folder = _free_place(stack)
        key = digest(digest_tree(_sources(), SOURCE).encode(), repr(COMPILED_BEFORE).encode())
        stamp = folder.with_suffix(STAMP)
        if not stamp.exists() or stamp.read_text(encoding="ascii") != key:
            shutil.rmtree(folder, ignore_errors=True)
            copy_to(folder)
            _warm_up(folder)
            stamp.write_text(key, encoding="ascii")
        _restore(folder)
        yield folder


def _sources() -> Iterator[Path]:
    for folder, folders, files in os.walk(SOURCE):
        left_out = LEFT_OUT(folder, [*folders, *files])
        folders[:] = set(folders) - left_out
        yield from (Path(folder, name) for name in files if name not in left_out)


def _free_place(stack: ExitStack) -> Path:
    for number in range(64):
        folder = CACHE / f"next-notes-copy{number}"
        with suppress(TimeoutError):
            stack.enter_context(locked(folder.with_suffix(".lock"), seconds=0))
            return folder
    raise TimeoutError("64 working copies of next-notes are in use")


def _compiled_before(folder: Path) -> Path:
    return folder.with_suffix(".turbopack")


def _restore(folder: Path) -> None:
    """Make the copy what the sources say again, with Turbopack's cache as the warm-up left it."""
    shutil.rmtree(folder, ignore_errors=True)
    copy_to(folder)
    if _compiled_before(folder).exists():
        shutil.copytree(_compiled_before(folder), folder / TURBOPACK_CACHE)


def _warm_up(folder: Path) -> None:
    """Compile every route once; `next dev` writes Turbopack's cache at its end only when told to take that time."""
    port = free_port()
    origin = f"http://localhost:{port}"
    values = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "BETTER_AUTH_SECRET": "x" * 32}
    write_env(folder, {**values, "BETTER_AUTH_URL": origin, "NEON_AUTH_BASE_URL": f"{origin}/api/auth"})
    env = {**os.environ, "PATH": path_with_node(), "PORT": str(port), "NEXT_TELEMETRY_DISABLED": "1"}
    env["__NEXT_DEV_WAIT_FOR_TURBOPACK_SHUTDOWN"] = "1"
    log = folder.with_suffix(".log")
    command: list[str | Path] = [node(), "node_modules/next/dist/bin/next", "dev"]

    def compiled(route: str) -> bool:
        return status_of(origin + route, WARM_SECONDS) is not None

    with running(command, folder=folder, env=env, log=log) as process:
        for route in COMPILED_BEFORE:
            wait_until(partial(compiled, route), process, log, WARM_SECONDS)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
    shutil.rmtree(_compiled_before(folder), ignore_errors=True)
    with suppress(FileNotFoundError):
        (folder / TURBOPACK_CACHE).rename(_compiled_before(folder))


def _commit(folder: Path) -> None:
    env = {"PATH": os.environ.get("PATH", os.defpath), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=next-notes", "-c", "user.email=next-notes@example.com"]
    for command in ("init --quiet --initial-branch=main", "add --all", "commit --quiet --message=start"):
        subprocess.run(["git", *who, *command.split()], cwd=folder, env=env, check=True, timeout=120)


def write_env(folder: Path, values: Mapping[str, str]) -> Path:
    """Write `folder`/.env.local: the example with these values filled in, names that it lacks added below."""
    missing = dict(values)
    lines = []
    for line in (folder / ".env.local.example").read_text(encoding="utf-8").splitlines():
        name = line.partition("=")[0]
        lines.append(f"{name}={missing.pop(name)}" if name in missing else line)
    lines += [f"{name}={value}" for name, value in missing.items()]
    file = folder / ".env.local"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file
