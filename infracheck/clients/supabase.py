"""Asks Supabase's management API for one project: its state, its pooler and the health of its database."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from infracheck.clients.providerapi import ProviderApi, segment
from infracheck.clients.providercauses import Service
from infracheck.errors import ClientError
from infracheck.secret import Secret, clean

SERVICE: Final = Service(
    name="Supabase",
    key="SUPABASE_ACCESS_TOKEN",
    override="SUPABASE_API_URL",
    base="https://api.supabase.com",
    new_key="Supabase's dashboard, account, access tokens",
    may_read="a token of a member of the project's organization",
)
POOLER: Final = re.compile(r"[a-z0-9-]+\.pooler\.supabase\.com")
DIRECT: Final = re.compile(r"db\.([a-z0-9]{1,40})\.supabase\.co")
_USER: Final = re.compile(r"[^.]+\.([a-z0-9]{1,40})(?:-[a-z0-9-]+)?")  # a read replica's user names it behind the ref
_OPTION: Final = re.compile(r"reference=([a-z0-9]{1,40})")
_TEXT: Final = 200  # characters of a text from outside
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Project:
    """A project; `status` is a word that Supabase may add to, `host` its database's own name."""

    ref: str
    name: str
    region: str
    status: str
    host: str
    version: str


@dataclass(frozen=True, slots=True)
class Pooler:
    """One way in through the shared pooler; `kind` is PRIMARY or READ_REPLICA."""

    host: str
    port: int
    user: str
    kind: str


@dataclass(frozen=True, slots=True)
class Health:
    """What Supabase finds when it looks at a service of the project."""

    status: str
    error: str


class Supabase:
    """Supabase's API as one token sees it; every method raises Refused where the answer is not what was asked for."""

    def __init__(self, api: ProviderApi) -> None:
        self._api = api

    def project(self, ref: str) -> Project:
        what = f"project {ref}"
        return self._made(self._api.get_json(f"v1/projects/{segment(ref)}", what), what, _project)

    def poolers(self, ref: str) -> list[Pooler]:
        what = f"the pooler of project {ref}"
        found = self._api.get_json(f"v1/projects/{segment(ref)}/config/database/pooler", what)
        return [self._made(one, what, _pooler) for one in self._listed(found, what)]

    def keys(self, ref: str) -> dict[str, Secret]:
        """Return the keys of a project's API by kind: publishable, secret, and the old anon and service_role."""
        what = f"the keys of project {ref}"
        found = self._api.get_json(f"v1/projects/{segment(ref)}/api-keys", what, reveal="true")
        keys: dict[str, Secret] = {}
        for one in self._listed(found, what):
            kind, name, key = (one.get(part) if isinstance(one, dict) else None for part in ("type", "name", "api_key"))
            if isinstance(key, str) and key:
                keys.setdefault(str(name if kind == "legacy" else kind), Secret(key))
        return keys

    def health(self, ref: str) -> Health | None:
        """Return the health of the database, None where Supabase does not tell of it."""
        what = f"the health of project {ref}"
        found = self._api.get_json(f"v1/projects/{segment(ref)}/health", what, services="db")
        named = [one for one in self._listed(found, what) if isinstance(one, dict) and one.get("name") == "db"]
        return self._made(named[0], what, _health) if named else None

    def _listed(self, found: Any, what: str) -> list[Any]:
        if not isinstance(found, list):
            raise self._api.problem("INCOMPLETE", what, "not a list")
        return found

    def _made(self, found: Any, what: str, make: Callable[[Any], T]) -> T:
        try:
            return make(found)
        except KeyError as error:
            raise self._api.problem("INCOMPLETE", what, f"no usable {error.args[0]}") from None
        except TypeError:
            raise self._api.problem("INCOMPLETE", what, "not an object") from None


def ref_of(host: str, user: str | None, options: str) -> str | None:
    """Return the ref of the project that a connection string means, None where it is no address of Supabase.

    Raises:
        ClientError: it leads to the pooler and does not say whose.
    """
    if direct := DIRECT.fullmatch(host):
        return direct[1]
    if not POOLER.fullmatch(host):
        return None
    named = _USER.fullmatch(user or "") or _OPTION.search(options)
    if named is None:
        raise ClientError(
            f"the user {user or 'of the connection string'} names no project, and the pooler {host} serves many",
            "copy the pooler's connection string from Supabase (Connect): its user is postgres.PROJECT-REF",
        )
    return named[1]


def _project(found: Any) -> Project:
    database = found["database"]
    return Project(
        _text(found, "ref"),
        _text(found, "name"),
        _text(found, "region"),
        _text(found, "status"),
        _text(database, "host").lower(),
        _text(database, "version"),
    )


def _pooler(found: Any) -> Pooler:
    port = found["db_port"]
    if not isinstance(port, int):
        raise KeyError("db_port")
    return Pooler(_text(found, "db_host").lower(), port, _text(found, "db_user"), _text(found, "database_type"))


def _health(found: Any) -> Health:
    error = found.get("error")
    return Health(_text(found, "status"), clean(error, _TEXT) if isinstance(error, str) else "")


def _text(found: Any, key: str) -> str:
    value = found[key]
    if not isinstance(value, str):
        raise KeyError(key)
    return clean(value, _TEXT)
