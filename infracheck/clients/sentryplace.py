"""Where Sentry's web API is: as configured, as the token says, or by the server that the DSN names.

An organisation of the EU is kept by de.sentry.io alone, and a self-hosted server by itself.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from infracheck.project.sentrytoken import payload_of
from infracheck.secret import Secret

if TYPE_CHECKING:
    from infracheck.clients.sentry import Dsn

SAAS: Final = "https://sentry.io"
VARIABLE: Final = "SENTRY_URL"


@dataclass(frozen=True, slots=True)
class Claims:
    """What an organisation token says of itself; nobody has signed it."""

    organization: str | None
    url: str | None
    region_url: str | None


@dataclass(frozen=True, slots=True)
class Base:
    """Where the web API is, and what says so; `override` is what a user can correct."""

    url: str
    source: str
    override: str = VARIABLE


def claims_of(token: str) -> Claims | None:
    """Return what is written in an organisation token (sntrys_...), None for any other kind."""
    read = payload_of(token)
    if read is None:
        return None
    said = (read.get(name) for name in ("org", "url", "region_url"))
    return Claims(*(one if isinstance(one, str) and one else None for one in said))


def region_of(url: str | None) -> str | None:
    """Return the region (`us`, `de`) that a DSN or an address of sentry.io belongs to; None where it names none."""
    try:
        host = (urlsplit(url or "").hostname or "").lower()
    except ValueError:
        return None
    name, separator, rest = host.removesuffix(".sentry.io").rpartition("ingest")
    if not host.endswith(".sentry.io"):
        return None
    if separator:
        return rest.removeprefix(".") or "us" if name.endswith(".") else None  # the old form, without a region, is US
    return rest if len(rest) == 2 else None


def elsewhere(dsn: str, base: str) -> str | None:
    """Return the region that a DSN belongs to, where another region of sentry.io than that is asked."""
    mine = region_of(dsn)
    host = urlsplit(base).hostname or ""
    if mine is None or not f".{host}".endswith(".sentry.io"):
        return None
    return mine if mine != (region_of(base) or "us") else None


def base_of(configured: str | None, variable: str | None, token: Secret, dsn: "Dsn | None") -> Base:
    """Return where to ask: as configured, by SENTRY_URL, by the token, by the DSN, else at sentry.io."""
    if configured:
        return Base(configured, "[sentry] url", "`[sentry] url`")
    if variable:
        return Base(variable, VARIABLE)
    claims = claims_of(token.reveal())
    if claims and (said := claims.region_url or claims.url):
        return Base(said, "the token")
    if dsn is None:
        return Base(SAAS, "the default")
    if dsn.place.host == "sentry.io" or dsn.place.host.endswith(".sentry.io"):
        region = region_of(dsn.text)
        return Base(f"https://{region}.sentry.io" if region not in {None, "us"} else SAAS, "the DSN")
    # A token of a self-hosted server must not be shown to sentry.io.
    folder = urlsplit(dsn.text).path.rpartition("/")[0]
    return Base(f"{dsn.place}{folder}", "the DSN")
