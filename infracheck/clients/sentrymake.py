"""Makes what is missing at Sentry: team, project and client key; what is there already is taken.

Source: Sentry's web API (OpenAPI of getsentry/sentry): 409 means that the slug is taken.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from infracheck.clients.providerapi import segment
from infracheck.clients.providercauses import Refused
from infracheck.clients.sentryapi import SentryApi
from infracheck.errors import ClientError, Unclear
from infracheck.secret import Secret

MAY_MAKE: Final = frozenset({"project:write", "project:admin", "org:write", "org:admin"})
PLATFORMS: Final = {"next": "javascript-nextjs", "vite": "javascript-react", "nuxt": "javascript-nuxt"}


@dataclass(frozen=True, slots=True)
class SentryProject:
    """A project and the DSN of its active key."""

    slug: str
    dsn: Secret = field(repr=False)
    new: bool


class SentryMaker:
    """Makes things with one token; every method raises Refused where Sentry does not do what was asked."""

    def __init__(self, api: SentryApi) -> None:
        self._api = api

    def has(self, organization: str, slug: str) -> bool:
        """Tell whether the project exists."""
        try:
            self._api.project(organization, slug)
        except Refused as error:
            if error.status == 404:
                return False
            raise
        return True

    def team(self, organization: str, wanted: str | None, slug: str) -> str:
        """Return the team for a new project: the wanted one, the only one, the one of this name, else a new one.

        Raises:
            ClientError: there are several, and nothing says which.
        """
        what = f"the teams of {organization}"
        listed = self._api.get_json(f"api/0/organizations/{segment(organization)}/teams/", what, detailed=0)
        rows = listed if isinstance(listed, list) else []
        names = [str(one["slug"]) for one in rows if isinstance(one, dict) and "slug" in one]
        if wanted in names or (wanted is None and slug in names):
            return wanted or slug
        if wanted is None and len(names) == 1:
            return names[0]
        if wanted is None and names:
            raise ClientError(
                f"{organization} has several teams: {', '.join(sorted(names)[:8])}",
                "name the one that the project belongs to: `[provision] sentry_team` in infracheck.toml",
            )
        return self._create_team(organization, wanted or slug)

    def _create_team(self, organization: str, slug: str) -> str:
        path = f"api/0/organizations/{segment(organization)}/teams/"
        self._post(path, f"a new team {slug}", {"slug": slug, "name": slug}, taken=True)
        return slug

    def create(self, organization: str, team: str, slug: str, platform: str) -> bool:
        """Create a project; return False where its slug is taken already."""
        body = {"name": slug[:50], "slug": slug, "platform": platform, "default_rules": True}
        path = f"api/0/teams/{segment(organization)}/{segment(team)}/projects/"
        return self._post(path, f"a new project {slug}", body, taken=True)

    def dsn(self, organization: str, slug: str) -> Secret:
        """Return the DSN of the project's active key; makes a key where there is none."""
        path, what = f"api/0/projects/{segment(organization)}/{segment(slug)}/keys/", f"the keys of {slug}"
        if not (found := _active(self._api.get_json(path, what))):
            self._post(path, f"a new key of {slug}", {"name": "Default"}, taken=False)
            found = _active(self._api.get_json(path, what))
        if not found:
            raise Unclear(f"Sentry shows no client key of {slug}", "look at the project's settings, Client Keys (DSN)")
        return Secret(found)

    def _post(self, path: str, what: str, body: dict[str, Any], *, taken: bool) -> bool:
        try:
            self._api.send("POST", f"{self._api.base}/{path}", what, body)
        except Refused as error:
            if taken and error.status == 409:
                return False
            raise
        return True


def _active(listed: Any) -> str | None:
    for one in listed if isinstance(listed, list) else ():
        dsn = one.get("dsn") if isinstance(one, dict) and one.get("isActive") is True else None
        public = dsn.get("public") if isinstance(dsn, dict) else None
        if isinstance(public, str) and public:
            return public
    return None
