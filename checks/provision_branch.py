"""Makes a branch of its own at Neon, as a CI job wants one."""

from datetime import UTC, datetime, timedelta
from typing import Final

from infracheck.actions import Action, Desk
from infracheck.context import Context
from infracheck.errors import ClientError

from .provision_neon import KEY, maker_of, neon_of, url_names, write_urls
from .provisioned import filled
from .provisioned_neon import PROJECT as PROJECT_ID

BRANCH: Final = "neon-branch"


def branch_action(ctx: Context, name: str, expires: str | None) -> Action:
    from infracheck.clients.neonmake import seconds_of

    if expires:
        seconds_of(expires)  # a wrong one is said before anything is made
    if not filled(ctx, KEY) or not filled(ctx, PROJECT_ID):
        raise ClientError("a branch needs to know its project", f"put {KEY} and {PROJECT_ID} into the environment")
    ends = f"; Neon deletes it after {expires}" if expires else ""
    names = ", ".join(url_names(ctx))
    return Action(
        f"{BRANCH}:{name}",
        f"create the branch {name}{ends}, and write {names}",
        lambda now, desk: _make_branch(now, desk, name, expires),
        f"Neon project {filled(ctx, PROJECT_ID)}",
        KEY,
        "" if expires else "it stays until `infracheck deprovision --branch` removes it",
    )


def _make_branch(ctx: Context, desk: Desk, name: str, expires: str | None) -> str:
    from infracheck.clients.neonmake import Made, seconds_of

    neon = neon_of(ctx, patient=True)
    maker = maker_of(ctx, neon, desk.tell)
    project = neon.project(filled(ctx, PROJECT_ID) or "")
    there = next((one for one in neon.branches(project) if one.name == name), None)
    if there and (there.default or there.protected):
        raise ClientError(f"the branch {there} is not one to throw away", "choose another name")
    until = datetime.now(UTC) + timedelta(seconds=seconds_of(expires)) if expires else None
    made = Made(project, there) if there else maker.create_branch(project, name, expires=until)
    desk.note(f"{BRANCH}:{name}", project=project.id, branch=made.branch.id)
    maker.wait(project, made.operations)
    return f"{'took' if there else 'created'} branch {name}; {write_urls(ctx, desk, maker, project, made.branch)}"
