"""Which objects of a database are not the app's own: those of providers, and the book-keeping of migration tools."""

from fnmatch import fnmatchcase
from typing import Final

from infracheck.project.ddl.model import Name

_PROVIDERS: Final = (
    *("auth", "storage", "realtime", "_realtime", "vault", "extensions", "graphql", "graphql_public", "pgsodium"),
    *("pgsodium_masks", "pgbouncer", "supabase_functions", "supabase_migrations", "_supavisor", "_analytics", "net"),
    *("cron", "pgmq", "neon", "neon_auth", "neon_migration", "pgrst", "tiger", "tiger_data", "topology", "hdb_catalog"),
)
_BOOKKEEPING: Final = (
    *("_prisma_migrations", "__drizzle_migrations*", "schema_migrations", "ar_internal_metadata", "alembic_version"),
    *("atlas_schema_revisions", "flyway_schema_history", "goose_db_version", "knex_migrations*", "pgmigrations"),
    *("_sqlx_migrations", "databasechangelog*", "kysely_migration*", "migrations_lock", "playing_with_neon"),
    *("mikro_orm_migrations", "SequelizeMeta", "django_migrations", "spatial_ref_sys"),
)
_BOOKKEEPING_SCHEMAS: Final = ("drizzle", "atlas_schema_revisions", "supabase_migrations")


def provided(schema: str) -> bool:
    """Tell whether a schema is one that hosting brings (Supabase, Neon, Hasura), and that no app declares."""
    return schema in _PROVIDERS


def bookkeeping(name: Name) -> bool:
    """Tell whether a table is where a migration tool writes down what it has done."""
    return name[0] in _BOOKKEEPING_SCHEMAS or any(fnmatchcase(name[1], pattern) for pattern in _BOOKKEEPING)


def ignored(name: Name) -> bool:
    return provided(name[0]) or bookkeeping(name)
