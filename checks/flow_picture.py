"""Keeps a picture of the page at which a flow failed."""

import re
from typing import TYPE_CHECKING

from infracheck.context import Context
from infracheck.errors import InfracheckError
from infracheck.model import Finding

if TYPE_CHECKING:
    from infracheck.flow.steps import Done


def picture(ctx: Context, done: "Done") -> tuple[Finding, ...]:
    """Return the picture of a page that a step asked for, as whoever asked sees it; none where there is no browser."""
    from infracheck.clients.browser import Wanted

    server = ctx.settings.server
    if not (done.html and done.asked.startswith("GET ")) or server.browser == "off" or not server.shots:
        return ()
    path = done.asked.removeprefix("GET ")
    name = re.sub(r"[^a-z0-9]+", "-", done.step.name.lower()).strip("-") or "step"
    shot = ctx.evidence.file(f"shots/flow-{name}.png")
    try:
        cookies = _cookies(ctx, done)
        browser = ctx.browser
        if shot is None or (cookies and not browser.drives):
            return ()
        [seen] = browser.look([Wanted(f"{ctx.server.url}{path}", shot, cookies)])
    except InfracheckError:  # a picture is a help, and no more
        return ()
    if seen is None or seen.shot is None:
        return ()
    return (Finding(done.step.name, "SCREENSHOT", path, ctx.evidence.shown(shot), "info"),)


def _cookies(ctx: Context, done: "Done") -> str:
    if done.step.as_ == "anonymous":
        return ""
    session = ctx.login.other if done.step.as_ == "other-user" else ctx.login.user
    return session.cookie
