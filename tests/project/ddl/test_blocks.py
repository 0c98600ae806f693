"""DO blocks: which are read, which are said to be unread, and that what is read is what a real database then holds."""

from pathlib import Path

import psycopg
import pytest

from tests.project.ddl.reading import apply, read, tables

HELD = """
    SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
"""
BEFORE = "CREATE TABLE a (x int PRIMARY KEY);\n"
READ = {
    "a type that may be there": "DO $$ BEGIN CREATE TYPE mood AS ENUM ('ok');"
    " EXCEPTION WHEN duplicate_object THEN null; END $$; CREATE TABLE b (y mood);",
    "a type that is there": "CREATE TYPE mood AS ENUM ('ok'); DO $$ BEGIN CREATE TYPE mood AS ENUM ('ok', 'sad');"
    " EXCEPTION WHEN duplicate_object THEN null; END $$;",
    "a key that may be there": "CREATE TABLE b (y int); DO $$ BEGIN ALTER TABLE b ADD CONSTRAINT b_y_fk FOREIGN KEY (y)"
    " REFERENCES a (x); EXCEPTION WHEN duplicate_object THEN RAISE NOTICE 'there'; END $$;",
    "a column that may be there": "DO $$ BEGIN ALTER TABLE a ADD COLUMN y text; EXCEPTION WHEN duplicate_column THEN"
    " NULL; END $$;",
    "a column that is there": "DO $$ BEGIN ALTER TABLE a ADD COLUMN x text; EXCEPTION WHEN duplicate_column THEN NULL;"
    " END $$;",
    "a table that may be there": "DO $$ BEGIN CREATE TABLE b (y int);"
    " EXCEPTION WHEN duplicate_table THEN NULL; END $$;",
    "a table that is there": "DO $$ BEGIN CREATE TABLE a (y int); EXCEPTION WHEN duplicate_table THEN NULL; END $$;",
    "several handlers": "DO $$ BEGIN CREATE TABLE b (y int); EXCEPTION WHEN duplicate_table THEN NULL;"
    " WHEN others THEN RAISE WARNING 'x'; END $$;",
    "behind a question to the catalog": "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'mood') THEN"
    " CREATE TYPE mood AS ENUM ('ok'); END IF; END $$; CREATE TABLE b (y mood);",
    "behind a question to the information schema": "DO $$ BEGIN IF NOT EXISTS (SELECT FROM information_schema.columns"
    " WHERE table_name = 'a' AND column_name = 'y') THEN ALTER TABLE a ADD COLUMN y int; END IF; END $$;",
    "nested": "DO $$ BEGIN BEGIN CREATE TABLE b (y int); EXCEPTION WHEN duplicate_table THEN NULL; END;"
    " BEGIN CREATE TABLE c (z int); END; END $$;",
    "statements one after the other": "DO $$ BEGIN CREATE TABLE b (y int); ALTER TABLE b ADD COLUMN z int;"
    " DROP TABLE a; END $$;",
    "with its language": "DO LANGUAGE plpgsql $x$ BEGIN CREATE TABLE b (y int); RETURN; END $x$;",
    "in quotes": "DO 'BEGIN CREATE TABLE b (y text DEFAULT ''it''''s''); END';",
    "with comments": "DO $$\nBEGIN -- first\n  CREATE TABLE b (y int); /* CREATE TABLE no (z int); */\nEND $$;",
    "with a declaration": "DO $$ DECLARE n int := 1; BEGIN CREATE TABLE b (y int); END $$;",
    "no table at all": "DO $$ BEGIN PERFORM 1; RAISE NOTICE 'nothing to create'; END $$;",
    "words in a string": "DO $$ BEGIN RAISE NOTICE 'CREATE TABLE b (y int)'; END $$;",
    "dropped if it is there": "DO $$ BEGIN DROP TABLE IF EXISTS a; CREATE TABLE IF NOT EXISTS b (y int); END $$;",
    "a label and a block within": "DO $$ <<outer>> BEGIN CREATE TABLE b (y int); END outer $$;",
}
UNREAD = {
    "SQL that is built": "EXECUTE 'CREATE TABLE b (y int)';",
    "SQL that is formatted": "EXECUTE format('DROP TABLE %I', 'a');",
    "a loop": "FOR i IN 1..2 LOOP EXECUTE format('CREATE TABLE b%s (y int)', i); END LOOP;",
    "a loop with plain SQL": "FOR i IN 1..1 LOOP CREATE TABLE b (y int); END LOOP;",
    "a loop over rows": "DECLARE r record; BEGIN FOR r IN SELECT 1 LOOP CREATE TABLE b (y int); END LOOP; END;",
    "a question to data": "IF (SELECT count(*) FROM a) = 0 THEN CREATE TABLE b (y int); END IF;",
    "a question that is not about what is missing": "IF EXISTS (SELECT FROM pg_class WHERE relname = 'a') THEN"
    " DROP TABLE a; END IF;",
    "a question with more to it": "IF NOT EXISTS (SELECT FROM pg_class WHERE relname = 'b') AND false THEN"
    " CREATE TABLE b (y int); END IF;",
    "two branches": "IF NOT EXISTS (SELECT FROM pg_type WHERE typname = 'x') THEN CREATE TABLE b (y int);"
    " ELSE CREATE TABLE c (y int); END IF;",
    "a question to a setting": "IF current_setting('server_version_num')::int > 1 THEN CREATE TABLE b (y int); END IF;",
    "a handler that does something": "BEGIN CREATE TABLE b (y int); EXCEPTION WHEN others THEN CREATE TABLE c (y int);"
    " END;",
    "a variable": "DECLARE n text := 'x int'; BEGIN CREATE TABLE b (y int); EXECUTE 'ALTER TABLE b ADD ' || n; END;",
    "a loop that ends": "LOOP CREATE TABLE b (y int); EXIT; END LOOP;",
    "a case": "CASE 1 WHEN 1 THEN CREATE TABLE b (y int); END CASE;",
}


