"""`infracheck demo`: the gate at work on a small sample app; red with three gaps, green once they are closed."""

import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from infracheck.clients.embedded_postgres import EmbeddedPostgres, find_binaries
from infracheck.clients.tempfolder import TemporaryFolder
from infracheck.demo.sample import Sample, apply, local_values
from infracheck.errors import ClientError, ExitCode, Interrupted, Terminated, UsageError
from infracheck.gate import Gate, Question
from infracheck.model import Blocked, Report
from infracheck.outputs import Outputs
from infracheck.report.ink import Ink
from infracheck.report.terminal import use_color

GAPS: Final = {"env-filled": "NOTES_SECRET", "schema-tables": "reminders", "auth-responds": ""}
"""What is red at first: the check, and a word of the evidence it must show."""
PASSING: Final = {"passed", "skipped"}
LEFT_OUT: Final = {
    "auth-otp-login": "the sample's auth service keeps its codes in memory, where no check can read them",
    "user-flow": "nobody can sign in to the sample for the same reason",
}

# libpq reads PG*, HTTP libraries read *_PROXY, and a DATABASE_URL of the user's own would win over the sample's.
HARMLESS: Final = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|CI|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH"
    r"|TERM|COLORTERM|NO_COLOR|FORCE_COLOR|CLICOLOR_FORCE|COLUMNS|LINES"
)
INTRO: Final = """
A small app is written into a temporary folder, with its own PostgreSQL, auth service and Sentry endpoint on this
machine. The gate judges it twice: with three gaps that are typical of new projects, and with the gaps closed.

"""
OUTRO: Final = """
In an app of your own:
  infracheck run                in its folder: asks the same of your database, auth service, Sentry and dev server
  infracheck init               writes infracheck.toml with what it detects there, to be corrected where it is wrong
  infracheck init --ci github   writes the job `deploy-check`, which asks the same before every deploy
"""
KEPT: Final = """
Kept: {folder}
Its services are stopped and its database is gone, as the gate will say. To go on there:
  1. cd {folder}
  2. write the URL of a PostgreSQL database of yours into .env.local, and apply schema.sql to it with psql
  3. python3 auth_service.py & python3 ingest.py &
  4. infracheck run --skip auth-otp-login,user-flow --because "the sample keeps its codes in memory"
"""


def _folder() -> TemporaryFolder:
    try:
        return TemporaryFolder("infracheck-demo-")
    except ClientError as error:
        raise UsageError(error.summary, hint=error.remedy) from None


def play(*, keep: bool) -> int:
    """Show it all and return the exit code: PASS when the first run was red for the three reasons and the second green.

    Args:
        keep: leave the sample app's folder behind when the demo comes to its end.

    Raises:
        UsageError: there is no PostgreSQL to start, or no temporary folder.
        Interrupted: after everything is stopped and removed.
    """
    if find_binaries() is None:
        raise UsageError("the demo starts a PostgreSQL, and found none", hint="pip install 'infracheck-gate[demo]'")
    with _own_variables():
        teller = Teller()
        teller.say(INTRO)
        with _folder() as temporary:
            try:
                problem = _story(temporary.path, teller)
            except ClientError as error:
                problem = f"{error.summary}\n{error.remedy}"
            if keep:
                shutil.rmtree(temporary.path / "postgres", ignore_errors=True)
                temporary.keep()
        if problem:
            teller.say(f"\nThe demo did not go as it should: {problem}")
        if keep:
            teller.say(KEPT.format(folder=temporary.path / "notes"))
        if not problem:
            teller.say(OUTRO)
    return ExitCode.FAIL if problem else ExitCode.PASS


