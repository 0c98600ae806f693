"""Looks at pages with a real browser, as a program of its own: python -P browserworker.py JOB

JOB (a JSON file): {"browser": PATH, "arguments": [...], "environment": {...}, "seconds": N, "results": FOLDER,
"pages": [{"url": ..., "shot": PATH or null}, ...]}.
Standard output: the number of each page, as it is begun. RESULTS/N.json: what was seen of page N, written whole;
RESULTS/failed.json: why there is no browser at all.

A process rather than a thread: Playwright runs its own event loop, in which a signal of the gate would be lost, and
driver and browser end with this program when the supervisor ends it. Nothing is judged here.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response

MOST_EVENTS: Final = 200  # of one page; a loop that logs would fill the disk
TEXT: Final = 4000  # characters of one message
SETTLE: Final = 10.0  # seconds at most until a loaded page has nothing to do
QUIET: Final = 0.4  # seconds without an event, after which nothing more is expected
STEP_MS: Final = 50
ANSWERS: Final = 5.0  # seconds at most for the requests of a page that is idle; a stream never ends
SHOT_SECONDS: Final = 20.0
STUCK_SECONDS: Final = 5.0  # for the picture of a page that could not be loaded
# Hydration is work of the main thread: a page that is idle twice has done it.
IDLE: Final = """() => new Promise((done) => {
  const idle = (then) => window.requestIdleCallback ? requestIdleCallback(then) : setTimeout(then, 100);
  idle(() => setTimeout(() => idle(() => done(true)), 100));
})"""
OVERLAY: Final = """() => {
  const inside = (name) => [...document.querySelectorAll(name)].map((one) => one.shadowRoot).filter(Boolean);
  const next = inside("nextjs-portal").flatMap((root) => [...root.querySelectorAll("[role=dialog]")]);
  const vite = inside("vite-error-overlay").map((root) => root.querySelector(".message")).filter(Boolean);
  return [...next, ...vite].map((one) => one.innerText).join("\\n").trim();
}"""


class Look:
    """One page and what it does while it is looked at."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        self.events: list[dict[str, Any]] = []
        self.last_at = time.monotonic()
        self._open: set[Request] = set()  # requests without an answer yet
        page.on("request", self._request)
        page.on("requestfinished", self._finished)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._add(kind="uncaught", text=_thrown(error)))
        page.on("requestfailed", self._failed)
        page.on("response", self._response)
        page.on("crash", lambda _: self._add(kind="crash", text="the page crashed"))

    def _add(self, **event: Any) -> None:
        self.last_at = time.monotonic()
        if len(self.events) < MOST_EVENTS:
            self.events.append({k: v[:TEXT] if isinstance(v, str) else v for k, v in event.items()})

    def _console(self, message: "ConsoleMessage") -> None:
        place = message.location
        self._add(kind="console", level=message.type, text=message.text, url=place.get("url", ""))

    # Methods, because Playwright writes an attribute onto its listeners.
    def _request(self, request: "Request") -> None:
        self._open.add(request)

    def _finished(self, request: "Request") -> None:
        self._open.discard(request)

    def _failed(self, request: "Request") -> None:
        self._open.discard(request)
        self._add(kind="failed", text=request.failure or "", **_request(request))

    def _response(self, response: "Response") -> None:
        self.last_at = time.monotonic()
        if response.status >= 400:
            self._add(kind="answer", status=response.status, **_request(response.request))

    def at(self, url: str, seconds: float, shot: str | None) -> dict[str, Any]:
        """Open the page, let it settle, and return what was seen; what went wrong on the way is a part of that."""
        from playwright.sync_api import Error

        seen: dict[str, Any] = {"url": url, "status": None, "overlay": "", "shot": False, "problem": "", "busy": False}
        try:
            answer = self.page.goto(url, wait_until="load", timeout=seconds * 1000)
            seen["status"] = answer.status if answer else None
        except Error as error:
            seen["problem"] = error.message
        try:
            seen["busy"] = bool(seen["problem"]) or not self._settle()
            seen["overlay"] = "" if seen["busy"] else self.page.evaluate(OVERLAY)[:TEXT]
        except Error as error:
            seen["problem"] = error.message
        seen["url"] = self.page.url
        patience = STUCK_SECONDS if seen["problem"] else SHOT_SECONDS
        seen["shot"] = bool(shot) and self._shoot(Path(str(shot)), patience)
        return {**seen, "events": self.events}

    def _settle(self) -> bool:
        from playwright.sync_api import TimeoutError as Late

        try:
            self.page.wait_for_function(IDLE, timeout=SETTLE * 1000)
        except Late:
            return False
        end = time.monotonic() + ANSWERS
        while (now := time.monotonic()) < end and (self._open or now < self.last_at + QUIET):
            self.page.wait_for_timeout(STEP_MS)
        return True

    def _shoot(self, path: Path, seconds: float) -> bool:
        from playwright.sync_api import Error

        part = path.with_name(f".{path.name}.part")
        try:
            part.write_bytes(self.page.screenshot(full_page=True, timeout=seconds * 1000, animations="disabled"))
            part.replace(path)
        except (Error, OSError):
            part.unlink(missing_ok=True)
            return False
        return True


def _request(request: "Request") -> dict[str, str]:
    return {"method": request.method, "url": request.url, "resource": request.resource_type}


def _thrown(error: Any) -> str:
    """Return `TypeError: message`; a plain Error says nothing by its name."""
    name = getattr(error, "name", None) or "Error"
    return str(error) if name == "Error" else f"{name}: {error}"


def _write(path: Path, value: Any) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value), encoding="utf-8")
    part.replace(path)


def _look_at_all(browser: "Browser", job: dict[str, Any]) -> None:
    for number, page in enumerate(job["pages"]):
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=False)
        pairs = (pair.partition("=") for pair in page["cookies"].split("; ") if pair)
        context.add_cookies([{"name": name, "value": value, "url": page["url"]} for name, _, value in pairs])
        seen = Look(context.new_page()).at(page["url"], job["seconds"], page["shot"])
        _write(Path(job["results"], f"{number}.json"), seen)
        context.close()


def main() -> None:
    """Do the job."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    try:
        from playwright.sync_api import Error, sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=job["browser"],
                args=job["arguments"],
                env=job["environment"],
                chromium_sandbox=os.geteuid() != 0,  # it cannot be had as root
            )
            _look_at_all(browser, job)
            browser.close()
    except (Error, ImportError, OSError) as error:
        _write(Path(job["results"], "failed.json"), {"error": str(getattr(error, "message", error))})
        sys.exit(1)


if __name__ == "__main__":
    main()
