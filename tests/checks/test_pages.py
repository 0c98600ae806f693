"""The pages: what a user sees of those that are well, and of each way in which one is not."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from infracheck.checks.pages import MOST, server_pages
from infracheck.checks.server import server_boots
from infracheck.clients import browser
from infracheck.context import Context
from infracheck.model import Blocked, Failed, Finding, Outcome, Passed
from infracheck.settings import ServerSettings, Settings
from tests.clients.processes import marked
from tests.clients.small_server import context, small_app
from tests.components import next_notes
from tests.components.chromium import chromium, installed_chromium
from tests.components.node import path_with_node
from tests.components.ports import free_port
from tests.helpers import make_context, results

PNG = b"\x89PNG\r\n\x1a\n"
SITE = """
pages = {
    "/": b"<!doctype html><link rel=icon href='data:,'><h1>home</h1>",
    "/login": b"<!doctype html><link rel=icon href='data:,'><h1>sign in</h1>",
    "/quiet": b"<!doctype html><h1>no icon</h1><script>fetch('/api/me')</script>",
    "/throws": b"<!doctype html><script>console.log('fine'); throw new Error('no such note')</script>",
    "/image": b"<!doctype html><img src='/missing.png?token=t0ps3cret'>",
}
where = self.path.partition("?")[0]
if where == "/old":
    self.send(307, location="/login")
elif where == "/round":
    self.send(307, location="/round")
elif where == "/elsewhere":
    self.send(302, location="https://accounts.example.com/sign-in?state=t0ps3cret")
elif where == "/broken":
    say("Error: no such column: notes.colour")
    self.send(500, b"sorry")
elif where == "/logs":
    say("TypeError: cannot read the clock")
    self.send(200, b"<!doctype html><h1>fine</h1>")
elif where in {"/api/cron/report", "/api/me"}:
    self.send(401)
elif where == "/slow":
    time.sleep(30)
elif where == "/ends":
    os._exit(7)
else:
    self.send(200 if where in pages else 404, pages.get(where, b"nothing here"), **{"Content-Type": "text/html"})
"""


@pytest.fixture
def opened() -> Iterator[list[Context]]:
    """The contexts of a test; whatever they started is ended, and was ended without leaving anything."""
    contexts: list[Context] = []
    yield contexts
    for ctx in contexts:
        ctx.close()
        assert marked(str(ctx.project.root)) == []


class Judged:
    """Judges `server-pages` of an app, and keeps what it was judged by."""

    def __init__(self, opened: list[Context]) -> None:
        self._opened = opened

    def site(self, folder: Path, *, env: Mapping[str, str] | None = None, **settings: object) -> Outcome:
        """Judge a small site of the pages above."""
        small_app(folder, answer=SITE)
        chosen = {"command": f"{sys.executable} server.py", "timeout": 60.0, "browser": "off", **settings}
        server = ServerSettings(**chosen)  # type: ignore[arg-type]
        return self(context(folder, settings=server, port=None, **(env or {})))

    def __call__(self, ctx: Context) -> Outcome:
        self._opened.append(ctx)
        return results([server_boots, server_pages], ctx)["server-pages"].outcome


@pytest.fixture
def judged(opened: list[Context]) -> Judged:
    return Judged(opened)


def failed(outcome: Outcome) -> Failed:
    assert isinstance(outcome, Failed), outcome
    return outcome


def passed(outcome: Outcome) -> Passed:
    assert isinstance(outcome, Passed), outcome
    return outcome


def of(outcome: Failed | Passed, subject: str) -> list[Finding]:
    return [finding for finding in outcome.findings if finding.subject == subject]


def rows(outcome: Failed | Passed, subject: str) -> list[tuple[str, str]]:
    return [(finding.state, finding.level) for finding in of(outcome, subject)]


# -- the real app, in a real browser

HYDRATE = """"use client";

export default function Page() {
  return <p>{typeof window === "undefined" ? "server" : "client"}</p>;
}
"""
CONSOLE = """"use client";
import { useEffect } from "react";

