"""The app's pages, as a visitor meets them: by HTTP, and with a real browser where there is one."""

import re
from typing import TYPE_CHECKING, Final

from infracheck.context import Context
from infracheck.errors import Unavailable
from infracheck.model import Failed, Finding, Passed, Verdict, check
from infracheck.project import pages as found

from .pages_seen import look
from .server import no_server, server_boots

if TYPE_CHECKING:
    from infracheck.clients.devboot import Row
    from infracheck.clients.pagevisit import Visit, Visitor

MOST: Final = 12  # discovered pages that are looked at
NAMED: Final = 8  # of those that are not looked at
ROUTE: Final = re.compile(r"(?:(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) +)?(/\S*)")
REMEDIES: Final = {
    "404": "correct what {subject} asks for, or [server] pages in infracheck.toml",
    "401": "name a page that needs no login in [server] pages, or its status in [server] routes",
    "403": "name a page that needs no login in [server] pages, or its status in [server] routes",
    "NO ANSWER": "open {subject} while `{command}` runs; if it only needs longer, raise [server] timeout",
    "HYDRATION": "let server and browser render the same{where}: no clock, chance, locale or `window` at first",
    "REQUEST FAILED": "correct the address that {subject} asks for, or start what should answer there",
    "NOT LOADED": "open {subject} in a browser while `{command}` runs",
    "CRASHED": "open {subject} in a browser while `{command}` runs, and watch its memory",
    "BAD ROUTE": 'write "/api/x" or "POST /api/x" into [server] routes of infracheck.toml',
    "UNUSABLE": 'correct [server] browser in infracheck.toml: the path of a Chrome or Chromium, "auto" or "off"',
}
"""What to do about the first failing row, by its state."""
OTHERWISE: Final = "correct it{where}; `{command}` shows the same when {subject} is opened"


@check(needs=[server_boots], applies=no_server, family="server", proves=6)
def server_pages(ctx: Context) -> Verdict:
    """The pages and routes answer with the expected status, and a real browser's console stays clean.

    A server that is up may still answer a page with an error, and a page that answers 200 may still break in the
    browser: a hydration mismatch, a script that throws, an image that is missing. `[server] pages` names the pages;
    without it they are the static ones found in the code, asked for as a signed-out visitor. `[server] routes` names
    what must answer with a certain status: a cron route without its secret with 401. With a Chrome or Chromium on this
    machine each page is opened in it, and a picture of it kept.
    """
    from infracheck.clients.pagevisit import Visitor

    server = ctx.server
    if not server.boot.ok:
        raise Unavailable(server_boots.id, server.boot.summary)
    visitor = Visitor(ctx.http, server, seconds=ctx.settings.server.timeout, tell=ctx.tell)
    paths, rest = _wanted(ctx)
    visits = _visited(visitor, paths, guarded=ctx.settings.server.pages is None)
    rows = look(ctx, visits)
    routes = _routes(ctx, visitor)
    findings = tuple(_finding(row) for row in (*rows.pages, *routes, *_left_out(paths, visits, rest), *rows.browser))
    failing = [finding for finding in findings if finding.level == "fail"]
    if not failing:
        asked = len([visit for visit in visits if visit.ended])
        return Passed(_summary(asked or len(visits), len(routes), looked=rows.looked), findings)
    return _failed(ctx, failing, findings)


def _wanted(ctx: Context) -> tuple[list[str], list[str]]:
    """Return the paths to ask for, and those that are too many."""
    chosen = ctx.settings.server.pages
    if chosen is not None:
        return [_rooted(path) for path in dict.fromkeys(chosen)], []
    static = [page.path for page in found.pages(ctx.project)]
    paths = list(dict.fromkeys([_rooted(ctx.settings.server.ready), *static]))
    return paths[:MOST], paths[MOST:]


def _rooted(path: str) -> str:
    return f"/{path.removeprefix('/')}"


def _visited(visitor: "Visitor", paths: list[str], *, guarded: bool) -> "list[Visit]":
    visits: list[Visit] = []
    for path in paths:
        visits.append(visitor.page(path, guarded=guarded))
        if visits[-1].late:
            break  # the next one would take as long
    return visits


def _routes(ctx: Context, visitor: "Visitor") -> "list[Row]":
    from infracheck.clients.devboot import Row

    rows = []
    for key, status in ctx.settings.server.routes.items():
        asked = ROUTE.fullmatch(key.strip())
        if asked:
            rows.append(visitor.route(asked[1] or "GET", asked[2], status))
        else:
            rows.append(Row(key, "BAD ROUTE", note="neither a path nor a method and a path"))
    return rows


def _left_out(paths: list[str], visits: "list[Visit]", rest: list[str]) -> "list[Row]":
    from infracheck.clients.devboot import Row

    left = [*paths[len(visits) :], *rest]
    if not left:
        return []
    named = ", ".join(left[:NAMED]) + (f" and {len(left) - NAMED} more" if len(left) > NAMED else "")
    why = "name those that matter in [server] pages" if rest else "because an earlier one did not answer"
    return [
        Row(f"{len(left)} more page{'s' if len(left) > 1 else ''}", "NOT LOOKED AT", None, f"{named}: {why}", "info")
    ]


def _finding(row: "Row") -> Finding:
    return Finding(row.label, row.state, row.note, row.where, row.level)


def _summary(pages: int, routes: int, *, looked: bool) -> str:
    said = f"{pages} page{'s answer' if pages != 1 else ' answers'} well"
    if routes:
        said += f", {routes} route{'s' if routes != 1 else ''} as expected"
    return f"{said}; the browser's console is clean" if looked else f"{said}, by HTTP alone"


def _failed(ctx: Context, failing: list[Finding], findings: tuple[Finding, ...]) -> Failed:
    first = failing[0]
    place = f" ({first.where})" if first.where else ""
    summary = f"`{first.subject}`: {first.state}{f', {first.note}' if first.note else ''}{place}"
    if others := len(failing) - 1:
        summary += f", and {others} more"
    words = {
        "subject": f"`{first.subject}`",
        "command": ctx.server.command,
        "where": f" in {first.where}" if first.where else "",
    }
    remedy = REMEDIES.get(first.state, OTHERWISE).format(**words)
    return Failed(summary, remedy, findings, reproduce="infracheck run --only server-pages")
