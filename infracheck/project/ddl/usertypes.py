"""Enums, domains, composite types and sequences."""

from dataclasses import replace
from typing import Any, Final

from infracheck.project.ddl import tree
from infracheck.project.ddl.columns import is_null
from infracheck.project.ddl.model import Column, Composite, Domain, Enum, Sequence
from infracheck.project.ddl.piece import Sql
from infracheck.project.ddl.rewrite import rewrite_constants
from infracheck.project.ddl.source import Statement
from infracheck.project.ddl.state import State

_OPTIONS: Final = {"increment": "increment", "minvalue": "minimum", "maxvalue": "maximum", "start": "start"}


def create_enum(state: State, node: dict[str, Any], statement: Statement) -> None:
    name = state.made(tree.strings(node["typeName"]))
    if name not in state.schema.enums:
        state.schema.enums[name] = Enum(name, tree.strings(node.get("vals")), statement.place)


def alter_enum(state: State, node: dict[str, Any], _: Statement) -> None:
    """Apply ADD VALUE or RENAME VALUE."""
    name = state.lookup(tree.strings(node["typeName"]), state.schema.enums)
    enum = state.schema.enums.get(name)
    if enum is None:
        return
    new, old = node.get("newVal", ""), node.get("oldVal")
    if old is not None:
        enum.labels = [new if label == old else label for label in enum.labels]
        rewrite_constants(state, name, old, new)
    elif new not in enum.labels:
        neighbour = node.get("newValNeighbor")
        turn = enum.labels.index(neighbour) if neighbour in enum.labels else len(enum.labels)
        enum.labels.insert(turn + (1 if node.get("newValIsAfter") else 0), new)


def create_domain(state: State, node: dict[str, Any], statement: Statement) -> None:
    name = state.made(tree.strings(node["domainname"]))
    if name in state.schema.domains:
        return
    domain = Domain(name, state.type(node["typeName"]), place=statement.place)
    for one in node.get("constraints") or ():
        _constrain(domain, one["Constraint"])
    base = state.schema.domains.get((domain.type.schema or "", domain.type.name))
    if base and domain.default is None:
        domain.default = base.default
    state.schema.domains[name] = domain


def _constrain(domain: Domain, one: dict[str, Any]) -> None:
    match one["contype"]:
        case "CONSTR_NOTNULL":
            domain.not_null = True
        case "CONSTR_DEFAULT":
            domain.default = None if is_null(one["raw_expr"]) else Sql(parsed=one["raw_expr"])
        case "CONSTR_CHECK":
            domain.checks.append(Sql(parsed=one["raw_expr"]))
            number = len([name for name in domain.check_names if name.startswith(f"{domain.name[1]}_check")])
            domain.check_names.append(one.get("conname") or f"{domain.name[1]}_check{number or ''}")


def alter_domain(state: State, node: dict[str, Any], _: Statement) -> None:
    domain = state.schema.domains.get(state.lookup(tree.strings(node["typeName"]), state.schema.domains))
    if domain is None:
        return
    match node["subtype"]:
        case "T":
            raw = node.get("def")
            domain.default = None if raw is None or is_null(raw) else Sql(parsed=raw)
        case "N":
            domain.not_null = False
        case "O":
            domain.not_null = True
        case "C":
            _constrain(domain, node["def"]["Constraint"])
        case "X" if node.get("name") in domain.check_names:
            turn = domain.check_names.index(node["name"])
            del domain.check_names[turn], domain.checks[turn]


def create_composite(state: State, node: dict[str, Any], statement: Statement) -> None:
    name = state.new(node["typevar"])
    attributes = [(one["ColumnDef"]["colname"], one["ColumnDef"]["typeName"]) for one in node.get("coldeflist") or ()]
    made = [(key, state.type(type_)) for key, type_ in attributes]
    state.schema.composites.setdefault(name, Composite(name, made, statement.place))


def alter_composite(state: State, node: dict[str, Any]) -> None:
    """Apply the attributes of an ALTER TYPE, which the parser takes for an ALTER TABLE."""
    made = state.schema.composites.get(state.found(node["relation"], state.schema.composites))
    for each in node.get("cmds") or () if made else ():
        command = each["AlterTableCmd"]
        definition = (command.get("def") or {}).get("ColumnDef") or {}
        if made is None:
            return
        match command["subtype"]:
            case "AT_AddColumn":
                made.attributes.append((definition["colname"], state.type(definition["typeName"])))
            case "AT_DropColumn":
                made.attributes = [one for one in made.attributes if one[0] != command["name"]]
            case "AT_AlterColumnType":
                new = state.type(definition["typeName"])
                made.attributes = [(key, new if key == command["name"] else old) for key, old in made.attributes]
    if made is not None:
        _retype(state, made)


def _retype(state: State, made: Composite) -> None:
    """Give the tables of a composite type its columns."""
    for table in state.schema.tables.values():
        if table.of_type == made.name and table.columns is not None:
            old = table.columns
            table.columns = {
                name: replace(old[name], type=type_) if name in old else Column(name, type_, place=made.place)
                for name, type_ in made.attributes
            }


def create_sequence(state: State, node: dict[str, Any], statement: Statement) -> None:
    name = state.new(node["sequence"])
    if name in state.schema.sequences or node["sequence"].get("relpersistence") == "t":
        return
    made = Sequence(name, {"increment": 1, "cycle": False, "type": "bigint"}, place=statement.place)
    state.schema.sequences[name] = made
    state.relations.add(name)
    _set_options(state, made, node)


def alter_sequence(state: State, node: dict[str, Any], _: Statement) -> None:
    name = state.found(node["sequence"], state.schema.sequences)
    if made := state.schema.sequences.get(name):
        _set_options(state, made, node)


def _set_options(state: State, made: Sequence, node: dict[str, Any]) -> None:
    for key, value in tree.options(node.get("options")).items():
        if key == "owned_by":
            *relation, column = tree.strings(value["List"]["items"])
            made.owned = bool(relation)
            made.owner = (state.lookup(relation, state.schema.tables), column) if relation else None
        elif key == "cycle":
            made.options[key] = value is True or bool(value.get("Boolean", {}).get("boolval"))
        elif key == "as":
            made.options["type"] = str(state.type(value["TypeName"]))
        elif (word := _OPTIONS.get(key)) and isinstance(value, dict):
            made.options[word] = _number(value)


def _number(node: dict[str, Any]) -> int:
    value = node.get("Integer", {}).get("ival", 0) if "Integer" in node else node.get("Float", {}).get("fval", "0")
    return int(value)
