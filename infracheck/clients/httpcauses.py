"""Why there is no HTTP answer: one table of causes, each with its message and remedy."""

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from infracheck.errors import ClientError, Unclear


@dataclass(frozen=True, slots=True)
class Row:
    """`{place}` is scheme, host and port; `{detail}` is the library's own reason; `{seconds}` the deadline."""

    kind: type[ClientError]
    summary: str
    remedy: str


class Cause(Enum):
    """Each way in which a request ends without an answer."""

    INVALID = Row(
        ClientError,
        "{place} is not a valid http or https URL",
        "write it as https://host/path, without quotes or spaces",
    )
    REFUSED = Row(
        ClientError,
        "nothing listens at {place} (connection refused)",
        "start the service, or correct host and port",
    )
    UNREACHABLE = Row(
        Unclear,
        "{place} cannot be reached from this machine: {detail}",
        "check the network of this machine, then run again",
    )
    UNKNOWN_HOST = Row(
        ClientError,
        "the host name of {place} does not exist",
        "correct the host name; a deleted project's name disappears too",
    )
    NO_RESOLVER = Row(
        Unclear,
        "the host name of {place} cannot be looked up now",
        "check the network and DNS of this machine, then run again",
    )
    TIMEOUT = Row(
        Unclear,
        "{place} gave no complete answer within {seconds:g} s",
        "see whether the service is up and not overloaded, then run again",
    )
    CERTIFICATE = Row(
        ClientError,
        "{place} shows a certificate that is not trusted: {detail}",
        "install a valid certificate there; for an own authority set SSL_CERT_FILE to its certificate",
    )
    NO_TLS = Row(
        ClientError,
        "{place} does not speak TLS on that port",
        "write http:// if it is meant to be plain, or give the port that serves https",
    )
    TLS_FAILED = Row(
        ClientError,
        "the TLS handshake with {place} fails: {detail}",
        "see that the port serves https with a current TLS version",
    )
    ONLY_TLS = Row(
        ClientError,
        "{place} speaks TLS, not plain HTTP",
        "write https://",
    )
    NOT_HTTP = Row(
        ClientError,
        "what {place} answers is not HTTP",
        "correct the port: another kind of service listens there",
    )
    CLOSED = Row(
        ClientError,
        "{place} closed the connection before its answer was complete",
        "look at the log of the service, or of the proxy before it: it hung up",
    )
    PROXY = Row(
        Unclear,
        "the proxy of this machine did not pass the request on to {place}",
        "correct HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, or name the host in NO_PROXY",
    )
    TRUST = Row(
        Unclear,
        "the certificates to trust cannot be read, so {place} was not asked",
        "correct SSL_CERT_FILE or SSL_CERT_DIR",
    )


_NOT_TLS_REASONS: Final = {
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "UNKNOWN_PROTOCOL",
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
}
_PROXY_MAY_CAUSE: Final = {Cause.REFUSED, Cause.UNREACHABLE, Cause.UNKNOWN_HOST, Cause.NO_RESOLVER, Cause.CLOSED}


def explain(
    cause: Cause, place: str, error: BaseException | None = None, seconds: float = 0.0, *, proxied: bool = False
) -> ClientError:
    """Return the exception that says it; through a proxy, a refused connection is the proxy's."""
    row = (Cause.PROXY if proxied and cause in _PROXY_MAY_CAUSE else cause).value
    detail = _detail(error) if error else ""
    return row.kind(row.summary.format(place=place, detail=detail, seconds=seconds), row.remedy)


def cause_of(error: BaseException) -> Cause:
    """Return the cause behind an exception of httpx, or of the sockets below it."""
    import httpx

    table: tuple[tuple[type[BaseException], Cause], ...] = (  # the first kind that fits
        (httpx.ProxyError, Cause.PROXY),
        (ssl.SSLCertVerificationError, Cause.CERTIFICATE),
        (TimeoutError, Cause.TIMEOUT),
        (httpx.TimeoutException, Cause.TIMEOUT),
        (ConnectionRefusedError, Cause.REFUSED),
        (ConnectionError, Cause.CLOSED),
        (OSError, Cause.UNREACHABLE),
        (httpx.DecodingError, Cause.NOT_HTTP),
        (httpx.InvalidURL, Cause.INVALID),
        (httpx.LocalProtocolError, Cause.INVALID),
        (httpx.UnsupportedProtocol, Cause.INVALID),
        (ValueError, Cause.INVALID),
    )
    for link in _chain(error):
        if exact := _by_content(link):
            return exact
        for kind, cause in table:
            if isinstance(link, kind):
                return cause
    return Cause.CLOSED


def _by_content(error: BaseException) -> Cause | None:
    import httpx

    match error:
        case ssl.SSLCertVerificationError():
            return None
        case ssl.SSLError():
            return Cause.NO_TLS if error.reason in _NOT_TLS_REASONS else Cause.TLS_FAILED
        case socket.gaierror():
            return Cause.NO_RESOLVER if error.errno == socket.EAI_AGAIN else Cause.UNKNOWN_HOST
        case httpx.RemoteProtocolError():
            broken_off = re.search("disconnected|closed connection", str(error))
            return Cause.CLOSED if broken_off else Cause.NOT_HTTP
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the innermost cause first: httpx wraps what the socket said."""
    links = [error]
    while (below := links[-1].__cause__ or links[-1].__context__) and below not in links:
        links.append(below)
    yield from reversed(links)


def _detail(error: BaseException) -> str:
    for link in _chain(error):
        if isinstance(link, ssl.SSLCertVerificationError):
            return link.verify_message.rstrip(".")
        if isinstance(link, ssl.SSLError):
            return (link.reason or "it was cut off").replace("_", " ").lower()
        if isinstance(link, OSError) and link.strerror:
            return link.strerror.lower()
    return "no reason given"
