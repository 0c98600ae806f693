"""No secret shows: the type, and the border."""

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from infracheck.secret import MASK, Scrubber, Secret, clean

CANARY = "hunter2-" + "canary"  # not a secret: made of two words so that nobody takes it for one


def scrubber(name: str, value: str) -> Scrubber:
    scrub = Scrubber()
    scrub.learn(name, Secret(value))
    return scrub


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        format,
        "{}".format,
        lambda s: f"{s!r:>20}",
        lambda s: f"{s:>30}",
        lambda s: str([s]),
        lambda s: f"{[s]}",
    ],
)
def test_a_secret_never_shows(show: Callable[[Secret], str]) -> None:
    assert CANARY not in show(Secret(CANARY))


@pytest.mark.parametrize("leak", [pickle.dumps, json.dumps, copy.copy, copy.deepcopy, hash])
def test_a_secret_is_not_serialised(leak: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        leak(Secret(CANARY))


def test_only_reveal_returns_the_text() -> None:
    assert Secret(CANARY).reveal() == CANARY
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != CANARY


@pytest.mark.parametrize(
    ("name", "value", "leak"),
    [
        ("API_KEY", CANARY, f"wrong key {CANARY}!"),
        ("DATABASE_URL", f"postgresql://u:{CANARY}@h/db", f'missing "=" after "postgresql://u:{CANARY}@h/db"'),
        ("DATABASE_URL", f"postgres//u:{CANARY}@h/db", f'missing "=" after "postgres//u:{CANARY}@h/db"'),
        ("DATABASE_URL", f"u:{CANARY}@h/db", f"cannot read {CANARY}"),
        ("DATABASE_URL", "postgresql://u:p%40ssw%rd@h/db", 'invalid percent-encoded token: "p%40ssw%rd"'),
        ("DATABASE_URL", "postgresql://u:p%40ss%2Fw@h/db", "password p@ss/w is wrong"),
        ("DATABASE_URL", "postgresql://u:abc@h/db", "password abc is wrong"),
        ("DATABASE_URL", "postgresql://u:p@ss/w@h/db", "password p@ss/w is wrong"),
        ("DATABASE_URL", "host=h user=u password=abcdef dbname=d", "password abcdef is wrong"),
        ("HOOK", f"https://api.example/?token={CANARY}", f"for url https://api.example/?token={CANARY}"),
        ("HOOK", f"https://api.example/?token={CANARY}", f"token was {CANARY}"),
        (
            "SLACK_WEBHOOK_URL",
            f"https://hooks.example/services/T0/B0/{CANARY}",
            f"T0/B0/{CANARY} answered 404",
        ),
        ("PRIVATE_KEY", f"-----BEGIN-----\n{CANARY * 3}\n-----END-----", f"bad line {CANARY * 3}"),
    ],
)
def test_the_border_masks_what_others_quote(name: str, value: str, leak: str) -> None:
    shown = scrubber(name, value)(leak)
    assert MASK in shown
    for part in (CANARY, value, "p@ss/w", "p%40ss"):
        assert part not in shown


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("PORT", "3000", "port 3000 is taken"),
        ("DEBUG", "true", "it is true"),
        ("MODE", "development", "the development server"),
        ("APP_URL", "http://localhost:3000", "http://localhost:3000/ answers 500"),
        ("NEON_AUTH_BASE_URL", "http://localhost:3100/neondb/auth", "http://localhost:3100/neondb/auth/ok answers 404"),
        ("NEXT_PUBLIC_NAME", "My lovely app", "the page says My lovely app"),
        ("SHORT", "users", "table users is missing"),
        (
            "DATABASE_URL",
            "postgresql://postgres:postgres@localhost/app",
            "PostgreSQL 18.6 answers as postgres@localhost",
        ),
        ("DATABASE_URL", "postgresql://app:notes@localhost/notes", "public.notes is missing"),
        ("DATABASE_URL", "postgresql://u:p@ss@h/db", "the password of u is wrong"),
    ],
)
def test_what_is_no_secret_stays_readable(name: str, value: str, text: str) -> None:
    assert scrubber(name, value)(text) == text


def test_a_long_secret_is_masked_before_it_is_clipped() -> None:
    secret = CANARY * 300
    shown = scrubber("API_KEY", secret)(f"{secret} {'x' * 5000}")
    assert shown.startswith(MASK)
    assert CANARY not in shown
    assert len(shown) <= 2000


def test_what_is_left_of_a_clipped_secret_is_masked() -> None:
    value = f"{CANARY} with three more words"
    scrub = scrubber("API_KEY", value)
    assert scrub(f"started with {value[:20]}… and more") == f"started with {MASK}… and more"
    assert scrub("hunters… are others") == "hunters… are others"


def test_text_from_outside_is_cleaned() -> None:
    assert clean("\x1b[31mred\x1b[0m \x1b]0;title\x07\u202eevil\x00\tok\r\nnext") == "red evil\tok\nnext"
    assert len(clean("x" * 10_000, 100)) == 100
