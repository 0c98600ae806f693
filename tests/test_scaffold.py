"""What `infracheck init` writes."""

import json
import subprocess
import sys
from pathlib import Path

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
