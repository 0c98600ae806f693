"""What the session's own role may do with tables: grants, columns, sequences and row-level security, by the catalog.

Everything is told by the server's own functions for the current role, so that superusers, membership, PUBLIC,
`pg_read_all_data` and owners count here as they count when a query runs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from infracheck.clients.postgres import Database, Row

COMMANDS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
# What migration tools write for themselves; the app's role need not touch it.
BOOKKEEPING: Final = (
    *("_prisma_migrations", "__drizzle_migrations", "_sqlx_migrations", "alembic_version", "ar_internal_metadata"),
    *("atlas_schema_revisions", "django_migrations", "flyway_schema_history", "goose_db_version", "knex_migrations"),
    *("knex_migrations_lock", "kysely_migration", "kysely_migration_lock", "pgmigrations", "schema_migrations"),
    "SequelizeMeta",
)
# Our own transaction hides search_path, and current_schemas() hides what the role may not use: reset_val shows it all.
_ROLE: Final = """
    SELECT role.rolname::text AS role, pg_catalog.quote_ident(role.rolname) AS quoted,
           pg_catalog.quote_ident(left(role.rolname, 50) || '_select') AS policy_select,
           pg_catalog.quote_ident(left(role.rolname, 50) || '_all') AS policy_all,
           pg_catalog.quote_ident(pg_catalog.current_database()) AS quoted_database,
           role.rolsuper AS superuser, role.rolbypassrls AS bypassrls,
           pg_catalog.pg_is_in_recovery() AS standby,
           pg_catalog.current_setting('default_transaction_read_only')::bool AS read_only,
           (SELECT source FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only') AS read_only_by,
           (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path') AS path
    FROM pg_catalog.pg_roles AS role WHERE role.rolname = current_user
"""
# - A command on each single column is as good as the command; generated columns are never written.
# - A default calls nextval(), which is content with USAGE or UPDATE. A sequence that a column merely owns needs no
#   grant, one that several tables share does, and an identity column's needs none.
# - row_security_active() knows owners, FORCE, superusers and BYPASSRLS. What a permissive policy does not let
#   through stays hidden; `false` lets nothing through.
_RIGHTS: Final = """
    SELECT space.nspname::text AS schema, class.relname::text AS name,
           pg_catalog.quote_ident(space.nspname) AS quoted_schema,
           pg_catalog.quote_ident(space.nspname) || '.' || pg_catalog.quote_ident(class.relname) AS quoted,
           coalesce(pg_catalog.has_schema_privilege(space.oid, 'USAGE'), false) AS usage,
           ARRAY(SELECT command FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS command
                 WHERE pg_catalog.has_table_privilege(class.oid, command)) AS granted,
           (SELECT jsonb_agg(part) FROM (
                SELECT command, pg_catalog.has_column_privilege(class.oid, attr.attnum, command) AS may,
                       array_agg(attr.attname::text ORDER BY attr.attnum) AS names
                FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS command
                JOIN pg_catalog.pg_attribute AS attr ON attr.attrelid = class.oid AND attr.attnum > 0
                     AND NOT attr.attisdropped AND (command = 'SELECT' OR attr.attgenerated = '')
                WHERE NOT pg_catalog.has_table_privilege(class.oid, command) GROUP BY 1, 2) AS part) AS columns,
           (SELECT jsonb_agg(DISTINCT jsonb_build_array(
                of_seq.nspname || '.' || seq.relname,
                pg_catalog.quote_ident(of_seq.nspname) || '.' || pg_catalog.quote_ident(seq.relname)))
            FROM pg_catalog.pg_attrdef AS preset
            JOIN pg_catalog.pg_depend AS dep ON dep.classid = 'pg_catalog.pg_attrdef'::regclass
                 AND dep.objid = preset.oid AND dep.refclassid = 'pg_catalog.pg_class'::regclass
            JOIN pg_catalog.pg_class AS seq ON seq.oid = dep.refobjid
            JOIN pg_catalog.pg_namespace AS of_seq ON of_seq.oid = seq.relnamespace
            WHERE preset.adrelid = class.oid
              AND CASE WHEN seq.relkind = 'S' THEN NOT pg_catalog.has_sequence_privilege(seq.oid, 'USAGE, UPDATE') END
           ) AS sequences,
           pg_catalog.pg_has_role(class.relowner, 'USAGE') AS owner,
           class.relrowsecurity AS row_security, class.relforcerowsecurity AS forced,
           pg_catalog.row_security_active(class.oid) AS subject,
           ARRAY(SELECT asked.command
                 FROM (VALUES ('SELECT', 'r'), ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd')) AS asked(command, cmd)
                 WHERE EXISTS (SELECT FROM pg_catalog.pg_policy AS policy
                    WHERE policy.polrelid = class.oid AND policy.polpermissive AND policy.polcmd IN ('*', asked.cmd)
                      AND EXISTS (SELECT FROM unnest(policy.polroles) AS allowed
                                  WHERE allowed = 0 OR pg_catalog.pg_has_role(allowed, 'USAGE'))
                      AND pg_catalog.pg_get_expr(CASE WHEN asked.cmd = 'a' THEN
                            coalesce(policy.polwithcheck, policy.polqual) ELSE policy.polqual END, policy.polrelid)
                          IS DISTINCT FROM 'false')) AS policies,
           ARRAY(SELECT DISTINCT role.rolname::text FROM pg_catalog.pg_policy AS policy
                 JOIN pg_catalog.pg_roles AS role ON role.oid = ANY (policy.polroles)
                 WHERE policy.polrelid = class.oid AND policy.polpermissive
                   AND NOT pg_catalog.pg_has_role(role.oid, 'USAGE') ORDER BY 1) AS others
"""
_NAMED: Final = """
    FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS wanted(schema, name, turn)
    JOIN pg_catalog.pg_namespace AS space ON space.nspname = wanted.schema
    JOIN pg_catalog.pg_class AS class ON class.relnamespace = space.oid AND class.relname = wanted.name
    WHERE class.relkind IN ('r', 'p', 'f') ORDER BY wanted.turn
"""
_FOUND: Final = """
    FROM pg_catalog.pg_class AS class JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace
    WHERE space.nspname = ANY (%s::text[]) AND class.relname <> ALL (%s::text[])
      AND class.relkind IN ('r', 'p', 'f') AND NOT class.relispartition
      AND space.nspname NOT IN ('pg_catalog', 'information_schema')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS dep WHERE dep.objid = class.oid AND dep.deptype = 'e'
                      AND dep.classid = 'pg_catalog.pg_class'::regclass)
    ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Named:
    """Something in the database: `name` as people read it, `quoted` as SQL takes it."""

    name: str
    quoted: str


@dataclass(frozen=True, slots=True)
class TableRights:
    """What the role may do with one table."""

    schema: str
    name: str
    quoted_schema: str
    quoted: str
    usage: bool  # on its schema
    granted: frozenset[str]  # commands on the whole of it
    columns: Mapping[str, tuple[str, ...]]  # command -> the columns that it is granted on, where that is not all
    sequences: tuple[Named, ...]  # that its defaults take numbers from, and the role may not
    owner: bool
    row_security: bool
    forced: bool  # on its owner too
    subject: bool  # row-level security is on, and holds for this role
    policies: frozenset[str]  # commands for which a policy lets the role at some rows
    others: tuple[str, ...]  # roles that its policies are for, and that this role is not one of

    @property
    def lacking(self) -> tuple[str, ...]:
        """The commands that are not granted on a single column."""
        return tuple(one for one in COMMANDS if one not in self.granted and one not in self.columns)

    @property
    def without_policy(self) -> tuple[str, ...]:
        """The commands that row-level security keeps from every row."""
        return tuple(one for one in COMMANDS if self.subject and one not in self.policies)


@dataclass(frozen=True, slots=True)
class Rights:
    """What the role is, whether the database takes writes at all, and what the role may do with each table."""

    role: str
    quoted: str
    quoted_database: str
    policy_names: Mapping[str, str]  # for policies yet to be made: "SELECT" and "ALL" -> a quoted name
    superuser: bool
    bypassrls: bool
    standby: bool
    read_only: bool  # transactions are, unless they say otherwise
    read_only_by: str  # where that is set, as pg_settings.source says it
    path: tuple[str, ...]  # the schemas on the search path, existing and usable or not
    tables: tuple[TableRights, ...]


def read(database: "Database", tables: Sequence[tuple[str, str]] | None) -> Rights:
    """Ask in two questions, however many tables there are.

    Args:
        tables: (schema, name) each, unquoted; what does not exist or is no table is left out. None: all tables in the
            schemas of the role's search path, without partitions, those of extensions, and migration bookkeeping.

    Raises:
        SessionUnclear: no answer in time, or the session broke off.
    """
    [role] = database.query(_ROLE)
    path = _schemas(role["path"], role["role"])
    rows: list[Row] = []
    if tables is None:
        rows = database.query(_RIGHTS + _FOUND, [list(path), list(BOOKKEEPING)])
    elif tables:
        schemas, names = zip(*dict.fromkeys(tables), strict=True)
        rows = database.query(_RIGHTS + _NAMED, [list(schemas), list(names)])
    return Rights(
        role=role["role"],
        quoted=role["quoted"],
        quoted_database=role["quoted_database"],
        policy_names={"SELECT": role["policy_select"], "ALL": role["policy_all"]},
        superuser=role["superuser"],
        bypassrls=role["bypassrls"],
        standby=role["standby"],
        read_only=role["read_only"],
        read_only_by=role["read_only_by"],
        path=path,
        tables=tuple(map(_table, rows)),
    )


def _schemas(path: str, role: str) -> tuple[str, ...]:
    """Return the schemas that the setting names."""
    found = (
        quoted.replace('""', '"') if quoted else plain.lower()
        for quoted, plain in re.findall(r'"((?:[^"]|"")+)"|([^\s,"]+)', path)
    )
    return tuple(dict.fromkeys(role if name == "$user" else name for name in found))


def _table(row: "Row") -> TableRights:
    granted, columns = _commands(row["granted"], row["columns"] or [])
    same = ("schema", "name", "quoted_schema", "quoted", "usage", "owner", "row_security", "forced", "subject")
    return TableRights(
        **{name: row[name] for name in same},
        granted=granted,
        columns=columns,
        sequences=tuple(Named(*pair) for pair in row["sequences"] or []),
        policies=frozenset(row["policies"]),
        others=tuple(row["others"]),
    )


def _commands(granted: list[str], parts: list[dict[str, Any]]) -> tuple[frozenset[str], dict[str, tuple[str, ...]]]:
    """Return the commands on the whole table, and those on some columns only."""
    some = {part["command"]: tuple(part["names"]) for part in parts if part["may"]}
    short = {part["command"] for part in parts if not part["may"]}
    partly = {command: some[command] for command in COMMANDS if command in some.keys() & short}
    return frozenset(granted) | (some.keys() - short), partly
