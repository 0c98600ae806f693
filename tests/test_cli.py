"""The command line as a newcomer meets it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infracheck import __version__
from infracheck.checks import GATE

ROOT = Path(__file__).parents[1]


def infracheck(*words: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infracheck.cli", *words],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT), "HOME": str(cwd), **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_version(tmp_path: Path) -> None:
    done = infracheck("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"infracheck {__version__}\n")


def test_help_teaches_with_examples_and_exit_codes(tmp_path: Path) -> None:
    done = infracheck("run", "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "infracheck run apps/web" in done.stdout
    assert "Exit codes" in done.stdout


def test_a_folder_that_is_no_app(tmp_path: Path) -> None:
    done = infracheck("run", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "is no app: looked for infracheck.toml, package.json, schema.sql" in done.stderr
    assert "infracheck demo" in done.stderr


def test_a_monorepo_names_its_apps(tmp_path: Path) -> None:
    (tmp_path / "apps" / "web").mkdir(parents=True)
    (tmp_path / "apps" / "web" / "package.json").write_text("{}")
    done = infracheck("run", cwd=tmp_path)
    assert done.returncode == 2
    assert "apps found below: apps/web — try `infracheck run apps/web`" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "nowhere"], "there is no folder nowhere"),
        (["run", "--only", "env-fillt"], "did you mean `env-filled`?"),
        (["run", "--skip", "sentry"], "--skip needs a reason"),
        (["run", "--output", "report.md"], "is not FORMAT=PATH"),
        (["run", "--output", "pdf=x"], "is not FORMAT=PATH"),
        (["run", "--output", "json=."], "is a folder"),
        (["run", "--format", "pdf"], "--format"),
        (["run", "--nope"], "--nope"),
        (["explain", "nothing"], "there is no check or family `nothing`"),
        (["explain", "sentry"], "`sentry` is a family"),
        (["nope"], "nope"),
    ],
)
def test_a_wrong_command_line_says_what_to_do_and_runs_nothing(app: Path, words: list[str], said: str) -> None:
    (app / "schema.sql").write_text("")
    done = infracheck(*words, cwd=app)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr


def test_a_wrong_setting_runs_nothing(app: Path) -> None:
    (app / "infracheck.toml").write_text("[server]\nprot = 3000\n")
    done = infracheck("run", cwd=app)
    assert done.returncode == 2
    assert "infracheck.toml:2: there is no setting `server.prot`; did you mean `port`?" in done.stderr
    (app / "infracheck.toml").write_text('[app]\nschema = "db.sql"\n')
    assert "there is no such file" in infracheck("run", cwd=app).stderr


def test_nothing_that_applies_is_no_pass(app: Path) -> None:
    (app / "package.json").write_text("{}")
    done = infracheck("run", "--only", "schema", cwd=app)
    assert done.returncode == 5
    assert "nothing was checked" in done.stdout


def test_the_list_names_every_check_and_whether_it_applies(app: Path) -> None:
    (app / "package.json").write_text("{}")
    done = infracheck("list", cwd=app)
    assert done.returncode == 0
    for one in GATE:
        assert one.id in done.stdout
    assert "no: there is no schema.sql" in " ".join(done.stdout.split())
    outside = infracheck("list", cwd=app.parent)
    assert outside.returncode == 0
    assert "is no app" in outside.stdout


def test_a_check_is_explained(app: Path) -> None:
    done = infracheck("explain", "schema-tables", cwd=app)
    assert done.returncode == 0
    assert done.stdout.startswith("schema-tables — Every table that schema.sql or the migrations leave behind exists")
    assert "Proves item 2 of the workflow" in done.stdout
    assert "infracheck run --only schema-tables" in done.stdout


def test_what_is_excused_is_listed(app: Path) -> None:
    (app / ".env.local.example").write_text("SENTRY_ORG=\n")
    (app / "infracheck.toml").write_text(
        '[[waiver]]\ncheck = "schema-tables"\nsubject = "public.old"\nreason = "goes next week"\nexpires = 2099-01-31\n'
    )
    (app / "project-state.md").write_text(
        "## Decisions Log\n\n- 2026-04-05: SENTRY_ORG is exempt\n- 2026-04-06: PM Sentry DSN/org/project exempt\n"
    )
    done = infracheck("waivers", cwd=app)
    assert done.returncode == 0
    shown = " ".join(done.stdout.split())
    assert "waiver public.old (schema-tables) infracheck.toml:2, until 2099-01-31 “goes next week”" in shown
    assert "exemption SENTRY_ORG" in shown
    assert "project-state.md:3" in shown
    assert "does not count" in shown
    assert infracheck("waivers", cwd=app.parent).returncode == 2


def test_completion_is_offered(tmp_path: Path) -> None:
    # The shell is told, not found out: what started the tests may be another one.
    told = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = infracheck("--show-completion", "bash", cwd=tmp_path, **told)
    assert done.returncode == 0
    assert "complete" in done.stdout


def test_a_report_that_cannot_be_written_is_said(app: Path) -> None:
    (app / "schema.sql").write_text("")
    (app / "file").write_text("")
    done = infracheck("run", "--only", "env", "--output", "json=file/report.json", cwd=app)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_a_reader_that_goes_away_is_no_traceback(app: Path) -> None:
    (app / "schema.sql").write_text("")
    command = [sys.executable, "-m", "infracheck.cli", "run", "--format", "json"]
    with subprocess.Popen(
        command,
        cwd=app,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        process.stdout.close()
        _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
