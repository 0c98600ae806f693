"""Where a URL leads: scheme, host and port, the part of it that may be shown."""

import re
import socket
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from infracheck.clients.httpcauses import Cause, explain


@dataclass(frozen=True, slots=True)
class Place:
    """A server; str() gives `https://host:port`."""

    scheme: str
    host: str  # lower case, an IPv6 address without brackets
    port: int  # the scheme's own where the URL names none

    @property
    def loopback(self) -> bool:
        """Tell whether it is this machine."""
        if self.localhost:
            return True
        try:
            address = ip_address(self.host)
        except ValueError:
            return False
        return address.is_loopback or address.is_unspecified

    @property
    def localhost(self) -> bool:
        return self.host == "localhost" or self.host.endswith(".localhost")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")


_PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\s\x00-\x1f\x7f\\\"'<>]")


def place_of(url: str, what: str = "the address") -> Place:
    """Return where `url` leads; messages call it `what`.

    Raises:
        ClientError: it is no http or https URL; nothing of it is quoted.
    """
    invalid = explain(Cause.INVALID, what)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise invalid from None
    # A label of more than 63 characters, or none, breaks the codec that name lookup goes through.
    named = ":" in host or all(0 < len(label) < 64 for label in host.rstrip(".").split("."))
    if parts.scheme not in _PORTS or not named or port == 0 or _FORBIDDEN.search(url):
        raise invalid
    return Place(parts.scheme, host, port or _PORTS[parts.scheme])


def speaks_tls(place: Place, timeout: float) -> bool:
    """Tell whether a TLS handshake succeeds there, whoever it is: a plain request to such a port is only cut off."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((place.host, place.port), timeout) as plain:
            context.wrap_socket(plain, server_hostname=place.host).close()
    except OSError:
        return False
    return True
