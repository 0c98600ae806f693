"""What SQL files leave behind in a Postgres database: read with Postgres's own parser, compared object by object."""
