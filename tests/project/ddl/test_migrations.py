"""Where the SQL of an app is found: each tool's layout, the order of its files, and what is said without any."""

import json
from pathlib import Path

import pytest

from infracheck.errors import ClientError
from infracheck.project import sql
from infracheck.project.ddl.migrations import SqlSource, find, without_sql
from infracheck.project.detect import Project, detect
from tests.helpers import write
from tests.project.ddl.reading import at, found, named, tables


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def shown(app: Path, sources: tuple[Path, ...]) -> list[str]:
    return [str(path.relative_to(app)) for path in sources]


def the_only(app: Path) -> SqlSource:
    sources = found(app)
    assert sources.others == ()
    [source] = sources.chosen
    return source


def journal(*tags: str, dialect: str = "postgresql") -> str:
    entries = [{"idx": number, "version": "7", "when": 1, "tag": tag} for number, tag in enumerate(tags)]
    return json.dumps({"version": "7", "dialect": dialect, "entries": entries})


def refused(app: Path, *names: str) -> str:
    with pytest.raises(ClientError) as caught:
        find(at(app), names)
    assert caught.value.remedy
    return caught.value.summary


# -- each layout


@pytest.mark.parametrize("name", ["schema.sql", "db/schema.sql", "database/schema.sql", "sql/schema.sql"])
def test_a_schema_file(app: Path, name: str) -> None:
    touch(app, name)
    source = the_only(app)
    assert (source.kind, shown(app, source.files), source.path) == ("schema.sql", [name], app / name)


@pytest.mark.parametrize("folder", ["drizzle", "src/drizzle", "db/drizzle", "src/db/drizzle", "lib/drizzle"])
def test_drizzle_by_its_journal(app: Path, folder: str) -> None:
    touch(app, f"{folder}/0000_a.sql", f"{folder}/0001_b.sql", f"{folder}/meta/0000_snapshot.json")
    (app / folder / "meta/_journal.json").write_text(journal("0000_a", "0001_b"))
    source = the_only(app)
    assert source.kind == "drizzle"
    assert shown(app, source.files) == [f"{folder}/0000_a.sql", f"{folder}/0001_b.sql"]
    assert source.strays == ()


def test_drizzle_in_folders(app: Path) -> None:
    touch(
        app, "drizzle/20250102_b/migration.sql", "drizzle/20250101_a/migration.sql", "drizzle/20250101_a/snapshot.json"
    )
    source = the_only(app)
    assert source.kind == "drizzle"
    assert shown(app, source.files) == ["drizzle/20250101_a/migration.sql", "drizzle/20250102_b/migration.sql"]


def test_the_journal_says_what_is_applied_and_in_which_order(app: Path) -> None:
    touch(app, "drizzle/0000_a.sql", "drizzle/0001_b.sql", "drizzle/0002_left.sql", "drizzle/notes.sql")
    entries = [{"idx": 1, "tag": "0000_a"}, {"idx": 0, "tag": "0001_b"}]
    (app / "drizzle/meta").mkdir()
    (app / "drizzle/meta/_journal.json").write_text(json.dumps({"entries": entries}))
    source = the_only(app)
    assert shown(app, source.files) == ["drizzle/0001_b.sql", "drizzle/0000_a.sql"]
    assert shown(app, source.strays) == ["drizzle/0002_left.sql", "drizzle/notes.sql"]


@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("drizzle.config.ts", 'export default defineConfig({ dialect: "postgresql", out: "./migrations/pg" });'),
        ("drizzle.config.ts", "export default {\n  schema: './src/schema.ts',\n  out : './migrations/pg',\n}"),
        ("drizzle.config.js", "module.exports = { out: `migrations/pg/` }"),
        ("drizzle.config.mjs", 'export default { out: "migrations/pg" }'),
        ("drizzle.config.json", '{"dialect": "postgresql", "out": "./migrations/pg"}'),
    ],
)
def test_drizzle_s_own_settings_say_where(app: Path, name: str, out: str) -> None:
    (app / name).write_text(out)
    touch(app, "migrations/pg/0000_a.sql")
    (app / "migrations/pg/meta").mkdir()
    (app / "migrations/pg/meta/_journal.json").write_text(journal("0000_a"))
    source = the_only(app)
    assert (source.kind, shown(app, source.files)) == ("drizzle", ["migrations/pg/0000_a.sql"])


