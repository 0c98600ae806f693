"""Secrets where they must not be: under a public prefix, or copied into a file that git tracks. Never shows a value."""

import base64
import binascii
import json
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from infracheck.project.gitfiles import tracked_files
from infracheck.secret import PUBLIC_PREFIXES, Secret, needles

LONG: Final = 16  # characters; a shorter value is found in other files by chance
LARGEST: Final = 4 << 20  # bytes of a tracked file that is searched
# Frameworks put every variable with such a name into the code that browsers download.
BUILT_IN: Final = (*PUBLIC_PREFIXES, "NUXT_PUBLIC_", "GATSBY_", "STORYBOOK_")

_SHAPES: Final = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"sb_secret_[\w-]{10,}", "a Supabase secret key"),
        (r"sbp_[0-9a-f]{20,}", "a Supabase access token"),
        (r"sk_(?:live|test)_[A-Za-z0-9]{10,}", "a Stripe secret key"),
        (r"rk_(?:live|test)_[A-Za-z0-9]{10,}", "a Stripe restricted key"),
        (r"whsec_[A-Za-z0-9+/=_-]{10,}", "a webhook signing secret"),
        (r"sntry[su]_[A-Za-z0-9+/=_-]{10,}", "a Sentry token"),
        (r"napi_[a-z0-9]{10,}", "a Neon API key"),
        (r"phx_[A-Za-z0-9]{10,}", "a PostHog personal API key"),
        (r"re_(?=[A-Za-z]*\d)[A-Za-z0-9]+_?[A-Za-z0-9]{12,}", "a Resend API key"),
        (r"SG\.[\w-]{16,}\.[\w-]{16,}", "a SendGrid API key"),
        (r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}", "a GitHub token"),
        (r"glpat-[\w-]{16,}", "a GitLab token"),
        (r"xox[abeprs]-[\w-]{10,}", "a Slack token"),
        (r"sk-(?:[a-z]+\d*-)*(?=[\w-]*\d)[\w-]{20,}", "an AI provider's secret key"),
        (r"A(?:KIA|SIA)[0-9A-Z]{16}", "an AWS access key"),
        (r"(?s)\s*-----BEGIN [A-Z ]*PRIVATE KEY-----.*", "a private key"),
    )
)
_WITH_PASSWORD: Final = re.compile(r"([a-z][a-z0-9+.-]*)://[^\s/@:]*:[^\s@]+@[^\s@/]+.*", re.IGNORECASE)
_DATABASES: Final = {"postgres", "postgresql", "mysql", "mariadb", "redis", "rediss", "mongodb", "mongodb+srv", "amqp"}
_SECRET_WORD: Final = re.compile(
    r"(?:^|_)(SALTS?|PEPPER|SECRETS?|PASSWORDS?|PASSWD|PASSPHRASE|SERVICE_ROLE|CREDENTIALS"
    r"|(?:PRIVATE|SIGNING|ENCRYPTION|MASTER)_KEY|(?:AUTH|ACCESS|REFRESH|BEARER)_TOKEN"
    r"|(?:DATABASE|POSTGRES|REDIS|MONGODB)_UR[LI])(?:_|$)",
    re.IGNORECASE,
)
# `PASSWORD_RESET_URL`, `SECRET_SANTA_ENABLED`: about a secret, not one.
_ABOUT: Final = re.compile(
    r"(?<!DATABASE)(?<!POSTGRES)(?<!REDIS)(?<!MONGODB)_(?:UR[LI]|PATH|ROUTE|PAGE|ENABLED|DISABLED|REQUIRED|LENGTH|MIN|MAX|LABEL"
    r"|PLACEHOLDER|HINT|TITLE|TEXT|POLICY|REGEX|PATTERN|TTL|EXPIRY|NAME|COUNT)$",
    re.IGNORECASE,
)
_PUBLIC_NAME: Final = re.compile(
    r"PUBLISHABLE|ANON_KEY|(?:^|_)DSN$|SITE_?KEY|PUBLIC_?KEY|CLIENT_ID|APP_ID", re.IGNORECASE
)
_PUBLIC_VALUE: Final = re.compile(r"(?:pk_(?:live|test)_|sb_publishable_|phc_|G-|UA-).*|https?://\w+@[\w.-]+/\d+")
_KEY_NAME: Final = re.compile(
    r"(?:^|_)(?:KEYS?|TOKENS?|SECRETS?|PASS|PASSWD|PASSWORDS?|PASSPHRASE|CREDENTIALS?|SALTS?|PEPPER|COOKIE|WEBHOOK|PAT|JWT)"
    r"(?:_|$)|DATABASE_URL|POSTGRES",
    re.IGNORECASE,
)
_SWITCH: Final = re.compile(r"true|false|yes|no|on|off", re.IGNORECASE)
_LOCAL_HOSTS: Final = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal"}  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class Exposed:
    """A variable with a public prefix that is a secret, by the shape of its value or by its name."""

    name: str
    kind: Literal["shape", "name"]
    reason: str  # "a Stripe secret key", "SALT in its name"


