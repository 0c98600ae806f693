"""Who asks in a flow: an anonymous visitor and two signed-in users, each with the cookies that the app gave them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from infracheck.flow.shape import Persona
from infracheck.flow.values import Unknown

if TYPE_CHECKING:
    from infracheck.clients.http import Answer
    from infracheck.clients.otpshapes import Session

NAMES: Final[dict[str, Persona]] = {"user": "user", "other": "other-user"}
DELETED: Final = ("", "deleted")


class Personas:
    """Sessions that open on first use, and one cookie jar for each persona."""

    def __init__(self, sessions: "Callable[[Persona], Session]", learn: Callable[[list[str]], None]) -> None:
        """Take what opens a session.

        Args:
            sessions: raises what says why there is none.
            learn: hears the texts that must not show.
        """
        self._sessions = sessions
        self._learn = learn
        self._jars: dict[Persona, dict[str, str]] = {}

    def session(self, persona: Persona) -> "Session":
        """Return the session of a signed-in persona."""
        return self._sessions(persona)

    def headers(self, persona: Persona) -> dict[str, str]:
        """Return what says who asks: cookies and a token."""
        headers: dict[str, str] = {}
        if persona != "anonymous":
            session = self._sessions(persona)
            headers = session.headers
            pairs = (pair.partition("=") for pair in session.cookie.split("; ") if pair)
            jar = {name: value for name, _, value in pairs} | self._jars.get(persona, {})
        else:
            jar = self._jars.get(persona, {})
        cookie = "; ".join(f"{name}={value}" for name, value in jar.items() if value not in DELETED)
        return {**headers, **({"Cookie": cookie} if cookie else {})}

    def answered(self, persona: Persona, answer: "Answer") -> None:
        """Keep the cookies that an answer sets."""
        from infracheck.clients.otpshapes import cookies

        for name, value in cookies(answer):
            self._jars.setdefault(persona, {})[name] = value
            if len(value) >= 16:
                self._learn([value])

    def value(self, name: str) -> Any:
        """Return `user.id`, `user.email`, `other.id` or `other.email`.

        Raises:
            Unknown: there is no such value.
        """
        who, _, part = name.partition(".")
        if who not in NAMES or part not in {"id", "email"}:
            raise Unknown(name)
        session = self._sessions(NAMES[who])
        return session.user_id if part == "id" else session.email
