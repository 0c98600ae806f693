"""The variables an app is expected to have, and the values it will see: the process first, then its env files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from infracheck.project import dotenv_next
from infracheck.project.envread import Dialect, Entry, EnvFile, read
from infracheck.project.optional import Mark, Mode, commented_out, marks
from infracheck.secret import PUBLIC_PREFIXES, SECRET_NAME, Secret

__all__ = ["Dialect", "Entry", "EnvFile", "Environment", "State", "Variable", "load", "load_order", "read"]

State = Literal["FILLED", "EMPTY", "MISSING"]
PROCESS: Final = "process environment"
_MODES: Final = {"execute-plan": "development", "deploy-check": "production"}
_DROPPED: Final = {
    "circular": "a variable there refers to itself, and Next.js then loads nothing from the file",
    "unusable-reference": "a reference there cannot be resolved, and Next.js then loads nothing from the file",
    "already-loaded": "__NEXT_PROCESSED_ENV is set, and Next.js then loads no env file",
}


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable as the app will see it: its value, and where that comes from."""

    name: str
    value: Secret
    state: State
    origin: str | None = None  # ".env.local:7" or "process environment"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file from which the framework loads nothing, and why."""

    path: Path
    line: int | None
    reason: str


@dataclass(frozen=True)
class Environment:
    """The variables an app will see: the process environment first, then its env files in order."""

    dialect: Dialect
    model: EnvFile | None  # the example
    expected: tuple[Entry, ...]  # of the example, each key once
    marks: Mapping[str, Mark]  # of the example: what makes a variable optional or required
    read: tuple[EnvFile, ...]  # the files that exist, the winning one first
    entries: Mapping[str, tuple[Path, Entry]]  # the winning assignment of each key; value after expansion
    dropped: tuple[Dropped, ...]
    process: Mapping[str, str]
    # What the process has and the framework changes: Next.js expands a variable of the process that a file names too.
    altered: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def example(self) -> Path | None:
        return self.model.path if self.model else None

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(one.path for one in self.read)

    def __getitem__(self, name: str) -> Variable:
        if name in self.process:
            text = self.altered.get(name, self.process[name])
            return Variable(name, Secret(text), "FILLED" if text.strip() else "EMPTY", PROCESS)
        if name not in self.entries:
            return Variable(name, Secret(""), "MISSING")
        path, entry = self.entries[name]
        filled: State = "FILLED" if entry.value.reveal().strip() else "EMPTY"
        return Variable(name, entry.value, filled, f"{path.name}:{entry.line}")

    def optional(self, name: str) -> Entry | None:
        """Return the entry of the example that marks a variable optional, its comment the words that do."""
        return next((entry for entry in self.expected if entry.key == name and entry.comment is not None), None)

    def expects(self, name: str) -> bool:
        return any(entry.key == name for entry in self.expected)

    def names(self) -> set[str]:
        """Return the names of all variables that came from a file or are named by the example."""
        return set(self.entries) | {entry.key for entry in self.expected}

    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """Yield every value that must not show: all of the files, and those of the process that look like secrets."""
        yield from ((name, entry.value) for name, (_, entry) in self.entries.items())
        for file in self.read:
            yield from file.secrets
        for name, value in self.process.items():
            if self.expects(name) or (SECRET_NAME.search(name) and not name.startswith(PUBLIC_PREFIXES)):
                yield name, Secret(value)

    def as_process(self) -> dict[str, str]:
        """Return the values of the files and of the process, merged as the framework merges them."""
        merged = {name: entry.value.reveal() for name, (_, entry) in self.entries.items()}
        return {**merged, **self.process, **self.altered}


def load_order(root: Path, stage: str, env_file: str | None) -> Iterator[Path]:
    """Yield the env files that exist, the winning one first (Next.js: nextjs.org/docs, environment variables)."""
    names = [env_file] if env_file else dotenv_next.file_names(_MODES.get(stage, "development"))
    yield from (root / name for name in names if (root / name).is_file())


def load(
    root: Path,
    *,
    stage: str,
    example: Path | None,
    env_file: str | None,
    process: Mapping[str, str],
    dialect: Dialect = "next",
    mode: Mode = "wide",
) -> Environment:
    """Read the example and the env files of the app in `root`.

    Args:
        dialect: how values are read: `next` (dotenv and @next/env) or `python` (python-dotenv).
        mode: which marks make a variable optional; see `optional.marks`.

    Raises:
        UsageError: a file cannot be opened, or is not UTF-8 where the dialect needs it.
    """
    files = tuple(read(path, dialect) for path in load_order(root, stage, env_file))
    entries, dropped, altered = _loaded(files, process) if dialect == "next" else (_python_values(files), (), {})
    model = read(example, dialect) if example else None
    expected, marked = _expected(model, mode) if model else ((), {})
    return Environment(dialect, model, expected, marked, files, entries, dropped, process, altered)


def _loaded(
    files: Sequence[EnvFile], process: Mapping[str, str]
) -> tuple[dict[str, tuple[Path, Entry]], tuple[Dropped, ...], Mapping[str, str]]:
    """Return the winning assignment of each key with its expanded value, the dropped files, and what is altered."""
    paths = {file.path.name: file.path for file in files}
    loaded = dotenv_next.load([(file.path.name, file.data) for file in files], process)
    entries = {}
    for key, origin in loaded.origins.items():
        entries[key] = (paths[origin.file], Entry(key, Secret(loaded.values[key]), origin.line))
    dropped = tuple(Dropped(paths[one.file], one.line, _DROPPED[one.reason]) for one in loaded.dropped)
    return entries, dropped, loaded.altered


def _python_values(files: Sequence[EnvFile]) -> dict[str, tuple[Path, Entry]]:
    from dotenv import dotenv_values

    found: dict[str, tuple[Path, Entry]] = {}
    for file in reversed(files):
        values = dotenv_values(file.path, interpolate=True)
        for entry in file.entries:
            if entry.assigned:
                value = values.get(entry.key)
                found[entry.key] = (file.path, entry if value is None else replace(entry, value=Secret(value)))
    return found


def _expected(example: EnvFile, mode: Mode) -> tuple[tuple[Entry, ...], Mapping[str, Mark]]:
    """Return the variables of an example, those that are optional with the comment that says so."""
    lines = example.lines
    found = marks(lines, [(entry.key, entry.line, not entry.value) for entry in example.entries], mode=mode)
    entries: dict[str, Entry] = {}
    for entry in example.entries:
        mark = found.get(entry.key)
        entries[entry.key] = replace(entry, comment=mark.comment if mark and mark.optional else None)
    for key, line in commented_out(lines).items() if mode == "wide" else ():
        mark = found.get(key)
        comment = None if mark and not mark.optional else (mark and mark.comment) or "commented out in the example"
        entries.setdefault(key, Entry(key, Secret(""), line, comment, assigned=False))
    return tuple(entries.values()), found
