"""The parts of a URL as written: unlike the library's reader, this one refuses no placeholder and no bad port."""

import re
from dataclasses import dataclass, field
from typing import Final, Self

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_LOOPBACK: Final = re.compile(
    r"localhost|127(?:\.\d{1,3}){3}|\[?::1\]?|0\.0\.0\.0|host\.docker\.internal|[\w-]+\.localhost", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Url:
    """A URL, undecoded; a part that is absent is empty."""

    scheme: str
    user: str = field(repr=False)
    password: str = field(repr=False)
    host: str = field(repr=False)
    port: str = field(repr=False)
    path: str = field(repr=False)  # from the slash on, without query and fragment

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the parts of `text`, or None when it has no scheme."""
        match = _URL.fullmatch(text)
        if not match:
            return None
        userinfo, at, rest = match[2].rpartition("@")
        if not at or ("/" in userinfo and ":" not in userinfo.partition("/")[0]):  # an `@` in the path
            userinfo, rest = "", match[2]
        authority, path = re.fullmatch(r"([^/?#]*)(/[^?#]*)?.*", rest, re.DOTALL).groups(default="")  # type: ignore[union-attr]
        user, _, password = userinfo.partition(":")
        host, colon, port = authority.rpartition(":")
        if not colon or authority.endswith("]"):
            host, port = authority, ""
        return cls(match[1].lower(), user, password, host, port, path)


def loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    return _LOOPBACK.fullmatch(host) is not None
