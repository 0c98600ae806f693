"""Mutations of indexes that no constraint made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.schemas.mutations_base import Catalog, Mutation, change, listed, named

# A key's options: 1 descending, 2 nulls first.
_INDEXES = """
    SELECT n.nspname AS schema, c.relname AS "table", i.relname AS name, m.amname AS method,
           x.indisunique AS is_unique, pg_get_expr(x.indpred, x.indrelid) AS predicate,
           to_jsonb(x) ->> 'indnullsnotdistinct' = 'true' AS nulls_are_equal,
           ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, false)
                 FROM generate_series(1, x.indnkeyatts) AS k ORDER BY k) AS keys,
           ARRAY(SELECT format('%%I.%%I', q.nspname, o.opcname) FROM generate_series(1, x.indnkeyatts) AS k
                 JOIN pg_opclass o ON o.oid = x.indclass[k - 1] JOIN pg_namespace q ON q.oid = o.opcnamespace
                 ORDER BY k) AS classes,
           ARRAY(SELECT x.indoption[k - 1]::integer FROM generate_series(1, x.indnkeyatts) AS k ORDER BY k) AS options,
           ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, false)
                 FROM generate_series(x.indnkeyatts + 1, x.indnatts) AS k ORDER BY k) AS included,
           ARRAY(SELECT a.attname::text FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   AND a.attnum <> ALL (x.indkey::smallint[]) ORDER BY a.attname COLLATE "C") AS spare,
           array_to_string(i.reloptions, ', ') AS storage
    FROM pg_index x
    JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_am m ON m.oid = i.relam
    JOIN pg_class c ON c.oid = x.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition
      AND NOT i.relispartition
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                        AND d.deptype = 'e')
    ORDER BY n.nspname COLLATE "C", i.relname COLLATE "C"
"""


@dataclass(frozen=True, slots=True)
class Index:
    """What CREATE INDEX says, in pieces."""

    schema: str
    table: str
    name: str
    method: str
    keys: tuple[str, ...]
    included: tuple[str, ...]
    unique: bool
    nulls_are_equal: bool
    predicate: str | None
    storage: str | None

    def create(self) -> str:
        parts = [
            f"CREATE {'UNIQUE ' if self.unique else ''}INDEX {named(self.name)} ON {named(self.schema, self.table)}",
            f"USING {self.method} ({', '.join(self.keys)})",
            f"INCLUDE ({', '.join(self.included)})" if self.included else "",
            "NULLS NOT DISTINCT" if self.unique and self.nulls_are_equal else "",
            f"WITH ({self.storage})" if self.storage else "",
            f"WHERE ({self.predicate})" if self.predicate else "",
        ]
        return " ".join(part for part in parts if part)


def propose(catalog: Catalog) -> Iterator[Mutation]:
    for row in catalog.rows(_INDEXES):
        drop = f"DROP INDEX {named(row.schema, row.name)} CASCADE"
        yield change("drop index", "index", (row.schema, row.name), drop)
        for action, other in _others(row):
            yield change(action, "index", (row.schema, row.name), drop, other.create())


def _others(row: Any) -> Iterator[tuple[str, Index]]:
    keys = _keys(row, row.options)
    index = Index(
        row.schema,
        row.table,
        row.name,
        row.method,
        keys,
        tuple(row.included),
        row.is_unique,
        bool(row.nulls_are_equal),
        row.predicate,
        row.storage,
    )
    if len(set(keys)) > 1:
        yield "change order of index columns", replace(index, keys=tuple(reversed(keys)))
    for column in row.spare:
        yield "change index columns", replace(index, keys=(listed([column]), *keys[1:]))
    yield "change index uniqueness", replace(index, unique=not index.unique)
    without = None if index.predicate else f"{row.keys[0]} IS NOT NULL"
    yield "drop index predicate" if index.predicate else "add index predicate", replace(index, predicate=without)
    if row.method == "btree":
        yield "change index direction", replace(index, keys=_keys(row, [row.options[0] ^ 3, *row.options[1:]]))


def _keys(row: Any, options: Sequence[int]) -> tuple[str, ...]:
    return tuple(
        f"{key} {class_}{_direction(option) if row.method == 'btree' else ''}"
        for key, class_, option in zip(row.keys, row.classes, options, strict=True)
    )


def _direction(option: int) -> str:
    return f" {'DESC' if option & 1 else 'ASC'} NULLS {'FIRST' if option & 2 else 'LAST'}"
