"""Writes the cookie in which a page of `@supabase/ssr` finds its session."""

import base64
import json
from collections.abc import Mapping
from time import time
from typing import Any, Final
from urllib.parse import urlsplit

CHUNK: Final = 3180  # characters of one cookie; a longer value goes into several, NAME.0 and so on
USUAL: Final = 3600  # seconds that a token holds where the service does not say so


def cookies_of(base: str, session: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return names and values for a session as the auth service at `base` answered it.

    Source: `@supabase/ssr` 0.12 (cookies.ts, chunker.ts), `@supabase/supabase-js` 2.119 (SupabaseClient.ts: the name),
    `@supabase/auth-js` (fetch.ts: `expires_at`).
    """
    host = urlsplit(base).hostname or ""
    name = f"sb-{host.partition('.')[0]}-auth-token"
    text = json.dumps({"expires_at": _end(session), **session}, separators=(",", ":"))
    # None of these characters is escaped in a cookie, so the value is as long as its escaped form, by which one counts.
    value = "base64-" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    if len(value) <= CHUNK:
        return [(name, value)]
    return [(f"{name}.{at // CHUNK}", value[at : at + CHUNK]) for at in range(0, len(value), CHUNK)]


def _end(session: Mapping[str, Any]) -> int:
    seconds = session.get("expires_in")
    return int(time()) + (seconds if isinstance(seconds, int) else USUAL)
