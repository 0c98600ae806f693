"""database-usable: real roles with more and with fewer rights, on a real PostgreSQL."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from psycopg import sql

from infracheck.checks.database import database_connects
from infracheck.checks.database_usable import database_usable
from infracheck.checks.schema import schema_tables
from infracheck.clients.embedded_postgres import EmbeddedPostgres
from infracheck.model import Blocked, Failed, Finding, Outcome, Passed, Skipped
from tests.helpers import make_context, results, states, write

TABLES = "CREATE TABLE notes (id int PRIMARY KEY, title text, body text); CREATE TABLE users (id int);"
ALL = "SELECT, INSERT, UPDATE, DELETE"
OWNER = "as the owner: "
ANY_ROW = "USING (true /* every row: narrow it where rows belong to somebody */)"


def outcome(app: Path, url: str, schema: str | None = None) -> Outcome:
    write(app, __env__local__example="DATABASE_URL=\n", __env__local=f"# local\nDATABASE_URL='{url}'\n")
    if schema is not None:
        write(app, schema__sql=schema)
    with make_context(app) as ctx:
        found = results([database_connects, database_usable], ctx)["database-usable"].outcome
    assert str(urlsplit(url).password) not in repr(found)
    return found


def red(app: Path, url: str, schema: str | None = None) -> Failed:
    found = outcome(app, url, schema)
    assert isinstance(found, Failed), found
    return found


def green(app: Path, url: str, schema: str | None = None) -> Passed:
    found = outcome(app, url, schema)
    assert isinstance(found, Passed), found
    return found


def apply(url: str, text: str) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(text.encode())


def mended(app: Path, owner: str, url: str, found: Failed, schema: str | None = None) -> Passed:
    """Do as the owner exactly what the remedy says; it must be enough."""
    assert found.remedy.startswith(OWNER)
    apply(owner, found.remedy.removeprefix(OWNER))
    return green(app, url, schema)


def role_of(url: str) -> str:
    return str(urlsplit(url).username)


@pytest.fixture
def role(database: str) -> Iterator[str]:
    """The URL of the database for a role that has no right to anything in it."""
    name, password = f"r_{secrets.token_hex(6)}", secrets.token_hex(12)
    apply(database, f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    where = urlsplit(database)
    yield f"postgresql://{name}:{password}@127.0.0.1:{where.port}{where.path}"
    apply(database, f"DROP OWNED BY {name}; DROP ROLE {name}")


@pytest.fixture
def group(database: str) -> Iterator[str]:
    """Another role, that nobody is a member of yet."""
    name = f"g_{secrets.token_hex(6)}"
    apply(database, f"CREATE ROLE {name}")
    yield name
    apply(database, f"DROP OWNED BY {name}; DROP ROLE {name}")


# -- grants


@pytest.mark.green("database-usable")
def test_a_role_with_every_right_on_every_table(app: Path, database: str, role: str) -> None:
    apply(database, TABLES + f"GRANT {ALL} ON notes, users TO {role_of(role)}")
    found = green(app, role)
    assert found.summary == f"{role_of(role)} may read and write 2 of 2 tables"
    assert found.findings == (
        Finding("public.notes", "USABLE", level="info"),
        Finding("public.users", "USABLE", level="info"),
    )


@pytest.mark.red("database-usable")
def test_a_role_without_a_right(app: Path, database: str, role: str) -> None:
    apply(database, TABLES)
    found, name = red(app, role), role_of(role)
    assert found.summary == f"2 of 2 tables are not usable by {name}"
    assert states(found.findings) == {"public.notes": f"NO {ALL}", "public.users": f"NO {ALL}"}
    assert found.remedy == f"{OWNER}GRANT {ALL} ON public.notes, public.users TO {name};"
    assert found.reproduce
    assert found.reproduce.endswith("-c '\\dp public.*'")
    mended(app, database, role, found)


def test_a_role_that_may_only_read_or_only_add(app: Path, database: str, role: str) -> None:
    name = role_of(role)
    apply(database, TABLES + f"GRANT SELECT ON notes TO {name}; GRANT SELECT, INSERT ON users TO {name}")
    found = red(app, role)
    assert states(found.findings) == {"public.notes": "NO INSERT, UPDATE, DELETE", "public.users": "NO UPDATE, DELETE"}
    first = f"GRANT INSERT, UPDATE, DELETE ON public.notes TO {name};"
    assert found.remedy == f"{OWNER}{first} GRANT UPDATE, DELETE ON public.users TO {name};"
    mended(app, database, role, found)


def test_a_role_that_may_write_and_not_read(app: Path, database: str, role: str) -> None:
    apply(database, TABLES + f"GRANT {ALL} ON users TO {role_of(role)}")
    apply(database, f"GRANT INSERT, UPDATE, DELETE ON notes TO {role_of(role)}")
    found = red(app, role)
    assert found.summary == f"1 of 2 tables is not usable by {role_of(role)}"
    assert states(found.findings) == {"public.notes": "NO SELECT", "public.users": "USABLE"}
    mended(app, database, role, found)


def test_reading_some_columns_only_fails_and_names_them(app: Path, database: str, role: str) -> None:
    name = role_of(role)
    apply(database, TABLES + f"GRANT {ALL} ON users TO {name}; GRANT INSERT, UPDATE, DELETE ON notes TO {name}")
    apply(database, f"GRANT SELECT (id, title) ON notes TO {name}")
    found = red(app, role)
    assert found.findings[0] == Finding("public.notes", "COLUMNS ONLY", "SELECT on id, title only")
    assert found.remedy == f"{OWNER}GRANT SELECT ON public.notes TO {name};"
    mended(app, database, role, found)


def test_writing_some_columns_only_is_a_warning(app: Path, database: str, role: str) -> None:
    name = role_of(role)
    apply(database, TABLES + f"GRANT {ALL} ON users TO {name}; GRANT SELECT, DELETE ON notes TO {name}")
    apply(database, f"GRANT INSERT (id, title, body), UPDATE (title, body) ON notes TO {name}")
    found = green(app, role)
    assert found.findings[0] == Finding("public.notes", "COLUMNS ONLY", "UPDATE on title, body only", level="warn")
    assert found.summary == f"{name} may read 2 of 2 tables, and write 1 of them without limits"


def test_columns_and_missing_commands_of_one_table_are_told_together(app: Path, database: str, role: str) -> None:
    apply(database, f"CREATE TABLE notes (id int, body text); GRANT SELECT (id) ON notes TO {role_of(role)}")
    found = red(app, role)
    assert found.findings == (Finding("public.notes", "NO INSERT, UPDATE, DELETE", "SELECT on id only"),)
    mended(app, database, role, found)


def test_every_column_granted_is_the_table_granted(app: Path, database: str, role: str) -> None:
    apply(database, "CREATE TABLE t (a int, b int, c int GENERATED ALWAYS AS (a + 1) STORED)")
    apply(database, "ALTER TABLE t DROP COLUMN b")
    apply(database, f"GRANT SELECT (a, c), INSERT (a), UPDATE (a) ON t TO {role_of(role)}")
    apply(database, f"GRANT DELETE ON t TO {role_of(role)}")
    assert states(green(app, role).findings) == {"public.t": "USABLE"}
    with psycopg.connect(role) as session:
        assert session.execute("INSERT INTO t VALUES (1); UPDATE t SET a = 2; SELECT * FROM t").statusmessage


def test_what_a_role_inherits_counts(app: Path, database: str, role: str, group: str) -> None:
    apply(database, TABLES + f"GRANT {ALL} ON notes, users TO {group}")
    red(app, role)
    apply(database, f"GRANT {group} TO {role_of(role)} WITH INHERIT FALSE")
    red(app, role)
    apply(database, f"GRANT {group} TO {role_of(role)} WITH INHERIT TRUE")
    green(app, role)


def test_what_is_granted_to_everybody_counts(app: Path, database: str, role: str) -> None:
    apply(database, TABLES + f"GRANT {ALL} ON notes, users TO public")
    green(app, role)


def test_the_predefined_roles_count(app: Path, database: str, role: str) -> None:
    apply(database, "CREATE SCHEMA app; CREATE TABLE app.t (id serial)")
    apply(database, f"ALTER DATABASE {urlsplit(database).path[1:]} SET search_path TO app")
    apply(database, f"GRANT pg_read_all_data TO {role_of(role)}")
    found = red(app, role)
    assert states(found.findings) == {"app.t": "NO INSERT, UPDATE, DELETE"}
    apply(database, f"GRANT pg_write_all_data TO {role_of(role)}")
    green(app, role)
    apply(role, "INSERT INTO app.t DEFAULT VALUES; SELECT * FROM app.t")


def test_the_owner_needs_no_grant_unless_it_was_taken(app: Path, database: str, role: str) -> None:
    apply(database, f"GRANT CREATE ON SCHEMA public TO {role_of(role)}")
    apply(role, TABLES)
    green(app, role)
    apply(role, f"REVOKE DELETE ON users FROM {role_of(role)}")
    found = red(app, role)
    assert states(found.findings) == {"public.notes": "USABLE", "public.users": "NO DELETE"}
    mended(app, role, role, found)


def test_a_superuser_may_everything_and_is_called_one(app: Path, database: str) -> None:
    apply(database, TABLES)
    assert green(app, database).summary == "postgres (superuser) may read and write 2 of 2 tables"


# -- schemas and names


def test_a_schema_without_usage_is_looked_into(app: Path, database: str, role: str) -> None:
    apply(database, 'CREATE SCHEMA "My App"; CREATE TABLE "My App"."Note" (id serial); CREATE TABLE public.users ()')
    apply(database, f'ALTER DATABASE {urlsplit(database).path[1:]} SET search_path TO "$user", "My App"')
    apply(database, f'GRANT {ALL} ON "My App"."Note" TO {role_of(role)}')
    found, name = red(app, role), role_of(role)
    assert found.findings[0] == Finding("My App.Note", "NO USAGE", f"{name} may not use the schema My App")
    assert [finding.subject for finding in found.findings] == ["My App.Note", "My App.Note_id_seq"]
    assert found.remedy == (
        f'{OWNER}GRANT USAGE ON SCHEMA "My App" TO {name}; GRANT USAGE ON SEQUENCE "My App"."Note_id_seq" TO {name};'
    )
    mended(app, database, role, found)


def test_names_of_every_kind_are_quoted(app: Path, database: str) -> None:
    name, password = f'odd "{secrets.token_hex(4)} Röle', secrets.token_hex(12)
    parts = {"role": sql.Identifier(name), "password": sql.Literal(password)}
    where = urlsplit(database)
    url = f"postgresql://{quote(name)}:{password}@127.0.0.1:{where.port}{where.path}"
    apply(database, """CREATE TABLE "order" (id serial); CREATE TABLE "a;b""c'd%" (id int, "Col 1" int)""")
    apply(database, 'ALTER TABLE "order" ENABLE ROW LEVEL SECURITY')
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {role} LOGIN PASSWORD {password}").format(**parts))
        found = red(app, url)
        assert set(states(found.findings)) == {"public.order", "public.a;b\"c'd%"}
        mended(app, database, url, found)
        owner.execute(sql.SQL("DROP OWNED BY {role}; DROP ROLE {role}").format(**parts))


def test_only_tables_of_the_app_are_asked_about(app: Path, database: str, role: str) -> None:
    apply(database, TABLES + f"GRANT {ALL} ON notes, users TO {role_of(role)}")
    apply(
        database,
        """
        CREATE TABLE events (day date) PARTITION BY RANGE (day); CREATE TABLE events_1 PARTITION OF events DEFAULT;
        CREATE TABLE _prisma_migrations (id int); CREATE VIEW seen AS SELECT * FROM notes;
        CREATE MATERIALIZED VIEW counted AS SELECT * FROM notes; CREATE SEQUENCE alone;
        CREATE SCHEMA auth; CREATE TABLE auth.users (id int); CREATE SCHEMA supabase_functions;
        CREATE TABLE supabase_functions.hooks (id int); CREATE SCHEMA other; CREATE TABLE other.t (id int);
        """,
    )
    apply(database, f"GRANT {ALL} ON events TO {role_of(role)}")
    path = "pg_catalog, public, auth, supabase_functions, information_schema, never_made"
    apply(database, f"ALTER ROLE {role_of(role)} SET search_path TO {path}")
    found = green(app, role)
    assert [finding.subject for finding in found.findings] == ["public.events", "public.notes", "public.users"]


def test_a_table_of_an_extension_is_not_the_app_s(app: Path, database: str, role: str) -> None:
    apply(database, "CREATE TABLE kept (id int); ALTER EXTENSION plpgsql ADD TABLE kept")
    found = outcome(app, role)
    assert found == Skipped(f"nothing declares tables, and there are none on the search path ({role_of(role)}, public)")


# -- sequences


def test_a_sequence_without_usage_fails_the_insert(app: Path, database: str, role: str) -> None:
    name = role_of(role)
    apply(database, "CREATE TABLE a (id serial PRIMARY KEY); CREATE TABLE b (id bigserial, x int)")
    apply(database, f"GRANT {ALL} ON a, b TO {name}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="sequence a_id_seq"):
        apply(role, "INSERT INTO a DEFAULT VALUES")
    found = red(app, role)
    assert found.summary == f"2 of 2 tables are not usable by {name}"
    assert found.findings[1] == Finding(
        "public.a_id_seq", "NO SEQUENCE USAGE", "inserting into public.a takes a number from it"
    )
    assert found.remedy == f"{OWNER}GRANT USAGE ON SEQUENCE public.a_id_seq, public.b_id_seq TO {name};"
    mended(app, database, role, found)
    apply(role, "INSERT INTO a DEFAULT VALUES; INSERT INTO b DEFAULT VALUES")


def test_a_sequence_is_granted_together_with_the_right_to_insert(app: Path, database: str, role: str) -> None:
    apply(database, f"CREATE TABLE a (id serial); GRANT SELECT ON a TO {role_of(role)}")
    found = red(app, role)
    assert states(found.findings) == {"public.a": "NO INSERT, UPDATE, DELETE"}
    mended(app, database, role, found)
    apply(role, "INSERT INTO a DEFAULT VALUES")


def test_only_a_sequence_that_a_default_calls_matters(app: Path, database: str, role: str) -> None:
    apply(
        database,
        """
        CREATE TABLE identity (id int GENERATED ALWAYS AS IDENTITY); CREATE TABLE by_update (id serial);
        CREATE TABLE owned (id serial); ALTER TABLE owned ALTER id DROP DEFAULT;
        """
        f"GRANT {ALL} ON identity, owned, by_update TO {role_of(role)};"
        f"GRANT UPDATE ON SEQUENCE by_update_id_seq TO {role_of(role)}",
    )
    green(app, role)
    apply(
        role, "INSERT INTO identity DEFAULT VALUES; INSERT INTO by_update DEFAULT VALUES; INSERT INTO owned VALUES (1)"
    )
    apply(database, "CREATE SEQUENCE shared; ALTER TABLE owned ALTER id SET DEFAULT nextval('shared')")
    found = red(app, role)
    assert states(found.findings)["public.shared"] == "NO SEQUENCE USAGE"
    mended(app, database, role, found)


# -- row-level security


@pytest.fixture
def secured(database: str, role: str) -> str:
    """The owner's URL of a database in which the role has every right to `notes`, and row-level security is on."""
    apply(
        database, f"CREATE TABLE notes (id int); INSERT INTO notes VALUES (1); GRANT {ALL} ON notes TO {role_of(role)}"
    )
    apply(database, "ALTER TABLE notes ENABLE ROW LEVEL SECURITY")
    return database


