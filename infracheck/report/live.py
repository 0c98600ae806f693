"""The one line that moves: who is being asked, what is waited for, and for how long."""

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, TextIO

from infracheck.model import Check
from infracheck.report.ink import Ink
from infracheck.report.layout import FAMILY
from infracheck.report.text import flat

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

PER_SECOND = 10


class Spinner:
    """A line on a terminal, redrawn by a thread of its own between `start` and `stop`, and then gone."""

    def __init__(self, err: TextIO, *, color: bool, width: int) -> None:
        self._err, self._color, self._width = err, color, width
        self._live: Live | None = None

    def load(self) -> None:
        """Import what drawing needs, which takes a tenth of a second."""
        import rich.live
        import rich.spinner
        import rich.table  # noqa: F401

    def start(self, check: Check, since: float, waiting: Callable[[], str]) -> None:
        """Draw until `stop`; `waiting` is asked for each picture."""
        from rich.console import Console
        from rich.live import Live
        from rich.spinner import Spinner as Dots
        from rich.table import Table
        from rich.text import Text

        ink = Ink(color=False, encoding=self._err.encoding)
        faint = "dim" if self._color else ""
        dots = Dots("line" if ink.plain else "dots", style="cyan" if self._color else "")

        def picture() -> "Table":
            # What is waited for comes first: where the line is too narrow, the title is what gives way.
            said = ink.say(flat(waiting()))
            text = Text.assemble(said, (ink.say(f" · {check.title}"), faint)) if said else Text(ink.say(check.title))
            line = Table.grid()
            line.width = min(self._width, console.width)
            line.add_column(width=FAMILY, no_wrap=True)
            line.add_column(width=2)
            line.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
            line.add_column(width=9, justify="right", no_wrap=True)
            clock = Text(f"{perf_counter() - since:.1f} s", faint)
            line.add_row(Text(ink.say(check.family), "bold" if self._color else ""), dots, text, clock)
            return line

        console = Console(file=self._err, force_terminal=True, no_color=not self._color, highlight=False, markup=False)
        self._live = Live(
            get_renderable=picture,
            console=console,
            transient=True,
            refresh_per_second=PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def stop(self) -> None:
        """Take the line away; harmless when there is none."""
        if self._live:
            self._live.stop()
            self._live.console.show_cursor(True)  # an interrupt may have cut an earlier stop short
            self._live = None
