"""What a value looks like, in words that do not give it away: its class and its length."""

import re
from typing import Final

_CLASSES: Final = (
    (r"postgres(?:ql)?://.*", "a Postgres URL"),
    (r"https?://[^@\s]*@.*", "a URL with credentials"),
    (r"https?://(?:localhost|127\.0\.0\.1|\[::1\]).*", "a local URL"),
    (r"[a-z][a-z0-9+.-]*://.*", "a URL"),
    (r"(?i:true|false|yes|no|on|off)", "a boolean"),
    (r"[+-]?\d+(?:\.\d+)?", "a number"),
    (r"eyJ[\w-]+\.[\w-]+\.[\w-]*", "a JSON Web Token"),
    (r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "a UUID"),
    (r"-----BEGIN .*", "a PEM block"),
    (r"[0-9a-fA-F]{16,}", "hexadecimal digits"),
    (r"[\[{].*", "JSON"),
    (r"[A-Za-z0-9+/_=-]{16,}", "a token"),
)


def shape(value: str) -> str:
    """Return for instance `a Postgres URL, 62 characters`; never a part of the value."""
    if not value:
        return "empty"
    if not value.strip():
        return f"white space, {_characters(value)}"
    found = (name for pattern, name in _CLASSES if re.fullmatch(pattern, value.strip(), re.DOTALL))
    return f"{next(found, 'text')}, {_characters(value)}"


def _characters(value: str) -> str:
    return f"{len(value)} character{'s' if len(value) != 1 else ''}"
