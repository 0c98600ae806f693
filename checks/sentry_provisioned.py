"""The Sentry project as Sentry's web API knows it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import ClientError, NotApplicable, Unclear
from infracheck.model import Failed, Finding, Passed, Undecided, Verdict, check

from .env import set_at
from .sentry import used_dsn
from .sentry_access import Access, access, named
from .sentry_variables import ORG, PROJECT, TOKEN, no_sentry

if TYPE_CHECKING:
    from infracheck.clients.providercauses import Refused
    from infracheck.clients.sentry import Dsn

REPRODUCE: Final = "infracheck run --only sentry-provisioned"
COPY: Final = "Sentry: project settings, Client Keys (DSN)"
WIDER: Final = "a token with org:read and project:read shows it"


@check(applies=no_sentry, proves=5, family="sentry")
def sentry_provisioned(ctx: Context) -> Verdict:
    """The token works, organisation and project exist, and the DSN belongs to that project.

    Four values can each be well formed and still belong to different projects: then the errors of the app arrive where
    nobody looks, or the build uploads its source maps to nowhere. Sentry's web API is asked with SENTRY_AUTH_TOKEN;
    nothing is changed. An organization token may see releases only: what it may not see is told as not verifiable.
    """
    ctx.tell("waiting for Sentry's web API to answer")
    verdict: Verdict = ctx.begun(sentry_provisioned)
    return verdict


@sentry_provisioned.head_start()
def ask(ctx: Context) -> Verdict:
    """Ask while other checks run."""
    from infracheck.clients.providercauses import Refused

    name, where, dsn = used_dsn(ctx)
    seen = Seen(name, where, dsn)
    try:
        return _climb(ctx, access(ctx, dsn), seen)
    except Refused as error:
        return seen.ended(ctx, error)


@dataclass
class Seen:
    """The rungs so far, and the DSN that they are about."""

    name: str
    where: str | None
    dsn: "Dsn"
    rows: list[Finding] = field(default_factory=list)

    def present(self, subject: str, note: str = "") -> None:
        self.rows.append(Finding(subject, "PRESENT", note, None, "info"))

    def hidden(self, subject: str, error: ClientError) -> None:
        self.rows.append(Finding(subject, "NOT VERIFIABLE", f"{error.summary}; {WIDER}", None, "warn"))

    def fail(self, row: Finding, summary: str, remedy: str) -> Failed:
        return Failed(summary, remedy, (*self.rows, row), REPRODUCE)

    def ended(self, ctx: Context, error: "Refused") -> Verdict:
        """Return the verdict where Sentry's answer ends the questions."""
        subject = error.subject or TOKEN
        row = Finding(subject, error.state, error.summary, set_at(ctx, subject))
        if isinstance(error, Unclear):
            return Undecided(error.summary, error.remedy, (*self.rows, row))
        return self.fail(row, error.summary, error.remedy)


def _climb(ctx: Context, sentry: Access, seen: Seen) -> Verdict:
    if failed := _claimed(ctx, sentry, seen):
        return failed
    scopes = sentry.api.scopes()
    seen.present(
        TOKEN, f"may do {', '.join(scopes) or 'nothing'}; asked at {sentry.base.url} (by {sentry.base.source})"
    )
    number = _project(sentry, seen)
    if isinstance(number, Failed | Undecided):
        return _placed(sentry, seen, number)
    return (
        _organization(ctx, sentry, seen)
        or _number(ctx, sentry, seen, number)
        or _key(ctx, sentry, seen)
        or Passed(_summary(sentry, seen), tuple(seen.rows))
    )


def _claimed(ctx: Context, sentry: Access, seen: Seen) -> Failed | None:
    """Judge what an organisation token says of itself, without a question."""
    from infracheck.clients.sentryplace import claims_of

    claims = claims_of(sentry.token.reveal())
    if not claims or claims.organization in {None, sentry.organization}:
        return None
    text = f"{TOKEN} is a token of organisation {claims.organization}, not of {ORG} {sentry.organization}"
    return seen.fail(
        Finding(TOKEN, "OTHER ORGANISATION", f"of {claims.organization}", set_at(ctx, TOKEN)),
        text,
        f"put a token of {sentry.organization} into {named(ctx, TOKEN)}, or correct {named(ctx, ORG)}",
    )


def _project(sentry: Access, seen: Seen) -> int | Failed | Undecided | None:
    """Return the number of the project, None where the token may see its releases only."""
    from infracheck.clients.providercauses import Refused
    from infracheck.clients.sentryapi import NO_API

    subject = f"project {sentry.path}"
    number = None
    try:
        try:
            number = sentry.api.project(sentry.organization, sentry.project)
        except Refused as error:
            if error.status != 403:
                raise
            sentry.api.releases(sentry.organization, sentry.project)
    except Refused as error:
        if error.state == NO_API:
            raise NotApplicable(f"{error.summary}, so {sentry.path} cannot be looked up") from None
        if error.status == 404:
            return _missing(sentry, seen)
        if error.status != 403:
            raise
        seen.hidden(subject, error)
        seen.hidden(f"organisation {sentry.organization}", error)
        return Undecided(
            f"{TOKEN} may see neither {subject} nor its releases (403): whether it exists is not known",
            f"use {sentry.api.service.may_read} as {TOKEN}, and see that it is a token of {sentry.organization}",
            tuple(seen.rows),
        )
    seen.present(subject, "" if number is not None else "its releases can be listed, so source maps can be uploaded")
    return number


