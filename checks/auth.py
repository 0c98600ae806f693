"""The auth service: Neon Auth, a Better Auth of the app's own, or Supabase Auth."""

import shlex
from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import ClientError, Unclear
from infracheck.model import Failed, Finding, Passed, Undecided, Verdict, check

from .auth_supabase import ask_supabase, judge_supabase
from .auth_target import OWN_NAMES, OWN_PATH, NoTarget, Target, by_supabase, no_auth, target_of, timeout_inside
from .auth_values import judge_values

if TYPE_CHECKING:
    from infracheck.clients.better_auth import Probe, Service
    from infracheck.clients.supabase_auth import SupabaseAuth

LOG_LINES: Final = 60


@check(applies=no_auth, proves=3)
def auth_responds(ctx: Context) -> Verdict:
    """The auth service answers as itself at its configured URL, its keys published.

    A service that is down, a wrong path or a web page in its place means that nobody can sign in, and an app whose
    auth is unreachable often still shows its pages. `/ok` and `/get-session` tell that it is Better Auth; the keys
    come from its database, so they tell that it reaches that too. Better Auth makes its first key when first asked.
    Neon's auth has to be of the branch that DATABASE_URL names, and secrets have to be long enough. Of Supabase, its
    auth has to know the publishable key, and sign people in by e-mail.
    """
    try:
        if by_supabase(ctx):
            return judge_supabase(ctx, lambda: ctx.begun(auth_responds))
        target = target_of(ctx)
    except NoTarget as error:
        return Failed(error.summary, error.remedy, (error.finding,))
    ctx.tell(f"waiting for {target.service} at {target.place} to answer")
    service: Service = ctx.begun(auth_responds) or _ask_inside(ctx, target)
    return _with_values(ctx, target, _judge(ctx, target, service))


@auth_responds.head_start()
def ask_early(ctx: Context) -> "Service | SupabaseAuth | None":
    """Ask while other checks run; None when the auth is inside the app, which is not up yet."""
    from infracheck.clients.better_auth import ask

    if by_supabase(ctx):
        return ask_supabase(ctx)
    target = target_of(ctx)
    return None if target.inside else ask(ctx.http, target.base, neon=target.neon, timeout=ctx.settings.auth.timeout)


def _ask_inside(ctx: Context, target: Target) -> "Service":
    """Ask the app itself. Here and not in a head start: the boot has to wait until the schema was read."""
    from infracheck.clients.better_auth import ask

    return ask(ctx.http, target.base, neon=target.neon, timeout=timeout_inside(ctx))


def _judge(ctx: Context, target: Target, service: "Service") -> Passed | Failed | Undecided:
    findings = tuple(_finding(probe, target) for probe in service.probes)
    if service.absent:
        return _absent(ctx, target, service, findings)
    keys, worst = service.probes[-1], service.first_problem
    if worst is None:
        return Passed(f"{target.service} answers at {target.place} with {keys.note}", findings)
    if worst[0] is keys and _may_lack_keys(keys, target):
        return Passed(f"{target.service} answers at {target.place}; it publishes no keys", findings)
    return _failure(*worst, target, findings + _from_log(ctx, target, worst[0].state))


def _with_values(ctx: Context, target: Target, answered: Passed | Failed | Undecided) -> Verdict:
    """Add what the variables tell: their failures come behind that of the service, and before a wait."""
    rows = list(judge_values(ctx, target))
    findings = answered.findings + tuple(row for row, _, _ in rows)
    failures = [(summary, remedy) for _, summary, remedy in rows if summary]
    reproduce = None
    if isinstance(answered, Failed):
        failures.insert(0, (answered.summary, answered.remedy))
        reproduce = answered.reproduce
    if failures:
        summaries, remedies = zip(*failures, strict=True)
        return Failed("; ".join(summaries), "; ".join(remedies), findings, reproduce)
    if isinstance(answered, Undecided):
        return Undecided(answered.reason, answered.remedy, findings)
    return Passed(answered.summary, findings)


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


def _absent(ctx: Context, target: Target, service: "Service", findings: tuple[Finding, ...]) -> Failed:
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


def _failure(probe: "Probe", problem: ClientError, target: Target, findings: tuple[Finding, ...]) -> Failed | Undecided:
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
