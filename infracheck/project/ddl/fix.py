"""Writes objects as SQL: to show both sides of a difference, and the smallest statement that would close it."""

from infracheck.project.ddl.model import Column, Constraint, Index, Policy, Sequence, Table
from infracheck.project.ddl.quote import qualified as name
from infracheck.project.ddl.quote import quoted as word

__all__ = ["add_column", "column", "constraint", "default", "generated", "identity", "index", "name", "policy", "word"]


def ended(sql: str) -> str:
    """Return SQL as one statement with its semicolon."""
    return sql.rstrip("; \n") + ";"


def table(one: Table) -> str:
    return one.place.clause() if one.place else f"CREATE TABLE {name(one.name)}"


def type_of(one: Column) -> str:
    return f"{one.type} COLLATE {word(one.collation)}" if one.collation else str(one.type)


def column(one: Column) -> str:
    """Return what stands behind the column's name: `text NOT NULL DEFAULT ''`."""
    serials = {"integer": "serial", "bigint": "bigserial", "smallint": "smallserial"}
    type_ = serials.get(str(one.type), type_of(one)) if one.serial and not one.default else type_of(one)
    parts = [type_]
    if one.generated is not None:
        parts.append(generated(one))
    if one.identity:
        parts.append(identity_text(one))
    elif one.not_null and type_ not in serials.values():
        parts.append("NOT NULL")
    if one.default is not None:
        parts.append(f"DEFAULT {one.default.text}")
    return " ".join(parts)


def add_column(table: Table, one: Column) -> str:
    sql = f"ALTER TABLE {name(table.name)} ADD COLUMN {word(one.name)} {column(one)};"
    if one.not_null and one.default is None and not (one.serial or one.identity or one.generated):
        return f"{sql} -- rows that exist need a value: add it without NOT NULL, fill it, then SET NOT NULL"
    return sql


def default(one: Column) -> str:
    if one.serial and one.default is None:
        return "nextval(...) of its own sequence"
    return one.default.text if one.default else ""


def generated(one: Column) -> str:
    if one.generated is None:
        return "not generated"
    text = one.generated.text
    if text.upper().startswith("GENERATED"):
        return text
    return f"GENERATED ALWAYS AS ({text}) {'VIRTUAL' if one.virtual else 'STORED'}"


def identity_text(one: Column) -> str:
    if not one.identity:
        return "serial" if one.serial else "no identity"
    return f"GENERATED {'ALWAYS' if one.identity == 'a' else 'BY DEFAULT'} AS IDENTITY"


def identity(one: Column, live: Column) -> str:
    kind = "ALWAYS" if one.identity == "a" else "BY DEFAULT"
    return f"SET GENERATED {kind}" if live.identity else f"ADD GENERATED {kind} AS IDENTITY"


def constraint(one: Constraint) -> str:
    """Return a constraint's definition, in the words of the catalog or of the file."""
    if one.text:
        return one.text
    text = one.place.clause() if one.place else ""
    if text.upper().startswith("CONSTRAINT"):
        text = text.split(maxsplit=2)[-1]
    columns = ", ".join(map(word, one.columns))
    upper = text.upper()
    if upper.startswith(("PRIMARY KEY", "UNIQUE")) and "(" not in text:
        return f"{text} ({columns})"
    if upper.startswith("REFERENCES"):
        return f"FOREIGN KEY ({columns}) {text}"
    return text


def add_constraint(table: Table, one: Constraint) -> str:
    return f"ALTER TABLE {name(table.name)} ADD CONSTRAINT {word(one.name)} {constraint(one)};"


def index(one: Index) -> str:
    if one.text:
        return one.text
    return one.place.clause() if one.place else f"INDEX {name(one.name)}"


def policy(one: Policy, table: str) -> str:
    parts = [f"CREATE POLICY {word(one.name)} ON {table}"]
    parts += [] if one.permissive else ["AS RESTRICTIVE"]
    parts += [f"FOR {one.command.upper()}"] if one.command != "all" else []
    parts += [f"TO {', '.join(one.roles)}"] if one.roles != ("public",) else []
    expressions = [sql for sql in (one.using, one.check) if sql]
    clause = one.place.clause() if one.place and any(sql.catalog is None for sql in expressions) else ""
    if clause.upper().startswith("CREATE POLICY"):
        return clause
    parts += [f"USING {_bracketed(one.using.text)}"] if one.using else []
    parts += [f"WITH CHECK {_bracketed(one.check.text)}"] if one.check else []
    return " ".join(parts)


def _bracketed(text: str) -> str:
    """Return an expression in one pair of brackets: a catalog prints most with a pair of its own."""
    depth = 0
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if not depth and place < len(text) - 1:
            return f"({text})"
    return text if text.startswith("(") else f"({text})"


def sequence(one: Sequence) -> str:
    known = {key: value for key, value in one.options.items() if key in {"type", "increment", "start", "cycle"}}
    return " ".join(f"{key} {value}" for key, value in sorted(known.items()))
