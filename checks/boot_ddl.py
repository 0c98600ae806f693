"""What the app changes in its database's schema while it boots: the catalog before, and after."""

from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import ClientError, Unavailable
from infracheck.model import Finding

if TYPE_CHECKING:
    from infracheck.clients.pgfingerprint import Fingerprint

SHOWN: Final = 3  # in a summary; the findings name all of them
NOTE: Final = "the app did that while it booted"


def catalog_now(ctx: Context) -> "Fingerprint | None":
    """Return what the catalog says; None where nobody has opened the database, or it does not say it in time."""
    from infracheck.clients import pgfingerprint
    from infracheck.clients.postgres import Database

    # Opened here it would hold up the boot, and a run that asks nothing of the database needs none.
    database = ctx.opened("database")
    if not isinstance(database, Database):
        return None
    try:
        return pgfingerprint.take(database.queries, frozenset(ctx.settings.database.schemas))
    except (ClientError, Unavailable):
        return None


def changed_since(ctx: Context, before: "Fingerprint | None") -> tuple[Finding, ...]:
    """Return what is in the catalog now and was not, or was otherwise."""
    from infracheck.clients.pgfingerprint import changes

    after = catalog_now(ctx) if before is not None else None
    if before is None or after is None:
        return ()
    return tuple(
        Finding(one.subject, one.state, "; ".join(filter(None, (one.kind, one.note, NOTE))), level="warn")
        for one in changes(before, after)
    )


def in_words(found: tuple[Finding, ...]) -> str:
    """Return the end of a summary that tells it, empty where there is nothing to tell."""
    if not found:
        return ""
    first = ", ".join(f"{one.subject} {one.state}" for one in found[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"; the app changed its schema while booting: {first}{more}"
