"""Tells whether a JWT is what the published keys of its service signed, for a user, and still good."""

import base64
import json
from collections.abc import Callable, Mapping
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
        if str(header.get("alg")).startswith("HS"):
            raise NotVerified("signed with a shared secret, of which no key is published")
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
    from cryptography.exceptions import InvalidSignature

    kind = (header.get("alg"), key.get("crv"))
    if kind not in _VERIFY:
        raise NotVerified(f"infracheck checks EdDSA and ES256 signatures only, not {str(kind[0])[:20]}")
    try:
        _VERIFY[kind](key, signature, text.encode())
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _verify_ed25519(key: Mapping[str, Any], signature: bytes, text: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    Ed25519PublicKey.from_public_bytes(_decoded(str(key.get("x")))).verify(signature, text)


def _verify_p256(key: Mapping[str, Any], signature: bytes, text: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    if len(signature) != 64:  # RFC 7518, 3.4: two numbers of 32 bytes
        raise ValueError("no signature of ES256")
    x, y, r, s = (
        int.from_bytes(part) for part in (*(_decoded(str(key.get(n))) for n in "xy"), signature[:32], signature[32:])
    )
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    public.verify(encode_dss_signature(r, s), text, ec.ECDSA(SHA256()))


_VERIFY: Final[Mapping[tuple[Any, Any], Callable[[Mapping[str, Any], bytes, bytes], None]]] = {
    ("EdDSA", "Ed25519"): _verify_ed25519,
    ("ES256", "P-256"): _verify_p256,
}


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
