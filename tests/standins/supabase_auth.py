"""A stand-in for the auth service of a Supabase project, behind the gateway that asks for the project's key."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from secrets import randbelow, token_bytes, token_hex
from time import time
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.hostile import Canned
from tests.standins.mailpit import Mailpit
from tests.standins.server import Refusal, Route, StandIn, served


class SupabaseAuth(StandIn):
    """The service with two keys; `ways` are the enabled ways to sign in, `url` is that of the project."""

    description = "supabase_auth.openapi.yaml"

    def __init__(self, ways: frozenset[str], *, signup: bool) -> None:
        super().__init__(f"sb_publishable_{token_hex(12)}")
        self.ways = ways
        self.signup = signup
        self.secret = f"sb_secret_{token_hex(12)}"
        self.users: dict[str, dict[str, Any]] = {}
        self.codes: dict[str, str] = {}  # of an address
        self.sessions: dict[str, str] = {}  # access token -> id of its user
        self.signing: EllipticCurvePrivateKey | None = generate_private_key(SECP256R1())
        self.published = True  # whether the signing key is among the published ones
        self.ends = True  # whether logging out ends the session
        self.keeps = False  # whether a deleted user stays
        self.box: Mailpit | None = None  # where its mails go
        self.other = False  # whether a session is another user's
        self.profile: dict[str, Any] = {}  # what the app keeps of a user

    def routes(self) -> list[tuple[str, Route]]:
        return [
            ("/auth/v1/health", lambda _: HEALTH),
            ("/auth/v1/settings", lambda _: self._settings()),
            ("/auth/v1/.well-known/jwks.json", lambda _: {"keys": self._keys()}),
            ("/auth/v1/admin/users", self._listed),
            ("/auth/v1/admin/users/([^/]+)", lambda user, _: self._known(user)),
        ]

    def refusal(self, status: int, message: str) -> dict[str, Any]:
        return {"message": message or "refused", "hint": "Double check your API key"}

    def _own(self, path: str, query: dict[str, str], headers: Mapping[str, str]) -> Canned:
        if refused := self._refused(path, headers):
            return refused
        if path == "/auth/v1/user":
            user = self.users.get(self.sessions.get(_bearer(headers), ""))
            if not user:
                return _error(403, "session_not_found", "Session from session_id claim in JWT does not exist")
            return Canned(200, {**user, "id": "somebody-else"} if self.other else user)
        if "Authorization" in headers:
            raise ValueError("a key of the new kind is no token, and none was asked for")
        return super()._own(path, query, {**headers, "Authorization": f"Bearer {self.key}"})

    def _refused(self, path: str, headers: Mapping[str, str]) -> Canned | None:
        """Return what the gateway answers in the service's place."""
        wanted = self.secret if "/admin/" in path else self.key
        if headers.get("apikey") != wanted:  # httpx sends the name as it was written
            return Canned(401, self.refusal(401, "Invalid API key"))
        if not headers.get("User-Agent", "").startswith("infracheck/"):
            raise ValueError("infracheck says who it is")
        return None

    # -- users, codes and sessions

    def write(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Canned:
        if refused := self._refused(path, headers):
            return refused
        match method, path.removeprefix("/auth/v1"):
            case "post", "/admin/users":
                return Canned(200, self.add(body["email"]))
            case "post", "/admin/generate_link":
                return self._link(body["email"])
            case "post", "/otp":
                return self._mail(body["email"])
            case "post", "/verify":
                return self._verify(body["email"], body["token"])
            case "post", "/logout":
                if self.ends:
                    self.sessions.pop(_bearer(headers), None)
                return Canned(204, "")
            case "delete", other:
                if not self.keeps:
                    self.users.pop(other.rpartition("/")[2], None)
                return Canned(200, {})
        raise ValueError(f"nobody answers {method} {path}")

    def add(self, email: str, *, created: datetime | None = None) -> dict[str, Any]:
        """Return a new user, `created` now."""
        when = (created or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.123456Z")
        user = {"id": str(uuid4()), "aud": "authenticated", "role": "authenticated", "email": email, "created_at": when}
        self.users[user["id"]] = user
        return user

    def _link(self, email: str) -> Canned:
        user = next(one for one in self.users.values() if one["email"] == email)
        code = self.codes[email] = f"{randbelow(10**6):06}"
        token = token_hex(28)
        link = f"{self.url}/auth/v1/verify?token={token}&type=magiclink"
        more = {"action_link": link, "email_otp": code, "hashed_token": token, "verification_type": "magiclink"}
        return Canned(200, {**user, **more, "redirect_to": "http://localhost:3000"})

    def _mail(self, email: str) -> Canned:
        code = self.codes[email] = f"{randbelow(10**6):06}"
        if self.box:
            text = f"Follow this link to login, or enter the code: {code}"
            self.box.send({"To": [{"Email": email}], "Subject": "Your Magic Link", "Text": text})
        return Canned(200, {})

    def _verify(self, email: str, code: str) -> Canned:
        if self.codes.pop(email, None) != code:
            return _error(403, "otp_expired", "Token has expired or is invalid")
        user = next(one for one in self.users.values() if one["email"] == email)
        token = self._token(user["id"])
        self.sessions[token] = user["id"]
        more = {"token_type": "bearer", "expires_in": 3600, "expires_at": int(time()) + 3600}
        user = {**user, "user_metadata": self.profile}
        return Canned(200, {"access_token": token, **more, "refresh_token": token_hex(6), "user": user})

    def _token(self, user: str) -> str:
        header = {"alg": "ES256" if self.signing else "HS256", "kid": "k1", "typ": "JWT"}
        claims = {"sub": user, "exp": int(time()) + 3600, "session_id": str(uuid4())}
        text = ".".join(_url64(json.dumps(part).encode()) for part in (header, claims))
        if not self.signing:
            return f"{text}.{_url64(token_bytes(32))}"
        r, s = decode_dss_signature(self.signing.sign(text.encode(), ECDSA(SHA256())))
        return f"{text}.{_url64(r.to_bytes(32) + s.to_bytes(32))}"

    def _keys(self) -> list[dict[str, Any]]:
        if not (self.signing and self.published):
            return []
        point = self.signing.public_key().public_numbers()
        x, y = (_url64(number.to_bytes(32)) for number in (point.x, point.y))
        more = {"alg": "ES256", "kid": "k1", "use": "sig", "key_ops": ["verify"], "ext": True}
        return [{"kty": "EC", "crv": "P-256", "x": x, "y": y, **more}]

    def _listed(self, query: dict[str, str]) -> dict[str, Any]:
        found = [one for one in self.users.values() if query.get("filter", "") in one["email"]]
        return {"users": found[: int(query.get("per_page", 50))], "aud": "authenticated"}

    def _known(self, user: str) -> dict[str, Any]:
        if user not in self.users:
            raise Refusal(404, "User not found")
        return self.users[user]

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


def _error(status: int, code: str, message: str) -> Canned:
    return Canned(status, {"code": status, "error_code": code, "msg": message})


def _bearer(headers: Mapping[str, str]) -> str:
    return headers.get("Authorization", "").removeprefix("Bearer ")


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


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
