"""A stand-in for Neon's management API: projects, branches, endpoints, databases and roles in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from tests.standins.server import Refusal, Route, StandIn, served

NOW = "2026-11-20T08:00:00Z"
PROJECT = r"/projects/([^/]+)"


@dataclass
class Endpoint:
    """A compute; `host` is made of the id and the project's proxy where a test does not give one."""

    id: str
    host: str = ""
    type: str = "read_write"
    current_state: str = "idle"
    disabled: bool = False


@dataclass
class Branch:
    """A branch with what it holds."""

    id: str
    name: str
    default: bool = False
    protected: bool = False
    current_state: str = "ready"
    expires_at: datetime | None = None
    endpoints: list[Endpoint] = field(default_factory=list)
    databases: list[str] = field(default_factory=lambda: ["neondb"])
    roles: list[str] = field(default_factory=lambda: ["neondb_owner"])


@dataclass
class Project:
    """A project with its branches; `organization` owns it, None: the person of the key."""

    id: str
    name: str
    branches: list[Branch]
    organization: str | None = None
    region: str = "aws-us-east-2"
    proxy: str = "c-2.us-east-2.aws.neon.tech"
    operations: list[tuple[str, str, str]] = field(default_factory=list)  # branch id, action, status
    created: str = NOW


class Neon(StandIn):
    """The API as one key sees it.

    `method` is the kind of the key (api_key_user, api_key_org); `scoped` keys belong to one project and may not list.
    """

    description = "neon.openapi.yaml"
    prefix = "/api/v2"

    def __init__(self, projects: list[Project], *, method: str = "api_key_user", scoped: bool = False) -> None:
        super().__init__(f"napi_{token_hex(24)}")
        self.projects = projects
        self.method = method
        self.scoped = scoped
        self.account = "org-acme-12345678" if method == "api_key_org" else token_hex(16)
        self.organizations: list[str] = []
        self.unavailable: list[str] = []  # ids of projects that a list could not read

    def routes(self) -> list[tuple[str, Route]]:
        branch = PROJECT + r"/branches/([^/]+)"
        return [
            ("/auth", self._auth),
            ("/users/me/organizations", self._organizations),
            ("/projects", self._projects),
            (PROJECT, lambda project, _: {"project": self._project(self._find(project))}),
            (PROJECT + r"/endpoints/([^/]+)", self._endpoint),
            (PROJECT + "/branches", self._branches),
            (branch, lambda project, one, _: {"branch": _branch(*self._found(project, one)), "annotation": _note()}),
            (branch + "/databases", self._databases),
            (branch + "/roles", self._roles),
            (PROJECT + "/operations", self._operations),
        ]

    def refusal(self, status: int, message: str) -> dict[str, Any]:
        return {"request_id": token_hex(16), "code": "", "message": message or "refused"}

    def _auth(self, _: dict[str, str]) -> dict[str, Any]:
        return {"account_id": self.account, "auth_method": self.method, "auth_data": "key"}

    def _organizations(self, _: dict[str, str]) -> dict[str, Any]:
        if self.method == "api_key_org":
            raise Refusal(403, "not allowed for organization API keys")
        more = {"plan": "launch", "created_at": NOW, "updated_at": NOW, "managed_by": "console"}
        listed = [{"id": one, "name": one, "handle": one, **more} for one in self.organizations]
        return {"organizations": listed}

    def _projects(self, query: dict[str, str]) -> dict[str, Any]:
        if self.scoped:
            raise Refusal(403, "not allowed for project-scoped API keys")
        if self.organizations and "org_id" not in query:
            raise Refusal(400, "org_id is required, you can find it on your organization settings page")
        owned = [one for one in self.projects if one.organization == query.get("org_id")]
        ids = [one.id for one in owned]
        start = ids.index(query["cursor"]) + 1 if "cursor" in query else 0
        page = owned[start : start + int(query.get("limit", "10"))]
        answer: dict[str, Any] = {"projects": [self._listed(one) for one in page], "applications": {}}
        answer["integrations"] = {}
        if self.unavailable:
            answer["unavailable_project_ids"] = self.unavailable
        return {**answer, "pagination": {"cursor": page[-1].id}} if page else answer

    def _branches(self, project: str, query: dict[str, str]) -> dict[str, Any]:
        found = self._find(project)
        listed = [_branch(found, one) for one in found.branches[: int(query.get("limit", "100"))]]
        return {"branches": listed, "annotations": {}, "pagination": {"sort_by": "updated_at", "sort_order": "DESC"}}

    def _endpoint(self, project: str, endpoint: str, _: dict[str, str]) -> dict[str, Any]:
        found = self._find(project)
        for branch in found.branches:
            for one in branch.endpoints:
                if one.id == endpoint:
                    return {"endpoint": _endpoint(found, branch, one)}
        raise Refusal(404, "endpoint not found")

    def _databases(self, project: str, branch: str, _: dict[str, str]) -> dict[str, Any]:
        found = self._found(project, branch)[1]
        owner = {"branch_id": branch, "owner_name": "neondb_owner", "created_at": NOW, "updated_at": NOW}
        return {"databases": [{"id": number, "name": name, **owner} for number, name in enumerate(found.databases)]}

    def _roles(self, project: str, branch: str, _: dict[str, str]) -> dict[str, Any]:
        found = self._found(project, branch)[1]
        more = {"branch_id": branch, "protected": False, "created_at": NOW, "updated_at": NOW}
        return {"roles": [{"name": name, **more} for name in found.roles]}

    def _operations(self, project: str, _: dict[str, str]) -> dict[str, Any]:
        found = self._find(project)
        more = {"project_id": project, "failures_count": 0, "created_at": NOW, "updated_at": NOW}
        listed = [
            {"id": f"{number:08d}-0000-4000-8000-000000000000", "branch_id": branch, "action": action, **more}
            | {"status": status, "total_duration_ms": 100}
            for number, (branch, action, status) in enumerate(found.operations)
        ]
        return {"operations": listed, "pagination": {"cursor": NOW}}

    def _find(self, project: str) -> Project:
        for one in self.projects:
            if one.id == project:
                return one
        raise Refusal(404, "project not found")

    def _found(self, project: str, branch: str) -> tuple[Project, Branch]:
        found = self._find(project)
        for one in found.branches:
            if one.id == branch:
                return found, one
        raise Refusal(404, "branch not found")

    def _listed(self, project: Project) -> dict[str, Any]:
        owner = project.organization or self.account
        return {
            "id": project.id,
            "platform_id": "aws",
            "region_id": project.region,
            "name": project.name,
            "provisioner": "k8s-neonvm",
            "pg_version": 17,
            "proxy_host": project.proxy,
            "branch_logical_size_limit": 512,
            "branch_logical_size_limit_bytes": 536870912,
            "store_passwords": True,
            "active_time": 0,
            "cpu_used_sec": 0,
            "creation_source": "console",
            "created_at": project.created,
            "updated_at": NOW,
            "owner_id": owner,
            **({"org_id": project.organization} if project.organization else {}),
        }

    def _project(self, project: Project) -> dict[str, Any]:
        listed = self._listed(project)
        del listed["active_time"]
        counted = ("data_storage_bytes_hour", "data_transfer_bytes", "written_data_bytes", "compute_time_seconds")
        period = {"consumption_period_start": NOW, "consumption_period_end": NOW}
        more = {"active_time_seconds": 0, "history_retention_seconds": 86400}
        return {**listed, **dict.fromkeys(counted, 0), **period, **more}


