"""What Neon's management API tells of projects, branches and endpoints, as far as infracheck reads it.

States and kinds are open: Neon adds words to them, and no new one may break a reader. A field that is missing raises
KeyError or TypeError with its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from infracheck.secret import clean

NAME: Final = 200  # characters of a name from outside


@dataclass(frozen=True, slots=True)
class Project:
    """A project; `proxy_host` is what the host names of its endpoints end in."""

    id: str
    name: str
    region: str
    version: str
    proxy_host: str
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A compute with its host name; `state` and `type` are words that Neon may add to."""

    id: str
    host: str
    branch_id: str
    type: str
    state: str
    disabled: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch; `expires` is when Neon deletes it by itself."""

    id: str
    name: str
    default: bool
    protected: bool
    state: str
    expires: datetime | None

    def __str__(self) -> str:
        return f"{self.name} (default)" if self.default else self.name


@dataclass(frozen=True, slots=True)
class Operation:
    """What Neon does, or did, to a branch."""

    branch_id: str
    action: str
    status: str
    id: str = ""


def text(found: Mapping[str, Any], key: str) -> str:
    value = found[key]
    if not isinstance(value, str | int):
        raise KeyError(key)
    return clean(str(value), NAME)


def read_project(found: Mapping[str, Any]) -> Project:
    created = found.get("created_at")
    one, name, region, version, host = (text(found, k) for k in ("id", "name", "region_id", "pg_version", "proxy_host"))
    return Project(one, name, region, version, host, _time(created) if isinstance(created, str) else None)


def read_endpoint(found: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        text(found, "id"),
        text(found, "host").lower(),
        text(found, "branch_id"),
        text(found, "type"),
        text(found, "current_state"),
        found["disabled"] is True,
    )


def read_branch(found: Mapping[str, Any]) -> Branch:
    expires = found.get("expires_at")
    return Branch(
        text(found, "id"),
        text(found, "name"),
        found.get("default") is True,
        found.get("protected") is True,
        text(found, "current_state"),
        _time(expires) if isinstance(expires, str) else None,
    )


def _time(written: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(written)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def read_operation(found: Mapping[str, Any]) -> Operation:
    branch = found.get("branch_id")
    return Operation(
        branch if isinstance(branch, str) else "", text(found, "action"), text(found, "status"), text(found, "id")
    )
