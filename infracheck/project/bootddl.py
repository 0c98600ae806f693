"""Where an app changes its database's schema by itself when it starts: scripts and instrumentation."""

import re
from collections.abc import Iterator
from typing import Any, Final

from infracheck.project.ddl.migrations import without_comments
from infracheck.project.detect import Project

_FILES: Final = ("instrumentation", "src/instrumentation", "instrumentation.node", "src/instrumentation.node")
_ENDINGS: Final = (".ts", ".js", ".mjs", ".mts")
_COMMANDS: Final = re.compile(
    r"prisma\s+(?:migrate\s+(?:deploy|dev)|db\s+push)|drizzle-kit\s+(?:migrate|push)|supabase\s+db\s+push"
    r"|\b(?:knex|typeorm|sequelize|node-pg-migrate|dbmate|goose)\b[^&|;]*\b(?:up|migrate|migration:run|latest)\b"
    r"|psql\b[^&|;]*\.sql"
)
_CODE: Final = re.compile(
    r"\b(?:CREATE|ALTER|DROP)\s+(?:TABLE|INDEX|TYPE|SCHEMA)\b|\bmigrate\s*\(|\brunMigrations\s*\(|\bensureSchema\w*\s*\(",
    re.IGNORECASE,
)
_AT_START: Final = ("dev", "predev", "start", "prestart", "postinstall")


def at_boot(project: Project) -> Iterator[tuple[str, str]]:
    """Yield (file:line, what is run) of each place in which starting the app changes the schema."""
    scripts: Any = project.package.get("scripts") or {}
    for name in _AT_START if isinstance(scripts, dict) else ():
        script = scripts.get(name)
        if isinstance(script, str) and (found := _COMMANDS.search(script)):
            yield "package.json", f"`{found[0].strip()}` (script {name})"
    for stem in _FILES:
        for ending in _ENDINGS:
            path = project.root / f"{stem}{ending}"
            if not path.is_file():
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
            bare = without_comments(text)
            if found := _CODE.search(bare):
                line = bare.count("\n", 0, found.start()) + 1
                yield f"{project.show(path)}:{line}", f"`{' '.join(found[0].split())}`"
