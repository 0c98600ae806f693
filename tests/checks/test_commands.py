"""Gates of the team's own: what a user sees of one that passes, and of each way in which one does not."""

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from infracheck.checks import command_checks
from infracheck.checks.server import server_boots, server_stops
from infracheck.clients.devfiles import Restored
from infracheck.model import Check, Failed, Outcome, Passed, Skipped
from infracheck.settings import CommandSettings, ServerSettings, Settings
from tests.clients.processes import eventually, marked
from tests.clients.small_server import environment, small_app
from tests.components import next_notes
from tests.helpers import judge, make_context, states, write

LOG = ".infracheck/evidence/command-it.log"
Asked = Callable[..., Outcome]


def named(run: str, **more: object) -> CommandSettings:
    return replace(CommandSettings("it", run), **more)  # type: ignore[arg-type]


def check_of(command: CommandSettings) -> Check:
    [one] = command_checks(Settings(command=(command,)))
    return one


@pytest.fixture
def asked(app: Path) -> Iterator[Asked]:
    """Judges a command in the folder `app`; nothing of it is left running."""

    def ask(run: str, *, process: Mapping[str, str] | None = None, **more: object) -> Outcome:
        if not any((app / name).exists() for name in ("package.json", "schema.sql")):
            write(app, schema__sql="")
        command = named(run, **more)
        env = {**environment(), **(process or {})}
        with make_context(app, process=env, settings=Settings(command=(command,))) as ctx:
            return judge(check_of(command), ctx)

    yield ask
    assert marked(str(app)) == []


def passed(outcome: Outcome) -> Passed:
    assert isinstance(outcome, Passed), outcome
    return outcome


def failed(outcome: Outcome) -> Failed:
    assert isinstance(outcome, Failed), outcome
    return outcome


def test_what_the_check_is(app: Path) -> None:
    one = check_of(named("npm  run\n build"))
    assert (one.id, one.family, one.title, one.needs) == ("command-it", "command", "`npm run build` exits 0", ())
    assert "in the app's folder" in one.why
    assert one.docs == "docs/configuration.md#command"


def test_one_that_exits_0_passes_with_its_time_and_keeps_its_output(app: Path, asked: Asked) -> None:
    outcome = passed(asked(f"{sys.executable} -c 'print(\"built\")'"))
    assert outcome.summary.startswith(f"{sys.executable} -c 'print(\"built\")' exits 0 after ")
    assert [(f.subject, f.state, f.note, f.level) for f in outcome.findings] == [
        (LOG, "LOG", "the whole output", "info")
    ]
    assert (app / LOG).read_text() == "built\n"


def test_one_that_fails_names_exit_code_file_and_line(app: Path, asked: Asked) -> None:
    write(app, lib___db__ts="")
    outcome = failed(asked("echo checking; echo 'lib/db.ts:3:1 - error TS1: no'; exit 3"))
    assert ": exit code 3 after " in outcome.summary
    assert outcome.summary.endswith("s: lib/db.ts:3 TS1: no")
    [error] = [finding for finding in outcome.findings if finding.level == "fail"]
    assert (error.subject, error.state, error.where) == ("TS1: no", "ERROR", "lib/db.ts:3")
    assert [f.note for f in outcome.findings if f.state == "LAST LINE"] == [
        "checking",
        "lib/db.ts:3:1 - error TS1: no",
    ]
    assert outcome.remedy.startswith("correct lib/db.ts:3, and run `")
    assert outcome.remedy.endswith(f"its output is in {LOG}")
    assert outcome.reproduce == "echo checking; echo 'lib/db.ts:3:1 - error TS1: no'; exit 3"


def test_one_that_fails_without_a_recognised_error_shows_its_last_lines(asked: Asked) -> None:
    outcome = failed(asked("for n in 1 2 3 4 5 6 7 8 9; do echo line $n; done; exit 1"))
    assert outcome.summary.endswith(" s: line 9")
    [row] = [finding for finding in outcome.findings if finding.level == "fail"]
    assert row.state == "EXIT 1"
    assert row.note.splitlines() == [f"line {n}" for n in range(2, 10)]
    assert failed(asked("false")).summary.endswith(": it printed nothing")
    assert "EXIT 143" in str(failed(asked("kill $$; sleep 1")))


