"""Loopback ports."""

import socket


def listener() -> socket.socket:
    """Return a socket that already listens on a free port of 127.0.0.1, to be handed to a server."""
    made = socket.socket(socket.AF_INET)
    made.bind(("127.0.0.1", 0))
    made.listen(64)
    return made


def free_port() -> int:
    """Return a port that nothing uses on any address: `next dev` listens on all of them, by IPv6 and IPv4."""
    for _ in range(50):
        with socket.socket(socket.AF_INET) as four:
            four.bind(("127.0.0.1", 0))
            port: int = four.getsockname()[1]
        if not socket.has_dualstack_ipv6():
            return port
        try:
            socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True).close()
        except OSError:
            continue
        return port
    raise OSError("no port is free on all addresses")
