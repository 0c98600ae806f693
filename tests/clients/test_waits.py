"""How long a service wants to be left alone, read out of its headers."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import time

import pytest

from infracheck.clients.waits import asked_wait, in_words, wait_of

SAID = [
    ({}, None),
    ({"retry-after": "7"}, 7),
    ({"retry-after": " 7 "}, 7),
    ({"retry-after": "0"}, 0),
    ({"x-retry-after": "9", "retry-after": "7"}, 9),
    ({"x-retry-after": "soon", "retry-after": "7"}, 7),
    ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
    ({"retry-after": "Wed, 21 Oct 2015 07:28:00"}, 0),
    ({"retry-after": "-3"}, None),
    ({"retry-after": "١٢"}, None),
    ({"retry-after": "9" * 5000}, None),
    ({"retry-after": "Wed, 99 Oct 99999 07:28:00 GMT"}, None),
    ({"ratelimit-reset": "30"}, 30),
    ({"x-ratelimit-reset": "30", "x-ratelimit-remaining": "0"}, 30),
    ({"x-ratelimit-reset": "30", "x-ratelimit-remaining": "17"}, None),
    ({"x-ratelimit-reset": "30", "retry-after": "5"}, 5),
    ({"x-ratelimit-reset": "1000000000"}, 0),
    ({"x-ratelimit-reset": "never"}, None),
    ({"ratelimit": '"default";r=0;t=30'}, 30),
    ({"ratelimit": '"default";r=5;t=30'}, None),
    ({"ratelimit": "limit=100, remaining=0, reset=30"}, 30),
    ({"ratelimit": '"default";t=30'}, None),
]


@pytest.mark.parametrize(("headers", "seconds"), SAID)
def test_the_wait_is_read_from_whatever_header_names_it(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_of(headers) == seconds


def test_a_moment_to_come_is_read_as_the_seconds_until_then() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    for headers in ({"retry-after": date}, {"x-ratelimit-reset": f"{time() + 600:.3f}"}):
        seconds = wait_of(headers)
        assert seconds is not None
        assert 500 < seconds <= 600


def test_a_limit_of_sentry_counts_for_its_own_categories() -> None:
    headers = {"x-sentry-rate-limits": "86400:transaction;span:key, 30:error:project, ::, x:error"}
    assert asked_wait(headers, sentry=frozenset({"error"})) == 30
    assert asked_wait({**headers, "retry-after": "42"}, sentry=frozenset({"error"})) == 42
    assert asked_wait(headers, sentry=frozenset({"feedback"})) is None
    assert asked_wait({"x-sentry-rate-limits": "60::org"}, sentry=frozenset({"error"})) == 60
    assert asked_wait({"ratelimit-reset": "30"}) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "a minute"), (60, "a minute"), (59.5, "a minute"), (1, "1 second"), (0.2, "1 second"), (7, "7 seconds")],
)
def test_it_is_said_in_words(seconds: float | None, words: str) -> None:
    assert in_words(seconds) == words


def test_a_wait_beyond_all_reason_is_not_repeated() -> None:
    assert in_words(1e9) == "a minute"
