"""The login by one-time password against a real Better Auth: what it leaves, what it removes, and two sessions."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infracheck.clients import otptables
from infracheck.clients.http import Answer, Http
from infracheck.clients.mailpit import Mailpit
from infracheck.clients.otp import Login
from infracheck.clients.otpcauses import LoginUnclear
from infracheck.clients.otpproof import Step, prove
from infracheck.clients.otpshapes import Service, cookies, hashed
from infracheck.clients.otpstore import Store, new_address
from infracheck.clients.otptoken import NotVerified, flaw
from infracheck.errors import Unavailable
from infracheck.secret import Secret
from tests.components import next_notes
from tests.components.better_auth import better_auth
from tests.standins.mailpit import mailpit

TABLES = ("user", "session", "account", "verification", "jwks", "notes")


def run(database: str, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        cursor = connection.execute(sql.encode(), params or None)
        return cursor.fetchall() if cursor.description else []


def rows(database: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    return {name: run(database, f'SELECT * FROM "{name}" ORDER BY 1') for name in TABLES}


def add_user(database: str, email: str, age: str = "0 s", *, proven: bool = True) -> None:
    """Put in a user with a session and a code, as a login that was cut off leaves them.

    The code is still good: Better Auth removes expired ones by itself.
    """
    user = secrets.token_hex(8)
    when = f"now() - interval '{age}'"
    insert = f'INSERT INTO "user" (id, name, email, "emailVerified", "createdAt") VALUES (%s, \'\', %s, %s, {when})'
    run(database, insert, user, email, proven)
    session = f"INSERT INTO \"session\" VALUES (%s, now() + interval '1 h', %s, {when}, {when}, NULL, NULL, %s)"
    run(database, session, secrets.token_hex(8), secrets.token_hex(8), user)
    code = f"INSERT INTO verification VALUES (%s, %s, '000000:0', now() + interval '1 h', {when}, {when})"
    run(database, code, secrets.token_hex(8), f"sign-in-otp-{email}")


@contextmanager
def served(folder: Path, database: str, **choice: Any) -> Iterator[str]:
    """Run a real Better Auth with its tables."""
    (folder / "auth").mkdir()
    run(database, next_notes.SCHEMA.read_text(encoding="utf-8"))
    with better_auth(
        folder / "auth",
        database_url=database,
        secret=secrets.token_hex(16),
        app_origin="http://localhost:1",
        **choice,
    ) as base:
        yield base


@contextmanager
def login_at(base: str, database: str, email: str | None = None) -> Iterator[Login]:
    http = Http()
    store = Store.open(Secret(database), timeout=5, tell=lambda _: None, neon=False)
    login = Login(http, store, Service(base, "http://localhost:1", neon=False, timeout=10), email=email)
    try:
        yield login
    finally:
        login.close()
        http.close()


def session_of(base: str, cookie: str) -> Any:
    http = Http()
    answer = http.request("GET", f"{base}/get-session", timeout=10, headers={"Cookie": cookie})
    http.close()
    return answer.json()


def test_a_hundred_logins_leave_exactly_the_rows_that_were_there(tmp_path: Path, database: str) -> None:
    with served(tmp_path, database) as base:
        add_user(database, "somebody@example.com")
        before = rows(database)
        with login_at(base, database) as login:
            for _ in range(100):
                email = new_address()
                login.sign_in(email)
                login.remove(email)
            assert rows(database) == before
            steps: list[Step] = []
            prove(login, steps)
        assert rows(database) == before  # the key that the service made for /token is gone, too
    assert [step.state for step in steps] == ["SIGNED IN", "SIGNED IN", "VERIFIED", "SIGNED OUT", "REMOVED"]


def test_two_sessions_of_two_users_stay_open_until_the_end(tmp_path: Path, database: str) -> None:
    with served(tmp_path, database) as base:
        before = rows(database)
        with login_at(base, database) as login:
            assert rows(database) == before  # nothing happens before somebody asks
            user, other = login.user, login.other
            assert user.email != other.email
            assert login.user is user
            assert session_of(base, user.cookie)["user"]["email"] == user.email
            assert session_of(base, other.cookie)["user"]["email"] == other.email
            assert user.cookie not in repr(user)
            prove(login, [])
            assert session_of(base, user.cookie)["user"]["email"] == user.email
        assert rows(database) == before
        assert session_of(base, user.cookie) is None
        with pytest.raises(Unavailable):
            login.sign_in(new_address())


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path: Path, database: str) -> None:
    with served(tmp_path, database) as base:
        near = new_address()
        kept = (
            "somebody@example.com",
            f"infracheck+{secrets.token_hex(16)}@example.com",
            f"x{new_address()}",
            new_address().replace("infracheck+", "infracheck+x"),
            f"infracheck+{'a' * 31}@infracheck.example",
            new_address().replace(".example", "xexample"),
        )
        for email in kept:
            add_user(database, email, "1 day")
        add_user(database, near, "1 minute")  # of a run that still goes on
        before = rows(database)
        add_user(database, new_address(), "16 minutes")
        add_user(database, new_address(), "3 days")
        orphan = (
            "INSERT INTO verification VALUES ('x', %s, '1:0', now() + interval '1 h', now() - interval '1 h', now())"
        )
        run(database, orphan, f"sign-in-otp-{new_address()}")
        with login_at(base, database) as login:
            steps: list[Step] = []
            prove(login, steps)
        assert rows(database) == before
    assert steps[0] == Step("earlier runs", "REMOVED", "2 of their users")


def test_a_user_who_was_there_before_keeps_all_but_our_session(tmp_path: Path, database: str) -> None:
    with served(tmp_path, database) as base:
        add_user(database, "qa@example.com")
        run(database, "DELETE FROM verification")
        before = rows(database)
        with login_at(base, database, email="QA@example.com") as login:
            prove(login, [])
            assert login.user.email == "qa@example.com"
        assert rows(database) == before


def test_the_form_of_the_codes_is_found_once(tmp_path: Path, database: str) -> None:
    with served(tmp_path, database, storeOTP="hashed", rateLimit=True) as base, login_at(base, database) as login:
        assert login.user.email != login.other.email  # three requests, and the service takes three in a minute
        assert login.form == "hashed"


def test_a_known_form_saves_a_request(tmp_path: Path, database: str) -> None:
    with served(tmp_path, database, storeOTP="hashed") as base:
        add_user(database, "somebody@example.com")
        run(database, "UPDATE verification SET value = %s", f"{hashed('123456')}:0")
        with login_at(base, database) as login:
            assert login.store.shape() == "hashed"
            prove(login, [])


def test_the_tables_of_an_orm_are_found_too(database: str) -> None:
    """Drizzle and Prisma name columns in their own way; ids may be uuid or numbers that fill themselves."""
    run(
        database,
        """
        CREATE SCHEMA auth_own;
        CREATE TABLE auth_own.users (id uuid PRIMARY KEY, email text, email_verified boolean, created_at timestamp);
        CREATE TABLE auth_own.sessions (id uuid PRIMARY KEY, user_id uuid, token text);
        CREATE TABLE auth_own.verifications (id int GENERATED ALWAYS AS IDENTITY, identifier text, value text,
            expires_at timestamp NOT NULL, created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
        CREATE TABLE public.users (id int, email text);
        """,
    )
    store = Store.open(Secret(database), timeout=5, tell=lambda _: None, neon=False)
    try:
        assert {name: str(table) for name, table in (store.tables or {}).items()} == {
            "user": "auth_own.users",
            "session": "auth_own.sessions",
            "verification": "auth_own.verifications",
        }
        address = new_address()
        planted = store.plant(address, "123456")
        assert store.fate(planted) == "untouched"
        ahead = "SELECT expires_at > now() AT TIME ZONE 'utc' FROM auth_own.verifications"
        assert run(database, ahead) == [(True,)]
        assert store.sweep() == 0
        store.remove([address], [planted], [])
        assert store.counts() == {"user": 0, "session": 0, "verification": 0}
    finally:
        store.close()


def column(schema: str, table: str, name: str) -> dict[str, Any]:
    return {"schema": schema, "table": table, "name": name, "type": "text", "preset": False}


def test_neon_has_a_schema_of_its_own() -> None:
    columns = [
        column(schema, table, name)
        for schema in ("public", "neon_auth")
        for table, names in otptables.NEEDED.items()
        for name in names
    ]
    for neon, schema in ((True, "neon_auth"), (False, "public")):
        tables = otptables.choose(columns, ["public"], neon=neon)
        assert tables
        assert tables["user"].schema == schema
    assert otptables.choose(columns[:-1], [], neon=True)
    assert otptables.choose([], ["public"], neon=True) is None


@pytest.mark.parametrize(
    ("mail", "code"),
    [
        ({"Text": "Your code is 048213."}, "048213"),
        ({"Text": "Order 12345678901\n4821\n"}, "4821"),
        ({"Text": "© 2026 Acme: 048213"}, "048213"),
        ({"HTML": "<style>p {color: #123456}</style><p>Code:<b>048213</b></p>"}, "048213"),
        ({"Text": "Click https://example.com/sign-in?t=ab12345"}, None),
    ],
)
def test_a_code_is_found_in_a_mail(mail: dict[str, str], code: str | None) -> None:
    http = Http()
    with mailpit() as box:
        reader = Mailpit(http, f"{box.url}/", timeout=5)

        def send() -> None:
            box.send({"To": [{"Email": "qa+1@example.com"}], "Subject": "Your code", **mail})

        if code is None:
            with pytest.raises(LoginUnclear, match="shows no number of 4 to 10 digits"):
                reader.code_after(send, "qa+1@example.com")
        else:
            assert reader.code_after(send, "qa+1@example.com") == code
        assert not box.mails
    http.close()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("a.session_token=x.y%3D; Path=/; HttpOnly", [("a.session_token", "x.y%3D")]),
        (
            "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/, __Secure-b.session_token=2; Secure",
            [("a", "1"), ("__Secure-b.session_token", "2")],
        ),
        ("a=; Max-Age=0", []),
    ],
)
def test_cookies_are_read_from_a_joined_header(header: str, found: list[tuple[str, str]]) -> None:
    assert cookies(Answer(200, {"set-cookie": header}, "", 0.0, "http://localhost")) == found


def test_a_token_that_does_not_hold_is_told(tmp_path: Path, database: str) -> None:
    with served(tmp_path, database) as base, login_at(base, database) as login:
        user = login.user
        token = login.ask("GET", "/token", user.cookie).json()["token"]
        keys = login.ask("GET", "/jwks").json()
    head, payload, signature = token.split(".")
    assert flaw(token, keys, user.user_id) is None
    assert flaw(token, keys, "another") == "its subject is another user"
    assert flaw(token, {"keys": []}, user.user_id) == "its key is not among the published ones"
    assert flaw(token, None, user.user_id) == "it is no JWT, or the keys are no JWKS"
    assert flaw("a.b", keys, user.user_id) == "it is no JWT, or the keys are no JWKS"
    turned = signature[:-8] + signature[:8]
    assert flaw(f"{head}.{payload}.{turned}", keys, user.user_id) == "its signature is wrong"
    other = {"keys": [{**keys["keys"][0], "crv": "P-256"}]}
    with pytest.raises(NotVerified, match="EdDSA and ES256 signatures only"):
        flaw(token, other, user.user_id)
