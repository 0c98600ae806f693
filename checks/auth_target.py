"""Where the app's auth is: who serves it, and the URL at which a Neon Auth or Better Auth is asked."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from infracheck.context import SERVER_CHECK, Context
from infracheck.errors import ClientError, Unavailable
from infracheck.model import Finding

NEON_NAMES: Final = ("NEON_AUTH_BASE_URL", "NEON_AUTH_URL", "NEXT_PUBLIC_NEON_AUTH_URL", "VITE_NEON_AUTH_URL")
OWN_NAMES: Final = ("BETTER_AUTH_URL", "NEXT_PUBLIC_BETTER_AUTH_URL", "PUBLIC_BETTER_AUTH_URL")
SUPABASE_NAMES: Final = (
    "NEXT_PUBLIC_SUPABASE_URL",
    "SUPABASE_URL",
    "VITE_SUPABASE_URL",
    "PUBLIC_SUPABASE_URL",
    "EXPO_PUBLIC_SUPABASE_URL",
)
STACK_NAMES: Final = (
    "NEXT_PUBLIC_STACK_PROJECT_ID",
    "NEXT_PUBLIC_STACK_PUBLISHABLE_CLIENT_KEY",
    "STACK_SECRET_SERVER_KEY",
)
OWN_PATH: Final = "/api/auth"  # where Better Auth puts itself when its URL has no path
NEON_PACKAGES: Final = frozenset({"@neondatabase/auth", "@neondatabase/neon-js"})
OWN_PACKAGE: Final = "better-auth"
OTHERS: Final = {
    "@clerk/nextjs": "Clerk",
    "@clerk/clerk-react": "Clerk",
    "next-auth": "Auth.js",
    "@auth/core": "Auth.js",
    "@stackframe/stack": "Stack Auth",
}
COMPILE_SECONDS: Final = 60.0  # a dev server compiles the auth route at its first request


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ask: the base URL, the variable it came from (None: nothing names it) and who serves it."""

    base: str
    name: str | None
    where: str | None
    neon: bool
    inside: bool  # served by the app itself: its dev server, or the deployment that is judged

    @property
    def service(self) -> str:
        return "Neon Auth" if self.neon else "Better Auth"

    @property
    def place(self) -> str:
        """Scheme, host and port, as messages show them."""
        from infracheck.clients.place import place_of

        return str(place_of(self.base))


class NoTarget(ClientError):
    """Nothing says where to ask, or not in a way that can be asked; with the row of evidence."""

    def __init__(self, summary: str, remedy: str, finding: Finding) -> None:
        super().__init__(summary, remedy)
        self.finding = finding


# -- who serves it


def no_auth(ctx: Context) -> str | None:
    """Return why there is no auth service to ask, from the files alone."""
    if ctx.settings.auth.provider == "none":
        return 'the settings say that the app has no auth: [auth] provider = "none"'
    if ctx.settings.auth.provider or _has_better_auth(ctx):
        return None
    for package, name in OTHERS.items():
        if package in ctx.project.dependencies:
            return f"{name} ({package}) is not judged yet"
    if _has_supabase(ctx):
        return None
    if legacy := named_of(ctx, STACK_NAMES):
        return f"{legacy[0]} is of the legacy Stack Auth, which is not judged: Neon Auth is a Better Auth now"
    return f"the app has no auth: no {OWN_PACKAGE} or @neondatabase/auth, and no {NEON_NAMES[0]} or {OWN_NAMES[0]}"


def by_supabase(ctx: Context) -> bool:
    """Tell whether Supabase serves the auth of an app that has one."""
    chosen = ctx.settings.auth.provider
    return chosen == "supabase" if chosen else not _has_better_auth(ctx)


def _has_better_auth(ctx: Context) -> bool:
    packages = {*NEON_PACKAGES, OWN_PACKAGE} & ctx.project.dependencies
    return bool(ctx.settings.auth.url or packages or named_of(ctx, NEON_NAMES + OWN_NAMES))


def _has_supabase(ctx: Context) -> bool:
    packages = any(package.startswith("@supabase/") for package in ctx.project.dependencies)
    return packages or bool(named_of(ctx, SUPABASE_NAMES))


def named_of(ctx: Context, names: Iterable[str]) -> list[str]:
    """Return those of the variables that an env file, its example or the process names."""
    return [name for name in names if ctx.env.expects(name) or ctx.env[name].state != "MISSING"]


# -- where a Better Auth is asked


def target_of(ctx: Context) -> Target:
    """Return where the app's Better Auth is.

    Raises:
        NoTarget: nothing says where, or not in a way that can be asked.
        NotApplicable, Unavailable: the variable that says so has no value.
    """
    from infracheck.clients.better_auth import base_of

    names = _names(ctx)
    if not named_of(ctx, names):
        return _unnamed(ctx, names)
    text = ctx.require(*names).reveal()
    name = next(name for name in names if ctx.env[name].state == "FILLED")
    neon = ctx.settings.auth.provider == "neon" or (ctx.settings.auth.provider is None and "NEON" in name)
    where = line_of(ctx, name)
    try:
        base = base_of(ctx.place.moved(text), what=name, path="" if neon else OWN_PATH)
    except ClientError as error:
        raise NoTarget(error.summary, error.remedy, Finding(name, "MALFORMED", error.remedy, where)) from None
    return Target(base, name, where, neon, _inside(ctx, base))


def _names(ctx: Context) -> tuple[str, ...]:
    if ctx.settings.auth.url:
        return (ctx.settings.auth.url,)
    if chosen := ctx.settings.auth.provider:
        return NEON_NAMES if chosen == "neon" else OWN_NAMES
    packages = ctx.project.dependencies
    neon_only = bool(packages & NEON_PACKAGES) and OWN_PACKAGE not in packages
    return NEON_NAMES if named_of(ctx, NEON_NAMES) or (neon_only and not named_of(ctx, OWN_NAMES)) else OWN_NAMES


def _unnamed(ctx: Context, names: tuple[str, ...]) -> Target:
    """Return the app's own dev server: a Better Auth without a URL takes the one that it is asked at."""
    if names is OWN_NAMES and (ctx.project.dev_script or ctx.against):
        return Target(f"{ctx.place.url}{OWN_PATH}", None, None, neon=False, inside=True)
    raise unnamed(names[0], "where the auth service is", "`[auth] url`")


def unnamed(name: str, what: str, setting: str) -> NoTarget:
    """Return that nothing names a variable without which nobody can ask."""
    return NoTarget(
        f"{name} is MISSING: nothing says {what}",
        f"add {name} to the env file and to its example, or name the variable: {setting} in infracheck.toml",
        Finding(name, "MISSING"),
    )


def _inside(ctx: Context, base: str) -> bool:
    from infracheck.clients.place import place_of

    place, own = place_of(base), place_of(ctx.place.url)
    if ctx.against:
        return place == own
    return place.loopback and ctx.project.dev_script is not None and place.port == own.port


def line_of(ctx: Context, name: str) -> str | None:
    """Return the file:line that gives a variable its value; None where the process does."""
    origin = ctx.env[name].origin
    return origin if origin and ":" in origin else None


def timeout_inside(ctx: Context) -> float:
    """Wait for the app itself, and return the seconds that one request to it may take.

    Raises:
        Unavailable: the app does not boot, as `server-boots` reports it.
    """
    try:
        boot = ctx.server.boot
    except ClientError as error:
        raise Unavailable(SERVER_CHECK, error.summary) from None
    if not boot.ok:
        raise Unavailable(SERVER_CHECK, boot.summary)
    return max(ctx.settings.auth.timeout, COMPILE_SECONDS)
