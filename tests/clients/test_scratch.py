"""The scratch server: SQL of any kind is run on it, nothing of it reaches the machine, and nothing of it is left."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from infracheck.clients.ports import is_free
from infracheck.clients.postgres_binaries import find_installation
from infracheck.clients.scratch import Applied, Scratch
from infracheck.errors import ClientError
from tests.clients.processes import eventually, marked, program

MAJORS = sorted({find_installation(major).major for major in range(13, 21)})
Apply = Callable[..., Applied]

RUNS = """
import time
from infracheck.clients.scratch import Scratch
server = Scratch.open()
print(server.version, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module", params=MAJORS)
def scratch(request: pytest.FixtureRequest) -> Iterator[Scratch]:
    """A scratch server of each version that this machine has."""
    server = Scratch.open(major=request.param)
    yield server
    server.close()


@pytest.fixture
def apply(scratch: Scratch, tmp_path: Path) -> Apply:
    """Run texts as the files 1.sql, 2.sql ..., in an empty database."""

    def run(*texts: str, default: str = "public") -> Applied:
        files = []
        for number, text in enumerate(texts, start=1):
            path = tmp_path / f"{number}.sql"
            path.write_text(text, encoding="utf-8")
            files.append((path, path.name))
        return scratch.apply(files, default=default)

    return run


def port_in(folder: Path) -> int:
    """Return the port of the server whose data lie in a folder, by its command line."""
    found = {one[1] for line in marked(str(folder)) if (one := re.search(r" -D \S+ -p (\d+)", line))}
    [port] = found
    return int(port)


def names(applied: Applied) -> list[str]:
    return [".".join(name) for name in applied.schema.tables]


# -- its life


@pytest.mark.parametrize("text", ["CREATE TABLE a (x int);", "CREATE TABLE a (x int); SELECT 1 / 0;"])
def test_nothing_is_left_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    folder, file = tmp_path / "tmp", tmp_path / "schema.sql"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    file.write_text(text, encoding="utf-8")
    said: list[str] = []
    server = Scratch.open(tell=said.append)
    try:
        port = port_in(folder)
        assert not is_free(port)
        assert said == [f"starting a scratch PostgreSQL {server.version} to read the schema with"]
        if "/" in text:
            with pytest.raises(ClientError):
                server.apply([(file, "schema.sql")])
        else:
            assert names(server.apply([(file, "schema.sql")])) == ["public.a"]
    finally:
        server.close()
    assert marked(str(folder)) == []
    assert list(folder.iterdir()) == []
    assert is_free(port)


def test_nothing_is_left_when_infracheck_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with program(RUNS) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline()
        assert marked(str(tmp_path))
        parent.kill()
        parent.wait(30)
    eventually(lambda: not marked(str(tmp_path)) and not list(tmp_path.iterdir()))


@pytest.mark.parametrize("major", MAJORS)
def test_the_wanted_version_is_taken_where_there_is_one(major: int) -> None:
    server = Scratch.open(major=major)
    try:
        assert server.version.partition(".")[0] == str(major)
    finally:
        server.close()


def test_another_version_is_taken_where_the_wanted_one_is_not_there() -> None:
    server = Scratch.open(major=9)
    try:
        assert int(server.version.partition(".")[0]) in MAJORS
    finally:
        server.close()


# -- what is there afterwards


def test_files_are_run_one_after_the_other_in_an_empty_database(apply: Apply) -> None:
    first = apply(
        "CREATE TABLE a (x int);", "ALTER TABLE a RENAME TO b; CREATE TABLE app.c (x int);".replace("app.", "")
    )
    assert names(first) == ["public.b", "public.c"]
    assert names(apply("CREATE TABLE a (x int);")) == ["public.a"]
    assert first.major == int(first.version.partition(".")[0])


def test_names_without_a_schema_go_where_they_would_go_in_the_live_database(apply: Apply) -> None:
    found = apply("CREATE TABLE a (x int); CREATE TABLE public.b (x int);", default="app")
    assert names(found) == ["app.a", "public.b"]


def test_a_statement_that_fails_is_named_with_file_and_line(apply: Apply) -> None:
    with pytest.raises(ClientError) as caught:
        apply("CREATE TABLE a (x int);\n", "-- two\n\nALTER TABLE a ADD COLUMN y int,\n  ADD COLUMN x int;\n")
    assert caught.value.summary == '2.sql:3 fails on an empty database: column "x" of relation "a" already exists'
    assert caught.value.remedy == "correct 2.sql:3, so that the file can be applied from nothing"


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("BEGIN; CREATE TABLE a (x int); COMMIT; CREATE TABLE b (x int);", ["a", "b"]),
        ("BEGIN; CREATE TABLE a (x int); ROLLBACK; CREATE TABLE b (x int);", ["b"]),
        ("CREATE TABLE a (x int); COMMIT; ROLLBACK; CREATE TABLE b (x int);", ["a", "b"]),
        (
            "BEGIN; CREATE TABLE a (x int); SAVEPOINT s; CREATE TABLE b (x int); ROLLBACK TO s; COMMIT;",
            ["a"],
        ),
        ("CREATE TABLE a (x int); CREATE INDEX CONCURRENTLY i ON a (x);", ["a"]),
        ("DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE a (x int);", ["a"]),
        ("SET statement_timeout = '1ms'; SELECT pg_sleep(0.1); CREATE TABLE a (x int);", ["a"]),
        ("SET my.setting = 1; SET transaction_timeout = 0; SET ROLE anon; CREATE TABLE a (x int);", ["a"]),
        ("CREATE TABLE a (x int); INSERT INTO a VALUES ('no number'); TRUNCATE a; VACUUM a; LOCK TABLE a;", ["a"]),
        ("CREATE TABLE a (x int); GRANT ALL ON a TO nobody_knows; ALTER TABLE a OWNER TO nobody_knows;", ["a"]),
        ("CREATE TABLE a (x int); COPY a (x) FROM stdin;\n1\n\\.\nCREATE TABLE b (x int);", ["a", "b"]),
    ],
)
def test_what_files_say_beside_the_schema_does_no_harm(apply: Apply, text: str, tables: list[str]) -> None:
    assert names(apply(text)) == [f"public.{name}" for name in tables]


