"""Makes the database project at Neon, or a branch of its own, and turns its auth on."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from infracheck.actions import Action, Desk, Question
from infracheck.context import Context
from infracheck.errors import ClientError
from infracheck.project.detect import URL_VARIABLES
from infracheck.secret import Secret

from .auth import auth_responds
from .auth_target import NEON_NAMES, by_supabase, no_auth
from .database import database_connects
from .provision_local import MAKE as LOCAL
from .provision_local import local_database
from .provision_supabase import TOKEN, supabase, supabase_ref
from .provisioned import filled
from .provisioned_neon import HOSTS
from .provisioned_neon import PROJECT as PROJECT_ID

if TYPE_CHECKING:
    from infracheck.clients.neon import Neon
    from infracheck.clients.neonmake import Made, NeonMaker
    from infracheck.clients.neonshapes import Branch, Project

KEY: Final = "NEON_API_KEY"
MAKE: Final = "neon-project"
BRANCH: Final = "neon-branch"
AUTH: Final = "neon-auth"
CLOCKS: Final = timedelta(minutes=2)  # that Neon's and this machine's may differ
COST: Final = "counts against the plan of the account; it stays until you delete it in Neon's console"
NO_WAY: Final = (
    f"put {KEY} into the environment (Neon's console, API keys) and run again; `--local` makes one on this machine; or "
    "put a connection string of your own into the env file"
)


@database_connects.provisioned_by
def database(ctx: Context, desk: Desk) -> Iterator[Action | Question]:
    """Make a database where the app has none: a branch, a project at Neon, or one on this machine."""
    name = ctx.settings.database.url
    if desk.choices.branch:
        yield _branch_action(ctx, desk.choices.branch, desk.choices.expires)
    elif desk.choices.local and (ctx.env[name].state != "FILLED" or desk.facts(LOCAL).get("begun")):
        yield local_database(ctx, app_name(ctx))
    elif supabase_ref(ctx) and filled(ctx, TOKEN):
        yield from supabase(ctx)
    elif ctx.env[name].state == "FILLED":
        yield Question(
            "database-url",
            f"{name} is filled, and no session opens there",
            "correct it (the checks say what is wrong), or empty it and run again: a value is never written over",
        )
    elif not filled(ctx, KEY):
        raise ClientError(f"{name} is {ctx.env[name].state}, and nothing says where a database may be made", NO_WAY)
    else:
        yield from _project_actions(ctx, desk)


# -- a project


def _project_actions(ctx: Context, desk: Desk) -> Iterator[Action | Question]:
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
    names = ", ".join(_url_names(ctx))
    return Action(MAKE, f"{summary}, and write {names}", _make, f"Neon project {where}", KEY, warning)


def _make(ctx: Context, desk: Desk) -> str:
    neon = neon_of(ctx, patient=True)
    maker = maker_of(neon, desk)
    made, new = _project(ctx, desk, neon, maker)
    maker.wait(made.project, made.operations)
    told = _write_urls(ctx, desk, maker, made.project, made.branch)
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


def _url_names(ctx: Context) -> list[str]:
    return [ctx.settings.database.url, "DATABASE_URL_UNPOOLED"]


def _write_urls(ctx: Context, desk: Desk, maker: "NeonMaker", project: "Project", branch: "Branch") -> str:
    urls = maker.urls(project, branch)
    values = dict(zip(_url_names(ctx), (urls.pooled, urls.direct), strict=True))
    if ctx.env.expects(PROJECT_ID):
        values[PROJECT_ID] = Secret(project.id)
    return desk.write_env(ctx, values, replace=desk.choices.branch is not None)


# -- a branch of its own


def _branch_action(ctx: Context, name: str, expires: str | None) -> Action:
    from infracheck.clients.neonmake import seconds_of

    if expires:
        seconds_of(expires)  # a wrong one is said before anything is made
    if not filled(ctx, KEY) or not filled(ctx, PROJECT_ID):
        raise ClientError("a branch needs to know its project", f"put {KEY} and {PROJECT_ID} into the environment")
    ends = f"; Neon deletes it after {expires}" if expires else ""
    names = ", ".join(_url_names(ctx))
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
    maker = maker_of(neon, desk)
    project = neon.project(filled(ctx, PROJECT_ID) or "")
    there = next((one for one in neon.branches(project) if one.name == name), None)
    if there and (there.default or there.protected):
        raise ClientError(f"the branch {there} is not one to throw away", "choose another name")
    until = datetime.now(UTC) + timedelta(seconds=seconds_of(expires)) if expires else None
    made = Made(project, there) if there else maker.create_branch(project, name, expires=until)
    desk.note(f"{BRANCH}:{name}", project=project.id, branch=made.branch.id)
    maker.wait(project, made.operations)
    return f"{'took' if there else 'created'} branch {name}; {_write_urls(ctx, desk, maker, project, made.branch)}"


# -- its auth


@auth_responds.provisioned_by
def neon_auth(ctx: Context, _: Desk) -> Iterator[Action | Question]:
    """Turn the auth of the database's branch on, and write where it is."""
    name = NEON_NAMES[0]
    if no_auth(ctx) or by_supabase(ctx) or not ctx.env.expects(name) or ctx.env[name].state == "FILLED":
        return
    if not filled(ctx, KEY):
        raise ClientError(f"{name} is {ctx.env[name].state}", f"put {KEY} into the environment, and run again")
    yield Action(
        AUTH,
        f"enable Neon Auth on the branch of {ctx.settings.database.url}, trust the app's origin, and write {name}",
        _enable,
        "Neon",
        KEY,
        "adds the schema neon_auth to the branch",
    )


