"""Logs in to a Better Auth service with a one-time password that was planted in its table: no mail is sent.

What is made on the way, users and sessions of throw-away addresses, is removed as soon as it is no longer needed.
"""

import secrets
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from infracheck.clients.otpcauses import SIGN_IN, NoLogin, cause_of, code_of, explain
from infracheck.clients.otpshapes import Service, Session, cookies, hashed, user_of
from infracheck.clients.otpstore import Planted, Store, new_address
from infracheck.errors import ClientError

if TYPE_CHECKING:
    from infracheck.clients.http import Answer, Http
    from infracheck.clients.mailpit import Mailpit
    from infracheck.clients.otpproof import Step

SEND: Final = "/email-otp/send-verification-otp"
OTHER_COOKIE: Final = "infracheck=1"
FORMS: Final = ("plain", "hashed")


@dataclass(slots=True)
class _Made:
    """What was made for one address; `known` when its user was there before."""

    known: bool
    planted: list[Planted] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)


class Login:
    """Logs in, for two sessions of different users that stay open to the end, and whoever else asks.

    Attributes:
        form: how the service stores codes, once that is known.
    """

    def __init__(
        self,
        http: "Http",
        store: Store,
        service: Service,
        *,
        email: str | None = None,
        mailpit: "Mailpit | None" = None,
        learn: Callable[[Iterable[str]], None] = lambda _: None,
    ) -> None:
        """Take an open store; it is closed with this.

        Args:
            email: the address to log in with, None for throw-away ones.
            mailpit: where codes are read that were really sent; None: no mail is sent.
            learn: hears the texts that must not show.
        """
        self._http = http
        self.store = store
        self.service = service
        self.email = email.lower() if email else None
        self.mailpit = mailpit
        self.learn = learn
        self.lock = threading.RLock()
        self._made: dict[str, _Made] = {}
        self._sessions: dict[str, Session] = {}
        self.form: str | None = None
        self._swept: int | None = None

    @property
    def user(self) -> Session:
        """Return a session, opened on first use.

        Raises:
            NoLogin: why there is none.
        """
        return self._session("user", self.email)

    @property
    def other(self) -> Session:
        """Return a session of another user, opened on first use.

        Raises:
            NoLogin: why there is none.
        """
        return self._session("other", None)

    def _session(self, name: str, email: str | None) -> Session:
        with self.lock:
            if name not in self._sessions:
                self._sessions[name] = self.sign_in(email or new_address())
            return self._sessions[name]

    def prove(self, steps: "list[Step]") -> None:
        """Log in and out again, and leave nothing; see `otpproof`.

        Raises:
            ClientError: the first thing that is not as it should be; Unclear where that cannot be told.
        """
        from infracheck.clients.otpproof import prove

        prove(self, steps)

    # -- one login

    def sign_in(self, email: str) -> Session:
        """Return a session of this address; `remove` takes away what it made.

        Raises:
            NoLogin: why there is none.
        """
        if self.store.tables is None:
            raise self._without_tables()
        self.sweep()
        proven = self.store.verified(email)
        if proven is False:
            raise self.problem("NOT VERIFIED USER")
        made = self._made.setdefault(email, _Made(known=bool(proven)))
        if self.mailpit:
            return self._opened(email, self._by_mail(email, self.mailpit), made)
        for form in self._forms():
            answer, planted = self._try(email, form, made)
            if answer.status == HTTPStatus.OK:
                self.form = form
                return self._opened(email, answer, made)
            if (cause := self._cause(answer, planted, made)) != "OTHER FORM":
                if cause == "ERROR" and form == "plain" and self._cannot_compare(email, made):
                    cause = "NOT READABLE"
                raise self.problem(cause, answer, SIGN_IN)
        raise self.problem("NOT READABLE")

    def sweep(self) -> int:
        """Remove what killed runs left, once; return how many users that were."""
        if self._swept is None:
            self._swept = self.store.sweep() if self.store.tables else 0
        return self._swept

    def _forms(self) -> tuple[str, ...]:
        if self.form:
            return (self.form,)
        return FORMS[::-1] if self.store.shape() == "hashed" else FORMS

    def _by_mail(self, email: str, mailpit: "Mailpit") -> "Answer":
        def send() -> None:
            answer = self.ask("POST", SEND, json={"email": email, "type": "sign-in"})
            if answer.status != HTTPStatus.OK:
                raise self.problem(cause_of(answer), answer, SEND)

        code = mailpit.code_after(send, email)
        self.learn([code])
        answer = self.ask("POST", SIGN_IN, json={"email": email, "otp": code})
        if answer.status != HTTPStatus.OK:
            raise self.problem(cause_of(answer), answer, SIGN_IN)
        return answer

    def _try(self, email: str, form: str, made: _Made, *, wrong: bool = False) -> "tuple[Answer, Planted]":
        code = f"{secrets.randbelow(10**6):06}"
        self.learn([code])
        stored = hashed(code) if form == "hashed" else code
        made.planted.append(self.store.plant(email, stored))
        given = f"{(int(code) + 1) % 10**6:06}" if wrong else code
        return self.ask("POST", SIGN_IN, json={"email": email, "otp": given}), made.planted[-1]

    def _cause(self, answer: "Answer", planted: Planted, made: _Made) -> str:
        code = code_of(answer)
        if code == "OTP_EXPIRED":
            return "CLOCKS DIFFER"
        if code != "INVALID_OTP":
            return cause_of(answer)
        fate = self.store.fate(planted)
        if fate == "counted":
            return "OTHER FORM"
        if fate == "untouched":
            return "OTHER BRANCH" if self.service.neon else "OTHER STORE"
        return "UNEXPECTED" if made.known else "NO SIGN-UP"

    def _cannot_compare(self, email: str, made: _Made) -> bool:
        """Tell whether the service breaks at the planted code itself, which it can only when it must decrypt it."""
        answer, planted = self._try(email, "plain", made, wrong=True)
        if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return False  # it told right from wrong, and breaks later
        self.store.withdraw([planted])
        answer = self.ask("POST", SIGN_IN, json={"email": email, "otp": "000000"})
        return code_of(answer) == "INVALID_OTP"

    def _without_tables(self) -> NoLogin:
        answer = self.ask("POST", SIGN_IN, json={"email": new_address(), "otp": "000000"})
        if code_of(answer) == "INVALID_OTP":
            return self.problem("OTHER BRANCH" if self.service.neon else "OTHER STORE")
        cause = cause_of(answer)
        return self.problem("NO TABLES" if cause == "ERROR" else cause, answer, SIGN_IN)

    def _opened(self, email: str, answer: "Answer", made: _Made) -> Session:
        body = answer.json()
        user = user_of(answer)
        if not user:
            raise self.problem("WEB PAGE" if answer.html else "UNEXPECTED", answer, SIGN_IN, "without a user")
        pairs = [pair for pair in cookies(answer) if pair[0].endswith("session_token")]
        token = body.get("token")
        made.tokens += [token] if isinstance(token, str) else []
        self.learn([token] if isinstance(token, str) else [])
        self.learn(value for _, value in pairs)
        if not pairs:
            raise self.problem("NO COOKIE", answer, SIGN_IN)
        return Session(email, str(user.get("id")), "; ".join(f"{name}={value}" for name, value in pairs))

    def remove(self, email: str) -> None:
        """Remove what logging in with this address made.

        Raises:
            ClientError: it is still there, and why.
        """
        if made := self._made.get(email):
            self.store.remove([] if made.known else [email], made.planted, made.tokens)
            self._made.pop(email, None)

    # -- asking

    def ask(self, method: str, path: str, cookie: str = "", json: Any = None) -> "Answer":
        """Ask the service as a page of the app would."""
        # Without any cookie Better Auth may not look at the origin: a browser that was there before has one.
        headers = {"Origin": self.service.origin, "Cookie": cookie or OTHER_COOKIE}
        body = {} if json is None and method == "POST" else json
        return self._http.request(
            method, self.service.base + path, timeout=self.service.timeout, headers=headers, json=body
        )

    def problem(self, cause: str, answer: "Answer | None" = None, path: str = "", said: str = "") -> NoLogin:
        """Return the exception for a cause."""
        return explain(cause, answer, path=path, origin=self.service.origin, url=self.service.url, said=said)

    def close(self) -> None:
        """Remove all that is left and close the store; what cannot be removed now, the next run removes."""
        for email in list(self._made):
            with suppress(ClientError):
                self.remove(email)
        self.store.close()