def test_one_that_does_not_end_is_stopped_and_says_what_it_printed_last(app: Path, asked: Asked) -> None:
    script = f"import time; print('watching {app}', flush=True); time.sleep(600)"
    outcome = failed(asked(f'{sys.executable} -c "{script}"', timeout=1.5))
    assert outcome.summary.endswith(f"did not end within 1.5 s; it printed last: watching {app}")
    assert list(states(outcome.findings).values()) == ["TIMEOUT", "LOG"]
    assert "raise `timeout` of [[command]] it" in outcome.remedy


def test_nobody_answers_its_questions(asked: Asked) -> None:
    assert failed(asked("read answer && echo $answer", timeout=20)).summary.endswith("it printed nothing")


@pytest.mark.parametrize("run", ["nothing-of-that-name --now", "nothing-of-that-name | cat; exit 127"])
def test_a_program_that_is_not_there_is_named_with_the_way_out(asked: Asked, run: str) -> None:
    outcome = failed(asked(run))
    assert "not" in outcome.summary
    assert "found" in outcome.summary
    assert outcome.remedy == "install it, or correct `run` of [[command]] it"


def test_a_program_of_node_modules_is_run_by_npx(app: Path, asked: Asked) -> None:
    (app / "package.json").write_text('{"name": "x"}')
    assert "`npm install`" in failed(asked("tsc-of-nowhere --noEmit")).remedy
    (app / "node_modules" / ".bin").mkdir(parents=True)
    (app / "node_modules" / ".bin" / "tsc-of-nowhere").write_text("")
    remedy = failed(asked("tsc-of-nowhere --noEmit")).remedy
    assert remedy.startswith("write `npx tsc-of-nowhere --noEmit` in [[command]] it")


def test_what_it_leaves_running_is_ended_with_it(app: Path, asked: Asked) -> None:
    passed(asked(f"{sys.executable} -c 'import time; time.sleep(600)' {app} & echo started"))


def test_no_secret_shows(app: Path, asked: Asked) -> None:
    secret = secrets.token_hex(16)
    process = {"API_TOKEN": secret}
    outcome = failed(asked(f"echo using {secret}; echo Error: {secret} is wrong; exit 1", process=process))
    assert secret not in str(outcome.findings) + outcome.summary + outcome.remedy
    assert (app / LOG).read_text() == "using [secret]\nError: [secret] is wrong\n"


def test_a_flood_is_cut_in_the_file_and_told(app: Path, asked: Asked) -> None:
    outcome = passed(asked("yes 'a line that is repeated until the file is full of it' | head -n 400000", timeout=120))
    assert outcome.findings[-1].note == "not all of the output: it is a flood"
    assert (app / LOG).stat().st_size < 8_100_000
    assert "left out" in (app / LOG).read_text()


def test_where_nothing_can_be_written_the_command_is_judged_all_the_same(app: Path, asked: Asked) -> None:
    (app / ".infracheck").write_text("in the way")
    outcome = failed(asked("echo no; exit 1"))
    assert "its output" not in outcome.remedy
    assert list(states(outcome.findings).values()) == ["EXIT 1"]


def test_it_sees_what_a_terminal_sees(app: Path, asked: Asked) -> None:
    """A framework reads its env files itself; what reads none is given their values."""
    (app / ".env.local").write_text("NEXT_PUBLIC_HI=hello-from-the-file\n")
    values = 'os.environ.get("NEXT_PUBLIC_HI"), os.environ.get("PORT"), os.getcwd()'
    show = f"{sys.executable} -c 'import os; print({values})'"
    passed(asked(show, process={"PORT": "4444"}))
    assert (app / LOG).read_text().split() == ["hello-from-the-file", "4444", str(app)]
    (app / "package.json").write_text('{"dependencies": {"next": "16.4.5"}}')
    passed(asked(show, process={"PORT": "4444"}))
    assert (app / LOG).read_text().split() == ["None", "4444", str(app)]


