"""Which files are the app's own source, and their text ready for a parser."""

import os
import re
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePath
from typing import Final

from infracheck.project.gitfiles import source_files
from infracheck.project.source_model import Note

LARGEST: Final = 1 << 20  # bytes; people do not write larger source files, bundlers do
LONGEST_LINE: Final = 20_000  # characters; a minified file holds other people's code
MOST: Final = 50_000  # files
SCRIPTS: Final = frozenset({".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".cts"})
COMPONENTS: Final = frozenset({".vue", ".svelte", ".astro"})  # only their scripts are read, not their markup

_DEPENDENCIES: Final = {
    "node_modules",
    ".git",
    ".yarn",
    ".venv",
    "venv",
    "site-packages",
    "__pycache__",
    "bower_components",
}
# A page may be called /build or /tests, so these count only beside a package.json or outside of a routes folder.
_OUTPUT: Final = {"dist", "build", "coverage", "out", "storybook-static"}
_TESTS: Final = {"tests", "test", "e2e", "cypress", "playwright"}
_ALWAYS_TESTS: Final = {"__tests__", "__mocks__", "__fixtures__"}
_ROUTES: Final = {"app", "pages", "routes"}
_NOT_SOURCE: Final = re.compile(
    r".*\.(?:test|spec|stories|story|cy|e2e|min)\.\w+|.*\.d\.[cm]?ts|test_.*\.py|.*_test\.py|conftest\.py"
    r"|(?:playwright|vitest|jest|cypress)\.(?:config|setup|workspace)\..*"
)
_SCRIPT: Final = re.compile(rb"<script\b[^>]*>(.*?)</script\s*>", re.DOTALL | re.IGNORECASE)
_FRONT_MATTER: Final = re.compile(rb"\A\s*---\r?\n(.*?)^---\s*$", re.DOTALL | re.MULTILINE)
_CLIENT: Final = re.compile(
    rb"""(?>\xef\xbb\xbf)?(?:\s|//[^\n]*\n|/\*.*?\*/|(?:"use strict"|'use strict');?)*+(?:"use client"|'use client')""",
    re.DOTALL,
)


def walk(root: Path, suffixes: frozenset[str]) -> Iterator[Path]:
    """Yield the app's source files below `root`, sorted: those git tracks or would track, outside git all."""
    listed = source_files(root)
    paths = iter(listed) if listed is not None else _everything(root)
    is_package = cache(lambda folder: (root / folder / "package.json").is_file())

    def own(path: Path) -> bool:
        folders = PurePath(path.relative_to(root)).parts[:-1]
        if _NOT_SOURCE.fullmatch(path.name):
            return False
        return not any(
            _foreign(folders[: depth + 1], in_package=is_package("/".join(folders[:depth])))
            for depth in range(len(folders))
        )

    yield from sorted(path for path in paths if path.suffix in suffixes and own(path))


def _foreign(folders: tuple[str, ...], *, in_package: bool) -> bool:
    """Tell whether the last of nested folders holds something else than the app's source."""
    *above, name = folders
    if name in _DEPENDENCIES or name in _ALWAYS_TESTS or (name.startswith(".") and name != ".storybook"):
        return True
    if name in _OUTPUT:
        return in_package or not above
    return name in _TESTS and (in_package or not _ROUTES & set(above))


def _everything(root: Path) -> Iterator[Path]:
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name not in _DEPENDENCIES and not name.startswith(".")]
        yield from (Path(folder, name) for name in names)


def load(path: Path) -> bytes | Note | None:
    """Return a file's source, a Note when it is too large or nobody's writing, None when it is no readable file.

    Of a component file only the scripts are kept, at their lines and columns.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            return None
        if state.st_size > LARGEST:
            return Note(path, None, f"not read: {state.st_size / (1 << 20):.1f} MB")
        data = path.read_bytes()
    except OSError as error:
        return Note(path, None, f"not read: {error.strerror}")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", errors="replace").encode()
    if b"\0" in data:
        return None
    if len(data) > LONGEST_LINE and max(map(len, data.split(b"\n"))) > LONGEST_LINE:
        return Note(path, None, "not read: minified")
    return _scripts(path, data) if path.suffix in COMPONENTS else data


def _scripts(path: Path, data: bytes) -> bytes:
    """Return a component file with blanks for all that is not script, so that lines stay where they are."""
    spans = [match.span(1) for match in _SCRIPT.finditer(data)]
    if path.suffix == ".astro" and (front := _FRONT_MATTER.match(data)):
        spans.insert(0, front.span(1))
    kept, end = b"", 0
    for start, stop in spans:
        if start >= end:
            kept += re.sub(rb"[^\n]", b" ", data[end:start]) + data[start:stop]
            end = stop
    return kept


def is_client(data: bytes) -> bool:
    """Tell whether a file begins with the directive "use client": its code is sent to browsers."""
    return _CLIENT.match(data) is not None
