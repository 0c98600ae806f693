"""The flow that can be derived where none is declared: the pages signed out, a login, the same pages signed in."""

from infracheck.context import Context
from infracheck.flow.shape import Flow, Step

from .auth_target import no_auth


def derived(ctx: Context) -> Flow:
    """Return the flow as its steps."""
    pages = [ctx.settings.server.ready]
    steps = [Step(f"{page} signed out", request=f"GET {page}") for page in pages]
    if not no_auth(ctx):
        steps += [Step(f"{page} signed in", as_="user", request=f"GET {page}") for page in pages]
    return Flow("derived", tuple(steps), timeout=ctx.settings.server.timeout)
