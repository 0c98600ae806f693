"""The commands below `infracheck env`."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

env_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="How the app gets its variables.")
At = Annotated[Path, typer.Option("--app", help="The app's folder.")]
AtStage = Annotated[Literal["execute-plan", "deploy-check"], typer.Option("--stage", help="Which env files count.")]


@env_app.command(name="explain")
def env_explain(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The variable's name.")],
    folder: At = Path(),
    stage: AtStage = "execute-plan",
) -> None:
    """Show every place that sets a variable, what the framework makes of it, and which one wins; never the value."""
    from infracheck.envtool import explain as explained

    typer.echo(explained(folder, key, os.environ, stage))


@env_app.command(name="exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def env_exec(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- CMD", help="The command and its arguments.")
    ] = None,
    folder: At = Path(),
    stage: AtStage = "execute-plan",
) -> None:
    """Run a command with the app's variables as the framework reads them, and PG* set for its database.

    \b
    infracheck env exec -- psql -c 'select 1'
    """  # noqa: D301 - click reads the backspace itself
    from infracheck.envtool import execute

    execute(folder, command or [], os.environ, stage)
