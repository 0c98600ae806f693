"""The commands below `infracheck flow`."""

import os
from pathlib import Path
from typing import Annotated

import typer

flow_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What a user does, step by step.")


@flow_app.command(name="run")
def flow_run(
    name: Annotated[str | None, typer.Argument(help="The flow's name.", show_default="all")] = None,
    folder: Annotated[Path, typer.Option("--app", help="The app's folder.")] = Path(),
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show each request and answer.")] = False,
) -> None:
    """Boot the app and run its declared flows, or one of them.

    \b
    infracheck flow run                  all that are declared
    infracheck flow run notes --verbose  one, with each request and answer (secrets masked)
    """  # noqa: D301 - click reads the backspace itself
    from infracheck.gate import Gate, Question
    from infracheck.outputs import Outputs

    def say(text: str) -> None:
        typer.echo(f"  {text}", err=True)

    wanted = Outputs.parse("terminal", (), "auto")
    question = Question(folder, only=("user-flow",), flow=name)
    gate = Gate(question, os.environ, say=say if verbose else lambda _: None)
    # Lines that come in between would break a line that is drawn again and again.
    screen = wanted.screen(gate.report, {**os.environ, "TERM": "dumb"} if verbose else os.environ)
    report = gate.run(screen)
    wanted.finish(screen, report)
    raise typer.Exit(report.exit_code)


@flow_app.command(name="init")
def flow_init(
    folder: Annotated[Path, typer.Argument(help="The app's folder.", show_default="here")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Write over a flow.toml that exists.")] = False,
) -> None:
    """Write flow.toml with a first flow, made of the app's own pages and routes, to be edited."""
    from infracheck.flowscaffold import write_flow

    typer.echo(write_flow(folder, overwrite=force))
