"""How the start of a dev server went, with its evidence."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["fail", "warn", "info"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of evidence, in the order in which reports show it; `where` is file:line relative to the app."""

    label: str
    state: str
    where: str | None = None
    note: str = ""
    level: Level = "fail"


@dataclass(frozen=True, slots=True)
class Refused:
    """Why it is not up, with the way out."""

    summary: str
    remedy: str
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Boot:
    """How it went: `url` has no path, `remedy` is empty when it is ok, `seconds` counts from the command's start.

    `unclear`: it is not ok, and whether it would be could not be told.
    """

    ok: bool
    url: str
    summary: str
    remedy: str = ""
    rows: tuple[Row, ...] = ()
    seconds: float = 0.0
    log_tail: tuple[str, ...] = ()
    unclear: bool = False
