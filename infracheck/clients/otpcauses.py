"""Why a login by one-time password did not come about: cause, kind, message and remedy."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from infracheck.clients.place import place_of
from infracheck.clients.said import leads_to, reason_of
from infracheck.clients.waits import in_words, wait_of
from infracheck.errors import ClientError, Unclear

if TYPE_CHECKING:
    import psycopg

    from infracheck.clients.http import Answer

SIGN_IN: Final = "/sign-in/email-otp"


class NoLogin(ClientError):
    """The login did not come about; `state` is a key of CAUSES."""

    def __init__(self, state: str, summary: str, remedy: str) -> None:
        super().__init__(summary, remedy)
        self.state = state


class LoginUnclear(NoLogin, Unclear):
    """Whether one can log in is not known."""


CAUSES: Final[Mapping[str, tuple[type[NoLogin], str, str]]] = {
    "LIMITED": (
        LoginUnclear,
        "{place}{path} takes no more requests now (429)",
        "wait {wait}, then run again",
    ),
    "ORIGIN REFUSED": (
        NoLogin,
        "the auth service does not trust the app's origin {origin} (403)",
        "add {origin} to trustedOrigins of the auth service (Neon Auth: trusted domains), or correct `[auth] origin`",
    ),
    "NO PLUGIN": (
        NoLogin,
        "{place} has no {path} (404): it knows no login by one-time password",
        "add the plugin emailOTP() to the auth service (Neon Auth: turn on the email verification code)",
    ),
    "CAPTCHA": (
        LoginUnclear,
        "{place}{path} wants a captcha",
        "turn the captcha of the auth service off where infracheck runs, or use the provider's test keys",
    ),
    "REDIRECTS": (
        NoLogin,
        "{place}{path} redirects to {said} ({status})",
        "let the auth routes through middleware, proxy or deployment protection",
    ),
    "DENIED": (
        NoLogin,
        "{place}{path} refuses ({status}{said})",
        "let the auth routes through middleware, proxy or deployment protection; a hook of the app may refuse, too",
    ),
    "WEB PAGE": (
        NoLogin,
        "a web page answers at {place}{path}, not an auth service",
        "correct host and path of the auth URL",
    ),
    "ERROR": (
        NoLogin,
        "{place}{path} fails with {status}{said}",
        "look at the log of the auth service; its secret, a table that is not migrated and a hook are usual causes",
    ),
    "NO TABLES": (
        NoLogin,
        "{place}{path} fails with {status}, and the database has no complete tables verification, user and session",
        "apply the migrations of the auth service: npx @better-auth/cli migrate, or the schema of the app",
    ),
    "OTHER STORE": (
        LoginUnclear,
        "the auth service does not keep its codes in the database of {url}",
        "run infracheck where {url} is the database of the auth service; another storage is not judged yet",
    ),
    "OTHER BRANCH": (
        NoLogin,
        "the auth service reads another database than the one of {url}",
        "take the auth URL and {url} of the same Neon branch",
    ),
    "NOT READABLE": (
        LoginUnclear,
        "infracheck cannot plant or read the code: the auth service stores it encrypted or in a form of its own",
        'set storeOTP to "plain" or "hashed" in emailOTP() where infracheck runs',
    ),
    "NO SIGN-UP": (
        LoginUnclear,
        "the auth service lets only known addresses in, so that a throw-away one cannot log in",
        "name the address of a test user: `[auth] otp_email` in infracheck.toml",
    ),
    "NOT VERIFIED USER": (
        LoginUnclear,
        "the user of `[auth] otp_email` never proved the address: a login would take away the user's other logins",
        "name a test user whose address is verified, or leave `[auth] otp_email` out",
    ),
    "NO MAIL": (
        NoLogin,
        "the auth service took the request for a code, and no mail came to Mailpit within {said}",
        "look at sendVerificationOTP and the SMTP settings of the auth service: mail has to go to this Mailpit",
    ),
    "NO CODE": (
        LoginUnclear,
        "the mail with the one-time password shows no number of 4 to 10 digits",
        "look at the text that sendVerificationOTP makes; leave `[auth] mailpit` out where it sends a link",
    ),
    "NO MAILPIT": (
        NoLogin,
        "no Mailpit answers at {place} ({status})",
        "correct `[auth] mailpit` in infracheck.toml: the base URL of Mailpit's web interface",
    ),
    "CLOCKS DIFFER": (
        NoLogin,
        "the auth service takes a code as expired that is valid for five minutes",
        "set the clocks of the auth service and of the database; a column without time zone must hold UTC",
    ),
    "NO COOKIE": (
        NoLogin,
        "{place}{path} signs in, and sets no session cookie",
        "look at `advanced.cookies` and the hooks of the auth service; a proxy before it may drop Set-Cookie",
    ),
    "NO SESSION": (
        NoLogin,
        "the cookie of a fresh login opens no session ({place}{path}: {status}{said})",
        "see that all instances of the auth service have the same secret and database",
    ),
    "OTHER USER": (
        NoLogin,
        "the session of a fresh login belongs to another address",
        "look at the caches before {path}: an answer of one user must never go to another",
    ),
    "STILL SIGNED IN": (
        NoLogin,
        "the session is still good after signing out",
        "look at the storage of sessions and at caches before /get-session",
    ),
    "NO SIGN-OUT": (
        NoLogin,
        "{place}{path} does not sign out ({status}{said})",
        "look at the log of the auth service",
    ),
    "BAD TOKEN": (
        NoLogin,
        "the token of a fresh login does not hold: {said}",
        "see that the jwt plugin signs with the keys it publishes, and that all instances share one database",
    ),
    "UNEXPECTED": (
        NoLogin,
        "{place}{path} answers {status}{said}",
        "look at the log of the auth service",
    ),
}
"""Cause -> kind, message, remedy."""
_ORIGIN_CODES: Final = {"INVALID_ORIGIN", "MISSING_OR_NULL_ORIGIN"}


def explain(
    cause: str, answer: "Answer | None" = None, *, path: str = "", origin: str = "", url: str = "", said: str = ""
) -> NoLogin:
    """Return the exception that says it; `url` is the variable that holds the database's URL."""
    kind, summary, remedy = CAUSES[cause]
    words: dict[str, object] = {
        "url": url,
        "path": path,
        "origin": origin,
        "said": said,
        "wait": in_words(None),
        "place": "",
        "status": "",
    }
    if answer:
        place = place_of(answer.url)
        told = leads_to(answer, place) if cause == "REDIRECTS" else reason_of(answer)
        words |= {
            "place": place,
            "status": answer.status,
            "said": said or told,
            "wait": in_words(wait_of(answer.headers)),
        }
    return kind(cause, summary.format(**words), remedy.format(**words))


