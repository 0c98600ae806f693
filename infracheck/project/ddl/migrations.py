"""Finds the SQL that says what the database should hold: a schema.sql, or the migrations of a tool, in their order."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from infracheck.errors import ClientError
from infracheck.project.detect import Project

Kind = Literal["schema.sql", "drizzle", "prisma", "supabase", "migrations"]
_DRIZZLE: Final = ("drizzle", "src/drizzle", "db/drizzle", "src/db/drizzle", "lib/drizzle", "supabase/migrations")
_FOLDERS: Final = (
    *("migrations", "db/migrations", "src/db/migrations", "lib/db/migrations", "src/lib/db/migrations"),
    *("database/migrations", "sql/migrations", "src/migrations", "sql"),
)
_NUMBERED: Final = re.compile(r"V?(\d+)")
_OUT: Final = re.compile(r"\bout[\"']?\s*:\s*[\"'`]([^\"'`]+)[\"'`]")
_COMMENT: Final = re.compile(r"(?<!:)//[^\n]*|/\*.*?\*/", re.DOTALL)
_POSTGRES: Final = {"postgresql", "postgres", "pg", "cockroachdb"}


@dataclass(frozen=True, slots=True)
class SqlSource:
    """One source: files in the order in which they are applied.

    Attributes:
        path: the file, or the folder of the migrations.
        strays: files of the folder that its tool does not apply.
    """

    kind: Kind
    path: Path
    files: tuple[Path, ...]
    strays: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class SqlSources:
    """What is read, and what else there is that could have been meant."""

    chosen: tuple[SqlSource, ...]
    others: tuple[SqlSource, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(file for one in self.chosen for file in one.files)


def find(project: Project, named: Sequence[str] = ()) -> SqlSources | None:
    """Return the sources of an app; None where it keeps no SQL.

    Args:
        named: files and folders to read, in this order, instead of what would be found.

    Raises:
        ClientError: a named folder holds no migrations, or a migration folder is another database's.
    """
    if named:
        return SqlSources(tuple(_named(project, project.root / one) for one in named))
    found = list(_found(project))
    return SqlSources((found[0],), tuple(found[1:])) if found else None


def _named(project: Project, path: Path) -> SqlSource:
    if not path.is_dir():
        return SqlSource("schema.sql", path, (path,))
    found = _in_folder(project, path)
    if found is None:
        raise ClientError(
            f"{project.show(path)}/ holds no SQL migrations",
            "name a .sql file or a folder of migrations in infracheck.toml: [app] schema",
        )
    return found


def _found(project: Project) -> Iterator[SqlSource]:
    """Yield the sources, the one to read first. A folder that is for another database counts only where it is alone."""
    seen: set[Path] = set()
    refused: ClientError | None = None
    if project.schema:
        yield SqlSource("schema.sql", project.schema, (project.schema,))
    for folder in _candidates(project):
        real = folder.resolve()
        if real in seen or not folder.is_dir():
            continue
        seen.add(real)
        try:
            source = _in_folder(project, folder)
        except ClientError as error:
            refused = refused or error
            continue
        if source:
            refused = None
            yield source
    if refused and not project.schema:
        raise refused


def _candidates(project: Project) -> Iterator[Path]:
    yield from (project.root / out for out in _drizzle_out(project.root))
    yield from (project.root / name for name in _DRIZZLE[:-1])
    yield project.root / "prisma/migrations"
    for above in project.upwards():
        yield above / "supabase/migrations"
    yield from (project.root / name for name in _FOLDERS)


def _drizzle_out(root: Path) -> Iterator[str]:
    for name in ("drizzle.config.ts", "drizzle.config.js", "drizzle.config.mjs", "drizzle.config.json"):
        path = root / name
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            yield from _OUT.findall(without_comments(text))


def without_comments(code: str) -> str:
    """Return JavaScript or TypeScript without its comments; lines keep their number. `//` within a URL is none."""
    return _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), code)


def _in_folder(project: Project, folder: Path) -> SqlSource | None:
    """Return what a folder holds, by the layout of the tool that wrote it."""
    if (journal := folder / "meta/_journal.json").is_file():
        return _journal(project, folder, journal)
    if nested := sorted(folder.glob("*/migration.sql")):
        _refuse_foreign(project, folder / "migration_lock.toml", r'provider\s*=\s*"(\w+)"')
        prisma = (folder / "migration_lock.toml").is_file() or folder.parent.name == "prisma"
        return SqlSource("prisma" if prisma else "drizzle", folder, tuple(nested))
    files = [file for file in folder.glob("*.sql") if not file.name.endswith((".down.sql", ".undo.sql"))]
    numbered = [file for file in files if _NUMBERED.match(file.name)]
    if not numbered:
        return None
    kind: Kind = "supabase" if folder.parent.name == "supabase" else "migrations"
    strays = tuple(sorted(set(files) - set(numbered)))
    return SqlSource(kind, folder, tuple(sorted(numbered, key=_turn)), strays)


def _turn(file: Path) -> tuple[int, str]:
    """Return a migration's place in the order: 10_x comes after 2_x, whatever the digits."""
    found = _NUMBERED.match(file.name)
    return (int(found[1]) if found else 0, file.name)


