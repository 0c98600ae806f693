"""Compares two schemas, object by object: what is declared, and what a database's catalog says is there."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from infracheck.project.ddl import compare_keys, compare_others, fix, scope
from infracheck.project.ddl.difference import Difference, State
from infracheck.project.ddl.meaning import Judge, Verdict
from infracheck.project.ddl.model import Column, Policy, Schema, Table, dotted
from infracheck.project.ddl.piece import Place, Sql


def compare(
    declared: Schema,
    live: Schema,
    *,
    run: bool = False,
    exact: bool = False,
    include: frozenset[str] = frozenset(),
) -> list[Difference]:
    """Return all differences, in the order of declaration; what is only in the database comes last.

    Args:
        run: the declaration is the catalog of a database in which the SQL was run, not the SQL as it is parsed.
        exact: ... of the same major version of Postgres as the live one.
        include: schemas to compare although a provider's schema has that name.
    """
    judge = Judge(exact, frozenset(declared.types()))
    functions = [one.name for one in declared.functions.values()]
    schemas = {name[0] for name in (*declared.tables, *declared.enums, *declared.views, *functions)}
    left_out = {name for name in schemas if scope.provided(name) and name not in include}
    pair = _Pair(declared, live, judge, frozenset(schemas - left_out), frozenset(left_out))
    found = [*pair.differences()]
    return found if run else [*_unread(found, declared)]


class _Pair:
    """Two schemas side by side."""

    def __init__(
        self, declared: Schema, live: Schema, judge: Judge, schemas: frozenset[str], left_out: frozenset[str]
    ) -> None:
        self.declared, self.live, self.judge = declared, live, judge
        self.schemas, self.left_out = schemas, left_out

    def differences(self) -> Iterator[Difference]:
        yield from self.provided()
        yield from compare_others.extensions(self.declared, self.live)
        yield from self.own(compare_others.types(self.declared, self.live, self.judge))
        tables = [
            table
            for table in self.declared.app_tables
            if table.name[0] not in self.left_out and not scope.bookkeeping(table.name)
        ]
        for table in tables:
            yield from self.table(table)
        yield from self.own(compare_keys.indexes(self.declared, self.live, self.judge))
        # Triggers and policies call functions: their SQL works only after that of the functions.
        yield from self.own(compare_others.code(self.declared, self.live, self.judge))
        for table in tables:
            if live := self.live.tables.get(table.name):
                yield from self.security(table, live)
                yield from compare_others.triggers(table, live, self.judge)
        yield from compare_others.foreign_rules(self.declared, self.live, self.judge)
        yield from self.extra()

    def provided(self) -> Iterator[Difference]:
        """Say which declared schemas are left out, since a provider's schema has that name."""
        for name in sorted(self.left_out):
            tables = [table for table in self.declared.app_tables if table.name[0] == name and table.place]
            if tables:
                note = f'hosting keeps a schema of this name; [database] schemas = ["{name}"] compares it'
                yield Difference("schema", name, "NOT COMPARED", note=note, place=tables[0].place)

    def own(self, found: Iterable[Difference]) -> Iterator[Difference]:
        return (one for one in found if one.subject.split(".")[0] not in self.left_out)

    def table(self, table: Table) -> Iterator[Difference]:
        live = self.live.tables.get(table.name)
        if live is None:
            other = "a view" if table.name in self.live.views else ""
            yield Difference("table", str(table), "MISSING", fix.table(table), other, place=table.place)
            return
        if table.kind != live.kind or _shape(table.partition_key) != _shape(live.partition_key):
            yield Difference("table", str(table), "DIFFERENT", _kind(table), _kind(live), place=table.place)
        yield from self.family(table, live)
        if table.columns is None:
            note = "which columns it has depends on a query, which is not worked out"
            yield Difference("column", str(table), "NOT COMPARED", note=note, place=table.place)
        else:
            yield from self.columns(table, live)
        yield from compare_keys.constraints(self.declared, self.live, table, live, self.judge)

    def family(self, table: Table, live: Table) -> Iterator[Difference]:
        """Compare what a table inherits from, and whether a partitioned one has a partition at all."""
        if set(table.parents) != set(live.parents):
            mine, theirs = (f"inherits {', '.join(map(dotted, one.parents)) or 'nothing'}" for one in (table, live))
            yield Difference("table", str(table), "DIFFERENT", mine, theirs, place=table.place)
        if table.kind == live.kind == "p" and _partitions(self.declared, table) and not _partitions(self.live, table):
            note = "an INSERT fails while there is no partition for its row"
            number = _partitions(self.declared, table)
            sides = (f"{number} partition{'s' if number > 1 else ''}", "no partition")
            yield Difference("table", str(table), "DIFFERENT", *sides, note=note, place=table.place)

    # -- columns

    def columns(self, table: Table, live: Table) -> Iterator[Difference]:
        there = live.columns or {}
        for column in (table.columns or {}).values():
            if other := there.get(column.name):
                yield from self.column(table, column, other)
            else:
                sql = fix.add_column(table, column)
                text = fix.column(column)
                yield Difference("column", _of(table, column), "MISSING", text, fix=sql, place=_place(table, column))
        for name, other in there.items():
            if name not in (table.columns or {}):
                needs = other.not_null and other.default is None and not other.identity and other.generated is None
                note = "it takes no NULL and has no default: an INSERT that does not name it fails" if needs else ""
                yield Difference("column", f"{table}.{name}", "EXTRA", "", fix.column(other), note=note)

    def column(self, table: Table, one: Column, other: Column) -> Iterator[Difference]:
        if self.alike(one, other):
            return
        subject, place = _of(table, one), _place(table, one)

        def found(kind: str, same: Verdict, declared: str, live: str, sql: str) -> Iterator[Difference]:
            if same is not True:
                state: State = "NOT COMPARED" if same is None else "DIFFERENT"
                yield Difference(kind, subject, state, declared, live, sql if same is False else "", place=place)

        alter = f"ALTER TABLE {fix.name(table.name)} ALTER COLUMN {fix.word(one.name)}"
        if one.type is not None:
            sql = f"{alter} TYPE {fix.type_of(one)};"
            same = self.judge.type(one.type, other.type)
            same = same and one.collation == other.collation
            yield from found("type", same, fix.type_of(one), fix.type_of(other), sql)
        nullable = ("NOT NULL" if one.not_null else "NULL", "NOT NULL" if other.not_null else "NULL")
        sql = f"{alter} {'SET' if one.not_null else 'DROP'} NOT NULL;"
        yield from found("null", one.not_null == other.not_null, *nullable, sql)
        yield from self.identity(subject, alter, one, other)
        if bool(one.identity or one.serial) == bool(other.identity or other.serial) or not other.identity:
            same = self.default(one, other)
            value = fix.default(one)
            sql = f"{alter} SET DEFAULT {value};" if value else f"{alter} DROP DEFAULT;"
            yield from found("default", same, value or "no default", fix.default(other) or "no default", sql)
        same = self.judge.expression(one.generated, other.generated, one.type)
        same = same and (one.generated is None or one.virtual == other.virtual)
        sql = f"{alter} DROP EXPRESSION;" if one.generated is None else ""
        yield from found("generated", same, fix.generated(one), fix.generated(other), sql)

    def alike(self, one: Column, other: Column) -> bool:
        """Tell whether nothing about two columns differs, which is so of nearly all."""
        return (
            one.not_null == other.not_null
            and one.identity == other.identity
            and one.collation == other.collation
            and one.generated is other.generated is None
            and self.judge.type(one.type, other.type) is True
            and self.default(one, other) is True
        )

    def identity(self, subject: str, alter: str, one: Column, other: Column) -> Iterator[Difference]:
        if one.identity == other.identity:
            return
        sql = {"": f"{alter} DROP IDENTITY;"}.get(one.identity, f"{alter} {fix.identity(one, other)};")
        declared, live = fix.identity_text(one), fix.identity_text(other)
        difference = Difference("identity", subject, "DIFFERENT", declared, live, sql, place=one.place)
        numbered = {
            one.identity or ("serial" if one.serial else ""),
            other.identity or ("serial" if other.serial else ""),
        }
        yield difference.lenient("both number the rows") if numbered == {"serial", "d"} else difference

    def default(self, one: Column, other: Column) -> Verdict:
        if one.identity or other.identity:
            return True
        if one.serial and other.serial:
            return True
        if one.serial or (one.default and _any_sequence(one)):
            return bool(other.default and (other.serial or _next_value(other)))
        return self.judge.expression(_unless_null(one), _unless_null(other), one.type)

    # -- row security

    def security(self, table: Table, live: Table) -> Iterator[Difference]:
        for what, mine, theirs in (
            ("ROW LEVEL SECURITY", table.row_security, live.row_security),
            ("FORCE ROW LEVEL SECURITY", table.force_row_security, live.force_row_security),
        ):
            if mine != theirs:
                forced = what.startswith("FORCE")
                verb = ("FORCE" if mine else "NO FORCE") if forced else ("ENABLE" if mine else "DISABLE")
                sql = f"ALTER TABLE {fix.name(table.name)} {verb} ROW LEVEL SECURITY;"
                one, other = (f"{what} {'on' if on else 'off'}" for on in (mine, theirs))
                yield Difference("rls", str(table), "DIFFERENT", one, other, fix=sql, place=table.place)
        yield from policies(str(table), fix.name(table.name), table.policies, live.policies, self.judge)

    def extra(self) -> Iterator[Difference]:
        """Yield what the database has beyond what is declared, in the schemas that the declaration is about."""
        for name, table in self.live.tables.items():
            mine = name[0] in self.schemas and not scope.bookkeeping(name) and table.partition_of is None
            if mine and name not in self.declared.tables:
                yield Difference("table", dotted(name), "EXTRA")
        yield from compare_others.only_live(self.declared, self.live, self.schemas)


