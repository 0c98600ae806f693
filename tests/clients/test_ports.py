"""TCP ports: real sockets of this process and of others, on every loopback and wildcard address there is."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from infracheck.clients.ports import Listener, free_port, is_free, is_listening, listeners, owned_by, shown
from tests.clients.processes import eventually, program

ADDRESSES = ["127.0.0.1", "0.0.0.0", "::1", "::"]
SERVER = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(600)
"""


def available() -> Iterator[str]:
    """Yield the addresses that this machine has: containers often lack IPv6."""
    for address in ADDRESSES:
        try:
            serve(address, 0).close()
        except OSError:
            continue
        yield address


def serve(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family)


everywhere = pytest.mark.parametrize("address", list(available()))


def test_this_machine_has_a_loopback_address() -> None:
    assert {"127.0.0.1", "0.0.0.0"} <= set(available())


def test_nobody_is_at_a_free_port() -> None:
    port = free_port()
    assert is_free(port)
    assert is_listening(port) is None
    assert listeners(port) == []
    assert not owned_by(port, [psutil.Process()])


@everywhere
def test_a_listener_is_seen_wherever_it_listens(address: str) -> None:
    port = free_port()
    with closing(serve(address, port)):
        assert not is_free(port)
        assert is_listening(port) == (
            "::1" if address == "::1" else "127.0.0.1" if "." in address else is_listening(port)
        )
        [found] = listeners(port)
    assert (found.address, found.pid) == (address, os.getpid())
    assert found.name == psutil.Process().name()
    assert is_free(port)


def test_a_socket_that_is_bound_but_does_not_listen_takes_the_port() -> None:
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        assert not is_free(port)
        assert is_listening(port) is None


@everywhere
def test_a_port_whose_last_connection_lingers_is_free(address: str) -> None:
    port = free_port()
    with closing(serve(address, port)) as server:
        client = socket.create_connection(("::1" if ":" in address else "127.0.0.1", port), timeout=5)
        accepted, _ = server.accept()
        accepted.close()  # who closes first keeps the connection in TIME_WAIT
        assert client.recv(1) == b""
        client.close()
    states = {c.status for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == port}
    assert states == {psutil.CONN_TIME_WAIT}
    assert is_free(port)


def test_a_port_belongs_to_those_who_listen_on_it(tmp_path: Path) -> None:
    port = free_port()
    with program(SERVER, str(port)) as server:
        eventually(lambda: is_listening(port))
        theirs = psutil.Process(server.pid)
        assert owned_by(port, [theirs])
        assert owned_by(port, [psutil.Process(), theirs])
        assert not owned_by(port, [psutil.Process()])
        assert not owned_by(port, [])
        [found] = listeners(port)
        assert found == Listener("127.0.0.1", server.pid, theirs.name(), Path(theirs.cmdline()[0]).name)


def test_a_port_that_is_shared_with_a_stranger_is_not_ours() -> None:
    port = free_port()
    others = [address for address in available() if address == "::1"]
    with program(SERVER, str(port)) as server:
        eventually(lambda: is_listening(port))
        for address in others:
            with closing(serve(address, port)):
                assert len(listeners(port)) == 2
                assert not owned_by(port, [psutil.Process(server.pid)])
                assert owned_by(port, [psutil.Process(server.pid), psutil.Process()])


def test_listeners_are_seen_where_the_system_shows_only_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, where asking for every socket needs root."""

    def refuse(kind: str) -> list[object]:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    with closing(serve("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert [found.pid for found in listeners(port)] == [os.getpid()]
        assert owned_by(port, [psutil.Process()])
        monkeypatch.setattr(psutil, "process_iter", lambda: iter(()))
        assert listeners(port) == [Listener("127.0.0.1", None, "", "")]
        assert not owned_by(port, [psutil.Process()])


def test_a_listener_with_a_full_queue_is_no_reason_to_hang() -> None:
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        clients = [socket.socket() for _ in range(8)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        is_listening(port)  # the pytest timeout is the assertion
        assert not is_free(port)
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (
            ["/usr/bin/node", "/app/node_modules/next/dist/bin/next-server", "--password", "hunter22"],
            "node …/next-server",
        ),
        (["node", "server.js", "--token=hunter22"], "node server.js"),
        (["next-server (v16.4.5)"], "next-server"),
        (["npm run dev"], "npm run"),
        (["/usr/sbin/mysqld", "--password", "hunter22"], "mysqld"),
        (["redis-server", "--requirepass=a/hunter22"], "redis-server"),
        (["tool", "postgresql://u:hunter22@h/db"], "tool"),
        (["tool", "SECRET=a/hunter22"], "tool"),
        (["tool", "Hunter22-Hunter22"], "tool"),
        (["postgres: checkpointer "], "postgres: checkpointer"),
        (["", ""], ""),
        ([], ""),
    ],
)
def test_a_command_is_shown_without_what_could_be_secret(command: list[str], text: str) -> None:
    assert shown(command) == text
    assert "hunter22" not in shown(command).lower()