def _journal(project: Project, folder: Path, journal: Path) -> SqlSource:
    """Read drizzle-kit's journal, which alone says what is applied and in which order."""
    try:
        data: Any = json.loads(journal.read_text(encoding="utf-8"))
        entries = sorted(data["entries"], key=lambda entry: entry["idx"])
        files = tuple(folder / f"{entry['tag']}.sql" for entry in entries)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClientError(
            f"{project.show(journal)} cannot be read: {type(error).__name__}",
            "make the migrations again: npx drizzle-kit generate",
        ) from None
    dialect = str(data.get("dialect", "postgresql"))
    if dialect not in _POSTGRES:
        raise _foreign(project.show(journal), dialect)
    return SqlSource("drizzle", folder, files, tuple(sorted(set(folder.glob("*.sql")) - set(files))))


def _refuse_foreign(project: Project, lock: Path, pattern: str) -> None:
    text = lock.read_text(encoding="utf-8", errors="replace") if lock.is_file() else ""
    if (found := re.search(pattern, text)) and found[1] not in _POSTGRES:
        raise _foreign(project.show(lock), found[1])


def _foreign(where: str, dialect: str) -> ClientError:
    return ClientError(
        f"{where} says that the migrations are for {dialect}, not for Postgres",
        "name the app's Postgres SQL in infracheck.toml: [app] schema",
    )


def without_sql(project: Project) -> str:
    """Return why there is nothing to compare, with the command that would make the SQL of a schema kept in code."""
    if path := project.first("prisma/schema.prisma", "schema.prisma"):
        shown = project.show(path)
        return (
            f"the schema stands in {shown} only, and there are no migrations: make the SQL with "
            f"`npx prisma migrate diff --from-empty --to-schema-datamodel {shown} --script > schema.sql`"
        )
    if "drizzle-orm" in project.dependencies and (code := _pg_table(project.root)):
        return (
            f"the schema stands in {project.show(code)} only, and there are no migrations: make the SQL with "
            "`npx drizzle-kit export > schema.sql`, or the migrations with `npx drizzle-kit generate`"
        )
    return "there is no schema.sql, and no migration folder (drizzle, prisma, supabase, migrations)"


def _pg_table(root: Path) -> Path | None:
    """Return a file that makes drizzle tables, from where projects keep them."""
    folders: Iterable[str] = ("", "db", "src/db", "lib/db", "src/lib/db", "src/server/db", "drizzle", "server/db")
    for folder in folders:
        for path in sorted((root / folder).glob("*schema*.ts")) + sorted((root / folder / "schema").glob("*.ts")):
            if re.search(r"\bpgTable(?:Creator)?\s*\(", without_comments(path.read_text("utf-8", errors="replace"))):
                return path
    return None
