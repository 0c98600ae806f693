"""`infracheck deprovision`: removes the branch that `provision --branch` made, and nothing else."""

from collections.abc import Callable, Mapping
from pathlib import Path

from infracheck.checks.provision_neon import KEY, maker_of, neon_of
from infracheck.checks.provisioned_neon import PROJECT
from infracheck.config import load
from infracheck.context import Context
from infracheck.errors import UsageError
from infracheck.project.detect import detect


def remove_branch(folder: Path, name: str, process: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Delete a branch by name; one that is gone already is no mistake.

    Raises:
        UsageError: the key or the project is not named.
        ClientError: it is the default branch, protected, or was not made by infracheck.
    """
    project = detect(folder)
    settings = load(project.root).settings
    with Context(project, settings=settings, process=process) as ctx:
        key, project_id = (ctx.env[one] for one in (KEY, PROJECT))
        if key.state != "FILLED" or project_id.state != "FILLED":
            raise UsageError("nothing says which project the branch is in", hint=f"set {KEY} and {PROJECT}")
        neon = neon_of(ctx, patient=True)
        found = neon.project(project_id.value.reveal().strip())
        branch = next((one for one in neon.branches(found) if one.name == name), None)
        if branch is None:
            say(f"there is no branch {name} in project {found.name}: nothing to remove")
            return
        maker_of(ctx, neon, say).delete_branch(found, branch)
        say(f"removed branch {name} of project {found.name}")
