"""Judges a login to Supabase Auth by one-time password."""

from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import Unclear

from .auth_supabase import key_of, supabase_at
from .auth_target import named_of
from .writable import REMEDY

if TYPE_CHECKING:
    from infracheck.clients.mailpit import Mailpit
    from infracheck.clients.supabase_login import SupabaseLogin

SECRETS: Final = ("SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SERVICE_KEY")
KEY_REMEDY: Final = (
    f"add {SECRETS[0]} to the env file: Supabase's dashboard, Project Settings, API Keys; locally `supabase status`"
)


def why_no_supabase_login(ctx: Context) -> str | None:
    """Return why no login can be tried: without a secret key a code has to be mailed."""
    if named_of(ctx, SECRETS):
        return None
    return f"no {SECRETS[0]}: without a secret key Supabase gives a one-time password by mail only"


def open_supabase(ctx: Context) -> "SupabaseLogin":
    """Return what logs in and out as a throw-away user, which is removed again.

    Raises:
        ClientError: nothing says where or with which key; Unclear where writing is not allowed or the key is missing.
        NotApplicable, Unavailable: a variable that it needs has no value.
    """
    from infracheck.clients.place import place_of
    from infracheck.clients.supabase_api import Project
    from infracheck.clients.supabase_login import SupabaseLogin

    if reason := why_no_supabase_login(ctx):
        raise Unclear(f"nobody can be logged in: {reason}", KEY_REMEDY)
    _, base = supabase_at(ctx)
    place = place_of(base)
    if not (ctx.settings.app.disposable or place.loopback):
        raise Unclear(f"the Supabase project at {place} may hold users that matter: nothing was written", REMEDY)
    _, key = key_of(ctx)
    secret = ctx.require(*SECRETS)
    name = next(name for name in SECRETS if ctx.env[name].state == "FILLED")
    project = Project(base, key, secret, name, ctx.settings.auth.timeout)
    return SupabaseLogin(ctx.http, project, mailpit=mailpit_of(ctx), learn=ctx.scrub.add)


def mailpit_of(ctx: Context) -> "Mailpit | None":
    """Return where the app's mail is read, None where nothing says so."""
    from infracheck.clients.mailpit import Mailpit

    auth = ctx.settings.auth
    return Mailpit(ctx.http, auth.mailpit, timeout=auth.timeout) if auth.mailpit else None