def _missing(sentry: Access, seen: Seen) -> Failed:
    """Say which of the two slugs Sentry does not know, as far as the token may see."""
    from infracheck.clients.providercauses import Refused

    try:
        sentry.api.organization(sentry.organization)
        seen.present(f"organisation {sentry.organization}")
    except Refused as error:
        if error.status == 404:
            what = f"organisation {sentry.organization}"
            remedy = f"put the slug of the organisation, as in https://SLUG.sentry.io, into {ORG}"
            return seen.fail(Finding(ORG, "NOT FOUND", what), f"Sentry knows no {what} (404)", remedy)
        seen.hidden(f"organisation {sentry.organization}", error)
    return seen.fail(
        Finding(PROJECT, "NOT FOUND", f"project {sentry.path}"),
        f"Sentry knows no project {sentry.project} in organisation {sentry.organization} (404)",
        f"put the slug of the project (its settings, General) into {PROJECT}, or create the project",
    )


def _placed(sentry: Access, seen: Seen, verdict: Failed | Undecided) -> Failed | Undecided:
    """Add to a verdict that the wrong region may have been asked."""
    from infracheck.clients.sentryplace import elsewhere

    mine = elsewhere(seen.dsn.text, sentry.base.url)
    if mine is None:
        return verdict
    hint = f"{seen.name} belongs to region {mine}, but {sentry.base.url} was asked, as {sentry.base.source} says"
    row = Finding(sentry.base.override.strip("`"), "OTHER REGION", hint)
    remedy = f"ask https://{mine}.sentry.io: correct {sentry.base.source}; or else {verdict.remedy}"
    rows = (*verdict.findings, row)
    if isinstance(verdict, Failed):
        return Failed(f"{verdict.summary}; {hint}", remedy, rows, REPRODUCE)
    return Undecided(f"{verdict.reason}; {hint}", remedy, rows)


def _organization(ctx: Context, sentry: Access, seen: Seen) -> Failed | None:
    """Judge the organisation, and that the DSN leads to the region that keeps it."""
    from infracheck.clients.providercauses import Refused
    from infracheck.clients.sentryplace import claims_of, region_of

    subject = f"organisation {sentry.organization}"
    claims = claims_of(sentry.token.reveal())
    keeps = claims.region_url if claims else None
    try:
        keeps = sentry.api.organization(sentry.organization) or keeps
    except Refused as error:
        if error.status != 403:
            raise
        seen.hidden(subject, error)
    else:
        seen.present(subject)
    home, leads = region_of(keeps), region_of(seen.dsn.text)
    if not home or not leads or home == leads:
        return None
    return seen.fail(
        Finding(seen.name, "OTHER REGION", f"it leads to {leads}", seen.where),
        f"{subject} is kept in region {home}, but {seen.name} sends to region {leads}, which does not take its events",
        f"copy the DSN of {sentry.path} into {named(ctx, seen.name)} ({COPY})",
    )


def _number(ctx: Context, sentry: Access, seen: Seen, number: int | None) -> Failed | None:
    if number in {None, seen.dsn.project}:
        return None
    return _other(ctx, sentry, seen, f"{sentry.path} is project {number}, but {seen.name} sends to {seen.dsn.project}")


def _key(ctx: Context, sentry: Access, seen: Seen) -> Failed | None:
    """Judge that the key of the DSN is an active one of the project."""
    from infracheck.clients.providercauses import Refused
    from infracheck.clients.sentryapi import PAGE

    try:
        keys = sentry.api.keys(sentry.organization, sentry.project)
    except Refused as error:
        if error.status != 403:
            raise
        seen.hidden(seen.name, error)
        return None
    found = next((one for one in keys if one.public == seen.dsn.key), None)
    if found is None and len(keys) >= PAGE:
        note = f"it is none of the first {len(keys)} keys of {sentry.path}"
        seen.rows.append(Finding(seen.name, "NOT VERIFIABLE", note, seen.where, "warn"))
        return None
    if found is None:
        return _other(ctx, sentry, seen, f"the key of {seen.name} is none of the {len(keys)} of project {sentry.path}")
    if found.project != seen.dsn.project:
        summary = f"the key of {seen.name} is of project {found.project}, but its number is {seen.dsn.project}"
        return _other(ctx, sentry, seen, summary)
    if not found.active:
        return seen.fail(
            Finding(seen.name, "INACTIVE", "the key is switched off", seen.where),
            f"the key of {seen.name} is switched off in project {sentry.path}: its events are dropped",
            f"switch the key on ({COPY}), or put the DSN of an active key into {named(ctx, seen.name)}",
        )
    seen.rows.append(Finding(seen.name, "PRESENT", f"an active key of {sentry.path}", seen.where, "info"))
    return None


def _other(ctx: Context, sentry: Access, seen: Seen, summary: str) -> Failed:
    return seen.fail(
        Finding(seen.name, "OTHER PROJECT", summary, seen.where),
        summary,
        f"copy the DSN of {sentry.path} into {named(ctx, seen.name)} ({COPY}), or correct {named(ctx, PROJECT)}",
    )


def _summary(sentry: Access, seen: Seen) -> str:
    hidden = sum(row.state == "NOT VERIFIABLE" for row in seen.rows)
    if not hidden:
        return f"Sentry knows project {sentry.path}, and {seen.name} is an active key of it"
    return f"Sentry knows project {sentry.path}; {hidden} of 4 answers are not verifiable with this token"
