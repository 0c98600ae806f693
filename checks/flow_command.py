"""Runs a flow that a test runner of the team's own knows."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from infracheck.context import Context
from infracheck.flow.shape import Flow, Persona

from .auth_supabase_login import why_no_supabase_login
from .auth_target import by_supabase, no_auth

if TYPE_CHECKING:
    from infracheck.clients.otpshapes import Session
    from infracheck.flow.steps import Done


def run_elsewhere(ctx: Context, session: "Callable[[Persona], Session]", flow: Flow, run_id: str) -> "list[Done]":
    """Run the command of a flow against the booted app, with two users signed in where the app has auth.

    Raises:
        Unavailable: they cannot sign in, as `auth-otp-login` reports it.
        ClientError: the command cannot be started.
    """
    from infracheck.clients.devplan import child_env
    from infracheck.flow.external import Place, run_command

    people: tuple[Persona, ...] = () if why_no_login(ctx) else ("user", "other-user")
    env = child_env(ctx.project, ctx.env, ctx.server.port)
    sessions = {persona: session(persona) for persona in people}
    return run_command(flow, run_id, Place(ctx.project.root, ctx.server.url, env, sessions, ctx.tell))


def why_no_login(ctx: Context) -> str | None:
    """Return why nobody can be signed in, from files and variables alone."""
    return no_auth(ctx) or (why_no_supabase_login(ctx) if by_supabase(ctx) else None)
