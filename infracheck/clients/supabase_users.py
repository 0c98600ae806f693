"""Makes throw-away users by the admin API of a Supabase project and removes them, also those that a killed run left."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from infracheck.clients.otpcauses import NoLogin
from infracheck.clients.otpproof import remove_after
from infracheck.clients.otpstore import OLD, PATTERN
from infracheck.clients.supabase_api import Api, text_of
from infracheck.errors import ClientError

USERS: Final = "/admin/users"
OURS: Final = quote("infracheck+", safe="")  # what the addresses of earlier runs begin with


class Users:
    """The users that this run made, and those that earlier ones left."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._made: list[str] = []
        self._swept: int | None = None

    def create(self, email: str) -> str:
        """Return the id of a new user, who has proven this address.

        Raises:
            ClientError: why there is none.
        """
        answer = self._api.ask("POST", USERS, json={"email": email, "email_confirm": True})
        user = text_of(answer, "id") if answer.status in {HTTPStatus.OK, HTTPStatus.CREATED} else ""
        if not user:
            raise self._api.problem("NO USER", answer, USERS)
        self._made.append(user)
        return user

    @contextmanager
    def removed_on_error(self, user: str) -> Iterator[None]:
        """Remove the user where what is done with it fails."""
        try:
            yield
        except ClientError as error:
            remove_after(error, lambda: self.remove(user))
            raise

    def remove(self, user: str) -> None:
        """Remove a user, its sessions with it.

        Raises:
            ClientError: it is still there, and why.
        """
        path = f"{USERS}/{quote(user, safe='')}"
        answer = self._api.ask("DELETE", path)
        if answer.status != HTTPStatus.NOT_FOUND and self._api.ask("GET", path).status != HTTPStatus.NOT_FOUND:
            raise self._api.problem("NOT REMOVED", answer, USERS)
        with suppress(ValueError):  # one of an earlier run
            self._made.remove(user)

    def sweep(self) -> int:
        """Remove what killed runs left, once; return how many users that were.

        Raises:
            ClientError: they cannot be listed, or one is still there.
        """
        if self._swept is None:
            left = self._left()
            for user in left:
                self.remove(user)
            self._swept = len(left)
        return self._swept

    def _left(self) -> list[str]:
        answer = self._api.ask("GET", f"{USERS}?filter={OURS}&per_page=100")
        body = answer.json()
        users = body.get("users") if isinstance(body, dict) else None
        if answer.status != HTTPStatus.OK or not isinstance(users, list):
            raise self._api.problem("NO USERS", answer, USERS)
        return [one["id"] for one in users if isinstance(one, dict) and _left_by_a_killed_run(one)]

    def close(self) -> None:
        """Remove whoever is still there of this run."""
        for user in list(self._made):
            try:
                self.remove(user)
            except NoLogin:  # this one stays; the others need not
                continue
            except ClientError:  # nobody answers any more, and the end of a run may not wait for each user
                return


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
