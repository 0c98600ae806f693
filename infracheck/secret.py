"""Values that must never show, and the scrubbing of every text that might hold one.

Two walls. The type: a `Secret` gives its text to `.reveal()` alone. The border: third-party exceptions quote what they
were given (psycopg prints the password of a mistyped URL, httpx prints query tokens), so every text that leaves the
runner goes through a `Scrubber`, which also drops control, ANSI and bidirectional characters.
"""

import re
import threading
from collections.abc import Iterable
from typing import NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

MASK = "[secret]"
SHORTEST = 8  # characters; anything shorter would blank out words that only happen to be equal
CLIP = 2000  # characters of one text that came from outside

PUBLIC_PREFIXES = ("NEXT_PUBLIC_", "VITE_", "PUBLIC_", "REACT_APP_", "EXPO_PUBLIC_")
SECRET_NAME = re.compile(
    r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|SALT|DSN|COOKIE|WEBHOOK|PRIVATE|AUTH(?!OR)|DATABASE_URL|POSTGRES|_URI$",
    re.IGNORECASE,
)
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SECRET_ANYWHERE = re.compile(r"SECRET|TOKEN|PASSW|SALT|PRIVATE|CREDENTIAL", re.IGNORECASE)
_SECRET_SHAPE = re.compile(r"sk_|rk_|sk-|whsec_|sb_secret_|sntry[su]_|napi_|gh[pos]_|github_pat_|AKIA|-----BEGIN ")
# These say where, and let nobody in.
_PLACES = {"NEON_PROJECT_ID", "NEON_BRANCH", "SUPABASE_PROJECT_ID", "SENTRY_ORG", "SENTRY_PROJECT"}
_HIDDEN_PATH = re.compile(r"HOOK|SECRET|TOKEN|PASSW", re.IGNORECASE)
_PLAIN_SEGMENT = re.compile(r"[a-z0-9._~-]{0,24}|[A-Za-z._~-]*")


class Secret:
    """A text that only `.reveal()` returns; str, repr and format show a mask; never pickled, copied or hashed."""

    __slots__ = ("__text",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """Return the value itself. Hand it to a client, never to a message."""
        return self.__text

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __len__(self) -> int:
        return len(self.__text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.__text == self.__text

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret is not serialised")


def clean(text: str, limit: int = CLIP) -> str:
    """Return text from outside without control, ANSI and bidirectional characters, clipped to `limit` characters."""
    plain = _UNPRINTABLE.sub("", _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


class Scrubber:
    """Replaces every known secret in a text by a mask; safe to use and to feed from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._needles: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, name: str, value: Secret) -> None:
        """Remember a value, and the parts of it that are secret by themselves: URL user info and query values."""
        self.add(needles(name, value.reveal()))

    def add(self, found: Iterable[str]) -> None:
        with self._lock:
            self._needles |= set(found)
            # The longest first, so that a whole URL is masked as one and not in pieces.
            ordered = sorted(self._needles, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str, limit: int = CLIP) -> str:
        """Return the text cleaned and without any secret. Masks first: clipping must not cut a secret in two."""
        pattern = self._pattern
        plain = clean(text, limit=max(len(text), limit))
        if pattern:
            plain = self._without_cut_ones(pattern.sub(MASK, plain))
        return clean(plain, limit)

    def _without_cut_ones(self, text: str) -> str:
        """Mask what is left of a secret that somebody else clipped: its beginning, right before an ellipsis."""
        if "…" not in text:
            return text
        with self._lock:
            long = [needle for needle in self._needles if len(needle) > SHORTEST]
        parts = text.split("…")
        for number, part in enumerate(parts[:-1]):
            kept = max((_overlap(part, needle) for needle in long), default=0)
            if kept:
                parts[number] = part[:-kept] + MASK
        return "…".join(parts)


def _overlap(text: str, needle: str) -> int:
    """Return how many characters at the end of a text are the beginning of a needle; 0 below SHORTEST."""
    end = text[-len(needle) :]
    lengths = range(min(len(end), len(needle) - 1), SHORTEST - 1, -1)
    return next((length for length in lengths if end.endswith(needle[:length])), 0)


def needles(name: str, value: str) -> set[str]:
    """Return the texts to mask for one variable: the value, its decoded form, its URL password and query values."""
    found = _url_parts(value)
    stripped = value.strip()
    if len(stripped) >= SHORTEST and not _harmless(name, stripped):
        found |= {
            value,
            stripped,
            unquote(stripped),
            clean(stripped),
            *_long_lines(stripped),
            *_path_tokens(name, stripped),
        }
    return {needle for needle in found if needle.strip()}


def _long_lines(value: str) -> set[str]:
    # A private key spans lines, and tools quote single ones.
    return {line for line in value.splitlines() if len(line) >= 2 * SHORTEST} if "\n" in value else set()


def _path_tokens(name: str, value: str) -> set[str]:
    # A web hook is its path: https://hooks.example/services/T0/B0/TOKEN
    if not re.match(r"https?://", value):
        return set()
    parts = [part for part in value.partition("?")[0].split("/")[3:] if len(part) >= SHORTEST]
    return {part for part in parts if _HIDDEN_PATH.search(name) or not _PLAIN_SEGMENT.fullmatch(part)}


def _url_parts(value: str) -> set[str]:
    # Mistyped URLs are what other libraries quote, so the user info is found by shape, not only by parsing.
    parts: set[str] = set()
    rest = value.strip().rpartition("://")[2]
    for user, password in re.findall(r"([^\s/@:]*):(\S+)@[^\s@/]+", rest):
        if password != user:  # postgres:postgres@localhost hides nothing, and masking it would cripple every message
            parts |= {password, unquote(password)}
    parts |= set(re.findall(r"\bpassword\s*=\s*'?([^\s']+)", value))  # libpq's keyword form
    try:
        split = urlsplit(value.strip())
        query = parse_qsl(split.query)
        names = {split.username, split.path.strip("/")}
        password = split.password
    except ValueError:
        return parts
    if password and password not in names:
        parts |= {password, unquote(password)}
    else:
        parts.discard(password or "")
    if split.scheme and split.netloc:
        parts |= {text for _, text in query if len(text) >= SHORTEST}
        if password is None and split.username and len(split.username) >= 2 * SHORTEST:
            parts.add(split.username)  # a token as the user: https://TOKEN@host/
    return parts


def _harmless(name: str, value: str) -> bool:
    if name.startswith(PUBLIC_PREFIXES):
        # A secret that somebody put under a public prefix is still one.
        return not (_SECRET_ANYWHERE.search(name) or _SECRET_SHAPE.match(value))
    if name in _PLACES:
        return True
    if value.isdecimal() or value.lower() in {"true", "false", "development", "production"}:
        return True
    return _plain_url(value) and not _HIDDEN_PATH.search(name)


def _plain_url(value: str) -> bool:
    """Tell whether a URL names only a place: no user info, no query, no path segment that could be a token."""
    try:
        url = urlsplit(value)
    except ValueError:
        return False
    if url.scheme not in {"http", "https"} or not url.hostname or "@" in url.netloc or url.query or url.fragment:
        return False
    return all(_PLAIN_SEGMENT.fullmatch(part) for part in url.path.split("/"))
