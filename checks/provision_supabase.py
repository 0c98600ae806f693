"""Writes what an existing Supabase project has for the app: URL, keys and the pooler's connection string."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from infracheck.actions import Action, Desk, Question
from infracheck.context import Context
from infracheck.errors import ClientError
from infracheck.secret import Secret

from .auth_target import SUPABASE_NAMES
from .provisioned import api_of, filled

if TYPE_CHECKING:
    from infracheck.clients.supabase import Supabase

TOKEN: Final = "SUPABASE_ACCESS_TOKEN"  # noqa: S105 - the name of a variable
REF: Final = "SUPABASE_PROJECT_ID"
PASSWORD: Final = "SUPABASE_DB_PASSWORD"  # noqa: S105
MAKE: Final = "supabase-values"
KEYS: Final = {
    "publishable": ("NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY", "NEXT_PUBLIC_SUPABASE_ANON_KEY", "SUPABASE_ANON_KEY"),
    "secret": ("SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"),
}
LEGACY: Final = {"publishable": "anon", "secret": "service_role"}


def supabase_ref(ctx: Context) -> str | None:
    """Return the ref of the app's Supabase project: as named, or by its URL."""
    if ref := filled(ctx, REF):
        return ref
    for name in SUPABASE_NAMES:
        host = (filled(ctx, name) or "").partition("://")[2].partition("/")[0]
        if host.endswith(".supabase.co"):
            return host.partition(".")[0]
    return None


def supabase(ctx: Context) -> Iterator[Action | Question]:
    """Yield the action that writes the empty ones of the project's values."""
    names = _wanted(ctx)
    url = ctx.settings.database.url
    if ctx.env[url].state != "FILLED" and not filled(ctx, PASSWORD):
        yield Question(
            "supabase-password",
            f"{url} needs the database's password, which Supabase shows to nobody",
            f"put it into the environment as {PASSWORD}, and run again",
        )
    if names:
        ref = supabase_ref(ctx)
        yield Action(
            MAKE, f"write {', '.join(names)} of the Supabase project {ref}", _write, f"Supabase project {ref}", TOKEN
        )


def _wanted(ctx: Context) -> list[str]:
    url = ctx.settings.database.url
    names = [*SUPABASE_NAMES, *KEYS["publishable"], *KEYS["secret"]]
    found = [name for name in names if ctx.env.expects(name) and ctx.env[name].state != "FILLED"]
    return [*found, *([url] if ctx.env[url].state != "FILLED" and filled(ctx, PASSWORD) else [])]


def _write(ctx: Context, desk: Desk) -> str:
    from infracheck.clients.supabase import SERVICE, Supabase

    ref = supabase_ref(ctx)
    assert ref
    api = Supabase(api_of(ctx, SERVICE, budget=ctx.settings.provision.timeout))
    keys = api.keys(ref)
    values: dict[str, Secret] = {}
    for name in _wanted(ctx):
        if name in SUPABASE_NAMES:
            values[name] = Secret(f"https://{ref}.supabase.co")
        elif name == ctx.settings.database.url:
            values[name] = _pooled(ctx, api, ref)
        elif (key := _key(keys, name)) is not None:
            values[name] = key
    return desk.write_env(ctx, values)


def _key(keys: dict[str, Secret], name: str) -> Secret | None:
    kind = next(kind for kind, names in KEYS.items() if name in names)
    old = "ANON" in name or "SERVICE_ROLE" in name
    first, second = (LEGACY[kind], kind) if old else (kind, LEGACY[kind])
    return keys.get(first) or keys.get(second)


def _pooled(ctx: Context, api: "Supabase", ref: str) -> Secret:
    """Return the pooler's connection string: the direct host answers by IPv6 only."""
    pooler = next((one for one in api.poolers(ref) if one.kind == "PRIMARY"), None)
    if pooler is None:
        raise ClientError(f"Supabase shows no pooler of project {ref}", "copy its connection string: Connect")
    password = quote(ctx.require(PASSWORD).reveal(), safe="")
    return Secret(f"postgresql://{pooler.user}:{password}@{pooler.host}:{pooler.port}/postgres")
