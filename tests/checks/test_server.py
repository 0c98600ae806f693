"""The dev server: what a user sees of one that is well, and of each way in which one is not."""

import json
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from infracheck.checks.schema import schema_tables
from infracheck.checks.server import server_boots, server_stops
from infracheck.clients import ports
from infracheck.context import Context
from infracheck.model import Failed, Finding, HeadStart, Outcome, Passed, Skipped
from infracheck.settings import ServerSettings
from tests.clients.processes import eventually, marked
from tests.clients.small_server import context, small_app
from tests.components.ports import free_port
from tests.helpers import judge, results, states

NPM = ServerSettings(timeout=60)


def patient(seconds: float, **more: object) -> ServerSettings:
    return ServerSettings(command=f"{sys.executable} server.py", timeout=seconds, **more)  # type: ignore[arg-type]


@pytest.fixture
def opened() -> Iterator[list[Context]]:
    """The contexts of a test; whatever they started is ended, and was ended without leaving anything."""
    contexts: list[Context] = []
    yield contexts
    for ctx in contexts:
        ctx.close()
        assert marked(str(ctx.project.root)) == []


@pytest.fixture
def booted(app: Path, opened: list[Context]) -> "Boots":
    return Boots(app, opened)


class Boots:
    """Judges `server-boots` of a small app, and keeps its Context."""

    def __init__(self, folder: Path, opened: list[Context]) -> None:
        self.folder, self.opened = folder, opened

    def __call__(
        self,
        answer: str | None = None,
        before: str = "",
        *,
        settings: ServerSettings | None = None,
        port: int | None = None,
        **env: str,
    ) -> Outcome:
        small_app(self.folder, before=before, **({"answer": answer} if answer else {}))
        self.opened.append(context(self.folder, settings=settings, port=port, **env))
        return judge(server_boots, self.opened[-1])

    def stops(self) -> Outcome:
        return judge(server_stops, self.opened[-1])

    @property
    def port(self) -> int:
        return self.opened[-1].server.port


def failed(outcome: Outcome) -> Failed:
    assert isinstance(outcome, Failed), outcome
    return outcome


def passed(outcome: Outcome) -> Passed:
    assert isinstance(outcome, Passed), outcome
    return outcome


def findings(outcome: Outcome) -> tuple[Finding, ...]:
    """Return what was found; that the whole log is in a file stands behind each boot, and has a test of its own."""
    assert isinstance(outcome, Failed | Passed), outcome
    return tuple(finding for finding in outcome.findings if finding.state != "FILE")


def seen(outcome: Outcome) -> dict[str, str]:
    return states(findings(outcome))


@pytest.mark.green("server-boots")
@pytest.mark.green("server-stops")
def test_a_server_that_is_well_boots_and_stops(booted: Boots) -> None:
    outcome = passed(booted(settings=NPM))
    assert outcome.summary.startswith(f"answers 200 on http://localhost:{booted.port}/ ")
    assert outcome.summary.endswith(" s after npm run dev")
    assert seen(outcome) == {"GET /": "200"}
    stopped = passed(booted.stops())
    assert stopped.summary.endswith(f"port {booted.port} is free, no process is left")
    assert stopped.findings == ()
    assert ports.is_free(booted.port)


@pytest.mark.red("server-boots")
def test_one_that_ends_at_once_is_red_with_its_last_words(booted: Boots) -> None:
    outcome = failed(booted(before='say("loading"); sys.exit("Error: DATABASE_URL is not set")'))
    assert "ended with exit code 1 after" in outcome.summary
    assert outcome.summary.endswith(": DATABASE_URL is not set")
    assert seen(outcome) == {"DATABASE_URL is not set": "ERROR"}
    assert outcome.reproduce == f"{sys.executable} server.py"


def test_one_that_ends_without_an_error_shows_its_last_lines(booted: Boots) -> None:
    outcome = failed(booted(before='say("nothing to do"); sys.exit(0)'))
    assert "exit code 0" in outcome.summary
    assert outcome.summary.endswith(": nothing to do")
    assert [(f.state, f.note, f.level) for f in findings(outcome)] == [("LAST LINE", "nothing to do", "info")]