# -- what hosting brings


def test_roles_and_schemas_are_made_when_they_are_missed_and_only_then(apply: Apply) -> None:
    plain = apply("CREATE TABLE a (id uuid);")
    assert {name[0] for name in plain.schema.tables} == {"public"}
    assert not plain.schema.functions
    hosted = apply(
        """
        CREATE TABLE a (id uuid REFERENCES auth.users (id) DEFAULT auth.uid(), b text REFERENCES storage.buckets (id));
        CREATE TABLE c (id text REFERENCES neon_auth.users_sync (id));
        ALTER TABLE a ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON a TO authenticated, some_role USING (auth.uid() = id AND auth.jwt() IS NOT NULL);
        CREATE POLICY up ON storage.objects FOR INSERT TO anon WITH CHECK ((storage.foldername(name))[1] = 'a');
        """
    )
    table = hosted.schema.tables["public", "a"]
    assert table.policies["own"].roles == ("authenticated", "some_role")
    assert sorted(str(one.target and one.target[0]) for one in table.constraints.values()) == ["auth", "storage"]


@pytest.mark.parametrize(
    "extension", ['"uuid-ossp"', "pgcrypto", "pg_stat_statements", "pg_cron", "moddatetime", "citext", "pg_trgm"]
)
def test_extensions_come_from_the_server_or_have_stand_ins(apply: Apply, extension: str) -> None:
    calls = {'"uuid-ossp"': "uuid_generate_v4()::text", "pgcrypto": "crypt('a', gen_salt('bf'))"}
    text = f"CREATE EXTENSION IF NOT EXISTS {extension};\n"
    found = apply(text + text + f"CREATE TABLE a (x text DEFAULT {calls.get(extension, 'now()::text')});")
    assert names(found) == ["public.a"]
    assert not found.schema.functions  # what stands in is not the app's


def test_an_extension_s_schema_need_not_be_there(apply: Apply) -> None:
    found = apply(
        'CREATE EXTENSION "uuid-ossp" WITH SCHEMA extensions; CREATE EXTENSION citext SCHEMA extensions;'
        "CREATE TABLE a (x uuid DEFAULT extensions.uuid_generate_v4(), y extensions.citext);"
    )
    assert names(found) == ["public.a"]


