"""Why a login to Supabase Auth did not come about: cause, kind, message and remedy."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from infracheck.clients.otpcauses import LoginUnclear, NoLogin
from infracheck.clients.place import place_of
from infracheck.clients.said import leads_to, reason_of
from infracheck.clients.waits import in_words, wait_of

if TYPE_CHECKING:
    from infracheck.clients.http import Answer

LOGS: Final = "look at the auth logs in Supabase's dashboard"
CAUSES: Final[Mapping[str, tuple[type[NoLogin], str, str]]] = {
    "LIMITED": (LoginUnclear, "{place}{path} takes no more requests now (429)", "wait {wait}, then run again"),
    "SECRET REFUSED": (
        NoLogin,
        "{place}{path} refuses the key of {secret} ({status}{detail})",
        "copy the secret key of the same project from Supabase's dashboard, Project Settings, API Keys, to {secret}",
    ),
    "KEY REFUSED": (
        NoLogin,
        "{place}{path} refuses the publishable key ({status}{detail})",
        "copy URL and publishable key of one project from Supabase's dashboard: Project Settings, API Keys",
    ),
    "REDIRECTS": (
        NoLogin,
        "{place}{path} redirects to {detail} ({status})",
        "write the address that answers itself, as Supabase's dashboard shows it",
    ),
    "WEB PAGE": (
        NoLogin,
        "a web page answers at {place}{path}, not Supabase Auth ({status})",
        "write the URL of the project's API: the address of the dashboard or of the app is another one",
    ),
    "NO USERS": (NoLogin, "{place}{path} does not list the users ({status}{detail})", LOGS),
    "NO USER": (
        NoLogin,
        "no user can be made: {place}{path} answers {status}{detail}",
        f"{LOGS}; a trigger on auth.users that fills a table of the app may fail, or a hook refuses",
    ),
    "NO CODE": (NoLogin, "no one-time password can be made: {place}{path} answers {status}{detail}", LOGS),
    "NOT SENT": (
        NoLogin,
        "no one-time password is mailed: {place}{path} answers {status}{detail}",
        f"{LOGS}; see the SMTP settings and the e-mail template of the project",
    ),
    "NO SIGN-IN": (
        NoLogin,
        "a one-time password of the service itself does not log in: {place}{path} answers {status}{detail}",
        f"{LOGS}; see that sign-in by e-mail is on, and that no hook refuses",
    ),
    "NO SESSION": (NoLogin, "the session does not hold: {place}{path} answers {status}{detail}", LOGS),
    "OTHER USER": (NoLogin, "{place}{path} names another user than the one that logged in", LOGS),
    "BAD TOKEN": (
        NoLogin,
        "the session's token does not hold against the keys of {place}{path}: {said}",
        "see the JWT signing keys in Supabase's dashboard: the one in use has to be published",
    ),
    "NO SIGN-OUT": (NoLogin, "logging out fails: {place}{path} answers {status}{detail}", LOGS),
    "STILL SIGNED IN": (NoLogin, "the session is still good after logging out at {place}{path}", LOGS),
    "NOT REMOVED": (
        NoLogin,
        "the user that infracheck made is still there: {place}{path} answers {status}{detail}",
        "delete the users of infracheck.example in Supabase's dashboard; a table without ON DELETE CASCADE may hold on",
    ),
}


def explain(cause: str, answer: "Answer", *, path: str, secret: str, said: str = "") -> NoLogin:
    """Return the exception for what did not come about at `path`; the answer's status may tell more than `cause`."""
    cause = _sharper(cause, answer, path)
    kind, summary, remedy = CAUSES[cause]
    place = place_of(answer.url)
    detail = leads_to(answer, place) if cause == "REDIRECTS" else reason_of(answer)
    words = {"place": place, "path": urlsplit(answer.url).path, "status": answer.status, "detail": detail, "said": said}
    words |= {"secret": secret, "wait": in_words(wait_of(answer.headers))}
    return kind(cause, summary.format(**words), remedy.format(**words))


def _sharper(cause: str, answer: "Answer", path: str) -> str:
    match answer.status:
        case 429:
            return "LIMITED"
        case status if 300 <= status < 400:
            return "REDIRECTS"
        case _ if answer.html:
            return "WEB PAGE"
        case 401 | 403 if path.startswith("/admin/"):
            return "SECRET REFUSED"
        case 401 if path == "/verify":
            return "KEY REFUSED"
        case _:
            return cause
