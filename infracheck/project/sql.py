"""What an app's SQL leaves behind: the net effect of schema.sql or of migrations, by Postgres's own parser."""

from dataclasses import dataclass
from typing import Final

from infracheck.errors import ClientError
from infracheck.project.ddl import compare, plain
from infracheck.project.ddl.difference import Difference
from infracheck.project.ddl.effect import Effect
from infracheck.project.ddl.migrations import SqlSource, SqlSources, find, without_sql
from infracheck.project.ddl.model import DEFAULT_SCHEMA, Column, Schema, Table, dotted
from infracheck.project.ddl.piece import Note, Place
from infracheck.project.ddl.source import Reader
from infracheck.project.detect import Project

__all__ = [
    "DEFAULT_SCHEMA",
    "Column",
    "Expected",
    "Note",
    "Place",
    "Schema",
    "SqlSources",
    "Table",
    "disagreements",
    "dotted",
    "expected",
    "find",
    "without_sql",
]

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Expected:
    """What a database is expected to hold, and the files that say so."""

    schema: Schema
    sources: SqlSources
    project: Project

    @property
    def tables(self) -> list[Table]:
        return self.schema.app_tables

    @property
    def not_compared(self) -> list[Note]:
        return self.schema.notes

    @property
    def name(self) -> str:
        """The sources as sentences name them: `schema.sql`, `12 migrations of drizzle/`."""
        return " and ".join(_named(self.project, one) for one in self.sources.chosen)

    @property
    def file(self) -> str:
        """The first source's path, as reports show it."""
        return self.project.show(self.sources.chosen[0].path)


def expected(project: Project, sources: SqlSources, default: str = DEFAULT_SCHEMA) -> Expected:
    """Read the sources of an app.

    Args:
        default: the schema into which names without one go.

    Raises:
        ClientError: a file cannot be read, or is no Postgres SQL; says the line.
    """
    effect, reader = Effect(default), Reader()
    for file in sources.files:
        effect.apply_all(reader.statements(file, project.show(file)))
    effect.schema.notes.extend(reader.notes)
    _refuse_foreign_types(effect.schema)
    return Expected(effect.schema, sources, project)


def _refuse_foreign_types(schema: Schema) -> None:
    """Refuse what parses and yet is no Postgres: SQLite's and MySQL's types look like types of somebody's own."""
    for table in schema.app_tables:
        for column in (table.columns or {}).values():
            if column.type and column.type.schema is None and plain.foreign_type(column.type.name):
                place = column.place or table.place
                raise ClientError(
                    f"{place}: no Postgres has the type {column.type.name}: this is SQL for another database",
                    "write it for Postgres, or name the right file in infracheck.toml: [app] schema",
                )


def _named(project: Project, one: SqlSource) -> str:
    shown = project.show(one.path)
    if one.kind == "schema.sql":
        return shown
    return f"{len(one.files)} migration{'' if len(one.files) == 1 else 's'} of {shown}/"


def disagreements(project: Project, read: Expected) -> list[tuple[str, str]]:
    """Return, for each source that was not chosen, its name and what it declares beyond the chosen one.

    An empty text means that both declare the same tables and columns.
    """
    found = []
    for other in read.sources.others:
        name = _named(project, other)
        try:
            schema = expected(project, SqlSources((other,))).schema
        except ClientError as error:
            found.append((name, f"it cannot be read: {error.summary}"))
            continue
        beyond = [_beyond(one) for one in compare.compare(schema, read.schema) if _counts(one)]
        more = f" and {len(beyond) - _SHOWN} more" if len(beyond) > _SHOWN else ""
        found.append((name, ", ".join(beyond[:_SHOWN]) + more))
    return found


def _counts(one: Difference) -> bool:
    return one.state == "MISSING" and one.kind in {"table", "column"}


def _beyond(one: Difference) -> str:
    return one.subject