def test_what_drizzle_s_settings_name_comes_before_what_is_guessed(app: Path) -> None:
    (app / "drizzle.config.ts").write_text('export default { out: "./migrations" }')
    for folder in ("drizzle", "migrations"):
        touch(app, f"{folder}/0000_a.sql")
        (app / folder / "meta").mkdir()
        (app / folder / "meta/_journal.json").write_text(journal("0000_a"))
    sources = found(app)
    assert [shown(app, (one.path,)) for one in (*sources.chosen, *sources.others)] == [["migrations"], ["drizzle"]]


def test_a_line_that_is_commented_out_names_no_folder(app: Path) -> None:
    (app / "drizzle.config.ts").write_text('export default {\n  // out: "./old",\n  out: "./new",\n}')
    touch(app, "old/0000_a.sql", "new/0000_b.sql")
    assert shown(app, the_only(app).files) == ["new/0000_b.sql"]


def test_prisma(app: Path) -> None:
    touch(app, "prisma/schema.prisma", "prisma/migrations/20250102_b/migration.sql")
    touch(app, "prisma/migrations/20250101_a/migration.sql", "prisma/migrations/20250103_c/README.md")
    (app / "prisma/migrations/migration_lock.toml").write_text('provider = "postgresql"\n')
    source = the_only(app)
    assert source.kind == "prisma"
    assert shown(app, source.files) == [
        "prisma/migrations/20250101_a/migration.sql",
        "prisma/migrations/20250102_b/migration.sql",
    ]


def test_prisma_without_its_lock(app: Path) -> None:
    touch(app, "prisma/migrations/0_init/migration.sql")
    assert the_only(app).kind == "prisma"


def test_prisma_applies_its_folders_by_their_names(app: Path) -> None:
    touch(app, "prisma/migrations/2_b/migration.sql", "prisma/migrations/10_c/migration.sql")
    assert shown(app, the_only(app).files) == [
        "prisma/migrations/10_c/migration.sql",
        "prisma/migrations/2_b/migration.sql",
    ]


def test_supabase(app: Path) -> None:
    touch(
        app, "supabase/migrations/20250102000000_b.sql", "supabase/migrations/20250101000000_a.sql", "supabase/seed.sql"
    )
    source = the_only(app)
    assert source.kind == "supabase"
    assert [path.name for path in source.files] == ["20250101000000_a.sql", "20250102000000_b.sql"]


def test_supabase_at_the_root_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    touch(tmp_path, "apps/web/package.json", "supabase/migrations/20250101000000_a.sql")
    (tmp_path / "apps/web/package.json").write_text("{}")
    project = detect(tmp_path / "apps/web")
    sources = find(project)
    assert sources
    [source] = sources.chosen
    assert source.kind == "supabase"
    assert sql.expected(project, sources).name == "1 migration of ../../supabase/migrations/"


def test_supabase_outside_the_repository_is_another_s(tmp_path: Path) -> None:
    touch(tmp_path, "supabase/migrations/20250101000000_a.sql", "web/package.json")
    (tmp_path / "web/package.json").write_text("{}")
    assert find(detect(tmp_path / "web")) is None


@pytest.mark.parametrize(
    "folder",
    [
        *("migrations", "db/migrations", "src/db/migrations", "lib/db/migrations", "src/lib/db/migrations"),
        *("database/migrations", "sql/migrations", "src/migrations", "sql"),
    ],
)
def test_numbered_files(app: Path, folder: str) -> None:
    touch(app, f"{folder}/002_b.sql", f"{folder}/001_a.sql")
    source = the_only(app)
    assert (source.kind, [path.name for path in source.files]) == ("migrations", ["001_a.sql", "002_b.sql"])


@pytest.mark.parametrize(
    "names",
    [
        ["1_a.sql", "2_b.sql", "10_c.sql", "11_d.sql"],
        ["0001.sql", "0002.sql", "0010.sql"],
        ["V1__a.sql", "V2__b.sql", "V10__c.sql"],
        ["1-a.sql", "02-b.sql", "003-c.sql"],
        ["20250101120000_a.up.sql", "20250102120000_b.up.sql"],
        ["001_a.sql", "001_b.sql", "002_a.sql"],
    ],
)
def test_files_are_applied_by_their_numbers(app: Path, names: list[str]) -> None:
    touch(app, *(f"migrations/{name}" for name in reversed(names)))
    assert [path.name for path in the_only(app).files] == names


@pytest.mark.parametrize("down", ["1_a.down.sql", "1_a.undo.sql"])
def test_the_way_back_is_no_migration(app: Path, down: str) -> None:
    touch(app, "migrations/1_a.up.sql", f"migrations/{down}")
    source = the_only(app)
    assert [path.name for path in source.files] == ["1_a.up.sql"]
    assert source.strays == ()


