"""The auth service: Neon Auth, or a Better Auth of the app's own."""

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infracheck.context import SERVER_CHECK, Context
from infracheck.errors import ClientError, Unavailable, Unclear
from infracheck.model import Failed, Finding, Passed, Undecided, Verdict, check

if TYPE_CHECKING:
    from infracheck.clients.better_auth import Probe, Service

NEON_NAMES: Final = ("NEON_AUTH_BASE_URL", "NEON_AUTH_URL", "NEXT_PUBLIC_NEON_AUTH_URL", "VITE_NEON_AUTH_URL")
OWN_NAMES: Final = ("BETTER_AUTH_URL", "NEXT_PUBLIC_BETTER_AUTH_URL", "PUBLIC_BETTER_AUTH_URL")
OWN_PATH: Final = "/api/auth"  # where Better Auth puts itself when its URL has no path
NEON_PACKAGES: Final = frozenset({"@neondatabase/auth", "@neondatabase/neon-js"})
OWN_PACKAGE: Final = "better-auth"
OTHERS: Final = {
    "@clerk/nextjs": "Clerk",
    "@clerk/clerk-react": "Clerk",
    "next-auth": "Auth.js",
    "@auth/core": "Auth.js",
    "@supabase/supabase-js": "Supabase Auth",
    "@supabase/ssr": "Supabase Auth",
    "@stackframe/stack": "Stack Auth",
}
LOG_LINES: Final = 60
COMPILE_SECONDS: Final = 60.0  # a dev server compiles the auth route at its first request


@dataclass(frozen=True, slots=True)
class Target:
    """Where to ask: the base URL, the variable it came from (None: nothing names it) and who serves it."""

    base: str
    name: str | None
    where: str | None
    neon: bool
    inside: bool  # served by the app's own dev server

    @property
    def service(self) -> str:
        return "Neon Auth" if self.neon else "Better Auth"


class NoTarget(ClientError):
    """Nothing says where to ask, or not in a way that can be asked; with the row of evidence."""

    def __init__(self, summary: str, remedy: str, finding: Finding) -> None:
        super().__init__(summary, remedy)
        self.finding = finding


def no_auth(ctx: Context) -> str | None:
    """Return why there is no auth service to ask, from the files alone."""
    packages = ctx.project.dependencies
    if ctx.settings.auth.url or packages & {*NEON_PACKAGES, OWN_PACKAGE} or _named(ctx, NEON_NAMES + OWN_NAMES):
        return None
    for package, name in OTHERS.items():
        if package in packages:
            return f"{name} ({package}) is not judged yet"
    return f"the app has no auth: no {OWN_PACKAGE} or @neondatabase/auth, and no {NEON_NAMES[0]} or {OWN_NAMES[0]}"


@check(applies=no_auth, proves=3)
def auth_responds(ctx: Context) -> Verdict:
    """The auth service answers as itself at its configured URL, its keys published.

    A service that is down, a wrong path or a web page in its place means that nobody can sign in, and an app whose
    auth is unreachable often still shows its pages. `/ok` and `/get-session` tell that it is Better Auth; the keys
    come from its database, so they tell that it reaches that too. Better Auth makes its first key when first asked.
    """
    try:
        target = _target(ctx)
    except NoTarget as error:
        return Failed(error.summary, error.remedy, (error.finding,))
    ctx.tell(f"waiting for {target.service} at {_place(target)} to answer")
    service: Service = ctx.begun(auth_responds) or _ask_inside(ctx, target)
    findings = tuple(_finding(probe, target) for probe in service.probes)
    if service.absent:
        return _absent(ctx, target, service, findings)
    keys, worst = service.probes[-1], service.first_problem
    if worst is None:
        return Passed(f"{target.service} answers at {_place(target)} with {keys.note}", findings)
    if worst[0] is keys and _may_lack_keys(keys, target):
        return Passed(f"{target.service} answers at {_place(target)}; it publishes no keys", findings)
    return _failure(*worst, target, findings + _from_log(ctx, target, worst[0].state))


@auth_responds.head_start()
def ask_early(ctx: Context) -> "Service | None":
    """Ask while other checks run; None when the auth is inside the app, which is not up yet."""
    from infracheck.clients.better_auth import ask

    target = _target(ctx)
    return None if target.inside else ask(ctx.http, target.base, neon=target.neon, timeout=ctx.settings.auth.timeout)


def _ask_inside(ctx: Context, target: Target) -> "Service":
    """Ask the app itself. Here and not in a head start: the boot has to wait until the schema was read."""
    from infracheck.clients.better_auth import ask

    try:
        boot = ctx.server.boot
    except ClientError as error:
        raise Unavailable(SERVER_CHECK, error.summary) from None
    if not boot.ok:
        raise Unavailable(SERVER_CHECK, boot.summary)
    return ask(ctx.http, target.base, neon=target.neon, timeout=max(ctx.settings.auth.timeout, COMPILE_SECONDS))


# -- where to ask


