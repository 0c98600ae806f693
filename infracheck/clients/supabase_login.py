"""Logs in to Supabase Auth by one-time password, made by its admin API or really mailed; the user is removed again."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from infracheck.clients.otpcauses import NoLogin
from infracheck.clients.otpproof import Step, remove_after
from infracheck.clients.otpshapes import user_of
from infracheck.clients.otpstore import PATTERN, new_address
from infracheck.clients.otptoken import NotVerified, flaw
from infracheck.clients.supabase_causes import explain
from infracheck.errors import ClientError
from infracheck.secret import Secret

if TYPE_CHECKING:
    from infracheck.clients.http import Answer, Http
    from infracheck.clients.mailpit import Mailpit

USERS: Final = "/admin/users"
LINK: Final = "/admin/generate_link"
SEND: Final = "/otp"
VERIFY: Final = "/verify"
USER: Final = "/user"
LOGOUT: Final = "/logout"
KEYS: Final = "/.well-known/jwks.json"
OURS: Final = quote("infracheck+", safe="")  # what the addresses of earlier runs begin with
OLD: Final = timedelta(minutes=15)  # a run that still goes on has younger users


@dataclass(frozen=True, slots=True)
class Project:
    """A project's auth service: base URL, publishable and secret key, the secret's variable, seconds for a request."""

    base: str
    key: Secret
    secret: Secret
    secret_name: str
    timeout: float


class SupabaseLogin:
    """One login of a throw-away user from end to end.

    Source: GoTrue's `openapi.yaml` and `internal/api`, v2: admin/users, admin/generate_link, otp, verify, user, logout.
    """

    def __init__(
        self, http: "Http", project: Project, *, mailpit: "Mailpit | None", learn: Callable[[Iterable[str]], None]
    ) -> None:
        """Take the service.

        Args:
            mailpit: where codes are read that were really sent; None: no mail is sent.
            learn: hears the texts that must not show.
        """
        self._http = http
        self._project = project
        self._learn = learn
        self.mailpit = mailpit

    def prove(self, steps: list[Step]) -> None:
        """Make a user, log in, use the session, log out and remove the user; every step is added to `steps`.

        Raises:
            ClientError: the first thing that is not as it should be; Unclear where that cannot be told.
        """
        if swept := self._sweep():
            steps.append(Step("earlier runs", "REMOVED", f"{swept} of their users"))
        email = new_address()
        user = self._create(email)
        try:
            self._through(email, user, steps)
        except ClientError as error:
            remove_after(error, lambda: self._remove(user))
            raise
        self._remove(user)
        steps.append(Step("user", "REMOVED", "and its sessions with it"))

    def _through(self, email: str, user: str, steps: list[Step]) -> None:
        token = self._sign_in(email)
        mailed = "with the code of a mail that Mailpit caught"
        steps.append(
            Step(VERIFY, "SIGNED IN", mailed if self.mailpit else "with a code of the admin API: no mail sent")
        )
        found = self._ask("GET", USER, bearer=token)
        if found.status != HTTPStatus.OK:
            raise self._problem("NO SESSION", found, USER)
        body = found.json()
        if not isinstance(body, dict) or body.get("id") != user or body.get("email") != email:
            raise self._problem("OTHER USER", found, USER)
        steps.append(Step(USER, "SIGNED IN", "as the address that logged in"))
        steps.append(self._check_token(token, user))
        out = self._ask("POST", LOGOUT, bearer=token)
        if out.status not in {HTTPStatus.OK, HTTPStatus.NO_CONTENT}:
            raise self._problem("NO SIGN-OUT", out, LOGOUT)
        if self._ask("GET", USER, bearer=token).status == HTTPStatus.OK:
            raise self._problem("STILL SIGNED IN", out, LOGOUT)
        steps.append(Step(LOGOUT, "SIGNED OUT", "the session is over"))

    def _sign_in(self, email: str) -> str:
        code = self._mailed(email, self.mailpit) if self.mailpit else self._made(email)
        self._learn([code])
        answer = self._ask("POST", VERIFY, json={"type": "email", "email": email, "token": code})
        token = _text(answer, "access_token") if answer.status == HTTPStatus.OK else ""
        if not token or not user_of(answer):
            raise self._problem("NO SIGN-IN", answer, VERIFY)
        self._learn(filter(None, (token, _text(answer, "refresh_token"))))
        return token

    def _made(self, email: str) -> str:
        link = self._ask("POST", LINK, json={"type": "magiclink", "email": email})
        code = _text(link, "email_otp") if link.status == HTTPStatus.OK else ""
        if not code:
            raise self._problem("NO CODE", link, LINK)
        self._learn(filter(None, (_text(link, "hashed_token"), _text(link, "action_link"))))
        return code

    def _mailed(self, email: str, mailpit: "Mailpit") -> str:
        def send() -> None:
            answer = self._ask("POST", SEND, json={"email": email, "create_user": False})
            if answer.status != HTTPStatus.OK:
                raise self._problem("NOT SENT", answer, SEND)

        return mailpit.code_after(send, email)

    def _check_token(self, token: str, user: str) -> Step:
        keys = self._ask("GET", KEYS)
        try:
            wrong = flaw(token, keys.json(), user)
        except NotVerified as reason:
            return Step("token", "NOT VERIFIED", str(reason))
        if wrong:
            raise self._problem("BAD TOKEN", keys, KEYS, wrong)
        return Step("token", "VERIFIED", "signed with a published key")

    # -- users of the admin API

    def _create(self, email: str) -> str:
        answer = self._ask("POST", USERS, json={"email": email, "email_confirm": True})
        user = _text(answer, "id") if answer.status in {HTTPStatus.OK, HTTPStatus.CREATED} else ""
        if not user:
            raise self._problem("NO USER", answer, USERS)
        return user

    def _remove(self, user: str) -> None:
        path = f"{USERS}/{quote(user, safe='')}"
        answer = self._ask("DELETE", path)
        if answer.status != HTTPStatus.NOT_FOUND and self._ask("GET", path).status != HTTPStatus.NOT_FOUND:
            raise self._problem("NOT REMOVED", answer, USERS)

    def _sweep(self) -> int:
        answer = self._ask("GET", f"{USERS}?filter={OURS}&per_page=100")
        body = answer.json()
        users = body.get("users") if isinstance(body, dict) else None
        if answer.status != HTTPStatus.OK or not isinstance(users, list):
            raise self._problem("NO USERS", answer, USERS)
        left = [one["id"] for one in users if isinstance(one, dict) and _left_by_a_killed_run(one)]
        for user in left:
            self._remove(user)
        return len(left)

    # -- asking

    def _ask(self, method: str, path: str, *, bearer: str = "", json: Any = None) -> "Answer":
        key = (self._project.secret if path.startswith("/admin/") else self._project.key).reveal().strip()
        # A key of the new kind is no token; an old one is, and the service itself looks at it there.
        token = bearer or (key if path.startswith("/admin/") and key.startswith("eyJ") else "")
        headers = {
            "Accept": "application/json",
            "apikey": key,
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        url, timeout = self._project.base + path, self._project.timeout
        return self._http.request(method, url, timeout=timeout, headers=headers, json=json)

    def _problem(self, cause: str, answer: "Answer", path: str, said: str = "") -> NoLogin:
        return explain(cause, answer, path=path, secret=self._project.secret_name, said=said)


def _text(answer: "Answer", name: str) -> str:
    body = answer.json()
    found = body.get(name) if isinstance(body, dict) else None
    return found if isinstance(found, str) else ""


def _left_by_a_killed_run(user: dict[str, Any]) -> bool:
    """Tell whether infracheck made this user, and no run that still goes on."""
    email, created = user.get("email"), user.get("created_at")
    if not (isinstance(user.get("id"), str) and isinstance(email, str) and isinstance(created, str)):
        return False
    try:
        when = datetime.fromisoformat(created)
    except ValueError:
        return False
    return re.fullmatch(PATTERN, email) is not None and when.tzinfo is not None and when < datetime.now(UTC) - OLD