def test_files_without_a_number_are_strays(app: Path) -> None:
    touch(app, "migrations/1_a.sql", "migrations/seed.sql", "migrations/README.md", "migrations/helpers.sql")
    source = the_only(app)
    assert shown(app, source.files) == ["migrations/1_a.sql"]
    assert shown(app, source.strays) == ["migrations/helpers.sql", "migrations/seed.sql"]


@pytest.mark.parametrize(
    "name", ["migrations/seed.sql", "migrations/001_a.ts", "other/001_a.sql", "migrations/a/b.sql"]
)
def test_what_is_no_migration_is_no_source(app: Path, name: str) -> None:
    touch(app, name)
    assert find(at(app)) is None


def test_the_effect_is_that_of_the_right_order(app: Path) -> None:
    write(
        app,
        migrations___1_a__sql="CREATE TABLE a (x int);",
        migrations___2_b__sql="ALTER TABLE a RENAME TO b;",
        migrations___10_c__sql="ALTER TABLE b RENAME TO c;",
    )
    read = sql.expected(at(app), found(app))
    assert tables(read) == ["public.c"]
    assert str(read.tables[0].place) == "migrations/1_a.sql:1"
    assert read.name == "3 migrations of migrations/"


# -- several sources


def test_of_several_sources_one_is_chosen_and_the_others_are_known(app: Path) -> None:
    touch(app, "schema.sql", "drizzle/0000_a.sql", "prisma/migrations/1_a/migration.sql", "migrations/1_a.sql")
    touch(app, "supabase/migrations/20250101000000_a.sql")
    (app / "drizzle/meta").mkdir()
    (app / "drizzle/meta/_journal.json").write_text(journal("0000_a"))
    sources = found(app)
    assert [one.kind for one in sources.chosen] == ["schema.sql"]
    assert [one.kind for one in sources.others] == ["drizzle", "prisma", "supabase", "migrations"]
    assert sources.files == (app / "schema.sql",)


def test_one_folder_under_two_names_is_one_source(app: Path) -> None:
    touch(app, "migrations/1_a.sql", "db/x")
    (app / "db/migrations").symlink_to("../migrations")
    assert the_only(app).path == app / "migrations"


def test_a_schema_file_in_the_folder_of_migrations_is_not_read_twice(app: Path) -> None:
    touch(app, "sql/schema.sql", "sql/001_a.sql")
    sources = found(app)
    assert [one.kind for one in (*sources.chosen, *sources.others)] == ["schema.sql", "migrations"]
    assert [path.name for one in sources.others for path in one.files] == ["001_a.sql"]


def test_what_is_named_is_read_in_that_order(app: Path) -> None:
    write(
        app,
        db___types__sql="CREATE TYPE mood AS ENUM ('ok');",
        db___tables__sql="CREATE TABLE a (x mood);",
        more___2_c__sql="DROP TABLE b;",
        more___1_b__sql="CREATE TABLE b (x int); CREATE TABLE c (x int);",
        schema__sql="CREATE TABLE other (x int);",
    )
    read = named(app, "db/types.sql", "db/tables.sql", "more")
    assert tables(read) == ["public.a", "public.c"]
    assert [one.kind for one in read.sources.chosen] == ["schema.sql", "schema.sql", "migrations"]
    assert read.sources.others == ()
    assert read.name == "db/types.sql and db/tables.sql and 2 migrations of more/"
    assert read.file == "db/types.sql"


@pytest.mark.parametrize("folder", ["empty", "strays"])
def test_a_named_folder_without_migrations_is_refused(app: Path, folder: str) -> None:
    (app / "empty").mkdir()
    touch(app, "strays/seed.sql")
    assert refused(app, folder) == f"{folder}/ holds no SQL migrations"


# -- what cannot be read


@pytest.mark.parametrize("dialect", ["mysql", "sqlite", "turso", "mssql", "singlestore"])
def test_drizzle_for_another_database_is_refused(app: Path, dialect: str) -> None:
    touch(app, "drizzle/0000_a.sql")
    (app / "drizzle/meta").mkdir()
    (app / "drizzle/meta/_journal.json").write_text(journal("0000_a", dialect=dialect))
    said = refused(app)
    assert said == f"drizzle/meta/_journal.json says that the migrations are for {dialect}, not for Postgres"


