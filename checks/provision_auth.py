"""Turns Neon's auth on for the branch of the app's database."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infracheck.actions import Action, Desk, Question
from infracheck.context import Context
from infracheck.errors import ClientError
from infracheck.project.detect import URL_VARIABLES
from infracheck.secret import Secret

from .auth import auth_responds
from .auth_target import NEON_NAMES, by_supabase, no_auth
from .provision_branch import BRANCH
from .provision_neon import KEY, MAKE, maker_of, neon_of
from .provisioned import filled
from .provisioned_neon import HOSTS
from .provisioned_neon import PROJECT as PROJECT_ID

if TYPE_CHECKING:
    from infracheck.clients.neonshapes import Branch, Project

AUTH: Final = "neon-auth"


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
    place = _place_of_database(ctx, desk)
    maker = maker_of(ctx, neon_of(ctx, patient=True), desk.tell)
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
    places = [place_of(text) for text in found if _can_be_asked(text)]
    return sorted({str(place) for place in places if not place.loopback})


def _can_be_asked(text: str) -> bool:
    """Tell whether a URL is one that can be asked at all."""
    from infracheck.clients.place import place_of

    try:
        place_of(text)
    except ClientError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Place:
    """The project and the branch that the app's database is on."""

    project: "Project"
    branch: "Branch"


def _place_of_database(ctx: Context, desk: Desk) -> _Place:
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
        return _Place(project, neon.branch(project, str(facts["branch"])))
    host = address(ctx.require(ctx.settings.database.url)).host
    if not host.lower().rstrip(".").endswith(HOSTS):
        raise ClientError(f"the database at {host} is not Neon's", "Neon's auth works on Neon's databases only")
    found = find(neon, host, filled(ctx, PROJECT_ID), url=ctx.settings.database.url)
    return _Place(found.project, found.branch)