def rows_seen(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as session:
        return session.execute("SELECT * FROM notes").fetchall()


def test_no_policy_at_all_hides_every_row(app: Path, secured: str, role: str) -> None:
    assert rows_seen(role) == []
    found, name = red(app, role), role_of(role)
    note = f"row-level security is on, and no policy lets {name} read: it gets no rows, and no error"
    assert found.findings == (Finding("public.notes", "NO POLICY", note),)
    assert found.summary == f"1 of 1 tables is not usable by {name}"
    assert found.remedy == f"{OWNER}CREATE POLICY {name}_all ON public.notes TO {name} {ANY_ROW};"
    assert mended(app, secured, role, found).findings == (Finding("public.notes", "USABLE", level="info"),)
    assert rows_seen(role) == [(1,)]


def test_a_policy_for_another_role_does_not_help(app: Path, secured: str, role: str, group: str) -> None:
    apply(secured, f"CREATE POLICY theirs ON notes TO {group} USING (true)")
    assert rows_seen(role) == []
    found = red(app, role)
    [finding] = found.findings
    assert finding.state == "NO POLICY"
    assert f"no policy (there are some for {group}) lets" in finding.note
    mended(app, secured, role, found)


def test_a_policy_for_a_role_that_it_is_a_member_of_helps(app: Path, secured: str, role: str, group: str) -> None:
    apply(secured, f"CREATE POLICY theirs ON notes TO {group} USING (true); GRANT {group} TO {role_of(role)}")
    assert rows_seen(role) == [(1,)]
    assert states(green(app, role).findings) == {"public.notes": "USABLE"}
    apply(secured, f"REVOKE {group} FROM {role_of(role)}")


def test_a_policy_for_everybody_helps(app: Path, secured: str, role: str) -> None:
    apply(secured, "CREATE POLICY everybody ON notes USING (id > 0)")
    green(app, role)


def test_a_policy_that_lets_nothing_through_is_none(app: Path, secured: str, role: str) -> None:
    apply(secured, "CREATE POLICY nothing ON notes USING (false)")
    assert rows_seen(role) == []
    mended(app, secured, role, red(app, role))
    assert rows_seen(role) == [(1,)]


def test_a_restrictive_policy_alone_lets_nothing_through(app: Path, secured: str, role: str) -> None:
    apply(secured, "CREATE POLICY narrow ON notes AS RESTRICTIVE USING (true)")
    assert rows_seen(role) == []
    mended(app, secured, role, red(app, role))


def test_a_policy_that_lets_it_read_only_is_a_warning(app: Path, secured: str, role: str) -> None:
    apply(secured, "CREATE POLICY reading ON notes FOR SELECT USING (true)")
    apply(secured, "CREATE POLICY adding ON notes FOR INSERT WITH CHECK (true)")
    found = green(app, role)
    note = f"row-level security is on, and no policy lets {role_of(role)} UPDATE, DELETE"
    assert found.findings == (Finding("public.notes", "NO POLICY", note, level="warn"),)


def test_a_policy_that_lets_it_write_only_gets_one_for_reading(app: Path, secured: str, role: str) -> None:
    apply(secured, "CREATE POLICY adding ON notes FOR INSERT WITH CHECK (true)")
    found, name = red(app, role), role_of(role)
    assert found.remedy == f"{OWNER}CREATE POLICY {name}_select ON public.notes FOR SELECT TO {name} {ANY_ROW};"
    mended(app, secured, role, found)


def test_a_grant_and_a_policy_may_both_be_missing(app: Path, secured: str, role: str) -> None:
    apply(secured, f"REVOKE SELECT ON notes FROM {role_of(role)}")
    found = red(app, role)
    assert [finding.state for finding in found.findings] == ["NO SELECT", "NO POLICY"]
    assert found.summary == f"1 of 1 tables is not usable by {role_of(role)}"
    mended(app, secured, role, found)
    assert rows_seen(role) == [(1,)]


def test_the_owner_passes_by_unless_it_is_forced(app: Path, database: str, role: str) -> None:
    apply(database, f"GRANT CREATE ON SCHEMA public TO {role_of(role)}")
    apply(
        role, "CREATE TABLE notes (id int); ALTER TABLE notes ENABLE ROW LEVEL SECURITY; INSERT INTO notes VALUES (1)"
    )
    note = "row-level security is on, but not for the table's owner"
    assert green(app, role).findings == (Finding("public.notes", "BYPASSES RLS", note, level="info"),)
    apply(role, "ALTER TABLE notes FORCE ROW LEVEL SECURITY")
    assert rows_seen(role) == []
    mended(app, role, role, red(app, role))
    assert rows_seen(role) == [(1,)]


def test_bypassrls_and_superusers_pass_by(app: Path, secured: str, role: str) -> None:
    apply(secured, f"ALTER TABLE notes FORCE ROW LEVEL SECURITY; ALTER ROLE {role_of(role)} BYPASSRLS")
    [finding] = green(app, role).findings
    assert (finding.state, finding.level) == ("BYPASSES RLS", "info")
    assert finding.note == f"row-level security is on, but {role_of(role)} has BYPASSRLS"
    [finding] = green(app, secured).findings
    assert finding.note == "row-level security is on, but postgres is a superuser"


def test_policies_without_row_level_security_are_nothing(app: Path, secured: str, role: str) -> None:
    apply(secured, "CREATE POLICY nothing ON notes USING (false); ALTER TABLE notes DISABLE ROW LEVEL SECURITY")
    assert states(green(app, role).findings) == {"public.notes": "USABLE"}


# -- databases that take no writes


@pytest.mark.parametrize(
    "where", ["ROLE {role}", "DATABASE {name}", "ROLE {role} IN DATABASE {name}"], ids=["role", "database", "both"]
)
def test_a_database_that_is_read_only_by_default(app: Path, database: str, role: str, where: str) -> None:
    name, where = urlsplit(database).path[1:], where.format(role=role_of(role), name=urlsplit(database).path[1:])
    apply(database, TABLES + f"GRANT {ALL} ON notes, users TO {role_of(role)}")
    apply(database, f"ALTER {where} SET default_transaction_read_only = on")
    found = red(app, role)
    assert found.summary == "the database takes no writes"
    assert (found.findings[0].subject, found.findings[0].state) == ("DATABASE_URL", "READ ONLY")
    assert found.findings[0].where == ".env.local:2"
    assert found.remedy == f"{OWNER}ALTER {where} RESET default_transaction_read_only;"
    assert found.reproduce
    assert f"/{name} -c 'show default_transaction_read_only'" in found.reproduce
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute("SET default_transaction_read_only = off")
        owner.execute(found.remedy.removeprefix(OWNER).encode())
    green(app, role)


def test_a_url_that_asks_for_read_only_transactions(app: Path, database: str) -> None:
    apply(database, TABLES)
    found = red(app, f"{database}?options=-cdefault_transaction_read_only%3Don")
    assert found.remedy == "take default_transaction_read_only out of the options of DATABASE_URL (.env.local:2)"
    green(app, database)


def test_what_is_read_only_is_told_besides_missing_rights(app: Path, database: str, role: str) -> None:
    apply(database, TABLES + f"ALTER ROLE {role_of(role)} SET default_transaction_read_only = on")
    found, name = red(app, role), role_of(role)
    assert found.summary == f"the database takes no writes, and 2 of 2 tables are not usable by {name}"
    first, second = found.remedy.split("; as the owner: ")
    apply(database, f"{first.removeprefix(OWNER)}; {second}")
    green(app, role)


def test_a_hot_standby_takes_no_writes(app: Path, tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "pg", password=secrets.token_hex(12)) as server:
        url = server.create_database("notes")
        apply(url, TABLES)
        server.stop()
        signal = tmp_path / "pg" / "data" / "standby.signal"
        signal.touch()
        server.start()
        url = url.replace(f":{urlsplit(url).port}/", f":{server.port}/")
        found = red(app, url)
        server.stop()
        signal.unlink()
    assert found.findings[0] == Finding("DATABASE_URL", "READ ONLY", "a standby: it takes no writes", ".env.local:2")
    assert found.remedy == "put the connection string of the primary into DATABASE_URL (.env.local:2)"
    assert found.reproduce
    assert found.reproduce.endswith("-c 'select pg_is_in_recovery()'")


# -- which tables


def test_the_tables_that_schema_sql_declares_are_asked_about(app: Path, database: str, role: str) -> None:
    text = 'CREATE SCHEMA app; CREATE TABLE app."Note" (id int); CREATE TABLE users (id int);'
    apply(database, text + "CREATE TABLE undeclared (id int);")
    found = red(app, role, text)
    assert states(found.findings) == {"app.Note": "NO USAGE", "public.users": f"NO {ALL}"}
    mended(app, database, role, found, text)


def test_declared_tables_that_do_not_exist_are_for_schema_tables_to_report(app: Path, database: str) -> None:
    apply(database, "CREATE TABLE users (id int)")
    assert len(green(app, database, TABLES).findings) == 1
    apply(database, "DROP TABLE users")
    assert outcome(app, database, TABLES) == Blocked("schema-tables", "no declared table exists")


def test_a_schema_that_cannot_be_read_does_not_hide_the_rights(app: Path, database: str, role: str) -> None:
    apply(database, TABLES)
    found = red(app, role, "CREATE TABEL notes (id int);")
    assert set(states(found.findings)) == {"public.notes", "public.users"}
    mended(app, database, role, found)


def test_an_empty_database_that_nothing_is_declared_for_is_skipped(app: Path, database: str) -> None:
    reason = "nothing declares tables, and there are none on the search path (postgres, public)"
    assert outcome(app, database) == Skipped(reason)


def test_without_a_session_nothing_is_said(app: Path, database: str) -> None:
    found = outcome(app, database.replace(urlsplit(database).path, "/never_made"))
    assert isinstance(found, Blocked)
    assert found.by == "database-connects"


@pytest.mark.parametrize("declared", [True, False])
def test_many_tables_are_asked_about_in_few_questions(app: Path, database: str, role: str, declared: bool) -> None:
    text = "".join(f"CREATE TABLE t{number} (id serial, x int);" for number in range(300))
    apply(database, text)
    write(app, __env__example="DATABASE_URL=\n", __env=f"DATABASE_URL={role}\n")
    if declared:
        write(app, schema__sql=text)
    with make_context(app) as ctx:
        asked: list[str] = []
        ask = ctx.database.query

        def counting(query: str, params: tuple[object, ...] = ()) -> list[dict[str, object]]:
            asked.append(query)
            return ask(query, params)

        ctx.database.query = counting  # type: ignore[method-assign,assignment]
        if declared:
            ctx.begun(schema_tables)
        before = len(asked)
        found = results([database_connects, database_usable], ctx)["database-usable"].outcome
    assert len(asked) - before == 2
    assert isinstance(found, Failed)
    assert found.summary == f"300 of 300 tables are not usable by {role_of(role)}"
    assert found.remedy.count("GRANT") == 6
    assert found.remedy.endswith("; and 54 more: run again after these")