def _branch(project: Project, branch: Branch) -> dict[str, Any]:
    counted = ("cpu_used_sec", "compute_time_seconds", "active_time_seconds", "written_data_bytes")
    found = {
        "id": branch.id,
        "project_id": project.id,
        "name": branch.name,
        "current_state": branch.current_state,
        "state_changed_at": NOW,
        "creation_source": "console",
        "default": branch.default,
        "protected": branch.protected,
        "created_at": NOW,
        "updated_at": NOW,
        "data_transfer_bytes": 0,
        **dict.fromkeys(counted, 0),
    }
    if branch.expires_at:
        found["expires_at"] = branch.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return found


def _endpoint(project: Project, branch: Branch, endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "host": endpoint.host or f"{endpoint.id}.{project.proxy}",
        "project_id": project.id,
        "branch_id": branch.id,
        "autoscaling_limit_min_cu": 0.25,
        "autoscaling_limit_max_cu": 2,
        "region_id": project.region,
        "type": endpoint.type,
        "current_state": endpoint.current_state,
        "settings": {},
        "pooler_enabled": False,
        "disabled": endpoint.disabled,
        "passwordless_access": True,
        "creation_source": "console",
        "created_at": NOW,
        "updated_at": NOW,
        "proxy_host": project.proxy,
        "suspend_timeout_seconds": 0,
        "provisioner": "k8s-neonvm",
    }


def _note() -> dict[str, Any]:
    return {"object": {"type": "console/branch", "id": ""}, "value": {}}


@contextmanager
def neon(*projects: Project, method: str = "api_key_user", scoped: bool = False) -> Iterator[Neon]:
    """Serve the stand-in with these projects."""
    standin = Neon(list(projects), method=method, scoped=scoped)
    with served(standin):
        yield standin
