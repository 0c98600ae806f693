"""Files that a framework rewrites while its dev server runs: remembered before, put back afterwards.

Only what the framework itself is known to have written is put back, by its own words in the log or in the file: an
edit that somebody made while the gate ran stays.
"""

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_INSTALLED = re.compile(r"^Installing (?:dev)?[dD]ependencies", re.MULTILINE)
IN_LOG: Final = {
    "tsconfig.json": re.compile(r"(?:reconfigured|created) (?:your|a) tsconfig\.json"),
    "AGENTS.md": re.compile(r"(?:Generated|Removed)\b[^\n]* AGENTS\.md"),
    "package.json": _INSTALLED,
    "package-lock.json": _INSTALLED,
    "pnpm-lock.yaml": _INSTALLED,
    "yarn.lock": _INSTALLED,
}
IN_FILE: Final = {"next-env.d.ts": b"This file should not be edited"}


@dataclass(frozen=True, slots=True)
class Restored:
    """Names of the files that were put back, and of those that could not be, with the reason."""

    files: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


class Remembered:
    """The files of an app as they were; None stands for a file that was not there."""

    def __init__(self, root: Path) -> None:
        self._before = {root / name: _File.read(root / name) for name in (*IN_LOG, *IN_FILE)}

    def restore(self, log: str) -> Restored:
        """Put back what the framework changed, each file whole or not at all."""
        done: list[str] = []
        failed: list[tuple[str, str]] = []
        for path in self._changed(log):
            try:
                _put_back(path, self._before[path])
                done.append(path.name)
            except OSError as error:
                failed.append((path.name, error.strerror or type(error).__name__))
        return Restored(tuple(done), tuple(failed))

    def _changed(self, log: str) -> Iterator[Path]:
        for path, before in self._before.items():
            now = _File.read(path)
            if now == before:
                continue
            marked = now and path.name in IN_FILE and IN_FILE[path.name] in now.content
            if marked or (path.name in IN_LOG and IN_LOG[path.name].search(log)):
                yield path


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    mode: int = field(compare=False)

    @classmethod
    def read(cls, path: Path) -> "_File | None":
        try:
            return cls(path.read_bytes(), path.stat().st_mode & 0o777)
        except OSError:
            return None


def _put_back(path: Path, before: _File | None) -> None:
    if before is None:
        path.unlink()
        return
    target = path.resolve()  # a link stays a link
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(before.content)
        Path(temporary).chmod(before.mode)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
