"""Mutations of what the database runs: views, functions and triggers."""

import re
from collections.abc import Iterator
from typing import Any

from tests.schemas.mutations_base import Catalog, Mutation, change, named

_VIEWS = """
    SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind, pg_get_viewdef(c.oid) AS query,
           (SELECT string_agg(o, ', ') FROM unnest(c.reloptions) AS o WHERE o NOT LIKE 'check_option=%%') AS options
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('v', 'm')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                        AND d.deptype = 'e')
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""
# Functions that a range type made belong to it.
_FUNCTIONS = """
    SELECT n.nspname AS schema, p.proname AS name, p.prokind AS kind, p.provolatile AS volatility,
           p.prosecdef AS definer, p.prosrc AS body, pg_get_functiondef(p.oid) AS definition,
           l.lanname IN ('sql', 'plpgsql') AND to_jsonb(p) ->> 'prosqlbody' IS NULL AS has_text,
           pg_get_function_identity_arguments(p.oid) AS arguments,
           (SELECT coalesce(string_agg(format_type(u.type, NULL), ', ' ORDER BY u.place), '')
            FROM unnest(p.proargtypes) WITH ORDINALITY AS u (type, place)) AS types
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    WHERE n.nspname = ANY (%(schemas)s) AND p.prokind IN ('f', 'p')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
    ORDER BY n.nspname COLLATE "C", p.proname COLLATE "C",
             pg_get_function_identity_arguments(p.oid) COLLATE "C"
"""
_TRIGGERS = """
    SELECT n.nspname AS schema, c.relname AS "table", g.tgname AS name, quote_ident(g.tgname) AS quoted,
           g.tgenabled AS enabled, g.tgtype::integer AS type, pg_get_triggerdef(g.oid) AS definition
    FROM pg_trigger g
    JOIN pg_class c ON c.oid = g.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) AND NOT c.relispartition AND NOT g.tgisinternal
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
                        AND d.deptype = 'e')
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", g.tgname COLLATE "C"
"""
_EVENTS = {"INSERT": 4, "DELETE": 8, "UPDATE": 16}  # bits of pg_trigger.tgtype, in the order in which they are printed


def propose(catalog: Catalog) -> Iterator[Mutation]:
    for row in catalog.rows(_VIEWS):
        yield from _view(row)
    for row in catalog.rows(_FUNCTIONS):
        yield from _function(row)
    for row in catalog.rows(_TRIGGERS):
        yield from _trigger(row)


def _view(row: Any) -> Iterator[Mutation]:
    names, view = (row.schema, row.name), named(row.schema, row.name)
    if row.kind == "m":
        yield change("drop materialized view", "view", names, f"DROP MATERIALIZED VIEW {view} CASCADE")
        return
    options = f" WITH ({row.options})" if row.options else ""  # they would be lost with the old query
    query = row.query.strip().removesuffix(";")
    less = f"CREATE OR REPLACE VIEW {view}{options} AS SELECT * FROM (\n{query}\n) AS old WHERE false"
    yield change("drop view", "view", names, f"DROP VIEW {view} CASCADE")
    yield change("change view", "view", names, less)


def _function(row: Any) -> Iterator[Mutation]:
    names, routine = (row.schema, f"{row.name}({row.types})"), f"{named(row.schema, row.name)}({row.arguments})"
    yield change("drop function", "function", names, f"DROP ROUTINE {routine} CASCADE")
    other = "INVOKER" if row.definer else "DEFINER"
    yield change("change function security", "function", names, f"ALTER ROUTINE {routine} SECURITY {other}")
    if row.kind == "f":
        other = "STABLE" if row.volatility == "v" else "VOLATILE"
        yield change("change function volatility", "function", names, f"ALTER FUNCTION {routine} {other}")
    if row.has_text and (commented := _commented(row)):
        # The body may find its tables by a search path that is not ours.
        unchecked = "SET LOCAL check_function_bodies = off"
        yield change("change function body", "function", names, unchecked, commented)


def _commented(row: Any) -> str | None:
    """Return the definition with one more line in its body, which stands last, between two dollar tags."""
    tag = re.search(r"\$[a-z]+\$\s*\Z", row.definition)
    if tag is None or not row.definition[: tag.start()].endswith(row.body):
        return None
    return f"{row.definition[: tag.start()]}\n-- changed\n{tag[0].strip()}"


def _trigger(row: Any) -> Iterator[Mutation]:
    names, table = (row.schema, row.table, row.name), named(row.schema, row.table)
    drop = f"DROP TRIGGER {named(row.name)} ON {table}"
    yield change("drop trigger", "trigger", names, drop)
    if row.enabled != "D":
        yield change("disable trigger", "trigger", names, f"ALTER TABLE {table} DISABLE TRIGGER {named(row.name)}")
    head, _, rest = row.definition.partition(f" TRIGGER {row.quoted} ")
    timing, _, rest = rest.partition(" ")
    head = f"{head} TRIGGER {row.quoted}"
    if timing != "INSTEAD":
        other = "AFTER" if timing == "BEFORE" else "BEFORE"
        yield change("change trigger timing", "trigger", names, drop, f"{head} {other} {rest}")
        for events in _other_events(row.type, rest):
            yield change("change trigger events", "trigger", names, drop, f"{head} {timing} {events}")


def _other_events(type_: int, rest: str) -> Iterator[str]:
    """Yield the rest of the definition, which begins with the events, with one event more, or else with one less."""
    for event, bit in _EVENTS.items():
        if not type_ & bit:
            yield f"{event} OR {rest}"
    if type_ & _EVENTS["INSERT"] and rest.startswith("INSERT OR "):
        yield rest.removeprefix("INSERT OR ")
