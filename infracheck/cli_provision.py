"""The command `infracheck provision`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def provision(  # noqa: PLR0917 - one parameter an option
    only: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Checks or families; all that can be made by default.")
    ] = None,
    folder: Annotated[Path, typer.Option("--app", help="The app's folder.")] = Path(),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Apply the plan without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document; the rest goes to stderr.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Write over values that are filled.")] = False,
    local: Annotated[bool, typer.Option("--local", help="A PostgreSQL under .infracheck/, for work offline.")] = False,
    branch: Annotated[str | None, typer.Option(metavar="NAME", help="A branch of its own, as in CI.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="2h", help="How long that branch lives.")] = None,
    allow_destructive: Annotated[
        bool, typer.Option("--allow-destructive", help="Also SQL that may lose data.")
    ] = False,
    confirm: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Confirm by name what the plan asks for (repeatable).")
    ] = None,
    ci: Annotated[bool, typer.Option("--ci", help="The deploy-check workflow, too.")] = False,
) -> None:
    """Make what is missing: show the plan, ask once, apply it, and prove it by the same checks.

    \b
    infracheck provision --dry-run        what would be done, and with whose rights
    infracheck provision                  ... and do it, once you agree
    infracheck provision env schema -y    some of it, without asking
    """  # noqa: D301 - click reads the backspace itself
    from infracheck.actions import Choices
    from infracheck.provisioning.command import provision as work

    choices = Choices(replace, local, branch, expires, allow_destructive, tuple(confirm or ()), ci)
    answers = sys.stdin if sys.stdin.isatty() else None
    raise typer.Exit(
        work(folder, only or (), os.environ, choices=choices, yes=yes, dry_run=dry_run, json=json, answers=answers)
    )


def deprovision(
    branch: Annotated[str, typer.Option(metavar="NAME", help="The branch that `provision --branch` made.")],
    folder: Annotated[Path, typer.Option("--app", help="The app's folder.")] = Path(),
) -> None:
    """Remove a branch that `infracheck provision --branch` made, and nothing else; for the end of a CI job."""
    from infracheck.errors import ClientError, ExitCode
    from infracheck.provisioning.removal import remove_branch

    try:
        remove_branch(folder, branch, os.environ, typer.echo)
    except ClientError as error:
        typer.echo(f"infracheck: {error.summary}\n  → {error.remedy}", err=True)
        raise typer.Exit(ExitCode.FAIL) from None


def local(folder: Annotated[Path, typer.Argument(help="The app's folder.", show_default="here")] = Path()) -> None:
    """Serve the PostgreSQL that `infracheck provision --local` made, until Ctrl-C."""
    from infracheck.localtool import serve

    serve(folder, lambda text: typer.echo(text, err=True))
