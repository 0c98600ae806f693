"""The database as its provider knows it."""

from typing import TYPE_CHECKING, Any, Final

from infracheck.context import Context
from infracheck.errors import ClientError, Unavailable, Unclear
from infracheck.model import Failed, Finding, Skipped, Undecided, Verdict, check

from .database import _no_database, database_connects
from .env import set_at
from .provisioned import REPRODUCE, Target
from .provisioned_neon import HOSTS, judge_neon
from .provisioned_supabase import judge_supabase

if TYPE_CHECKING:
    from infracheck.clients.pgaddress import Address

NOBODY: Final = "none"


@check(applies=_no_database, family="database")
def database_provisioned(ctx: Context) -> Verdict:
    """The provider's API knows the project, branch and endpoint that DATABASE_URL points to.

    A connection string can work and still lead to another branch than the one that is meant, to one that is about to
    be deleted, or to production; and one that does not work says little of why. Neon's API is asked with NEON_API_KEY
    (and NEON_PROJECT_ID, where it is set), Supabase's with SUPABASE_ACCESS_TOKEN; nothing is changed, and the database
    itself is not needed. Where NEON_BRANCH is set, the endpoint has to belong to that branch.
    """
    ctx.tell("waiting for the database provider's API to answer")
    verdict: Verdict = ctx.begun(database_provisioned)
    return verdict


@database_provisioned.head_start()
def ask(ctx: Context) -> Verdict:
    """Ask while other checks run."""
    target = _target(ctx)
    provider = ctx.settings.database.provider
    if provider == NOBODY:
        return Skipped("[database] provider is none, so there is no API to ask")
    try:
        return _judge(ctx, target, provider)
    except ClientError as error:
        return _unanswered(ctx, target, error)


def _target(ctx: Context) -> Target:
    """Return where the connection string leads.

    Raises:
        Unavailable: there is none, or it cannot be read; the checks of it say why.
    """
    from infracheck.clients.pgaddress import address
    from infracheck.clients.pgrefusal import NoSession

    name = ctx.settings.database.url
    if ctx.env[name].state != "FILLED" and not ctx.env.expects(name):
        raise Unavailable(database_connects.id, f"{name} is {ctx.env[name].state}")
    try:
        found: Address = address(ctx.require(name))
    except NoSession as error:
        raise Unavailable(database_connects.id, error.summary) from None
    if found.template:
        raise Unavailable(database_connects.id, f"{name} is an example that nobody filled in")
    return Target(name, set_at(ctx, name), found)


def _judge(ctx: Context, target: Target, provider: Any) -> Verdict:
    from infracheck.clients.supabase import ref_of

    if target.host.endswith(HOSTS) and provider in {None, "neon"}:
        return judge_neon(ctx, target)
    ref = ref_of(target.host, target.address.user, target.address.parameters.get("options", ""))
    if ref and provider in {None, "supabase"}:
        return judge_supabase(ctx, target, ref)
    if provider is None:
        return Skipped(f"{target.name} points to {target.host}, which is no provider with an API")
    return Failed(
        f"{target.name} points to {target.host}, which is no host of {provider}",
        f"put the connection string of the {provider} project into {target.variable}, "
        "or correct `[database] provider` in infracheck.toml",
        (Finding(target.name, "OTHER PROVIDER", target.host, target.where),),
        REPRODUCE,
    )


def _unanswered(ctx: Context, target: Target, error: ClientError) -> Verdict:
    """Say why there is no answer: because of the key, or because nobody knows what was asked for."""
    from infracheck.clients.providercauses import Refused

    row = Finding(target.name, "NOT KNOWN", target.host, target.where)
    if isinstance(error, Refused):
        note = f"so {target.host} could not be looked up"
        subject = error.subject or target.name
        row = Finding(subject, error.state, note, set_at(ctx, subject))
    if isinstance(error, Unclear):
        return Undecided(error.summary, error.remedy, (row,))
    return Failed(error.summary, error.remedy, (row,), REPRODUCE)