@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_what_is_read_of_a_block_is_what_then_holds(app: Path, database: str, text: str) -> None:
    apply(database, BEFORE + text)
    with psycopg.connect(database) as connection:
        held = {row[0] for row in connection.execute(HELD)}
    found = read(app, BEFORE + text)
    columns = {f"{table.name[1]}.{column}" for table in found.tables for column in table.columns or {}}
    assert columns == held
    assert found.not_compared == []


@pytest.mark.parametrize("body", UNREAD.values(), ids=UNREAD)
def test_what_cannot_be_known_without_running_it_is_said(app: Path, database: str, body: str) -> None:
    text = f"{BEFORE}\nDO $$ BEGIN {body} END $$;\nCREATE TABLE last (x int);"
    apply(database, text)
    found = read(app, text)
    assert tables(found) == ["public.a", "public.last"]
    [note] = found.not_compared
    assert str(note.place) == "schema.sql:3"
    assert note.text == "a DO block changes the schema in a way that is not read"
    assert note.words & {"a", "b"}


def test_a_handler_that_raises_makes_the_block_unread(app: Path) -> None:
    text = "DO $$ BEGIN CREATE TABLE b (y int); EXCEPTION WHEN others THEN RAISE; END $$;"
    assert len(read(app, text).not_compared) == 1


def test_what_stands_in_a_block_has_its_own_line(app: Path) -> None:
    text = "-- é\nDO $$\nBEGIN\n\n  CREATE TABLE b (\n    y int\n  );\nEND $$;\nCREATE TABLE c (x int);"
    found = read(app, text)
    assert [str(table.place) for table in found.tables] == ["schema.sql:5", "schema.sql:9"]


def test_two_alike_statements_of_a_block_have_lines_within_it(app: Path) -> None:
    text = "CREATE TABLE b (y int);\nDROP TABLE b;\nDO $$ BEGIN\nCREATE TABLE b (y int);\nEND $$;"
    assert [str(table.place) for table in read(app, text).tables] == ["schema.sql:4"]


def test_a_block_in_another_language_is_said(app: Path) -> None:
    found = read(app, "DO LANGUAGE plpython3u $$ plpy.execute('CREATE TABLE b (y int)') $$;")
    assert len(found.not_compared) == 1


def test_a_block_that_no_one_can_read_is_said(app: Path) -> None:
    found = read(app, "DO $$ BEGIN CREATE TABLE b (y int) END; $$;")
    assert len(found.not_compared) == 1


@pytest.mark.parametrize(
    ("call", "notes"),
    [
        ("SELECT make_it();", ["make_it() changes the schema in a way that is not read"]),
        ("SELECT public.make_it();", ["make_it() changes the schema in a way that is not read"]),
        ("SELECT other();", []),
    ],
)
def test_a_function_that_is_called_and_changes_tables_is_said(app: Path, call: str, notes: list[str]) -> None:
    text = "CREATE FUNCTION make_it() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE b (y int); END $$;\n"
    text += "CREATE FUNCTION other() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;\n"
    assert [note.text for note in read(app, text + call).not_compared] == notes
    assert read(app, text).not_compared == []


def test_a_procedure_that_is_called_and_changes_tables_is_said(app: Path) -> None:
    text = "CREATE PROCEDURE make_it() LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE b (y int); END $$;\nCALL make_it();"
    assert [str(note.place) for note in read(app, text).not_compared] == ["schema.sql:2"]


def test_a_block_that_calls_a_function_that_changes_tables_is_said(app: Path) -> None:
    text = "CREATE FUNCTION make_it() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE b (y int); END $$;\n"
    assert len(read(app, f"{text}DO $$ BEGIN PERFORM make_it(); END $$;").not_compared) == 1
