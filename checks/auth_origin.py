"""Whether the auth service takes requests of the app's own pages."""

import shlex
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import ClientError, Unavailable, Unclear
from infracheck.model import Failed, Finding, Passed, Undecided, Verdict, check
from infracheck.project.detect import URL_VARIABLES

from .auth import auth_responds
from .auth_target import NoTarget, Target, by_supabase, line_of, no_auth, target_of, timeout_inside

if TYPE_CHECKING:
    from infracheck.clients.better_auth_origin import Stance

TRUST_AT_NEON: Final = "add {origin} to the trusted domains of the branch in Neon's console (Auth, Domains), or"
TRUST_IN_CODE: Final = "add {origin} to `trustedOrigins` in the options of betterAuth(), or"

ANSWERS: Final[dict[str, tuple[type, str, str]]] = {
    "NOT TRUSTED": (
        Failed,
        "{service} at {place} refuses the app's origin {origin} ({said}): nobody can sign in",
        "{trust} correct the origin ({source})",
    ),
    "ORIGIN LOST": (
        Failed,
        "{service} at {place} got no origin ({said}), although one was sent: it refuses every browser",
        "let the proxy or middleware before it pass the header Origin unchanged",
    ),
    "LIMITED": (
        Undecided,
        "{service} at {place} takes no more requests now ({said})",
        "wait {wait}, then run again",
    ),
    "DENIED": (
        Undecided,
        "{place}{route} refuses the request for a reason of its own ({said}), so the origin {origin} is not judged",
        "let POST {route} through middleware, proxy or deployment protection: a visitor asks it before signing in",
    ),
    "ERROR": (
        Undecided,
        "{place}{route} fails with {said}, so the origin {origin} is not judged",
        "look at the log of the auth service; its secret and its database are the usual causes",
    ),
    "UNEXPECTED": (
        Undecided,
        "{place}{route} answers {said}, which is neither yes nor no to the origin {origin}",
        "look at the log of the auth service, and at what stands between",
    ),
    "MISSING": (Unavailable, "no Better Auth signs people in at {place}: 404 for {route}", ""),
    "REDIRECTS": (Unavailable, "{place}{route} redirects ({said})", ""),
    "WEB PAGE": (Unavailable, "a web page answers at {place}{route}", ""),
}
"""What the service answers to the app's origin -> verdict, message, remedy. TRUSTED depends on the control request."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The app's origin, what names it, and the file:line of that."""

    text: str
    source: str
    where: str | None = None


def _not_checked(ctx: Context) -> str | None:
    if reason := no_auth(ctx):
        return reason
    return "Supabase Auth takes requests from every origin: its key says who may ask" if by_supabase(ctx) else None


@check(applies=_not_checked, family="auth")
def auth_trusts_origin(ctx: Context) -> Verdict:
    """The auth service accepts the origin of the app's pages.

    Better Auth refuses a sign-in from a page whose origin it was not told to trust; nothing shows that before somebody
    tries, and a new domain or another port is enough. A request without content is sent as a page of the app would
    send it, which signs nobody in and sends no mail, and once more as a page of an origin that must be refused. The
    origin is `[auth] origin`, else that of the app's own URL in its variables, else the dev server's; with `--against`
    it is the deployment's.
    """
    target, origin = asked(ctx)
    ctx.tell(f"asking {target.service} at {target.place} about the origin {origin.text}")
    stances = ctx.begun(auth_trusts_origin) or _ask(ctx, target, origin, timeout_inside(ctx))
    return _verdict(target, origin, *stances)


@auth_trusts_origin.head_start()
def ask_early(ctx: Context) -> "tuple[Stance, Stance | None] | None":
    """Ask while other checks run; None when the auth is inside the app, which is not up yet."""
    target, origin = asked(ctx)
    return None if target.inside else _ask(ctx, target, origin, ctx.settings.auth.timeout)


def asked(ctx: Context) -> tuple[Target, Origin]:
    try:
        target = target_of(ctx)
    except NoTarget as error:
        raise Unavailable(auth_responds.id, error.summary) from None
    return target, _origin(ctx, target)


def _ask(ctx: Context, target: Target, origin: Origin, timeout: float) -> "tuple[Stance, Stance | None]":
    """Return how the service takes the app's origin, and where it trusts that, how it takes a foreign one."""
    from infracheck.clients.better_auth_origin import ask_control, ask_origin

    try:
        stance = ask_origin(ctx.http, target.base, origin.text, timeout=timeout)
        control = ask_control(ctx.http, target.base, timeout=timeout) if stance.state == "TRUSTED" else None
    except Unclear:
        raise
    except ClientError as error:
        raise Unavailable(auth_responds.id, error.summary) from None
    return stance, control


