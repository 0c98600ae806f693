"""Which reports of a run go where: one to standard output, any number to files."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Literal

from infracheck.errors import UsageError
from infracheck.evidence import RUN
from infracheck.model import Report
from infracheck.project.files import write_whole

if TYPE_CHECKING:
    from infracheck.report.terminal import Screen

FORMATS: Final = ("terminal", "markdown", "json")
PICTURED: Final = frozenset({"markdown"})  # those that can show pictures: their `render` takes links to them
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

    def finish(self, screen: "Screen", report: Report, root: Path | None = None) -> None:
        """Write the files, whole, then end what standard output shows.

        Args:
            root: the app's folder; pictures that findings name are copied from there beside the files that show them.
        """
        try:
            for name, path in self.files:
                shown = {"pictures": copied_pictures(report, root, path)} if root and name in PICTURED else {}
                write_whole(path, renderer(name)(report, **shown))
        finally:
            screen.close(report)
        if self.shown != "terminal":
            # Documents are UTF-8 wherever they go; the terminal's own report falls back to what its encoding has.
            sys.stdout.flush()
            sys.stdout.buffer.write(renderer(self.shown)(report).encode("utf-8", "replace"))
        sys.stdout.flush()


def copied_pictures(report: Report, root: Path, path: Path) -> dict[str, str]:
    """Copy the pictures of the evidence into FILE.files beside a report; return the link to each, by its `where`.

    One that cannot be copied stays a path in the report.
    """
    folder = path.with_name(f"{path.stem}.files")
    links: dict[str, str] = {}
    for finding in (finding for result in report.results for finding in result.findings):
        where = finding.where or ""
        if where in links or not where.startswith(f"{RUN.as_posix()}/") or not where.endswith(".png"):
            continue
        name = PurePosixPath(where).name
        if any(link.endswith(f"/{name}") for link in links.values()):
            name = where.removeprefix(f"{RUN.as_posix()}/").replace("/", "-")
        part = folder / f".{name}.part"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / where, part)
            part.replace(folder / name)
        except OSError:
            continue
        links[where] = f"{folder.name}/{name}"
    return links


def renderer(name: str) -> Callable[..., str]:
    """Return the function that makes a report's text in a format."""
    render: Callable[..., str] = import_module(f"infracheck.report.{name}").render
    return render
