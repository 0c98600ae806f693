"""Asks Neon's management API, through the package neon-api, which projects, branches and endpoints there are.

Of neon-api its session, its request and its header of authorization are used, and none of its typed methods: those
refuse what Neon added later, drop the cursor of a list and know no organisation. A transport below its session gives
it deadlines, bounded repeats and the table of causes. It is imported when it is needed: that takes half a second.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from infracheck.clients.neonshapes import (
    Branch,
    Endpoint,
    Operation,
    Project,
    read_branch,
    read_endpoint,
    read_operation,
    read_project,
    text,
)
from infracheck.clients.providerapi import ProviderApi, segment
from infracheck.clients.providercauses import Refused, Service

if TYPE_CHECKING:
    import requests

    from infracheck.clients.http import Answer

SERVICE: Final = Service(
    name="Neon",
    key="NEON_API_KEY",
    override="NEON_API_HOST",
    base="https://console.neon.tech/api/v2",
    new_key="Neon's console, account or organization settings, API keys",
    may_read="a key of the account or organization that owns the project",
)
PAGE: Final = 100  # projects; an answer holds at most 256 KB
PAGES: Final = 20
SHOWN: Final = 20  # branches and operations
T = TypeVar("T")


class Neon:
    """Neon's API as one key sees it; every method raises Refused where the answer is not what was asked for."""

    def __init__(self, api: ProviderApi) -> None:
        self._api = api
        self._client = _client(api)

    def owner(self) -> str | None:
        """Return the organisation of an organisation's key, None for a person's; valid for every kind of key."""
        what = "the owner of the key"
        try:
            found = self._get("auth", what)
        except Refused as error:
            if error.status == 404:  # every key may ask this, so it is not Neon that was asked
                raise self._api.problem("OTHER SERVICE", what) from None
            raise
        return self._made(found, "account_id", what, str) if found.get("auth_method") == "api_key_org" else None

    def organizations(self) -> list[str]:
        """Return the ids of the organisations that the key belongs to."""
        return self._list("users/me/organizations", "organizations", "the organizations", lambda one: text(one, "id"))

    def project(self, project_id: str) -> Project:
        found = self._get(f"projects/{segment(project_id)}", f"project {project_id}")
        return self._made(found, "project", f"project {project_id}", read_project)

    def projects(self, organization: str | None) -> tuple[list[Project], bool]:
        """Return the projects of an organisation, or of nobody named, and whether these are all."""
        query: dict[str, str | int] = {"limit": PAGE}
        if organization:
            query["org_id"] = organization
        found: list[Project] = []
        for _ in range(PAGES):
            page = self._get("projects", "the projects", **query)
            listed = self._each(page, "projects", "the projects", read_project)
            found += listed
            if page.get("unavailable_project_ids"):
                return found, False
            pagination = page.get("pagination")
            cursor = pagination.get("cursor") if isinstance(pagination, dict) else None
            if len(listed) < PAGE or not isinstance(cursor, str) or cursor == query.get("cursor"):
                return found, True
            query["cursor"] = cursor
        return found, False

    def endpoint(self, project: Project, endpoint_id: str) -> Endpoint:
        what = f"endpoint {endpoint_id}"
        found = self._get(f"projects/{segment(project.id)}/endpoints/{segment(endpoint_id)}", what)
        return self._made(found, "endpoint", what, read_endpoint)

    def branch(self, project: Project, branch_id: str) -> Branch:
        what = f"branch {branch_id}"
        found = self._get(f"projects/{segment(project.id)}/branches/{segment(branch_id)}", what)
        return self._made(found, "branch", what, read_branch)

    def branches(self, project: Project) -> list[Branch]:
        """Return the first branches of a project."""
        path = f"projects/{segment(project.id)}/branches"
        return self._list(path, "branches", f"the branches of {project.name}", read_branch, limit=SHOWN)

    def databases(self, project: Project, branch: Branch) -> list[str]:
        return self._names(project, branch, "databases")

    def roles(self, project: Project, branch: Branch) -> list[str]:
        return self._names(project, branch, "roles")

    def operations(self, project: Project) -> list[Operation]:
        """Return what was last done to a project, and what is being done."""
        path = f"projects/{segment(project.id)}/operations"
        return self._list(path, "operations", f"the operations of {project.name}", read_operation, limit=SHOWN)

    def write(self, method: str, path: str, what: str, body: Any = None) -> dict[str, Any]:
        """Send a writing request; what comes back is empty where Neon says nothing.

        Raises:
            Refused: the status is none of success.
        """
        found = self._client.write(method, path, what, body)
        return found if isinstance(found, dict) else {}

    def read(self, path: str, what: str, **query: str | int) -> dict[str, Any]:
        """Return the object at a path.

        Raises:
            Refused: there is none, or it cannot be had.
        """
        return self._get(path, what, **query)

    def _names(self, project: Project, branch: Branch, kind: str) -> list[str]:
        path = f"projects/{segment(project.id)}/branches/{segment(branch.id)}/{kind}"
        return self._list(path, kind, f"the {kind} of branch {branch.name}", lambda one: text(one, "name"))

    def _list(self, path: str, key: str, what: str, make: Callable[[Any], T], **query: str | int) -> list[T]:
        return self._each(self._get(path, what, **query), key, what, make)

    def _get(self, path: str, what: str, **query: str | int) -> dict[str, Any]:
        found = self._client.read(path, what, query)
        if not isinstance(found, dict):
            raise self._api.problem("INCOMPLETE", what, "not an object")
        return found

    def _each(self, found: Mapping[str, Any], key: str, what: str, make: Callable[[Any], T]) -> list[T]:
        items = found.get(key)
        if not isinstance(items, list):
            raise self._api.problem("INCOMPLETE", what, f"no list `{key}`")
        return [self._made({key: item}, key, what, make) for item in items]

    def _made(self, found: Mapping[str, Any], key: str, what: str, make: Callable[[Any], T]) -> T:
        try:
            return make(found[key])
        except (KeyError, TypeError, AttributeError) as error:
            missing = str(error) if isinstance(error, KeyError) else key
            raise self._api.problem("INCOMPLETE", what, f"no usable {missing.strip(chr(39))}") from None