def test_a_crash_of_node_names_file_and_line(app: Path, opened: list[Context]) -> None:
    (app / "server.mjs").write_text('\nconsole.log("starting");\nthrow new TypeError("no such flag");\n')
    (app / "package.json").write_text(json.dumps({"scripts": {"dev": "node server.mjs"}}))
    opened.append(context(app, settings=NPM))
    outcome = failed(judge(server_boots, opened[0]))
    assert outcome.summary.endswith("server.mjs:3:7 TypeError: no such flag")
    [error] = [finding for finding in findings(outcome) if finding.level == "fail"]
    assert (error.subject, error.where) == ("TypeError: no such flag", "server.mjs:3")
    assert "server.mjs:3" in outcome.remedy


def test_a_taken_port_is_red_and_says_by_whom(booted: Boots) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        outcome = failed(booted(port=port))
        me = psutil.Process()
        assert outcome.summary.startswith(f"port {port} is taken by ")
        assert f"(pid {me.pid}, in {me.cwd()})" in outcome.summary
        assert f"kill {me.pid}" in outcome.remedy
        assert seen(outcome) == {f"port {port}": "TAKEN"}
        stops = booted.stops()
        assert isinstance(stops, Skipped)
        assert "could not be started: port" in stops.reason
        assert ports.is_listening(port) == "127.0.0.1", "a stranger's server is left alone"


def test_a_port_taken_while_it_starts_is_red_and_says_by_whom(booted: Boots) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        other = holder.getsockname()[1]
        said = f'say("Error: listen EADDRINUSE: address already in use :::{other}"); time.sleep(60)'
        outcome = failed(booted(before=said))
    assert f" cannot serve: port {other} is taken by " in outcome.summary
    assert f"pid {os.getpid()}" in outcome.summary
    assert eventually(lambda: booted.opened[-1].server.exit_code), "it is not waited for any longer"


def test_one_that_never_listens_is_bounded_and_says_so(booted: Boots) -> None:
    outcome = failed(booted(before='say("thinking"); time.sleep(60)', settings=patient(1.2)))
    assert outcome.summary == f"nothing listens on port {booted.port} after 1.2 s"
    assert seen(outcome) == {f"port {booted.port}": "TIMEOUT", "log": "LAST LINE"}
    assert "[server] timeout" in outcome.remedy
    assert passed(booted.stops()).summary.startswith("stopped in ")


def test_one_that_listens_elsewhere_is_told_where(booted: Boots) -> None:
    elsewhere = free_port()
    outcome = failed(booted(before=f'os.environ["PORT"] = "{elsewhere}"', settings=patient(2.5)))
    assert outcome.summary.endswith(f"; it listens on {elsewhere} instead")
    assert outcome.remedy.startswith("set [server] port")


def test_one_that_never_answers_is_bounded_and_says_so(booted: Boots) -> None:
    outcome = failed(booted('say("○ Compiling / ..."); time.sleep(60)', settings=patient(2)))
    assert outcome.summary == f"http://localhost:{booted.port}/ does not answer after 2 s (compiling /)"


def test_one_that_is_not_ready_yet_is_waited_for(booted: Boots) -> None:
    answer = "self.send(503 if time.monotonic() - begun < 0.8 else 200)"
    assert seen(passed(booted(answer, before="begun = time.monotonic()"))) == {"GET /": "200"}
    outcome = failed(booted("self.send(503)", settings=patient(1.5)))
    assert "/ still answers 503 after 1.5 s" in outcome.summary


def test_a_500_is_red_at_once_with_the_cause_from_the_log(booted: Boots) -> None:
    outcome = failed(booted('say("⨯ Error: boom-route\\n    at GET (server.py:3:9)"); self.send(500)'))
    assert outcome.summary == "`/` answers 500: server.py:3:9 boom-route"
    [row] = findings(outcome)
    assert (row.subject, row.state, row.where, row.note) == ("GET /", "500", "server.py:3", "boom-route")


def test_a_500_without_a_word_in_the_log_shows_what_the_page_says(booted: Boots) -> None:
    outcome = failed(booted('self.send(500, b"no connection to redis", **{"Content-Type": "text/plain"})'))
    assert outcome.summary == "`/` answers 500: no connection to redis"


@pytest.mark.parametrize(("status", "advice"), [(404, "a page that exists"), (401, "needs no login")])
def test_a_page_that_cannot_be_judged_asks_for_another_one(booted: Boots, status: int, advice: str) -> None:
    outcome = failed(booted(f'self.send({status} if self.path == "/" else 200)'))
    assert outcome.summary.startswith(f"`/` answers {status}")
    assert advice in outcome.remedy
    assert seen(outcome)["GET /"] == str(status)
    booted.opened.append(other := context(booted.folder, settings=patient(60, ready="healthz")))
    assert "/healthz " in passed(judge(server_boots, other)).summary


