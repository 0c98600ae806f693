"""What a check needs to ask Sentry's web API: token, organisation, project, and where the API is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infracheck.context import Context
from infracheck.secret import Secret

from .env import set_at
from .sentry_variables import ORG, PROJECT, TOKEN, value

if TYPE_CHECKING:
    from infracheck.clients.sentry import Dsn
    from infracheck.clients.sentryapi import SentryApi
    from infracheck.clients.sentryplace import Base


@dataclass(frozen=True, slots=True)
class Access:
    """The web API as the app's token sees it, and the organisation and project that the app names."""

    api: "SentryApi"
    base: "Base"
    token: Secret
    organization: str
    project: str

    @property
    def path(self) -> str:
        return f"{self.organization}/{self.project}"


def access(ctx: Context, dsn: "Dsn", *, wait: float | None = None) -> Access:
    """Return the access that the app's variables give.

    Raises:
        NotApplicable: one of the variables has no value, and is excused.
        Unavailable: ... and is not: `env-filled` reports it.
        ClientError: token or address cannot be used.
    """
    from infracheck.clients.sentryapi import SentryApi
    from infracheck.clients.sentryplace import VARIABLE, base_of

    token = value(ctx, TOKEN) or ctx.require(TOKEN)
    organization, project = (ctx.require(name).reveal().strip() for name in (ORG, PROJECT))
    variable = ctx.env[VARIABLE]
    said = variable.value.reveal().strip() if variable.state == "FILLED" else None
    base = base_of(ctx.settings.sentry.url, said, token, dsn)
    api = SentryApi(ctx.http, token, base, timeout=ctx.settings.sentry.timeout, wait=wait)
    return Access(api, base, token, organization, project)


def named(ctx: Context, name: str) -> str:
    """Return a variable with the place that sets it."""
    return f"{name} ({set_at(ctx, name) or 'process environment'})" if ctx.env[name].state == "FILLED" else name
