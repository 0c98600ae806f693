"""Proves a login from end to end: in by one-time password, session and token hold, out again, and nothing is left."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from infracheck.clients.better_auth import NEON_KEYS, OWN_KEYS, SESSION
from infracheck.clients.otp import Login
from infracheck.clients.otpcauses import SIGN_IN, cause_of
from infracheck.clients.otpshapes import Session, user_of
from infracheck.clients.otpstore import new_address
from infracheck.clients.otptoken import NotVerified, flaw
from infracheck.errors import ClientError

JWT: Final = "/token"
SIGN_OUT: Final = "/sign-out"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done on the way, and how it went."""

    subject: str
    state: str
    note: str = ""


def prove(login: Login, steps: list[Step]) -> None:
    """Log in, use the session, log out and remove it all; every step is added to `steps`.

    Raises:
        ClientError: the first thing that is not as it should be; Unclear where that cannot be told.
    """
    store = login.store
    with login.lock:
        if swept := login.sweep():
            steps.append(Step("earlier runs", "REMOVED", f"{swept} of their users"))
        before = store.counts()
        email = login.email or new_address()
        try:
            _through(login, email, steps)
        except ClientError as error:
            remove_after(error, lambda: login.remove(email))
            raise
        login.remove(email)
        steps.append(_compared(before, store.counts()))


def _through(login: Login, email: str, steps: list[Step]) -> None:
    session = login.sign_in(email)
    how = "with the code of a mail that Mailpit caught" if login.mailpit else f"the service stores codes {login.form}"
    steps.append(Step(SIGN_IN, "SIGNED IN", how))
    _check_session(login, session)
    steps.append(Step(SESSION, "SIGNED IN", "as the address that logged in"))
    steps.append(_check_token(login, session))
    answer = login.ask("POST", SIGN_OUT, session.cookie)
    if answer.status != HTTPStatus.OK:
        cause = cause_of(answer)
        raise login.problem(cause if cause in {"LIMITED", "ORIGIN REFUSED"} else "NO SIGN-OUT", answer, SIGN_OUT)
    if user_of(login.ask("GET", SESSION, session.cookie)):
        raise login.problem("STILL SIGNED IN")
    steps.append(Step(SIGN_OUT, "SIGNED OUT", "the session is over"))


def _check_session(login: Login, session: Session) -> None:
    answer = login.ask("GET", SESSION, session.cookie)
    user = user_of(answer)
    if answer.status != HTTPStatus.OK or not user:
        raise login.problem("LIMITED" if cause_of(answer) == "LIMITED" else "NO SESSION", answer, SESSION)
    if user.get("email") != session.email:
        raise login.problem("OTHER USER", answer, SESSION)


def _check_token(login: Login, session: Session) -> Step:
    answer = login.ask("GET", JWT, session.cookie)
    if answer.status == HTTPStatus.NOT_FOUND:
        return Step(JWT, "NOT OFFERED", "the jwt plugin is off")
    body = answer.json()
    token = body.get("token") if isinstance(body, dict) else None
    if answer.status != HTTPStatus.OK or not isinstance(token, str):
        raise login.problem("BAD TOKEN", answer, JWT, f"{JWT} answers {answer.status}")
    login.learn([token])
    for path in (NEON_KEYS, OWN_KEYS) if login.service.neon else (OWN_KEYS, NEON_KEYS):
        keys = login.ask("GET", path)
        if keys.status == HTTPStatus.OK:
            break
    try:
        wrong = flaw(token, keys.json(), session.user_id)
    except NotVerified as reason:
        return Step(JWT, "NOT VERIFIED", str(reason))
    if wrong:
        raise login.problem("BAD TOKEN", answer, JWT, wrong)
    return Step(JWT, "VERIFIED", "signed with a published key")


def remove_after(error: ClientError, remove: Callable[[], None]) -> None:
    """Remove what a login that failed has made; where that fails too, the error says both."""
    try:
        remove()
    except ClientError as second:
        error.summary = f"{error.summary}; {second.summary}"
        error.remedy = f"{error.remedy}; {second.remedy}"


def _compared(before: dict[str, int], after: dict[str, int]) -> Step:
    more = {name: count for name, count in after.items() if count > before.get(name, 0)}
    if not more:
        return Step("rows", "REMOVED", f"as many as before in {', '.join(sorted(after))}")
    said = ", ".join(f"{name} {before.get(name, 0)} → {count}" for name, count in sorted(more.items()))
    return Step("rows", "MORE", f"{said}: none of them belongs to the address of this run")
