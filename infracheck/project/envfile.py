"""Env files as entries with their lines and comments, and the variables an app is expected to have."""

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from infracheck.errors import UsageError
from infracheck.secret import PUBLIC_PREFIXES, SECRET_NAME, Secret

State = Literal["FILLED", "EMPTY", "MISSING"]
OPTIONAL: Final = re.compile(r"^\W*\(?optional\b", re.IGNORECASE)
_MODES: Final = {"execute-plan": "development", "deploy-check": "production"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment of an env file."""

    key: str
    value: Secret
    line: int  # 1-based
    comment: str | None = None  # the line right above, or what follows on the same line, when it says optional

    @property
    def optional(self) -> bool:
        return self.comment is not None


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable as the app will see it: its value, and where that comes from."""

    name: str
    value: Secret
    state: State
    origin: str | None = None  # ".env.local:7" or "process environment"


def read(path: Path) -> list[Entry]:
    """Read an env file; of a key that is assigned twice both entries are returned, in order.

    Raises:
        UsageError: the file cannot be read as UTF-8 text.
    """
    from dotenv.parser import parse_stream

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is not UTF-8 text", hint=f"save {path.name} as UTF-8; nothing was run") from None
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}", hint="check the file's permissions") from None
    lines = text.splitlines()
    return [
        Entry(binding.key, Secret(binding.value or ""), line, _optional_mark(lines, line))
        for binding in parse_stream(io.StringIO(text))
        if binding.key
        for line in [_line_of(lines, binding.original.line, binding.key)]
    ]


def _line_of(lines: list[str], start: int, key: str) -> int:
    # The library's line is where the white space before an assignment begins.
    for number in range(start, len(lines) + 1):
        if re.match(rf"\s*(?:export\s+)?['\"]?{re.escape(key)}\b", lines[number - 1]):
            return number
    return start


def _optional_mark(lines: list[str], line: int) -> str | None:
    """Return the comment that marks the variable of a line optional: beside it, or right above it."""
    beside = lines[line - 1].partition(" #")[2]
    above = lines[line - 2].strip() if line >= 2 else ""
    for comment in (beside, above.removeprefix("#") if above.startswith("#") else ""):
        if OPTIONAL.match(comment.strip()):
            return comment.strip()
    return None


def load_order(root: Path, stage: str, env_file: str | None) -> Iterator[Path]:
    """Yield the env files that exist, the winning one first (Next.js: nextjs.org/docs, environment variables)."""
    mode = _MODES.get(stage, "development")
    names = [env_file] if env_file else [f".env.{mode}.local", ".env.local", f".env.{mode}", ".env"]
    yield from (root / name for name in names if (root / name).is_file())


@dataclass(frozen=True)
class Environment:
    """The variables an app will see: the process environment first, then its env files in order."""

    example: Path | None
    expected: tuple[Entry, ...]  # of the example, each key once
    files: tuple[Path, ...]
    entries: Mapping[str, tuple[Path, Entry]]  # the winning assignment of each key
    process: Mapping[str, str]

    def __getitem__(self, name: str) -> Variable:
        if name in self.process:
            value = Secret(self.process[name])
            return Variable(name, value, "FILLED" if self.process[name].strip() else "EMPTY", "process environment")
        if name not in self.entries:
            return Variable(name, Secret(""), "MISSING")
        path, entry = self.entries[name]
        filled: State = "FILLED" if entry.value.reveal().strip() else "EMPTY"
        return Variable(name, entry.value, filled, f"{path.name}:{entry.line}")

    def optional(self, name: str) -> Entry | None:
        """Return the entry of the example that marks a variable optional."""
        return next((entry for entry in self.expected if entry.key == name and entry.optional), None)

    def expects(self, name: str) -> bool:
        return any(entry.key == name for entry in self.expected)

    def names(self) -> set[str]:
        """Return the names of all variables that came from a file or are named by the example."""
        return set(self.entries) | {entry.key for entry in self.expected}

    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """Yield every value that must not show: all of the files, and those of the process that look like secrets."""
        yield from ((name, entry.value) for name, (_, entry) in self.entries.items())
        for name, value in self.process.items():
            if self.expects(name) or (SECRET_NAME.search(name) and not name.startswith(PUBLIC_PREFIXES)):
                yield name, Secret(value)

    def as_process(self) -> dict[str, str]:
        """Return the values of the files and of the process, merged as the framework merges them."""
        merged = {name: entry.value.reveal() for name, (_, entry) in self.entries.items()}
        return {**merged, **self.process}


def load(
    root: Path, *, stage: str, example: Path | None, env_file: str | None, process: Mapping[str, str]
) -> Environment:
    """Read the example and the env files of the app in `root`."""
    files = tuple(load_order(root, stage, env_file))
    entries: dict[str, tuple[Path, Entry]] = {}
    for path in reversed(files):
        entries.update({entry.key: (path, entry) for entry in read(path)})
    expected = {entry.key: entry for entry in read(example)} if example else {}
    return Environment(example, tuple(expected.values()), files, entries, process)