def _client(api: ProviderApi) -> Any:
    """Return neon-api's client with a transport of our own; the class is made here, since its base is imported here."""
    from neon_api import NeonAPI
    from requests.adapters import BaseAdapter

    class Transport(BaseAdapter):
        """Sends a prepared request through the one HTTP client of the run."""

        what = ""

        def send(self, request: "requests.PreparedRequest", *_: Any, **__: Any) -> "requests.Response":
            url, method = str(request.url), str(request.method)
            if method == "GET":
                return _response(request, api.get(url, self.what))
            body = json.loads(request.body) if request.body else None
            answer = api.send(method, url, self.what, body)
            # neon-api parses every answer, and some of Neon's are empty.
            return _response(request, answer if answer.text.strip() else replace(answer, text="{}"))

        def close(self) -> None:
            pass

    class Client(NeonAPI):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(api.bearer.removeprefix("Bearer "), base_url=f"{api.base}/")  # it only appends
            self._session.trust_env = False  # an entry of ~/.netrc would replace the key
            self._transport = Transport()
            for scheme in ("https://", "http://"):
                self._session.mount(scheme, self._transport)

        def read(self, path: str, what: str, query: Mapping[str, str | int]) -> Any:
            self._transport.what = what
            return self._request("GET", path, params=dict(query), allow_redirects=False)

        def write(self, method: str, path: str, what: str, body: Any) -> Any:
            self._transport.what = what
            return self._request(method, path, json=body, allow_redirects=False)

    return Client()


def _response(request: "requests.PreparedRequest", answer: "Answer") -> "requests.Response":
    """Return an answer in the form that neon-api reads."""
    import io

    import requests

    response = requests.Response()
    response.status_code = answer.status
    response.url, response.request = answer.url, request
    response.headers.update(answer.headers)
    response.raw, response.encoding = io.BytesIO(answer.text.encode()), "utf-8"
    return response
