"""The report on a terminal: `render` as one text, `Screen` line by line while the gate runs."""

import shutil
import threading
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal, TextIO

from infracheck.model import Check, Report, Result
from infracheck.report.ink import Ink
from infracheck.report.layout import Layout
from infracheck.report.live import Spinner

if TYPE_CHECKING:
    from infracheck.runner import Event

SPIN_AFTER: Final = 0.2  # seconds: what is quicker needs no spinner, and never loads rich
SLOW_AFTER: Final = 10.0  # seconds, where nothing may move
NARROWEST, WIDEST = 60, 120  # columns
Flag = Literal["auto", "always", "never"]


def render(report: Report, *, width: int = 100, color: bool = False) -> str:
    """Return the whole report as it stands on a terminal after the run."""
    layout = Layout(_fitting(width), Ink(color=color))
    lines = layout.header(report)
    for result in report.results:
        lines += layout.result(result)
    return "".join(f"{line}\n" for line in [*lines, *layout.end(report)])


def use_color(stream: TextIO, flag: Flag, environ: Mapping[str, str]) -> bool:
    """Tell whether a stream gets colour: flag, then FORCE_COLOR and CLICOLOR_FORCE, NO_COLOR, TERM, then the stream."""
    if flag != "auto":
        return flag == "always"
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        if value := environ.get(name):
            return value.lower() not in {"0", "false"}
    if environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


class Screen:
    """Watches a run: each line appears on `out` when its check has finished, what is being waited for on `err`.

    What stands on `out` in the end is what `render` returns.
    """

    def __init__(
        self, header: Report, *, out: TextIO, err: TextIO, color: bool, live: bool, width: int | None = None
    ) -> None:
        """Show what is judged.

        Args:
            header: the report before its first result.
            live: a spinner may move on `err`; without it a slow check is announced once, in a plain line.
            width: columns; None takes the terminal's.
        """
        self._out, self._err, self._live = out, err, live
        self._width = _fitting(width or shutil.get_terminal_size((100, 24)).columns)
        self._layout = Layout(self._width, Ink(color=color, encoding=out.encoding))
        self._spinner = Spinner(err, color=color, width=self._width)
        self._shown = 0
        self._closed = False
        self._lock = threading.Lock()  # between the run and the timer
        self._asked: Check | None = None
        self._timer: threading.Timer | None = None
        self._thread = threading.get_ident()
        self._own = self._other = ""  # what the check said it waits for; what a head start said
        self._print(self._layout.header(header))

    def show(self, event: "Event") -> None:
        """Hear that a check started or finished."""
        # Told apart by what they hold: a report knows outcomes, not the runner.
        result: Result | None = getattr(event, "result", None)
        check: Check | None = getattr(event, "check", None)
        self._rest()
        if result:
            self._shown += 1
            self._print(self._layout.result(result))
        elif check:
            self._ask(check)

    def tell(self, text: str) -> None:
        """Hear what is being waited for; may be called from any thread."""
        if threading.get_ident() == self._thread:
            self._own = text
        else:
            self._other = text

    def close(self, report: Report) -> None:
        """Show what has not been shown yet, the verdict and the next step; a second call does nothing."""
        self._rest()
        if self._closed:
            return
        self._closed = True
        for result in report.results[self._shown :]:
            self._print(self._layout.result(result))
        self._print(self._layout.end(report))

    def _print(self, lines: Sequence[str]) -> None:
        if lines:
            self._out.write("".join(f"{line}\n" for line in lines))
            self._out.flush()

    # -- waiting

    def _ask(self, check: Check) -> None:
        self._own = ""
        self._thread = threading.get_ident()
        self._asked = check
        self._timer = threading.Timer(SPIN_AFTER if self._live else SLOW_AFTER, self._wait, [check, perf_counter()])
        self._timer.daemon = True
        self._timer.start()

    def _rest(self) -> None:
        if self._timer:
            self._timer.cancel()
        with self._lock:
            self._asked = None
            self._spinner.stop()

    def _wait(self, check: Check, since: float) -> None:
        if self._live:
            self._spinner.load()
        with self._lock:
            if self._asked is not check:
                return
            if self._live:
                self._spinner.start(check, since, lambda: self._waiting(check))
            else:
                waiting = self._waiting(check)
                said = f"{check.id} has taken {perf_counter() - since:.0f} s so far{': ' * bool(waiting)}{waiting}"
                self._err.write(Ink(color=False, encoding=self._err.encoding).say(said) + "\n")
                self._err.flush()

    def _waiting(self, check: Check) -> str:
        # What another thread waits for concerns this check only if its own work was begun in one.
        return self._own or (self._other if check.starts else "")


def _fitting(width: int) -> int:
    return max(NARROWEST, min(WIDEST, width))
