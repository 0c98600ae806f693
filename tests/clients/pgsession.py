"""Opening sessions in tests, rightly and wrongly, and roles to open them as."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import monotonic, sleep
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from infracheck.clients.pgrefusal import NoSession, SessionUnclear
from infracheck.clients.postgres import Database
from infracheck.errors import Unclear
from infracheck.secret import Secret

CANARY = f"canary{secrets.token_hex(8)}"


def opened(url: str, timeout: float = 5.0) -> "closing[Database]":
    return closing(Database.open(Secret(url), timeout=timeout))


def refusal(url: str, timeout: float = 2.0) -> NoSession:
    with pytest.raises(NoSession) as caught:
        Database.open(Secret(url), timeout=timeout)
    error = caught.value
    shown = f"{error.summary} {error.remedy} {error.reproduce} {error.__cause__}"
    assert CANARY not in shown
    assert error.__suppress_context__ or error.__context__ is None  # psycopg quotes the connection string
    assert isinstance(error, Unclear) == isinstance(error, SessionUnclear)
    return error


def with_port(url: str, port: int) -> str:
    return url.replace(f":{urlsplit(url).port}/", f":{port}/")


@contextmanager
def role(url: str, password: str, options: str = "LOGIN") -> Iterator[str]:
    """Yield a role of that password."""
    name = f"r_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as owner:
        create = sql.SQL("CREATE ROLE {} {} PASSWORD {}")
        owner.execute(create.format(sql.Identifier(name), sql.SQL(options), sql.Literal(password)))
        try:
            yield name
        finally:
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def url_of(url: str, user: str, password: str, path: str | None = None) -> str:
    parts = urlsplit(url)
    return f"postgresql://{user}:{password}@{parts.hostname}:{parts.port}{path or parts.path}"


def with_path(url: str, path: str) -> str:
    return url.replace(urlsplit(url).path, path)


def await_equal(ask: Callable[[], object], wanted: object, seconds: float = 10.0) -> None:
    deadline = monotonic() + seconds
    while ask() != wanted:
        assert monotonic() < deadline, f"not {wanted} within {seconds} s"
        sleep(0.02)
