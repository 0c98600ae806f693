"""What a browser sees of the pages that answered, as rows of evidence in the order of the pages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infracheck.context import Context

if TYPE_CHECKING:
    from infracheck.clients.browser import Browser, NoBrowser, Seen
    from infracheck.clients.devboot import Row
    from infracheck.clients.pagevisit import Visit

UNSEEN: Final = "console errors, uncaught errors, hydration mismatches and failed requests"
OFF: Final = f"[server] browser is off: {UNSEEN} were not looked at"
PARTLY: Final = (
    "{name} without playwright tells only errors that a page throws while it loads; "
    "console errors and failed requests were not looked at: {extra}"
)


@dataclass(frozen=True, slots=True)
class Rows:
    """The pages with all that is wrong with them, and a word about the browser itself."""

    pages: "tuple[Row, ...]"
    browser: "tuple[Row, ...]" = ()
    looked: bool = False  # a browser told all it can


def look(ctx: Context, visits: "Sequence[Visit]") -> Rows:
    """Open the pages in a browser where there is one; each page's rows stand together."""
    from infracheck.clients.browser import NoBrowser
    from infracheck.clients.devboot import Row

    if ctx.settings.server.browser == "off":
        return Rows(_by_http(visits), (Row("browser", "NOT LOOKED AT", None, OFF, "info"),))
    try:
        return _by_browser(ctx, visits, ctx.browser)
    except NoBrowser as error:
        return Rows(_by_http(visits), (_no_browser(ctx, error),))


def _by_http(visits: "Sequence[Visit]") -> "tuple[Row, ...]":
    from infracheck.clients.pagevisit import told

    return tuple(row for visit in visits for row in (visit.row, *(told(one, visit.path) for one in visit.logged)))


def _no_browser(ctx: Context, error: "NoBrowser") -> "Row":
    from infracheck.clients.devboot import Row

    if ctx.settings.server.browser == "auto":
        note = f"{error.summary}; {UNSEEN} were not looked at: {error.remedy}"
        return Row("browser", "NOT LOOKED AT", None, note, "info")
    return Row("browser", "UNUSABLE", None, error.summary)


def _by_browser(ctx: Context, visits: "Sequence[Visit]", browser: "Browser") -> Rows:
    from infracheck.clients.browser import EXTRA, Wanted
    from infracheck.clients.devboot import Row

    opened = _to_open(visits)
    shots = _shots(ctx, [visit.path for visit in opened])
    mark = ctx.server.mark()
    wanted = [Wanted(f"{ctx.server.url}{visit.path}", shots.get(visit.path)) for visit in opened]
    seen = browser.look(wanted) if wanted else []
    log, logged = ctx.server.since(mark), ctx.server.problems(mark)
    by_path = {visit.path: one for visit, one in zip(opened, seen, strict=True)}
    rows: list[Row] = []
    for visit in visits:
        rows += _by_http([visit])
        if visit.path in by_path:
            rows += _page(ctx, visit, by_path[visit.path], log)
    # What the server repeats of a driven browser's console is known already, and from the source itself.
    rows += _also_logged([one for one in logged if not (browser.drives and one.label.startswith("[browser]"))], rows)
    about = [] if browser.drives else [PARTLY.format(name=browser.program.name, extra=EXTRA)]
    return Rows(
        tuple(rows), tuple(Row("browser", "NOT LOOKED AT", None, note, "info") for note in about), looked=browser.drives
    )


def _to_open(visits: "Sequence[Visit]") -> "list[Visit]":
    """Return the visits to repeat in the browser: each page once, also where several redirect to it."""
    ends: dict[str, Visit] = {}
    for visit in visits:
        if visit.ended:
            own = visit.ended.endswith(visit.path)
            if own or visit.ended not in ends:
                ends[visit.ended] = visit
    kept = list(ends.values())
    return [visit for visit in visits if visit in kept]


def _shots(ctx: Context, paths: Sequence[str]) -> dict[str, Path]:
    """Return where the picture of each page goes; nothing where no evidence can be kept."""
    if not ctx.settings.server.shots:
        return {}
    names: dict[str, str] = {}
    for path in paths:
        slug = re.sub(r"[^a-z0-9]+", "-", path.partition("?")[0].lower()).strip("-") or "home"
        taken = sum(other == slug or other.startswith(f"{slug}~") for other in names.values())
        names[path] = f"{slug}~{taken + 1}" if taken else slug
    files = {path: ctx.evidence.file(f"shots/{name}.png") for path, name in names.items()}
    return {path: file for path, file in files.items() if file}


def _page(ctx: Context, visit: "Visit", seen: "Seen | None", log: Sequence[str]) -> "list[Row]":
    from infracheck.clients.browsersaid import position, problems
    from infracheck.clients.devboot import Row

    if seen is None:
        return [Row(visit.path, "NOT LOOKED AT", None, "the browser did not come to it", "warn")]
    rows = []
    if visit.row.level != "fail":  # else the page's own answer is the cause of all that the browser says
        for one in problems(seen, ctx.server.url):
            rows.append(Row(visit.path, one.state, position(one, seen.overlay, log), one.text, one.level))
        if seen.busy and not seen.problem:
            rows.append(Row(visit.path, "BUSY", None, "it never came to rest while it was looked at", "warn"))
    if seen.shot:
        rows.append(Row(visit.path, "SCREENSHOT", ctx.evidence.shown(seen.shot), "", "info"))
    return rows


def _also_logged(logged: "Sequence[Row]", rows: "Sequence[Row]") -> "list[Row]":
    """Return what the server logged while the browser looked, apart from what is told already."""
    from infracheck.clients.pagevisit import told

    known = ["".join(row.note.split()) for row in rows if row.note]
    found = []
    for one in logged:
        label = "".join(one.label.rstrip("…").removeprefix("[browser] ").removeprefix("Uncaught ").split())
        plain = label.removeprefix("Error:")
        if not any(plain in note for note in known):
            found.append(told(one, "the server's log"))
    return found
