"""A stand-in for the part of Neon's management API that makes things; real databases stand behind its branches."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any
from uuid import uuid4

from tests.hostile import Canned
from tests.standins.neon import NOW, PROJECT, Branch, Endpoint, Neon, Project, _branch, _endpoint, _note
from tests.standins.server import Refusal, Route, served


@dataclass
class Operation:
    """An operation that is over after some looks at it."""

    project: str
    branch: str
    action: str
    looks: int
    end: str = "finished"
    id: str = field(default_factory=lambda: str(uuid4()))


class MakingNeon(Neon):
    """Makes projects, branches and auth; `urls` gives a branch its database, `start_auth` serves its auth."""

    def __init__(self, urls: Callable[[], str], start_auth: Callable[[], str] = str) -> None:
        super().__init__([])
        self._urls = urls
        self._start_auth = start_auth
        self.auth_base = ""
        self.looks = 2  # that an operation takes
        self.ends = "finished"
        self.databases: dict[str, str] = {}  # branch id -> connection string
        self.auth: set[str] = set()  # branch ids
        self.domains: dict[str, list[str]] = {}
        self.annotations: dict[str, dict[str, str]] = {}
        self.doing: dict[str, Operation] = {}
        self.made: list[str] = []  # what was created, in order

    def routes(self) -> list[tuple[str, Route]]:
        branch = PROJECT + r"/branches/([^/]+)"
        return [
            (PROJECT + r"/operations/([^/]+)", self._operation),
            (PROJECT + "/operations", self._listed_operations),
            (PROJECT + "/connection_uri", self._uri),
            (branch + "/auth", self._auth_of),
            (branch + "/auth/domains", self._domains),
            (branch, self._annotated),
            *super().routes(),
        ]

    def write(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Canned:
        if refused := self.refused(headers):
            return refused
        branch = PROJECT + r"/branches/([^/]+)"
        if method == "post" and path == "/projects":
            return self._create_project(body["project"])
        if method == "post" and (found := re.fullmatch(PROJECT + "/branches", path)):
            return self._create_branch(found[1], body)
        if method == "delete" and (found := re.fullmatch(branch, path)):
            return self._delete_branch(found[1], found[2])
        if method == "post" and (found := re.fullmatch(branch + "/auth", path)):
            return self._enable(found[1], found[2])
        if method == "post" and (found := re.fullmatch(branch + "/auth/domains", path)):
            self.domains.setdefault(found[2], []).append(body["domain"])
            self.made.append(f"domain {body['domain']}")
            return Canned(201, {})
        raise ValueError(f"nobody answers {method} {path}")

    # -- making

    def _create_project(self, asked: dict[str, Any]) -> Canned:
        branch = self._new_branch("main", default=True)
        project = Project(f"quiet-sea-{token_hex(4)}", asked["name"], [branch], asked.get("org_id"))
        project.created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.projects.append(project)
        self.made.append(f"project {project.name}")
        answer = {"project": self._project(project), **self._with(project, branch, "create_timeline")}
        return Canned(201, {**answer, "connection_uris": []})

    def _create_branch(self, project: str, asked: dict[str, Any]) -> Canned:
        found = self._find(project)
        if any(one.name == asked["branch"]["name"] for one in found.branches):
            raise Refusal(409, "branch name already exists")
        branch = self._new_branch(asked["branch"]["name"])
        if "expires_at" in asked["branch"]:
            branch.expires_at = datetime.fromisoformat(asked["branch"]["expires_at"])
        self.annotations[branch.id] = asked.get("annotation_value", {})
        found.branches.append(branch)
        self.made.append(f"branch {branch.name}")
        return Canned(201, self._with(found, branch, "create_branch"))

    def _delete_branch(self, project: str, branch: str) -> Canned:
        found, one = self._found(project, branch)
        found.branches.remove(one)
        self.made.append(f"deleted {one.name}")
        return Canned(200, {"branch": _branch(found, one), "operations": []})

    def _enable(self, project: str, branch: str) -> Canned:
        self._found(project, branch)
        if branch in self.auth:
            raise Refusal(409, "auth is already enabled on this branch")
        self.auth.add(branch)
        self.auth_base = self._start_auth()
        self.made.append("auth")
        more = {"pub_client_key": "", "secret_server_key": "", "schema_name": "neon_auth", "table_name": "users_sync"}
        return Canned(201, {**self._auth_shape(), **more})

    def _new_branch(self, name: str, *, default: bool = False) -> Branch:
        branch = Branch(f"br-{token_hex(4)}", name, default=default, endpoints=[Endpoint(f"ep-{token_hex(4)}")])
        self.databases[branch.id] = self._urls()
        return branch

    def _with(self, project: Project, branch: Branch, action: str) -> dict[str, Any]:
        operation = Operation(project.id, branch.id, action, self.looks, self.ends)
        self.doing[operation.id] = operation
        return {
            "branch": _branch(project, branch),
            "endpoints": [_endpoint(project, branch, one) for one in branch.endpoints],
            "operations": [self._shown(operation)],
            "roles": self._roles(project.id, branch.id, {})["roles"],
            "databases": self._databases(project.id, branch.id, {})["databases"],
        }

    # -- telling

    def _operation(self, project: str, operation: str, _: dict[str, str]) -> dict[str, Any]:
        if operation not in self.doing or self.doing[operation].project != project:
            raise Refusal(404, "operation not found")
        found = self.doing[operation]
        found.looks -= 1
        return {"operation": self._shown(found)}

    def _listed_operations(self, project: str, _: dict[str, str]) -> dict[str, Any]:
        listed = [self._shown(one) for one in self.doing.values() if one.project == project]
        return {"operations": listed, "pagination": {"cursor": NOW}}

    def _shown(self, one: Operation) -> dict[str, Any]:
        status = "running" if one.looks > 0 else one.end
        times = {"created_at": NOW, "updated_at": NOW, "total_duration_ms": 100, "failures_count": 0}
        of = {"project_id": one.project, "branch_id": one.branch}
        return {"id": one.id, **of, "action": one.action, "status": status, **times}

    def _uri(self, project: str, query: dict[str, str]) -> dict[str, Any]:
        self._found(project, query["branch_id"])
        pending = any(one.looks > 0 for one in self.doing.values() if one.branch == query["branch_id"])
        if pending:
            raise Refusal(423, "project already has running conflicting operations")
        return {"uri": self.databases[query["branch_id"]]}

    def _auth_of(self, project: str, branch: str, _: dict[str, str]) -> dict[str, Any]:
        self._found(project, branch)
        if branch not in self.auth:
            raise Refusal(404, "auth is not enabled")
        more = {"branch_id": branch, "db_name": "neondb", "created_at": NOW, "owned_by": "neon"}
        return {**self._auth_shape(), **more}

    def _auth_shape(self) -> dict[str, Any]:
        urls = {"base_url": self.auth_base, "jwks_url": f"{self.auth_base}/.well-known/jwks.json"}
        return {"auth_provider": "better_auth", "auth_provider_project_id": str(uuid4()), **urls}

    def _domains(self, project: str, branch: str, _: dict[str, str]) -> dict[str, Any]:
        self._found(project, branch)
        found = self.domains.get(branch, [])
        return {"domains": [{"domain": one, "auth_provider": "better_auth"} for one in found]}

    def _annotated(self, project: str, branch: str, _: dict[str, str]) -> dict[str, Any]:
        found = self._found(project, branch)
        return {"branch": _branch(*found), "annotation": {**_note(), "value": self.annotations.get(branch, {})}}


@contextmanager
def making_neon(urls: Callable[[], str], start_auth: Callable[[], str] = str) -> Iterator[MakingNeon]:
    """Serve a Neon without any project."""
    standin = MakingNeon(urls, start_auth)
    with served(standin):
        yield standin
