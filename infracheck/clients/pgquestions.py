"""The questions to a catalog: each names what it reads in full, and leaves out what an extension brought."""

from typing import Final

OWN_SCHEMA: Final = "space.nspname NOT LIKE 'pg\\_%' AND space.nspname <> 'information_schema'"
_OWN_OBJECT: Final = (
    "$OWN_SCHEMA AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS part "
    "WHERE part.classid = 'pg_catalog.{}'::pg_catalog.regclass AND part.objid = {}.oid AND part.deptype IN ({}))"
)
_RELATIONS: Final = """
    SELECT class.oid::int8 AS oid, space.nspname::text AS schema, class.relname::text AS name,
           class.relkind::text AS kind, class.relrowsecurity AS secured, class.relforcerowsecurity AS forced,
           class.relispartition AS partition,
           CASE WHEN class.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(class.oid) END AS partition_key,
           CASE WHEN class.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(class.oid) END AS query,
           class.reloptions AS options,
           ARRAY(SELECT inherits.inhparent::int8 FROM pg_catalog.pg_inherits AS inherits
                 WHERE inherits.inhrelid = class.oid ORDER BY inherits.inhseqno) AS parents,
           pg_catalog.format_type(seq.seqtypid, NULL) AS seq_type, seq.seqincrement AS increment,
           seq.seqmin AS minimum, seq.seqmax AS maximum, seq.seqstart AS start, seq.seqcycle AS cycle,
           class.relkind = 'S' AND EXISTS (
               SELECT FROM pg_catalog.pg_depend AS owner
               WHERE owner.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND owner.objid = class.oid
                 AND owner.refobjsubid > 0 AND owner.deptype IN ('a', 'i')) AS owned
    FROM pg_catalog.pg_class AS class
    JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace
    LEFT JOIN pg_catalog.pg_sequence AS seq ON seq.seqrelid = class.oid
    WHERE class.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c') AND $OWN_CLASS
    ORDER BY class.oid
"""
_COLUMNS: Final = """
    SELECT class.oid::int8 AS oid, attribute.attnum AS number, attribute.attname::text AS name,
           pg_catalog.format_type(attribute.atttypid, attribute.atttypmod) AS type, attribute.attnotnull AS not_null,
           CASE WHEN attribute.attcollation <> kind.typcollation THEN collated.collname::text END AS collation,
           attribute.attidentity::text AS identity, attribute.attgenerated::text AS generated,
           pg_catalog.pg_get_expr(value.adbin, value.adrelid) AS default,
           value.oid IS NOT NULL AND EXISTS (
               SELECT FROM pg_catalog.pg_depend AS uses
               JOIN pg_catalog.pg_depend AS owner ON owner.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                AND owner.objid = uses.refobjid AND owner.deptype = 'a'
                AND owner.refobjid = class.oid AND owner.refobjsubid = attribute.attnum
               WHERE uses.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND uses.objid = value.oid
                 AND uses.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass) AS serial
    FROM pg_catalog.pg_attribute AS attribute
    JOIN pg_catalog.pg_class AS class ON class.oid = attribute.attrelid
    JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace
    JOIN pg_catalog.pg_type AS kind ON kind.oid = attribute.atttypid
    LEFT JOIN pg_catalog.pg_collation AS collated ON collated.oid = attribute.attcollation
    LEFT JOIN pg_catalog.pg_attrdef AS value ON value.adrelid = class.oid AND value.adnum = attribute.attnum
    WHERE class.relkind IN ('r', 'p', 'f', 'c') AND attribute.attnum > 0 AND NOT attribute.attisdropped
      AND $OWN_CLASS
    ORDER BY class.oid, attribute.attnum
"""
_CONSTRAINTS: Final = """
    SELECT entry.conrelid::int8 AS oid, entry.contypid::int8 AS domain, entry.conname::text AS name,
           entry.contype::text AS kind, pg_catalog.pg_get_constraintdef(entry.oid) AS text,
           entry.conkey::int[] AS numbers, entry.confrelid::int8 AS target
    FROM pg_catalog.pg_constraint AS entry
    JOIN pg_catalog.pg_namespace AS space ON space.oid = entry.connamespace
    WHERE entry.contype IN ('p', 'u', 'f', 'c', 'x') AND $OWN_SCHEMA AND entry.conparentid = 0
    ORDER BY entry.oid
"""
_INDEXES: Final = """
    SELECT space.nspname::text AS schema, class.relname::text AS name, entry.indrelid::int8 AS oid,
           pg_catalog.pg_get_indexdef(entry.indexrelid) AS text, entry.indisvalid AS valid
    FROM pg_catalog.pg_index AS entry
    JOIN pg_catalog.pg_class AS class ON class.oid = entry.indexrelid
    JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace
    WHERE $OWN_SCHEMA AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint AS rule
        WHERE rule.conindid = entry.indexrelid AND rule.contype IN ('p', 'u', 'x'))
    ORDER BY class.oid
"""
_TYPES: Final = """
    SELECT entry.oid::int8 AS oid, space.nspname::text AS schema, entry.typname::text AS name,
           entry.typtype::text AS kind,
           ARRAY(SELECT label.enumlabel::text FROM pg_catalog.pg_enum AS label
                 WHERE label.enumtypid = entry.oid ORDER BY label.enumsortorder) AS labels,
           CASE WHEN entry.typtype = 'd' THEN pg_catalog.format_type(entry.typbasetype, entry.typtypmod) END AS base,
           entry.typnotnull AS not_null, entry.typdefault AS default
    FROM pg_catalog.pg_type AS entry
    JOIN pg_catalog.pg_namespace AS space ON space.oid = entry.typnamespace
    WHERE entry.typtype IN ('e', 'd') AND $OWN_TYPE
    UNION ALL
    SELECT ext.oid::int8, space.nspname::text, ext.extname::text, 'x', NULL, ext.extversion, NULL, NULL
    FROM pg_catalog.pg_extension AS ext JOIN pg_catalog.pg_namespace AS space ON space.oid = ext.extnamespace
    ORDER BY 1
"""
_FUNCTIONS: Final = """
    SELECT space.nspname::text AS schema, entry.proname::text AS name,
           ARRAY(SELECT pg_catalog.format_type(argument.type, NULL)
                 FROM unnest(entry.proargtypes) WITH ORDINALITY AS argument(type, turn) ORDER BY turn) AS arguments,
           pg_catalog.pg_get_functiondef(entry.oid) AS text
    FROM pg_catalog.pg_proc AS entry
    JOIN pg_catalog.pg_namespace AS space ON space.oid = entry.pronamespace
    WHERE entry.prokind IN ('f', 'p') AND $OWN_FUNCTION
    ORDER BY entry.oid
"""
_RULES: Final = """
    SELECT 'trigger' AS what, entry.tgrelid::int8 AS oid, space.nspname::text AS schema,
           class.relname::text AS relation, entry.tgname::text AS name, pg_catalog.pg_get_triggerdef(entry.oid) AS text,
           entry.tgenabled <> 'D' AS flag, NULL AS command, NULL::text[] AS roles, NULL AS using, NULL AS check
    FROM pg_catalog.pg_trigger AS entry
    JOIN pg_catalog.pg_class AS class ON class.oid = entry.tgrelid
    JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace
    WHERE NOT entry.tgisinternal AND $OWN_SCHEMA
    UNION ALL
    SELECT 'policy', entry.polrelid::int8, space.nspname::text, class.relname::text, entry.polname::text, NULL,
           entry.polpermissive, entry.polcmd::text,
           ARRAY(SELECT CASE role WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(role)::text END
                 FROM unnest(entry.polroles) AS role),
           pg_catalog.pg_get_expr(entry.polqual, entry.polrelid),
           pg_catalog.pg_get_expr(entry.polwithcheck, entry.polrelid)
    FROM pg_catalog.pg_policy AS entry
    JOIN pg_catalog.pg_class AS class ON class.oid = entry.polrelid
    JOIN pg_catalog.pg_namespace AS space ON space.oid = class.relnamespace
    WHERE $OWN_SCHEMA
    ORDER BY 1, 2, 5
"""
_PARTS: Final = {
    "$OWN_CLASS": _OWN_OBJECT.format("pg_class", "class", "'e'"),
    "$OWN_TYPE": _OWN_OBJECT.format("pg_type", "entry", "'e'"),
    # The constructors of a range type belong to the type.
    "$OWN_FUNCTION": _OWN_OBJECT.format("pg_proc", "entry", "'e', 'i'"),
    "$OWN_SCHEMA": OWN_SCHEMA,
}


def _whole(query: str) -> str:
    for name, part in _PARTS.items():
        query = query.replace(name, part)
    return query


QUERIES: Final = tuple(map(_whole, (_RELATIONS, _COLUMNS, _CONSTRAINTS, _INDEXES, _TYPES, _FUNCTIONS, _RULES)))
"""Relations, columns, constraints, indexes, types, functions, and triggers with policies."""
