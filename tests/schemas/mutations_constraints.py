"""Mutations of keys, checks and exclusions."""

from collections.abc import Iterator
from typing import Any

from tests.schemas.mutations_base import Catalog, Mutation, change, listed, named

_KINDS = {"p": "primary key", "u": "unique", "f": "foreign key", "c": "check", "x": "exclude"}
_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
# Copies that partitions and heirs have, and those that stand for the partitions of a referenced table, are left out.
_CONSTRAINTS = """
    SELECT n.nspname AS schema, c.relname AS "table", k.conname AS name, k.contype AS kind,
           pg_get_expr(k.conbin, k.conrelid) AS condition, rn.nspname AS other_schema, rc.relname AS other_table,
           k.confmatchtype AS matching, k.confupdtype AS on_update, k.confdeltype AS on_delete,
           k.condeferrable AS deferrable, k.condeferred AS deferred, k.convalidated AS validated,
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
                 JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place) AS columns,
           ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
                 JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number
                 ORDER BY u.place) AS other_columns
    FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_class rc ON rc.oid = k.confrelid
    LEFT JOIN pg_namespace rn ON rn.oid = rc.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND k.contype IN ('p', 'u', 'f', 'c', 'x') AND k.conparentid = 0 AND k.coninhcount = 0
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                        AND d.deptype = 'e')
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", k.conname COLLATE "C"
"""


def propose(catalog: Catalog) -> Iterator[Mutation]:
    for row in catalog.rows(_CONSTRAINTS):
        kind = _KINDS[row.kind]
        drop = f"ALTER TABLE {named(row.schema, row.table)} DROP CONSTRAINT {named(row.name)} CASCADE"
        yield change(f"drop {kind}", kind, (row.schema, row.table, row.name), drop)
        if row.kind == "f":
            on_delete = "a" if row.on_delete == "c" else "c"
            yield _replace(row, "change delete action", _foreign_key(row, on_delete))
        elif row.kind == "c":
            loose = "true" if row.condition != "true" else "1 > 0"
            yield _replace(row, "loosen check", f"CHECK ({loose})")
            yield _replace(row, "tighten check", f"CHECK (({row.condition}) AND CURRENT_USER <> 'nobody')")


def _replace(row: Any, action: str, definition: str) -> Mutation:
    drop, add = f"DROP CONSTRAINT {named(row.name)}", f"ADD CONSTRAINT {named(row.name)} {definition}"
    statement = f"ALTER TABLE {named(row.schema, row.table)} {drop}, {add}"
    return change(action, _KINDS[row.kind], (row.schema, row.table, row.name), statement)


def _foreign_key(row: Any, on_delete: str) -> str:
    """Return the key as it is, but for what happens when the referenced row is deleted."""
    parts = [
        f"FOREIGN KEY ({listed(row.columns)})",
        f"REFERENCES {named(row.other_schema, row.other_table)} ({listed(row.other_columns)})",
        "MATCH FULL" if row.matching == "f" else "",
        f"ON UPDATE {_ACTIONS[row.on_update]} ON DELETE {_ACTIONS[on_delete]}",
        "DEFERRABLE" if row.deferrable else "",
        "INITIALLY DEFERRED" if row.deferred else "",
        "" if row.validated else "NOT VALID",
    ]
    return " ".join(part for part in parts if part)
