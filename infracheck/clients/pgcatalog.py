"""Reads all that a database's catalog says of the app's schemas: a fixed number of questions, whatever its size."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final

from infracheck.clients.pgquestions import QUERIES
from infracheck.project.ddl import model, types
from infracheck.project.ddl.model import (
    Column,
    Composite,
    Constraint,
    Contype,
    Domain,
    Enum,
    Function,
    Index,
    Name,
    Policy,
    Schema,
    Table,
    Trigger,
    View,
)
from infracheck.project.ddl.objects import ON_OFF, VIEW_OPTIONS
from infracheck.project.ddl.piece import Sql

Row = dict[str, Any]
Ask = Callable[[Sequence[str]], list[list[Row]]]
_KINDS: Final[dict[str, Contype]] = {
    "p": "primary key",
    "u": "unique",
    "f": "foreign key",
    "c": "check",
    "x": "exclude",
}
_COMMANDS: Final = {"*": "all", "r": "select", "a": "insert", "w": "update", "d": "delete"}


def read(ask: Ask) -> Schema:
    """Return the schema as the catalog has it, in the order in which its objects were made.

    Args:
        ask: runs queries in one transaction in which nothing is found by search path, and returns the rows of each.
    """
    relations, columns, constraints, indexes, found_types, functions, rules = ask(QUERIES)
    reader = _Reader()
    reader.relations(relations)
    reader.columns(columns)
    reader.types(found_types)
    reader.constraints(constraints)
    reader.indexes(indexes)
    reader.functions(functions)
    reader.rules(rules)
    return reader.schema


def _view_options(texts: Sequence[str]) -> dict[str, str]:
    pairs = (text.partition("=")[::2] for text in texts)
    return {key: ON_OFF.get(value, value) for key, value in pairs if key in VIEW_OPTIONS}


class _Reader:
    def __init__(self) -> None:
        self.schema = Schema()
        self.names: dict[int, Name] = {}
        self.numbers: dict[int, dict[int, str]] = defaultdict(dict)  # relation -> column number -> name
        self.domains: dict[int, Domain] = {}

    def relations(self, rows: list[Row]) -> None:
        self.names = {row["oid"]: (row["schema"], row["name"]) for row in rows}
        for row in rows:
            name: Name = (row["schema"], row["name"])
            match row["kind"]:
                case "v" | "m":
                    view = View(name, row["kind"] == "m", None, text=row["query"])
                    view.options = _view_options(row["options"] or ())
                    self.schema.views[name] = view
                case "S":
                    keys = ("increment", "minimum", "maximum", "start", "cycle")
                    options = {"type": row["seq_type"], **{key: row[key] for key in keys}}
                    self.schema.sequences[name] = model.Sequence(name, options, owned=row["owned"])
                case "c":
                    self.schema.composites[name] = Composite(name, [])
                case kind:
                    self.schema.tables[name] = self._table(name, kind, row)

    def _table(self, name: Name, kind: Any, row: Row) -> Table:
        parents = tuple(self.names[oid] for oid in row["parents"] if oid in self.names)
        return Table(
            name,
            kind,
            row_security=row["secured"],
            force_row_security=row["forced"],
            partition_of=(parents or (name,))[0] if row["partition"] else None,
            parents=parents,
            partition_key=row["partition_key"] or "",
        )

    def columns(self, rows: list[Row]) -> None:
        for row in rows:
            name = self.names[row["oid"]]
            self.numbers[row["oid"]][row["number"]] = row["name"]
            type_ = types.read(row["type"])
            if composite := self.schema.composites.get(name):
                composite.attributes.append((row["name"], type_))
                continue
            table = self.schema.tables[name]
            value = Sql(row["default"]) if row["default"] is not None else None
            made = Column(row["name"], type_, row["not_null"], serial=row["serial"], identity=row["identity"])
            made.collation = row["collation"] or ""
            if row["generated"]:
                made.generated, made.virtual = value, row["generated"] == "v"
            else:
                made.default = value
            if table.columns is not None:
                table.columns[made.name] = made

    def types(self, rows: list[Row]) -> None:
        for row in rows:
            name: Name = (row["schema"], row["name"])
            match row["kind"]:
                case "e":
                    self.schema.enums[name] = Enum(name, row["labels"])
                case "d":
                    value = Sql(row["default"]) if row["default"] is not None else None
                    self.domains[row["oid"]] = Domain(name, types.read(row["base"]), row["not_null"], value)
                    self.schema.domains[name] = self.domains[row["oid"]]
                case _:
                    self.schema.extensions[row["name"]] = None

    def constraints(self, rows: list[Row]) -> None:
        for row in rows:
            if domain := self.domains.get(row["domain"]):
                domain.checks.append(Sql(row["text"].removeprefix("CHECK ").removesuffix(" NOT VALID")))
                domain.check_names.append(row["name"])
            table = self.schema.tables.get(self.names.get(row["oid"], ("", "")))
            if table is None:
                continue
            numbers = self.numbers[row["oid"]]
            columns = tuple(numbers.get(number, "") for number in row["numbers"] or ())
            made = Constraint(_KINDS[row["kind"]], row["name"], columns, None, text=row["text"])
            made.target = self.names.get(row["target"])
            table.constraints[made.name] = made

    def indexes(self, rows: list[Row]) -> None:
        for row in rows:
            if table := self.names.get(row["oid"]):
                name: Name = (row["schema"], row["name"])
                self.schema.indexes[name] = Index(name, table, None, text=row["text"], valid=row["valid"])

    def functions(self, rows: list[Row]) -> None:
        for row in rows:
            name: Name = (row["schema"], row["name"])
            arguments = tuple(types.read(text).bare for text in row["arguments"])
            self.schema.functions[name, arguments] = Function(name, arguments, None, text=row["text"])

    def rules(self, rows: list[Row]) -> None:
        for row in rows:
            name: Name = (row["schema"], row["relation"])
            table = self.schema.tables.get(name)
            if row["what"] == "trigger":
                trigger = Trigger(row["name"], None, row["flag"], row["text"])
                if table is None:
                    self.schema.foreign_triggers[name, trigger.name] = trigger
                else:
                    table.triggers[trigger.name] = trigger
            elif table is not None:
                table.policies[row["name"]] = Policy(
                    row["name"],
                    _COMMANDS[row["command"]],
                    row["flag"],
                    tuple(sorted(row["roles"])),
                    Sql(row["using"]) if row["using"] is not None else None,
                    Sql(row["check"]) if row["check"] is not None else None,
                )
