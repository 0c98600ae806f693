"""TCP ports of this machine: who listens, which are free, and whether a listener is one of ours."""

import errno
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from infracheck.errors import ClientError

if TYPE_CHECKING:
    import psutil

LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
WILDCARD = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))  # noqa: S104 - bound for a moment, to see whether it can be
CONNECT_SECONDS = 0.5  # loopback answers at once, or its queue is full
ATTEMPTS = 50
_NO_SUCH_FAMILY = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}
_REACHES_LOOPBACK = re.compile(r"(::ffff:)?(127\.|0\.0\.0\.0$)|::1?$")
_SCRIPT = re.compile(r"[a-z-]{1,16}|[^=]*/[^=]*|[^=]+\.(?:[cm]?[jt]sx?|py|rb|php|sh|jar|exe)")


@dataclass(frozen=True)
class Listener:
    """One listening socket; `pid` is None and the texts are empty where this user may not see whose it is."""

    address: str
    pid: int | None
    name: str
    command: str  # the program and its script, `node …/next-server`: other arguments could be secrets


def listeners(port: int) -> list[Listener]:
    """Return who listens on `port` where a client on this machine would arrive: loopback and wildcard addresses."""
    found = {}
    for address, pid in _listening(port):
        if _REACHES_LOOPBACK.match(address):
            found[address, pid] = Listener(address, pid, *_who(pid))
    if not found and (reached := is_listening(port)):
        return [Listener(reached, None, "", "")]
    return list(found.values())


def is_free(port: int) -> bool:
    """Tell whether a server could bind `port` now, on every address of both families; TIME_WAIT is no obstacle.

    Wildcard and loopback are both tried: BSD and macOS allow the one beside the other, and Linux does not.
    Not free either: a port below 1024 that this user may not bind.
    """
    return all(_can_bind(family, host, port) for family, host in (*WILDCARD, *LOOPBACK))


def free_port() -> int:
    """Return a port that is free on every address of both families at this moment; bind it soon."""
    for _ in range(ATTEMPTS):
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if is_free(port):
            return port
    raise ClientError("no free TCP port was found", "close programs that hold many ports")


def is_listening(port: int) -> str | None:
    """Return the loopback address on which `port` accepts connections, IPv4 first, None if neither does."""
    for family, host in LOOPBACK:
        with suppress(OSError), closing(socket.socket(family, socket.SOCK_STREAM)) as client:
            client.settimeout(CONNECT_SECONDS)
            client.connect((host, port))
            # A client whose own port happens to be the one it dials reaches itself.
            if client.getsockname() != client.getpeername():
                return host
    return None


def owned_by(port: int, processes: Iterable["psutil.Process"]) -> bool:
    """Tell whether somebody listens on `port`, and nobody but these processes."""
    ours = {process.pid for process in processes}
    there = listeners(port)
    return bool(there) and all(listener.pid in ours for listener in there)


def shown(command: list[str]) -> str:
    """Return program and script of a command line, without folders and without anything that could be a secret."""
    words = command if len(command) > 1 else " ".join(command).split()  # a program may set its title as one text
    if not words:
        return ""
    program = PurePath(words[0]).name
    script = words[1] if len(words) > 1 else ""
    if not _SCRIPT.fullmatch(script) or script.startswith("-") or "://" in script:
        return program
    path = PurePath(script)
    return f"{program} …/{path.name}" if len(path.parts) > 1 else f"{program} {script}"


def _who(pid: int | None) -> tuple[str, str]:
    """Return name and shown command of a process; what cannot be seen is empty."""
    import psutil

    name = ""
    try:
        process = psutil.Process(pid) if pid else None
        name = process.name() if process else ""
        return name, (shown(process.cmdline()) if process else "") or name
    except psutil.Error:
        return name, name


def _can_bind(family: int, host: str, port: int) -> bool:
    try:
        with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((host, port))
    except OSError as error:
        return error.errno in _NO_SUCH_FAMILY
    return True


def _listening(port: int) -> Iterator[tuple[str, int | None]]:
    """Yield address and pid of each listening socket on `port`."""
    import psutil

    try:
        sockets = [(c.laddr, c.status, c.pid) for c in psutil.net_connections("tcp")]
    except psutil.AccessDenied:  # macOS shows a user only the sockets of his own processes
        sockets = list(_own_sockets())
    for address, status, pid in sockets:
        if status == psutil.CONN_LISTEN and address and address.port == port:
            yield address.ip, pid


def _own_sockets() -> Iterator[tuple[Any, str, int]]:
    import psutil

    for process in psutil.process_iter():
        with suppress(psutil.Error):
            yield from ((c.laddr, c.status, process.pid) for c in process.net_connections("tcp"))