@dataclass(frozen=True, slots=True)
class Copy:
    """A secret value found in a tracked file."""

    name: str
    path: Path
    line: int  # 1-based, of its first occurrence in the file


def public_secrets(entries: Iterable[tuple[str, Secret]]) -> list[Exposed]:
    """Return the variables whose name puts them into browsers' code though they are secret.

    A name alone is reported with an empty value too: the next value that someone puts there is public.
    """
    return [found for name, value in entries if name.startswith(BUILT_IN) and (found := _exposed(name, value))]


def _exposed(name: str, value: Secret) -> Exposed | None:
    text = value.reveal().strip()
    if kind := _kind(text):
        return Exposed(name, "shape", kind)
    word = _SECRET_WORD.search(name)
    if not word or _ABOUT.search(name) or _PUBLIC_NAME.search(name) or _SWITCH.fullmatch(text):
        return None
    return Exposed(name, "name", f"{word[1].upper()} in its name")


def _kind(value: str) -> str | None:
    """Return what kind of secret a value is by its shape alone."""
    for shape, kind in _SHAPES:
        if shape.fullmatch(value):
            return kind
    url = _WITH_PASSWORD.fullmatch(value)
    if url and url[1].lower().split("+")[0] in _DATABASES:
        return f"a {url[1].lower()} URL with a password"
    return "a Supabase service_role key" if _claims(value).get("role") == "service_role" else None


def _claims(value: str) -> dict[str, object]:
    """Return the payload of a JSON web token, without verifying it; empty for anything else."""
    parts = value.split(".")
    if len(parts) != 3 or not value.startswith("eyJ"):
        return {}
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def tracked_copies(
    root: Path, values: Mapping[str, Secret], *, examples: Mapping[str, Secret] | None = None
) -> list[Copy] | None:
    """Return where secret values stand verbatim in files below `root` that git tracks; None outside git.

    Looks for long values and for the long parts of them that are secret by themselves (the password of a URL). What
    equals the example's value is a default and no secret, unless its shape says that it is one.
    """
    files = tracked_files(root)
    if files is None:
        return None
    wanted = dict(_wanted(values, examples or {}))
    return [copy for path in files for copy in _copies(path, wanted)] if wanted else []


def _wanted(values: Mapping[str, Secret], examples: Mapping[str, Secret]) -> Iterator[tuple[bytes, str]]:
    for name, value in values.items():
        text = value.reveal().strip()
        token = any(shape.fullmatch(text) for shape, _ in _SHAPES)
        if value == examples.get(name) and not token:
            continue
        if name.startswith(BUILT_IN) or not _worth_hiding(name, text):
            continue
        for needle in needles(name, text):
            # The first line of a private key is the same in all of them.
            if len(needle) >= LONG and not needle.startswith("-----"):
                yield needle.encode(errors="surrogateescape"), name


def _worth_hiding(name: str, text: str) -> bool:
    """Tell whether a value is a secret that counts: no public key, no local database, no ordinary setting."""
    claims = _claims(text)
    if _PUBLIC_VALUE.fullmatch(text) or claims.get("role") == "anon" or claims.get("iss") == "supabase-demo":
        return False
    try:
        if urlsplit(text).hostname in _LOCAL_HOSTS:
            return False
    except ValueError:
        pass
    return bool(_kind(text)) or (bool(_KEY_NAME.search(name)) and not _PUBLIC_NAME.search(name) and " " not in text)


def _copies(path: Path, wanted: Mapping[bytes, str]) -> Iterator[Copy]:
    data = _bytes(path)
    first: dict[str, int] = {}
    for needle, name in wanted.items():
        if (at := data.find(needle)) >= 0:
            first[name] = min(at, first.get(name, at))
    for name, at in sorted(first.items(), key=lambda item: item[1]):
        yield Copy(name, path, data.count(b"\n", 0, at) + 1)


def _bytes(path: Path) -> bytes:
    """Return a file's content; empty for what is too large, no regular file, or cannot be read."""
    try:
        state = path.stat()
        return path.read_bytes() if stat.S_ISREG(state.st_mode) and state.st_size <= LARGEST else b""
    except OSError:
        return b""