def test_an_error_in_the_log_is_red_although_the_page_is_well(booted: Boots) -> None:
    late = 'self.send(200, b"fine"); time.sleep(0.05); say("⨯ unhandledRejection: Error: late rejection")'
    outcome = failed(booted(late))
    assert outcome.summary == "`/` answers 200, but an error was logged: unhandledRejection: Error: late rejection"
    assert seen(outcome) == {"unhandledRejection: Error: late rejection": "ERROR"}


def test_warnings_and_noise_do_not_close_the_gate(booted: Boots) -> None:
    lines = "⚠ Invalid next.config.mjs options detected:\\n⚠     Unrecognized key(s) in object: 'foo'"
    noise = "npm warn Unknown user config\\n(node:1) [DEP0040] DeprecationWarning: Error: old"
    outcome = passed(booted(before=f'say("""{lines}\\n{noise}""")'))
    assert seen(outcome) == {"Invalid next.config.mjs options detected": "WARNING", "GET /": "200"}
    assert {finding.level for finding in findings(outcome)} == {"warn", "info"}


def test_what_a_log_shows_of_a_secret_is_masked(booted: Boots) -> None:
    secret = secrets.token_hex(12)
    outcome = failed(booted(before='sys.exit("Error: cannot use " + os.environ["API_TOKEN"])', API_TOKEN=secret))
    assert secret not in repr(outcome)
    assert "cannot use [secret]" in outcome.summary


def test_its_whole_output_stands_in_a_file_that_the_report_names(booted: Boots) -> None:
    secret = secrets.token_hex(12)
    said = """
        say("\\x1b[31mred\\x1b[0m \\x07bell")
        say("key " + os.environ["API_TOKEN"])
        for number in range(3000): say(f"line {number}")
        """
    outcome = passed(booted('say("asked"); self.send(200)', before=said, API_TOKEN=secret))
    [row] = [finding for finding in outcome.findings if finding.state == "FILE"]
    assert (row.subject, row.where, row.level) == ("log", ".infracheck/evidence/server.log", "info")
    passed(booted.stops())
    lines = (booted.folder / str(row.where)).read_text().splitlines()
    assert lines == ["red bell", "key [secret]", *(f"line {number}" for number in range(3000)), "asked"]
    assert (booted.folder / ".infracheck" / ".gitignore").read_text().endswith("\n*\n"), "git does not see it"


def test_a_boot_that_fails_names_its_log_too_and_one_that_printed_nothing_has_none(booted: Boots) -> None:
    outcome = failed(booted(before='sys.exit("Error: no")'))
    assert [finding.where for finding in outcome.findings if finding.state == "FILE"] == [
        ".infracheck/evidence/server.log"
    ]
    assert (booted.folder / ".infracheck" / "evidence" / "server.log").read_text() == "Error: no\n"
    silent = passed(booted())
    assert [finding for finding in silent.findings if finding.state == "FILE"] == []


def test_one_that_ends_after_it_answered_is_red(booted: Boots) -> None:
    """The boot was good, and the process is gone when the verdict is asked for."""
    small_app(booted.folder)
    booted.opened.append(ctx := context(booted.folder))
    assert ctx.server.boot.ok
    for process in psutil.Process().children(recursive=True):
        if "server.py" in process.cmdline():
            process.kill()
    eventually(lambda: ctx.server.exit_code is not None)
    outcome = failed(judge(server_boots, ctx))
    assert outcome.summary == "it answered, and then ended, with exit code 137"
    outcome = failed(booted.stops())
    assert outcome.summary == "it ended by itself before it was stopped, with exit code 137"
    assert outcome.findings[0].state == "EXIT 137"


def test_one_that_ignores_the_request_to_end_is_killed_and_that_is_said(booted: Boots) -> None:
    passed(booted(before="signal.signal(signal.SIGTERM, signal.SIG_IGN)"))
    outcome = passed(booted.stops())
    [killed] = outcome.findings
    assert (killed.state, killed.level) == ("KILLED", "warn")
    assert "pid" in killed.subject
    assert ports.is_free(booted.port)


@pytest.mark.red("server-stops")
def test_a_port_that_is_not_free_afterwards_is_red_and_says_by_whom(booted: Boots) -> None:
    passed(booted())
    with closing(socket.create_server(("::1", booted.port), family=socket.AF_INET6)):
        outcome = failed(booted.stops())
    assert outcome.summary == f"something is left of the dev server: port {booted.port} TAKEN"
    assert f"pid {os.getpid()}" in outcome.findings[0].note
    assert outcome.findings[0].subject == f"port {booted.port}"


