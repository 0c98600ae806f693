"""Asks the auth service of a Supabase project, with whichever of its two keys a path wants."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infracheck.clients.otpcauses import NoLogin
from infracheck.clients.supabase_causes import explain
from infracheck.secret import Secret

if TYPE_CHECKING:
    from infracheck.clients.http import Answer, Http


@dataclass(frozen=True, slots=True)
class Project:
    """A project's auth service: base URL, publishable and secret key, the secret's variable, seconds for a request."""

    base: str
    key: Secret
    secret: Secret
    secret_name: str
    timeout: float


class Api:
    """The auth service of one project."""

    def __init__(self, http: "Http", project: Project) -> None:
        self._http = http
        self.project = project

    def ask(self, method: str, path: str, *, bearer: str = "", json: Any = None) -> "Answer":
        """Return the answer to a request of the app, or of whoever holds the secret key.

        Raises:
            ClientError: there was no answer.
        """
        key = (self.project.secret if path.startswith("/admin/") else self.project.key).reveal().strip()
        # A key of the new kind is no token; an old one is, and the service itself looks at it there.
        token = bearer or (key if path.startswith("/admin/") and key.startswith("eyJ") else "")
        headers = {
            "Accept": "application/json",
            "apikey": key,
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        url, timeout = self.project.base + path, self.project.timeout
        return self._http.request(method, url, timeout=timeout, headers=headers, json=json)

    def problem(self, cause: str, answer: "Answer", path: str, said: str = "") -> NoLogin:
        """Return the exception for a cause."""
        return explain(cause, answer, path=path, secret=self.project.secret_name, said=said)


def text_of(answer: "Answer", name: str) -> str:
    """Return a text of the answer's object, empty where there is none."""
    body = answer.json()
    found = body.get(name) if isinstance(body, dict) else None
    return found if isinstance(found, str) else ""
