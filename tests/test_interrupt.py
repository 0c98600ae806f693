"""However a run ends, it leaves no process, no port and no file; and its report says what it did not reach."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.processes import marked
from tests.components.chromium import chromium
from tests.stage import Stage, eventually

MOMENTS = ("at once", "while it boots")


def moment(stage: Stage, name: str) -> bool:
    return name == "at once" or stage.booted()


def temporary_files(folder: Path) -> list[str]:
    # os.walk passes over what somebody is removing at the same moment.
    found = (name for _, folders, files in os.walk(folder) for name in [*folders, *files])
    return sorted(name for name in found if name != "node-compile-cache")


def left_in(folder: Path) -> list[str]:
    return [name for name in temporary_files(folder) if not name.startswith("next-")]


@pytest.fixture
def temporary(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_cleans_up_and_reports(
    stage: Stage, temporary: Path, number: signal.Signals, code: int
) -> None:
    done = stage.interrupt(stage.booted, number)
    assert done.code == code
    assert done.report["verdict"] == "interrupted"
    assert done.report["exit_code"] == code
    assert done.outcomes["server-boots"] == "not-run"
    assert done.outcomes["database-connects"] == "passed"
    stage.assert_nothing_left()


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_nothing_is_left_whenever_it_ends(stage: Stage, temporary: Path, number: signal.Signals, when: str) -> None:
    stage.interrupt(lambda: moment(stage, when), number)
    stage.assert_nothing_left()
    status = ["git", "-C", str(stage.folder), "status", "--porcelain"]
    if number != signal.SIGKILL:  # what a killed run could not restore, the framework's own rewriting, is its own
        assert subprocess.run(status, capture_output=True, text=True, check=True).stdout == ""
    # Whoever removes a killed run's folder waits until nobody writes into it any more.
    assert eventually(lambda: not left_in(temporary), seconds=30), left_in(temporary)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_browser_that_looks_at_a_page_ends_too(stage: Stage, temporary: Path, number: signal.Signals) -> None:
    chromium()

    def looking() -> bool:
        return any("--headless" in line for line in marked(str(temporary)))

    stage.interrupt(looking, number)
    stage.assert_nothing_left()
    assert eventually(lambda: not marked(str(temporary)), seconds=30), marked(str(temporary))
    assert eventually(lambda: not left_in(temporary), seconds=30), left_in(temporary)


def test_a_finished_run_leaves_no_temporary_file(stage: Stage, temporary: Path) -> None:
    assert stage.run().code == 0
    assert temporary_files(temporary) == []


def test_ctrl_c_in_a_terminal_reaches_only_infracheck(stage: Stage) -> None:
    """A terminal sends SIGINT to the whole foreground group: the dev server must not die of it by itself."""
    with subprocess.Popen(
        stage.command("--format", "json"),
        env=stage.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        assert eventually(stage.booted)
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert '"verdict": "interrupted"' in out or '"verdict":"interrupted"' in out


CRASHING = '''
from infracheck.model import Passed, check

@check()
def always_breaks(ctx):
    """It always breaks."""
    raise RuntimeError(ctx.env["BETTER_AUTH_SECRET"].value.reveal())
'''


def test_a_crash_is_one_valid_document_without_the_secret(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "breaking.py").write_text(CRASHING)
    info = tmp_path / "breaking-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: breaking\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[infracheck.checks]\nbreaking = breaking:always_breaks\n")
    env = stage.environment()
    env["PYTHONPATH"] += os.pathsep + str(tmp_path)
    done = stage.run("--format", "json", "--only", "env-filled,always-breaks", env=env)
    assert done.code == 3
    assert done.outcomes == {"env-filled": "passed", "always-breaks": "crashed"}
    assert "RuntimeError" in str(done.check("always-breaks"))


def test_the_document_is_what_a_pipe_gets(stage: Stage) -> None:
    run = subprocess.Popen(
        stage.command("--only", "env", "--format", "json"), env=stage.environment(), stdout=subprocess.PIPE
    )
    done = subprocess.run([sys.executable, "-m", "json.tool"], stdin=run.stdout, capture_output=True, check=False)
    assert run.wait(60) == 0
    assert done.returncode == 0
    assert run.stdout
    run.stdout.close()
