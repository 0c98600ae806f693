"""What every family of mutations is made from: the value itself, quoting, and the catalog's rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import namedtuple_row

Connection = psycopg.Connection[Any]

RENAMED = "infracheck_renamed"
ADDED = "infracheck_added"

# Names are the catalog's own, in bytes' order, so that the choice is the same on every server.
_TABLES = """
    SELECT n.nspname AS schema, c.relname AS "table", c.relrowsecurity AS secured, c.relforcerowsecurity AS forced
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                        AND d.deptype = 'e')
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""
_COLUMNS = """
    SELECT n.nspname AS schema, c.relname AS "table", a.attname AS "column",
           format_type(a.atttypid, a.atttypmod) AS type, t.typtype AS kind,
           t.typcategory = 'A' AND t.typelem <> 0 AS is_array,
           format_type(nullif(t.typelem, 0), a.atttypmod) AS element,
           base.typname AS base, format_type(base.oid, NULL) AS base_type,
           ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = base.oid
                 ORDER BY e.enumsortorder) AS labels,
           a.attnotnull AS filled, a.attidentity AS identity, a.attgenerated AS generated,
           CASE a.attgenerated WHEN '' THEN pg_get_expr(f.adbin, f.adrelid) END AS "default",
           EXISTS (SELECT FROM pg_constraint k
                   WHERE k.conrelid = c.oid AND k.contype = 'p' AND a.attnum = ANY (k.conkey)) AS keyed,
           EXISTS (SELECT FROM pg_depend d
                   WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = a.attnum
                     AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
                     AND d.objid IN (SELECT s.seqrelid FROM pg_sequence s)) AS serial
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_type base ON base.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
    LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount = 0
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                        AND d.deptype = 'e')
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attname COLLATE "C"
"""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change of a schema that a comparison has to find.

    Attributes:
        sql: one or several statements, for one transaction that is rolled back afterwards.
        action: what is done, such as "drop column".
        expected: (class, subject) pairs; at least one of them has to be reported as failing.
    """

    sql: str
    action: str
    expected: frozenset[tuple[str, str]]


class Catalog:
    """Rows of pg_catalog about some schemas; expressions and types are printed with their schemas."""

    def __init__(self, connection: Connection, schemas: Sequence[str]) -> None:
        self._connection = connection
        self._schemas = list(schemas)

    def rows(self, query: str) -> list[Any]:
        """Return the rows of a query, which finds the schemas' names in `%(schemas)s`."""
        with self._connection.cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute(query.encode(), {"schemas": self._schemas}).fetchall()

    @cached_property
    def tables(self) -> list[Any]:
        return self.rows(_TABLES)

    @cached_property
    def columns(self) -> list[Any]:
        return self.rows(_COLUMNS)


def change(action: str, kind: str, names: Sequence[str], *statements: str) -> Mutation:
    """Return a mutation that has to be reported as class `kind`, with the names joined by dots as its subject."""
    return Mutation(";\n".join(statements), action, frozenset({(kind, ".".join(names))}))


def named(*names: str) -> str:
    """Quote a qualified name."""
    return sql.Identifier(*names).as_string()


def listed(names: Sequence[str]) -> str:
    """Quote each of some names, with commas between."""
    return ", ".join(named(name) for name in names)


def literal(text: str) -> str:
    return sql.Literal(text).as_string().strip()
