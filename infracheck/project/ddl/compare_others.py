"""Compares what is no part of a table: types, sequences, views, functions, triggers and extensions."""

from collections.abc import Iterator, Mapping
from typing import Any

from infracheck.project.ddl import expr, fix, scope, tree
from infracheck.project.ddl.difference import Difference, State
from infracheck.project.ddl.meaning import Judge, Verdict
from infracheck.project.ddl.model import (
    Composite,
    Domain,
    Enum,
    Function,
    Name,
    Schema,
    Sequence,
    Table,
    Trigger,
    View,
    dotted,
)
from infracheck.project.ddl.piece import Place, Sql


def extensions(declared: Schema, live: Schema) -> Iterator[Difference]:
    for name, place in declared.extensions.items():
        if name not in live.extensions:
            sql = f"CREATE EXTENSION {fix.word(name)};"
            yield Difference("extension", name, "MISSING", sql.rstrip(";"), fix=sql, place=place)


def types(declared: Schema, live: Schema, judge: Judge) -> Iterator[Difference]:
    """Compare enums, domains, composite types and sequences of one's own."""
    for enum in declared.enums.values():
        yield from _enum(enum, live.enums.get(enum.name))
    for domain in declared.domains.values():
        yield from _domain(domain, live.domains.get(domain.name), judge)
    for composite in declared.composites.values():
        yield from _composite(composite, live.composites.get(composite.name), judge)
    for sequence in declared.sequences.values():
        if not sequence.owned:
            yield from _sequence(sequence, live.sequences.get(sequence.name))


def _enum(one: Enum, other: Enum | None) -> Iterator[Difference]:
    subject, labels = dotted(one.name), _labels(one.labels)
    if other is None:
        sql = f"CREATE TYPE {fix.name(one.name)} AS ENUM ({labels});"
        yield Difference("enum", subject, "MISSING", labels, fix=sql, place=one.place)
    elif one.labels != other.labels:
        sql = _added_labels(one, other)
        note = "" if sql else "Postgres cannot reorder or remove values: declare them, or make the type anew"
        yield Difference("enum", subject, "DIFFERENT", labels, _labels(other.labels), sql, note, one.place)


def _labels(labels: list[str]) -> str:
    return ", ".join("'" + label.replace("'", "''") + "'" for label in labels)


def _added_labels(one: Enum, other: Enum) -> str:
    """Return the statements that add what is missing, where adding is enough."""
    if [label for label in one.labels if label in other.labels] != other.labels:
        return ""
    added, there = [], list(other.labels)
    for turn, label in enumerate(one.labels):
        if label not in there:
            where = (
                f"AFTER {_labels([one.labels[turn - 1]])}" if turn else f"BEFORE {_labels([there[0]])}" if there else ""
            )
            added.append(f"ALTER TYPE {fix.name(one.name)} ADD VALUE {_labels([label])} {where}".rstrip() + ";")
            there.append(label)
    return " ".join(added)


def _domain(one: Domain, other: Domain | None, judge: Judge) -> Iterator[Difference]:
    subject = dotted(one.name)
    if other is None:
        text = one.place.clause() if one.place else f"CREATE DOMAIN {fix.name(one.name)} AS {one.type}"
        yield Difference("domain", subject, "MISSING", text, fix=fix.ended(text), place=one.place)
        return
    verdicts = [
        judge.type(one.type, other.type),
        one.not_null == other.not_null,
        judge.expression(one.default, other.default, one.type),
        _same_checks(one.checks, other.checks, judge),
    ]
    yield from _judged("domain", subject, verdicts, (_domain_text(one), _domain_text(other)), one.place)


def _domain_text(one: Domain) -> str:
    parts = [str(one.type), "NOT NULL" if one.not_null else "", f"DEFAULT {one.default.text}" if one.default else ""]
    checks = [f"CONSTRAINT {name} {sql.text}".rstrip() for name, sql in zip(one.check_names, one.checks, strict=False)]
    return " ".join(filter(None, [*parts, *checks]))