def cause_of(answer: "Answer") -> str:
    """Return why an answer is not what was asked for; a refused code is not told apart here."""
    code, reason = code_of(answer), reason_of(answer).lower()
    match answer.status:
        case 429:
            return "LIMITED"
        case 403 if code in _ORIGIN_CODES or "invalid origin" in reason:
            return "ORIGIN REFUSED"
        case 404:
            return "NO PLUGIN"
        case 401 | 403 | 407:
            return "CAPTCHA" if "captcha" in reason else "DENIED"
        case status if 300 <= status < 400:
            return "REDIRECTS"
        case status if status >= 500:
            return "ERROR"
    if "captcha" in reason:
        return "CAPTCHA"
    return "WEB PAGE" if answer.html else "UNEXPECTED"


def code_of(answer: "Answer") -> str:
    body = answer.json()
    code = body.get("code") if isinstance(body, dict) else None
    return code if isinstance(code, str) else ""


def refused(error: "psycopg.Error", place: str, seconds: float) -> ClientError:
    """Return why the database did not do it; its own words are left out, as they may quote values."""
    import psycopg

    table = error.diag.table_name or "the auth tables"
    match error:
        case psycopg.errors.InsufficientPrivilege():
            return Unclear(
                "the app's role may not read and write the auth tables, so no code can be planted",
                "as the owner: GRANT SELECT, INSERT, UPDATE, DELETE on the tables verification, user, session, account "
                "and jwks to the role",
            )
        case psycopg.errors.ForeignKeyViolation():
            return ClientError(
                f"the user that infracheck made cannot be removed: rows of {table} hold on to it",
                f"let the foreign key of {table} say ON DELETE CASCADE, then delete the users at @infracheck.example",
            )
        case psycopg.errors.ReadOnlySqlTransaction():
            return Unclear(f"the database at {place} takes no writes", "take the connection string of the primary")
        case psycopg.errors.QueryCanceled() | psycopg.errors.LockNotAvailable():
            return Unclear(
                f"the database at {place} gave no answer within {seconds:g} s",
                "see whether the auth tables are locked or the database is overloaded, then run again",
            )
        case psycopg.OperationalError():
            return Unclear(
                f"the database at {place} broke the session off",
                "see whether the database is overloaded or restarting, then run again",
            )
    return Unclear(
        f"the database refuses to work with {table} ({error.sqlstate or type(error).__name__})",
        "compare the table with the schema of the auth service's version; a required column of the app's own needs a "
        "default",
    )
