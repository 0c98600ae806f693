"""A stand-in for Mailpit's REST API, in the shape that it publishes: send, search, read and delete."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.hostile import serving


@dataclass
class Mailpit:
    """Mails by their ids, the oldest first; `url` is its web interface."""

    url: str = ""
    mails: dict[str, dict[str, Any]] = field(default_factory=dict)
    received: int = 0

    def send(self, body: dict[str, Any]) -> dict[str, Any]:
        mail = token_hex(11)
        people = [{"Name": "", "Address": one["Email"]} for one in body["To"]]
        text = {"Text": body.get("Text", ""), "HTML": body.get("HTML", "")}
        self.mails[mail] = {"ID": mail, "To": people, "Subject": body["Subject"], **text}
        self.received += 1
        return {"ID": mail}

    def search(self, query: str) -> dict[str, Any]:
        asked = re.fullmatch(r'to:"(.+)"', query)
        assert asked, query
        shown = ("ID", "To", "Subject")
        found = [
            {**{name: mail[name] for name in shown}, "Read": False, "Snippet": ""}
            for mail in reversed(self.mails.values())
            if any(asked[1] in to["Address"] for to in mail["To"])
        ]
        return {"total": len(self.mails), "messages_count": len(found), "start": 0, "messages": found}


@contextmanager
def mailpit() -> Iterator[Mailpit]:
    """Run it; it knows no user and no password, as Mailpit does unless told otherwise."""
    box = Mailpit()

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if url.path == "/api/v1/search":
                return self._say(200, box.search(parse_qs(url.query)["query"][0]))
            mail = box.mails.get(url.path.removeprefix("/api/v1/message/"))
            return self._say(200, mail) if mail else self._say(404, {"error": "not found"})

        def do_POST(self) -> None:
            self._say(200, box.send(self._body()))

        def do_DELETE(self) -> None:
            for mail in self._body()["IDs"]:
                box.mails.pop(mail)
            self._say(200, "ok")

        def _body(self) -> Any:
            return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _say(self, status: int, body: Any) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write((body if isinstance(body, str) else json.dumps(body)).encode())

        def log_message(self, *_: object) -> None:
            pass

    with serving(Api) as box.url:
        yield box