@pytest.mark.parametrize("dialect", ["postgresql", "pg", "cockroachdb"])
def test_drizzle_for_postgres_in_its_older_words(app: Path, dialect: str) -> None:
    touch(app, "drizzle/0000_a.sql")
    (app / "drizzle/meta").mkdir()
    (app / "drizzle/meta/_journal.json").write_text(journal("0000_a", dialect=dialect))
    assert the_only(app).kind == "drizzle"


@pytest.mark.parametrize("provider", ["mysql", "sqlite", "sqlserver"])
def test_prisma_for_another_database_is_refused(app: Path, provider: str) -> None:
    touch(app, "prisma/migrations/1_a/migration.sql")
    (app / "prisma/migrations/migration_lock.toml").write_text(f'# do not edit\nprovider = "{provider}"\n')
    said = refused(app)
    assert (
        said == f"prisma/migrations/migration_lock.toml says that the migrations are for {provider}, not for Postgres"
    )


def test_another_database_s_migrations_beside_a_schema_file_do_not_stop_it(app: Path) -> None:
    touch(app, "schema.sql", "prisma/migrations/1_a/migration.sql")
    (app / "prisma/migrations/migration_lock.toml").write_text('provider = "sqlite"\n')
    assert [one.kind for one in found(app).chosen] == ["schema.sql"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"entries": 1}', '{"entries": [{"idx": 0}]}', '{"entries": [1]}', '{"entries": [{}]}'],
)
def test_a_journal_that_cannot_be_read_is_said(app: Path, text: str) -> None:
    touch(app, "drizzle/0000_a.sql", "drizzle/meta/_journal.json")
    (app / "drizzle/meta/_journal.json").write_text(text)
    assert refused(app).startswith("drizzle/meta/_journal.json cannot be read: ")


def test_a_journal_that_names_a_file_that_is_gone(app: Path) -> None:
    touch(app, "drizzle/0000_a.sql", "drizzle/meta/_journal.json")
    (app / "drizzle/meta/_journal.json").write_text(journal("0000_a", "0001_b"))
    with pytest.raises(ClientError, match=r"^drizzle/0001_b\.sql cannot be read: no such file or directory$"):
        sql.expected(at(app), found(app))


def test_an_empty_journal_declares_nothing(app: Path) -> None:
    touch(app, "drizzle/meta/_journal.json")
    (app / "drizzle/meta/_journal.json").write_text(journal())
    assert sql.expected(at(app), found(app)).tables == []


# -- nothing to read


@pytest.mark.parametrize("name", ["prisma/schema.prisma", "schema.prisma"])
def test_a_schema_in_prisma_s_words_only(app: Path, name: str) -> None:
    touch(app, name)
    assert find(at(app)) is None
    said = without_sql(at(app))
    assert f"the schema stands in {name} only" in said
    assert f"`npx prisma migrate diff --from-empty --to-schema-datamodel {name} --script > schema.sql`" in said


@pytest.mark.parametrize(
    "name",
    [
        "schema.ts",
        "db/schema.ts",
        "src/db/schema.ts",
        "src/server/db/schema.ts",
        "src/db/schema/users.ts",
        "src/db/auth-schema.ts",
    ],
)
def test_a_schema_in_drizzle_s_words_only(app: Path, name: str) -> None:
    touch(app, name)
    (app / name).write_text('export const users = pgTable("users", { id: integer("id") });')
    project = Project(app, app, {"dependencies": {"drizzle-orm": "1"}})
    assert find(project) is None
    said = without_sql(project)
    assert f"the schema stands in {name} only" in said
    assert "`npx drizzle-kit export > schema.sql`" in said
    assert "`npx drizzle-kit generate`" in said


@pytest.mark.parametrize(
    ("text", "dependencies"),
    [
        ("export const users = sqliteTable('users', {})", {"drizzle-orm": "1"}),
        ("/* pgTable('users') */", {"drizzle-orm": "1"}),
        ("export const users = pgTable('users', {})", {}),
    ],
)
def test_no_schema_for_postgres_at_all(app: Path, text: str, dependencies: dict[str, str]) -> None:
    touch(app, "src/db/schema.ts")
    (app / "src/db/schema.ts").write_text(text)
    said = without_sql(Project(app, app, {"dependencies": dependencies}))
    assert said == "there is no schema.sql, and no migration folder (drizzle, prisma, supabase, migrations)"


def test_a_line_that_is_commented_out_makes_no_table(app: Path) -> None:
    touch(app, "src/db/schema.ts")
    (app / "src/db/schema.ts").write_text("// export const users = pgTable('users', {})\n")
    assert "no schema.sql" in without_sql(Project(app, app, {"dependencies": {"drizzle-orm": "1"}}))
