"""Judges what Supabase's API tells of the project that DATABASE_URL names."""

from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import ClientError
from infracheck.model import Finding, Verdict

from .provisioned import Judgement, Target, api_of

if TYPE_CHECKING:
    from infracheck.clients.supabase import Project, Supabase

PORTS: Final = frozenset({5432, 6543})  # of the pooler: a session each, a transaction each
HEALTHY: Final = "ACTIVE_HEALTHY"
_RESTORE: Final = "restore it in Supabase's dashboard, wait until it is healthy, then run again"
_LOOK: Final = "look at the project in Supabase's dashboard, or ask Supabase's support"
WAITING: Final = {
    "COMING_UP": "is coming up",
    "RESTORING": "is being restored",
    "UPGRADING": "is being upgraded",
    "RESTARTING": "is restarting",
    "RESIZING": "is being resized",
    "UNKNOWN": "is in a state that Supabase does not know",
}
FAILING: Final = {
    "INACTIVE": ("is paused", _RESTORE),
    "PAUSING": ("is being paused", _RESTORE),
    "GOING_DOWN": ("is being deleted", "put the connection string of another project into {variable}"),
    "REMOVED": ("is deleted", "put the connection string of another project into {variable}"),
    "ACTIVE_UNHEALTHY": ("is unhealthy", "restart the project in Supabase's dashboard, or look at its logs there"),
    "INIT_FAILED": ("could not be created", _LOOK),
    "RESTORE_FAILED": ("could not be restored", _LOOK),
    "PAUSE_FAILED": ("could not be paused", _LOOK),
}


def judge_supabase(ctx: Context, target: Target, ref: str) -> Verdict:
    """Ask Supabase and say whether the connection string leads to a project that is up, by a way in of its own."""
    from infracheck.clients.supabase import SERVICE, Supabase

    supabase = Supabase(api_of(ctx, SERVICE))
    project = _project(supabase, target, ref)
    seen = Judgement()
    _status(seen, project, target)
    if not seen.failures:
        _host(seen, supabase, project, target)
    if not seen.failures and not seen.waits:
        _health(seen, supabase, project)
    return seen.verdict(
        f"Supabase knows project {project.name} ({ref}) and its host {target.host}, "
        f"PostgreSQL {project.version}, {project.region}",
        "Supabase",
    )


def _project(supabase: "Supabase", target: Target, ref: str) -> "Project":
    from infracheck.clients.providercauses import Refused

    try:
        return supabase.project(ref)
    except Refused as error:
        if error.status != 404:
            raise
        raise ClientError(
            f"Supabase knows no project {ref}",
            f"copy the connection string of a project that exists into {target.variable} (Supabase's dashboard: "
            "Connect), or use a token of an account that sees it",
        ) from None


def _status(seen: Judgement, project: "Project", target: Target) -> None:
    subject = f"project {project.name}"
    about = f"{project.ref}, PostgreSQL {project.version}, {project.region}"
    if project.status == HEALTHY:
        seen.present(subject, about)
    elif project.status in FAILING:
        said, remedy = FAILING[project.status]
        seen.fail(
            Finding(subject, project.status, about, target.where),
            f"project {project.name} ({project.ref}) {said} ({project.status})",
            remedy.format(variable=target.variable),
        )
    else:
        doing = WAITING.get(project.status, "is in a state that infracheck does not know")
        seen.wait(subject, project.status, f"project {project.name} ({project.ref}) {doing} ({project.status})")


def _host(seen: Judgement, supabase: "Supabase", project: "Project", target: Target) -> None:
    """Judge whether host, port and user are a way into this project: the pooler of another cluster knows it not."""
    from infracheck.clients.supabase import POOLER

    subject = f"host {target.host}"
    if not POOLER.fullmatch(target.host):
        if target.host != project.host:
            _elsewhere(seen, target, f"the database of project {project.name} is at {project.host}", project.host)
        else:
            seen.present(subject, "the database itself: reached by IPv6 only, unless the project bought IPv4")
        return
    poolers = supabase.poolers(project.ref)
    here = [one for one in poolers if one.host == target.host]
    if not here:
        hosts = sorted({one.host for one in poolers})
        said = f"the pooler of project {project.name} is {' or '.join(hosts) or 'not set up'}"
        _elsewhere(seen, target, said, hosts[0] if hosts else project.host)
    elif target.address.port not in {str(port) for port in PORTS | {one.port for one in here}}:
        seen.fail(
            Finding(subject, "OTHER PORT", f"{target.name} names port {target.address.port}", target.where),
            f"{target.name} names port {target.address.port}, and the pooler {target.host} does not listen there",
            f"write port 5432 (sessions) or 6543 (transactions) into {target.variable}",
        )
    else:
        mine = [one for one in here if one.user.partition(".")[2] == (target.address.user or "").partition(".")[2]]
        if mine and all(one.kind == "READ_REPLICA" for one in mine):
            seen.remark(subject, "READ ONLY", "the pooler of a read replica: the app cannot write through it")
        else:
            seen.present(subject, f"the project's pooler, port {target.address.port}, user {target.address.user}")


def _elsewhere(seen: Judgement, target: Target, said: str, right: str) -> None:
    seen.fail(
        Finding(f"host {target.host}", "OTHER HOST", said, target.where),
        f"{target.name} names the host {target.host}, but {said}",
        f"write the host {right} into {target.variable}, as Supabase's dashboard shows it under Connect",
    )


def _health(seen: Judgement, supabase: "Supabase", project: "Project") -> None:
    from infracheck.clients.providercauses import Refused

    subject = f"database of {project.name}"
    try:
        health = supabase.health(project.ref)
    except Refused as error:
        if error.status not in {400, 403, 404}:
            raise
        health = None
    if health is None:
        seen.remark(subject, "NOT TOLD", "Supabase does not tell the health of the database with this token")
    elif health.status == HEALTHY:
        seen.present(subject, "healthy")
    elif health.status == "UNHEALTHY":
        said = f": {health.error}" if health.error else ""
        seen.fail(
            Finding(subject, "UNHEALTHY", health.error),
            f"Supabase finds the database of project {project.name} unhealthy{said}",
            "restart the project in Supabase's dashboard, or look at its database logs there, then run again",
        )
    else:
        seen.wait(subject, health.status, f"the database of project {project.name} is not up yet ({health.status})")
