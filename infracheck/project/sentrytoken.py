"""What a Sentry token tells by itself, without asking anyone: its kind, and the organisation inside an org token."""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

Kind = Literal["dummy", "organisation", "user", "app", "integration", "legacy", "unknown"]

DUMMY: Final = "_YOUR_SENTRY_AUTH_TOKEN_"
"""What Sentry's wizard writes when it was given no token; it ends with "Successfully installed" all the same."""
CALLED: Final[dict[Kind, str]] = {
    "dummy": "the wizard's placeholder",
    "organisation": "an organisation token",
    "user": "a user token",
    "app": "a token of a user's app",
    "integration": "an integration token",
    "legacy": "a token without prefix (an old user token, or an internal integration)",
    "unknown": "no form of token that Sentry issues",
}
_PREFIXES: Final[dict[str, Kind]] = {"sntryu_": "user", "sntrya_": "app", "sntryi_": "integration"}
_ORG_PREFIX: Final = "sntrys_"
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_RANDOM: Final = re.compile(r"[A-Za-z0-9+/-]{43}")  # 32 bytes in base64, without padding
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_REGION: Final = re.compile(r"([a-z]{2,3})\.sentry\.io")
_INGEST: Final = re.compile(r"o\d+\.ingest(?:\.([a-z]{2,3}))?\.sentry\.io")


@dataclass(frozen=True, slots=True)
class Token:
    """What may be shown of a token: never a piece of the text itself."""

    kind: Kind
    org: str | None = None  # the slug inside an organisation token
    region: str | None = None  # us, de ...; None where the token names none, or another server than sentry.io
    defect: str | None = None  # completes "the token …"

    @property
    def called(self) -> str:
        return CALLED[self.kind]


def read_token(text: str) -> Token:
    """Return what a token is; one that is damaged keeps its kind and says its defect."""
    text = text.strip()
    if re.search(r"\s", text):
        return Token("unknown", defect="holds white space")
    if text[:1] in {"'", '"', "`"}:
        return Token("unknown", defect="is wrapped in quotes")
    if text.strip("_") == DUMMY.strip("_"):
        return Token("dummy", defect="is the placeholder that the wizard writes when it was given none")
    if text.startswith(_ORG_PREFIX):
        return _org_token(text.removeprefix(_ORG_PREFIX))
    for prefix, kind in _PREFIXES.items():
        if text.startswith(prefix):
            whole = _HEX.fullmatch(text.removeprefix(prefix))
            return Token(kind, defect=None if whole else f"has no 64 hexadecimal digits after `{prefix}`")
    return Token("legacy" if _HEX.fullmatch(text) else "unknown")


def payload_of(text: str) -> dict[str, Any] | None:
    """Return what is written inside an organisation token, None for any other kind; nobody has signed it."""
    parts = text.strip().split("_")
    if len(parts) != 3 or f"{parts[0]}_" != _ORG_PREFIX:
        return None
    return _decoded(parts[1] + "=" * (-len(parts[1]) % 4))


def region_of_host(host: str) -> str | None:
    """Return the region of sentry.io that a DSN's host belongs to; None for any other server.

    A host without a region in it is an old one, and those are all in the US.
    """
    found = _INGEST.fullmatch(host)
    return (found[1] or "us") if found else None


def _org_token(rest: str) -> Token:
    payload, separator, random = rest.partition("_")
    if not separator:
        return Token("organisation", defect="is cut off: `sntrys_` is followed by two parts with a `_` between them")
    facts = _decoded(payload)
    if facts is None:
        return Token("organisation", defect="is damaged: its first part after `sntrys_` cannot be decoded")
    org = facts.get("org")
    if not isinstance(org, str) or not _SLUG.fullmatch(org):
        return Token("organisation", defect="is damaged: it names no organisation")
    defect = None if _RANDOM.fullmatch(random) else "is damaged: its last part does not have 43 characters of base64"
    return Token("organisation", org, _region(facts), defect)


def _decoded(payload: str) -> dict[str, Any] | None:
    try:
        data = json.loads(base64.b64decode(payload, validate=True))
    except (ValueError, RecursionError):  # not base64, not UTF-8, no JSON
        return None
    return data if isinstance(data, dict) else None


def _region(facts: dict[str, Any]) -> str | None:
    url = facts.get("region_url")
    try:
        host = urlsplit(url).hostname if isinstance(url, str) else None
    except ValueError:
        return None
    found = _REGION.fullmatch(host or "")
    return found[1] if found else None
