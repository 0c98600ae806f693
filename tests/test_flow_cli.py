"""`infracheck flow init` and `infracheck flow run`, as a user types them."""

import subprocess
import sys
from pathlib import Path

import pytest

from infracheck.config import load
from infracheck.errors import UsageError
from infracheck.flowscaffold import write_flow
from infracheck.project.pages import routes
from tests.components.next_notes import SOURCE
from tests.helpers import write
from tests.stage import Stage

HANDLER = "export async function GET() {}\nexport const POST = async () => {}\n"


def test_init_writes_a_flow_that_can_be_run(app: Path) -> None:
    write(app, package__json='{"scripts": {"dev": "next dev"}, "dependencies": {"next": "16"}}')
    write(app, app___page__tsx="export default 1", app___login___page__tsx="export default 1")
    write(app, app___api___cron___report___route__ts=HANDLER, app___api___auth___all___route__ts=HANDLER)
    write(app, app___api___notes___route__ts=HANDLER + "currentUser()", schema__sql="create table notes (id int)")
    (app / "app/api/notes/[id]").mkdir()
    (app / "app/api/notes/[id]/route.ts").write_text(HANDLER + "currentUser()")
    told = write_flow(app, overwrite=False)
    assert "5 steps that run" not in told
    assert "4 steps that run" in told
    [flow] = load(app).settings.flow
    assert [step.request for step in flow.step] == ["GET /", "GET /login", "GET /api/notes", "GET /api/cron/report"]
    text = (app / "flow.toml").read_text()
    assert '# request = "GET /api/notes/{note_id}"' in text
    assert "delete from notes where" in text
    # The guesses are well formed too, once somebody takes the comment marks away.
    head, _, guesses = text.partition("# [[flow.step]]")
    whole = head + "[[flow.step]]" + guesses.replace("\n# ", "\n").replace(" where ...", "")
    (app / "flow.toml").write_text(whole)
    assert len(load(app).settings.flow[0].step) == 8
    with pytest.raises(UsageError):
        write_flow(app, overwrite=False)


def test_a_flow_alone_is_run_and_each_request_is_shown(stage: Stage) -> None:
    (stage.folder / "flow.toml").write_text(
        '[[flow]]\nname = "notes"\n[[flow.step]]\nname = "write"\nas = "user"\nrequest = "POST /api/notes"\n'
        'json = { body = "hello" }\nexpect = { status = 201 }\n'
        '[[flow]]\nname = "other"\n[[flow.step]]\nname = "no"\nrequest = "GET /nothing"\n'
    )
    command = [sys.executable, "-m", "infracheck.cli", "flow", "run"]
    env = stage.environment()

    def run(*options: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command, *options], cwd=stage.folder, env=env, capture_output=True, text=True, timeout=120, check=False
        )

    done = run("notes", "--verbose")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "notes: 1 step as expected" in " ".join(done.stdout.split())
    assert 'POST /api/notes as user: 201 {"note":' in done.stderr
    stage.assert_no_secret(done.stdout + done.stderr)
    wrong = run("note")
    assert (wrong.returncode, wrong.stderr) == (2, "infracheck: there is no flow `note`\n  → did you mean `notes`?\n")
    red = run("other")
    assert red.returncode == 1
    assert "status: expected below 400, found 404" in " ".join(red.stdout.split())


def test_routes_that_read_a_session_are_told_apart() -> None:
    assert [route.path for route in routes(SOURCE) if route.reads_session] == ["/api/notes", "/api/notes/[id]"]
