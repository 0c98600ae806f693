"""A stand-in for Supabase's management API: projects with their pooler and their health, in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from tests.standins.server import Refusal, Route, StandIn, served

NOW = "2026-11-20T08:00:00Z"
PROJECT = r"/v1/projects/([^/]+)"


@dataclass
class Pooler:
    """A way in through the shared pooler."""

    host: str
    user: str
    port: int = 6543
    kind: str = "PRIMARY"


@dataclass
class Project:
    """A project; `health` is the status of its database, with `error` as the reason."""

    ref: str
    name: str
    status: str = "ACTIVE_HEALTHY"
    region: str = "eu-central-1"
    poolers: list[Pooler] = field(default_factory=list)
    health: str = "ACTIVE_HEALTHY"
    error: str | None = None
    host: str = ""


class Supabase(StandIn):
    """The API as one token sees it; `foreign` are the refs of projects of organisations that it does not belong to."""

    description = "supabase.openapi.yaml"

    def __init__(self, projects: list[Project]) -> None:
        super().__init__(f"sbp_{token_hex(20)}")
        self.projects = projects
        self.foreign: set[str] = set()
        self.keys = {kind: f"sb_{kind}_{token_hex(16)}" for kind in ("publishable", "secret", "anon", "service_role")}

    def routes(self) -> list[tuple[str, Route]]:
        return [
            (PROJECT, lambda ref, _: _project(self._find(ref))),
            (
                PROJECT + "/config/database/pooler",
                lambda ref, _: [_pooler(ref, one) for one in self._find(ref).poolers],
            ),
            (PROJECT + "/health", self._health),
            (PROJECT + "/api-keys", self._keys),
        ]

    def refusal(self, status: int, message: str) -> dict[str, Any]:
        return {"message": message or "refused"}

    def _health(self, ref: str, query: dict[str, str]) -> list[dict[str, Any]]:
        project = self._find(ref)
        found = {"name": query["services"], "healthy": project.health == "ACTIVE_HEALTHY", "status": project.health}
        return [{**found, "error": project.error} if project.error else found]

    def _keys(self, ref: str, query: dict[str, str]) -> list[dict[str, Any]]:
        self._find(ref)
        shown = query.get("reveal") == "true"
        old = {"anon", "service_role"}
        return [
            {"name": kind if kind in old else "default", "type": "legacy" if kind in old else kind}
            | {"api_key": key if shown or kind == "publishable" else key[:14]}
            for kind, key in self.keys.items()
        ]

    def _find(self, ref: str) -> Project:
        if ref in self.foreign:
            raise Refusal(403, "Your account does not have the necessary privileges to access this endpoint")
        for one in self.projects:
            if one.ref == ref:
                return one
        raise Refusal(404, "Project not found")


def _project(project: Project) -> dict[str, Any]:
    host = project.host or f"db.{project.ref}.supabase.co"
    return {
        "id": project.ref,
        "ref": project.ref,
        "organization_id": "acme",
        "organization_slug": "acme",
        "name": project.name,
        "region": project.region,
        "created_at": NOW,
        "status": project.status,
        "database": {"host": host, "version": "17.6.1.021", "postgres_engine": "17", "release_channel": "ga"},
    }


def _pooler(ref: str, pooler: Pooler) -> dict[str, Any]:
    string = f"postgresql://{pooler.user}:[YOUR-PASSWORD]@{pooler.host}:{pooler.port}/postgres"
    return {
        "identifier": ref,
        "database_type": pooler.kind,
        "is_using_scram_auth": True,
        "db_user": pooler.user,
        "db_host": pooler.host,
        "db_port": pooler.port,
        "db_name": "postgres",
        "connection_string": string,
        "connectionString": string,
        "default_pool_size": None,
        "max_client_conn": None,
        "pool_mode": "transaction",
    }


@contextmanager
def supabase(*projects: Project) -> Iterator[Supabase]:
    """Serve the stand-in with these projects."""
    standin = Supabase(list(projects))
    with served(standin):
        yield standin
