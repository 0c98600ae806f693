"""What a login by one-time password deals in: the service, a session, a stored code, cookies and users of answers."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from infracheck.clients.http import Answer
    from infracheck.clients.otpproof import Step

_COOKIE: Final = re.compile(r"(?:^|,\s*)([!#$%&'*+.^_`|~0-9A-Za-z-]+)=([^;,\s]+)")


@dataclass(frozen=True, slots=True)
class Service:
    """Where to log in: base URL, origin of the app's pages, seconds for one request; `url` names the database's URL."""

    base: str
    origin: str
    neon: bool
    timeout: float
    url: str = "DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in user; `cookie` is the value of a Cookie header, `bearer` a token of services that take one."""

    email: str
    user_id: str
    cookie: str = field(repr=False)
    bearer: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """Return what a request of this user carries."""
        token = {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        return {**({"Cookie": self.cookie} if self.cookie else {}), **token}


class Sessions(Protocol):
    """What logs in to the app's auth service, whichever that is: sessions of two users that stay open to the end."""

    @property
    def user(self) -> Session:
        """Return a session, opened on first use.

        Raises:
            ClientError: why there is none.
        """

    @property
    def other(self) -> Session:
        """Return a session of another user, opened on first use.

        Raises:
            ClientError: why there is none.
        """

    def prove(self, steps: "list[Step]") -> None:
        """Log in, use the session, log out and remove it all; every step is added to `steps`.

        Raises:
            ClientError: the first thing that is not as it should be; Unclear where that cannot be told.
        """

    def close(self) -> None:
        """Remove all that was made; what cannot be removed now, the next run removes."""


def hashed(code: str) -> str:
    """Return a code as `storeOTP: "hashed"` keeps it."""
    return base64.urlsafe_b64encode(hashlib.sha256(code.encode()).digest()).decode().rstrip("=")


def cookies(answer: "Answer") -> list[tuple[str, str]]:
    """Return names and values of the cookies that an answer sets; several headers come as one, with commas."""
    return _COOKIE.findall(answer.headers.get("set-cookie", ""))


def user_of(answer: "Answer") -> dict[str, Any]:
    """Return the user that an answer names, empty where it names none."""
    body = answer.json()
    user = body.get("user") if isinstance(body, dict) else None
    return user if isinstance(user, dict) else {}
