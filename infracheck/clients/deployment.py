"""A deployed preview in the place of a dev server: is it there, is it the app, and does it answer well?"""

import re
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from infracheck.clients.devanswer import STATUS_REMEDIES
from infracheck.clients.devboot import Refused, Row
from infracheck.clients.devvisit import REDIRECTS, shown_target
from infracheck.clients.place import place_of
from infracheck.clients.said import reason_of
from infracheck.clients.standing import Standing, status_row
from infracheck.errors import ClientError, UsageError

if TYPE_CHECKING:
    from infracheck.clients.http import Answer
    from infracheck.settings import ServerSettings

HINT: Final = "for instance: infracheck run --against https://preview-123.example.app"
_GATEKEEPERS: Final = re.compile(r"(?:vercel\.com|app\.netlify\.com|[\w.-]+\.cloudflareaccess\.com)$")
_PROTECTED: Final = re.compile(r"Authentication Required|_vercel_sso|vercel\.com/sso|Password protected site", re.I)
_LET_IN: Final = (
    "let the gate in: turn the deployment protection of previews off, or deploy to a URL that it leaves open "
    "(what asks here is the hosting, not the app)"
)


def base_of(url: str) -> str:
    """Return the base URL of a deployment as it was typed, without a path.

    Raises:
        UsageError: it is none, or holds a credential; nothing of it is quoted.
    """
    try:
        place, parts = place_of(url.strip(), "--against"), urlsplit(url.strip())
    except ClientError as error:
        raise UsageError(error.summary, hint=HINT) from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        what = "a credential" if "@" in parts.netloc else "a query or a fragment"
        raise UsageError(f"the URL of --against holds {what}, which would show in process lists and logs", hint=HINT)
    if parts.path.strip("/"):
        raise UsageError(
            "the URL of --against holds a path, but it is the origin of the deployment that is asked for",
            hint="give https://host alone; which page has to answer says [server] ready in infracheck.toml",
        )
    return str(place)


def deployment(url: str, settings: "ServerSettings", *, tell: Callable[[str], None]) -> Standing:
    """Return the deployment at `url`, which `base_of` made; nothing is asked yet."""
    path = f"/{settings.ready.removeprefix('/')}"
    return Standing(
        url, path, command=f"curl -i {shlex.quote(url + path)}", timeout=settings.timeout, judge=_judge, tell=tell
    )


def _judge(answer: "Answer") -> Refused | None:
    path = urlsplit(answer.url).path
    if protected := _protected(answer):
        return Refused(f"`{path}` answers {answer.status}: {protected}", _LET_IN, (status_row(answer, protected),))
    if answer.status in REDIRECTS:
        return _moved(answer, path)
    if answer.status < 400:
        return None
    said = reason_of(answer)
    remedy = STATUS_REMEDIES.get(answer.status, "read the log of the deployment where it is hosted, and correct it")
    return Refused(f"`{path}` answers {answer.status}{said}", remedy, (status_row(answer, said),))


def _protected(answer: "Answer") -> str | None:
    """Return who stands before the deployment, if not the app itself answers."""
    host = urlsplit(urljoin(answer.url, answer.headers.get("location", ""))).hostname or ""
    if answer.status in REDIRECTS and _GATEKEEPERS.search(host):
        return f"a login of the hosting stands before it ({host})"
    if answer.status in {401, 403} and _PROTECTED.search(answer.text):
        return "a login of the hosting stands before it"
    return None


def _moved(answer: "Answer", path: str) -> Refused | None:
    """Return that the app is somewhere else: under https, or with or without `www.`; a foreign login is no failure."""
    try:
        here, there = place_of(answer.url), place_of(urljoin(answer.url, answer.headers.get("location", "")))
    except ClientError:
        return None
    same = here.host.removeprefix("www.") == there.host.removeprefix("www.")
    if not same or here == there:
        return None
    row = Row(f"GET {path}", str(answer.status), note=f"to {shown_target(answer)}")
    return Refused(f"the app is not at {here}: it redirects to {there}", f"run with --against {there}", (row,))
