"""Reads how long a service wants to be left alone out of its answer's headers, and says it."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

NAMES: Final = ("x-retry-after", "retry-after")  # the first is Better Auth's
RESETS: Final = ("ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset", "x-sentry-rate-limit-reset")
SENTRY: Final = "x-sentry-rate-limits"
USUAL: Final = 60  # seconds; what is said when nobody names a wait
_DIGITS: Final = re.compile("[0-9]{1,9}")
_PARTS: Final = re.compile(r"\b(r|t|remaining|reset)=([0-9]{1,9})")  # of the standard to be: `"default";r=0;t=30`
_EPOCH: Final = re.compile(r"[0-9]{10}(?:\.[0-9]{1,9})?")  # a moment of this century, in seconds since 1970


def wait_of(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds to wait, None when no header says so; names are in lower case.

    A limit says when it starts anew in every answer; that counts only where nothing of it is left.
    """
    asked = asked_wait(headers)
    return _reset(headers) if asked is None else asked


def asked_wait(headers: Mapping[str, str], *, sentry: frozenset[str] = frozenset()) -> float | None:
    """Return how many seconds the service asks for outright; `sentry`: for these categories of events, too."""
    limits = _sentry(headers, sentry) if sentry else []
    named = next((seconds for name in NAMES if (seconds := _seconds(headers.get(name, ""))) is not None), None)
    return max([*limits, *([] if named is None else [named])], default=None)


def in_words(seconds: float | None) -> str:
    """Return a wait as remedies say it; a minute where nobody named one, or one beyond all reason."""
    whole = USUAL if seconds is None or seconds >= 1e5 else math.ceil(seconds)
    return "a minute" if whole == USUAL else f"{whole} second{'' if whole == 1 else 's'}"


def _seconds(text: str) -> float | None:
    """Return the seconds until the end of a wait that is named in seconds or by a date."""
    text = text.strip()
    if _DIGITS.fullmatch(text):
        return float(text)
    try:
        when = parsedate_to_datetime(text)
        return max(0.0, (when - datetime.now(UTC if when.tzinfo else None)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _reset(headers: Mapping[str, str]) -> float | None:
    for name in RESETS:
        text = headers.get(name, "").strip()
        left = headers.get(f"{name.removesuffix('reset')}remaining", "0").strip()
        if not text or left.strip("0"):
            continue
        if _EPOCH.fullmatch(text):
            return max(0.0, float(text) - datetime.now(UTC).timestamp())
        if (seconds := _seconds(text)) is not None:
            return seconds
    named = dict(_PARTS.findall(headers.get("ratelimit", "")))
    rest, ends = (named.get(new) or named.get(old) for new, old in (("r", "remaining"), ("t", "reset")))
    return float(ends) if ends and rest and not rest.strip("0") else None


def _sentry(headers: Mapping[str, str], categories: frozenset[str]) -> list[float]:
    """Return the waits for these categories; a limit that names none is for all: `60:error;default:key, 2700::org`."""
    limits = [limit.strip().split(":") for limit in headers.get(SENTRY, "").split(",")]
    return [
        float(limit[0])
        for limit in limits
        if len(limit) > 1
        and _DIGITS.fullmatch(limit[0])
        and (not limit[1] or not categories.isdisjoint(limit[1].split(";")))
    ]
