"""Mutations of enums, domains, composite types and sequences of their own."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.schemas.mutations_base import ADDED, RENAMED, Catalog, Mutation, change, literal, named
from tests.schemas.mutations_literals import another_default

_TYPES = """
    SELECT n.nspname AS schema, t.typname AS name, t.typtype AS kind, t.typnotnull AS filled,
           t.typdefault AS "default", base.typname AS base,
           ARRAY(SELECT e.enumlabel::text FROM pg_enum e
                 WHERE e.enumtypid = coalesce(base.oid, t.oid) ORDER BY e.enumsortorder) AS labels,
           ARRAY(SELECT k.conname::text FROM pg_constraint k
                 WHERE k.contypid = t.oid AND k.contype = 'c' ORDER BY k.conname COLLATE "C") AS checks,
           ARRAY(SELECT a.attname::text FROM pg_attribute a
                 WHERE a.attrelid = t.typrelid AND t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped
                 ORDER BY a.attnum) AS attributes
    FROM pg_type t
    JOIN pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_type base ON base.oid = t.typbasetype
    LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE n.nspname = ANY (%(schemas)s) AND (t.typtype IN ('e', 'd') OR t.typtype = 'c' AND c.relkind = 'c')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
    ORDER BY n.nspname COLLATE "C", t.typname COLLATE "C"
"""
_USES = """
    SELECT tn.nspname AS type_schema, e.typname AS type_name, n.nspname AS schema, c.relname AS "table",
           a.attname AS "column", a.atttypid <> e.oid AS is_array, pg_get_expr(f.adbin, f.adrelid) AS "default"
    FROM pg_type e
    JOIN pg_namespace tn ON tn.oid = e.typnamespace
    JOIN pg_attribute a ON a.atttypid IN (e.oid, e.typarray)
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    WHERE e.typtype = 'e' AND tn.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p')
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attname COLLATE "C"
"""
_SEQUENCES = """
    SELECT n.nspname AS schema, c.relname AS name, s.seqincrement AS step
    FROM pg_sequence s
    JOIN pg_class c ON c.oid = s.seqrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s)
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i', 'e'))
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""


def propose(catalog: Catalog) -> Iterator[Mutation]:
    uses = catalog.rows(_USES)
    for row in catalog.rows(_TYPES):
        if row.kind == "e":
            yield from _enum(row, [use for use in uses if (use.type_schema, use.type_name) == (row.schema, row.name)])
        elif row.kind == "d":
            yield from _domain(row)
        else:
            yield from _composite(row)
    for row in catalog.rows(_SEQUENCES):
        names, sequence = (row.schema, row.name), named(row.schema, row.name)
        step = row.step + (1 if row.step > 0 else -1)
        yield change("drop sequence", "sequence", names, f"DROP SEQUENCE {sequence} CASCADE")
        yield change("change increment", "sequence", names, f"ALTER SEQUENCE {sequence} INCREMENT BY {step}")


def _enum(row: Any, uses: Sequence[Any]) -> Iterator[Mutation]:
    names, enum = (row.schema, row.name), named(row.schema, row.name)
    yield change("drop enum", "enum", names, f"DROP TYPE {enum} CASCADE")
    if not row.labels:
        yield change("add enum value", "enum", names, f"ALTER TYPE {enum} ADD VALUE {literal(ADDED)}")
        return
    first, last = literal(row.labels[0]), literal(row.labels[-1])
    yield change("add enum value", "enum", names, f"ALTER TYPE {enum} ADD VALUE {literal(ADDED)} BEFORE {first}")
    yield change("rename enum value", "enum", names, f"ALTER TYPE {enum} RENAME VALUE {last} TO {literal(RENAMED)}")
    if len(row.labels) > 1:
        yield change("reorder enum values", "enum", names, *_reordered(row, uses))


def _reordered(row: Any, uses: Sequence[Any]) -> Iterator[str]:
    """Yield the statements that put a type with the labels backwards into the place of this one."""
    enum = named(row.schema, row.name)
    labels = ", ".join(literal(label) for label in reversed(row.labels))
    yield f"ALTER TYPE {enum} RENAME TO {named(RENAMED)}"
    yield f"CREATE TYPE {enum} AS ENUM ({labels})"
    for use in uses:
        alter, brackets = f"ALTER TABLE {named(use.schema, use.table)}", "[]" if use.is_array else ""
        column = named(use.column)
        if use.default is not None:
            yield f"{alter} ALTER COLUMN {column} DROP DEFAULT"
        using = f"{column}::text{brackets}::{enum}{brackets}"
        yield f"{alter} ALTER COLUMN {column} TYPE {enum}{brackets} USING {using}"
        if use.default is not None:
            yield f"{alter} ALTER COLUMN {column} SET DEFAULT {use.default}"
    yield f"DROP TYPE {named(row.schema, RENAMED)}"


def _domain(row: Any) -> Iterator[Mutation]:
    names, alter = (row.schema, row.name), f"ALTER DOMAIN {named(row.schema, row.name)}"
    yield change("drop domain", "domain", names, f"DROP DOMAIN {named(row.schema, row.name)} CASCADE")
    for check in row.checks:
        yield change("drop domain constraint", "domain", names, f"{alter} DROP CONSTRAINT {named(check)}")
    more = f"{alter} ADD CONSTRAINT {named(ADDED)} CHECK (VALUE IS NOT NULL)"
    yield change("add domain constraint", "domain", names, more)
    if row.filled:
        yield change("drop domain not null", "domain", names, f"{alter} DROP NOT NULL")
    else:
        yield change("set domain not null", "domain", names, f"{alter} SET NOT NULL")
    if row.default is not None:
        yield change("drop domain default", "domain", names, f"{alter} DROP DEFAULT")
    elif other := another_default(row.base, row.labels, None):
        yield change("set domain default", "domain", names, f"{alter} SET DEFAULT {other}")


def _composite(row: Any) -> Iterator[Mutation]:
    kind, names, alter = "composite type", (row.schema, row.name), f"ALTER TYPE {named(row.schema, row.name)}"
    yield change("drop composite type", kind, names, f"DROP TYPE {named(row.schema, row.name)} CASCADE")
    yield change("add attribute", kind, names, f"{alter} ADD ATTRIBUTE {named(ADDED)} integer CASCADE")
    if row.attributes:
        yield change("drop attribute", kind, names, f"{alter} DROP ATTRIBUTE {named(row.attributes[-1])} CASCADE")
