"""HTTP requests with one deadline each, no redirects and bounded bodies; without an answer, the cause and its remedy.

A request runs in a thread of its own: neither a name lookup nor a server that drips one byte a second can outlast the
deadline, and the end of the run ends it at once. Messages name scheme, host and port only: paths and queries may hold
tokens, and httpx quotes them.
"""

import json as jsonlib
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from infracheck import __version__
from infracheck.clients.httpcauses import Cause, cause_of, explain
from infracheck.clients.place import Place, place_of, speaks_tls
from infracheck.errors import Unavailable

if TYPE_CHECKING:
    import httpx

USER_AGENT: Final = f"infracheck/{__version__}"
BODY_BYTES: Final = 256 * 1024
_LOCALHOST: Final = ("::1", "127.0.0.1")  # in the order of browsers; a dev server may listen on one of them alone


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said; `text` is the start of the body (256 KB), `headers` has names in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str = field(repr=False)
    seconds: float
    url: str = field(repr=False)

    @property
    def html(self) -> bool:
        """Tell whether this is a page for people, whatever its content type says."""
        start = self.text.lstrip().lower()
        return "html" in self.headers.get("content-type", "") or start.startswith(("<!doctype html", "<html"))

    def json(self) -> Any:
        """Return the parsed body, or None when it is not JSON (or is `null`)."""
        try:
            return jsonlib.loads(self.text)
        except (ValueError, RecursionError):
            return None


class Http:
    """The one HTTP client of a run; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[bool, httpx.Client] = {}
        self._calls: set[_Call] = set()
        self._closed = False

    def request(
        self,
        method: str,
        url: str,
        *,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
    ) -> Answer:
        """Ask once and return the answer, whatever its status.

        Args:
            timeout: seconds from now until the last byte, name lookup and handshakes included.
            json: sent as the body unless it is None; `content` is sent as it stands.

        Raises:
            ClientError: there was no answer, by the table in httpcauses; Unclear where that may pass.
            Unavailable: the run is ending.
        """
        import httpx

        place = place_of(url)
        call = _Call(place)
        with self._lock:
            if self._closed:
                raise _ending()
            self._calls.add(call)
        arguments = {"method": method, "url": url, "headers": dict(headers or {}), "json": json, "content": content}
        try:
            return call.run(lambda: self._ask(call, arguments, timeout), timeout)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            cause = cause_of(error)
            if cause in {Cause.CLOSED, Cause.NOT_HTTP} and place.scheme == "http" and not call.proxied:
                cause = Cause.ONLY_TLS if speaks_tls(place, min(timeout, 2.0)) else cause
            raise explain(cause, str(place), error, timeout, proxied=call.proxied) from None
        finally:
            self._calls.discard(call)

    def close(self) -> None:
        """End every request that is under way; a second call does nothing."""
        with self._lock:
            self._closed = True
            calls, clients = list(self._calls), list(self._clients.values())
            self._clients = {}
        for call in calls:
            call.end(_ending())
        for client in clients:
            client.close()

    def _ask(self, call: "_Call", arguments: dict[str, Any], timeout: float) -> Answer:
        import httpx

        client = self._client(call.place)
        addresses = _LOCALHOST if call.place.localhost else (None,)
        for address in addresses[:-1]:
            try:
                return _once(client, call, arguments, timeout, address)
            except httpx.ConnectError as error:
                if cause_of(error) not in {Cause.REFUSED, Cause.UNREACHABLE}:
                    raise
        return _once(client, call, arguments, timeout, addresses[-1])

    def _client(self, place: Place) -> "httpx.Client":
        """Return the client for this machine (never through a proxy) or for the rest (HTTP_PROXY, NO_PROXY)."""
        import httpx

        with self._lock:
            if self._closed:
                raise _ending()
            if place.loopback not in self._clients:
                try:
                    self._clients[place.loopback] = _new_client(direct=place.loopback)
                except OSError:
                    raise explain(Cause.TRUST, str(place)) from None
                except (ValueError, ImportError, httpx.InvalidURL):  # a proxy of a kind that httpx does not know
                    raise explain(Cause.PROXY, str(place)) from None
            return self._clients[place.loopback]


def _new_client(*, direct: bool) -> "httpx.Client":
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    import httpx

    # No connection is kept: one that a restarted server dropped would look like a failure of the next request.
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(
        headers={"User-Agent": USER_AGENT, "Connection": "close", "Accept-Encoding": "identity"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # no request may depend on another
        limits=limits,
        transport=httpx.HTTPTransport(limits=limits) if direct else None,
    )


def _once(
    client: "httpx.Client", call: "_Call", arguments: dict[str, Any], timeout: float, address: str | None
) -> Answer:
    """Ask one address (None: whatever the name resolves to), as if by the name in the URL."""
    import httpx

    url = httpx.URL(arguments["url"])
    call.target = url.raw_host.decode("ascii"), call.place.port
    extensions: dict[str, Any] = {"trace": call.watch}
    headers = arguments["headers"]
    if address:
        extensions["sni_hostname"] = call.place.host
        headers = {"Host": url.netloc.decode("ascii"), **headers}
        url = url.copy_with(host=address)
    start = perf_counter()
    changed = {"url": url, "headers": headers, "timeout": timeout, "extensions": extensions}
    with client.stream(**{**arguments, **changed}) as response:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) >= BODY_BYTES or call.ended:
                break
    text = bytes(body[:BODY_BYTES]).decode("utf-8", "replace")
    return Answer(response.status_code, dict(response.headers), text, perf_counter() - start, arguments["url"])


def _ending() -> Unavailable:
    return Unavailable("run", "the run is ending")


class _Call:
    """One request under way: who was dialled, and its sockets, so that it can be ended from outside."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.ended = False
        self.proxied = False
        self.target = ("", 0)  # host and port, as httpcore dials them
        self._sockets: list[socket.socket] = []
        self._answer: Future[Answer] = Future()

    def run(self, ask: Callable[[], Answer], timeout: float) -> Answer:
        """Return what `ask` returns in a thread, or raise TimeoutError when the time is up."""
        threading.Thread(target=self._work, args=(ask,), name=f"request to {self.place}", daemon=True).start()
        try:
            return self._answer.result(timeout)
        finally:
            self.end()

    def end(self, error: Exception | None = None) -> None:
        """Cut the connection, so that the thread ends too; whoever waits for the answer gets `error`."""
        self.ended = True
        if error:
            with suppress(InvalidStateError):
                self._answer.set_exception(error)
        for one in list(self._sockets):
            with suppress(OSError):
                socket.socket.shutdown(one, socket.SHUT_RDWR)  # not SSLSocket's: that forgets its TLS state at once

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear from httpcore what it does (its `trace` extension)."""
        if event.endswith("connect_tcp.started") and not self.place.loopback:
            self.proxied = (info["host"], info["port"]) != self.target
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._sockets.append(info["return_value"].get_extra_info("socket"))
            if self.ended:
                info["return_value"].close()
                raise TimeoutError

    def _work(self, ask: Callable[[], Answer]) -> None:
        try:
            answer = ask()
        except BaseException as error:  # noqa: BLE001 - raised where the answer is waited for
            with suppress(InvalidStateError):
                self._answer.set_exception(error)
        else:
            with suppress(InvalidStateError):
                self._answer.set_result(answer)