def _target(ctx: Context) -> Target:
    from infracheck.clients.better_auth import base_of

    names = _names(ctx)
    if not _named(ctx, names):
        return _unnamed(ctx, names)
    text = ctx.require(*names).reveal()
    name = next(name for name in names if ctx.env[name].state == "FILLED")
    neon = "NEON" in name
    where = _line(ctx, name)
    try:
        base = base_of(text, what=name, path="" if neon else OWN_PATH)
    except ClientError as error:
        raise NoTarget(error.summary, error.remedy, Finding(name, "MALFORMED", error.remedy, where)) from None
    return Target(base, name, where, neon, _inside(ctx, base))


def _names(ctx: Context) -> tuple[str, ...]:
    if ctx.settings.auth.url:
        return (ctx.settings.auth.url,)
    packages = ctx.project.dependencies
    neon_only = bool(packages & NEON_PACKAGES) and OWN_PACKAGE not in packages
    return NEON_NAMES if _named(ctx, NEON_NAMES) or (neon_only and not _named(ctx, OWN_NAMES)) else OWN_NAMES


def _named(ctx: Context, names: tuple[str, ...]) -> bool:
    return any(ctx.env.expects(name) or ctx.env[name].state != "MISSING" for name in names)


def _unnamed(ctx: Context, names: tuple[str, ...]) -> Target:
    """Return the app's own dev server: a Better Auth without a URL takes the one that it is asked at."""
    if names is OWN_NAMES and ctx.project.dev_script:
        base = f"http://localhost:{_own_port(ctx)}{OWN_PATH}"
        return Target(base, None, None, neon=False, inside=True)
    raise NoTarget(
        f"{names[0]} is MISSING: nothing says where the auth service is",
        f"add {names[0]} to the env file and to its example, or name the variable: `[auth] url` in infracheck.toml",
        Finding(names[0], "MISSING"),
    )


def _inside(ctx: Context, base: str) -> bool:
    from infracheck.clients.place import place_of

    place = place_of(base)
    return place.loopback and ctx.project.dev_script is not None and place.port == _own_port(ctx)


def _own_port(ctx: Context) -> int:
    from infracheck.clients.devserver import port_of

    return port_of(ctx.project, ctx.settings.server, ctx.env)


def _line(ctx: Context, name: str) -> str | None:
    origin = ctx.env[name].origin
    return origin if origin and ":" in origin else None


# -- what to say


def _finding(probe: "Probe", target: Target) -> Finding:
    if probe.problem is None:
        return Finding(probe.path, probe.state, probe.note, target.where, "info")
    if _may_lack_keys(probe, target):
        note = "the jwt plugin is off, so nothing here shows that the service reaches its database"
        return Finding(probe.path, "NOT PUBLISHED", note, target.where, "warn")
    return Finding(probe.path, probe.state, probe.note, target.where)


def _may_lack_keys(probe: "Probe", target: Target) -> bool:
    """Tell whether these are keys that are not there, in a Better Auth that need not have any; Neon's always has."""
    return probe.state == "MISSING" and not target.neon and probe.path not in {"/ok", "/get-session"}


def _absent(ctx: Context, target: Target, service: "Service", findings: tuple[Finding, ...]) -> Verdict:
    from infracheck.clients.better_auth import elsewhere

    tried = ", ".join(probe.path for probe in service.probes)
    found = elsewhere(ctx.http, target.base, timeout=ctx.settings.auth.timeout)
    remedy = f"set {target.name or '[auth] url'} to {found}: Better Auth answers there"
    if not found:
        kind = "/<database>/auth, as the Neon console shows it" if target.neon else f"{OWN_PATH} unless the app says so"
        remedy = f"correct the path of {target.name or OWN_NAMES[0]}: it ends in {kind}"
    return Failed(
        f"no auth service at {target.base}: 404 for {tried}", remedy, findings, f"curl -i {shlex.quote(target.base)}/ok"
    )


def _failure(probe: "Probe", problem: ClientError, target: Target, findings: tuple[Finding, ...]) -> Verdict:
    named = ", ".join(part for part in (target.name, target.where) if part)
    remedy = f"{problem.remedy} ({named})" if named else problem.remedy
    if isinstance(problem, Unclear):
        return Undecided(problem.summary, remedy, findings)
    return Failed(problem.summary, remedy, findings, f"curl -i {shlex.quote(target.base + probe.path)}")


def _from_log(ctx: Context, target: Target, state: str) -> tuple[Finding, ...]:
    """Return what the dev server printed last as an error: a route that throws answers with an empty page."""
    if not target.inside or state not in {"ERROR", "KEYS FAIL"}:
        return ()
    errors = [line.strip() for line in ctx.server.tail(LOG_LINES) if line.lstrip().startswith("⨯")]
    return tuple(Finding(ctx.server.command, "PRINTED", line.removeprefix("⨯ "), None, "info") for line in errors[-1:])


def _place(target: Target) -> str:
    from infracheck.clients.place import place_of

    return str(place_of(target.base))
