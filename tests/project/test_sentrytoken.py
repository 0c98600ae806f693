"""What a token tells of itself, and nothing of its text."""

import base64
import json
import secrets
from typing import Any

import pytest

from infracheck.project.sentrydsn import sdk_view
from infracheck.project.sentrytoken import Token, read_token, region_of_host

HEX = secrets.token_hex(32)
FACTS = {"iat": 1.5, "url": "https://sentry.io", "region_url": "https://de.sentry.io", "org": "acme"}


def org_token(facts: Any = FACTS, random: str | None = None) -> str:
    payload = base64.b64encode(json.dumps(facts).encode()).decode()
    return f"sntrys_{payload}_{random or base64.b64encode(secrets.token_bytes(32)).decode().rstrip('=')}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (org_token(), Token("organisation", "acme", "de")),
        (f" {org_token()}\n", Token("organisation", "acme", "de")),
        (org_token({**FACTS, "region_url": None}), Token("organisation", "acme")),
        (org_token({**FACTS, "region_url": "https://sentry.example.com"}), Token("organisation", "acme")),
        (org_token({**FACTS, "region_url": "https://["}), Token("organisation", "acme")),
        (f"sntryu_{HEX}", Token("user")),
        (f"sntrya_{HEX}", Token("app")),
        (f"sntryi_{HEX}", Token("integration")),
        (HEX, Token("legacy")),
        (HEX[:40], Token("unknown")),
        ("", Token("unknown")),
    ],
)
def test_a_sound_token_tells_kind_organisation_and_region(text: str, expected: Token) -> None:
    assert read_token(text) == expected


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("_YOUR_SENTRY_AUTH_TOKEN_", "dummy", "placeholder"),
        ("YOUR_SENTRY_AUTH_TOKEN", "dummy", "placeholder"),
        (f"'{HEX}'", "unknown", "quotes"),
        (f"{HEX} {HEX}", "unknown", "white space"),
        (f"sntrys_{HEX}", "organisation", "cut off"),
        (f"sntrys_{HEX[:30]}_{HEX}", "organisation", "cannot be decoded"),
        (org_token([1]), "organisation", "cannot be decoded"),
        (org_token({**FACTS, "org": 7}), "organisation", "names no organisation"),
        (org_token({**FACTS, "org": "a\u202eb"}), "organisation", "names no organisation"),
        (org_token(random="short"), "organisation", "43 characters"),
        (org_token() + "_more", "organisation", "43 characters"),
        (f"sntryu_{HEX[:63]}", "user", "64 hexadecimal digits"),
    ],
)
def test_a_damaged_token_says_how_and_quotes_nothing(text: str, kind: str, words: str) -> None:
    token = read_token(text)
    assert token.kind == kind
    assert words in (token.defect or "")
    assert HEX[:20] not in repr(token)
    assert token.called


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("o1.ingest.de.sentry.io", "de"),
        ("o1.ingest.us.sentry.io", "us"),
        ("o1.ingest.sentry.io", "us"),
        ("sentry.io", None),
        ("errors.example.com", None),
    ],
)
def test_a_host_tells_its_region(host: str, region: str | None) -> None:
    assert region_of_host(host) == region


@pytest.mark.parametrize(
    ("dsn", "words"),
    [
        ("", "cannot read it"),
        ("'https://abc@example.com/1'", "cannot read it"),
        ("https://example.com/1", "cannot read it"),
        ("https://a-b@example.com/1", "cannot read it"),
        ("ftp://abc@example.com/1", "drops it"),
        ("https://abc@example.com/web", "drops it"),
        ("https://abc@example.com/1/", "drops it"),
        ("https://abc@example.com/1?x=y", "accepts it"),
        ("https://abc@example.com/1web", "accepts it"),
    ],
)
def test_what_the_sdk_makes_of_a_malformed_dsn(dsn: str, words: str) -> None:
    assert sdk_view(dsn).startswith(words)
