"""`infracheck deprovision`: removes the branch that `provision --branch` made, and nothing else."""

from collections.abc import Callable, Mapping
from pathlib import Path

from infracheck.clients.neon import SERVICE, Neon
from infracheck.clients.neonmake import NeonMaker
from infracheck.clients.providerapi import ProviderApi
from infracheck.config import load
from infracheck.context import Context
from infracheck.errors import UsageError
from infracheck.project.detect import detect

PROJECT = "NEON_PROJECT_ID"


def remove_branch(folder: Path, name: str, process: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Delete a branch by name; one that is gone already is no mistake.

    Raises:
        UsageError: the key or the project is not named.
        ClientError: it is the default branch, protected, or was not made by infracheck.
    """
    project = detect(folder)
    settings = load(project.root).settings
    with Context(project, settings=settings, process=process) as ctx:
        key, project_id, host = (ctx.env[one] for one in (SERVICE.key, PROJECT, SERVICE.override))
        if key.state != "FILLED" or project_id.state != "FILLED":
            raise UsageError("nothing says which project the branch is in", hint=f"set {SERVICE.key} and {PROJECT}")
        base = host.value.reveal().strip() if host.state == "FILLED" else None
        timeout = settings.database.timeout
        api = ProviderApi(ctx.http, SERVICE, key.value, base=base, timeout=timeout, budget=settings.provision.timeout)
        neon = Neon(api)
        found = neon.project(project_id.value.reveal().strip())
        branch = next((one for one in neon.branches(found) if one.name == name), None)
        if branch is None:
            say(f"there is no branch {name} in project {found.name}: nothing to remove")
            return
        NeonMaker(neon, tell=say).delete_branch(found, branch)
        say(f"removed branch {name} of project {found.name}")
