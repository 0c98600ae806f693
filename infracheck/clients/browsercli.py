"""Looks at pages with a bare Chrome or Chromium, without Playwright: a picture, and what a page prints as it loads.

The browser prints messages without their level and requests not at all, so that only uncaught errors are told.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from infracheck.clients.browser import Browser, NoBrowser, Seen, Wanted

if TYPE_CHECKING:
    from infracheck.clients.process import Supervised

OPTIONS: Final = ("--headless", "--hide-scrollbars", "--enable-logging=stderr", "--window-size=1280,1600")
LOAD_SECONDS: Final = 30.0  # after which the browser takes the page as it is
MARGIN: Final = 20.0
_MESSAGE: Final = re.compile(
    r'INFO:CONSOLE[:(]\d+\)?\] "(?P<text>.*?)", source: (?P<url>\S*) \(\d+\)$', re.DOTALL | re.M
)
_UNCAUGHT: Final = re.compile(r"Uncaught (?:\(in promise\) )?(?:Error: )?")


def look(browser: Browser, folder: Path, pages: Sequence[Wanted]) -> list[Seen | None]:
    """Return what was seen of each page; None after the first that the browser could not take.

    Raises:
        NoBrowser: it could not even take the first one.
    """
    seen: list[Seen | None] = [None] * len(pages)
    for number, page in enumerate(pages):
        browser.say(page.url)
        picture = folder / f"{number}.png"
        printed = browser.run(
            _command(browser, folder, picture, page.url), folder, _environment(browser, folder), _in_time()
        )
        if not picture.is_file():
            if number == 0:
                last = "".join(f": {line}" for line in printed[-1:])
                raise NoBrowser(
                    f"{browser.program} takes no picture of {page.url}{last}",
                    "install playwright, which tells more, or name another Chrome or Chromium in [server] browser",
                )
            break
        seen[number] = Seen(page.url, None, tuple(_events(printed)), shot=_moved(picture, page.shot))
    return seen


def _command(browser: Browser, folder: Path, picture: Path, url: str) -> list[str]:
    own = [f"--user-data-dir={folder / 'profile'}", f"--timeout={LOAD_SECONDS * 1000:.0f}", f"--screenshot={picture}"]
    return [str(browser.program), *OPTIONS, *browser.arguments(), *own, url]


def _environment(browser: Browser, folder: Path) -> dict[str, str]:
    return browser.environment(folder)


def _in_time() -> "Callable[[Supervised], bool]":
    until = monotonic() + LOAD_SECONDS + MARGIN
    return lambda _: monotonic() < until


def _events(printed: Sequence[str]) -> Iterator[dict[str, Any]]:
    for found in _MESSAGE.finditer("\n".join(printed)):
        text = found["text"]
        uncaught = _UNCAUGHT.match(text)
        yield {"kind": "uncaught" if uncaught else "console", "text": text[uncaught.end() :] if uncaught else text}


def _moved(picture: Path, to: Path | None) -> Path | None:
    if to is None:
        return None
    try:
        part = to.with_name(f".{to.name}.part")
        part.write_bytes(picture.read_bytes())
        part.replace(to)
    except OSError:
        return None
    return to
