"""Whether the value of a variable is a real one: what it gives away of being a placeholder, unchanged or misshapen.

A suspicion names the class of the fault and the pattern, never the value nor a piece of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from infracheck.project import placeholder_words as words
from infracheck.project.placeholder_shapes import jwt_claims, misshapen
from infracheck.project.urls import Url, loopback
from infracheck.secret import PUBLIC_PREFIXES

Kind = Literal["PLACEHOLDER", "UNCHANGED", "MALFORMED", "SHORT", "LOCAL"]
Stage = Literal["execute-plan", "deploy-check"]
BYTES: Final = 32  # what the libraries that sign sessions demand, most of them when they start


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why a value is probably not the real one. The reason completes "the value …"."""

    kind: Kind
    reason: str
    level: Literal["fail", "warn"]


_CREDENTIAL: Final = re.compile(
    r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASS|PWD|PASSPHRASE|CREDENTIALS?|SALT|PEPPER|DSN|ACCESS_KEY_ID)S?"
    r"(?:_(?:\d+|PROD|PRODUCTION|DEV|DEVELOPMENT|TEST|STAGING|LOCAL|HEX|BASE64|OLD|NEW|PREVIOUS))?$",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(
    r"(?:^|_)(?:MODELS?|NAME|FROM|SENDER|TITLE|DESCRIPTION|LABEL|SUBJECT|TEMPLATE|PROMPT|MESSAGE|TEXT|FORMAT|LOCALE|LANG|"
    r"LANGUAGE|THEME|COLOR|REGION|VERSION|TAGLINE)$",
    re.IGNORECASE,
)
# Checked when the library starts; of the second kind some libraries only warn, or take a key of another length.
_DEMANDS_32: Final = re.compile(
    r"^(?:NEON_AUTH_COOKIE_SECRET|BETTER_AUTH_SECRET|NEXT_?AUTH_SECRET|AUTH_SECRET|IRON_SESSION_(?:PASSWORD|SECRET)|"
    r"(?:NUXT_)?SESSION_PASSWORD)(?:_\d+)?$"
)
_WANTS_32: Final = re.compile(r"(?:^|_)(?:COOKIE|SESSION|JWT|ENCRYPTION|SIGNING|PAYLOAD)_(?:SECRET|PASSWORD)(?:_KEY)?$")

_TEST_KEYS: Final = (
    (re.compile(r"(?:sk|rk|pk)_test_"), "`sk_test_`, `pk_test_` or `rk_test_`"),
    (re.compile(r"rzp_test_"), "`rzp_test_`"),
)
# Vendors print these for use on a developer's machine: they work there, and guard nothing.
_PUBLISHED: Final = (
    (re.compile(r"[123]x0{18,}[A-F0-9]{2}"), "the test key that Turnstile publishes"),
    (re.compile(r"6LeIxAcTAAAAA\w+"), "the test key that reCAPTCHA publishes"),
    (re.compile(r"super-secret-jwt-token-with-at-least-32-characters-long"), "the secret of a local Supabase"),
)
_LOCAL_HOST: Final = re.compile(
    r"""(?:^|//|[\s,;"'=@])(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1\]|host\.docker\.internal|[\w-]+\.localhost)"""
    r"""(?=[:/?\s,;"'\]]|$)""",
    re.IGNORECASE,
)
# Addresses to listen on, lists of hosts without a proxy, and what is for development by its name.
_MAY_BE_LOCAL: Final = re.compile(
    r"^(?:HOST|HOSTNAME|NO_PROXY)$|(?:^|_)(?:BIND|LISTEN|LOCAL|DEV|TEST|E2E|SHADOW|CI)(?:_|$)", re.IGNORECASE
)
_LOCAL_DEFAULT: Final = re.compile(
    r"(?i:true|false|yes|no|on|off|postgres|minio|minioadmin|admin|root|redis|guest|rabbitmq|mailpit|supabase)|"
    r"[-+]?\d{1,15}(?:\.\d+)?|\d+(?:ms|s|m|h|d)|[./~][\w./~-]*"
)