def test_a_command_of_another_stage_is_skipped_and_says_so(app: Path) -> None:
    write(app, schema__sql="")
    command = named("true", stage="deploy-check")
    with make_context(app, process=environment(), settings=Settings(command=(command,))) as ctx:
        assert judge(check_of(command), ctx) == Skipped("`true` runs at --stage deploy-check only")
    with make_context(app, process=environment(), settings=Settings(command=(command,)), stage="deploy-check") as ctx:
        passed(judge(check_of(command), ctx))


REWRITING = 'printf "// build\\n// NOTE: This file should not be edited\\n" > next-env.d.ts'


def test_what_the_framework_rewrites_is_put_back(app: Path, asked: Asked) -> None:
    before = "// dev\n// NOTE: This file should not be edited\n"
    (app / "next-env.d.ts").write_text(before)
    assert states(passed(asked(REWRITING)).findings) == {"next-env.d.ts": "RESTORED", LOG: "LOG"}
    assert (app / "next-env.d.ts").read_text() == before


def test_the_dev_server_is_stopped_first_and_that_stop_is_judged(app: Path) -> None:
    small_app(app)
    dev = ServerSettings(command=f"{sys.executable} server.py", timeout=60)
    process = environment()
    probe = (
        "import os, socket, sys; s = socket.socket(); "
        f'sys.exit(s.connect_ex((\\"127.0.0.1\\", {process["PORT"]})) == 0)'
    )
    command = named(f'{sys.executable} -c "{probe}"')
    with make_context(app, process=process, settings=Settings(server=dev, command=(command,))) as ctx:
        passed(judge(server_boots, ctx))
        passed(judge(check_of(command), ctx))
        stopped = passed(judge(server_stops, ctx))
        assert stopped.summary.startswith("stopped in ")
        assert ctx.server.restored == Restored()


def test_a_server_that_had_ended_by_itself_is_still_told(app: Path) -> None:
    small_app(app, before="threading.Timer(1.5, os._exit, (7,)).start()")
    dev = ServerSettings(command=f"{sys.executable} server.py", timeout=60)
    command = named("true")
    with make_context(app, process=environment(), settings=Settings(server=dev, command=(command,))) as ctx:
        assert ctx.server.boot.ok
        eventually(lambda: ctx.server.exit_code is not None)
        passed(judge(check_of(command), ctx))
        assert failed(judge(server_stops, ctx)).summary == (
            "it ended by itself before it was stopped, with exit code 7"
        )


@pytest.mark.parametrize(
    ("files", "runs", "told"),
    [
        ({"tsconfig__json": "{}"}, (), True),
        ({"tsconfig__json": "{}"}, ("npm test",), True),
        ({"tsconfig__json": "{}"}, ("npx tsc --noEmit",), False),
        ({"tsconfig__json": "{}"}, ("npm run build",), False),
        ({}, (), False),
    ],
)
def test_that_nobody_looks_for_type_errors_is_said(
    app: Path, files: dict[str, str], runs: tuple[str, ...], told: bool
) -> None:
    write(small_app(app), **files)
    dev = ServerSettings(command=f"{sys.executable} server.py", timeout=60)
    settings = Settings(server=dev, command=tuple(CommandSettings(f"n{n}", run) for n, run in enumerate(runs)))
    with make_context(app, process=environment(), settings=settings) as ctx:
        outcome = passed(judge(server_boots, ctx))
    assert ("type errors are not looked for" in outcome.summary) == told
    rows = [finding for finding in outcome.findings if finding.subject == "build"]
    assert [(row.state, row.level) for row in rows] == ([("NOT CONFIGURED", "info")] if told else [])


# -- as a user starts it


