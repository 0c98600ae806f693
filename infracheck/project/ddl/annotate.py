"""Gives what a catalog says the places of the file that made it, so that a difference can say where it is declared."""

from infracheck.project.ddl.model import Function, Policy, Schema, Table
from infracheck.project.ddl.piece import Place
from infracheck.project.ddl.types import Type


def annotate(catalog: Schema, parsed: Schema) -> Schema:
    """Return the catalog with places, the order of the file, and what only the file knows."""
    ordered = [name for name in parsed.tables if name in catalog.tables]
    tables = {name: catalog.tables[name] for name in ordered} | catalog.tables
    catalog.tables.clear()
    catalog.tables.update(tables)
    for name, table in catalog.tables.items():
        if origin := parsed.tables.get(name):
            _table(table, origin)
    pairs = (
        (catalog.indexes, parsed.indexes),
        (catalog.enums, parsed.enums),
        (catalog.domains, parsed.domains),
        (catalog.composites, parsed.composites),
        (catalog.sequences, parsed.sequences),
        (catalog.views, parsed.views),
    )
    for mine, theirs in pairs:
        for name, one in mine.items():
            if name in theirs:
                one.place = theirs[name].place
    for name, index in catalog.indexes.items():
        index.named = parsed.indexes[name].named if name in parsed.indexes else False
    for name, view in catalog.views.items():
        view.uses = parsed.views[name].uses if name in parsed.views else frozenset()
    _functions(catalog, parsed)
    _foreign(catalog, parsed)
    catalog.extensions.clear()
    catalog.extensions.update(parsed.extensions)
    catalog.notes[:] = parsed.notes
    return catalog


def _table(table: Table, origin: Table) -> None:
    table.place, table.if_not_exists, table.qualified = origin.place, origin.if_not_exists, origin.qualified
    for name, column in (table.columns or {}).items():
        if there := (origin.columns or {}).get(name):
            column.place = there.place
    for name, constraint in table.constraints.items():
        written = origin.constraints.get(name)
        constraint.named = written.named if written else False
        constraint.place = written.place if written else table.place
    for name, trigger in table.triggers.items():
        trigger.place = origin.triggers[name].place if name in origin.triggers else table.place
    for name, policy in table.policies.items():
        _policy(policy, origin.policies.get(name), table.place)


def _policy(policy: Policy, written: Policy | None, place: Place | None) -> None:
    policy.place = written.place if written else place
    if written and any(role.startswith("ROLESPEC_") for role in written.roles):
        policy.roles = written.roles  # CURRENT_USER: whoever runs the file


def _functions(catalog: Schema, parsed: Schema) -> None:
    by_name: dict[tuple[tuple[str, str], int], list[Function]] = {}
    for function in parsed.functions.values():
        by_name.setdefault((function.name, len(function.arguments)), []).append(function)
    for function in catalog.functions.values():
        alike = by_name.get((function.name, len(function.arguments)), [])
        function.place = next((one.place for one in alike if _bare(one) == _bare(function)), None)


def _bare(function: Function) -> list[Type]:
    return [Type(one.name, array=one.array) for one in function.arguments]


def _foreign(catalog: Schema, parsed: Schema) -> None:
    """Take the triggers and policies on the provider's tables from the stand-ins that carry them."""
    for (name, rule), trigger in parsed.foreign_triggers.items():
        table = catalog.tables.get(name)
        there = table.triggers.get(rule) if table else catalog.foreign_triggers.get((name, rule))
        if there is not None:
            there.place = trigger.place
        catalog.foreign_triggers[name, rule] = there or trigger
    for (name, rule), policy in parsed.foreign_policies.items():
        table = catalog.tables.get(name)
        made = table.policies.get(rule) if table else None
        if made is not None:
            made.place = policy.place
        catalog.foreign_policies[name, rule] = made or policy
