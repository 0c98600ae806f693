"""Everything about the declared objects beyond the tables' existence: columns, types, keys, indexes, policies."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import ClientError, Unavailable
from infracheck.model import Failed, Finding, Level, Passed, Verdict, check
from infracheck.project.ddl import scope

from .database import database_connects
from .schema import Read, how_to_apply, no_sql, schema_tables

if TYPE_CHECKING:
    from infracheck.project.ddl.difference import Difference
    from infracheck.project.sql import Schema

SHOWN: Final = 240  # characters of SQL in a remedy
MOST_KINDS: Final = 4
WORDS: Final = {"null": "nullability", "rls": "row security", "exclude": "exclusion"}
CLIP: Final = 140  # characters of one side of a difference
IN_TABLES: Final = ("column", "type", "null", "default", "identity", "generated", "primary key", "unique", "check")


@check(needs=[database_connects], applies=no_sql, family="schema")
def schema_matches(ctx: Context) -> Verdict:
    """Columns, types, nullability, defaults, keys, checks, indexes, enums, RLS and policies are as declared.

    The outage that hurts is a missing column: `CREATE TABLE IF NOT EXISTS` passes over a table that exists, so that
    running schema.sql again changes nothing, and nothing says so. Where PostgreSQL can be started here (the extra
    `[shadow]`), the SQL is run on a scratch server and both catalogs are read by the same queries; else the SQL is
    compared as it is parsed, and what cannot be compared that way is listed. Each difference shows both sides and the
    SQL that would close it, which is never run here. What only the database has is told, and fails nothing.
    """
    compared: Compared = ctx.begun(schema_matches)
    read: Read = ctx.begun(schema_tables)
    missing = {one.subject for one in read.found if one.state in {"MISSING", "NOT A TABLE"}}
    if len(missing) == len(read.found) and (read.found or not _declares_anything(compared.declared)):
        raise Unavailable(schema_tables.id, f"no table of {read.expected.name} exists")
    told = [*_told(read, compared.differences, missing)]
    findings = (*(_finding(one) for one in told), *compared.remarks, *_at_boot(ctx, told))
    failing = [one for one in told if one.level == "fail"]
    beside = f" ({len(missing)} missing: see schema-tables)" if missing else ""
    if not failing:
        counted = _counted(compared.declared, missing, frozenset(ctx.settings.database.schemas))
        return Passed(f"{counted} as declared{beside} ({compared.how})", findings)
    return Failed(
        f"{_plural(len(failing), 'difference')} to {read.expected.name}: {_kinds(failing)} ({compared.how})",
        _remedy(read, failing),
        findings,
        shlex.join(["infracheck", "env", "exec", "--", "psql", "-c", _shown_by(failing[0])]),
    )


def _told(read: Read, differences: "list[Difference]", missing: set[str]) -> "Iterator[Difference]":
    """Yield what this check has to tell: missing tables are told by schema-tables."""
    elsewhere = {
        f"{read.home}.{one.table.name[1]}": one.subject
        for one in read.found
        if one.state == "PRESENT" and not one.table.qualified and one.schema != read.home
    }
    for one in differences:
        if one.kind == "table" and one.subject in elsewhere:
            note = f"it is {elsewhere[one.subject]}, while most tables without a schema lie in {read.home}"
            yield replace(one, state="NOT COMPARED", note=note, fix="")
        elif one.kind != "table" or one.subject not in missing:
            yield one


@dataclass(frozen=True, slots=True)
class Compared:
    """The differences, and how they were found."""

    differences: "list[Difference]"
    declared: "Schema"
    how: str
    remarks: tuple[Finding, ...] = ()


@schema_matches.head_start(after=[])
def compare_early(ctx: Context) -> Compared:
    """Run the SQL on a scratch server while other checks ask."""
    from infracheck.project.ddl.compare import compare

    read: Read = ctx.begun(schema_tables)
    include = frozenset(ctx.settings.database.schemas)
    remarks: tuple[Finding, ...] = ()
    if ctx.settings.database.compare != "parse" and read.expected.tables:
        try:
            return _on_scratch(ctx, read, include)
        except ClientError as error:
            if ctx.settings.database.compare == "shadow":
                raise
            note = f"compared as parsed: {error.summary}"
            level: Level = "info" if error.summary.startswith("no PostgreSQL") else "warn"
            remarks = (Finding(read.expected.file, "NOT RUN", note, level=level),)
    declared = read.expected.schema
    return Compared(compare(declared, read.live, include=include), declared, "method: parse", remarks)


def _on_scratch(ctx: Context, read: Read, include: frozenset[str]) -> Compared:
    from infracheck.project.ddl.annotate import annotate
    from infracheck.project.ddl.compare import compare

    scratch = ctx.scratch
    files = [(path, ctx.project.show(path)) for path in read.expected.sources.files]
    applied = scratch.apply(files, default=read.home, tell=ctx.tell)
    declared = annotate(applied.schema, read.expected.schema)
    exact = applied.major == int(ctx.database.server_version.partition(".")[0])
    differences = compare(declared, read.live, run=True, exact=exact, include=include)
    return Compared(differences, declared, f"method: shadow, PostgreSQL {applied.version}")


def _finding(one: "Difference") -> Finding:
    level: Level = "warn" if one.state == "NOT COMPARED" or (one.state == "EXTRA" and one.note) else one.level
    declared, live = _sides(one)
    if one.state == "MISSING" and _short(one.fix):
        declared = ""  # the SQL that makes it says it all
    parts = [", ".join(filter(None, (declared, live))), one.note, f"fix: {one.fix}" if _short(one.fix) else ""]
    note = "; ".join(filter(None, parts))
    where = str(one.place) if one.place else None
    return Finding(one.subject, one.state, f"{one.kind}: {note}" if note else one.kind, where, level)


def _sides(one: "Difference") -> tuple[str, str]:
    """Return both sides as they are shown: long ones around the place where they part."""
    declared, live = (" ".join(text.split()) for text in (one.declared, one.live))
    start = 0
    if declared and live and max(len(declared), len(live)) > CLIP:
        start = next((i for i, (a, b) in enumerate(zip(declared, live, strict=False)) if a != b), CLIP)
        start = max(0, start - 40)
    shown = [f"{'…' if start and text else ''}{text[start : start + CLIP]}" for text in (declared, live)]
    shown = [
        f"{text}…" if len(whole) > start + CLIP else text for text, whole in zip(shown, (declared, live), strict=True)
    ]
    there = {"MISSING": "", "EXTRA": f"live {shown[1]}" if shown[1] else ""}.get(one.state, f"live {shown[1]}")
    return (f"declared {shown[0]}" if shown[0] else "", there if shown[1] else "")


def _short(sql: str) -> bool:
    return bool(sql) and len(sql) <= 400


def _declares_anything(declared: "Schema") -> bool:
    return bool(declared.app_tables or declared.enums or declared.functions or declared.views or declared.extensions)


def _counted(declared: "Schema", missing: set[str], include: frozenset[str]) -> str:
    kept = [table for table in declared.app_tables if table.name[0] in include or not scope.provided(table.name[0])]
    tables = [table for table in kept if str(table) not in missing]
    columns = sum(len(table.columns or ()) for table in tables)
    parts = [
        (len(tables), "table"),
        (columns, "column"),
        (len(declared.indexes), "index"),
        (len(declared.enums), "enum"),
    ]
    parts += [(sum(len(table.policies) for table in tables), "policy")]
    return ", ".join(_plural(number, word) for number, word in parts if number)


def _plural(number: int, word: str) -> str:
    plural = {"index": "indexes", "row security": "row security"}.get(word, re.sub(r"y$", "ie", word) + "s")
    return f"{number} {word if number == 1 else plural}"


def _kinds(failing: "Sequence[Difference]") -> str:
    counted = Counter((one.kind, one.state.lower()) for one in failing).most_common()
    rest = sum(number for _, number in counted[MOST_KINDS:])
    shown = [f"{_plural(number, WORDS.get(kind, kind))} {state}" for (kind, state), number in counted[:MOST_KINDS]]
    return ", ".join([*shown, *([f"{rest} more"] if rest else [])])


def _remedy(read: Read, failing: "Sequence[Difference]") -> str:
    fixes = list(dict.fromkeys(one.fix for one in failing if _short(one.fix)))
    steps = []
    if fixes and len(" ".join(fixes)) <= SHOWN:
        steps.append(f"as the owner, once read: {' '.join(fixes).rstrip(';')}")
    elif fixes:
        steps.append("read the SQL that stands with each finding, and run it as the owner")
    if unfixed := [one for one in failing if not _short(one.fix)]:
        first = unfixed[0]
        steps.append(f"bring {first.subject} to what {first.place or read.expected.name} says")
    if read.expected.sources.chosen[0].kind != "schema.sql":
        steps.append(f"or, where a migration was left out, {how_to_apply(read.expected)}")
    return "; ".join([*steps, *_silent(read, failing)])


def _silent(read: Read, failing: "Sequence[Difference]") -> Iterator[str]:
    """Say where running the file again would change nothing, and say nothing about it."""
    tables = {str(table): table for table in read.expected.tables if table.if_not_exists}
    for one in failing:
        owner = ".".join(one.subject.split(".")[:2])
        if one.kind in IN_TABLES and owner in tables:
            place = tables[owner].place
            file = place.file if place else read.expected.name
            yield f"running {file} again cannot do it: CREATE TABLE IF NOT EXISTS ({place}) passes over what exists"
            return


def _shown_by(one: "Difference") -> str:
    """Return psql's command that shows what is there."""
    name = ".".join(one.subject.split("(")[0].split(".")[:2])
    commands = {"enum": "dT+", "domain": "dD", "composite type": "dT+", "function": "df+", "extension": "dx"}
    return f"\\{commands.get(one.kind, 'd+')} {name}"


def _at_boot(ctx: Context, told: "Sequence[Difference]") -> Iterator[Finding]:
    """Say where the app itself changes the schema when it starts: it may close a difference, or have made it."""
    from infracheck.project.bootddl import at_boot

    if any(one.level == "fail" for one in told):
        for where, what in at_boot(ctx.project):
            yield Finding(
                where.split(":")[0], "DDL AT BOOT", f"the app itself runs {what} when it starts", where, "info"
            )