def test_files_that_the_framework_rewrote_are_as_before(booted: Boots) -> None:
    ours = '{ "strict": true }\n'
    note = "// NOTE: This file should not be edited\n"
    (booted.folder / "tsconfig.json").write_text(ours)
    (booted.folder / "next-env.d.ts").write_text(f"build\n{note}")
    (booted.folder / "package.json").write_text("{}")
    rewriting = f"""
        open("tsconfig.json", "w").write("rewritten")
        open("next-env.d.ts", "w").write("dev\\n" + {note!r})
        open("AGENTS.md", "w").write("read the docs")
        say("We detected TypeScript in your project and reconfigured your tsconfig.json file for you.")
        say("✓ Generated AGENTS.md for AI agents.")
        """
    passed(booted(before=rewriting))
    assert (booted.folder / "tsconfig.json").read_text() == "rewritten"
    edited = json.dumps({"edited": "by somebody while the gate ran"})
    (booted.folder / "package.json").write_text(edited)
    outcome = passed(booted.stops())
    assert seen(outcome) == dict.fromkeys(("tsconfig.json", "AGENTS.md", "next-env.d.ts"), "RESTORED")
    assert (booted.folder / "tsconfig.json").read_text() == ours
    assert (booted.folder / "next-env.d.ts").read_text() == f"build\n{note}"
    assert not (booted.folder / "AGENTS.md").exists()
    assert (booted.folder / "package.json").read_text() == edited, "an edit of somebody else stays"
    assert not list(booted.folder.glob(".*.part"))


def test_the_boot_begins_early_but_not_before_the_schema_was_read(
    app: Path, opened: list[Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = context(small_app(app), port=free_port(), settings=ServerSettings(command=f"{sys.executable} server.py"))
    opened.append(ctx)
    read = threading.Event()
    monkeypatch.setattr(schema_tables, "starts", HeadStart(lambda _: read.wait(30), ()))
    ctx.begin(schema_tables)
    ctx.begin(server_boots)
    time.sleep(0.5)  # long enough for a boot that does not wait to have begun
    assert ctx.opened("server") is None
    read.set()
    passed(judge(server_boots, ctx))


def test_without_a_dev_script_both_are_skipped(app: Path, opened: list[Context]) -> None:
    (app / "package.json").write_text('{"scripts": {"build": "true"}}')
    opened.append(context(app, settings=NPM))
    for result in results((server_boots, server_stops), opened[0]).values():
        assert result.outcome == Skipped("package.json has no dev script, and [server] command is not set")


def test_nothing_started_is_nothing_to_stop(app: Path, opened: list[Context]) -> None:
    opened.append(context(small_app(app)))
    assert judge(server_stops, opened[0]) == Skipped("the gate started no dev server")


@pytest.mark.parametrize(
    ("dependencies", "present", "subject"),
    [
        ({"next": "16.4.5"}, [], "node_modules/next"),
        ({"express": "5"}, [], "node_modules"),
        ({"next": "16.4.5"}, ["next", "typescript", "@types/react"], "node_modules/@types/node"),
    ],
)
def test_missing_packages_are_red_before_anything_starts(
    app: Path, opened: list[Context], dependencies: dict[str, str], present: list[str], subject: str
) -> None:
    (app / "package.json").write_text(json.dumps({"scripts": {"dev": "next dev"}, "dependencies": dependencies}))
    (app / "package-lock.json").write_text("{}")
    (app / "tsconfig.json").write_text("{}")
    for name in present:
        (app / "node_modules" / name).mkdir(parents=True)
    opened.append(context(app, settings=NPM))
    outcome = failed(judge(server_boots, opened[0]))
    assert seen(outcome) == {subject: "MISSING"}
    assert (
        "npm ci" if subject != "node_modules/@types/node" else "npm install --save-dev @types/node"
    ) in outcome.remedy
    assert not opened[0].server.started


def test_a_program_that_is_not_installed_is_red(app: Path, opened: list[Context]) -> None:
    small_app(app)
    opened.append(context(app, settings=ServerSettings(command="no-such-server --port 4000")))
    outcome = failed(judge(server_boots, opened[0]))
    assert outcome.summary == "`no-such-server` is not on PATH"
    (app / "package.json").write_text(json.dumps({"scripts": {"dev": "no-such-server"}}))
    opened.append(context(app, settings=NPM))
    outcome = failed(judge(server_boots, opened[1]))
    assert outcome.summary.endswith(": `no-such-server` is not installed")
