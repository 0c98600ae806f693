"""The HTTP client against real sockets: answers, deadlines, every cause of no answer, proxies, and the end of a run."""

import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import monotonic, sleep

import pytest
import trustme

from infracheck import __version__
from infracheck.clients.http import BODY_BYTES, Http
from infracheck.clients.httpcauses import Cause, cause_of
from infracheck.clients.place import place_of
from infracheck.clients.ports import free_port
from infracheck.errors import ClientError, Unavailable, Unclear
from tests.hostile import Canned, Handler, canned, dripping, listening, saying, silent

TOKEN = secrets.token_hex(12)
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.fixture
def http(monkeypatch: pytest.MonkeyPatch) -> Iterator[Http]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    client = Http()
    yield client
    client.close()
    deadline = monotonic() + 5
    while requests_under_way() and monotonic() < deadline:
        sleep(0.02)
    assert requests_under_way() == []


def requests_under_way() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("request to")]


def failure(http: Http, url: str, timeout: float = 3.0) -> ClientError:
    with pytest.raises(ClientError) as caught:
        http.request("GET", url, timeout=timeout)
    shown = f"{caught.value.summary} {caught.value.remedy} {caught.value.__cause__}"
    assert TOKEN not in shown
    assert caught.value.__suppress_context__ or not caught.value.__context__  # httpx quotes the URL
    return caught.value