# -- what must not happen

# As root of its own database, or as anybody: this is what would leave it.
PROGRAM = "COPY (SELECT 1) TO PROGRAM 'touch $MARKER'"
# Fails for the owner in the way in which a missing right fails, so that a superuser might be asked to try.
TRAP = (
    "CREATE FUNCTION trap(x int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF current_user <> "
    f"'postgres' THEN RAISE EXCEPTION 'no' USING ERRCODE = '42501'; END IF; {PROGRAM}; RETURN 1; END $$;\n"
)
HOSTILE = {
    "block": f"DO $$ BEGIN {PROGRAM}; END $$;",
    "block-from": "CREATE TABLE t (a text); DO $$ BEGIN COPY t FROM PROGRAM 'touch $MARKER'; END $$;",
    "statement": "CREATE TABLE t (a text); COPY t TO PROGRAM 'touch $MARKER';",
    "granted-to-itself": f"DO $$ BEGIN GRANT pg_execute_server_program TO CURRENT_USER; {PROGRAM}; END $$;",
    "granted-to-another": (
        f"DO $$ BEGIN CREATE ROLE x1 IN ROLE pg_execute_server_program; SET ROLE x1; {PROGRAM}; END $$;"
    ),
    "granted-to-its-name": f"DO $$ BEGIN GRANT pg_execute_server_program TO infracheck_owner; {PROGRAM}; END $$;",
    "superuser-role": f"DO $$ BEGIN CREATE ROLE x2 SUPERUSER; SET ROLE x2; {PROGRAM}; END $$;",
    "set-role": f"SET ROLE postgres; SET SESSION AUTHORIZATION postgres; DO $$ BEGIN {PROGRAM}; END $$;",
    "function": f"CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN {PROGRAM}; END $$; SELECT f();",
    "function-of-the-catalog": (
        "CREATE FUNCTION pg_catalog.boom() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS "
        f"$$ BEGIN {PROGRAM}; END $$; SELECT pg_catalog.boom();"
    ),
    "procedure-of-the-catalog": (
        "CREATE PROCEDURE pg_catalog.boom() LANGUAGE plpgsql SECURITY DEFINER AS "
        f"$$ BEGIN {PROGRAM}; END $$; CALL pg_catalog.boom();"
    ),
    "alter-using": (
        f"{TRAP}CREATE TABLE t (a int); DO $$ BEGIN INSERT INTO t VALUES (1); END $$; "
        "ALTER TABLE t ALTER a TYPE bigint USING trap(a);"
    ),
    "add-column": (
        f"{TRAP}CREATE TABLE t (a int); DO $$ BEGIN INSERT INTO t VALUES (1); END $$; "
        "ALTER TABLE t ADD COLUMN b int DEFAULT trap();"
    ),
    "add-check": (
        f"{TRAP}CREATE TABLE t (a int); DO $$ BEGIN INSERT INTO t VALUES (1); END $$; "
        "ALTER TABLE t ADD CHECK (trap(a) = 1);"
    ),
    "domain-check": (
        f"{TRAP}CREATE DOMAIN d AS int; CREATE TABLE t (a d); DO $$ BEGIN INSERT INTO t VALUES (1); END $$; "
        "ALTER DOMAIN d ADD CHECK (trap(VALUE) = 1);"
    ),
    "partition-bound": (
        f"{TRAP}CREATE TABLE t (a int) PARTITION BY LIST (a); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (trap());"
    ),
    "index": (
        f"{TRAP}CREATE TABLE t (a int); DO $$ BEGIN INSERT INTO t VALUES (1); END $$; "
        "CREATE FUNCTION calm(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT trap($1)'; "
        "CREATE INDEX ON t (calm(a));"
    ),
    "view": f"{TRAP}CREATE VIEW v AS SELECT trap() AS a; CREATE MATERIALIZED VIEW m AS SELECT trap() AS a;",
    "execute": f"{TRAP}CREATE TABLE t AS SELECT trap() AS a;",
    "event-trigger": (
        f"CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN {PROGRAM}; END $$; "
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f(); CREATE EXTENSION citext;"
    ),
    "search-path": (
        "CREATE SCHEMA evil; CREATE FUNCTION evil.set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql AS "
        f"$$ BEGIN {PROGRAM}; RETURN ''; EXCEPTION WHEN insufficient_privilege THEN RETURN ''; END $$; "
        "SET search_path = evil, pg_catalog; SET search_path = evil, pg_catalog;"
    ),
    "search-path-of-a-stand-in": (
        "CREATE SCHEMA evil; CREATE FUNCTION evil.current_schema() RETURNS name LANGUAGE plpgsql AS "
        f"$$ BEGIN {PROGRAM}; RETURN 'evil'; EXCEPTION WHEN insufficient_privilege THEN RETURN 'evil'; END $$; "
        'SET search_path = evil, pg_catalog; CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION pgcrypto;'
    ),
    "operator": (
        "CREATE FUNCTION public.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS "
        f"$$ BEGIN {PROGRAM}; RETURN true; EXCEPTION WHEN insufficient_privilege THEN RETURN true; END $$; "
        "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.eq); "
        "SET search_path = public, pg_catalog; CREATE EXTENSION citext;"
    ),
    "internal-function": (
        "CREATE FUNCTION ex(oid, text) RETURNS int LANGUAGE internal STRICT AS 'be_lo_export'; "
        "SELECT lo_from_bytea(4242, 'x'); SELECT ex(4242, '$MARKER');"
    ),
    "large-object": "SELECT lo_from_bytea(4242, 'x'); SELECT lo_export(4242, '$MARKER');",
    "library": "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '$FOLDER/library.so', 'f';",
    "load": "LOAD '$FOLDER/library.so'; SET local_preload_libraries = '$FOLDER/library.so';",
    "file-wrapper": (
        "CREATE EXTENSION file_fdw; CREATE SERVER s FOREIGN DATA WRAPPER file_fdw; "
        "CREATE FOREIGN TABLE t (a text) SERVER s OPTIONS (program 'touch $MARKER'); SELECT * FROM t;"
    ),
    "archive": (
        "ALTER SYSTEM SET archive_command = 'touch $MARKER'; DO $$ BEGIN PERFORM pg_reload_conf(); END $$; "
        "ALTER ROLE infracheck_owner SUPERUSER; ALTER ROLE CURRENT_USER SUPERUSER;"
    ),
    "untrusted-language": (
        "CREATE EXTENSION plpython3u; CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS "
        "$$ open('$MARKER', 'w'); return 1 $$; SELECT f();"
    ),
    "new-role-in-steps": (
        "DO $$ BEGIN CREATE ROLE x3; GRANT pg_execute_server_program TO x3; GRANT x3 TO CURRENT_USER; END $$; "
        f"SET ROLE x3; DO $$ BEGIN {PROGRAM}; END $$;"
    ),
    "shell-in-psql": "\\! touch $MARKER\n\\o | touch $MARKER\n\\copy (SELECT 1) TO PROGRAM 'touch $MARKER'\nSELECT 1;",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_of_a_hostile_file_reaches_the_machine(apply: Apply, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    for path in (tmp_path, folder):
        path.chmod(0o777)
    marker = folder / "reached"
    text = HOSTILE[name].replace("$MARKER", str(marker)).replace("$FOLDER", str(folder))
    try:
        apply(text)
    except ClientError as error:
        assert "1.sql:" in error.summary
        assert error.remedy
    assert not marker.exists()


@pytest.mark.parametrize("text", ["SELECT pg_read_file('/etc/passwd');", "CREATE TABLE a AS SELECT pg_ls_dir('/');"])
def test_files_of_the_machine_are_not_read(apply: Apply, text: str) -> None:
    with pytest.raises(ClientError, match="permission denied for function"):
        apply(text)


def test_nobody_gets_in_without_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    server = Scratch.open()
    try:
        url = f"postgresql://postgres@127.0.0.1:{port_in(tmp_path)}/postgres"
        with (
            pytest.raises(psycopg.OperationalError, match="no password supplied"),
            psycopg.connect(url, connect_timeout=10),
        ):
            pass
    finally:
        server.close()
