"""Logs in to Supabase Auth by one-time password, made by its admin API or really mailed, as users of its own."""

import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from infracheck.clients.otpproof import Step
from infracheck.clients.otpshapes import Session, user_of
from infracheck.clients.otpstore import new_address
from infracheck.clients.otptoken import NotVerified, flaw
from infracheck.clients.supabase_api import Api, Project, text_of
from infracheck.clients.supabase_cookie import cookies_of
from infracheck.clients.supabase_users import Users

if TYPE_CHECKING:
    from infracheck.clients.http import Http
    from infracheck.clients.mailpit import Mailpit

LINK: Final = "/admin/generate_link"
SEND: Final = "/otp"
VERIFY: Final = "/verify"
USER: Final = "/user"
LOGOUT: Final = "/logout"
SHORT: Final = 20  # characters; so little of a cookie's end tells nothing, and may stand in any text
KEYS: Final = "/.well-known/jwks.json"


class SupabaseLogin:
    """Logs in as throw-away users: once from end to end, and for two sessions that stay open to the end.

    Source: GoTrue's `openapi.yaml` and `internal/api`, v2: admin/users, admin/generate_link, otp, verify, user, logout.
    """

    def __init__(
        self, http: "Http", project: Project, *, mailpit: "Mailpit | None", learn: Callable[[Iterable[str]], None]
    ) -> None:
        """Take the service.

        Args:
            mailpit: where the code of `prove` is read, which was really sent; None: no mail is sent.
            learn: hears the texts that must not show.
        """
        self._api = Api(http, project)
        self._users = Users(self._api)
        self._learn = learn
        self._lock = threading.RLock()
        self._sessions: dict[str, Session] = {}
        self.mailpit = mailpit

    @property
    def user(self) -> Session:
        """Return a session, opened on first use with a code of the admin API: no mail is sent.

        Raises:
            ClientError: why there is none.
        """
        return self._session("user")

    @property
    def other(self) -> Session:
        """Return a session of another user, opened on first use.

        Raises:
            ClientError: why there is none.
        """
        return self._session("other")

    def _session(self, name: str) -> Session:
        with self._lock:
            if name not in self._sessions:
                self._users.sweep()
                email = new_address()
                with self._users.removed_on_error(self._users.create(email)):
                    self._sessions[name] = self._sign_in(email, self._made(email))
            return self._sessions[name]

    def prove(self, steps: list[Step]) -> None:
        """Make a user, log in, use the session, log out and remove the user; every step is added to `steps`.

        Raises:
            ClientError: the first thing that is not as it should be; Unclear where that cannot be told.
        """
        with self._lock:
            if swept := self._users.sweep():
                steps.append(Step("earlier runs", "REMOVED", f"{swept} of their users"))
            email = new_address()
            user = self._users.create(email)
            with self._users.removed_on_error(user):
                self._through(email, user, steps)
            self._users.remove(user)
            steps.append(Step("user", "REMOVED", "and its sessions with it"))

    def _through(self, email: str, user: str, steps: list[Step]) -> None:
        ask, problem = self._api.ask, self._api.problem
        code = self._mailed(email, self.mailpit) if self.mailpit else self._made(email)
        token = self._sign_in(email, code).bearer
        mailed = "with the code of a mail that Mailpit caught"
        steps.append(
            Step(VERIFY, "SIGNED IN", mailed if self.mailpit else "with a code of the admin API: no mail sent")
        )
        found = ask("GET", USER, bearer=token)
        if found.status != HTTPStatus.OK:
            raise problem("NO SESSION", found, USER)
        body = found.json()
        if not isinstance(body, dict) or body.get("id") != user or body.get("email") != email:
            raise problem("OTHER USER", found, USER)
        steps.append(Step(USER, "SIGNED IN", "as the address that logged in"))
        steps.append(self._check_token(token, user))
        out = ask("POST", LOGOUT, bearer=token)
        if out.status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            raise problem("NO SIGN-OUT", out, LOGOUT)
        if ask("GET", USER, bearer=token).status == HTTPStatus.OK:
            raise problem("STILL SIGNED IN", out, LOGOUT)
        steps.append(Step(LOGOUT, "SIGNED OUT", "the session is over"))

    def _sign_in(self, email: str, code: str) -> Session:
        self._learn([code])
        answer = self._api.ask("POST", VERIFY, json={"type": "email", "email": email, "token": code})
        token = text_of(answer, "access_token") if answer.status == HTTPStatus.OK else ""
        user = user_of(answer)
        if not token or not user:
            raise self._api.problem("NO SIGN-IN", answer, VERIFY)
        pairs = cookies_of(self._api.project.base, answer.json())
        self._learn(filter(None, (token, text_of(answer, "refresh_token"))))
        self._learn(value for _, value in pairs if len(value) > SHORT)
        return Session(email, str(user.get("id")), "; ".join(f"{name}={value}" for name, value in pairs), token)

    def _made(self, email: str) -> str:
        link = self._api.ask("POST", LINK, json={"type": "magiclink", "email": email})
        code = text_of(link, "email_otp") if link.status == HTTPStatus.OK else ""
        if not code:
            raise self._api.problem("NO CODE", link, LINK)
        self._learn(filter(None, (text_of(link, "hashed_token"), text_of(link, "action_link"))))
        return code

    def _mailed(self, email: str, mailpit: "Mailpit") -> str:
        def send() -> None:
            answer = self._api.ask("POST", SEND, json={"email": email, "create_user": False})
            if answer.status != HTTPStatus.OK:
                raise self._api.problem("NOT SENT", answer, SEND)

        return mailpit.code_after(send, email)

    def _check_token(self, token: str, user: str) -> Step:
        keys = self._api.ask("GET", KEYS)
        try:
            wrong = flaw(token, keys.json(), user)
        except NotVerified as reason:
            return Step("token", "NOT VERIFIED", str(reason))
        if wrong:
            raise self._api.problem("BAD TOKEN", keys, KEYS, wrong)
        return Step("token", "VERIFIED", "signed with a published key")

    def close(self) -> None:
        """Remove the users that are left, their sessions with them; who cannot be removed now, the next run removes."""
        self._users.close()
