"""Tells whether a JWT is what the published keys of its service signed, for a user, and still good."""

import base64
import json
from collections.abc import Mapping
from time import time
from typing import Any, Final

LEEWAY: Final = 60  # seconds that two clocks may differ


class NotVerified(Exception):
    """It could not be told here; the text says why."""


def flaw(token: str, keys: Any, user: str) -> str | None:
    """Return what is wrong with a token, None when it holds.

    Args:
        keys: the body of the service's JWKS.
        user: the id that must be its subject.

    Raises:
        NotVerified: signed in a way that cannot be checked here.
    """
    parts = token.split(".")
    try:
        header, payload = (json.loads(_decoded(part)) for part in parts[:2])
        signature = _decoded(parts[2])
        key = next((one for one in keys["keys"] if one.get("kid") == header.get("kid")), None)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return "it is no JWT, or the keys are no JWKS"
    if key is None:
        return "its key is not among the published ones"
    if payload.get("sub") != user:
        return "its subject is another user"
    if not isinstance(payload.get("exp"), int | float) or payload["exp"] < time() - LEEWAY:
        return "it has expired, or never does"
    return None if _signed(key, header, signature, f"{parts[0]}.{parts[1]}") else "its signature is wrong"


def _signed(key: Mapping[str, Any], header: Mapping[str, Any], signature: bytes, text: str) -> bool:
    if header.get("alg") != "EdDSA" or key.get("crv") != "Ed25519":
        raise NotVerified(f"infracheck checks EdDSA signatures only, not {str(header.get('alg'))[:20]}")
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise NotVerified("the package cryptography is not installed beside infracheck") from None
    try:
        Ed25519PublicKey.from_public_bytes(_decoded(str(key.get("x")))).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
