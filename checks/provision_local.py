"""Makes a database on this machine, for work offline."""

import re
from typing import Final

from infracheck.actions import Action, Desk, Question
from infracheck.context import Context
from infracheck.errors import ClientError

MAKE: Final = "local-postgres"
FOLDER: Final = "postgres"
BY_HTTPS: Final = "@neondatabase/serverless"
_HTTP_DRIVER: Final = re.compile(r"""import\s*\{[^}]*\bneon\b[^}]*\}\s*from\s*["']@neondatabase/serverless["']""")
KEEP_RUNNING: Final = "it runs while `infracheck local` does: start that in a terminal of its own"


def local_database(ctx: Context, name: str) -> Action | Question:
    """Return the action that makes it, or what speaks against it."""
    if file := _by_https(ctx):
        return Question(
            MAKE,
            f"{file} asks its database by HTTPS (neon() of {BY_HTTPS}), which no PostgreSQL of this machine answers",
            "use a branch at Neon (NEON_API_KEY), or another driver, such as pg",
        )
    url = ctx.settings.database.url
    return Action(
        MAKE,
        f"start a PostgreSQL below .infracheck/ with a database {name}, and write {url}",
        lambda now, desk: _make(now, desk, name),
        f".infracheck/{FOLDER}",
        warning=KEEP_RUNNING,
    )


def _make(ctx: Context, desk: Desk, name: str) -> str:
    from infracheck.clients.localpostgres import LocalPostgres

    folder = ctx.evidence.kept()
    if folder is None:
        raise ClientError("the app's folder cannot be written to", "give this user the right to write there")
    local = LocalPostgres.started(folder / FOLDER)
    desk.keep(local)
    told = desk.write_env(ctx, {ctx.settings.database.url: local.url(re.sub(r"\W", "_", name))})
    return f"started PostgreSQL on port {local.port}; {told}; {KEEP_RUNNING}"


def _by_https(ctx: Context) -> str | None:
    """Return the first file that uses Neon's driver over HTTPS."""
    from infracheck.project.gitfiles import source_files

    if BY_HTTPS not in ctx.project.dependencies:
        return None
    for path in source_files(ctx.project.root) or ():
        if path.suffix in {".ts", ".tsx", ".js", ".mjs"}:
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            if _HTTP_DRIVER.search(text):
                return ctx.project.show(path)
    return None
