"""Makes the Sentry project, and writes its DSN, organisation and project into the env file."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from infracheck.actions import Action, Desk, Question
from infracheck.context import Context
from infracheck.errors import ClientError
from infracheck.secret import Secret

from .provision_neon import app_name
from .provisioned import filled
from .sentry_configured import sentry_configured
from .sentry_variables import ORG, PROJECT, TOKEN, dsn_name, excused, no_sentry, value

if TYPE_CHECKING:
    from infracheck.clients.sentryapi import SentryApi

MAKE: Final = "sentry-project"
WIRE: Final = "sentry-wizard"
SCOPES: Final = "a token with the scopes org:read, project:read, project:write and team:write"
SOURCE: Final = "Sentry: Settings, Custom Integrations, a new internal integration"


@sentry_configured.provisioned_by
def sentry_project(ctx: Context, desk: Desk) -> Iterator[Action | Question]:
    """Make the project where its variables are empty; name the wizard where the code is not wired."""
    if no_sentry(ctx):
        return
    yield from _wizard(ctx)
    missing = [name for name in (dsn_name(ctx), ORG, PROJECT) if not (filled(ctx, name) or excused(ctx, name))]
    if not missing:
        return
    organization = _organization(ctx)
    if isinstance(organization, Question):
        yield organization
        return
    slug = _slug(ctx)
    exists = _looked_up(ctx, organization, slug)
    if exists and not filled(ctx, PROJECT) and not desk.facts(MAKE).get("begun"):
        yield Question(
            MAKE,
            f"Sentry has a project {organization}/{slug} already, and nothing says that it is this app's",
            f"set {PROJECT}={slug} in the env file to use it, or `[provision] name` in infracheck.toml to make another",
        )
        return
    verb = "use" if exists else "create"
    yield Action(
        MAKE,
        f"{verb} the Sentry project {organization}/{slug}, and write {', '.join(missing)}",
        _make,
        f"Sentry organization {organization}",
        TOKEN,
        "" if exists else "it stays until you remove it in Sentry's settings",
    )


def _make(ctx: Context, desk: Desk) -> str:
    from infracheck.clients.sentrymake import PLATFORMS, SentryMaker

    organization, slug = _organization(ctx), _slug(ctx)
    assert isinstance(organization, str)
    maker = SentryMaker(_api(ctx))
    new = False
    if not maker.has(organization, slug):
        team = maker.team(organization, ctx.settings.provision.sentry_team, slug)
        desk.note(MAKE, organization=organization, project=slug)
        new = maker.create(organization, team, slug, PLATFORMS.get(ctx.project.framework or "", "other"))
    name = dsn_name(ctx)
    values = {ORG: Secret(organization), PROJECT: Secret(slug)}
    if not filled(ctx, name):
        values[name] = maker.dsn(organization, slug)
    told = desk.write_env(ctx, values)
    return f"{'created' if new else 'took'} the Sentry project {organization}/{slug}; {told}"


def _wizard(ctx: Context) -> Iterator[Question]:
    from infracheck.project.sentryfiles import SentryFiles

    if "next" not in ctx.project.dependencies or SentryFiles(ctx.project).installed:
        return
    named = (("org", filled(ctx, ORG)), ("project", filled(ctx, PROJECT)))
    command = "npx @sentry/wizard@latest -i nextjs --saas" + "".join(
        f" --{flag} {text}" for flag, text in named if text
    )
    yield Question(
        WIRE, "the code does not load Sentry's SDK", f"run its wizard, which asks and changes code: {command}"
    )


def _looked_up(ctx: Context, organization: str, slug: str) -> bool:
    """Return whether the project exists; a token that may make none is said before anything is planned."""
    from infracheck.clients.sentrymake import MAY_MAKE, SentryMaker

    api = _api(ctx)
    scopes = set(api.scopes())
    exists = SentryMaker(api).has(organization, slug) if "project:read" in scopes or scopes & MAY_MAKE else False
    if not exists and not scopes & MAY_MAKE:
        may = ", ".join(sorted(scopes)) or "nothing"
        raise ClientError(f"{TOKEN} may do {may}, which is not enough to make a project", f"use {SCOPES}: {SOURCE}")
    return exists


def _api(ctx: Context) -> "SentryApi":
    from infracheck.clients.sentryapi import SentryApi
    from infracheck.clients.sentryplace import VARIABLE, base_of

    token = value(ctx, TOKEN)
    if token is None:
        raise ClientError(f"{TOKEN} is empty, so nothing can be made at Sentry", f"put {SCOPES} into it: {SOURCE}")
    base = base_of(ctx.settings.sentry.url, filled(ctx, VARIABLE), token, None)
    return SentryApi(ctx.http, token, base, timeout=ctx.settings.sentry.timeout, wait=ctx.settings.provision.timeout)


def _organization(ctx: Context) -> str | Question:
    from infracheck.clients.sentryplace import claims_of

    if found := filled(ctx, ORG):
        return found
    token = value(ctx, TOKEN)
    claims = claims_of(token.reveal()) if token else None
    if claims and claims.organization:
        return claims.organization
    _api(ctx)  # without a token that is what is missing first
    return Question(
        "sentry-org", f"{ORG} is empty", "put the organization's slug into it, as in https://SLUG.sentry.io"
    )


def _slug(ctx: Context) -> str:
    return filled(ctx, PROJECT) or re.sub(r"[^a-z0-9_-]+", "-", app_name(ctx).lower()).strip("-")
