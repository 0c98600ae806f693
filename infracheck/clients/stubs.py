"""What a scratch server lacks of what hosting brings: stand-ins for it, made when a statement first misses it.

They stand in for names only. Nothing of them is compared.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from infracheck.errors import ClientError

if TYPE_CHECKING:
    from infracheck.project.ddl.source import Statement

_AUTH: Final = """
    CREATE SCHEMA IF NOT EXISTS auth;
    CREATE TABLE auth.users (
        instance_id uuid, id uuid PRIMARY KEY, aud text, role text, email text, encrypted_password text,
        email_confirmed_at timestamptz, invited_at timestamptz, last_sign_in_at timestamptz, raw_app_meta_data jsonb,
        raw_user_meta_data jsonb, is_super_admin boolean, created_at timestamptz, updated_at timestamptz, phone text,
        phone_confirmed_at timestamptz, confirmed_at timestamptz, banned_until timestamptz, deleted_at timestamptz,
        is_sso_user boolean, is_anonymous boolean);
    CREATE TABLE auth.identities (id uuid PRIMARY KEY, user_id uuid REFERENCES auth.users, identity_data jsonb,
        provider text, provider_id text, email text, created_at timestamptz, updated_at timestamptz);
    CREATE TABLE auth.sessions (id uuid PRIMARY KEY, user_id uuid REFERENCES auth.users, created_at timestamptz);
    CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid';
    CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS 'SELECT NULL::text';
    CREATE FUNCTION auth.email() RETURNS text LANGUAGE sql STABLE AS 'SELECT NULL::text';
    CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS 'SELECT NULL::jsonb';
    CREATE FUNCTION auth.user_id() RETURNS text LANGUAGE sql STABLE AS 'SELECT NULL::text';
    CREATE FUNCTION auth.session() RETURNS jsonb LANGUAGE sql STABLE AS 'SELECT NULL::jsonb';
