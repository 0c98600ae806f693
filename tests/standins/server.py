"""An HTTP server that holds both sides to an OpenAPI description: what is asked, and what it answers itself."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.hostile import Canned, serving

Route = Callable[..., Any]
FOLDER = Path(__file__).parent


@dataclass
class Asked:
    """A request in the form that the description is compared with."""

    host_url: str
    path: str
    method: str
    parameters: RequestParameters
    content_type: str = "application/json"
    body: bytes | None = None


@dataclass
class Answered:
    """An answer in that form."""

    status_code: int
    data: bytes
    content_type: str = "application/json"
    headers: Headers = field(default_factory=Headers)


class Refusal(Exception):
    """What the API answers in place of the object: a status and the reason."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class StandIn:
    """The state of an API and the switches of its failures; `url` is its base while it is served."""

    description = ""  # the file's name
    prefix = ""  # before every path

    def __init__(self, key: str) -> None:
        self.key = key
        self.url = ""
        self.requests: list[str] = []  # path and query of each request
        self.headers: list[Mapping[str, str]] = []
        self.breaches: list[str] = []
        self._failures: list[tuple[str, Canned, int]] = []
        self._lock = threading.Lock()
        self.latency = 0.0  # seconds before each answer

    def routes(self) -> list[tuple[str, Route]]:
        """Return a pattern of the path and what answers it: called with the groups, then the query."""
        raise NotImplementedError

    def refusal(self, status: int, message: str) -> dict[str, Any]:
        """Return the body of a refusal."""
        raise NotImplementedError

    def fail(self, path: str, answer: Canned | int, *, times: int = 1000, message: str = "") -> None:
        """Answer the paths that the pattern matches wholly in this way instead; an int is a refusal of the API."""
        if isinstance(answer, int):
            answer = Canned(answer, self.refusal(answer, message))
        self._failures.append((path, answer, times))

    def refused(self, headers: Mapping[str, str]) -> Canned | None:
        """Return the answer to a key that is not known, None for a good one."""
        if headers.get("Authorization") == f"Bearer {self.key}":
            return None
        return Canned(401, self.refusal(401, "the key is not valid"))

    def write(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Canned:
        """Return the answer to a request that changes something."""
        raise NotImplementedError(f"{method} {path}")

    def answer(
        self,
        path: str,
        query: dict[str, str],
        headers: Mapping[str, str],
        origin: str,
        *,
        method: str = "get",
        body: bytes = b"",
    ) -> Canned:
        """Return the answer of one request, compared with the description unless a test made it up."""
        if self.latency:
            time.sleep(self.latency)
        with self._lock:
            full = path + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
            self.requests.append(full.removeprefix(self.prefix))
            self.headers.append(headers)
            inner = path.removeprefix(self.prefix)
            if made_up := self._made_up(inner):
                return made_up
            try:
                parameters = RequestParameters(ImmutableMultiDict(query), Headers(dict(headers)))
                asked = Asked(origin, path, method, parameters, body=body or None)
                if method == "get":
                    answer = self._own(inner, query, headers)
                else:
                    answer = self._written(method, inner, headers, json.loads(body) if body else None)
                self._compare(asked, query, answer)
            except Exception as error:  # noqa: BLE001 - fails the test by its text, in whatever thread it happened
                self.breaches.append(f"{full}: {error!r} {error.__cause__!r}")
                return Canned(500, self.refusal(500, "the description is breached"))
            return answer

    def _written(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Canned:
        try:
            return self.write(method, path, headers, body)
        except Refusal as refusal:
            return Canned(refusal.status, self.refusal(refusal.status, refusal.message))

    def _made_up(self, path: str) -> Canned | None:
        for number, (pattern, answer, times) in enumerate(self._failures):
            if times and re.fullmatch(pattern, path):
                self._failures[number] = (pattern, answer, times - 1)
                return answer
        return None

    def _own(self, path: str, query: dict[str, str], headers: Mapping[str, str]) -> Canned:
        if refused := self.refused(headers):
            return refused
        for pattern, route in self.routes():
            if match := re.fullmatch(pattern, path):
                try:
                    return Canned(200, route(*match.groups(), query))
                except Refusal as refusal:
                    return Canned(refusal.status, self.refusal(refusal.status, refusal.message))
        return Canned(404, self.refusal(404, "there is no such route"))

    def _compare(self, asked: Asked, query: dict[str, str], answer: Canned) -> None:
        api, declared = description(self.description)
        api.validate_request(asked)
        api.validate_response(asked, Answered(answer.status, b"" if answer.status == 204 else _encoded(answer)))
        [known] = [names for path, names in declared if re.fullmatch(path, asked.path.removeprefix(self.prefix))]
        if unknown := set(query) - known:
            raise ValueError(f"the description has no parameter {', '.join(sorted(unknown))}")


@cache
def description(name: str) -> tuple[OpenAPI, list[tuple[str, set[str]]]]:
    """Return a description, and for each path (as a pattern) the names of its query parameters."""
    path = FOLDER / name
    text = yaml.safe_load(path.read_text(encoding="utf-8"))
    declared = []
    for pattern, item in text["paths"].items():
        parameters = [one for operation in item.values() for one in operation.get("parameters", [])]
        queried = {one["name"] for one in parameters if one.get("in") == "query"}
        declared.append((re.sub(r"\{\w+\}", "[^/]+", pattern), queried))
    return OpenAPI.from_dict(text), declared


def _encoded(answer: Canned) -> bytes:
    return (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()


@contextmanager
def served(standin: StandIn) -> Iterator[None]:
    """Serve it on a free port of 127.0.0.1; a breach of the description fails the test at the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            origin = f"http://{self.headers['Host']}"
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers, method = dict(self.headers.items()), self.command.lower()
            answer = standin.answer(url.path, dict(parse_qsl(url.query)), headers, origin, method=method, body=body)
            data = _encoded(answer)
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_DELETE = do_GET  # noqa: N815 - names of http.server

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as origin:
        standin.url = origin + standin.prefix
        try:
            yield
        finally:
            if standin.breaches:  # also where the test failed already: this is why
                raise AssertionError("\n".join(standin.breaches))