def policies(
    subject: str, table: str, declared: dict[str, Policy], live: dict[str, Policy], judge: Judge
) -> Iterator[Difference]:
    """Compare the policies of one table."""
    for name, one in declared.items():
        other = live.get(name)
        text = fix.policy(one, table)
        if other is None:
            yield Difference("policy", f"{subject}.{name}", "MISSING", text, fix=fix.ended(text), place=one.place)
            continue
        same = _same_policy(one, other, judge)
        if same is not True:
            state: State = "NOT COMPARED" if same is None else "DIFFERENT"
            sql = f"DROP POLICY {fix.word(name)} ON {table}; {fix.ended(text)}" if same is False else ""
            yield Difference("policy", f"{subject}.{name}", state, text, fix.policy(other, table), sql, place=one.place)
    for name, other in live.items():
        if name not in declared:
            yield Difference("policy", f"{subject}.{name}", "EXTRA", "", fix.policy(other, table))


def _same_policy(one: Policy, other: Policy, judge: Judge) -> Verdict:
    if (one.command, one.permissive) != (other.command, other.permissive):
        return False
    if one.roles != other.roles and not any(role.startswith("ROLESPEC_") for role in one.roles):
        return False
    verdicts = [judge.expression(one.using, other.using), judge.expression(one.check, other.check)]
    return False if False in verdicts else None if None in verdicts else True


