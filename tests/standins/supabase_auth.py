"""A stand-in for the auth service of a Supabase project, behind the gateway that asks for the project's key."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from secrets import token_hex
from typing import Any

from tests.hostile import Canned
from tests.standins.server import Route, StandIn, served


class SupabaseAuth(StandIn):
    """The service with one publishable key; `ways` are the enabled ways to sign in. `url` is that of the project."""

    description = "supabase_auth.openapi.yaml"

    def __init__(self, ways: frozenset[str], *, signup: bool) -> None:
        super().__init__(f"sb_publishable_{token_hex(12)}")
        self.ways = ways
        self.signup = signup

    def routes(self) -> list[tuple[str, Route]]:
        return [("/auth/v1/health", lambda _: HEALTH), ("/auth/v1/settings", lambda _: self._settings())]

    def refusal(self, status: int, message: str) -> dict[str, Any]:
        return {"message": message or "refused", "hint": "Double check your API key"}

    def _own(self, path: str, query: dict[str, str], headers: Mapping[str, str]) -> Canned:
        if headers.get("apikey") != self.key:  # httpx sends the name as it was written
            return Canned(401, self.refusal(401, "Invalid API key"))
        if "Authorization" in headers:
            raise ValueError("a publishable key is no token, and none was asked for")
        if not headers.get("User-Agent", "").startswith("infracheck/"):
            raise ValueError("infracheck says who it is")
        return super()._own(path, query, {**headers, "Authorization": f"Bearer {self.key}"})

    def _settings(self) -> dict[str, Any]:
        known = ("email", "phone", "anonymous_users", "github", "google")
        return {
            "external": {name: name in self.ways for name in known},
            "disable_signup": not self.signup,
            "mailer_autoconfirm": False,
            "phone_autoconfirm": False,
            "sms_provider": "twilio",
            "saml_enabled": False,
        }


HEALTH = {
    "version": "v2.196.0",
    "name": "GoTrue",
    "description": "GoTrue is a user registration and authentication API",
}


@contextmanager
def supabase_auth(*ways: str, signup: bool = True) -> Iterator[SupabaseAuth]:
    """Serve the stand-in with these ways to sign in."""
    standin = SupabaseAuth(frozenset(ways), signup=signup)
    with served(standin):
        yield standin
