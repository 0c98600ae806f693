"""Makes what is missing at Neon: project, branch, auth; waits until each is really there.

Source: Neon's management API v2 (OpenAPI), and `@neon/sdk` 6 for how operations are waited for.
"""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from infracheck.clients.neon import Neon
from infracheck.clients.neonshapes import Branch, Project, read_branch, read_project, text
from infracheck.clients.providerapi import segment
from infracheck.clients.providercauses import Refused
from infracheck.errors import ClientError, Unclear
from infracheck.secret import Secret

POLL: Final = 1.0  # seconds between two looks at an operation
DONE: Final = frozenset({"finished", "skipped"})
FAILED: Final = frozenset({"failed", "error", "cancelled"})
PROVIDER: Final = "better_auth"
MADE_BY: Final = {"created-by": "infracheck"}
MANAGED: Final = frozenset({"authenticator", "anonymous", "authenticated", "web_access"})


@dataclass(frozen=True, slots=True)
class Made:
    """A project with the branch that counts."""

    project: Project
    branch: Branch
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Urls:
    """Connection strings of one branch."""

    pooled: Secret = field(repr=False)
    direct: Secret = field(repr=False)


class NeonMaker:
    """Makes things with one key; every method raises Refused where Neon does not do what was asked."""

    def __init__(self, neon: Neon, *, seconds: float, tell: Callable[[str], None]) -> None:
        """Take the API, and how many seconds operations may be waited for."""
        self._neon, self._seconds, self._tell = neon, seconds, tell

    def create_project(self, name: str, *, org: str | None, region: str | None, version: int | None) -> Made:
        """Create a project with its default branch, database and role; `wait` for its operations."""
        asked = {"name": name, "org_id": org, "region_id": region, "pg_version": version}
        body = {"project": {key: value for key, value in asked.items() if value is not None}}
        found = self._neon.write("POST", "projects", f"a new project {name}", body)
        return Made(_made(found, "project", read_project), _made(found, "branch", read_branch), _operations(found))

    def create_branch(self, project: Project, name: str, *, expires: datetime | None) -> Made:
        """Create a branch with a compute, marked as infracheck's; the parent is the default branch."""
        branch: dict[str, Any] = {"name": name}
        if expires:
            branch["expires_at"] = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {"branch": branch, "endpoints": [{"type": "read_write"}], "annotation_value": MADE_BY}
        found = self._neon.write("POST", f"projects/{segment(project.id)}/branches", f"a new branch {name}", body)
        return Made(project, _made(found, "branch", read_branch), _operations(found))

    def delete_branch(self, project: Project, branch: Branch) -> None:
        """Delete a branch that infracheck made.

        Raises:
            ClientError: it is the default one, protected, or somebody else's.
        """
        path = f"projects/{segment(project.id)}/branches/{segment(branch.id)}"
        annotation = self._neon.read(path, f"branch {branch.name}").get("annotation")
        value = annotation.get("value") if isinstance(annotation, dict) else None
        if branch.default or branch.protected or not (isinstance(value, dict) and MADE_BY.items() <= value.items()):
            raise ClientError(
                f"branch {branch} is not one that infracheck made", "delete it in Neon's console, if it may go"
            )
        self.wait(project, _operations(self._neon.write("DELETE", path, f"branch {branch.name}")))

    def wait(self, project: Project, operations: Iterable[str]) -> None:
        """Wait until all these operations have ended well.

        Raises:
            ClientError: one failed; Unclear where the time is up.
        """
        until = time.monotonic() + self._seconds
        for one in operations:
            path = f"projects/{segment(project.id)}/operations/{segment(one)}"
            while True:
                found = self._neon.read(path, f"operation {one}").get("operation")
                known = found if isinstance(found, dict) else {}
                action, status = str(known.get("action", "")), str(known.get("status", ""))
                if status in DONE:
                    break
                if status in FAILED:
                    raise ClientError(
                        f"Neon's operation {action} of project {project.name} {status}",
                        f"look at project {project.name} in Neon's console (Operations), then run again",
                    )
                if time.monotonic() > until:
                    raise Unclear(
                        f"Neon's operation {action} of project {project.name} still goes on after {self._seconds:g} s",
                        "run again later: what was made is adopted then",
                    )
                self._tell(f"waiting for Neon: {action} is {status}")
                time.sleep(POLL)

    def urls(self, project: Project, branch: Branch) -> Urls:
        """Return the connection strings of exactly this branch."""
        role = _chosen(self._neon.roles(project, branch), "neondb_owner", "role", branch)
        database = _chosen(self._neon.databases(project, branch), "neondb", "database", branch)
        found = []
        for pooled in ("true", "false"):
            query = {"branch_id": branch.id, "database_name": database, "role_name": role, "pooled": pooled}
            what = f"the connection string of branch {branch.name}"
            answer = self._neon.read(f"projects/{segment(project.id)}/connection_uri", what, **query)
            found.append(Secret(text_of(answer, "uri", what)))
        return Urls(*found)

    def auth_url(self, project: Project, branch: Branch) -> dict[str, str]:
        """Return `base_url` and `jwks_url` of the branch's auth, enabled where it is not yet."""
        path = f"projects/{segment(project.id)}/branches/{segment(branch.id)}/auth"
        what = f"the auth of branch {branch.name}"
        try:
            found = self._neon.write("POST", path, what, {"auth_provider": PROVIDER})
        except Refused as error:
            if error.status != 409:  # it is enabled already
                raise
            found = self._neon.read(path, what)
        return {key: str(found[key]) for key in ("base_url", "jwks_url") if isinstance(found.get(key), str)}

    def trust(self, project: Project, branch: Branch, origin: str) -> bool:
        """Let the branch's auth trust an origin; return whether it did not do so before."""
        path = f"projects/{segment(project.id)}/branches/{segment(branch.id)}/auth/domains"
        what = f"the trusted domains of branch {branch.name}"
        listed = self._neon.read(path, what).get("domains")
        domains = [one.get("domain") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        if origin in domains:
            return False
        self._neon.write("POST", path, what, {"domain": origin, "auth_provider": PROVIDER})
        return True


def text_of(found: dict[str, Any], key: str, what: str) -> str:
    """Return a text of an answer, unclipped.

    Raises:
        Unclear: it is not there.
    """
    value = found.get(key)
    if not isinstance(value, str) or not value:
        raise Unclear(f"Neon does not tell {what}", "look it up in Neon's console")
    return value


def _made(found: dict[str, Any], key: str, make: Callable[[Any], Any]) -> Any:
    try:
        return make(found[key])
    except (KeyError, TypeError, AttributeError):
        raise Unclear(f"Neon does not tell of the new {key}", "run again: what was made is adopted then") from None


def _operations(found: dict[str, Any]) -> tuple[str, ...]:
    listed = found.get("operations")
    return tuple(text(one, "id") for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()


def _chosen(names: list[str], usual: str, kind: str, branch: Branch) -> str:
    """Return the one that is meant: the only one, the usual one, or the only one that is not Neon's own."""
    own = [name for name in names if name not in MANAGED]
    if usual in names:
        return usual
    if len(own) == 1 or len(names) == 1:
        return (own or names)[0]
    raise ClientError(
        f"branch {branch} has several {kind}s: {', '.join(own) or 'none of the app'}",
        "copy the connection string that is meant from Neon's console (Connect) into the env file",
    )


_DURATION: Final = re.compile(r"(?P<number>\d+)(?P<unit>[mhd])")
_SECONDS: Final = {"m": 60, "h": 3600, "d": 86400}


def seconds_of(duration: str) -> int:
    """Return how many seconds `90m`, `2h` or `1d` are; Neon keeps a branch for 30 days at most.

    Raises:
        ClientError: it is no such duration.
    """
    found = _DURATION.fullmatch(duration.strip())
    seconds = int(found["number"]) * _SECONDS[found["unit"]] if found else 0
    if not 60 <= seconds <= 30 * 86400:
        raise ClientError(f"`{duration}` is no duration of a branch", "write it as 90m, 2h or 1d, at most 30d")
    return seconds
