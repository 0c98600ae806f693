"""PgBouncer in transaction mode before a real PostgreSQL, as Neon's pooled connection strings lead to it."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from infracheck.clients.postgres_binaries import find_installation
from tests.components.cache import built, digest
from tests.components.child import ChildFailed, run, running, wait_until
from tests.components.ports import free_port

START_SECONDS = 30
APT_SECONDS = 300
# One session at the server for each database and role: what a client leaves behind in it, the next one finds.
SETTINGS = """\
[databases]
* = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 1
"""


@contextmanager
def pgbouncer(folder: Path, postgres_url: str) -> Iterator[str]:
    """Run a pooler with its files in the empty `folder`; yield `postgres_url` with the pooler's port.

    It lets in the role of `postgres_url`, with its password, to every database of that server. Its output is in
    `folder`/pgbouncer.log. Raises ChildFailed when it does not come up, or cannot be had on this machine.
    """
    program, libraries = _program()
    account = find_installation().account  # PgBouncer refuses to be root, as PostgreSQL does
    where, port = urlsplit(postgres_url), free_port()
    users, settings, log = folder / "users.txt", folder / "pgbouncer.ini", folder / "pgbouncer.log"
    users.touch(mode=0o600)
    users.write_text(f"{_quoted(where.username)} {_quoted(where.password)}\n", encoding="utf-8")
    text = SETTINGS.format(host=where.hostname, port=where.port or 5432, listen=port, users=users)
    settings.write_text(text, encoding="utf-8")
    for path in (users, settings):
        if account.owner is not None:
            os.chown(path, account.owner, account.owner)
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **libraries}
    with running([*account.prefix, program, settings], folder=folder, env=env, log=log) as process:
        wait_until(partial(_listens, port), process, log, START_SECONDS)
        credentials, _, _ = where.netloc.rpartition("@")
        yield where._replace(netloc=f"{credentials}@127.0.0.1:{port}").geturl()


def _quoted(text: str | None) -> str:
    return '"' + unquote(text or "").replace('"', '""') + '"'


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _program() -> tuple[Path, dict[str, str]]:
    """Return the program and the environment that it needs: the machine's own, else Debian's package, unpacked."""
    if found := shutil.which("pgbouncer", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])):
        return Path(found), {}
    if not shutil.which("apt-get"):
        raise ChildFailed("PgBouncer is missing, and there is no apt-get here: install it (brew install pgbouncer)")
    folder = built("pgbouncer", digest(Path(__file__).read_bytes()), _unpack)
    libraries = [str(path) for path in folder.glob("tree/usr/lib/*-linux-gnu")]
    return folder / "tree" / "usr" / "sbin" / "pgbouncer", {"LD_LIBRARY_PATH": os.pathsep.join(libraries)}


def _unpack(folder: Path) -> None:
    """Fetch the package and what it depends on, and unpack them: installing it would start a pooler as a service."""
    log, packages = folder / "apt.log", folder / "packages"
    (packages / "partial").mkdir(parents=True)
    get = ["apt-get", "--yes", "--no-install-recommends", "--download-only", "--reinstall"]
    get += ["-o", f"Dir::Cache::archives={packages}", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User="]
    fetch = partial(run, [*get, "install", "pgbouncer"], folder=folder, env=os.environ, log=log, seconds=APT_SECONDS)
    try:
        fetch()
    except ChildFailed:
        if os.geteuid() != 0:
            raise ChildFailed(f"{log.read_text()}\nPgBouncer is missing: as root, apt-get install pgbouncer") from None
        run(["apt-get", "update"], folder=folder, env=os.environ, log=folder / "update.log", seconds=APT_SECONDS)
        fetch()
    for package in sorted(packages.glob("*.deb")):
        command: list[str | Path] = ["dpkg-deb", "--extract", package, folder / "tree"]
        run(command, folder=folder, env=os.environ, log=folder / "dpkg.log", seconds=APT_SECONDS)
