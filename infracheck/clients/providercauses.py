"""Why a provider's management API does not answer a question: one table of causes, each with message and remedy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infracheck.errors import ClientError, Unclear


@dataclass(frozen=True, slots=True)
class Service:
    """A provider as messages name it, with the variables that hold its key and another base URL."""

    name: str
    key: str
    override: str
    base: str
    new_key: str  # where a key is made
    may_read: str  # what kind of key may read this


@dataclass(frozen=True, slots=True)
class Row:
    """One cause. `{what}` is the object asked for, `{said}` the service's own reason, `{wait}` how long to wait."""

    state: str
    kind: type[ClientError]
    summary: str
    remedy: str


CAUSES: Final[Mapping[int | str, Row]] = {
    401: Row("REFUSED", ClientError, "{service} refuses {key} (401){said}", "put a valid key into {key}: {new_key}"),
    403: Row("NO PERMISSION", Unclear, "{key} may not read {what} (403){said}", "use {may_read} as {key}"),
    404: Row(
        "NOT FOUND", Unclear, "{service} has no {what} (404){said}", "see that {key} belongs to the account that has it"
    ),
    412: Row(
        "NOT IN THIS STATE", Unclear, "{service} does not show {what} in its present state (412){said}", "{look_up}"
    ),
    423: Row(
        "LOCKED",
        Unclear,
        "{service} is changing {what} now (423){said}",
        "wait{wait} until it has finished, then run again",
    ),
    429: Row(
        "LIMITED", Unclear, "{service} takes no more requests of {key} now (429){said}", "wait{wait}, then run again"
    ),
    3: Row(
        "REDIRECTS",
        Unclear,
        "{place} redirects to {target}, and {key} is not sent there ({status})",
        "set {override} to the API's own address, or take it away",
    ),
    4: Row("NOT UNDERSTOOD", Unclear, "{service} does not take the question for {what} ({status}){said}", "{look_up}"),
    5: Row(
        "FAILS",
        Unclear,
        "{service} fails at the question for {what} ({status}){said}",
        "see {service}'s status page, wait{wait}, then run again",
    ),
    "WEB PAGE": Row(
        "WEB PAGE",
        Unclear,
        "a web page answers at {place}, not the API of {service}",
        "correct {override}, or let this machine reach the API without a login page or proxy in between",
    ),
    "OTHER SERVICE": Row(
        "OTHER SERVICE",
        Unclear,
        "{place} is not the API of {service}: it cannot tell {what} (404)",
        "correct {override}, or take it away",
    ),
    "NOT JSON": Row(
        "NOT JSON",
        Unclear,
        "what {place} answers for {what} is not JSON",
        "correct {override}, or see {service}'s status page, then run again",
    ),
    "INCOMPLETE": Row(
        "INCOMPLETE",
        Unclear,
        "{service} tells of {what} in a form that infracheck does not know: {detail}",
        "take the newest infracheck; until then {look_up}",
    ),
    "NO ANSWER": Row(
        "NO ANSWER",
        Unclear,
        "{service} could not be asked for {what}: {detail}",
        "let this machine reach {place}, or correct {override}, then run again",
    ),
    "TOO SLOW": Row(
        "TOO SLOW",
        Unclear,
        "{service} did not answer all questions within {seconds:g} s, {what} is the first that is open",
        "run again; `[database] timeout` in infracheck.toml gives more time",
    ),
}
"""Status, its first digit, or a word -> what that means; the first that fits in this order."""

LOOK_UP: Final = "look it up in the console of {service}"


class Refused(ClientError):
    """The API did not answer with what was asked for, or could not be asked."""

    def __init__(self, summary: str, remedy: str, *, state: str, status: int = 0, subject: str | None = None) -> None:
        """Take the state in a word or two, the HTTP status (0: no usable answer), and the variable that is to blame."""
        super().__init__(summary, remedy)
        self.state = state
        self.status = status
        self.subject = subject


class Open(Refused, Unclear):
    """... and what the answer would be is not known."""
