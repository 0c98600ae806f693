"""Which environment variables the app's own source reads, and where."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from os.path import normpath
from pathlib import Path
from typing import Final

from infracheck.project.source_env import EnvReads
from infracheck.project.source_files import COMPONENTS, MOST, SCRIPTS, is_client, load, walk
from infracheck.project.source_links import follow_imports, read_exports
from infracheck.project.source_model import Exported, Module, Note, Read
from infracheck.project.source_python import read_python
from infracheck.project.syntax import Syntax

__all__ = ["Note", "Read", "Scan", "reads", "scan"]

ROUNDS: Final = 5  # files a helper may be passed on through
# What a file must hold to read a variable by itself; parsing all files would take ten times as long.
_READS: Final = re.compile(
    rb"\benv\b|ProcessEnv|\b(?:createEnv|cleanEnv|customCleanEnv|parseEnv|envsafe)\b|\bexport\s*\*"
)
_WORDS: Final = (b"env", b"Env", b"export *", b"export*")  # in every match of the above; many times faster to find
_PYTHON: Final = re.compile(rb"\benviron\b|\bgetenv\b")
_ENDINGS: Final = (
    "",
    ".ts",
    ".tsx",
    ".js",
    ".jsx",
    ".mts",
    ".mjs",
    ".cts",
    ".cjs",
    "/index.ts",
    "/index.tsx",
    "/index.js",
)
_COMPILED: Final = re.compile(r"\.([cm]?)jsx?$")  # imported by the name it will have: ./env.js is env.ts


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in the source."""

    reads: tuple[Read, ...]  # by file and line
    notes: tuple[Note, ...]  # what was not read: large or minified files, computed names
    files: int  # source files looked at


def reads(root: Path) -> list[Read]:
    """Return every place where the app in `root` reads an environment variable; tests and dependencies apart."""
    return list(scan(root).reads)


def scan(root: Path) -> Scan:
    """Read the app's JavaScript and TypeScript, or its Python where there is no package.json."""
    return _Scanner(root).run()


class _Scanner:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._python = not (root / "package.json").is_file() and not (root / "deno.json").is_file()
        self._files: dict[str, Path] = {}
        self._paths: dict[tuple[Path, str], Path | None] = {}
        self._modules: dict[Path, Module] = {}
        self._notes: list[Note] = []

    def run(self) -> Scan:
        suffixes = SCRIPTS | COMPONENTS | ({".py"} if self._python else frozenset())
        for path in walk(self._root, frozenset(suffixes)):
            if len(self._files) >= MOST:
                self._notes.append(Note(self._root, None, f"only the first {MOST} source files were read"))
                break
            self._files[str(path)] = path
        for path in self._files.values():
            self._first(path)
        self._pass_on()
        modules = [self._modules[path] for path in sorted(self._modules)]
        found = [read for module in modules for read in sorted(module.reads, key=lambda read: (read.line, read.name))]
        notes = [*self._notes, *(note for module in modules for note in module.notes)]
        return Scan(tuple(found), tuple(notes), len(self._files))

    def _first(self, path: Path) -> None:
        data = load(path)
        if isinstance(data, Note):
            self._notes.append(data)
        elif data and path.suffix == ".py":
            if _PYTHON.search(data):
                self._modules[path] = Module(path)
                read_python(data, self._modules[path])
        elif data and any(word in data for word in _WORDS) and _READS.search(data):
            self._modules[path] = self._parse(path, data)

    def _pass_on(self) -> None:
        """Read the files that use what another one exports, until no file exports anything new."""
        known: set[tuple[Path, str]] = set()
        for _ in range(ROUNDS):
            exported = {(path, name) for path, module in self._modules.items() for name in self._offered(module)}
            if exported <= known:
                return
            words = _mentions(exported - known)
            whole = re.compile(rb"\b(?:" + b"|".join(map(re.escape, words)) + rb")\b")
            known |= exported
            for path in self._files.values():
                data = load(path) if path.suffix != ".py" else None
                if isinstance(data, bytes) and any(word in data for word in words) and whole.search(data):
                    self._modules[path] = self._parse(path, data)

    def _offered(self, module: Module) -> Iterator[str]:
        """Yield the names that a module exports itself, and those that it passes on from others under its own names."""
        yield from module.exports
        yield from (name for name in module.forwards if self._resolve(module, name))

    def _parse(self, path: Path, data: bytes) -> Module:
        module = Module(path, is_client(data))
        syntax = Syntax(path, data)
        found = EnvReads(syntax, module)
        found.find()
        follow_imports(syntax, module, found, lambda name: self._exports(path, name))
        read_exports(syntax, module)
        return module

    def _exports(self, importer: Path, name: str) -> Callable[[str], Exported | None] | None:
        """Return what to ask for the exports of a module; None for packages and for files without any of interest."""
        path = self._path(importer.parent, name)
        module = self._modules.get(path) if path else None
        return partial(self._resolve, module) if module else None

    def _resolve(self, module: Module, what: str, depth: int = 0) -> Exported | None:
        """Return what a module exports under a name, looking through files that only pass it on."""
        if what in module.exports or depth > ROUNDS:
            return module.exports.get(what)
        forwards = (
            [module.forwards[what]] if what in module.forwards else [(name, what) for name in module.forwards_all]
        )
        for name, outward in forwards:
            path = self._path(module.path.parent, name)
            other = self._modules.get(path) if path else None
            if other and (found := self._resolve(other, outward, depth + 1)):
                return found
        return None

    def _path(self, folder: Path, name: str) -> Path | None:
        """Return the file an import names: relative, or `@/…` and `~/…` for the app's folder or its `src`."""
        if not name.startswith((".", "@/", "~/")):
            return None
        if (folder, name) not in self._paths:
            inside = [folder] if name.startswith(".") else [self._root, self._root / "src"]
            bases = [normpath(base / name.removeprefix("@/").removeprefix("~/")) for base in inside]
            stems = [stem for base in bases for stem in (base, _COMPILED.sub("", base))]
            found = (self._files.get(f"{stem}{ending}") for stem in stems for ending in _ENDINGS)
            self._paths[folder, name] = next(filter(None, found), None)
        return self._paths[folder, name]


def _mentions(exported: Iterable[tuple[Path, str]]) -> list[bytes]:
    """Return words of which each file that uses an export holds one: its name, or its file where it is renamed."""
    words: set[str] = set()
    for path, name in exported:
        if name != "default":
            words.add(name.split(".")[0])
        if name == "default" or "." in name:
            words.add(path.parent.name if path.stem == "index" else path.stem)
    return [word.encode() for word in sorted(words)]