@contextmanager
def tls(authority: trustme.CA, handle: Handler, name: str = "localhost", host: str = "127.0.0.1") -> Iterator[int]:
    """Serve TLS with a certificate of `authority` for `name`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    def wrapped(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            handle(secured)

    with listening(wrapped, host) as port:
        yield port


# -- answers


def test_an_answer_holds_status_headers_text_and_seconds(http: Http) -> None:
    with canned({"/ok": Canned(200, {"ok": True}, {"X-Thing": "one"})}) as server:
        answer = http.request("POST", f"{server.url}/ok?x=1", timeout=5, headers={"X-Ours": "yes"}, json={"a": 1})
    assert (answer.status, answer.json(), answer.headers["x-thing"]) == (200, {"ok": True}, "one")
    assert 0 < answer.seconds < 5
    method, path, headers, body = server.requests[0]
    assert (method, path, body) == ("POST", "/ok?x=1", b'{"a":1}')
    assert headers["User-Agent"] == f"infracheck/{__version__}"
    assert headers["X-Ours"] == "yes"


def test_a_body_that_is_not_json_is_none(http: Http) -> None:
    with canned({"/": Canned(200, "<!DOCTYPE html><p>hello")}) as server:
        answer = http.request("GET", f"{server.url}/", timeout=5)
    assert answer.json() is None
    assert answer.html


def test_a_redirect_is_not_followed(http: Http) -> None:
    with canned({"/ok": Canned(302, "", {"Location": "/login"})}) as server:
        assert http.request("GET", f"{server.url}/ok", timeout=5).status == 302
    assert [request[1] for request in server.requests] == ["/ok"]


def test_a_cookie_does_not_reach_the_next_request(http: Http) -> None:
    with canned({"/ok": Canned(200, "", {"Set-Cookie": "session=1; Path=/"})}) as server:
        for _ in range(2):
            http.request("GET", f"{server.url}/ok", timeout=5)
    assert all("Cookie" not in headers for _, _, headers, _ in server.requests)


def test_an_endless_body_is_cut_at_256_kb(http: Http) -> None:
    endless = dripping(b"HTTP/1.1 200 OK\r\n\r\n", drop=b"x" * 65536, every=0)
    with listening(endless) as port:
        answer = http.request("GET", f"http://127.0.0.1:{port}/", timeout=10)
    assert len(answer.text) == BODY_BYTES == 256 * 1024


def test_many_threads_share_one_client(http: Http) -> None:
    with canned({"/ok": Canned(200, {"ok": True})}) as server, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: http.request("GET", f"{server.url}/ok", timeout=20).status, range(48)))
    assert answers == [200] * 48


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("name", ["localhost", "app.localhost"])
def test_localhost_is_tried_on_both_families(http: Http, host: str, name: str) -> None:
    heads: list[bytes] = []

    def keeping_the_head(connection: socket.socket) -> None:
        heads.append(connection.recv(4096))
        connection.sendall(EMPTY)

    with listening(keeping_the_head, host) as port:
        assert http.request("GET", f"http://{name}:{port}/", timeout=5).status == 204
    assert f"Host: {name}:{port}".encode() in heads[0]


def test_tls_is_verified_by_the_name_in_the_url(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    with authority.cert_pem.tempfile() as trusted, tls(authority, saying(EMPTY)) as port:
        monkeypatch.setenv("SSL_CERT_FILE", trusted)
        assert http.request("GET", f"https://localhost:{port}/", timeout=5).status == 204
        assert "127.0.0.1" in failure(http, f"https://127.0.0.1:{port}/").summary  # the certificate is for localhost


# -- the deadline


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n"


@pytest.mark.parametrize(
    "handle",
    [silent, dripping(b""), dripping(HEAD), dripping(HEAD + b"\r\n")],
    ids=["silent", "status line drips", "headers drip", "body drips"],
)
def test_a_slow_server_ends_within_the_timeout(http: Http, handle: Handler) -> None:
    with listening(handle) as port:
        start = monotonic()
        error = failure(http, f"http://127.0.0.1:{port}/{TOKEN}", timeout=0.5)
        assert monotonic() - start < 1.5
    assert isinstance(error, Unclear)
    assert error.summary == f"http://127.0.0.1:{port} gave no complete answer within 0.5 s"


def test_a_server_that_never_shakes_hands_ends_within_the_timeout(http: Http) -> None:
    with listening(silent) as port:
        start = monotonic()
        assert isinstance(failure(http, f"https://127.0.0.1:{port}/", timeout=0.5), Unclear)
        assert monotonic() - start < 1.5


def test_a_name_lookup_that_hangs_ends_within_the_timeout(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    # No resolver can be made slow from here, so the system call is: it blocks, as with a dead name server.
    def hanging(*_: object, **__: object) -> None:
        sleep(2)
        raise socket.gaierror(socket.EAI_AGAIN, "gave up")

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    start = monotonic()
    assert isinstance(failure(http, "http://slow.example/", timeout=0.3), Unclear)
    assert monotonic() - start < 1.5


# -- the table of causes, row by row


@contextmanager
def plain(handle: Handler, scheme: str = "http") -> Iterator[str]:
    with listening(handle) as port:
        yield f"{scheme}://127.0.0.1:{port}"


@contextmanager
def secured(scheme: str, name: str = "localhost") -> Iterator[str]:
    with tls(trustme.CA(), saying(EMPTY), name) as port:
        yield f"{scheme}://127.0.0.1:{port}"


def hanging_up(connection: socket.socket) -> None:
    connection.recv(4096)


def reset(connection: socket.socket) -> None:
    connection.recv(10)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


ROWS: dict[str, tuple[Cause, Callable[[], AbstractContextManager[str]]]] = {
    "refused": (Cause.REFUSED, lambda: nullcontext(f"http://127.0.0.1:{free_port()}")),
    "refused on localhost": (Cause.REFUSED, lambda: nullcontext(f"http://localhost:{free_port()}")),
    "unreachable": (Cause.UNREACHABLE, lambda: nullcontext("http://255.255.255.255")),
    "unknown host": (Cause.UNKNOWN_HOST, lambda: nullcontext("http://no-such-host.invalid")),
    "timeout": (Cause.TIMEOUT, lambda: plain(silent)),
    "self-signed certificate": (Cause.CERTIFICATE, lambda: secured("https", "127.0.0.1")),
    "plain server, https": (Cause.NO_TLS, lambda: plain(lambda c: c.sendall(EMPTY), "https")),
    "closes in the handshake": (Cause.TLS_FAILED, lambda: plain(hanging_up, "https")),
    "TLS server, http": (Cause.ONLY_TLS, lambda: secured("http")),
    "another protocol": (Cause.NOT_HTTP, lambda: plain(saying(b"220 mail ESMTP\r\n\r\n"))),
    "binary protocol": (Cause.NOT_HTTP, lambda: plain(saying(b"\0\0\0\x08\x04\xd2\x16\x2f\r\n\r\n"))),
    "garbled body": (
        Cause.NOT_HTTP,
        lambda: plain(saying(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")),
    ),
    "closed at once": (Cause.CLOSED, lambda: plain(saying(b""))),
    "reset": (Cause.CLOSED, lambda: plain(reset)),
    "closed in the body": (Cause.CLOSED, lambda: plain(saying(HEAD + b"\r\nshort"))),
}


@pytest.mark.parametrize("row", ROWS)
def test_each_cause_has_its_message(http: Http, row: str) -> None:
    cause, make = ROWS[row]
    with make() as place:
        error = failure(http, f"{place}/{TOKEN}?token={TOKEN}", timeout=1.0)
    if cause is Cause.UNKNOWN_HOST and isinstance(error, Unclear):
        cause = Cause.NO_RESOLVER  # a machine without any name server cannot tell
    assert (type(error), error.remedy) == (cause.value.kind, cause.value.remedy), error.summary
    assert place in error.summary


def test_a_resolver_that_does_not_answer_leaves_it_open() -> None:
    assert cause_of(socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")) is Cause.NO_RESOLVER
    assert Cause.NO_RESOLVER.value.kind is Unclear


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:3000",
        "//host/path",
        "ftp://host/",
        "http:///path",
        "http://a..b/",
        f"http://{'x' * 64}.com/",
        "http://host:99999/",
        "http://host:abc/",
        "http://host:0/",
        "http://[::1/",
        "http://256.1.1.1/",
        "http://ho st/",
        "http://host/\nX: y",
        " http://host/",
        '"http://host/"',
    ],
)
def test_an_invalid_url_is_told_without_quoting_it(http: Http, url: str) -> None:
    error = failure(http, url)
    assert "is not a valid http or https URL" in error.summary
    assert "host/" not in error.summary
    assert error.remedy == Cause.INVALID.value.remedy


def test_a_header_with_a_newline_is_not_quoted(http: Http) -> None:
    with plain(saying(EMPTY)) as place, pytest.raises(ClientError) as caught:
        http.request("GET", place, timeout=2, headers={"Authorization": f"Bearer {TOKEN}\nX: y"})
    assert TOKEN not in caught.value.summary


def test_the_place_shows_neither_user_nor_path() -> None:
    place = place_of(f"HTTPS://user:{TOKEN}@Example.COM:8443/{TOKEN}?q={TOKEN}#{TOKEN}")
    assert str(place) == "https://example.com:8443"
    assert str(place_of("http://[::1]:80/x")) == "http://[::1]"
    assert str(place_of("https://example.com:443")) == "https://example.com"


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:3000", True),
        ("http://a.localhost", True),
        ("http://127.9.9.9", True),
        ("http://[::1]", True),
        ("http://0.0.0.0:3000", True),
        ("http://localhost.example.com", False),
        ("http://10.0.0.1", False),
        ("http://127.0.0.1.example.com", False),
    ],
)
def test_loopback_is_this_machine(url: str, loopback: bool) -> None:
    assert place_of(url).loopback is loopback


# -- proxies


def test_a_proxy_serves_other_hosts_and_never_this_one(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    with canned({}, default=Canned(203, "by proxy")) as proxy, canned({"/ok": Canned(200, "direct")}) as local:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        assert http.request("GET", "http://service.example/ok", timeout=5).status == 203
        assert http.request("GET", f"{local.url}/ok", timeout=5).text == "direct"
        assert http.request("GET", f"{local.url.replace('127.0.0.1', 'localhost')}/ok", timeout=5).text == "direct"
    assert [path for _, path, _, _ in proxy.requests] == ["http://service.example/ok"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dead_proxy_is_not_taken_for_the_service(http: Http, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://127.0.0.1:{free_port()}")
    error = failure(http, f"{scheme}://service.example/")
    assert isinstance(error, Unclear)
    assert error.summary == f"the proxy of this machine did not pass the request on to {scheme}://service.example"


def test_a_proxy_that_refuses_a_tunnel_is_named(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    with plain(saying(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        error = failure(http, "https://service.example/")
    assert error.remedy == Cause.PROXY.value.remedy


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "ftp://127.0.0.1:1", "http://[::1"])
def test_a_proxy_of_an_unknown_kind_spares_this_machine(
    http: Http, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert failure(http, "http://service.example/").remedy == Cause.PROXY.value.remedy
    with canned({"/ok": Canned(200)}) as local:
        assert http.request("GET", f"{local.url}/ok", timeout=5).status == 200


def test_certificates_that_cannot_be_read_are_told(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file")
    assert failure(http, "https://127.0.0.1:1/").remedy == Cause.TRUST.value.remedy


# -- the end


def test_close_ends_what_is_under_way_and_opens_nothing_more(http: Http) -> None:
    with listening(silent) as port, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(http.request, "GET", f"http://127.0.0.1:{port}/", timeout=30)
        while not requests_under_way():
            sleep(0.01)
        start = monotonic()
        http.close()
        http.close()
        with pytest.raises(Unavailable, match="the run is ending"):
            waiting.result(5)
        assert monotonic() - start < 2
        with pytest.raises(Unavailable, match="the run is ending"):
            http.request("GET", f"http://127.0.0.1:{port}/", timeout=1)
