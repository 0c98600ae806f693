"""The corpus: SQL as apps keep it, each fixture applied to an empty database as psql or a migration tool would do it.

It is an independent witness of what a schema says, so it shares no code with the package that it tests.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pglast
import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

FOLDER: Final = Path(__file__).with_name("fixtures")
NEEDS_SUPABASE: Final = "-- needs: supabase"

# What hosting gives before an app's SQL runs. Roles belong to the cluster, which all tests share.
_ROLES: Final = {
    "anon": "NOLOGIN NOINHERIT",
    "authenticated": "NOLOGIN NOINHERIT",
    "service_role": "NOLOGIN NOINHERIT BYPASSRLS",
    "authenticator": "LOGIN NOINHERIT",
    "supabase_admin": "LOGIN CREATEROLE BYPASSRLS",
    "supabase_auth_admin": "LOGIN NOINHERIT CREATEROLE",
    "supabase_storage_admin": "LOGIN NOINHERIT CREATEROLE",
    "dashboard_user": "NOLOGIN CREATEROLE",
    "neondb_owner": "LOGIN CREATEROLE BYPASSRLS",
    "neon_superuser": "NOLOGIN CREATEROLE BYPASSRLS",
    "cloud_admin": "NOLOGIN",
    "app_owner": "NOLOGIN",
    "app_reader": "NOLOGIN",
}
# Two tests may make the same role at the same time: whoever is second sees one error or the other.
_CREATE_ROLE: Final = """
    DO $$ BEGIN CREATE ROLE {} {}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$
"""
_SUPABASE: Final = """
    CREATE SCHEMA auth;
    CREATE TABLE auth.users (id uuid PRIMARY KEY, email text, raw_user_meta_data jsonb);
    CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE
        AS $$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
    CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT (auth.jwt() ->> 'sub')::uuid $$;
    CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $$ SELECT auth.jwt() ->> 'role' $$;
    CREATE SCHEMA storage;
    CREATE TABLE storage.buckets (
        id text PRIMARY KEY, name text NOT NULL UNIQUE, owner uuid, public boolean DEFAULT false,
        created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now()
    );
    CREATE TABLE storage.objects (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), bucket_id text REFERENCES storage.buckets, name text,
        owner uuid, metadata jsonb, created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now()
    );
    ALTER TABLE storage.objects ENABLE ROW LEVEL SECURITY;
    CREATE FUNCTION storage.foldername(name text) RETURNS text[] LANGUAGE sql IMMUTABLE
        AS $$ SELECT trim_array(string_to_array(name, '/'), 1) $$;
    CREATE SCHEMA extensions;
    GRANT USAGE ON SCHEMA auth, storage, extensions TO anon, authenticated, service_role;
"""

# What psql must not take for the end of a statement or for a command of its own, and those two.
_TOKEN: Final = re.compile(
    r"""
      --[^\n]*
    | (?P<comment>/\*)
    | \b[eE]'(?:[^'\\]|\\.|'')*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?<![\w$])(?P<dollar>\$(?:[^\W\d]\w*)?\$).*?(?P=dollar)
    | (?P<meta>\\[^\n]*)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_COPY: Final = re.compile(r"^COPY\s[^;]*\sFROM\s+STDIN\b[^;]*\Z", re.IGNORECASE | re.MULTILINE)
_END_OF_DATA: Final = re.compile(r"^\\\.\n", re.MULTILINE)
_INCLUDE: Final = re.compile(r"\\(?P<word>i|include|ir|include_relative)\s+'?(?P<path>[^']+?)'?\s*;?\s*\Z")
_UP: Final = re.compile(r"^-- (?:migrate:up|\+goose Up)\b.*\n", re.MULTILINE)
_DOWN: Final = re.compile(r"^-- (?:migrate:down|\+goose Down)\b.*", re.MULTILINE)


@dataclass(frozen=True)
class Statement:
    """One statement of a file; `data` holds the rows behind a COPY ... FROM stdin."""

    file: Path
    sql: str
    data: str | None = None


@dataclass(frozen=True)
class Fixture:
    """A schema.sql (`path` is the file), or a folder as an app has it: migrations, or a schema.sql that includes."""

    name: str
    path: Path

    def files(self) -> list[Path]:
        """Return the files in the order in which they begin; one that includes others stands before them."""
        return [step for step in self._steps() if isinstance(step, Path)]

    def statements(self) -> list[Statement]:
        """Return all statements in the order in which they are applied, those of included files in their place."""
        return [step for step in self._steps() if isinstance(step, Statement)]

    @property
    def needs_supabase(self) -> bool:
        return self.files()[0].read_text(encoding="utf-8").startswith(NEEDS_SUPABASE)

    def apply(self, url: str) -> None:
        """Apply it to an empty database, as superuser; an error carries the file and the statement as a note."""
        with psycopg.connect(url, autocommit=True) as connection:
            _host(connection, supabase=self.needs_supabase)
            for statement in self.statements():
                try:
                    _execute(connection, statement)
                except psycopg.Error as error:
                    error.add_note(f"{statement.file.relative_to(FOLDER)}: {statement.sql.strip()[:300]}")
                    raise
            if connection.info.transaction_status != TransactionStatus.IDLE:
                raise ValueError(f"{self.name} leaves a transaction open")

    def _steps(self) -> Iterator[Path | Statement]:
        folder = self.path if self.path.is_dir() else self.path.parent
        for file in _top_files(self.path):
            yield from _steps(file, folder)