def _same_checks(mine: list[Sql], theirs: list[Sql], judge: Judge) -> Verdict:
    if len(mine) != len(theirs):
        return False
    left = list(theirs)
    unsure = False
    for one in mine:
        verdicts = [judge.expression(one, two) for two in left]
        turn = verdicts.index(True) if True in verdicts else verdicts.index(None) if None in verdicts else -1
        if turn < 0:
            return False
        unsure = unsure or verdicts[turn] is None
        del left[turn]
    return None if unsure else True


def _composite(one: Composite, other: Composite | None, judge: Judge) -> Iterator[Difference]:
    subject, text = dotted(one.name), _attributes(one)
    if other is None:
        sql = f"CREATE TYPE {fix.name(one.name)} AS ({text});"
        yield Difference("composite type", subject, "MISSING", text, fix=sql, place=one.place)
        return
    same = [name for name, _ in one.attributes] == [name for name, _ in other.attributes] and all(
        judge.type(mine, theirs) for (_, mine), (_, theirs) in zip(one.attributes, other.attributes, strict=True)
    )
    yield from _judged("composite type", subject, [same], (text, _attributes(other)), one.place)


def _attributes(one: Composite) -> str:
    return ", ".join(f"{fix.word(name)} {type_}" for name, type_ in one.attributes)


def _sequence(one: Sequence, other: Sequence | None) -> Iterator[Difference]:
    subject = dotted(one.name)
    if other is None:
        text = one.place.clause() if one.place else f"CREATE SEQUENCE {fix.name(one.name)}"
        yield Difference("sequence", subject, "MISSING", text, fix=fix.ended(text), place=one.place)
        return
    same = all(other.options.get(key) == value for key, value in one.options.items())
    yield from _judged("sequence", subject, [same], (fix.sequence(one), fix.sequence(other)), one.place)


def _judged(
    kind: str, subject: str, verdicts: list[Verdict], sides: tuple[str, str], place: Place | None
) -> Iterator[Difference]:
    if not all(verdict is True for verdict in verdicts):
        state: State = "DIFFERENT" if False in verdicts else "NOT COMPARED"
        yield Difference(kind, subject, state, *sides, place=place)


# -- views and functions


def code(declared: Schema, live: Schema, judge: Judge) -> Iterator[Difference]:
    """Compare views and functions."""
    for view in declared.views.values():
        if any(name in declared.tables and name not in live.tables for name in view.uses):
            continue  # it cannot be there while a table that it reads is missing, which is reported itself
        yield from _view(view, live.views.get(view.name), judge)
    by_name: dict[Name, list[Function]] = {}
    for function in live.functions.values():
        by_name.setdefault(function.name, []).append(function)
    for function in declared.functions.values():
        yield from _function(function, by_name.get(function.name, []), judge)


def _view(one: View, other: View | None, judge: Judge) -> Iterator[Difference]:
    subject, text = dotted(one.name), _view_text(one)
    if other is None:
        yield Difference("view", subject, "MISSING", text, fix=fix.ended(text), place=one.place)
        return
    if one.materialized != other.materialized:
        mine, theirs = ("materialized view" if each.materialized else "view" for each in (one, other))
        yield Difference("view", subject, "DIFFERENT", mine, theirs, place=one.place)
        return
    if _set(one) != _set(other):
        mine, theirs = (_options(each) for each in (one, other))
        sql = f"ALTER VIEW {fix.name(one.name)} SET ({mine});" if one.options else ""
        yield Difference("view", subject, "DIFFERENT", mine, theirs, sql, place=one.place)
        return
    verdict = _same_view(one, other, judge)
    note = "the query comes back from Postgres in other words" if verdict is None else ""
    state: State = "NOT COMPARED" if verdict is None else "DIFFERENT"
    if verdict is not True:
        yield Difference("view", subject, state, text, other.text.strip(), note=note, place=one.place)


def _view_text(one: View) -> str:
    kind = "MATERIALIZED VIEW" if one.materialized else "VIEW"
    return f"CREATE {kind} {fix.name(one.name)} AS {one.text}" if one.text else one.place.clause() if one.place else ""


def _set(one: View) -> dict[str, str]:
    return {key: value for key, value in one.options.items() if value != "false"}