def infracheck(app: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "infracheck.cli", "run", str(app), "--format", "json", *options]
    return subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_commands_are_checks_of_the_gate(app: Path) -> None:
    declared = """
[[command]]
name = "build"
run = "echo 'Error: no' && false"
[[command]]
name = "e2e-tests"
run = "true"
stage = "deploy-check"
[[command]]
name = "lint"
run = "true"
[[waiver]]
check = "command-build"
reason = "the build is repaired next week"
expires = 2999-01-01
"""
    write(app, infracheck__toml=declared, schema__sql="")
    with infracheck(app, "--only", "command,server-stops") as process:
        out, _ = process.communicate(timeout=60)
    outcomes = {one["id"]: one["outcome"] for one in json.loads(out)["checks"]}
    assert outcomes == {
        "command-build": "waived",
        "command-e2e-tests": "skipped",
        "command-lint": "passed",
        "server-stops": "skipped",
    }
    with infracheck(app, "--only", "command-build") as process:
        out, _ = process.communicate(timeout=60)
    assert [one["id"] for one in json.loads(out)["checks"]] == ["command-build"]
    for words in (("list", str(app)), ("explain", "command-build", "--app", str(app))):
        done = subprocess.run(
            [sys.executable, "-m", "infracheck.cli", *words], capture_output=True, text=True, check=True
        )
        assert "command-build" in done.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_an_interrupted_command_leaves_nothing(app: Path, number: signal.Signals, code: int) -> None:
    script = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)"
    before = "// dev\n// NOTE: This file should not be edited\n"
    declared = f"""
[[command]]
name = "slow"
run = '''{REWRITING}; {sys.executable} -c "{script}" {app}'''
"""
    write(app, infracheck__toml=declared, schema__sql="")
    (app / "next-env.d.ts").write_text(before)
    with infracheck(app, "--only", "command") as process:
        eventually(lambda: any("time.sleep" in line and "infracheck.cli" not in line for line in marked(str(app))))
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == code
    eventually(lambda: not [line for line in marked(str(app)) if "time.sleep" in line])
    if number != signal.SIGKILL:
        assert json.loads(out)["verdict"] == "interrupted"
        assert (app / "next-env.d.ts").read_text() == before


@pytest.mark.parametrize(
    ("declared", "line", "message"),
    [
        ('[[command]]\nname = "Build"\nrun = "x"', 2, "`Build` is no name of a command"),
        ('[[command]]\nname = "-b"\nrun = "x"', 2, "`-b` is no name of a command"),
        ('[[command]]\nname = "a"\nrun = "x"\n[[command]]\nrun = "y"\nname = "a"', 6, "two commands are named `a`"),
        ('[[command]]\nname = "a"\nrun = "  "', 3, "the command `a` is empty"),
        ('[[command]]\nname = "a"\nrun = "x"\ntimeout = 0', 4, "`timeout` of the command `a` is not between"),
        ('[[command]]\nname = "a"', 1, "run"),
        ('[[command]]\nname = "a"\nrun = "x"\nstage = "ci"', 4, "stage"),
    ],
)
def test_a_declaration_that_is_wrong_is_told_with_its_line(app: Path, declared: str, line: int, message: str) -> None:
    write(app, infracheck__toml=declared, schema__sql="")
    with infracheck(app) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert f"infracheck.toml:{line}: " in err
    assert message in err


# -- the real build


@pytest.fixture
def notes() -> Iterator[Path]:
    with next_notes.working_copy() as folder:
        values = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "BETTER_AUTH_SECRET": secrets.token_hex(24)}
        origin = "http://localhost:3000"
        next_notes.write_env(folder, {**values, "BETTER_AUTH_URL": origin, "NEON_AUTH_BASE_URL": f"{origin}/api/auth"})
        yield folder


def test_a_type_error_that_the_dev_server_passes_over_is_found_by_the_real_build(notes: Path) -> None:
    (notes / "app" / "planted.ts").write_text('export const fine = 1;\nexport const count: number = "three";\n')
    command = CommandSettings("build", "npm run build", timeout=300)
    with make_context(notes, process=environment(), settings=Settings(command=(command,))) as ctx:
        booted = passed(judge(server_boots, ctx))
        outcome = failed(judge(check_of(command), ctx))
        passed(judge(server_stops, ctx))
    assert "type errors" not in booted.summary
    assert "app/planted.ts:2" in outcome.summary
    assert "is not assignable to type 'number'" in outcome.summary
    assert {finding.where for finding in outcome.findings if finding.level == "fail"} == {"app/planted.ts:2"}
    assert "correct app/planted.ts:2" in outcome.remedy
    changed = subprocess.run(["git", "status", "--short"], cwd=notes, capture_output=True, text=True, check=True)
    assert changed.stdout == "?? app/planted.ts\n"
