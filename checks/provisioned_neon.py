"""Judges what Neon's API tells of the endpoint that DATABASE_URL names."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.model import Finding, Verdict

from .env import set_at
from .provisioned import Judgement, Target, api_of, filled, named

if TYPE_CHECKING:
    from infracheck.clients.neon import Neon
    from infracheck.clients.neonlookup import Found
    from infracheck.clients.neonshapes import Branch

HOSTS: Final = (".neon.tech", ".neon.build")
BRANCH: Final = "NEON_BRANCH"
PROJECT: Final = "NEON_PROJECT_ID"
SOON: Final = timedelta(days=1)
WAITING: Final = {"init": "is being created", "resetting": "is being reset"}
CONNECT: Final = "Neon's console: Connect"


def judge_neon(ctx: Context, target: Target) -> Verdict:
    """Ask Neon and say whether the connection string leads to an endpoint of the branch that is meant."""
    from infracheck.clients.neon import SERVICE, Neon
    from infracheck.clients.neonlookup import find

    neon = Neon(api_of(ctx, SERVICE))
    found = find(neon, target.host, filled(ctx, PROJECT), url=target.variable)
    seen = Judgement()
    project = found.project
    seen.present(f"project {project.name}", f"{project.id}, PostgreSQL {project.version}, {project.region}")
    _branch(seen, found.branch)
    _meant(ctx, seen, found, target)
    _endpoint(seen, found, target)
    if not seen.waits:
        _operations(seen, neon, found)
    if not seen.waits and not seen.failures:
        _contents(seen, neon, found, target)
    return seen.verdict(
        f"Neon knows endpoint {found.endpoint.id} of branch {found.branch} in project {project.name}, "
        f"PostgreSQL {project.version}, {project.region}",
        "Neon",
    )


def _branch(seen: Judgement, branch: "Branch") -> None:
    subject = f"branch {branch.name}"
    note = f"{branch.id}, default" if branch.default else branch.id
    if doing := WAITING.get(branch.state):
        seen.wait(subject, branch.state.upper(), f"branch {branch} {doing}")
    elif branch.state == "archived":
        seen.remark(subject, "ARCHIVED", f"{note}: the first connection is slow, it brings the branch back")
    elif branch.state != "ready":
        seen.remark(subject, branch.state.upper(), f"{note}: a state that infracheck does not know")
    else:
        seen.present(subject, note)
    if branch.expires and branch.expires < datetime.now(UTC) + SOON:
        when = f"{branch.expires.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        past = branch.expires < datetime.now(UTC)
        note = f"it expired at {when}" if past else f"it expires at {when}"
        seen.remark(subject, "EXPIRED" if past else "EXPIRES", f"{note}: Neon deletes it then, with all data")


def _meant(ctx: Context, seen: Judgement, found: "Found", target: Target) -> None:
    """Judge whether it is the branch that NEON_BRANCH names."""
    meant, branch = filled(ctx, BRANCH), found.branch
    if meant is None or meant in {branch.id, branch.name}:
        return
    seen.fail(
        Finding(BRANCH, "OTHER BRANCH", f"{target.name} leads to {branch.name} ({branch.id})", set_at(ctx, BRANCH)),
        f"{target.name} leads to branch {branch.name} ({branch.id}), not to {BRANCH} {meant}",
        f"put the connection string of branch {meant} into {target.variable} ({CONNECT}), "
        f"or correct {named(ctx, BRANCH)}",
    )


def _endpoint(seen: Judgement, found: "Found", target: Target) -> None:
    from infracheck.clients.neonlookup import plain

    endpoint, branch = found.endpoint, found.branch
    subject = f"endpoint {endpoint.id}"
    if plain(target.host) != plain(endpoint.host):
        seen.fail(
            Finding(subject, "OTHER HOST", f"{target.name} names {target.host}", target.where),
            f"{target.name} names the host {target.host}, but endpoint {endpoint.id} is at {endpoint.host}",
            f"copy the connection string of branch {branch.name} into {target.variable} ({CONNECT})",
        )
    elif endpoint.disabled:
        seen.fail(
            Finding(subject, "DISABLED", f"of branch {branch.name}", target.where),
            f"endpoint {endpoint.id} of branch {branch} is disabled: no connection wakes it",
            f"enable the compute of branch {branch.name} in Neon's console (Branches), "
            f"or put the connection string of another branch into {target.variable}",
        )
    elif endpoint.state == "init":
        seen.wait(subject, "INIT", f"endpoint {endpoint.id} of branch {branch} is being created")
    elif endpoint.type == "read_only":
        seen.remark(subject, "READ ONLY", "a read replica: the app cannot write through it")
    else:
        asleep = "asleep, wakes at the first connection" if endpoint.state == "idle" else endpoint.state
        way = "pooled" if target.host.partition(".")[0].endswith("-pooler") else "direct"
        seen.present(subject, f"{way}, {asleep}")


def _operations(seen: Judgement, neon: "Neon", found: "Found") -> None:
    from infracheck.clients.neonlookup import busy

    if actions := busy(neon, found):
        said = ", ".join(actions)
        seen.wait(f"branch {found.branch.name}", "CHANGING", f"Neon is changing branch {found.branch}: {said}")


def _contents(seen: Judgement, neon: "Neon", found: "Found", target: Target) -> None:
    """Judge whether the branch has the database and the role of the connection string."""
    user, name = target.address.user, target.address.name
    for kind, wanted, ask in (("database", name, neon.databases), ("role", user, neon.roles)):
        if wanted is None:
            continue
        there = ask(found.project, found.branch)
        if wanted in there:
            seen.present(f"{kind} {wanted}", f"on branch {found.branch.name}")
            continue
        seen.fail(
            Finding(f"{kind} {wanted}", "MISSING", f"on branch {found.branch.name}", target.where),
            f"branch {found.branch} has no {kind} {wanted}",
            f"create the {kind} {wanted} on branch {found.branch.name}, or correct {target.variable}: "
            f"{_several(kind, there)}",
        )


def _several(kind: str, names: list[str]) -> str:
    from infracheck.clients.neonlookup import several

    return f"the branch has no {kind}" if not names else f"the branch has {several(names)}"
