"""Whether the gate may write: to a database of this machine, a branch that may be lost, or one declared disposable."""

from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import ClientError

from .provisioned import api_of, filled
from .provisioned_neon import HOSTS, PROJECT

if TYPE_CHECKING:
    from infracheck.clients.pgaddress import Address

REMEDY: Final = (
    "use a database of this machine or a branch of its own for this; or, where the data may be written to, declare it: "
    "`[app] disposable = true` in infracheck.toml"
)


def why_not_writable(ctx: Context) -> str | None:
    """Return why nothing may be written to the app's database, None when that is allowed.

    Raises:
        Unavailable: there is no connection string.
        ClientError: it cannot be read.
    """
    from infracheck.clients.pgaddress import address

    if ctx.settings.app.disposable:
        return None
    where = address(ctx.require(ctx.settings.database.url))
    if where.on_this_machine:
        return None
    if where.host.lower().rstrip(".").endswith(HOSTS) and filled(ctx, "NEON_API_KEY"):
        return _why_not_branch(ctx, where)
    return f"the database at {where.place} may hold data that matters: nothing was written"


def _why_not_branch(ctx: Context, where: "Address") -> str | None:
    from infracheck.clients.neon import SERVICE, Neon
    from infracheck.clients.neonlookup import find

    try:
        branch = find(
            Neon(api_of(ctx, SERVICE)), where.host, filled(ctx, PROJECT), url=ctx.settings.database.url
        ).branch
    except ClientError as error:
        return f"whether the Neon branch may be written to is not known ({error.summary})"
    kind = "default" if branch.default else "protected" if branch.protected else ""
    if branch.expires or not kind:
        return None
    return f"the database is the {kind} branch {branch.name} of its Neon project: nothing was written"
