"""Whether somebody can log in by one-time password."""

from typing import TYPE_CHECKING, Final

from infracheck.context import Context, opens
from infracheck.errors import ClientError, Unavailable, Unclear
from infracheck.model import Failed, Finding, Level, Passed, Undecided, Verdict, check

from .auth_origin import asked
from .auth_supabase_login import mailpit_of, open_supabase, why_no_supabase_login
from .auth_target import by_supabase, no_auth, timeout_inside
from .database import database_connects
from .writable import REMEDY, why_not_writable

if TYPE_CHECKING:
    from infracheck.clients.otp import Login
    from infracheck.clients.otpproof import Step
    from infracheck.clients.otpshapes import Sessions

LEVELS: Final[dict[str, Level]] = {"NOT VERIFIED": "warn", "MORE": "warn"}
CANNOT: Final = "ask for no login; or name the service, `[auth] provider` and `[auth] url` in infracheck.toml"
REPRODUCE: Final = "infracheck run --only auth-otp-login"


def _not_checked(ctx: Context) -> str | None:
    if reason := no_auth(ctx):
        return reason
    return why_no_supabase_login(ctx) if by_supabase(ctx) else None


@check(applies=_not_checked, proves=3, family="auth")
def auth_otp_login(ctx: Context) -> Verdict:
    """A one-time password logs in, its session holds, and logging out ends it.

    An auth service can answer well while nobody gets in: its plugin is off, it does not trust the app's origin, or it
    reads another database. A throw-away address logs in with a code that infracheck puts into the service's own table,
    so no mail is sent and none is proven to arrive; with `[auth] mailpit` the code is one that was really sent. Of
    Supabase Auth, the code is one that its admin API makes. User, session and code are removed again, and so is what a
    killed run left. Nothing is written where data may matter: see `[app] disposable`.
    """
    login = ctx.login
    mail = ", mail arrives" if ctx.settings.auth.mailpit else ""
    steps: list[Step] = []
    ctx.tell("waiting for a login by one-time password")
    try:
        login.prove(steps)
    except ClientError as error:
        state = getattr(error, "state", "NO ANSWER")
        findings = (*map(_finding, steps), Finding("login", state))
        if isinstance(error, Unclear):
            return Undecided(error.summary, error.remedy, findings)
        return Failed(error.summary, error.remedy, findings, error.reproduce or REPRODUCE)
    return Passed(f"a one-time password logs in{mail}, and logging out ends the session", tuple(map(_finding, steps)))


@opens("login")
def open_login(ctx: Context) -> "Sessions":
    """Open what logs in to whichever service the app has; nothing is written before the first login.

    Raises:
        Unavailable: database or dev server are not there.
        ClientError: nothing says where the auth service is; Unclear where writing is not allowed, or nobody logs in.
    """
    if reason := no_auth(ctx):
        raise Unclear(f"nobody can be logged in: {reason}", CANNOT)
    return open_supabase(ctx) if by_supabase(ctx) else _open_better_auth(ctx)


def _open_better_auth(ctx: Context) -> "Login":
    from infracheck.clients.otp import Login
    from infracheck.clients.otpshapes import Service
    from infracheck.clients.otpstore import Store
    from infracheck.clients.pgrefusal import NoSession

    if reason := why_not_writable(ctx):
        raise Unclear(reason, REMEDY)
    target, origin = asked(ctx)
    timeout = timeout_inside(ctx) if target.inside else ctx.settings.auth.timeout
    database = ctx.settings.database
    http, url = ctx.http, ctx.require(database.url)
    service = Service(target.base, origin.text, target.neon, timeout, database.url)
    try:
        store = Store.open(url, timeout=database.timeout, tell=ctx.tell, neon=target.neon)
    except NoSession as error:
        raise Unavailable(database_connects.id, error.summary) from None
    email = ctx.settings.auth.otp_email
    return Login(http, store, service, email=email, mailpit=mailpit_of(ctx), learn=ctx.scrub.add)


def _finding(step: "Step") -> Finding:
    return Finding(step.subject, step.state, step.note, None, LEVELS.get(step.state, "info"))
