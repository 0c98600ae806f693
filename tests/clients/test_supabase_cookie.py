"""The cookie of a Supabase session, as the real `@supabase/ssr` reads it."""

import time
from typing import Any

import pytest

from infracheck.clients.supabase_cookie import CHUNK, cookies_of
from tests.components.supabase_ssr import session_in

ID = "5f0c1d2e-0000-4000-8000-000000000001"


def session(name: str = "Zoë ☕", **more: Any) -> dict[str, Any]:
    user = {"id": ID, "aud": "authenticated", "email": "a@example.com", "user_metadata": {"name": name}}
    body = {"access_token": "aaa.bbb.ccc", "token_type": "bearer", "refresh_token": "r3fresh", "user": user}
    return {**body, "expires_in": 3600, **more}


def header(pairs: list[tuple[str, str]]) -> str:
    return "; ".join(f"{name}={value}" for name, value in pairs)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://abcdefghijklmnop.supabase.co", "sb-abcdefghijklmnop-auth-token"),
        ("https://API.example.com", "sb-api-auth-token"),
        ("http://localhost:54321", "sb-localhost-auth-token"),
        ("http://127.0.0.1:54321", "sb-127-auth-token"),
    ],
)
def test_a_page_finds_the_session_by_the_first_part_of_the_host(url: str, name: str) -> None:
    pairs = cookies_of(f"{url}/auth/v1", session())
    assert [one for one, _ in pairs] == [name]
    found = session_in(header(pairs), url)
    assert (found["error"], found["written"]) == (None, [])
    assert found["session"]["access_token"] == "aaa.bbb.ccc"
    assert found["session"]["refresh_token"] == "r3fresh"
    assert abs(found["session"]["expires_at"] - time.time() - 3600) < 60


def test_the_page_of_another_project_finds_nobody() -> None:
    pairs = cookies_of("https://abc.supabase.co/auth/v1", session())
    assert session_in(header(pairs), "https://def.supabase.co")["session"] is None


def test_the_end_is_the_one_that_the_service_names() -> None:
    ends = int(time.time()) + 1234
    found = session_in(header(cookies_of("http://localhost:1/auth/v1", session(expires_at=ends))), "http://localhost:1")
    assert found["session"]["expires_at"] == ends


@pytest.mark.parametrize("length", [2000, 9000])
def test_a_long_session_goes_into_several_cookies(length: int) -> None:
    pairs = cookies_of("http://localhost:1/auth/v1", session("ü" * length))
    assert len(pairs) > 1
    assert [name for name, _ in pairs] == [f"sb-localhost-auth-token.{number}" for number in range(len(pairs))]
    assert {len(value) for _, value in pairs[:-1]} == {CHUNK}
    found = session_in(header([("theme", "dark"), *reversed(pairs)]), "http://localhost:1")
    assert found["session"]["refresh_token"] == "r3fresh"
    assert found["written"] == []


def test_the_longest_value_that_goes_into_one() -> None:
    one = session("")
    while len(cookies_of("http://localhost:1/auth/v1", one)) == 1:
        one["user"]["user_metadata"]["name"] += "x"
    pairs = cookies_of("http://localhost:1/auth/v1", one)
    assert len(pairs[0][1]) == CHUNK
    assert session_in(header(pairs), "http://localhost:1")["session"]["access_token"] == "aaa.bbb.ccc"
