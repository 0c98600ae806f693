"""Judges the auth service of a Supabase project: is it up, does it know the app's key, may people sign in by e-mail."""

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import ClientError, Unclear
from infracheck.model import Failed, Finding, Level, Passed, Undecided, Verdict
from infracheck.secret import Secret

from .auth_target import SUPABASE_NAMES, NoTarget, line_of, named_of, unnamed

if TYPE_CHECKING:
    from infracheck.clients.better_auth import Probe
    from infracheck.clients.supabase_auth import SupabaseAuth

KEYS: Final = (
    "NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY",
    "NEXT_PUBLIC_SUPABASE_PUBLISHABLE_DEFAULT_KEY",
    "NEXT_PUBLIC_SUPABASE_PUBLISHABLE_OR_ANON_KEY",
    "NEXT_PUBLIC_SUPABASE_ANON_KEY",
    "SUPABASE_PUBLISHABLE_KEY",
    "SUPABASE_ANON_KEY",
    "VITE_SUPABASE_PUBLISHABLE_KEY",
    "VITE_SUPABASE_ANON_KEY",
    "PUBLIC_SUPABASE_PUBLISHABLE_KEY",
    "PUBLIC_SUPABASE_ANON_KEY",
    "EXPO_PUBLIC_SUPABASE_PUBLISHABLE_KEY",
    "EXPO_PUBLIC_SUPABASE_ANON_KEY",
)
SETTING: Final = "`[auth] url`"


def judge_supabase(ctx: Context, ask: Callable[[], "SupabaseAuth"]) -> Verdict:
    """Say whether the project's auth answers the app's key; `ask` waits for what it answered.

    Raises:
        NoTarget: nothing says where it is, or with which key it is asked.
        NotApplicable, Unavailable: the variable that says so has no value.
    """
    from infracheck.clients.place import place_of

    name, base = supabase_at(ctx)
    key_name, _ = key_of(ctx)
    where = line_of(ctx, name)
    place = place_of(base)
    ctx.tell(f"waiting for Supabase Auth at {place} to answer")
    service = ask()
    findings = tuple(Finding(one.path, one.state, one.note, where, _level(one)) for one in service.probes)
    if worst := service.first_problem:
        return _failure(ctx, *worst, findings, base=base, name=name, key_name=key_name)
    ways = service.ways or frozenset()
    if not service.signup:
        note = "only users that exist can sign in: sign-ups are turned off"
        findings += (Finding("sign-up", "OFF", note, where, "info"),)
    if "email" in ways:
        return Passed(f"Supabase Auth answers at {place}, sign-in by e-mail is on", findings)
    others = f"by {', '.join(sorted(ways))} only" if ways else "no way at all"
    if "phone" in ways:
        row = Finding("email", "OFF", f"people sign in {others}", where, "warn")
        return Passed(f"Supabase Auth answers at {place}; sign-in by e-mail is off, by phone on", (*findings, row))
    return Failed(
        f"Supabase Auth answers at {place}, but sign-in by e-mail is off ({others})",
        "turn Email on in Supabase's dashboard (Authentication, Sign In / Providers); where the app means it so, "
        "excuse `email` of auth-responds by a waiver",
        (*findings, Finding("email", "OFF", "no one-time password can be sent", where)),
        _reproduce(base, "/settings", key_name),
    )


def ask_supabase(ctx: Context) -> "SupabaseAuth":
    """Ask the service that the variables name."""
    from infracheck.clients.supabase_auth import ask

    _, base = supabase_at(ctx)
    _, key = key_of(ctx)
    return ask(ctx.http, base, key, timeout=ctx.settings.auth.timeout)


def supabase_at(ctx: Context) -> tuple[str, str]:
    """Return the variable that names the project, and the base URL of its auth service.

    Raises:
        NoTarget: nothing names it, or not in a way that can be asked.
        NotApplicable, Unavailable: the variable has no value.
    """
    from infracheck.clients.supabase_auth import supabase_base

    names = (ctx.settings.auth.url,) if ctx.settings.auth.url else SUPABASE_NAMES
    if not named_of(ctx, names):
        raise unnamed(names[0], "where the Supabase project is", SETTING)
    text = ctx.require(*names).reveal()
    name = next(name for name in names if ctx.env[name].state == "FILLED")
    try:
        return name, supabase_base(text, what=name)
    except ClientError as error:
        raise NoTarget(
            error.summary, error.remedy, Finding(name, "MALFORMED", error.remedy, line_of(ctx, name))
        ) from None


def key_of(ctx: Context) -> tuple[str, Secret]:
    """Return the variable that holds the publishable key, and the key.

    Raises:
        NoTarget: nothing names it.
        NotApplicable, Unavailable: the variable has no value.
    """
    if not named_of(ctx, KEYS):
        raise NoTarget(
            f"{KEYS[0]} is MISSING: Supabase answers nobody without its publishable key",
            f"add {KEYS[0]} to the env file and to its example: Supabase's dashboard, Project Settings, API Keys",
            Finding(KEYS[0], "MISSING"),
        )
    key = ctx.require(*KEYS)
    return next(name for name in KEYS if ctx.env[name].state == "FILLED"), key


def _failure(
    ctx: Context,
    probe: "Probe",
    problem: ClientError,
    findings: tuple[Finding, ...],
    *,
    base: str,
    name: str,
    key_name: str,
) -> Verdict:
    variables = (name, key_name) if probe.state == "KEY REFUSED" else (name,)
    if probe.state == "KEY REFUSED":
        findings += (Finding(key_name, "REFUSED", problem.summary, line_of(ctx, key_name)),)
    places = [f"{one}, {line_of(ctx, one) or 'process environment'}" for one in variables]
    remedy = f"{problem.remedy} ({'; '.join(places)})"
    if isinstance(problem, Unclear):
        return Undecided(problem.summary, remedy, findings)
    return Failed(problem.summary, remedy, findings, _reproduce(base, probe.path, key_name))


def _level(probe: "Probe") -> Level:
    return "fail" if probe.problem else "info"


def _reproduce(base: str, path: str, key_name: str) -> str:
    return f'curl -i -H "apikey: ${key_name}" {shlex.quote(base + path)}'