def suspicion(name: str, value: str, *, example: str | None, stage: Stage) -> Suspicion | None:
    """Return why the value of a variable is probably not the real one, the gravest reason first; None: it may be.

    Args:
        name: the variable; what it should hold, and how strict to be, is told from it.
        value: as the app gets it. An empty one gives no suspicion: whether it may be empty is another question.
        example: the value that the example file gives to it, if the file names it.
        stage: in "execute-plan" what works on a developer's machine is fine; in "deploy-check" it is LOCAL.
    """
    text = value.strip()
    if not text:
        return None
    found = list(_suspicions(name, text, example.strip() if example else None, production=stage == "deploy-check"))
    return min(found, key=lambda each: each.level == "warn", default=None)


def _suspicions(name: str, text: str, example: str | None, *, production: bool) -> Iterator[Suspicion]:
    published = _published_for_tests(text)
    if published is None:
        yield from _placeholder(name, text, production=production)
    if production:
        yield from _local(name, text, published)
    if text == example and published is None:
        yield from _unchanged(name, text, production=production)
    yield from _short(name, text)
    if published is None and (wrong := misshapen(name, text)):
        reason, certain = wrong
        yield Suspicion("MALFORMED", reason, "fail" if certain else "warn")


def _placeholder(name: str, text: str, *, production: bool) -> Iterator[Suspicion]:
    plain = _PLAIN.search(name) is not None
    total, reason = words.score(name, text, credential=_credential(name), plain=plain, production=production)
    if total >= words.SUSPECT:
        yield Suspicion("PLACEHOLDER", reason, "fail" if total >= words.CERTAIN else "warn")


def _credential(name: str) -> bool:
    return _CREDENTIAL.search(name) is not None


def _published_for_tests(text: str) -> str | None:
    if jwt_claims(text).get("iss") == "supabase-demo":
        return "the demo key of a local Supabase"
    return next((what for pattern, what in _PUBLISHED if pattern.fullmatch(text)), None)


def _local(name: str, text: str, published: str | None) -> Iterator[Suspicion]:
    if _MAY_BE_LOCAL.search(name):
        return
    test_key = published or next((what for pattern, what in _TEST_KEYS if pattern.match(text)), None)
    if test_key:
        yield Suspicion("LOCAL", f"is a test key: {test_key}", "fail")
        return
    items = re.split(r"[\s,;]+", text)
    here = [item for item in items if _LOCAL_HOST.search(item)]
    if here:
        # A list may name a machine beside the real host, and a URL may carry another one in its query.
        all_here = len(here) == len(items) and not ((url := Url.parse(text)) and not loopback(url.host))
        reason = "points to this machine (`localhost` or its like)"
        yield Suspicion("LOCAL", reason if all_here else f"{reason}, beside others", "fail" if all_here else "warn")


def _unchanged(name: str, text: str, *, production: bool) -> Iterator[Suspicion]:
    """Only what must differ from team to team can be unchanged: a credential, or a URL that holds one."""
    url = Url.parse(text)
    if url and not url.password and not name.upper().endswith("DSN"):
        return
    if not url and (not _credential(name) or _PLAIN.search(name)):
        return
    if (url and loopback(url.host)) or (not production and _LOCAL_DEFAULT.fullmatch(text)):
        return
    if re.fullmatch(r"(?i:true|false)|\d{1,6}", text):
        return
    public = name.startswith(PUBLIC_PREFIXES)  # shown to every visitor anyway: a team may have committed it on purpose
    yield Suspicion("UNCHANGED", "is the one that the example file gives", "warn" if public else "fail")


def _short(name: str, text: str) -> Iterator[Suspicion]:
    size = len(text.encode())
    if size >= BYTES:
        return
    reason = f"has {size} {'character' if size == 1 else 'characters'} where at least {BYTES} are needed"
    if _DEMANDS_32.search(name):
        yield Suspicion("SHORT", reason, "fail")
    elif _WANTS_32.search(name):
        yield Suspicion("SHORT", reason, "warn")