export default function Page() {
  useEffect(() => console.error("the colour of notes is unknown", 7), []);
  return <p>fine</p>;
}
"""
THROWS = """"use client";
import { useEffect } from "react";

export default function Page() {
  useEffect(() => {
    setTimeout(() => {
      throw new TypeError("no such note");
    }, 0);
  }, []);
  return <p>fine</p>;
}
"""
ASSET = """export default function Page() {
  return <img src="/missing.png" alt="" />;
}
"""
BOOM = """export const dynamic = "force-dynamic";

export default function Page() {
  throw new Error("boom in the server");
}
"""
FETCHES = """"use client";
import { useEffect } from "react";

export default function Page() {
  useEffect(() => {
    fetch("/api/notes");
    fetch("/api/none");
  }, []);
  return <p>fine</p>;
}
"""
BROKEN = {"hydrate": HYDRATE, "console": CONSOLE, "throws": THROWS, "asset": ASSET, "boom": BOOM, "fetches": FETCHES}


def real_app(folder: Path, **pages: str) -> Context:
    """Return the Context of next-notes with more pages; neither database nor auth server is there."""
    for name, text in pages.items():
        (folder / "app" / name).mkdir()
        (folder / "app" / name / "page.tsx").write_text(text)
    port = free_port()
    values = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "BETTER_AUTH_SECRET": "x" * 32}
    origin = f"http://localhost:{port}"
    next_notes.write_env(folder, {**values, "BETTER_AUTH_URL": origin, "NEON_AUTH_BASE_URL": f"{origin}/api/auth"})
    path = os.pathsep.join([path_with_node(), str(chromium().parent)])
    process = {"PATH": path, "HOME": os.environ.get("HOME", "/"), "PORT": str(port)}
    return make_context(folder, process=process, settings=Settings(server=ServerSettings(browser=str(chromium()))))


@pytest.mark.red("server-pages")
def test_what_breaks_in_the_browser_is_named_with_its_line_and_shown(judged: Judged) -> None:
    with next_notes.working_copy() as folder:
        ctx = real_app(folder, **BROKEN)
        outcome = failed(judged(ctx))
        found = {name: [f for f in of(outcome, f"/{name}") if f.level == "fail"] for name in BROKEN}
        told = {name: [(f.state, f.where) for f in ones] for name, ones in found.items()}
        assert told == {
            "hydrate": [("HYDRATION", "app/hydrate/page.tsx:4")],
            "console": [("CONSOLE ERROR", "app/console/page.tsx:5")],
            "throws": [("UNCAUGHT", "app/throws/page.tsx:7")],
            "asset": [("404", None)],
            "boom": [("500", "app/boom/page.tsx:4")],
            "fetches": [("404", None)],
        }
        notes = {name: ones[0].note for name, ones in found.items()}
        assert notes["hydrate"].startswith("Hydration failed because")
        assert notes["console"] == "the colour of notes is unknown 7"
        assert notes["throws"] == "TypeError: no such note"
        assert notes["asset"] == "GET /missing.png (image)"
        assert notes["fetches"] == "GET /api/none (fetch)"
        assert "boom in the server" in notes["boom"]
        # What is well stays well: also a page whose code is told that nobody is signed in.
        assert rows(outcome, "/login") == [("200", "info"), ("SCREENSHOT", "info")]
        assert ("401", "info") in rows(outcome, "/fetches")
        assert of(outcome, "the server's log") == []
        for page in ("/", "/login", *(f"/{name}" for name in BROKEN)):
            [shot] = [f for f in of(outcome, page) if f.state == "SCREENSHOT"]
            assert shot.where
            assert (folder / shot.where).read_bytes().startswith(PNG)
        ctx.close()


@pytest.mark.green("server-pages")
def test_the_real_app_is_well_in_a_real_browser(judged: Judged) -> None:
    with next_notes.working_copy() as folder:
        ctx = real_app(folder)
        outcome = passed(judged(ctx))
        assert outcome.summary == "2 pages answer well; the browser's console is clean"
        for page in ("/", "/login"):
            assert rows(outcome, page) == [("200", "info"), ("SCREENSHOT", "info")]
        ctx.close()


def test_a_browser_tells_errors_of_any_site(app: Path, judged: Judged) -> None:
    outcome = failed(judged.site(app, browser=str(chromium()), pages=("/quiet", "/throws", "/image")))
    assert rows(outcome, "/quiet") == [("200", "info"), ("401", "info"), ("SCREENSHOT", "info")]
    assert [(f.state, f.note) for f in of(outcome, "/throws")][1] == ("UNCAUGHT", "no such note")
    assert [(f.state, f.note) for f in of(outcome, "/image")][1] == ("404", "GET /missing.png (image)")
    assert outcome.summary == "`/throws`: UNCAUGHT, no such note, and 1 more"
    assert "t0ps3cret" not in str(outcome)


def test_a_browser_without_playwright_tells_less_and_says_so(
    app: Path, judged: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "find_spec", lambda _: None)
    outcome = failed(judged.site(app, browser=str(installed_chromium()), pages=("/", "/throws")))
    assert rows(outcome, "/") == [("200", "info"), ("SCREENSHOT", "info")]
    assert [(f.state, f.note) for f in of(outcome, "/throws")][1] == ("UNCAUGHT", "no such note")
    [about] = of(outcome, "browser")
    assert (about.state, about.level) == ("NOT LOOKED AT", "info")
    assert "infracheck-gate[browser]" in about.note
    [shot] = [f for f in of(outcome, "/") if f.state == "SCREENSHOT"]
    assert (app / str(shot.where)).read_bytes().startswith(PNG)


def test_without_shots_no_picture_is_kept(app: Path, judged: Judged) -> None:
    outcome = passed(judged.site(app, browser=str(chromium()), pages=("/login",), shots=False))
    assert rows(outcome, "/login") == [("200", "info")]
    assert not (app / ".infracheck" / "evidence" / "shots").exists()


def test_a_program_that_is_no_browser_leaves_the_pages_judged_by_http(
    app: Path, judged: Judged, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "chromium"
    fake.write_text("#!/bin/sh\necho no display\nexit 1\n")
    fake.chmod(0o755)
    outcome = passed(judged.site(app, browser="auto", pages=("/login",), env={"PATH": f"{fake.parent}:/usr/bin:/bin"}))
    [about] = of(outcome, "browser")
    assert about.state == "NOT LOOKED AT"
    assert str(fake) in about.note


# -- without a browser


def test_without_a_browser_the_report_says_what_was_not_looked_at(app: Path, judged: Judged, tmp_path: Path) -> None:
    outcome = passed(judged.site(app, browser="auto", pages=("/", "/login"), env={"PATH": str(tmp_path)}))
    assert outcome.summary == "2 pages answer well, by HTTP alone"
    [about] = of(outcome, "browser")
    assert (about.state, about.level) == ("NOT LOOKED AT", "info")
    assert "no Chrome or Chromium" in about.note
    assert "hydration" in about.note


def test_a_browser_that_is_off_is_said(app: Path, judged: Judged) -> None:
    outcome = passed(judged.site(app))
    assert outcome.summary == "1 page answers well, by HTTP alone"
    [about] = of(outcome, "browser")
    assert "[server] browser is off" in about.note


def test_a_browser_that_is_not_there_is_red(app: Path, judged: Judged) -> None:
    outcome = failed(judged.site(app, browser="/opt/none/chrome"))
    assert rows(outcome, "browser") == [("UNUSABLE", "fail")]
    assert "[server] browser" in outcome.remedy


# -- by HTTP


def test_a_page_that_is_not_there_is_red(app: Path, judged: Judged) -> None:
    outcome = failed(judged.site(app, pages=("/login", "/missing")))
    assert rows(outcome, "/login") == [("200", "info")]
    assert [(f.state, f.note) for f in of(outcome, "/missing")] == [("404", "")]
    assert outcome.summary == "`/missing`: 404"
    assert "[server] pages" in outcome.remedy


def test_a_broken_page_quotes_the_log(app: Path, judged: Judged) -> None:
    outcome = failed(judged.site(app, pages=("/broken",)))
    assert [(f.state, f.note) for f in of(outcome, "/broken")] == [("500", "no such column: notes.colour")]


def test_an_error_that_is_only_logged_is_red(app: Path, judged: Judged) -> None:
    outcome = failed(judged.site(app, pages=("/logs",)))
    assert rows(outcome, "/logs") == [("200", "info"), ("ERROR LOGGED", "fail")]
    assert "cannot read the clock" in outcome.summary


def test_a_redirect_is_followed_within_the_app_and_told(app: Path, judged: Judged) -> None:
    outcome = passed(judged.site(app, pages=("/old", "/elsewhere", "/round")))
    told = {f.subject: f.note for f in outcome.findings if f.subject.startswith("/")}
    assert told == {
        "/old": "to /login",
        "/elsewhere": "to https://accounts.example.com/sign-in",
        "/round": "redirects in a circle, to /round",
    }


def test_one_that_does_not_answer_is_red_in_time_and_the_rest_is_not_asked(app: Path, judged: Judged) -> None:
    outcome = failed(judged.site(app, pages=("/slow", "/login"), timeout=2.0))
    assert rows(outcome, "/slow") == [("NO ANSWER", "fail")]
    [left] = of(outcome, "1 more page")
    assert (left.state, left.note) == ("NOT LOOKED AT", "/login: because an earlier one did not answer")


def test_a_server_that_ends_on_the_way_is_said(app: Path, judged: Judged) -> None:
    outcome = failed(judged.site(app, pages=("/ends",)))
    assert [(f.state, f.note) for f in of(outcome, "/ends")] == [("NO ANSWER", "the dev server ended with exit code 7")]


def test_routes_are_asked_for_their_status(app: Path, judged: Judged) -> None:
    routes = {"/api/cron/report": 401, "POST /api/hook": 501, "GET /old": 307}
    outcome = passed(judged.site(app, routes=routes))
    assert outcome.summary == "1 page answers well, 3 routes as expected, by HTTP alone"
    assert rows(outcome, "/api/cron/report") == [("401", "info")]
    assert rows(outcome, "POST /api/hook") == [("501", "info")]


def test_a_route_with_another_status_is_red(app: Path, judged: Judged) -> None:
    outcome = failed(judged.site(app, routes={"/login": 401, "broken": 200}))
    [row] = [f for f in of(outcome, "/login") if f.level == "fail"]
    assert (row.state, row.note) == ("200", "expected 401")
    assert rows(outcome, "broken") == [("BAD ROUTE", "fail")]


def test_more_pages_than_a_run_looks_at_are_named(app: Path, judged: Judged) -> None:
    for number in range(MOST + 3):
        page = app / "app" / f"p{number:02}" / "page.tsx"
        page.parent.mkdir(parents=True)
        page.write_text("export default function Page() { return null; }\n")
    small_app(app, answer='self.send(200, b"<!doctype html><title>fine</title>")')
    package = json.loads((app / "package.json").read_text())
    (app / "package.json").write_text(json.dumps({**package, "dependencies": {"next": "16.4.5"}}))
    settings = ServerSettings(command=f"{sys.executable} server.py", timeout=60, browser="off")
    outcome = passed(judged(context(app, settings=settings)))
    assert outcome.summary == f"{MOST} pages answer well, by HTTP alone"
    [left] = [f for f in outcome.findings if f.state == "NOT LOOKED AT" and f.subject != "browser"]
    assert left.subject == "4 more pages"
    assert left.note.startswith("/p11, /p12, /p13, /p14: ")


def test_a_server_that_is_not_up_blocks(app: Path, judged: Judged) -> None:
    small_app(app, before='sys.exit("no")')
    outcome = judged(context(app))
    assert isinstance(outcome, Blocked)
    assert outcome.by == "server-boots"
