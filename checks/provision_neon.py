"""Makes the database project at Neon, and writes its connection strings."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from infracheck.actions import Action, Desk, Question
from infracheck.context import Context
from infracheck.secret import Secret

from .provisioned import filled
from .provisioned_neon import PROJECT as PROJECT_ID

if TYPE_CHECKING:
    from infracheck.clients.neon import Neon
    from infracheck.clients.neonmake import Made, NeonMaker
    from infracheck.clients.neonshapes import Branch, Project

KEY: Final = "NEON_API_KEY"
MAKE: Final = "neon-project"
CLOCKS: Final = timedelta(minutes=2)  # that Neon's and this machine's may differ
COST: Final = "counts against the plan of the account; it stays until you delete it in Neon's console"


# -- a project


def project_actions(ctx: Context, desk: Desk) -> Iterator[Action | Question]:
    """Yield the project to make, to go on with, or to ask about."""
    name = app_name(ctx)
    known = filled(ctx, PROJECT_ID) or desk.facts(MAKE).get("project")
    neon = neon_of(ctx)
    if known:
        project = neon.project(str(known))
        yield _action(ctx, f"use the Neon project {project.name} ({project.id})", project.name)
        return
    org = _organization(ctx, neon)
    if isinstance(org, Question):
        yield org
        return
    same = [one for one in neon.projects(org)[0] if one.name == name]
    if ours := _by_a_killed_run(same, desk):
        yield _action(ctx, f"go on with the Neon project {name} ({ours.id}), which an interrupted run made", name)
        return
    if same:
        ids = ", ".join(one.id for one in same)
        yield Question(
            MAKE,
            f"a Neon project named {name} exists already ({ids}), and nothing says that it is this app's",
            f"set {PROJECT_ID} in the environment to use it, or `[provision] name` in infracheck.toml to make another",
        )
        return
    where = f"{ctx.settings.provision.neon_region or 'the default region'}{f', organization {org}' if org else ''}"
    yield _action(ctx, f"create the Neon project {name} in {where}", name, warning=COST)


def _action(ctx: Context, summary: str, where: str, warning: str = "") -> Action:
    names = ", ".join(url_names(ctx))
    return Action(MAKE, f"{summary}, and write {names}", _make, f"Neon project {where}", KEY, warning)


def _make(ctx: Context, desk: Desk) -> str:
    neon = neon_of(ctx, patient=True)
    maker = maker_of(ctx, neon, desk.tell)
    made, new = _project(ctx, desk, neon, maker)
    maker.wait(made.project, made.operations)
    told = write_urls(ctx, desk, maker, made.project, made.branch)
    verb = "created" if new else "took"
    return f"{verb} Neon project {made.project.name} ({made.project.id}), branch {made.branch.name}; {told}"


def _project(ctx: Context, desk: Desk, neon: "Neon", maker: "NeonMaker") -> "tuple[Made, bool]":
    """Return the project, new only where no earlier run can have made it."""
    from infracheck.clients.neonmake import Made

    facts = desk.facts(MAKE)
    known = filled(ctx, PROJECT_ID) or facts.get("project")
    org = _organization(ctx, neon)
    org = None if isinstance(org, Question) else org
    if not known:
        same = [one for one in neon.projects(org)[0] if one.name == app_name(ctx)]
        ours = _by_a_killed_run(same, desk)
        known = ours.id if ours else None
    if known:
        project = neon.project(str(known))
        branch = _default(neon, project)
        desk.note(MAKE, project=project.id, branch=branch.id)
        busy = tuple(one.id for one in neon.operations(project) if one.status in {"scheduling", "running"})
        return Made(project, branch, busy), False
    chosen = ctx.settings.provision
    made = maker.create_project(app_name(ctx), org=org, region=chosen.neon_region, version=chosen.neon_postgres)
    desk.note(MAKE, project=made.project.id, branch=made.branch.id)
    return made, True


def _by_a_killed_run(same: "list[Project]", desk: Desk) -> "Project | None":
    """Return the project that a run made which was killed before it could write its id down."""
    begun = desk.facts(MAKE).get("begun")
    if not isinstance(begun, str):
        return None
    since = datetime.fromisoformat(begun) - CLOCKS
    return next((one for one in same if one.created and one.created >= since), None)


def _organization(ctx: Context, neon: "Neon") -> str | Question | None:
    """Return the organisation to make it in; None for a key that needs none said."""
    if chosen := ctx.settings.provision.neon_org:
        return chosen
    if owner := neon.owner():
        return owner
    listed = neon.organizations()
    if len(listed) > 1:
        return Question(
            "neon-org",
            f"the key belongs to several organizations: {', '.join(listed)}",
            "name one: [provision] neon_org",
        )
    return listed[0] if listed else None


def _default(neon: "Neon", project: "Project") -> "Branch":
    branches = neon.branches(project)
    return next((one for one in branches if one.default), branches[0])


def url_names(ctx: Context) -> list[str]:
    return [ctx.settings.database.url, "DATABASE_URL_UNPOOLED"]


def write_urls(ctx: Context, desk: Desk, maker: "NeonMaker", project: "Project", branch: "Branch") -> str:
    urls = maker.urls(project, branch)
    values = dict(zip(url_names(ctx), (urls.pooled, urls.direct), strict=True))
    if ctx.env.expects(PROJECT_ID):
        values[PROJECT_ID] = Secret(project.id)
    return desk.write_env(ctx, values, replace=desk.choices.branch is not None)


# -- shared


def neon_of(ctx: Context, *, patient: bool = False) -> "Neon":
    """Return the API; a patient one has the time of a whole step."""
    from infracheck.clients.neon import SERVICE, Neon

    from .provisioned import api_of

    return Neon(api_of(ctx, SERVICE, budget=ctx.settings.provision.timeout if patient else None))


def maker_of(ctx: Context, neon: "Neon", tell: Callable[[str], None]) -> "NeonMaker":
    from infracheck.clients.neonmake import NeonMaker

    return NeonMaker(neon, seconds=ctx.settings.provision.timeout, tell=tell)


def app_name(ctx: Context) -> str:
    """Return the name that new projects get."""
    named = ctx.project.package.get("name")
    name = named.rpartition("/")[2] if isinstance(named, str) else ""
    return ctx.settings.provision.name or name or ctx.project.root.name
