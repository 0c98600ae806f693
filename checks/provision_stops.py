"""What a person has to decide before anything is written to a database."""

from typing import Final

from infracheck.actions import Desk, Question
from infracheck.context import Context

from .provision_neon import neon_of
from .provisioned import filled
from .provisioned_neon import HOSTS
from .provisioned_neon import PROJECT as PROJECT_ID
from .schema import APPLY, Read

ALL: Final = "schema"


def stopped(ctx: Context, desk: Desk, read: "Read | None") -> Question | None:
    """Return what a person has to decide before anything is written to this database."""
    assert ctx.sql is not None
    tool = next((one for one in ctx.sql.chosen if one.kind in APPLY), None)
    if tool:
        command = f"infracheck env exec -- {APPLY[tool.kind]}"
        return Question(
            ALL, f"the migrations of {ctx.project.show(tool.path)}/ are {tool.kind}'s own", f"run: {command}"
        )
    if read is None:
        return None
    if (branch := _protected(ctx)) and branch not in desk.choices.confirm:
        return Question(ALL, f"the database is the protected Neon branch {branch}", f"confirm it: --confirm {branch}")
    name = ctx.database.name
    foreign = _foreign(read) if all(one.state == "MISSING" for one in read.found) else []
    if foreign and name not in desk.choices.confirm:
        listed = ", ".join(foreign[:5]) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
        return Question(
            ALL,
            f"the database {name} holds tables that {read.expected.name} does not know: {listed}",
            f"see that it is the right one, then confirm it: --confirm {name}",
        )
    return None


def _foreign(read: "Read") -> list[str]:
    from infracheck.project.ddl import scope

    own = {str(table) for table in read.expected.tables}
    return sorted(
        str(table) for table in read.live.app_tables if str(table) not in own and not scope.provided(table.name[0])
    )


def _protected(ctx: Context) -> str | None:
    """Return the name of the Neon branch if it is protected and the key can tell."""
    from infracheck.clients.neonlookup import find
    from infracheck.clients.pgaddress import address

    url = ctx.settings.database.url
    host = address(ctx.require(url)).host
    if not host.lower().rstrip(".").endswith(HOSTS) or not filled(ctx, "NEON_API_KEY"):
        return None
    branch = find(neon_of(ctx), host, filled(ctx, PROJECT_ID), url=url).branch
    return branch.name if branch.protected else None
