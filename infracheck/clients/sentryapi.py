"""Asks Sentry's web API, with the app's token: what the token may do, its organisation, project, keys and one event.

Answers of servers that have only a part of the API (Bugsink, GlitchTip) are told apart from "there is no such object".
"""

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from infracheck.clients.providerapi import BUDGET, ProviderApi, segment
from infracheck.clients.providercauses import Open, Refused, Service
from infracheck.clients.sentryplace import SAAS, VARIABLE, Base
from infracheck.secret import Secret, clean

if TYPE_CHECKING:
    from infracheck.clients.http import Answer, Http

SERVICE: Final = Service(
    name="Sentry",
    key="SENTRY_AUTH_TOKEN",
    override=VARIABLE,
    base=SAAS,
    new_key="Sentry: Settings, Organization Tokens",
    may_read="a token with the scopes org:read and project:read (Sentry: Settings, Custom Integrations)",
)
NO_API: Final = "NO API"
RENAMED: Final = "RENAMED"
PAGE: Final = 100  # keys that one answer lists
_SLUG: Final = 100  # characters shown of one


@dataclass(frozen=True, slots=True)
class Key:
    """A client key of a project; its text is what stands before the @ of a DSN."""

    public: str = field(repr=False)
    project: int
    active: bool


class SentryApi(ProviderApi):
    """The web API as one token sees it; every method raises Refused where the answer is not what was asked for."""

    def __init__(self, http: "Http", token: Secret, base: Base, *, timeout: float, wait: float | None = None) -> None:
        """Take `wait` where all questions together may take that long, and `timeout` more."""
        super().__init__(http, replace(SERVICE, override=base.override), token, base=base.url, timeout=timeout)
        self._seconds = BUDGET * timeout if wait is None else wait + timeout
        self._setting = "timeout" if wait is None else "wait"
        self._end = time.monotonic() + self._seconds
        self._ways = [self._in_organization, self._in_project]

    def scopes(self) -> tuple[str, ...]:
        """Return what the token may do; every token may ask this."""
        what = "the token"
        found = self._object("", what)
        if "version" not in found or "auth" not in found:
            raise self.problem("INCOMPLETE", what, "it has no version and auth")
        auth = found["auth"]
        if auth is None:
            raise Refused(
                f"{self._place} takes no notice of {SERVICE.key}: it answers as if nobody had logged in",
                f"put a valid token into {SERVICE.key} ({SERVICE.new_key}), and let no proxy take it away",
                state="NOT LOGGED IN",
                subject=SERVICE.key,
            )
        listed = auth.get("scopes") if isinstance(auth, dict) else None
        if not isinstance(listed, list):
            raise self.problem("INCOMPLETE", what, "it has no scopes")
        return tuple(clean(one, _SLUG) for one in listed if isinstance(one, str))

    def organization(self, slug: str) -> str | None:
        """Return the address of the region that keeps an organisation, None where the server has no regions."""
        found = self._object(f"organizations/{segment(slug)}/", f"organisation {slug}")
        links = found.get("links")
        return _text(links, "regionUrl") if isinstance(links, dict) else None

    def project(self, organization: str, slug: str) -> int:
        """Return the number of a project."""
        what = f"project {organization}/{slug}"
        number = self._object(_project(organization, slug), what).get("id")
        if not isinstance(number, str | int) or not str(number).isascii() or not str(number).isdecimal():
            raise self.problem("INCOMPLETE", what, "it has no id")
        return int(number)

    def releases(self, organization: str, slug: str) -> None:
        """See that releases of a project can be listed: this is what a token of the kind org:ci may do."""
        what = f"the releases of project {organization}/{slug}"
        if not isinstance(self._asked(_project(organization, slug) + "releases/", what, per_page=1), list):
            raise self.problem("INCOMPLETE", what, "it is no list")

    def keys(self, organization: str, slug: str) -> list[Key]:
        what = f"the keys of project {organization}/{slug}"
        listed = self._asked(_project(organization, slug) + "keys/", what)
        if not isinstance(listed, list):
            raise self.problem("INCOMPLETE", what, "it is no list")
        found = []
        for one in listed:
            public, number, active = (one.get(n) if isinstance(one, dict) else None for n in _KEY_FIELDS)
            if not isinstance(public, str) or not isinstance(number, int) or not isinstance(active, bool):
                raise self.problem("INCOMPLETE", what, "a key has no public, projectId or isActive")
            found.append(Key(public, number, active))
        return found

    def event(self, organization: str, project: str, event_id: str) -> str | None:
        """Return the slug of the project that an event is stored in, None where it is not (yet) stored.

        Tokens differ in what they may read, and servers in what they have: one of two questions is enough.

        Raises:
            Refused: the token may ask neither, the server has neither, or there is no usable answer.
        """
        missing, denied = False, None
        for way in list(self._ways):
            try:
                return way(organization, project, event_id)
            except Refused as error:
                if error.status == 404 and error.state != NO_API:
                    missing = True
                elif error.status in {401, 403, 404}:
                    self._ways.remove(way)
                    denied = denied or error
                else:
                    raise
        if denied and not missing:
            raise denied
        return None

    def _in_organization(self, organization: str, project: str, event_id: str) -> str:
        what = f"event {event_id[:8]}… of {organization}"
        path = f"organizations/{segment(organization)}/eventids/{event_id}/"
        slug = _text(self._object(path, what), "projectSlug")
        if slug is None:
            raise self.problem("INCOMPLETE", what, f"it has no projectSlug for {project}")
        return clean(slug, _SLUG)

    def _in_project(self, organization: str, project: str, event_id: str) -> str:
        what = f"event {event_id[:8]}… of {organization}/{project}"
        found = self._object(f"{_project(organization, project)}events/{event_id}/", what)
        if str(found.get("eventID") or found.get("id")).replace("-", "") != event_id:
            raise self.problem("INCOMPLETE", what, "it is another event")
        return project

    def _object(self, path: str, what: str) -> dict[str, Any]:
        found = self._asked(path, what)
        if not isinstance(found, dict):
            raise self.problem("INCOMPLETE", what, "it is no object")
        return found

    def _asked(self, path: str, what: str, **query: int) -> Any:
        return self.get_json(f"api/0/{path}", what, **query)

    def problem(self, cause: int | str, what: str, detail: str = "", **facts: Any) -> Refused:
        if cause == "TOO SLOW":
            return Open(
                f"Sentry did not answer all questions within {self._seconds:g} s, {what} is the first that is open",
                f"run again; `[sentry] {self._setting}` in infracheck.toml gives more time",
                state=cause,
            )
        return super().problem(cause, what, detail, **facts)

    def _refused(self, answer: "Answer", what: str) -> Refused:
        body = answer.json()
        said = body if isinstance(body, dict) else {}
        if answer.status == 404 and "detail" not in said:  # Sentry says so in JSON; others have no such path at all
            return Open(
                f"{self._place} does not have this part of Sentry's web API: it cannot tell {what} (404)",
                f"correct {self.service.override} if this is not the server that was meant",
                state=NO_API,
                status=404,
            )
        if answer.status // 100 == 3 and (slug := _new_slug(said)):
            return Refused(
                f"{what} has another slug now: {slug} ({answer.status})",
                f"put {slug} into SENTRY_PROJECT",
                state=RENAMED,
                status=answer.status,
                subject="SENTRY_PROJECT",
            )
        return super()._refused(answer, what)


_KEY_FIELDS: Final = ("public", "projectId", "isActive")


def _project(organization: str, slug: str) -> str:
    return f"projects/{segment(organization)}/{segment(slug)}/"


def _new_slug(body: dict[str, Any]) -> str | None:
    """Return the slug that the answer for a renamed project gives, which is no address to follow."""
    detail = body.get("detail")
    extra = detail.get("extra") if isinstance(detail, dict) else None
    slug = _text(extra, "slug") if isinstance(extra, dict) else _text(body, "slug")
    return clean(slug, _SLUG) if slug else None


def _text(body: dict[str, Any], name: str) -> str | None:
    found = body.get(name)
    return found if isinstance(found, str) and found else None