def _top_files(path: Path) -> list[Path]:
    """Return the files that the app's tool applies, in its order."""
    if path.is_file():
        return [path]
    if (path / "schema.sql").is_file():
        return [path / "schema.sql"]
    if (journal := path / "drizzle/meta/_journal.json").is_file():
        entries = json.loads(journal.read_text(encoding="utf-8"))["entries"]
        return [path / "drizzle" / f"{entry['tag']}.sql" for entry in sorted(entries, key=lambda entry: entry["idx"])]
    for pattern in ("drizzle/*/migration.sql", "prisma/migrations/*/migration.sql", "supabase/migrations/*.sql"):
        if found := sorted(path.glob(pattern)):
            return found
    found = [file for file in path.glob("migrations/*.sql") if not file.name.endswith(".down.sql")]
    return sorted(found, key=lambda file: (_number(file), file.name))


def _number(file: Path) -> int:
    """Migration tools count: 10_x.sql comes after 2_x.sql."""
    match = re.match(r"\d+", file.name)
    return int(match[0]) if match else 0


def _steps(file: Path, folder: Path) -> Iterator[Path | Statement]:
    """Yield the file, then its statements and what it includes; `folder` is where psql is called."""
    yield file
    text = file.read_text(encoding="utf-8")
    if up := _UP.search(text):
        down = _DOWN.search(text, up.end())
        text = text[up.end() : down.start() if down else len(text)]
    for part, data in _parts(text):
        if not part.startswith("\\"):
            yield from (Statement(file, one) for one in pglast.split(part) if data is None)
            if data is not None:
                *before, copy = pglast.split(part)
                yield from (Statement(file, one) for one in before)
                yield Statement(file, copy, data)
        elif include := _INCLUDE.match(part):
            base = file.parent if include["word"] in ("ir", "include_relative") else folder
            yield from _steps(base / include["path"], folder)


def _parts(text: str) -> Iterator[tuple[str, str | None]]:
    """Cut a file as psql does: SQL (with the data when it ends in a COPY), and commands that begin with a backslash."""
    begin = position = 0
    statement = 0  # where the running one begins
    while token := _TOKEN.search(text, position):
        position = token.end()
        if token["comment"]:
            position = _comment_end(text, position)
        elif token["meta"]:
            yield text[begin : token.start()], None
            yield token["meta"].rstrip("\r"), None
            begin = statement = position
        elif token["end"]:
            if _COPY.search(text[statement : token.start()]):
                data = text.index("\n", position) + 1
                end = _END_OF_DATA.search(text, data)
                if end is None:
                    raise ValueError("COPY without an end of data")
                yield text[begin:position], text[data : end.start()]
                begin = position = end.end()
            statement = position
    yield text[begin:], None


def _comment_end(text: str, position: int) -> int:
    """Comments nest."""
    depth = 1
    while depth:
        mark = re.compile(r"/\*|\*/").search(text, position)
        if mark is None:
            return len(text)
        depth += 1 if mark[0] == "/*" else -1
        position = mark.end()
    return position


def _host(connection: "psycopg.Connection[tuple[object, ...]]", *, supabase: bool) -> None:
    """Make what the hosting makes."""
    there = {row[0] for row in connection.execute("SELECT rolname::text FROM pg_roles")}
    for role in sorted(_ROLES.keys() - there):
        connection.execute(sql.SQL(_CREATE_ROLE).format(sql.Identifier(role), sql.SQL(_ROLES[role])))
    if supabase:
        connection.execute(_SUPABASE)


def _execute(connection: "psycopg.Connection[tuple[object, ...]]", statement: Statement) -> None:
    if statement.data is None:
        connection.execute(statement.sql.encode())
        return
    with connection.cursor() as cursor, cursor.copy(statement.sql.encode()) as copy:
        copy.write(statement.data)


FIXTURES: Final = tuple(
    sorted(
        (Fixture(path.stem, path) for path in FOLDER.iterdir() if path.is_dir() or path.suffix == ".sql"),
        key=lambda fixture: fixture.name,
    )
)
