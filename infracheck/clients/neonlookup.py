"""Finds the endpoint that a host name means in what a key of Neon sees: its project, its branch, what that holds."""

import re
from dataclasses import dataclass
from typing import Final

from infracheck.clients.neon import Neon
from infracheck.clients.neonshapes import Branch, Endpoint, Project
from infracheck.clients.providercauses import Refused
from infracheck.errors import ClientError, Unclear

POOLER: Final = "-pooler"
_ENDPOINT: Final = re.compile(r"ep-[a-z0-9-]{1,57}")
_PROJECT: Final = re.compile(r"[a-z0-9-]{1,60}")
_NAMED: Final = 5  # branches in a remedy
# What a new branch, role or password waits for. Waking, suspending and upkeep go on all the time, also while the gate
# itself connects, and nobody has to wait for them.
_ALTERING: Final = frozenset(
    {
        "create_branch",
        "create_timeline",
        "create_compute",
        "apply_config",
        "apply_schema_from_branch",
        "import_data",
        "tenant_attach",
        "tenant_reattach",
        "timeline_unarchive",
    }
)
_GOES_ON: Final = frozenset({"scheduling", "running", "cancelling"})


@dataclass(frozen=True, slots=True)
class Found:
    """Where a host name leads."""

    project: Project
    endpoint: Endpoint
    branch: Branch


def endpoint_id(host: str) -> str | None:
    """Return the id of the endpoint that a host name begins with, None where it begins with something else."""
    label = host.lower().partition(".")[0].removesuffix(POOLER)
    return label if _ENDPOINT.fullmatch(label) else None


def plain(host: str) -> str:
    """Return a host name as the endpoint's own, without the pooler's mark and in lower case."""
    label, dot, rest = host.lower().rstrip(".").partition(".")
    return f"{label.removesuffix(POOLER)}{dot}{rest}"


def find(neon: Neon, host: str, project_id: str | None, *, url: str) -> Found:
    """Return where `host` leads; `url` is the variable it came from, as remedies name it.

    Args:
        project_id: the project to look in, None for all that the key sees.

    Raises:
        ClientError: it leads nowhere that Neon knows; Unclear where this key cannot tell.
    """
    wanted = endpoint_id(host)
    if wanted is None:
        raise ClientError(
            f"the host {host} does not name a Neon endpoint",
            f"copy the connection string from Neon's console (Connect) into {url}: its host begins with ep-",
        )
    organization = neon.owner()
    project, endpoint = (
        _in_project(neon, wanted, project_id, url) if project_id else _anywhere(neon, wanted, host, organization, url)
    )
    return Found(project, endpoint, neon.branch(project, endpoint.branch_id))


def busy(neon: Neon, found: Found) -> list[str]:
    """Return the operations that a session on the branch has to wait for; none where the key may not see them."""
    try:
        operations = neon.operations(found.project)
    except Refused as error:
        if error.status in {403, 404}:
            return []
        raise
    running = (one for one in operations if one.branch_id == found.branch.id and one.status in _GOES_ON)
    return sorted({one.action for one in running if one.action in _ALTERING})


def _in_project(neon: Neon, wanted: str, project_id: str, url: str) -> tuple[Project, Endpoint]:
    correct = "correct NEON_PROJECT_ID (Neon's console: project settings, General)"
    if not _PROJECT.fullmatch(project_id):
        raise ClientError("NEON_PROJECT_ID is not a project's id", f"{correct}: it is like shiny-wind-028834")
    try:
        project = neon.project(project_id)
    except Refused as error:
        if error.status != 404:
            raise
        raise ClientError(
            f"Neon knows no project {project_id} that NEON_API_KEY may see",
            f"{correct}, or use a key of the account or organization that owns it",
        ) from None
    endpoint = _endpoint(neon, project, wanted)
    if endpoint is None:
        raise ClientError(
            f"Neon knows no endpoint {wanted} in project {project.name}",
            f"copy the connection string of a branch that exists into {url} (Neon's console: Connect): "
            f"{_branches(neon, project)}; or correct NEON_PROJECT_ID",
        )
    return project, endpoint


def _anywhere(neon: Neon, wanted: str, host: str, organization: str | None, url: str) -> tuple[Project, Endpoint]:
    """Return the project that has the endpoint, asked first where host names end alike."""
    projects, complete = _projects(neon, organization)
    closed = False
    for project in sorted(projects, key=lambda one: not host.lower().endswith(f".{one.proxy_host}")):
        try:
            endpoint = _endpoint(neon, project, wanted)
        except Refused as error:
            if error.status != 403:
                raise
            closed, endpoint = True, None
        if endpoint:
            return project, endpoint
    if not projects or not complete or closed:
        what = "no project" if not projects else "not every project"
        raise Unclear(
            f"NEON_API_KEY shows {what}, so it cannot be told where endpoint {wanted} belongs",
            "set NEON_PROJECT_ID to the id of the project, and use a key that may read it",
        )
    seen = several([project.name for project in projects])
    only = f": {_branches(neon, projects[0])}" if len(projects) == 1 else ""
    raise ClientError(
        f"Neon knows no endpoint {wanted} in the projects that NEON_API_KEY sees: {seen}",
        f"copy the connection string of a branch that exists into {url} (Neon's console: Connect){only}"
        "; if the project belongs to another account, use a key of that one",
    )


def _projects(neon: Neon, organization: str | None) -> tuple[list[Project], bool]:
    """Return every project that the key lists, each once, and whether these are all."""
    owners: list[str | None] = [organization] if organization else [None, *_organizations(neon)]
    found: dict[str, Project] = {}
    complete = True
    for owner in owners:
        try:
            projects, all_of_them = neon.projects(owner)
        except Refused as error:
            # 400: a person's key has to name an organisation. 403 and 404: a project's key may not list.
            if error.status not in {400, 403, 404}:
                raise
            complete = complete and error.status == 400 and len(owners) > 1
            continue
        complete = complete and all_of_them
        found.update({project.id: project for project in projects})
    return list(found.values()), complete


def _organizations(neon: Neon) -> list[str]:
    try:
        return neon.organizations()
    except Refused as error:
        if error.status in {403, 404}:
            return []
        raise


def _endpoint(neon: Neon, project: Project, wanted: str) -> Endpoint | None:
    try:
        return neon.endpoint(project, wanted)
    except Refused as error:
        if error.status == 404:
            return None
        raise


def _branches(neon: Neon, project: Project) -> str:
    """Name the branches of a project; they are help only, so that no answer is none."""
    try:
        names = [str(branch) for branch in neon.branches(project)]
    except Refused:
        return "its branches cannot be listed with this key"
    return f"branches of {project.name}: {several(names)}"


def several(names: list[str]) -> str:
    """Name the first few."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (", ".join(names[:_NAMED]) or "none") + more
