"""What an HTTP answer says about itself, in a few words that can stand behind a message."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from infracheck.clients.place import Place, place_of
from infracheck.errors import ClientError
from infracheck.secret import clean

if TYPE_CHECKING:
    from infracheck.clients.http import Answer

LENGTH: Final = 200  # characters
_NEXT_DATA: Final = re.compile(r'<script id="__NEXT_DATA__"[^>]*>(.*?)</script>', re.DOTALL)
_TITLE: Final = re.compile(r"<title[^>]*>([^<]*)")


def reason_of(answer: "Answer") -> str:
    """Return `: ` and the reason that the answer gives, clipped; empty when it gives none."""
    said = next((text for text in _says(answer) if text.strip()), "")
    return f": {clean(' '.join(said.split()), LENGTH)}" if said else ""


def leads_to(answer: "Answer", place: Place) -> str:
    """Return where a redirect from `place` leads, without the query: it often holds a token."""
    try:
        target = urljoin(f"{place}/", answer.headers.get("location", ""))
        return clean(f"{place_of(target)}{urlsplit(target).path}", LENGTH)
    except (ValueError, ClientError):
        return "an address that is not valid"


def _says(answer: "Answer") -> Iterator[str]:
    """Yield the reasons that an answer gives, the most exact one first: JSON, Next.js's error page, a title, text."""
    body = answer.json()
    if isinstance(body, dict):
        names = ("message", "msg", "error", "detail", "code")  # `msg` is Supabase Auth's
        yield from (body[name] for name in names if isinstance(body.get(name), str))
        return
    if not answer.html:
        yield answer.text
        return
    if message := next_message(answer.text):
        yield " ".join(message.splitlines()[:2])  # place and cause; the code frame says nothing on one line
    if title := _TITLE.search(answer.text):
        yield title[1]


def next_message(page: str) -> str | None:
    """Return the message of the error that an error page of Next.js carries as data."""
    found = _NEXT_DATA.search(page)
    try:
        message = json.loads(found[1])["err"]["message"] if found else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return message if isinstance(message, str) else None
