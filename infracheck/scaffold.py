"""What `infracheck init` writes: infracheck.toml with what was detected, and the CI job."""

import json
import os
import shlex
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any, Final

from infracheck import __version__
from infracheck.clients.devserver import port_of
from infracheck.clients.pgaddress import address
from infracheck.config import FILE
from infracheck.context import Context
from infracheck.errors import ClientError
from infracheck.project.ddl.migrations import find
from infracheck.project.detect import LOCK_FILES, Project, detect
from infracheck.project.files import write_whole
from infracheck.settings import ServerSettings

COMMANDS: Final = {"build": "deploy-check", **dict.fromkeys(("typecheck", "lint", "test"), "execute-plan")}
NO_TEST: Final = "no test specified"  # in the script that `npm init` writes
WORKFLOW_FILE: Final = ".github/workflows/deploy-check.yml"
QUESTION: Final = (
    "The database at {place} is not on this machine. May the gate write to it, as a throw-away user that logs in and "
    "is removed again?"
)
INSTALL: Final = {
    "npm": "npm ci",
    "pnpm": "pnpm install --frozen-lockfile",
    "yarn": "yarn install --immutable",
    "bun": "bun install --frozen-lockfile",
}


def write_config(
    folder: Path, *, overwrite: bool, disposable: bool | None = None, ask: Callable[[str], bool] | None = None
) -> str:
    """Write infracheck.toml and return what to tell the user.

    Args:
        disposable: the setting of that name; None: `ask` the user, where the database is not of this machine.
        ask: puts a question to the user; None where nobody is there.

    Raises:
        UsageError: there is no app, or the file exists and may not be overwritten.
    """
    project = detect(folder)
    ctx = Context(project, process={})
    path = project.root / FILE
    place = _elsewhere(ctx)
    if ask and disposable is None and place and (overwrite or not path.exists()):
        disposable = ask(QUESTION.format(place=place))
    commands = _scripts(project)
    facts = {
        "example": _shown(project, project.env_example),
        "schema": _sql(project),
        "state": _shown(project, project.state),
        "command": f"{project.package_manager} run dev" if project.dev_script else None,
        "port": port_of(project, ServerSettings(), ctx.env) if project.dev_script else None,
        "framework": project.framework,
        "build": next((one["run"] for one in commands if one["name"] == "build"), None),
    }
    text = rendered("infracheck.toml.tmpl", {**facts, "commands": commands, "disposable": disposable})
    write_whole(path, text, overwrite=overwrite)
    found = [f"  {name:<10} {value}" for name, value in facts.items() if value]
    return "\n".join([f"wrote {_near(path)}", *found, "next: infracheck run"])


def write_workflow(folder: Path, *, overwrite: bool) -> str:
    """Write the deploy-check workflow at the root of the repository and return what to tell the user."""
    project = detect(folder)
    ctx = Context(project, process={}, settings=None)
    path = project.repository / WORKFLOW_FILE
    app = os.path.relpath(project.root, project.repository)
    # Without a lock file the strict install of a manager refuses.
    lock = _lock(project)
    names = [entry.key for entry in ctx.env.expected]
    facts = {
        "app": shlex.quote(app),
        "folder": json.dumps(app),
        "manager": project.package_manager,
        "lock": lock,
        "install": INSTALL[project.package_manager] if lock else f"{project.package_manager} install",
        "variables": names,
        "version": __version__,
    }
    write_whole(path, rendered("deploy-check.yml.tmpl", facts), overwrite=overwrite)
    secrets = [f"  {name}" for name in names]
    told = ["set these repository secrets (Settings → Secrets and variables → Actions):", *secrets] if secrets else []
    return "\n".join([f"wrote {_near(path)}", *told, "next: commit it, and require the check `deploy-check`"])


def rendered(template: str, facts: dict[str, Any]) -> str:
    """Return one of the templates, filled in."""
    from jinja2 import Environment, StrictUndefined

    # Workflows speak ${{ }} themselves, so ours are square.
    engine = Environment(  # noqa: S701 - YAML and TOML, where HTML escaping would be wrong
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    text = resources.files("infracheck.templates").joinpath(template).read_text(encoding="utf-8")
    return engine.from_string(text).render(facts)


def _elsewhere(ctx: Context) -> str:
    """Return where the app's database is, empty where that is this machine or not known."""
    variable = ctx.env[ctx.settings.database.url]
    try:
        where = address(variable.value) if variable.state == "FILLED" else None
    except ClientError:  # the gate says what is wrong with it
        return ""
    return where.place if where and where.host and not where.on_this_machine else ""


def _scripts(project: Project) -> list[dict[str, str]]:
    """Return the scripts of package.json that are gates of their own: the build first, it is proposed as it stands."""
    scripts = project.package.get("scripts")
    if not isinstance(scripts, dict):
        return []
    return [
        {"name": name, "run": f"{project.package_manager} run {name}", "stage": stage}
        for name, stage in COMMANDS.items()
        if isinstance(scripts.get(name), str) and NO_TEST not in scripts[name]
    ]


def _sql(project: Project) -> str | None:
    """Return the one source of SQL that is detected, for the settings to name."""
    try:
        found = find(project)
    except ClientError:  # the gate says what is wrong with it
        return None
    return project.show(found.chosen[0].path) if found else None


def _lock(project: Project) -> str | None:
    for folder in project.upwards():
        for name in LOCK_FILES:
            if (folder / name).is_file():
                return os.path.relpath(folder / name, project.repository)
    return None


def _shown(project: Project, path: Path | None) -> str | None:
    return project.show(path) if path else None


def _near(path: Path) -> str:
    return os.path.relpath(path)
