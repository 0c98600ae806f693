"""Which reports of a run go where: one to standard output, any number to files."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from infracheck.errors import UsageError
from infracheck.model import Report
from infracheck.project.files import write_whole

if TYPE_CHECKING:
    from infracheck.report.terminal import Screen

FORMATS: Final = ("terminal", "markdown", "json")
Color = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the user asked to see and to have written."""

    shown: str
    files: tuple[tuple[str, Path], ...]
    color: Color

    @classmethod
    def parse(cls, shown: str, wanted: Sequence[str], color: Color) -> "Outputs":
        """Read FORMAT=PATH words.

        Raises:
            UsageError: a word has another form, a format is unknown, or the path is a folder. Nothing ran.
        """
        files: list[tuple[str, Path]] = []
        for word in wanted:
            name, sign, path = word.partition("=")
            if not sign or not path or name not in FORMATS:
                hint = f"for instance: --output markdown=report.md; formats: {', '.join(FORMATS)}"
                raise UsageError(f"--output {word!r} is not FORMAT=PATH", hint=hint)
            if Path(path).is_dir():
                raise UsageError(f"--output {word!r}: {path} is a folder", hint="name a file")
            files.append((name, Path(path)))
        return cls(shown, tuple(files), color)

    def screen(self, header: Report, environ: Mapping[str, str]) -> "Screen":
        """Return what watches the run: progress on standard error, and the terminal report on standard output."""
        from infracheck.report.terminal import Screen, use_color

        result = sys.stdout if self.shown == "terminal" else open(os.devnull, "w")  # noqa: SIM115, PTH123
        live = sys.stderr.isatty() and not environ.get("CI") and environ.get("TERM") != "dumb"
        return Screen(
            header,
            out=result,
            err=sys.stderr,
            color=use_color(sys.stdout, self.color, environ),
            live=live,
        )

    def finish(self, screen: "Screen", report: Report) -> None:
        """Write the files, whole, then end what standard output shows."""
        try:
            for name, path in self.files:
                write_whole(path, renderer(name)(report))
        finally:
            screen.close(report)
        if self.shown != "terminal":
            # Documents are UTF-8 wherever they go; the terminal's own report falls back to what its encoding has.
            sys.stdout.flush()
            sys.stdout.buffer.write(renderer(self.shown)(report).encode("utf-8", "replace"))
        sys.stdout.flush()


def renderer(name: str) -> Callable[[Report], str]:
    """Return the function that makes a report's text in a format."""
    render: Callable[[Report], str] = import_module(f"infracheck.report.{name}").render
    return render
