"""Lines to a real PostgreSQL that break, stall or encrypt, and a server that speaks its protocol only to refuse."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.hostile import Handler, listening

SSL_REQUEST = struct.pack("!ii", 8, 80877103)


@dataclass
class Line:
    """A way to a server that the test can block; `drops` connections are hung up before one is let through."""

    port: int = 0
    drops: int = 0
    opened: int = 0
    blocked: threading.Event = field(default_factory=threading.Event)


@contextmanager
def line_to(port: int, *, drops: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Line]:
    """Serve a way to the PostgreSQL at `port`, encrypted if a context is given."""
    line = Line(drops=drops)

    def handle(client: socket.socket) -> None:
        line.opened += 1
        if line.opened <= line.drops:
            return
        if tls and client.recv(8, socket.MSG_PEEK) == SSL_REQUEST:
            client.recv(8)
            client.sendall(b"S")
            client = tls.wrap_socket(client, server_side=True)
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            back = threading.Thread(target=_pour, args=(server, client, line.blocked))
            back.start()
            _pour(client, server, threading.Event())
            back.join(10)

    with listening(handle) as line.port:
        yield line


def _pour(source: socket.socket, sink: socket.socket, blocked: threading.Event) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if not blocked.is_set():
                sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def refusing(message: str, severity: str = "FATAL") -> Handler:
    """Answer every start of a session with an error in Postgres's protocol, as a cloud's proxy does."""

    def handle(client: socket.socket) -> None:
        if client.recv(8, socket.MSG_PEEK) == SSL_REQUEST:
            client.recv(8)
            client.sendall(b"N")
        client.recv(4096)
        fields = b"".join(
            code + text.encode() + b"\0" for code, text in ((b"S", severity), (b"C", "XX000"), (b"M", message))
        )
        client.sendall(b"E" + struct.pack("!i", len(fields) + 5) + fields + b"\0")

    return handle
