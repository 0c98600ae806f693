"""The command `infracheck schema`: what the gate will ask the database for, without a database."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infracheck.config import load
from infracheck.errors import ClientError, UsageError
from infracheck.project import sql
from infracheck.project.ddl import fix
from infracheck.project.ddl.model import Table
from infracheck.project.detect import detect


def shown(folder: Path, *, as_json: bool) -> str:
    """Return the tables that an app's SQL leaves behind, with columns, types, file and line.

    Raises:
        UsageError: there is no app in `folder`, no SQL, or SQL that cannot be read; says what to do.
    """
    project = detect(folder)
    try:
        sources = sql.find(project, load(project.root).settings.app.schemas)
        if sources is None:
            raise UsageError(sql.without_sql(project), hint="or name the file: infracheck.toml, [app] schema")
        read = sql.expected(project, sources)
    except ClientError as error:
        raise UsageError(error.summary, hint=error.remedy) from None
    return _json(read) if as_json else "\n".join(_text(read))


def _text(read: sql.Expected) -> Iterator[str]:
    schema = read.schema
    tables, indexes, enums = len(read.tables), len(schema.indexes), len(schema.enums)
    counts = ((tables, "table", "tables"), (indexes, "index", "indexes"), (enums, "enum", "enums"))
    yield f"{read.name}: " + ", ".join(f"{number} {one if number == 1 else many}" for number, one, many in counts)
    for table in read.tables:
        yield f"\n{table}  {table.place or ''}"
        if table.columns is None:
            yield "  columns: decided by a query, which is not worked out"
        width = max((len(name) for name in table.columns or ()), default=0)
        for name, column in (table.columns or {}).items():
            yield f"  {name:<{width}}  {fix.column(column)}"
        for constraint in table.constraints.values():
            yield f"  {constraint.kind}: {fix.constraint(constraint)}"
    yield from (f"\n{sql.dotted(name)}  enum ({', '.join(enum.labels)})" for name, enum in schema.enums.items())
    if read.not_compared:
        yield "\nnot compared as parsed:"
        yield from (f"  {note.place}  {note.text}" for note in read.not_compared)
    for other in read.sources.others:
        yield f"\nnot read: {read.project.show(other.path)} ({other.kind}); choose in infracheck.toml: [app] schema"


def _json(read: sql.Expected) -> str:
    document = {
        "schema": "infracheck.schema/1",
        "method": "parse",
        "sources": [
            {"kind": one.kind, "path": read.project.show(one.path), "files": [read.project.show(f) for f in one.files]}
            for one in read.sources.chosen
        ],
        "not_read": [{"kind": one.kind, "path": read.project.show(one.path)} for one in read.sources.others],
        "tables": [_table(table) for table in read.tables],
        "not_compared": [{"where": str(note.place), "what": note.text} for note in read.not_compared],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _table(table: Table) -> dict[str, Any]:
    columns = None
    if table.columns is not None:
        columns = [
            {
                "name": column.name,
                "type": str(column.type),
                "not_null": column.not_null,
                "default": fix.default(column) or None,
                "where": str(column.place or table.place),
            }
            for column in table.columns.values()
        ]
    return {"schema": table.name[0], "name": table.name[1], "columns": columns, "where": str(table.place)}