def _unread(found: list[Difference], declared: Schema) -> Iterator[Difference]:
    """Downgrade what a block may have changed that could not be read."""
    words = frozenset().union(*(note.words for note in declared.notes))
    for one in found:
        parts = one.subject.split("(")[0].split(".")
        touched = one.state in {"MISSING", "DIFFERENT"} and len(parts) > 1 and parts[1] in words
        if touched and not (one.kind == "table" and one.state == "MISSING"):
            note = "a block that is not read speaks of it"
            yield replace(one, state="NOT COMPARED", note=note, fix="")
        else:
            yield one


def _partitions(schema: Schema, table: Table) -> int:
    return sum(one.partition_of == table.name for one in schema.tables.values())


def _of(table: Table, column: Column) -> str:
    return f"{table}.{column.name}"


def _place(table: Table, column: Column) -> Place | None:
    return column.place or table.place


def _kind(table: Table) -> str:
    kinds = {"r": "table", "p": f"partitioned by {table.partition_key}", "f": "foreign table"}
    return kinds[table.kind]


def _shape(key: str) -> str:
    return "".join(key.replace('"', "").lower().split()) if "expression" not in key else ""


def _next_value(column: Column) -> bool:
    return bool(column.default) and "nextval(" in (column.default.text if column.default else "").lower()


def _any_sequence(column: Column) -> bool:
    return bool(column.default) and column.default is not None and column.default.text == "nextval(''::regclass)"


def _unless_null(column: Column) -> Sql | None:
    text = column.default.text if column.default else ""
    return None if text.upper().startswith("NULL::") or text.upper() == "NULL" else column.default