# -- the app's origin


def _origin(ctx: Context, target: Target) -> Origin:
    if ctx.against:
        return Origin(ctx.against, "--against")
    if chosen := ctx.settings.auth.origin:
        return Origin(_plain(ctx.place.moved(chosen), "[auth] origin"), "[auth] origin in infracheck.toml")
    # A service of its own trusts itself, whoever the app is: its variable tells of the app only where no other does.
    names = sorted(URL_VARIABLES, key=lambda name: name == target.name and not target.inside)
    for name in names:
        with suppress(ClientError):  # one that is empty, or a path below any origin, tells nothing
            text = _plain(ctx.place.moved(ctx.env[name].value.reveal()), name)
            where = line_of(ctx, name)
            return Origin(text, f"{name}, {where or 'process environment'}", where)
    if ctx.stage == "deploy-check" or not (ctx.project.dev_script or ctx.settings.server.command):
        raise Unclear(
            f"nothing says at which origin the app is served: no {', '.join(URL_VARIABLES[1:3])} and no [auth] origin",
            f"give the job {URL_VARIABLES[1]}, or write `[auth] origin` into infracheck.toml",
        )
    return Origin(ctx.place.url, "where the dev server listens")


def _plain(url: str, what: str) -> str:
    from infracheck.clients.place import place_of

    return str(place_of(url.strip(), what))


# -- what to say


def _verdict(target: Target, origin: Origin, stance: "Stance", control: "Stance | None") -> Verdict:
    row = Finding(origin.text, stance.state, f"POST {stance.route}: {stance.said}; {origin.source}", origin.where)
    if control is None:
        return _not_trusted(target, origin, stance, (row, *_without_codes(stance)))
    row = Finding(row.subject, row.state, row.note, row.where, "info")
    return _controlled(target, origin, control, (row, *_without_codes(stance)))


def _without_codes(stance: "Stance") -> tuple[Finding, ...]:
    from infracheck.clients.better_auth_origin import OTP

    note = "the plugin emailOTP is not on, so no one-time password can be asked for"
    return () if stance.otp else (Finding(OTP, "MISSING", note, None, "warn"),)


def _not_trusted(target: Target, origin: Origin, stance: "Stance", findings: tuple[Finding, ...]) -> Verdict:
    kind, summary, remedy = ANSWERS[stance.state]
    facts = {
        "service": target.service,
        "place": target.place,
        "origin": origin.text,
        "route": stance.route,
        "said": stance.said,
        "wait": stance.wait,
        "source": origin.source,
        "trust": (TRUST_AT_NEON if target.neon else TRUST_IN_CODE).format(origin=origin.text),
    }
    said = summary.format(**facts)
    if kind is Unavailable:
        raise Unavailable(auth_responds.id, said)
    if kind is Undecided:
        return Undecided(said, remedy.format(**facts), findings)
    return Failed(said, remedy.format(**facts), findings, _reproduce(target, origin, stance))


def _controlled(target: Target, origin: Origin, control: "Stance", findings: tuple[Finding, ...]) -> Verdict:
    """Say whether the answer means something: a service that takes any origin would have said the same."""
    from infracheck.clients.better_auth_origin import NOBODY

    said = f"POST {control.route}: {control.said}"
    trusts = f"{target.service} at {target.place} accepts the app's origin {origin.text}"
    if control.state == "NOT TRUSTED":
        return Passed(trusts, (*findings, Finding(NOBODY, "REFUSED", said, None, "info")))
    if control.state == "TRUSTED":
        note = f"{said}: every origin is accepted, so any page on the web may send requests of a user; "
        note += "take `*` out of the trusted origins, and disableOriginCheck and disableCSRFCheck out of the options"
        return Passed(f"{trusts}, and every other", (*findings, Finding(NOBODY, "ACCEPTED", note, None, "warn")))
    wait = control.wait if control.state == "LIMITED" else "a minute"
    return Undecided(
        f"{trusts}, but whether it looks at origins at all is not known ({said})",
        f"wait {wait}, then run again",
        (*findings, Finding(NOBODY, control.state, said)),
    )


def _reproduce(target: Target, origin: Origin, stance: "Stance") -> str:
    headers = ("Content-Type: application/json", f"Origin: {origin.text}", "Cookie: infracheck=1")
    shown = " ".join(f"-H {shlex.quote(header)}" for header in headers)
    return f"curl -i {shown} -d '{{}}' {shlex.quote(target.base + stance.route)}"