def _story(folder: Path, teller: "Teller") -> str | None:
    """Return what was not as expected; everything started is stopped."""
    with ExitStack() as running:
        sample = Sample(folder / "notes", os.environ)
        teller.did(f"sample app written to {sample.folder}")
        postgres = running.enter_context(EmbeddedPostgres(folder / "postgres", password=secrets.token_hex(16)))
        sample.fill(local_values(postgres.create_database("notes")))
        apply(sample.schema(latest=False), sample.value("DATABASE_URL"))
        teller.did(f"PostgreSQL {postgres.version} started; the database holds three of the four tables of schema.sql")
        running.enter_context(sample.start("ingest.py", "NEXT_PUBLIC_SENTRY_DSN"))
        teller.did("Sentry endpoint started")

        if problem := _unexpected(_judge(sample, teller), GAPS):
            return problem

        teller.say("\nThree gaps, closed one by one:\n")
        place = sample.fill({"NOTES_SECRET": secrets.token_hex(32)})
        teller.did(f"a new NOTES_SECRET written to {place}")
        apply(sample.schema(latest=True), sample.value("DATABASE_URL"))
        teller.did("schema.sql applied to the database, as `psql -f schema.sql` does")
        running.enter_context(sample.start("auth_service.py", "NEON_AUTH_BASE_URL"))
        teller.did(f"auth service started on {sample.value('NEON_AUTH_BASE_URL')}")

        return _unexpected(_judge(sample, teller), {})


def _judge(sample: Sample, teller: "Teller") -> Report:
    """Run the gate as `infracheck run` does, without what the sample cannot show."""
    teller.command(f"infracheck run --skip {','.join(LEFT_OUT)} --because ...")
    outputs = Outputs.parse("terminal", (), "auto")
    gate = Gate(Question(sample.folder, skip=LEFT_OUT), os.environ)
    screen = outputs.screen(gate.report, os.environ)
    report = gate.run(screen)
    outputs.finish(screen, report)
    if report.interrupted:
        raise Terminated if report.interrupted is ExitCode.TERMINATED else Interrupted
    return report


def _unexpected(report: Report, gaps: dict[str, str]) -> str | None:
    """Return how the report differs from one in which exactly these gaps are red, None when it does not."""
    states = {
        result.check.id: result.state
        for result in report.results
        if result.state not in PASSING and not (isinstance(result.outcome, Blocked) and result.outcome.by in gaps)
    }
    if states != dict.fromkeys(gaps, "failed"):
        return f"not passed: {_listed(states)}; expected: {_listed(dict.fromkeys(gaps, 'failed'))}"
    for result in report.results:
        word = gaps.get(result.check.id, "")
        if word and not any(word in finding.subject for finding in result.findings if finding.level == "fail"):
            return f"{result.check.id} does not name {word}"
    if not gaps and report.exit_code is not ExitCode.PASS:
        return f"the verdict is {report.verdict}"
    return None


def _listed(states: dict[str, str]) -> str:
    return ", ".join(f"{name} ({state})" for name, state in states.items()) or "nothing"


@contextmanager
def _own_variables() -> Iterator[None]:
    """Take away every variable of the user's shell that could reach the sample app, its services or a library.

    `python3`, with which the sample's dev server is started, becomes the Python that runs infracheck.
    """
    before = dict(os.environ)
    for name in before:
        if not HARMLESS.fullmatch(name):
            del os.environ[name]
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before.get("PATH", os.defpath)])
    try:
        yield
    finally:
        os.environ.update(before)


class Teller:
    """Says on standard output what is happening."""

    def __init__(self) -> None:
        self._ink = Ink(color=use_color(sys.stdout, "auto", os.environ), encoding=sys.stdout.encoding)

    def say(self, text: str) -> None:
        for line in text.splitlines():
            sys.stdout.write(f"{self._ink.prose(self._ink.say(line))}\n")
        sys.stdout.flush()

    def did(self, text: str) -> None:
        self.say(f"+ {text}")

    def command(self, text: str) -> None:
        sys.stdout.write(f"\n{self._ink.paint('$ ' + text, 'loud')}\n\n")
        sys.stdout.flush()
