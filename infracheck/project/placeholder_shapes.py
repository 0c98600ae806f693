"""How the values of well-known variables are shaped: vendors' key prefixes, DSNs, project hosts.

Vendors add new shapes, so a value that only fails to look right is a warning. What cannot work (a public key where the
secret one belongs, a DSN without a project) is a failure.
"""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from infracheck.project.urls import Url

Certain = Callable[[str], str | None]


def _nothing(_: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Shape:
    """What the values of the variables `names` look like; `certain` says why a value cannot work at all, if so."""

    names: re.Pattern[str]
    right: re.Pattern[str]
    what: str
    certain: Certain = _nothing


def misshapen(name: str, value: str) -> tuple[str, bool] | None:
    """Return what is wrong with the shape of a known variable's value and whether that is certain; None: nothing is."""
    for shape in SHAPES:
        if shape.names.search(name):
            if reason := shape.certain(value):
                return reason, True
            return None if shape.right.fullmatch(value) else (f"is not shaped like {shape.what}", False)
    return None


def jwt_claims(value: str) -> dict[str, object]:
    """Return the claims of a JSON Web Token, unverified; empty when it is none."""
    parts = value.split(".")
    if len(parts) != 3 or not parts[0].startswith("eyJ"):
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _dsn(value: str) -> str | None:
    url = Url.parse(value)
    if url is None or url.scheme not in {"http", "https"}:
        return "is no URL that begins with `https://`"
    if not url.user:
        return "has no public key in front of `@`"
    if not re.fullmatch(r"(?:/[^/]+)*/\d+", url.path):
        return "does not end in the number of a project"
    return None


def _postgres(value: str) -> str | None:
    if re.match(r"psql\s", value):
        return "begins with the command `psql`: only the `postgresql://…` behind it belongs here"
    if re.match(r"https?://", value):
        return "is the address of a web page, not `postgresql://…`"
    return None


def _supabase_url(value: str) -> str | None:
    if re.match(r"https://(?:app\.)?supabase\.com/(?:dashboard/)?project/", value):
        return "is the address of the dashboard, not of the project: `https://….supabase.co`"
    if value.startswith(("postgres://", "postgresql://")):
        return "is the database's connection string, not the project's `https://….supabase.co`"
    return None


def _supabase_public(value: str) -> str | None:
    if value.startswith("sb_secret_") or jwt_claims(value).get("role") == "service_role":
        return "is the secret key (`service_role`) where the public one belongs"
    return None


def _supabase_secret(value: str) -> str | None:
    if value.startswith("sb_publishable_") or jwt_claims(value).get("role") == "anon":
        return "is the public key (`anon`) where the secret one belongs"
    return None


def _prefixed(wrong: str, reason: str) -> Certain:
    return lambda value: reason if re.match(wrong, value) else None


_SECRET_FOR_PUBLIC: Final = _prefixed(r"(?:sk|rk)_(?:test|live)_", "is a secret key (`sk_`) where `pk_` belongs")
_PUBLIC_FOR_SECRET: Final = _prefixed(r"pk_(?:test|live)_", "is a publishable key (`pk_`) where `sk_` belongs")
_HTTP: Final = r"https?://[^\s/]+(?:/\S*)?"
_JWT: Final = r"eyJ[\w-]+\.[\w-]+\.[\w-]+"
_NEON_OR_NONE: Final = r"(?!\S*[@/](?:[^/?#]*\.)?neon\.(?:tech|build))\S+|\S+[@/]ep-[a-z]+-[a-z]+-\w+(?:-pooler)?\.\S+"


def _shape(names: str, right: str, what: str, certain: Certain = _nothing) -> Shape:
    return Shape(re.compile(rf"(?:^|_)(?:{names})$", re.IGNORECASE), re.compile(right), what, certain)


# The first row that knows the name decides.
SHAPES: Final = (
    _shape(
        "SENTRY_DSN",
        r"https?://[0-9a-f]{32}(?::[0-9a-f]{32})?@(?:o\d+\.ingest(?:\.[a-z]{2})?\.sentry\.io|(?!\S*sentry\.io)[^\s/]+)(?:/\S+)?/\d+",
        "a DSN: `https://KEY@HOST/NUMBER`, the key 32 hexadecimal digits",
        _dsn,
    ),
    _shape("SENTRY_AUTH_TOKEN", r"sntr[a-z]{1,2}_\S{20,}|[0-9a-f]{64}", "a Sentry token: `sntrys_…` or `sntryu_…`"),
    _shape(
        "SUPABASE_URL",
        rf"(?!\S*supabase\.co\b){_HTTP}|https://[a-z]{{20}}\.supabase\.co/?",
        "`https://REF.supabase.co`, the reference 20 lower-case letters",
        _supabase_url,
    ),
    _shape(
        "SUPABASE_(?:ANON|PUBLISHABLE)(?:_DEFAULT)?_KEY|SUPABASE_PUBLISHABLE_KEY",
        rf"{_JWT}|sb_publishable_[\w-]{{20,}}",
        "a public Supabase key: a JWT or `sb_publishable_…`",
        _supabase_public,
    ),
    _shape(
        "SUPABASE_(?:SERVICE_ROLE|SERVICE|SECRET)(?:_KEY)?",
        rf"{_JWT}|sb_secret_[\w-]{{20,}}",
        "a secret Supabase key: a JWT or `sb_secret_…`",
        _supabase_secret,
    ),
    _shape("SUPABASE_ACCESS_TOKEN", r"sbp_\w{30,}", "`sbp_…`"),
    _shape(
        "(?:DATABASE|POSTGRES|POSTGRESQL|PG|DIRECT|NEON)(?:_PRISMA|_DATABASE)?_UR[LI](?:_(?:UNPOOLED|NON_POOLING|POOLED))?",
        rf"(?!postgres)[a-z][a-z0-9+.-]*:\S+|postgres(?:ql)?://(?:{_NEON_OR_NONE})",
        "a connection string: `postgresql://…`, on Neon with a host `ep-…`",
        _postgres,
    ),
    _shape("NEON_API_KEY", r"napi_\w{20,}|[a-z0-9]{60,}", "`napi_…`"),
    _shape(
        "STRIPE_SECRET_KEY|STRIPE_API_KEY",
        r"(?:sk|rk)_(?:test|live)_[A-Za-z0-9]{16,}",
        "`sk_test_…` or `sk_live_…`",
        _PUBLIC_FOR_SECRET,
    ),
    _shape(
        "STRIPE_(?:PUBLISHABLE|PUBLIC)_KEY",
        r"pk_(?:test|live)_[A-Za-z0-9]{16,}",
        "`pk_test_…` or `pk_live_…`",
        _SECRET_FOR_PUBLIC,
    ),
    _shape("STRIPE_WEBHOOK_SECRET", r"whsec_[A-Za-z0-9+/=_-]{24,}", "`whsec_…`"),
    _shape("CLERK_SECRET_KEY", r"sk_(?:test|live)_\w{20,}", "`sk_test_…` or `sk_live_…`", _PUBLIC_FOR_SECRET),
    _shape("CLERK_PUBLISHABLE_KEY", r"pk_(?:test|live)_[\w=$-]{10,}", "`pk_test_…` or `pk_live_…`", _SECRET_FOR_PUBLIC),
    _shape("POSTHOG_(?:KEY|API_KEY|PROJECT_API_KEY|PROJECT_TOKEN|TOKEN)", r"ph[cx]_\w{20,}", "`phc_…`"),
    _shape("RESEND_API_KEY|RESEND_KEY", r"re_\w{16,}", "`re_…`"),
    _shape("ANTHROPIC_API_KEY", r"sk-ant-[\w-]{20,}", "`sk-ant-…`"),
    _shape("OPENROUTER_API_KEY", r"sk-or-[\w-]{20,}", "`sk-or-…`"),
    _shape("OPENAI_API_KEY", r"sk-[\w-]{20,}", "`sk-…`"),
    _shape("GROQ_API_KEY", r"gsk_\w{20,}", "`gsk_…`"),
    _shape("SENDGRID_API_KEY", r"SG\.[\w-]{16,}\.[\w-]{16,}", "`SG.….…`"),
    _shape("GITHUB_TOKEN|GH_TOKEN", r"(?:gh[a-z]_|github_pat_)\w{30,}", "`ghp_…` or `github_pat_…`"),
    _shape("TWILIO_ACCOUNT_SID", r"AC[0-9a-f]{32}", "`AC` and 32 hexadecimal digits"),
    _shape("SLACK_BOT_TOKEN", r"xoxb-[\w-]{20,}", "`xoxb-…`"),
    _shape("BLOB_READ_WRITE_TOKEN", r"vercel_blob_rw_\w{20,}", "`vercel_blob_rw_…`"),
    _shape(
        "UPSTASH_REDIS_REST_URL|NEON_AUTH(?:_BASE)?_URL|BETTER_AUTH_URL|NEXTAUTH_URL|APP_URL|SITE_URL|POSTHOG_HOST",
        rf"{_HTTP}|/\S*",
        "a URL: `https://…`",
    ),
)
