"""Servers that answer wrongly, slowly or not at all, on real sockets. Right answers come from the real services."""

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import Any

Handler = Callable[[socket.socket], None]


@contextmanager
def listening(handle: Handler, host: str = "127.0.0.1") -> Iterator[int]:
    """Serve raw connections, each in a thread that ends with its connection; yields the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                connections.append(connection)
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

    def serve(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            handle(connection)

    with socket.socket(family, socket.SOCK_STREAM) as server:
        server.bind((host, 0))
        server.listen()
        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield server.getsockname()[1]
        finally:
            # Closing alone would not wake `accept`.
            for one in (server, *connections):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for thread in (acceptor, *threads):
                thread.join(10)


def silent(connection: socket.socket) -> None:
    """Accept and never say a word."""
    while connection.recv(4096):
        pass


def saying(text: bytes) -> Handler:
    """Read a request's head, say this whatever it was, and close."""

    def handle(connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (chunk := connection.recv(4096)):
            head += chunk
        connection.sendall(text)

    return handle


def dripping(start: bytes, drop: bytes = b"x", every: float = 0.05, limit: float = 20.0) -> Handler:
    """Send `start`, then one byte after another: each read succeeds, and the answer never ends."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(start)
        end = monotonic() + limit
        while monotonic() < end:
            connection.sendall(drop)
            sleep(every)

    return handle


@dataclass(frozen=True)
class Canned:
    """One answer: `body` is sent as it stands when it is text, else as JSON."""

    status: int
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)


HTML = Canned(200, "<!doctype html><title>Parked domain</title><p>Nothing here", {"Content-Type": "text/html"})


@dataclass
class Seen:
    """What a canned server was asked."""

    url: str
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def canned(answers: Mapping[str, Canned], default: Canned | None = None) -> Iterator[Seen]:
    """Serve fixed answers by path (404 otherwise): an HTTP service that is not the one meant."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.requests.append((self.command, self.path, dict(self.headers.items()), body))
            answer = answers.get(self.path.partition("?")[0], default or Canned(404))
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            kind = "text/plain" if isinstance(answer.body, str) else "application/json"
            self.send_response(answer.status)
            for name, value in {"Content-Type": kind, **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET  # noqa: N815 - the name that the base class calls

        def log_message(self, *_: object) -> None:
            pass

    seen = Seen("")
    with serving(Answers) as seen.url:
        yield seen


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve HTTP on a free port of 127.0.0.1; yields the origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(10)
