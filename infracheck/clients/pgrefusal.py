"""The exception that says why there is no database session."""

import re
from typing import TYPE_CHECKING, Final

from infracheck.clients.pgcauses import Cause
from infracheck.errors import ClientError, Unclear
from infracheck.secret import clean

if TYPE_CHECKING:
    from infracheck.clients.pgaddress import Address

_ADDRESS: Final = "the database URL"
_SAID: Final = (r"(?:FATAL|ERROR|PANIC):\s+(.*)", r"failed: (?:error: )?(.*)", r"connection is bad: (.*)")


class NoSession(ClientError):
    """The database gave no session; `state` is the cause in a word or two."""

    def __init__(
        self, state: str, summary: str, remedy: str, *, reproduce: str | None = None, transient: bool = False
    ) -> None:
        """Take a remedy in which `{url}` stands for the variable that holds the connection string."""
        super().__init__(summary, remedy.replace("{url}", _ADDRESS), reproduce=reproduce)
        self.state = state
        self.transient = transient  # worth another try at once
        self._remedy = remedy

    def remedy_for(self, variable: str) -> str:
        """Return the remedy with the variable named."""
        return self._remedy.replace("{url}", variable)


class SessionUnclear(NoSession, Unclear):
    """Whether the database would give a session is not known."""


def explain(cause: Cause, where: "Address", text: str = "", seconds: float = 0.0) -> NoSession:
    """Return the exception that says it, with a command that shows the same where there is something to ask."""
    if where.template and cause.state in {"UNKNOWN HOST", "NO RESOLVER", "NO SUCH ENDPOINT", "NO SUCH TENANT"}:
        return placeholder()
    words = {
        "place": where.place,
        "user": where.user or "the operating system's user",
        "name": where.name or "the user's name",
        "said": _said(cause, text),
        "seconds": seconds,
        "url": "{url}",
    }
    hint = _local_hint(cause, where)
    kind = SessionUnclear if cause.unclear else NoSession
    return kind(
        cause.state,
        cause.summary.format(**words),
        cause.remedy.format(**words) + hint,
        reproduce=where.psql("-c", "select 1"),
        transient=cause.transient,
    )


def placeholder() -> NoSession:
    return NoSession(
        "PLACEHOLDER",
        "the connection string is an example that nobody filled in",
        "put the database's real connection string into {url}; the provider's dashboard shows it under Connect",
    )


def _said(cause: Cause, text: str) -> str:
    """Return the one line of several that the cause was found in."""
    lines = [line for line in text.splitlines() if line.strip()] or ["no reason given"]
    line = next((line for line in lines if cause.fits(line)), lines[0])
    found = filter(None, (re.search(pattern, line) for pattern in _SAID))
    said = next((match[1] for match in found), line)
    return clean(said, 200).strip().rstrip(".")


def _local_hint(cause: Cause, where: "Address") -> str:
    if cause.state == "UNKNOWN HOST" and "." not in where.host and ":" not in where.host:
        return (
            f"; `{where.host}` may be a name inside Docker Compose: from outside it is localhost and the published port"
        )
    if cause.state == "UNKNOWN HOST" and re.fullmatch(r"db\.\w+\.supabase\.co", where.host):
        return "; this host has no IPv4 address, so use the session pooler's string where there is no IPv6"
    if cause.state == "BAD PASSWORD" and where.host.endswith(".neon.tech"):
        return "; a branch or role made within the last two minutes is refused like this at first: then run again"
    return ""
