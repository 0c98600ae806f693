"""What is known about an env file once it is read: its assignments, its oddities, and what the process gets from it.

Fields that may hold a value, a piece of one or a comment are left out of `repr`, so that no traceback shows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Dialect = Literal[14, 15, 16]
"""A major version of Next.js."""
Quote = Literal["none", "single", "double", "backtick"]
Cause = Literal["hash", "dollar", "expanded", "nul", "circular"]
Kind = Literal[
    "bare-key",
    "bom",
    "control",
    "default-wins",
    "duplicate-key",
    "hash",
    "invisible",
    "next-line",
    "not-read",
    "not-utf8",
    "nul",
    "odd-key",
    "quoted-space",
    "smart-quote",
    "swallowed-lines",
    "unclosed-quote",
    "unquoted-lines",
    "utf16",
]


@dataclass(frozen=True, slots=True)
class Assignment:
    """One assignment, as the dialect reads it. Lines count from 1; CR LF, CR and LF each end one."""

    key: str
    raw: str = field(repr=False)  # what stands behind `=`, quotes and all, without a comment
    value: str = field(repr=False)  # parsed, before expansion
    quote: Quote  # "none" also where quotes were written and are kept as part of the value
    line: int
    end_line: int
    comment_above: str | None = field(repr=False)  # the comment lines right above, as written
    comment_inline: str | None = field(repr=False)  # as written; never what a `#` inside a value cuts off
    lost: int = 0  # characters from a `#` on that belong to the value for any reader but this dialect


@dataclass(frozen=True, slots=True)
class Problem:
    """One oddity of an env file. The message never quotes the file: even a key may be a piece of a secret."""

    line: int
    kind: Kind
    message: str


@dataclass(frozen=True, slots=True)
class Cut:
    """How a value that the app gets differs from what was written. Lengths are in characters, never the text."""

    written: int
    kept: int
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from."""

    file: str
    line: int


Reason = Literal["circular", "unusable-reference", "already-loaded"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file that contributes nothing, and why; `line` is that of the assignment that spoils it."""

    file: str
    reason: Reason
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What env files do to the environment of a process."""

    values: Mapping[str, str] = field(repr=False)  # what the process did not have before
    origins: Mapping[str, Origin]  # of each of these values: the assignment that won
    altered: Mapping[str, str] = field(repr=False)  # what the process had before, with another text now
    dropped: tuple[Dropped, ...]
