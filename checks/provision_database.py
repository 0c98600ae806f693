"""Makes a database where the app has none: the way that the keys and the command line name."""

from collections.abc import Iterator
from typing import Final

from infracheck.actions import Action, Desk, Question
from infracheck.context import Context
from infracheck.errors import ClientError

from .database import database_connects
from .provision_branch import branch_action
from .provision_local import MAKE as LOCAL
from .provision_local import local_database
from .provision_neon import KEY, app_name, project_actions
from .provision_supabase import TOKEN, supabase, supabase_ref
from .provisioned import filled

NO_WAY: Final = (
    f"put {KEY} into the environment (Neon's console, API keys) and run again; `--local` makes one on this machine; or "
    "put a connection string of your own into the env file"
)


@database_connects.provisioned_by
def database(ctx: Context, desk: Desk) -> Iterator[Action | Question]:
    """Make a database where the app has none: a branch, a project at Neon, or one on this machine."""
    name = ctx.settings.database.url
    if desk.choices.branch:
        yield branch_action(ctx, desk.choices.branch, desk.choices.expires)
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
        yield from project_actions(ctx, desk)