def _enable(ctx: Context, desk: Desk) -> str:
    place = place_of_database(ctx, desk)
    maker = maker_of(neon_of(ctx, patient=True), desk)
    urls = maker.auth_url(place.project, place.branch)
    if "base_url" not in urls:
        raise ClientError("Neon does not say where its auth is", "copy it from Neon's console (Auth) to the env file")
    trusted = [origin for origin in _origins(ctx) if maker.trust(place.project, place.branch, origin)]
    values = {NEON_NAMES[0]: Secret(urls["base_url"])}
    if ctx.env.expects("NEON_AUTH_JWKS_URL") and "jwks_url" in urls:
        values["NEON_AUTH_JWKS_URL"] = Secret(urls["jwks_url"])
    more = f"; it trusts {', '.join(trusted)}" if trusted else ""
    return f"enabled Neon Auth on branch {place.branch.name}{more}; {desk.write_env(ctx, values)}"


def _origins(ctx: Context) -> list[str]:
    """Return the app's origins that Neon does not trust by itself, as it trusts localhost."""
    from infracheck.clients.place import place_of

    found = [text for name in URL_VARIABLES if (text := filled(ctx, name)) and "://" in text]
    places = [place_of(text) for text in found if name_is_origin(text)]
    return sorted({str(place) for place in places if not place.loopback})


def name_is_origin(text: str) -> bool:
    """Tell whether a URL is one that can be asked at all."""
    from infracheck.clients.place import place_of

    try:
        place_of(text)
    except ClientError:
        return False
    return True


# -- shared


@dataclass(frozen=True, slots=True)
class Place:
    """The project and the branch that the app's database is on."""

    project: "Project"
    branch: "Branch"


def place_of_database(ctx: Context, desk: Desk) -> Place:
    """Return where the database is: by what was made before, else by the host of its connection string.

    Raises:
        ClientError: it is not at Neon, or the key does not see it.
    """
    from infracheck.clients.neonlookup import find
    from infracheck.clients.pgaddress import address

    neon = neon_of(ctx, patient=True)
    name = f"{BRANCH}:{desk.choices.branch}" if desk.choices.branch else MAKE
    facts = desk.facts(name)
    if facts.get("project") and facts.get("branch"):
        project = neon.project(str(facts["project"]))
        return Place(project, neon.branch(project, str(facts["branch"])))
    host = address(ctx.require(ctx.settings.database.url)).host
    if not host.lower().rstrip(".").endswith(HOSTS):
        raise ClientError(f"the database at {host} is not Neon's", "Neon's auth works on Neon's databases only")
    found = find(neon, host, filled(ctx, PROJECT_ID), url=ctx.settings.database.url)
    return Place(found.project, found.branch)


def neon_of(ctx: Context, *, patient: bool = False) -> "Neon":
    """Return the API; a patient one has the time of a whole step."""
    from infracheck.clients.neon import SERVICE, Neon

    from .provisioned import api_of

    return Neon(api_of(ctx, SERVICE, budget=ctx.settings.provision.timeout if patient else None))


def maker_of(neon: "Neon", desk: Desk) -> "NeonMaker":
    from infracheck.clients.neonmake import NeonMaker

    return NeonMaker(neon, tell=desk.tell)


def app_name(ctx: Context) -> str:
    """Return the name that new projects get."""
    named = ctx.project.package.get("name")
    name = named.rpartition("/")[2] if isinstance(named, str) else ""
    return ctx.settings.provision.name or name or ctx.project.root.name
