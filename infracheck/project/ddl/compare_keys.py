"""Compares the constraints and indexes of tables: by what they mean, whatever their names."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from infracheck.project.ddl import fix, scope, tree
from infracheck.project.ddl.difference import Difference, State
from infracheck.project.ddl.meaning import Judge, Verdict, index_tree
from infracheck.project.ddl.model import Constraint, Index, Name, Schema, Table, dotted
from infracheck.project.ddl.piece import Place


@dataclass
class _Matched:
    """Declared objects with the live ones that answer for them."""

    same: list[tuple[Constraint, Constraint]] = field(default_factory=list)
    unlike: list[tuple[Constraint, Constraint, Verdict]] = field(default_factory=list)
    missing: list[Constraint] = field(default_factory=list)
    extra: list[Constraint] = field(default_factory=list)


def constraints(declared: Schema, live: Schema, table: Table, other: Table, judge: Judge) -> Iterator[Difference]:
    """Compare the constraints of one table."""
    found = _matched(declared, live, table, other, judge)
    for one, there in found.same:
        if one.named and one.name != there.name:
            yield _renamed(one.kind, f"{table}.{one.name}", one.name, there.name, one.place)
    for one, there, verdict in found.unlike:
        state: State = "NOT COMPARED" if verdict is None else "DIFFERENT"
        drop = f"ALTER TABLE {fix.name(table.name)} DROP CONSTRAINT {fix.word(there.name)};"
        sql = f"{drop} {fix.add_constraint(table, one)}" if verdict is False else ""
        texts = (fix.constraint(one), fix.constraint(there))
        yield Difference(one.kind, f"{table}.{one.name}", state, *texts, fix=sql, place=one.place)
    for one in found.missing:
        yield from _missing(live, table, one)
    for there in found.extra:
        yield Difference(there.kind, f"{table}.{there.name}", "EXTRA", "", fix.constraint(there))


def _missing(live: Schema, table: Table, one: Constraint) -> Iterator[Difference]:
    if one.kind == "foreign key" and one.target is not None and one.target not in live.tables:
        return  # the table that it refers to is missing, and is reported itself
    if any(name not in (live.tables[table.name].columns or {}) for name in one.columns if one.kind != "exclude"):
        return  # so is a column that it is about
    difference = Difference(
        one.kind,
        f"{table}.{one.name}",
        "MISSING",
        fix.constraint(one),
        fix=fix.add_constraint(table, one),
        place=one.place,
    )
    if one.kind == "unique" and (index := _unique_index(live, table.name, one)):
        yield difference.lenient(f"the unique index {index.name[1]} does what the constraint would")
    else:
        yield difference


def _matched(declared: Schema, live: Schema, table: Table, other: Table, judge: Judge) -> _Matched:
    found = _Matched()
    there = dict(other.constraints)

    def verdict(one: Constraint, two: Constraint) -> Verdict:
        if one.kind != two.kind:
            return False
        return judge.constraint(one, two, (declared, live))

    left: list[Constraint] = []
    for one in table.constraints.values():
        two = there.get(one.name)
        if two is not None and verdict(one, two) is True:
            found.same.append((one, there.pop(one.name)))
        else:
            left.append(one)
    for one in list(left):
        two = next((each for each in there.values() if each.kind == one.kind and verdict(one, each) is True), None)
        if two is not None:
            found.same.append((one, there.pop(two.name)))
            left.remove(one)
    for one in left:
        two = _counterpart(one, there)
        if two is None:
            found.missing.append(one)
        else:
            found.unlike.append((one, there.pop(two.name), verdict(one, two)))
    found.extra = list(there.values())
    return found


def _counterpart(one: Constraint, there: dict[str, Constraint]) -> Constraint | None:
    """Return the live constraint that is meant to be this one: of its name, the only primary key, or what is left."""
    named = there.get(one.name)
    if named is not None and named.kind == one.kind:
        return named
    alike = [two for two in there.values() if two.kind == one.kind and (one.kind == "primary key" or not one.named)]
    alike = [two for two in alike if one.kind == "primary key" or sorted(two.columns) == sorted(one.columns)]
    return alike[0] if len(alike) == 1 else None


def _unique_index(live: Schema, table: Name, one: Constraint) -> Index | None:
    for index in live.indexes.values():
        node = index_tree(index) if index.table == table else None
        if node and node.get("unique") and "whereClause" not in node:
            columns = [each["IndexElem"].get("name") for each in node.get("indexParams") or ()]
            if tuple(columns) == one.columns:
                return index
    return None


def _renamed(kind: str, subject: str, mine: str, theirs: str, place: Place | None) -> Difference:
    found = Difference(kind, subject, "DIFFERENT", f"named {mine}", f"named {theirs}", place=place)
    return found.lenient("only the name differs, which matters to ON CONFLICT ON CONSTRAINT and to later migrations")


def indexes(declared: Schema, live: Schema, judge: Judge) -> Iterator[Difference]:
    """Compare the indexes that belong to no constraint."""
    taken: set[Name] = set()
    left: list[Index] = []
    by_table: dict[Name, list[Index]] = {}
    for two in live.indexes.values():
        by_table.setdefault(two.table, []).append(two)
    mine = [one for one in declared.indexes.values() if _judged(declared, live, one)]
    for one in mine:
        there = live.indexes.get(one.name)
        if there is not None and there.table == one.table and judge.index(one, there) is True:
            taken.add(there.name)
            if not there.valid:
                yield _invalid(one)
        else:
            left.append(one)
    for one in left:
        yield from _index(one, live, by_table.get(one.table, []), taken, judge)
    tables = {one.name for one in declared.app_tables}
    for two in live.indexes.values():
        if two.name not in taken and two.table in tables and not _answers_key(declared, two):
            yield Difference("index", dotted(two.name), "EXTRA", "", two.text)


def _judged(declared: Schema, live: Schema, one: Index) -> bool:
    table = declared.tables.get(one.table)
    if table is not None and (table.partition_of or scope.bookkeeping(table.name)):
        return False
    return one.table in live.tables or one.table in live.views


def _index(one: Index, live: Schema, there: list[Index], taken: set[Name], judge: Judge) -> Iterator[Difference]:
    free = [two for two in there if two.name not in taken]
    match = next((two for two in free if judge.index(one, two) is True), None)
    if match is not None:
        taken.add(match.name)
        if one.named:
            yield _renamed("index", dotted(one.name), one.name[1], match.name[1], one.place)
        return
    text = fix.index(one)
    two = live.indexes.get(one.name)
    if two is None or two.name in taken:
        if not _missing_column(one, live):
            yield from _missing_index(one, live, text)
        return
    taken.add(two.name)
    verdict = judge.index(one, two)
    state: State = "NOT COMPARED" if verdict is None else "DIFFERENT"
    sql = f"DROP INDEX {fix.name(two.name)}; {fix.ended(text)}" if verdict is False else ""
    yield Difference("index", dotted(one.name), state, text, two.text, sql, place=one.place)


def _missing_index(one: Index, live: Schema, text: str) -> Iterator[Difference]:
    difference = Difference("index", dotted(one.name), "MISSING", text, fix=fix.ended(text), place=one.place)
    node, table = index_tree(one) or {}, live.tables.get(one.table)
    columns = tuple(each["IndexElem"].get("name") for each in node.get("indexParams") or ())
    keys = table.constraints.values() if table and node.get("unique") and "whereClause" not in node else ()
    if key := next((key for key in keys if key.kind == "unique" and key.columns == columns), None):
        yield difference.lenient(f"the unique constraint {key.name} does what the index would")
    else:
        yield difference


def _missing_column(one: Index, live: Schema) -> bool:
    table = live.tables.get(one.table)
    node = index_tree(one) or {}
    elements = [each["IndexElem"] for each in node.get("indexParams") or ()]
    used = {each["name"] for each in elements if "name" in each} | tree.columns([each.get("expr") for each in elements])
    return table is not None and table.columns is not None and bool(used - set(table.columns))


def _answers_key(declared: Schema, two: Index) -> bool:
    """Tell whether a live index stands in for a declared unique constraint, with which it was reported."""
    node, table = index_tree(two) or {}, declared.tables.get(two.table)
    columns = tuple(each["IndexElem"].get("name") for each in node.get("indexParams") or ())
    keys = table.constraints.values() if table and node.get("unique") else ()
    return any(key.kind == "unique" and key.columns == columns for key in keys)


def _invalid(one: Index) -> Difference:
    name = fix.name(one.name)
    note = "building it failed (INVALID): Postgres keeps it up to date and never uses it"
    sql = f"REINDEX INDEX CONCURRENTLY {name};"
    return Difference("index", dotted(one.name), "DIFFERENT", fix.index(one), "INVALID", sql, note, one.place)
