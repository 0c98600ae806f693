"""Connection strings as people have them: what is read, what is left out, what is refused without being shown."""

from urllib.parse import quote

import pytest

from infracheck.clients import pgaddress
from infracheck.clients.pgrefusal import NoSession
from infracheck.secret import Secret
from tests.clients.pgsession import CANARY, opened, refusal, role, url_of


def test_parameters_of_other_tools_are_left_out_and_named(database: str) -> None:
    query = "?schema=public&pgbouncer=true&connection_limit=1&pool_timeout=0&sslaccept=strict&connect_timeout=0"
    with opened(database + query) as session:
        assert session.removed == ("schema", "pgbouncer", "connection_limit", "pool_timeout", "sslaccept")
        assert session.query("SELECT 1 AS one") == [{"one": 1}]


def test_parameters_that_postgres_knows_are_kept(database: str) -> None:
    with opened(database + "?options=-c%20search_path%3Dpg_temp,public&application_name=mine") as session:
        [told] = session.query("SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path'")
        assert told == {"reset_val": "pg_temp,public"}


@pytest.mark.parametrize("scheme", ["postgres://", "postgresql://", "POSTGRESQL://", "postgresql+asyncpg://"])
def test_the_usual_schemes_are_read(database: str, scheme: str) -> None:
    with opened(database.replace("postgresql://", scheme)) as session:
        assert session.removed == (("+asyncpg",) if "+" in scheme else ())


@pytest.mark.parametrize(
    "special", ["@", ":", "/", "#", "?", "%", "&", "=", "+", "'", '"', "\\", "é", "[", "]", "$", "!"]
)
def test_an_encoded_password_may_hold_anything(database: str, special: str) -> None:
    password = f"a{special}b{CANARY}{special}"
    with role(database, password) as name, opened(url_of(database, name, quote(password, safe=""))) as session:
        assert session.user == name
        assert session.unescaped == ()


@pytest.mark.parametrize(("special", "warned"), [("@", ("@",)), ("%", ("%",)), (":", ()), ("+", ()), ("$", ())])
def test_a_bare_character_that_node_takes_is_taken(database: str, special: str, warned: tuple[str, ...]) -> None:
    password = f"x{special}y{CANARY}"
    with role(database, password) as name, opened(url_of(database, name, password)) as session:
        assert (session.user, session.unescaped) == (name, warned)


@pytest.mark.parametrize("special", ["/", "#", "?"])
def test_a_bare_character_that_cuts_the_url_is_named_without_the_password(database: str, special: str) -> None:
    error = refusal(url_of(database, "app", f"12{special}{CANARY}"))
    assert error.state == "UNESCAPED"
    assert f"`{special}`" in error.summary
    assert quote(special, safe="") in error.remedy_for("DATABASE_URL (.env.local:3)")
    assert "DATABASE_URL (.env.local:3)" in error.remedy_for("DATABASE_URL (.env.local:3)")


@pytest.mark.parametrize(
    ("value", "state", "said"),
    [
        ("", "NOT A URL", "is empty"),
        (CANARY, "NOT A URL", "does not begin with postgresql://"),
        (f"mysql://app:{CANARY}@localhost/notes", "NOT A URL", "another kind of database"),
        (f"mongodb+srv://app:{CANARY}@localhost/notes", "NOT A URL", "another kind of database"),
        (f"file:./{CANARY}.db", "NOT A URL", "another kind of database"),
        (f"https://{CANARY}.example.com", "NOT A URL", "web address"),
        (f"jdbc:postgresql://localhost/notes?password={CANARY}", "NOT A URL", "JDBC"),
        (f"prisma+postgres://accelerate.example.com/?api_key={CANARY}", "NOT A URL", "Prisma"),
        (f"host=localhost user=app password={CANARY}", "NOT A URL", "keywords"),
        (f"'postgresql://app:{CANARY}@localhost/notes'", "NOT A URL", "quotes"),
        (f"psql 'postgresql://app:{CANARY}@localhost/notes'", "NOT A URL", "psql command"),
        (f"DATABASE_URL=postgresql://app:{CANARY}@localhost/notes", "NOT A URL", "variable's name"),
        (f"postgres//app:{CANARY}@localhost/notes", "NOT A URL", "does not begin with"),
        (f"app:{CANARY}@localhost/notes", "NOT A URL", "does not begin with"),
        (f"postgresql://app:{CANARY}%00@localhost/notes", "NOT A URL", "cannot be read as a URL"),
        (f"postgresql://app:{CANARY}@[::1/notes", "NOT A URL", "cannot be read as a URL"),
        (f"postgresql://app:{CANARY}@/notes", "NO HOST", "names no host"),
        ("postgresql://", "NO HOST", "names no host"),
        (f"postgresql://app:{CANARY}@localhost:abc/notes", "BAD PORT", "no number"),
        (f"postgresql://app:{CANARY}@localhost:99999/notes", "BAD PORT", "no number"),
        (f"postgresql://app:{CANARY}", "BAD PORT", "no number"),
        ("postgresql://user:password@host:port/database", "PLACEHOLDER", "nobody filled in"),
        ("postgresql://USER:PASSWORD@HOST:PORT/DATABASE", "PLACEHOLDER", "nobody filled in"),
        ("postgresql://<user>:<password>@<host>/<database>", "PLACEHOLDER", "nobody filled in"),
        ("postgresql://postgres:[YOUR-PASSWORD]@db.your-project-ref.invalid:5432/postgres", "PLACEHOLDER", "nobody"),
        (f"postgresql://app:{CANARY}@localhost/notes?sslmode=bogus", "BAD PARAMETER", "sslmode"),
    ],
)
def test_what_is_no_postgres_url_is_told_without_showing_it(value: str, state: str, said: str) -> None:
    error = refusal(value)
    assert error.state == state
    assert said in error.summary
    assert type(error) is NoSession


def test_an_address_never_shows_its_parameters() -> None:
    where = pgaddress.address(Secret(f"postgresql://app:{CANARY}@localhost/notes?sslmode=require"))
    assert CANARY not in repr(where)
    assert where.psql("-c", "select 1") == "psql 'postgresql://app@localhost:5432/notes?sslmode=require' -c 'select 1'"


@pytest.mark.parametrize(
    ("url", "place", "command"),
    [
        ("postgresql://app@[::1]:5433/notes", "[::1]:5433", "psql 'postgresql://app@[::1]:5433/notes'"),
        ("postgresql://app@/notes?host=/run/pg", "/run/pg", "psql 'postgresql://app@/notes?host=/run/pg&port=5432'"),
        ("postgresql://a@h1,h2:5433/n", "h1,h2", "psql 'postgresql://a@/n?host=h1,h2&port=,5433'"),
        ("postgresql://a%40b@h/my%20db", "h:5432", "psql postgresql://a%40b@h:5432/my%20db"),
    ],
)
def test_places_and_commands_are_shown_as_users_write_them(url: str, place: str, command: str) -> None:
    where = pgaddress.address(Secret(url))
    assert (where.place, where.psql()) == (place, command)
