"""Env files as entries with their lines and comments, and the variables an app is expected to have."""

import io
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from infracheck.errors import UsageError
from infracheck.secret import PUBLIC_PREFIXES, SECRET_NAME, Secret

State = Literal["FILLED", "EMPTY", "MISSING"]
OPTIONAL: Final = re.compile(r"^\W*optional\b|\(optional\b", re.IGNORECASE)
# "Optional in development, required in production" marks nothing optional; "optional: required only for X" does.
REQUIRED: Final = re.compile(r"\b(?:required|mandatory)\b(?!\s+(?:only|if|when|for|unless)\b)", re.IGNORECASE)
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_ASSIGNMENT: Final = re.compile(rf"\s*(?:export\s+)?({_NAME})\s*=\s*(.*)")
_COMMENTED_OUT: Final = re.compile(r"#+\s*(?:export\s+)?[A-Z_][A-Z0-9_]*\s*=")
_NEWLINE: Final = re.compile(r"\r\n|\n|\r")
_BESIDE: Final = re.compile(
    r"""=(?:[^\S\r\n]+(?=\#)|[^\S\r\n]*(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|.*?(?=\s\#|$)))(.*)""", re.DOTALL
)
_MODES: Final = {"execute-plan": "development", "deploy-check": "production"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One assignment of an env file."""

    key: str
    value: Secret
    line: int  # 1-based
    comment: str | None = None  # beside it or in the lines right above, when it says optional
    assigned: bool = True  # False for a bare name without `=`, which sets nothing

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
    lines = _NEWLINE.split(text)
    ends = [match.start() for match in _NEWLINE.finditer(text)]
    found: list[Entry] = []
    position = 0  # the library's own line numbers count the white space before, and may count `\r\n` twice
    for binding in parse_stream(io.StringIO(text, newline="")):
        original = binding.original.string
        line = bisect_left(ends, position + len(original) - len(original.lstrip())) + 1
        position += len(original)
        if binding.error:
            found += _unreadable(original.lstrip(), line)
        elif binding.key and (binding.value is not None or re.fullmatch(r"[A-Z_][A-Z0-9_]*", binding.key)):
            comment = _optional_mark(_beside(original), lines[: line - 1])
            found.append(Entry(binding.key, Secret(binding.value or ""), line, comment, binding.value is not None))
    return found


def _unreadable(original: str, start: int) -> list[Entry]:
    # A quote that is never closed swallows the lines after it here, but not in Node's readers.
    numbered = enumerate(_NEWLINE.split(original), start)
    matches = ((line, match) for line, text in numbered if (match := _ASSIGNMENT.match(text)))
    return [Entry(match[1], Secret(match[2].strip()), line) for line, match in matches]


def _beside(original: str) -> str:
    """Return the comment behind a value; a `#` inside of quotes begins none."""
    match = _BESIDE.search(original.rstrip())
    return match[1].strip().removeprefix("#").strip() if match else ""


def _optional_mark(beside: str, before: list[str]) -> str | None:
    """Return the comment that marks a variable optional: beside it, or in the comments that end right above it."""
    above = []
    for line in reversed(before):
        text = line.strip()
        if not text.startswith("#") or _COMMENTED_OUT.match(text):
            break  # a comment above an assignment that is commented out speaks of that one
        above.append(text.lstrip("#").strip())
    for comment in (beside, *above):
        if OPTIONAL.search(comment):
            return None if REQUIRED.search(comment) else comment
        if REQUIRED.match(comment):
            return None
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
        entries.update({entry.key: (path, entry) for entry in read(path) if entry.assigned})
    expected = {entry.key: entry for entry in read(example)} if example else {}
    return Environment(example, tuple(expected.values()), files, entries, process)
