"""Mutations of row level security, of privileges and of extensions."""

from collections.abc import Iterator
from typing import Any

from tests.schemas.mutations_base import Catalog, Mutation, change, listed, literal, named

_COMMANDS = {"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}
_OTHER_COMMANDS = {"*": "w", "r": "d", "d": "r", "w": "*"}
_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE")
_POLICIES = """
    SELECT n.nspname AS schema, c.relname AS "table", p.polname AS name, p.polcmd AS command,
           p.polpermissive AS permissive, pg_get_expr(p.polqual, p.polrelid) AS using,
           pg_get_expr(p.polwithcheck, p.polrelid) AS "check",
           ARRAY(SELECT r.rolname::text FROM pg_roles r WHERE r.oid = ANY (p.polroles) ORDER BY r.rolname) AS roles
    FROM pg_policy p
    JOIN pg_class c ON c.oid = p.polrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) AND NOT c.relispartition
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                        AND d.deptype = 'e')
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", p.polname COLLATE "C"
"""
_EXTENSIONS = """
    SELECT e.extname AS name FROM pg_extension e WHERE e.extname <> 'plpgsql' ORDER BY e.extname COLLATE "C"
"""


def propose(catalog: Catalog) -> Iterator[Mutation]:
    for row in catalog.tables:
        yield from _security(row)
    for row in catalog.rows(_POLICIES):
        yield from _policy(row)
    for row in catalog.rows(_EXTENSIONS):
        yield change("drop extension", "extension", (row.name,), f"DROP EXTENSION {named(row.name)} CASCADE")


def propose_grants(catalog: Catalog, role: str) -> Iterator[tuple[Mutation, str]]:
    """Yield mutations, each with the question whether the role has what it must have lost by then.

    What everybody may, the role may too: it is taken from PUBLIC as well.
    """
    nobody = f"FROM {named(role)}, PUBLIC"
    for privilege in _PRIVILEGES:
        for row in catalog.tables:
            table = named(row.schema, row.table)
            question = f"has_table_privilege({literal(role)}, {literal(table)}, '{privilege}')"
            revoke = f"REVOKE {privilege} ON TABLE {table} {nobody}"
            yield change(f"revoke {privilege.lower()}", "grant", (row.schema, row.table), revoke), question
    for schema in dict.fromkeys(row.schema for row in catalog.tables):
        subjects = frozenset(("grant", f"{schema}.{row.table}") for row in catalog.tables if row.schema == schema)
        question = f"has_schema_privilege({literal(role)}, {literal(schema)}, 'USAGE')"
        yield Mutation(f"REVOKE USAGE ON SCHEMA {named(schema)} {nobody}", "revoke usage", subjects), question


def _security(row: Any) -> Iterator[Mutation]:
    for is_on, on, off in (
        (row.secured, "enable row security", "disable row security"),
        (row.forced, "force row security", "no force row security"),
    ):
        action = off if is_on else on
        what = action.upper().replace("ROW SECURITY", "ROW LEVEL SECURITY")
        yield change(action, "rls", (row.schema, row.table), f"ALTER TABLE {named(row.schema, row.table)} {what}")


def _policy(row: Any) -> Iterator[Mutation]:
    names, policy = (row.schema, row.table, row.name), f"{named(row.name)} ON {named(row.schema, row.table)}"
    drop = f"DROP POLICY {policy}"
    yield change("drop policy", "policy", names, drop)
    for action, clause, condition in (
        ("change policy condition", "USING", row.using),
        ("change policy check", "WITH CHECK", row.check),
    ):
        if condition is not None:
            other = "false" if condition == "true" else "true"
            yield change(action, "policy", names, f"ALTER POLICY {policy} {clause} ({other})")
    other = "PUBLIC" if row.roles else "pg_read_all_data"
    yield change("change policy roles", "policy", names, f"ALTER POLICY {policy} TO {other}")
    action = "make policy restrictive" if row.permissive else "make policy permissive"
    yield change(action, "policy", names, drop, _create(row, row.command, permissive=not row.permissive))
    if other := _OTHER_COMMANDS.get(row.command, ""):
        create = _create(row, other, permissive=row.permissive)
        yield change("change policy command", "policy", names, drop, create)


def _create(row: Any, command: str, *, permissive: bool) -> str:
    parts = [
        f"CREATE POLICY {named(row.name)} ON {named(row.schema, row.table)}",
        f"AS {'PERMISSIVE' if permissive else 'RESTRICTIVE'} FOR {_COMMANDS[command]}",
        f"TO {listed(row.roles) or 'PUBLIC'}",
        f"USING ({row.using})" if row.using is not None else "",
        f"WITH CHECK ({row.check})" if row.check is not None else "",
    ]
    return " ".join(part for part in parts if part)
