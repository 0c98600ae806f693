"""Reads a code out of the mail that a Mailpit caught, and removes the mail again."""

import re
from collections.abc import Callable
from http import HTTPStatus
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from infracheck.clients.otpcauses import explain

if TYPE_CHECKING:
    from infracheck.clients.http import Answer, Http

PAUSE: Final = 0.1  # seconds between two looks
USUAL: Final = 6  # digits of a code
_CODE: Final = re.compile(r"(?<![\w.#-])\d{4,10}(?![\w-])")
_ID: Final = re.compile(r"[\w-]{1,80}")


class Mailpit:
    """A Mailpit by the base URL of its web interface."""

    def __init__(self, http: "Http", base: str, *, timeout: float) -> None:
        """Take seconds for one request, and for a mail to arrive."""
        self._http = http
        self._base = base.rstrip("/")
        self._timeout = timeout

    def code_after(self, send: Callable[[], None], address: str) -> str:
        """Return the code of the mail to `address` that `send` causes; the mail is removed.

        Raises:
            NoLogin: no mail came, or none with a code.
            ClientError: Mailpit does not answer.
        """
        before = set(self._ids(address))
        send()
        end = monotonic() + self._timeout
        while not (new := [one for one in self._ids(address) if one not in before]):
            if monotonic() > end:
                raise explain("NO MAIL", said=f"{self._timeout:g} s")
            sleep(PAUSE)
        text = self._text(new[0])
        self._ask("DELETE", "/api/v1/messages", json={"IDs": new})
        found: list[str] = _CODE.findall(text)
        if not found:
            raise explain("NO CODE")
        return min(found, key=lambda one: abs(len(one) - USUAL))  # a mail may show a year, too

    def _ids(self, address: str) -> list[str]:
        """Return the ids of the mails to an address, the newest first."""
        wanted = quote(f'to:"{address}"', safe="")
        answer = self._ask("GET", f"/api/v1/search?query={wanted}")
        body = answer.json()
        try:
            return [
                one["ID"]
                for one in body["messages"]
                if _ID.fullmatch(one["ID"]) and any(to["Address"].lower() == address for to in one["To"])
            ]
        except (KeyError, TypeError, AttributeError):
            raise explain("NO MAILPIT", answer) from None

    def _text(self, message: str) -> str:
        answer = self._ask("GET", f"/api/v1/message/{message}")
        body = answer.json()
        if not isinstance(body, dict):
            raise explain("NO MAILPIT", answer)
        html = re.sub(r"(?s)<(style|script|head).*?</\1>|<[^>]*>", " ", str(body.get("HTML") or ""))
        return str(body.get("Text") or "") or html

    def _ask(self, method: str, path: str, json: Any = None) -> "Answer":
        answer = self._http.request(method, self._base + path, timeout=self._timeout, json=json)
        if answer.status != HTTPStatus.OK:
            raise explain("NO MAILPIT", answer)
        return answer