"""
_STORAGE: Final = """
    CREATE SCHEMA IF NOT EXISTS storage;
    CREATE TABLE storage.buckets (id text PRIMARY KEY, name text NOT NULL UNIQUE, owner uuid, public boolean,
        avif_autodetection boolean, file_size_limit bigint, allowed_mime_types text[], owner_id text,
        created_at timestamptz, updated_at timestamptz);
    CREATE TABLE storage.objects (id uuid PRIMARY KEY, bucket_id text REFERENCES storage.buckets, name text, owner uuid,
        metadata jsonb, path_tokens text[], version text, owner_id text, user_metadata jsonb,
        created_at timestamptz, updated_at timestamptz, last_accessed_at timestamptz);
    ALTER TABLE storage.objects ENABLE ROW LEVEL SECURITY;
    ALTER TABLE storage.buckets ENABLE ROW LEVEL SECURITY;
    CREATE FUNCTION storage.foldername(name text) RETURNS text[] LANGUAGE sql IMMUTABLE AS 'SELECT NULL::text[]';
    CREATE FUNCTION storage.filename(name text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT NULL::text';
    CREATE FUNCTION storage.extension(name text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT NULL::text';
"""
_NEON_AUTH: Final = """
    CREATE SCHEMA IF NOT EXISTS neon_auth;
    CREATE TABLE IF NOT EXISTS neon_auth.users_sync (raw_json jsonb, id text PRIMARY KEY, name text, email text,
        created_at timestamptz, updated_at timestamptz, deleted_at timestamptz);
    CREATE TABLE IF NOT EXISTS neon_auth."user" (id uuid PRIMARY KEY, name text, email text UNIQUE,
        "emailVerified" boolean, image text, "createdAt" timestamptz, "updatedAt" timestamptz, role text);
    CREATE TABLE IF NOT EXISTS neon_auth.session (id uuid PRIMARY KEY, "userId" uuid REFERENCES neon_auth."user",
        token text UNIQUE, "expiresAt" timestamptz);
    CREATE TABLE IF NOT EXISTS neon_auth.organization (id uuid PRIMARY KEY, name text, slug text);
"""
SCHEMAS: Final = {
    "auth": _AUTH,
    "storage": _STORAGE,
    "neon_auth": _NEON_AUTH,
    "realtime": """
        CREATE SCHEMA IF NOT EXISTS realtime;
        CREATE TABLE realtime.messages (id uuid, topic text, extension text, payload jsonb, event text,
            private boolean, inserted_at timestamptz, updated_at timestamptz);
        ALTER TABLE realtime.messages ENABLE ROW LEVEL SECURITY;
        CREATE FUNCTION realtime.topic() RETURNS text LANGUAGE sql STABLE AS 'SELECT NULL::text';
    """,
    **{
        name: f"CREATE SCHEMA IF NOT EXISTS {name};"
        for name in ("extensions", "vault", "graphql", "cron", "net", "pgmq")
    },
}
"""What hosting keeps in schemas of its own, as far as apps speak of it (Supabase's and Neon's documentation)."""
_SAME: Final = "LANGUAGE sql AS"
EXTENSIONS: Final = {
    "uuid-ossp": {
        "uuid_generate_v4": f"() RETURNS uuid {_SAME} 'SELECT gen_random_uuid()'",
        "uuid_generate_v1": f"() RETURNS uuid {_SAME} 'SELECT gen_random_uuid()'",
        "uuid_generate_v1mc": f"() RETURNS uuid {_SAME} 'SELECT gen_random_uuid()'",
        "uuid_nil": f"() RETURNS uuid IMMUTABLE {_SAME} 'SELECT gen_random_uuid()'",
        "uuid_generate_v5": f"(namespace uuid, name text) RETURNS uuid IMMUTABLE {_SAME} 'SELECT NULL::uuid'",
    },
    "pgcrypto": {
        "gen_random_bytes": f"(integer) RETURNS bytea {_SAME} 'SELECT NULL::bytea'",
        "gen_salt": f"(text) RETURNS text {_SAME} 'SELECT NULL::text'",
        "crypt": f"(text, text) RETURNS text IMMUTABLE {_SAME} 'SELECT NULL::text'",
        "digest": f"(bytea, text) RETURNS bytea IMMUTABLE {_SAME} 'SELECT NULL::bytea'",
        "digest ": f"(text, text) RETURNS bytea IMMUTABLE {_SAME} 'SELECT NULL::bytea'",
        "hmac": f"(text, text, text) RETURNS bytea IMMUTABLE {_SAME} 'SELECT NULL::bytea'",
        "pgp_sym_encrypt": f"(text, text) RETURNS bytea {_SAME} 'SELECT NULL::bytea'",
        "pgp_sym_decrypt": f"(bytea, text) RETURNS text IMMUTABLE {_SAME} 'SELECT NULL::text'",
    },
}
"""Functions of extensions that the embedded server lacks. Those that only add functions nobody stores are left out."""
_WITHOUT_OBJECTS: Final = frozenset(
    {"pg_stat_statements", "pg_cron", "pg_net", "pgaudit", "pg_graphql", "pgjwt", "pgsodium", "supabase_vault", "http"}
    | {"moddatetime", "pg_repack", "pgmq", "wrappers", "index_advisor", "hypopg", "plpgsql_check", "pg_jsonschema"}
    | {"pg_session_jwt", "neon", "neon_utils", "pg_partman", "pg_tle", "plv8"}
)
_MISSING_ROLE: Final = re.compile(r'role "([^"]+)" does not exist')
_MISSING_PLACE: Final = re.compile(
    r'(?:schema|relation|function|type|table) "?(\w+)"?(?:\.[^ ]*)?(?:\(.*\))? does not exist', re.DOTALL
)
_ROLE_IN_BLOCK: Final = re.compile(r"\bCREATE\s+(?:ROLE|USER)\s+(?:\"([^\"]+)\"|(\w+))", re.IGNORECASE)
_DUPLICATE_SCHEMA: Final = "42P06"


class Ground:
    """What is there before the app's SQL runs, and what is made when it misses more.

    Attributes:
        connection: a session of the owner's own, in which names of the SQL's making are never found by search path.
        functions: schema and name of functions that stand in for those of an extension.
    """

    def __init__(self, boss: Any, connection: Any, owner: str, default: str) -> None:
        self._boss, self.connection, self._owner, self._default = boss, connection, owner, default
        self.functions: set[tuple[str, str]] = set()
        self._made: set[str] = set()  # schemas and roles
        self._extensions: set[str] = set()  # those that are there, or for which something stands in

    def lay(self, statements: "Sequence[Statement]") -> None:
        """Make what only a superuser can, before anything of the app's is there."""
        for one in statements:
            if one.kind == "CreateExtensionStmt":
                self._extension(one.node)
            elif one.kind == "CreateFdwStmt" and not one.node.get("func_options"):
                self._wrapper(one.node["fdwname"])
            elif one.kind == "DoStmt":
                text = one.source.data[one.start : one.end].decode(errors="replace")
                for found in _ROLE_IN_BLOCK.finditer(text):
                    self._role(found[1] or found[2].lower())

    def require_extension(self, statement: "Statement") -> None:
        """Raise ClientError where an extension is not on the scratch server and nothing can stand in for it."""
        name = statement.node["extname"]
        if name not in self._extensions:
            raise ClientError(
                f"{statement.place}: the scratch server has no extension {name}",
                'compare without running the SQL: infracheck.toml, [database] compare = "parse"',
            )

    def made_for(self, said: str) -> bool:
        """Make what an error says is not there; tell whether that was possible."""
        if role := _MISSING_ROLE.search(said):
            return self._role(role[1])
        if (place := _MISSING_PLACE.search(said)) and place[1] in SCHEMAS:
            return self._schema(place[1])
        return False

    def harmless(self, statement: "Statement", error: Any) -> bool:
        """Tell whether a failure changes nothing of the schema."""
        if statement.kind == "VariableSetStmt":
            return True  # a setting that this version does not know
        if error.sqlstate == _DUPLICATE_SCHEMA and statement.kind == "CreateSchemaStmt":
            return f"schema {statement.node.get('schemaname')}" in self._made and not statement.node.get("schemaElts")
        # What calls into an extension that only hosting has: cron.schedule(...)
        place = _MISSING_PLACE.search(str(error)) if statement.kind == "SelectStmt" else None
        return place is not None and place[1] in SCHEMAS and f"schema {place[1]}" in self._made

    def _first(self, what: str) -> bool:
        if what in self._made:
            return False
        self._made.add(what)
        return True

    def _role(self, name: str) -> bool:
        """Make a role that may do nothing, and let the owner act for it."""
        import psycopg
        from psycopg import sql

        if name.startswith("pg_") or not self._first(f"role {name}"):
            return False
        with suppress(psycopg.errors.DuplicateObject):  # made for an earlier database of this server
            self._boss.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
            self._boss.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(name), sql.Identifier(self._owner)))
        return True

    def _schema(self, name: str) -> bool:
        """Make a schema as the owner's own: one of hosting's with what apps use of it, or an empty one."""
        import psycopg
        from psycopg import sql

        if not self._first(f"schema {name}"):
            return False
        empty = sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(name))
        try:
            self.connection.execute(SCHEMAS.get(name) or empty)
        except psycopg.Error:
            return False  # the app has made something of that name itself
        return True

    def _wrapper(self, name: str) -> None:
        import psycopg
        from psycopg import sql

        with suppress(psycopg.errors.DuplicateObject):
            self._boss.execute(sql.SQL("CREATE FOREIGN DATA WRAPPER {}").format(sql.Identifier(name)))
        self._grant_wrappers()

    def _grant_wrappers(self) -> None:
        from psycopg import sql

        for row in self._boss.execute(
            "SELECT fdwname::text AS name FROM pg_catalog.pg_foreign_data_wrapper"
        ).fetchall():
            grant = sql.SQL("GRANT USAGE ON FOREIGN DATA WRAPPER {} TO {}")
            self._boss.execute(grant.format(sql.Identifier(row["name"]), sql.Identifier(self._owner)))

    def _extension(self, node: dict[str, Any]) -> None:
        import psycopg
        from psycopg import sql

        name = node["extname"]
        schema = _wanted(node) or self._default
        if name in self._extensions:
            return
        if schema != self._default:
            self._schema(schema)
        create = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA {} CASCADE")
        try:
            self._boss.execute(create.format(sql.Identifier(name), sql.Identifier(schema)))
        except psycopg.Error:
            if name not in EXTENSIONS and name not in _WITHOUT_OBJECTS:
                return  # said when its statement has its turn
            for function, definition in EXTENSIONS.get(name, {}).items():
                where = sql.Identifier(schema, function.strip())
                self.connection.execute(sql.SQL("CREATE FUNCTION {} " + definition).format(where))
                self.functions.add((schema, function.strip()))
        self._extensions.add(name)
        self._grant_wrappers()


def _wanted(node: dict[str, Any]) -> str | None:
    for one in node.get("options") or ():
        if one["DefElem"]["defname"] == "schema":
            return str(one["DefElem"]["arg"]["String"]["sval"])
    return None
