"""What is known of a source file: the variables it reads, and what it gives other files to read variables with."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

How = Literal["process.env", "import.meta.env", "destructured", "schema", "helper", "os.environ"]
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_METHODS: Final = {"hasOwnProperty", "toString", "valueOf", "constructor"}


@dataclass(frozen=True, slots=True)
class Read:
    """One place where code reads an environment variable."""

    name: str
    path: Path
    line: int  # 1-based
    how: How
    has_default: bool = False  # `?? default`, a destructuring default, or a schema that lets the variable be absent
    client: bool = False  # the file begins with "use client"


@dataclass(frozen=True, slots=True)
class Note:
    """Something about the source that was not read, or not understood."""

    path: Path
    line: int | None  # 1-based
    text: str


@dataclass(frozen=True, slots=True)
class EnvObject:
    """A variable that holds the whole environment: `export const env = process.env`."""

    how: How


@dataclass(frozen=True, slots=True)
class Helper:
    """A function that reads the variable named by one of its arguments."""

    position: int
    default: bool | int  # whether it always has a default; a number: the position of the argument that is one


Exported = EnvObject | Helper
# From a module, as an import names it, to what it exports under a name; None for a module that is not of interest.
Lookup = Callable[[str], Callable[[str], Exported | None] | None]


@dataclass
class Module:
    """One file: its reads, and its top-level names that other files may read with."""

    path: Path
    client: bool = False
    reads: dict[Read, None] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    exports: dict[str, Exported] = field(default_factory=dict)
    forwards: dict[str, tuple[str, str]] = field(default_factory=dict)  # exported name -> (module, its name there)
    forwards_all: list[str] = field(default_factory=list)  # modules of `export * from "…"`

    def add(self, name: str, line: int, how: How, *, has_default: bool) -> None:
        if _NAME.fullmatch(name) and name not in _METHODS:
            self.reads[Read(name, self.path, line, how, has_default, self.client)] = None
