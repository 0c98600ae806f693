"""What `infracheck init` writes."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infracheck.config import load
from infracheck.errors import UsageError
from infracheck.scaffold import write_config, write_workflow
from infracheck.settings import CommandSettings


def next_app(folder: Path, **package: object) -> Path:
    facts = {"dependencies": {"next": "16.4.5"}, "scripts": {"dev": "next dev -p 3123"}, **package}
    (folder / "package.json").write_text(json.dumps(facts))
    (folder / ".env.local.example").write_text("DATABASE_URL=\n# Optional\nMAIL_FROM=\n")
    (folder / "schema.sql").write_text("create table notes (id int);")
    return folder


def test_what_was_detected_is_written_and_reads_back(app: Path) -> None:
    told = write_config(next_app(app), overwrite=False)
    settings = load(app).settings
    assert (settings.app.schema, settings.app.env_example) == ("schema.sql", ".env.local.example")
    assert (settings.server.command, settings.server.port) == ("npm run dev", 3123)
    assert "infracheck.toml" in told
    assert "next: infracheck run" in told


def test_scripts_that_are_gates_are_proposed_and_only_the_build_is_judged(app: Path) -> None:
    scripts = {
        "dev": "next dev",
        "build": "next build",
        "lint": "eslint .",
        "test": "vitest run",
        "start": "next start",
    }
    (app / "yarn.lock").write_text("")
    told = write_config(next_app(app, scripts=scripts), overwrite=False)
    text = (app / "infracheck.toml").read_text()
    assert load(app).settings.command == (CommandSettings("build", "yarn run build", "deploy-check"),)
    assert "build      yarn run build" in told
    assert [line for line in text.splitlines() if line.startswith("# run = ")] == [
        '# run = "yarn run lint"',
        '# run = "yarn run test"',
    ]


def test_without_such_scripts_no_command_is_declared(app: Path) -> None:
    scripts = {"dev": "next dev", "test": 'echo "Error: no test specified" && exit 1'}
    write_config(next_app(app, scripts=scripts), overwrite=False)
    assert load(app).settings.command == ()
    assert "npm run test" not in (app / "infracheck.toml").read_text()


def test_every_commented_line_is_a_setting_that_exists(app: Path) -> None:
    (app / "schema.sql").write_text("")
    write_config(app, overwrite=False)
    lines = (app / "infracheck.toml").read_text().splitlines()
    settings = [line.removeprefix("# ") for line in lines if line.startswith(("[", "# [[")) or " = " in line]
    (app / "schema.sql").with_name("infracheck.toml").write_text("\n".join(settings))
    loaded = load(app)
    assert loaded.settings.server.port == 3000
    assert [waiver.check for waiver in loaded.waivers] == ["sentry-receives"]


def test_a_file_that_exists_is_never_overwritten_unasked(app: Path) -> None:
    next_app(app)
    (app / "infracheck.toml").write_text("# mine\n")
    with pytest.raises(UsageError, match="exists already"):
        write_config(app, overwrite=False)
    assert (app / "infracheck.toml").read_text() == "# mine\n"
    write_config(app, overwrite=True)
    assert (app / "infracheck.toml").read_text() != "# mine\n"
    assert [path.name for path in app.iterdir() if ".part" in path.name] == []


# -- whether data may be written to

HERE = "postgresql://app:s3cret-pw@localhost:5432/notes"
ELSEWHERE = "postgresql://app:s3cret-pw@db.example.com:5432/notes"


class Answer:
    """A user who gives one answer to everything."""

    def __init__(self, answer: bool) -> None:
        self.answer, self.asked = answer, list[str]()

    def __call__(self, question: str) -> bool:
        self.asked.append(question)
        return self.answer


def written(folder: Path, database: str, **options: Any) -> bool:
    (next_app(folder) / ".env.local").write_text(f"DATABASE_URL={database}\n")
    write_config(folder, overwrite=True, **options)
    return load(folder).settings.app.disposable


@pytest.mark.parametrize("answer", [True, False])
def test_a_user_is_asked_about_a_database_of_elsewhere(app: Path, answer: bool) -> None:
    user = Answer(answer)
    assert written(app, ELSEWHERE, ask=user) is answer
    [question] = user.asked
    assert question.startswith("The database at db.example.com:5432 is not on this machine. ")
    assert "s3cret" not in question
    assert f"disposable = {str(answer).lower()} " in (app / "infracheck.toml").read_text()


@pytest.mark.parametrize("database", [HERE, "", "no connection string", "postgresql:///notes"])
def test_nobody_is_asked_where_nothing_has_to_be_decided(app: Path, database: str) -> None:
    user = Answer(True)
    assert written(app, database, ask=user) is False
    assert user.asked == []
    assert "# disposable = true" in (app / "infracheck.toml").read_text()


def test_without_a_terminal_nobody_is_asked_and_nothing_is_declared(app: Path) -> None:
    (next_app(app) / ".env.local").write_text(f"DATABASE_URL={ELSEWHERE}\n")
    done = subprocess.run(
        [sys.executable, "-m", "infracheck.cli", "init", str(app)],
        capture_output=True,
        text=True,
        input="y\n",
        check=True,
    )
    assert "?" not in done.stdout + done.stderr
    assert load(app).settings.app.disposable is False


@pytest.mark.parametrize("answer", [True, False])
def test_an_option_answers_in_a_script(app: Path, answer: bool) -> None:
    user = Answer(not answer)
    assert written(app, HERE, ask=user, disposable=answer) is answer
    assert user.asked == []
    option = "--disposable" if answer else "--no-disposable"
    command = [sys.executable, "-m", "infracheck.cli", "init", str(app), "--force", option]
    subprocess.run(command, capture_output=True, check=True)
    assert f"\ndisposable = {str(answer).lower()} " in (app / "infracheck.toml").read_text()


@pytest.mark.parametrize(("typed", "disposable"), [(b"y\n", True), (b"\n", False)])
def test_at_a_terminal_the_question_is_put(app: Path, typed: bytes, disposable: bool) -> None:
    (next_app(app) / ".env.local").write_text(f"DATABASE_URL={ELSEWHERE}\n")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "infracheck.cli", "init", str(app)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, typed)
        assert process.wait(60) == 0
    shown = os.read(ours, 65536)
    os.close(ours)
    assert b"The database at db.example.com:5432 is not on this machine." in shown
    assert load(app).settings.app.disposable is disposable


def test_nobody_is_asked_before_a_file_that_stays(app: Path) -> None:
    (next_app(app) / ".env.local").write_text(f"DATABASE_URL={ELSEWHERE}\n")
    (app / "infracheck.toml").write_text("# mine\n")
    user = Answer(True)
    with pytest.raises(UsageError, match="exists already"):
        write_config(app, overwrite=False, ask=user)
    assert user.asked == []


@pytest.mark.parametrize("lock", ["package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", None])
def test_the_workflow_passes_actionlint(app: Path, lock: str | None) -> None:
    repository = app
    (repository / ".git").mkdir()
    web = repository / "apps" / "web"
    web.mkdir(parents=True)
    next_app(web)
    if lock:
        (repository / lock).write_text("")
    told = write_workflow(web, overwrite=False)
    path = repository / ".github" / "workflows" / "deploy-check.yml"
    lint = subprocess.run(
        [Path(sys.executable).with_name("actionlint"), str(path)], capture_output=True, text=True, check=False
    )
    assert (lint.returncode, lint.stdout) == (0, "")
    text = path.read_text()
    assert "    name: deploy-check\n" in text
    assert "infracheck run apps/web --stage deploy-check" in text
    assert "DATABASE_URL: ${{ secrets.DATABASE_URL || vars.DATABASE_URL }}" in text
    assert "GITHUB_STEP_SUMMARY" in text
    assert "  DATABASE_URL\n" in told


def test_actionlint_would_have_complained(tmp_path: Path) -> None:
    path = tmp_path / "w.yml"
    path.write_text("on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ nope.x }}\n")
    lint = subprocess.run([Path(sys.executable).with_name("actionlint"), str(path)], capture_output=True, check=False)
    assert lint.returncode == 1
