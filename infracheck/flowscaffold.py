"""What `infracheck flow init` writes: a first flow, made of the app's own pages and routes, to be edited."""

import os
import re
from pathlib import Path
from typing import Any, Final

from infracheck.config import FLOW_FILE, load
from infracheck.context import Context
from infracheck.errors import ClientError, UsageError
from infracheck.project.detect import Project, detect
from infracheck.project.files import write_whole
from infracheck.project.pages import Page, Route, pages, routes
from infracheck.scaffold import rendered

MOST: Final = 6  # pages
GUARDED: Final = {"cron", "webhook", "webhooks", "hooks"}
SIGN_IN: Final = re.compile(r"/(?:api/)?auth(?:/|$)")


def write_flow(folder: Path, *, overwrite: bool) -> str:
    """Write flow.toml and return what to tell the user.

    Raises:
        UsageError: there is no app, the file exists and may not be overwritten, or flows are declared already.
    """
    project = detect(folder)
    declared = [flow.name for flow in load(project.root).settings.flow]
    if "core" in declared and not overwrite:
        raise UsageError("a flow named core is declared already", hint="edit it; `infracheck flow run core --verbose`")
    path = project.root / FLOW_FILE
    facts = _facts(project)
    write_whole(path, rendered("flow.toml.tmpl", facts), overwrite=overwrite)
    count = sum(len(facts[key]) for key in ("pages", "closed", "guarded"))
    return "\n".join(
        [
            f"wrote {os.path.relpath(path)}: {count} step{'' if count == 1 else 's'} that run, and guesses to edit",
            "next: fill in the primary feature, then `infracheck flow run core --verbose`",
        ]
    )


def _facts(project: Project) -> dict[str, Any]:
    found = [route for route in routes(project.root) if not SIGN_IN.match(route.path)]
    own = [route for route in found if route.reads_session]
    static = pages(project)[:MOST] or (Page("/", ""),)
    return {
        "pages": [page.path for page in static],
        "closed": [route.path for route in own if not route.dynamic and "GET" in route.methods],
        "guarded": [route.path for route in found if set(route.path.split("/")) & GUARDED and "GET" in route.methods],
        "writing": [_writing(route) for route in own if "POST" in route.methods and not route.dynamic][:1],
        "reading": [route.path for route in own if {"GET", "POST"} <= {*route.methods} and not route.dynamic][:1],
        "single": [_with_id(route) for route in own if route.dynamic and "GET" in route.methods][:1],
        "table": _table(project),
    }


def _writing(route: Route) -> dict[str, str]:
    return {"path": route.path, "method": "POST", "name": _id_of(route.path)}


def _id_of(path: str) -> str:
    last = re.sub(r"\W", "_", path.rstrip("/").rpartition("/")[2]) or "row"
    return f"{last.removesuffix('s').lower()}_id"


def _with_id(route: Route) -> str:
    """Return a dynamic path with the captured id in place of its first parameter."""
    before = route.path.partition("/[")[0]
    return re.sub(r"\[[^\]]+\]", f"{{{_id_of(before)}}}", route.path)


def _table(project: Project) -> str | None:
    """Return the table that the flow most likely writes to: the last one that the app declares itself."""
    try:
        sources = Context(project, process={}).sql
    except ClientError:
        return None
    text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in sources.files) if sources else ""
    tables = re.findall(r'(?i)create\s+table\s+(?:if\s+not\s+exists\s+)?"?([\w.]+)"?', text)
    return tables[-1] if tables else None
