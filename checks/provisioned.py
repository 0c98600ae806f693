"""What the judges of database-provisioned share: where the connection string leads, the API to ask, the verdict."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infracheck.context import Context
from infracheck.errors import NotApplicable
from infracheck.model import Failed, Finding, Passed, Undecided, Verdict

from .env import set_at

if TYPE_CHECKING:
    from infracheck.clients.pgaddress import Address
    from infracheck.clients.providerapi import ProviderApi
    from infracheck.clients.providercauses import Service

REPRODUCE = "infracheck run --only database-provisioned"


@dataclass(frozen=True, slots=True)
class Target:
    """A connection string: the variable that holds it, the line that sets it, and where it leads."""

    name: str
    where: str | None
    address: "Address"

    @property
    def host(self) -> str:
        return self.address.host.lower().rstrip(".")

    @property
    def variable(self) -> str:
        """The variable as remedies name it."""
        return f"{self.name} ({self.where or 'process environment'})"


@dataclass(slots=True)
class Judgement:
    """Collects what was seen; failures come before waits, and both before a pass."""

    rows: list[Finding] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)  # summary, remedy
    waits: list[str] = field(default_factory=list)

    def present(self, subject: str, note: str = "") -> None:
        self.rows.append(Finding(subject, "PRESENT", note, None, "info"))

    def remark(self, subject: str, state: str, note: str) -> None:
        self.rows.append(Finding(subject, state, note, None, "warn"))

    def fail(self, row: Finding, summary: str, remedy: str) -> None:
        self.rows.append(row)
        self.failures.append((summary, remedy))

    def wait(self, subject: str, state: str, reason: str) -> None:
        self.rows.append(Finding(subject, state, reason))
        self.waits.append(reason)

    def verdict(self, passed: str, provider: str) -> Verdict:
        rows = tuple(self.rows)
        if self.failures:
            summaries, remedies = zip(*self.failures, strict=True)
            return Failed("; ".join(summaries), "; ".join(dict.fromkeys(remedies)), rows, REPRODUCE)
        if self.waits:
            return Undecided("; ".join(self.waits), f"wait until {provider} has finished, then run again", rows)
        return Passed(passed, rows)


def api_of(ctx: Context, service: "Service", *, budget: float | None = None) -> "ProviderApi":
    """Return the API of a provider, asked with the key of the environment.

    Args:
        budget: seconds for all questions together; twice the timeout of one unless given.

    Raises:
        NotApplicable: there is no key.
        ClientError: key or address cannot be used.
    """
    from infracheck.clients.providerapi import ProviderApi

    key = ctx.env[service.key]
    if key.state != "FILLED":
        state = "is not set" if key.state == "MISSING" else "is empty"
        raise NotApplicable(f"{service.key} {state}, so {service.name}'s API cannot be asked")
    timeout = ctx.settings.database.timeout
    base = filled(ctx, service.override)
    return ProviderApi(ctx.http, service, key.value, base=base, timeout=timeout, budget=budget)


def filled(ctx: Context, name: str) -> str | None:
    """Return the text of a variable that is no secret, None where it has none."""
    variable = ctx.env[name]
    return variable.value.reveal().strip() if variable.state == "FILLED" else None


def named(ctx: Context, name: str) -> str:
    """Return a variable with the place that sets it."""
    return f"{name} ({set_at(ctx, name) or 'process environment'})"
