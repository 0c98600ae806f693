"""A stand-in for Sentry: its web API as tokens of several kinds see it, and its intake of events, in memory."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from secrets import token_hex, token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.hostile import Canned, serving
from tests.standins.server import FOLDER, Answered, Asked, Refusal, Route, StandIn

NOW = "2026-11-20T08:00:00Z"
WHOLE = ("org:read", "project:read", "project:releases")
CI = ("org:ci",)
ORGANIZATION = r"/api/0/organizations/([^/]+)/"
PROJECT = r"/api/0/projects/([^/]+)/([^/]+)/"


@dataclass
class Project:
    """A project with its client keys (text -> active)."""

    id: int
    slug: str
    keys: dict[str, bool] = field(default_factory=lambda: {token_hex(16): True})
    organization: str = "acme"


class Sentry(StandIn):
    """The server; `key` is the token that it knows, `scopes` what it may do.

    Switches: `loses` (how many events are taken and not kept), `hides` (how many look-ups of an event come too early),
    `takes` (how many events are taken before the rest gets the answer `full`), `renamed` (old slug -> new slug).
    """

    def __init__(self, projects: list[Project], *, scopes: tuple[str, ...] = WHOLE) -> None:
        super().__init__(f"sntryu_{token_hex(32)}")
        self.projects = projects
        self.scopes = scopes
        self.organizations = ["acme"]
        self.region = ""  # links.regionUrl; its own address where empty
        self.logged_in = True
        self.loses = 0
        self.hides = 0
        self.takes = 1000
        self.full = Canned(403, {"detail": "event submission rejected with_reason: ProjectId", "causes": []})
        self.renamed: dict[str, str] = {}
        self.teams: list[str] = []
        self.made: list[str] = []  # what was created, in order
        self.envelopes: list[bytes] = []
        self.events: dict[str, tuple[Project, dict[str, Any]]] = {}

    def dsn(self, number: int = 0) -> str:
        """Return the DSN of a project, by its first key."""
        project = self.projects[number]
        return f"{self.url.replace('//', f'//{next(iter(project.keys))}@')}/{project.id}"

    def routes(self) -> list[tuple[str, Route]]:
        return [
            ("/api/0/", lambda _: {"version": "0", "auth": self._auth(), "user": None}),
            (ORGANIZATION, self._organization),
            (ORGANIZATION + r"eventids/([^/]+)/", self._where),
            (ORGANIZATION + "teams/", self._teams),
            (PROJECT, self._project),
            (PROJECT + "keys/", self._keys),
            (PROJECT + "releases/", self._releases),
            (PROJECT + r"events/([^/]+)/", self._event),
        ]

    def refusal(self, status: int, message: str) -> dict[str, Any]:
        return {"detail": message}

    def post(self, path: str, headers: Mapping[str, str], body: bytes, origin: str) -> Canned:
        """Take an event, or not."""
        if "?" in path:  # the SDK in a page, which names its key there: Sentry's own requests are no business of ours
            return Canned(200, {"id": token_hex(16)}, {"Access-Control-Allow-Origin": "*"})
        with self._lock:
            self.headers.append(headers)
            self.envelopes.append(body)
            try:
                if made_up := self._made_up(path):
                    return made_up
                parameters = RequestParameters(ImmutableMultiDict(), Headers(dict(headers)))
                asked = Asked(origin, path, "post", parameters, headers["Content-Type"], body)
                answer = self._take(path, headers, body)
                self._check(asked, answer)
            except Exception as error:  # noqa: BLE001 - fails the test by its text
                self.breaches.append(f"{path}: {error!r} {error.__cause__!r}")
                return Canned(500, self.refusal(500, "the description is breached"))
            return answer

    def write(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Canned:
        if refused := self.refused(headers):
            return refused
        self._need("project:write", "project:admin", "org:write")
        if found := re.fullmatch(ORGANIZATION + "teams/", path):
            self._known(found[1])
            if body["slug"] in self.teams:
                raise Refusal(409, "A team with this slug already exists.")
            self.teams.append(body["slug"])
            self.made.append(f"team {body['slug']}")
            return Canned(201, {"id": "3", "slug": body["slug"], "name": body["name"]})
        if found := re.fullmatch(r"/api/0/teams/([^/]+)/([^/]+)/projects/", path):
            if found[2] not in self.teams:
                raise Refusal(404, "The requested resource does not exist")
            if any(one.slug == body["slug"] for one in self.projects):
                raise Refusal(409, "A project with this slug already exists.")
            self.projects.append(Project(100 + len(self.projects), body["slug"], organization=found[1]))
            self.made.append(f"project {body['slug']}")
            return Canned(201, {"id": str(self.projects[-1].id), "slug": body["slug"], "name": body["name"]})
        raise ValueError(f"nobody answers {method} {path}")

    def _teams(self, organization: str, _: dict[str, str]) -> list[dict[str, Any]]:
        self._need("org:read", "team:read")
        self._known(organization)
        more = {"hasAccess": True, "isMember": True}
        return [{"id": str(number), "slug": one, "name": one, **more} for number, one in enumerate(self.teams)]

    def _compare(self, asked: Asked, query: dict[str, str], answer: Canned) -> None:
        if set(query) - {"per_page", "detailed"}:
            raise ValueError(f"unknown parameters: {query}")
        self._check(asked, answer)

    def _check(self, asked: Asked, answer: Canned) -> None:
        described().validate_request(asked)
        described().validate_response(asked, Answered(answer.status, json.dumps(answer.body).encode()))

    def _own(self, path: str, query: dict[str, str], headers: Mapping[str, str]) -> Canned:
        if not self.logged_in and path == "/api/0/":
            return Canned(200, {"version": "0", "auth": None, "user": None})
        if headers.get("Authorization") != f"Bearer {self.key}":
            return Canned(401, self.refusal(401, "Invalid token"))
        if (moved := re.fullmatch(PROJECT, path)) and (slug := self.renamed.get(moved[2])):
            extra = {"url": f"/api/0/projects/{moved[1]}/{slug}/", "slug": slug}
            detail = {"code": "resource-moved", "message": "Resource has been moved", "extra": extra}
            return Canned(302, {"detail": detail}, {"Location": extra["url"]})
        return super()._own(path, query, headers)

    def _take(self, path: str, headers: Mapping[str, str], body: bytes) -> Canned:
        number = int(path.split("/")[2])
        key = re.search("sentry_key=([0-9a-f]+)", headers["X-Sentry-Auth"])
        found = next((one for one in self.projects if one.id == number and key and one.keys.get(key[1])), None)
        if not found or not self.takes:
            return self.full
        self.takes -= 1
        head, _, event = (json.loads(line) for line in body.strip().split(b"\n"))
        if self.loses:
            self.loses -= 1
        else:
            self.events[head["event_id"]] = (found, event)
        return Canned(200, {"id": head["event_id"]})

    def _auth(self) -> dict[str, Any]:
        return {"scopes": list(self.scopes)}

    def _need(self, *scopes: str) -> None:
        if not set(scopes) & set(self.scopes):
            raise Refusal(403, "You do not have permission to perform this action.")

    def _organization(self, slug: str, _: dict[str, str]) -> dict[str, Any]:
        self._need("org:read")
        self._known(slug)
        links = {"organizationUrl": f"{self.url}/{slug}", "regionUrl": self.region or self.url}
        status = {"id": "active", "name": "active"}
        return {"id": "1", "slug": slug, "name": slug.title(), "status": status, "links": links}

    def _project(self, organization: str, slug: str, _: dict[str, str]) -> dict[str, Any]:
        self._need("project:read")
        found = self._find(organization, slug)
        kept = {"id": "1", "slug": organization}
        named = {"id": str(found.id), "slug": slug, "name": slug.title(), "platform": "javascript-nextjs"}
        return {**named, "status": "active", "firstEvent": None, "organization": kept}

    def _keys(self, organization: str, slug: str, _: dict[str, str]) -> list[dict[str, Any]]:
        self._need("project:read")
        found = self._find(organization, slug)
        more = {"name": "Default", "secret": token_hex(16), "projectId": found.id, "rateLimit": None}
        return [
            {"id": key, "public": key, "isActive": active, "dsn": {"public": self._dsn(found, key)}, **more}
            for key, active in found.keys.items()
        ]

    def _dsn(self, project: Project, key: str) -> str:
        return f"{self.url.replace('//', f'//{key}@')}/{project.id}"

    def _releases(self, organization: str, slug: str, query: dict[str, str]) -> list[dict[str, Any]]:
        self._need("org:ci", "project:read", "project:releases")
        self._find(organization, slug)
        return [{"version": "1.0.0"}][: int(query["per_page"])]

    def _where(self, organization: str, event_id: str, _: dict[str, str]) -> dict[str, Any]:
        self._need("org:read")
        self._known(organization)
        project, event = self._stored(event_id)
        place = {"organizationSlug": organization, "projectSlug": project.slug, "groupId": "7"}
        return {**place, "eventId": event_id, "event": event}

    def _event(self, organization: str, slug: str, event_id: str, _: dict[str, str]) -> dict[str, Any]:
        self._need("project:read")
        wanted = self._find(organization, slug)
        project, event = self._stored(event_id)
        if project is not wanted:
            raise Refusal(404, "Event not found")
        more = {"message": event["message"], "tags": [], "dateReceived": NOW}
        return {"id": event_id, "eventID": event_id, "groupID": "7", **more}

    def _stored(self, event_id: str) -> tuple[Project, dict[str, Any]]:
        if self.hides or event_id not in self.events:
            self.hides = max(0, self.hides - 1)
            raise Refusal(404, "Event not found")
        return self.events[event_id]

    def _known(self, organization: str) -> None:
        if organization not in self.organizations:
            raise Refusal(404, "The requested resource does not exist")

    def _find(self, organization: str, slug: str) -> Project:
        self._known(organization)
        for one in self.projects:
            if (one.organization, one.slug) == (organization, slug):
                return one
        raise Refusal(404, "The requested resource does not exist")


def organization_token(organization: str = "acme", **urls: str | None) -> str:
    """Return an organisation token, which tells its organisation and addresses."""
    payload = json.dumps({"iat": 1763625600.0, "url": None, "region_url": None, "org": organization, **urls})
    return f"sntrys_{base64.b64encode(payload.encode()).decode()}_{token_urlsafe(33).replace('_', 'x')[:43]}"


@cache
def described() -> OpenAPI:
    """Return the description that both sides are held to."""
    return OpenAPI.from_dict(yaml.safe_load((FOLDER / "sentry.openapi.yaml").read_text(encoding="utf-8")))


@contextmanager
def sentry(*projects: Project, scopes: tuple[str, ...] = WHOLE) -> Iterator[Sentry]:
    """Serve the stand-in with these projects, or with one named web; a breach of the description fails the test."""
    standin = Sentry(list(projects) or [Project(42, "web")], scopes=scopes)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            origin = f"http://{self.headers['Host']}"
            self._say(standin.answer(url.path, dict(parse_qsl(url.query)), dict(self.headers.items()), origin))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            origin = f"http://{self.headers['Host']}"
            if self.path.startswith("/api/0/"):
                headers = dict(self.headers.items())
                self._say(standin.answer(self.path, {}, headers, origin, method="post", body=body))
                return
            self._say(standin.post(self.path, dict(self.headers.items()), body, origin))

        def _say(self, answer: Canned) -> None:
            data = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as standin.url:
        try:
            yield standin
        finally:
            if standin.breaches:  # also where the test failed already: this is why
                raise AssertionError("\n".join(standin.breaches))
