"""The command line: parse, build, call, render, exit. No logic."""

import gc
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal, NoReturn

import typer

from infracheck import __version__
from infracheck.cli_env import env_app
from infracheck.cli_flow import flow_app
from infracheck.cli_provision import deprovision, local, provision
from infracheck.errors import ExitCode, Interrupted, Terminated, UsageError

EPILOG = """Exit codes: 0 the gate is open; 1 a check failed; 2 usage, settings or folder wrong, nothing ran;
3 undecided; 5 nothing was checked; 130/143 interrupted, after cleaning up."""

RETRY = 0.005  # seconds until a signal is looked at again
CLEAN_UP = 30  # seconds that everything may take to close after a signal; it takes one or two

app = typer.Typer(
    name="infracheck",
    help="The deploy gate for web apps: asks reality whether the infrastructure is really there.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich would cost more than the rest of the start
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Format = Literal["terminal", "markdown", "json"]
Folder = Annotated[Path, typer.Argument(help="The app's folder, for instance apps/web.", show_default="here")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"infracheck {__version__}")
        raise typer.Exit


app.add_typer(env_app, name="env")
app.add_typer(flow_app, name="flow")
for command in (provision, deprovision, local):
    app.command()(command)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """The deploy gate for web apps: asks reality whether the infrastructure is really there."""


@app.command(epilog=EPILOG)
def run(  # noqa: PLR0917 - one parameter an option
    folder: Folder = Path(),
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Judge these checks or families (commas, or repeated), and all they need."),
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Leave this check or family out; asks for --because.")
    ] = None,
    because: Annotated[
        str | None, typer.Option(metavar="REASON", help="Why something is left out; it stands in the report.")
    ] = None,
    stage: Annotated[
        Literal["execute-plan", "deploy-check"],
        typer.Option(help="The moment: before a plan is closed, or in CI before a deploy."),
    ] = "execute-plan",
    shown: Annotated[Format, typer.Option("--format", "-f", help="What standard output shows.")] = "terminal",
    output: Annotated[
        list[str] | None,
        typer.Option("--output", "-o", metavar="FORMAT=PATH", help="Also write a report to a file (repeatable)."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail on warnings and on skipped items of the workflow, too.")
    ] = False,
    base: Annotated[
        str | None, typer.Option(metavar="REV", help="Compare this branch's waivers with this revision.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="URL", help="Judge this deployment instead of booting the dev server.")
    ] = None,
    color: Annotated[Literal["auto", "always", "never"], typer.Option(help="Colour on the terminal.")] = "auto",
) -> None:
    """Ask reality whether everything is there; print one pass/fail report.

    \b
    infracheck run                       judge the app in this folder
    infracheck run apps/web              ... or in that one
    infracheck run --only env,database   some of it, and what it needs
    infracheck run -f markdown -o json=report.json
    infracheck run --against https://preview-123.example.app
    """  # noqa: D301 - click reads the backspace itself
    from infracheck.gate import Gate, Question
    from infracheck.outputs import Outputs

    skipped = dict.fromkeys(skip or (), because or "")
    if skipped and not (because or "").strip():
        raise UsageError("--skip needs a reason", hint='for instance: --skip sentry --because "no Sentry until launch"')
    wanted = Outputs.parse(shown, output or (), color)
    gate = Gate(Question(folder, only or (), skipped, stage, strict, base, against=against), os.environ)
    screen = wanted.screen(gate.report, os.environ)
    report = gate.run(screen)
    wanted.finish(screen, report, gate.project.root)
    raise typer.Exit(report.exit_code)


@app.command(name="list")
def list_checks(folder: Folder = Path()) -> None:
    """Show every check: its id, what it needs, and whether it applies to the app here."""
    from infracheck.describe import table

    typer.echo(table(folder, os.environ, width=_width()))


@app.command()
def explain(
    check: Annotated[str, typer.Argument(help="The id of a check; `infracheck list` shows all.")],
    folder: Annotated[Path, typer.Option("--app", help="The app's folder.")] = Path(),
) -> None:
    """Say what a check asks, why, what it needs, and whether it applies here."""
    from infracheck.describe import page

    typer.echo(page(check, folder, os.environ, width=_width()))


@app.command()
def waivers(folder: Folder = Path()) -> None:
    """Show all that is excused: waivers and exemptions, with their line, age and expiry, and what does not count."""
    from infracheck.describe import excuses

    typer.echo(excuses(folder, os.environ, width=_width()))


@app.command()
def schema(
    folder: Folder = Path(),
    shown: Annotated[
        Literal["terminal", "json"], typer.Option("--format", "-f", help="How it is printed.")
    ] = "terminal",
) -> None:
    """Show what schema.sql or the migrations leave behind: what the gate will ask the database for. Needs no database.

    \b
    infracheck schema                tables with columns, types, file and line
    infracheck schema -f json        the same for programs
    """  # noqa: D301 - click reads the backspace itself
    from infracheck.schematool import shown as text

    typer.echo(text(folder, as_json=shown == "json"))


@app.command()
def init(
    folder: Folder = Path(),
    force: Annotated[bool, typer.Option("--force", help="Write over files that exist.")] = False,
    ci: Annotated[Literal["github"] | None, typer.Option(help="Write the deploy-check job of this CI.")] = None,
    disposable: Annotated[
        bool | None,
        typer.Option(
            "--disposable/--no-disposable",
            help="Whether the gate may write to a database of elsewhere.",
            show_default="asks",
        ),
    ] = None,
) -> None:
    """Detect the app and write infracheck.toml; with --ci github the deploy-check workflow."""
    from infracheck.scaffold import write_config, write_workflow

    ask = typer.confirm if sys.stdin.isatty() and sys.stdout.isatty() else None
    if ci:
        typer.echo(write_workflow(folder, overwrite=force))
    else:
        typer.echo(write_config(folder, overwrite=force, disposable=disposable, ask=ask))


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the sample app's folder behind, and say where.")] = False,
) -> None:
    """Show the gate at work: a small app with three gaps, red, then closed one by one, and green."""
    from infracheck.demo import play

    raise typer.Exit(play(keep=keep))


def _width() -> int:
    import shutil

    return max(60, min(120, shutil.get_terminal_size((100, 24)).columns))


_asked: list[type[Interrupted]] = []  # what signals asked for, the first one first


def _interrupted(number: int, frame: FrameType | None) -> None:
    if frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        # Raised there it would leave the import lock taken, and every other thread waiting for it: a moment later.
        signal.signal(signal.SIGALRM, lambda _, now: _interrupted(number, now))
        signal.setitimer(signal.ITIMER_REAL, RETRY)
        return
    # Should cleaning up ever hang: the supervisors end what runs as soon as this process is gone.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(CLEAN_UP)
    _asked.append(Interrupted if number == signal.SIGINT else Terminated)
    raise _asked[-1]


def main() -> NoReturn:
    """Run the command line; every way out of the process is here."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    # A schema is hundreds of thousands of objects that all stay: looking through them again and again costs a third.
    gc.set_threshold(100_000, 20, 100)
    try:
        app()
    except UsageError as error:
        typer.echo(f"infracheck: {error}", err=True)
        if error.hint:
            typer.echo(f"  → {error.hint}", err=True)
        sys.exit(ExitCode.USAGE)
    except Interrupted as reason:
        sys.exit(reason.code)
    except Exception:
        if _asked:  # a library made an exception of its own of it
            sys.exit(_asked[0].code)
        raise
    sys.exit(ExitCode.PASS)


if __name__ == "__main__":
    main()
