"""Which variables hold a secret that the app itself makes up, by name and comment, and a new one for each."""

import re
import secrets
from typing import Final

from infracheck.secret import Secret

BYTES: Final = 32
_OWN: Final = re.compile(
    r"(?:^|_)(?:(?:NEON_)?AUTH_COOKIE|COOKIE|SESSION|IRON_SESSION|CRON|BETTER_AUTH|NEXT_?AUTH|AUTH|CSRF|CRYPTO|INTERNAL_API"
    r"|REVALIDATE|REVALIDATION|PREVIEW|DRAFT|JWT|SIGNING|PAYLOAD)_(?:SECRET|PASSWORD|SIGNING_KEY)$|^AUTH_SECRET$"
    r"|(?:^|_)(?:SALT|PEPPER)$"
)
_BY_COMMENT: Final = re.compile(
    r"openssl\s+rand|randomBytes|(?:any|a|some)\s+(?:long\s+|strong\s+)?random|generate\s+(?:a|an|one|with)\b"
    r"|(?:at\s+least|min(?:imum)?|>=)\s*\d+\s*(?:random\s+)?(?:char|byte)",
    re.IGNORECASE,
)
_OF_OTHERS: Final = re.compile(
    r"STRIPE|CLERK|GOOGLE|GITHUB|SUPABASE|WEBHOOK|SENTRY|OPENAI|ANTHROPIC|RESEND|TWILIO|AWS|VERCEL|CLIENT_SECRET"
    r"|DATABASE|POSTGRES|_URL$|_ID$|^NEXT_PUBLIC_|^VITE_|DSN"
)
_SECRET: Final = re.compile("SECRET|KEY|TOKEN|SALT|PASSW")
_HEX: Final = re.compile(r"-hex\b|\bhex\b|hexadecimal", re.IGNORECASE)
_BASE64: Final = re.compile(r"base64", re.IGNORECASE)


def is_own(name: str, comment: str = "") -> bool:
    """Tell whether a variable holds a secret that nobody else has to know; `comment` is what stands beside or above."""
    if _OF_OTHERS.search(name):
        return False
    return bool(_OWN.search(name) or (_BY_COMMENT.search(comment) and _SECRET.search(name)))


def new_secret(comment: str = "") -> Secret:
    """Return 32 random bytes in the form that the comment asks for; letters, digits, `-` and `_` by default."""
    import base64

    if _HEX.search(comment):
        return Secret(secrets.token_hex(BYTES))
    if _BASE64.search(comment):
        return Secret(base64.b64encode(secrets.token_bytes(BYTES)).decode())
    return Secret(secrets.token_urlsafe(BYTES))
