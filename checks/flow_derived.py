"""The flow that is derived where none is declared: pages and routes signed out, a login, the same signed in."""

from collections.abc import Iterator
from typing import Final

from infracheck.context import Context
from infracheck.flow.shape import Expect, Flow, Step
from infracheck.project.pages import pages, routes

from .flow_command import why_no_login

MOST: Final = 8  # pages, and as many routes; each has to be compiled
ANSWERED: Final = tuple(range(200, 500))  # signed out a route may refuse, and one may miss its parameters
NOT_FOR_PEOPLE: Final = ("auth", "cron", "webhook", "webhooks", "hook", "hooks", "inngest", "trpc")


def derived(ctx: Context) -> Flow:
    """Return the flow as its steps; where nobody can sign in, only what a visitor sees."""
    steps = list(_steps(ctx, "signed out"))
    if not why_no_login(ctx):
        steps += _steps(ctx, "signed in")
    return Flow("derived", tuple(steps), timeout=ctx.settings.server.timeout)


def _steps(ctx: Context, how: str) -> Iterator[Step]:
    signed = how == "signed in"
    for path in _pages(ctx):
        yield Step(f"{path} {how}", as_="user" if signed else "anonymous", request=f"GET {path}")
    allowed = tuple(status for status in ANSWERED if not signed or status != 401)
    for path in _routes(ctx):
        expect = Expect(status=allowed)
        yield Step(f"{path} {how}", as_="user" if signed else "anonymous", request=f"GET {path}", expect=expect)


def _pages(ctx: Context) -> list[str]:
    server = ctx.settings.server
    found = server.pages or tuple(page.path for page in pages(ctx.project))
    return list(dict.fromkeys([f"/{server.ready.removeprefix('/')}", *found]))[:MOST]


def _routes(ctx: Context) -> list[str]:
    """Return the routes that read a session and can be asked without data."""
    found = [
        route.path
        for route in routes(ctx.project.root)
        if "GET" in route.methods and route.reads_session and not route.dynamic and _for_people(route.path)
    ]
    return [path for path in found if path not in ctx.settings.server.routes][:MOST]


def _for_people(path: str) -> bool:
    return not set(path.split("/")) & set(NOT_FOR_PEOPLE)