def _options(one: View) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(one.options.items())) or "no options"


def _same_view(one: View, other: View, judge: Judge) -> Verdict:
    if one.text and one.text == other.text:
        return True
    mine = one.query or tree.statement(one.text)
    theirs = tree.statement(other.text)
    if mine is None or theirs is None:
        return None
    if judge.exact:
        return judge.trees(mine, theirs) is True
    return True if expr.same(mine, theirs) is True else None


def _function(one: Function, others: list[Function], judge: Judge) -> Iterator[Difference]:
    text = one.text or (one.place.clause() if one.place else "")
    matching = [two for two in others if _same_arguments(one, two, judge)]
    if not matching:
        overloads = ", ".join(map(str, others))
        yield Difference("function", str(one), "MISSING", text, overloads, fix.ended(text), place=one.place)
        return
    verdict = judge.function(one, matching[0])
    if verdict is not True:
        note = "its body is stored as a tree, and comes back in other words" if verdict is None else ""
        state: State = "NOT COMPARED" if verdict is None else "DIFFERENT"
        sql = fix.ended(text) if verdict is False and "REPLACE" in text.upper() else ""
        yield Difference("function", str(one), state, text, matching[0].text.strip(), sql, note, one.place)


def _same_arguments(one: Function, two: Function, judge: Judge) -> bool:
    return len(one.arguments) == len(two.arguments) and all(
        judge.type(mine, theirs) for mine, theirs in zip(one.arguments, two.arguments, strict=True)
    )


# -- triggers


def triggers(table: Table, live: Table, judge: Judge) -> Iterator[Difference]:
    yield from _triggers(str(table), table.triggers, live.triggers, judge)
    for name, trigger in live.triggers.items():
        if name not in table.triggers:
            yield Difference("trigger", f"{table}.{name}", "EXTRA", "", trigger.text)


def foreign_rules(declared: Schema, live: Schema, judge: Judge) -> Iterator[Difference]:
    """Compare the triggers and policies that are declared on views and on the provider's tables."""
    from infracheck.project.ddl.compare import policies

    for (name, rule), trigger in declared.foreign_triggers.items():
        table = live.tables.get(name)
        there = live.foreign_triggers.get((name, rule)) if table is None else table.triggers.get(rule)
        yield from _triggers(dotted(name), {rule: trigger}, {rule: there} if there else {}, judge)
    for (name, rule), policy in declared.foreign_policies.items():
        table = live.tables.get(name)
        found = {rule: table.policies[rule]} if table and rule in table.policies else {}
        yield from policies(dotted(name), fix.name(name), {rule: policy}, found, judge)


def _triggers(
    subject: str, declared: Mapping[str, Trigger], live: Mapping[str, Trigger], judge: Judge
) -> Iterator[Difference]:
    for name, one in declared.items():
        text = one.text or (one.place.clause() if one.place else "")
        other = live.get(name)
        if other is None:
            yield Difference("trigger", f"{subject}.{name}", "MISSING", text, fix=fix.ended(text), place=one.place)
            continue
        there = other.text if one.enabled == other.enabled else f"{'enabled' if other.enabled else 'DISABLED'}"
        yield from _judged("trigger", f"{subject}.{name}", [judge.trigger(one, other)], (text, there), one.place)


def only_live(declared: Schema, live: Schema, schemas: frozenset[str]) -> Iterator[Difference]:
    """Yield types, views and functions that only the database has."""
    pairs: tuple[tuple[str, Mapping[Name, Any], Mapping[Name, Any]], ...] = (
        ("enum", declared.enums, live.enums),
        ("domain", declared.domains, live.domains),
        ("composite type", declared.composites, live.composites),
        ("view", declared.views, live.views),
    )
    for kind, mine, theirs in pairs:
        for name in theirs:
            if name not in mine and name[0] in schemas and not scope.bookkeeping(name):
                yield Difference(kind, dotted(name), "EXTRA")
    names = {function.name for function in declared.functions.values()}
    for function in live.functions.values():
        if function.name not in names and function.name[0] in schemas:
            yield Difference("function", str(function), "EXTRA")
