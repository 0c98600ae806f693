"""Env files as Next.js reads them: the grammar of dotenv 16.3.1, bundled in @next/env 14, 15 and 16, and its loading.

The three versions read the same text the same way; they differ in which files they open (`opens`). Next.js 13 does not
follow these rules: it has dotenv 10, which reads line by line (NEXT_13).
"""

import re
import stat
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from infracheck.project.dotenv_entry import Assignment, Dialect, Dropped, Loaded, Origin, Quote, Reason
from infracheck.project.dotenv_expand import INHERITED, CircularReference, NothingLoaded, expand, is_index

NEXT_13: Final = (
    "Next.js 13 reads env files with dotenv 10: `#` does not cut a value and `# …` behind one belongs to it,"
    " values never span lines, backticks are kept, `KEY: value` and a key behind `export ` are not read"
)

# JavaScript's \s, which is also what trim() takes away: Unicode spaces, and the byte order mark too.
SPACES: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_LINE_ENDS: Final = "\n\r\u2028\u2029"
_S: Final = f"[{SPACES}]"
_START: Final = rf"(?:\A|(?<=[{_LINE_ENDS}]))"
_END: Final = rf"(?=[{_LINE_ENDS}]|\Z)"
_BLANK: Final = re.compile(rf"{_S}*")
_LINE: Final = re.compile(
    rf"(?:export{_S}+)?(?P<key>[A-Za-z0-9_.-]+)(?P<sep>{_S}*={_S}*?|:{_S}+?)"
    rf"""(?P<value>{_S}*'(?:\\'|[^'])*'|{_S}*"(?:\\"|[^"])*"|{_S}*`(?:\\`|[^`])*`|[^#\r\n]+)?"""
    rf"{_S}*(?:#[^{_LINE_ENDS}]*)?{_END}"
)
_QUOTED: Final = re.compile(rf"{_START}(['\"`])([\s\S]*)\1{_END}")
_QUOTES: Final[Mapping[str, Quote]] = {"'": "single", '"': "double", "`": "backtick"}
_MARK: Final = "__NEXT_PROCESSED_ENV"


def file_names(mode: str) -> tuple[str, ...]:
    """Return the names of the env files of a mode (`development`, `production` or `test`), the winning one first."""
    local = () if mode == "test" else (".env.local",)
    return (f".env.{mode}.local", *local, f".env.{mode}", ".env")


def opens(st_mode: int, dialect: Dialect) -> bool:
    """Tell from a path's `st_mode` whether Next.js opens it: regular files, since 15.1 named pipes too."""
    return stat.S_ISREG(st_mode) or (dialect >= 15 and stat.S_ISFIFO(st_mode))


def decode(data: bytes) -> str:
    """Return the text Node sees: invalid UTF-8 becomes U+FFFD, a byte order mark stays, every line ends in LF."""
    return data.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def parse(text: str) -> list[Assignment]:
    """Return the assignments of an env file in order; of a key that is assigned twice, the last one counts."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    page = _Page(text, [0, *(match.end() for match in re.finditer("\n", text))])
    found: list[Assignment] = []
    for match in _matches(text):
        found.append(_assignment(page, match, found[-1].end_line if found else 0))
    return found


def _matches(text: str) -> Iterator[re.Match[str]]:
    """Yield what a global, multi-line search for the grammar finds, without its quadratic walk over blank lines."""
    position = 0
    for start in (0, *(match.end() for match in re.finditer(f"[{_LINE_ENDS}]", text))):
        if start < position:
            continue
        key = _BLANK.match(text, start).end()  # type: ignore[union-attr]  # matches everywhere
        match = _LINE.match(text, key)
        # A match may stop in front of blank lines; those before a key that fails would only lead to that key again.
        position = match.end() if match else key + 1
        if match:
            yield match


@dataclass(frozen=True, slots=True)
class _Page:
    text: str
    starts: list[int]  # of each line

    def line(self, position: int) -> int:
        return bisect_right(self.starts, position)

    def end_of_line(self, position: int) -> int:
        end = self.text.find("\n", position)
        return len(self.text) if end < 0 else end

    def comment_above(self, line: int, after: int) -> str | None:
        """Return the comment lines right above `line`, none of which may lie in an assignment that ends at `after`."""
        first = line
        while first - 1 > after and self.written(first - 1).startswith("#"):
            first -= 1
        return "\n".join(self.written(number) for number in range(first, line)) or None

    def written(self, line: int) -> str:
        start = self.starts[line - 1]
        return self.text[start : self.end_of_line(start)].strip(SPACES)


def _assignment(page: _Page, match: re.Match[str], after: int) -> Assignment:
    line = page.line(match.start("key"))
    written = (match["value"] or "").strip(SPACES)
    if written:
        start = match.start("value") + match["value"].index(written)
        end = start + len(written)
    else:
        start = end = match.start("sep") + len(match["sep"].rstrip(SPACES))
    rest = page.text[end : page.end_of_line(end)]
    value, quote = _unquoted(written)
    lost = _lost(rest, quote, written)
    beside = rest.strip(SPACES)
    return Assignment(
        key=match["key"],
        raw=(written + rest).rstrip(SPACES) if lost else written,
        value=value,
        quote=quote,
        line=line,
        end_line=max(line, page.line(max(end - 1, 0))),
        comment_above=page.comment_above(line, after),
        comment_inline=beside if beside.startswith("#") and not lost else None,
        lost=lost,
    )


def _unquoted(written: str) -> tuple[str, Quote]:
    """Return the value behind what is written, and which quotes were taken away."""
    first = written[:1]
    quote: Quote = "none"
    value = written
    if first in _QUOTES and len(written) > 1 and written[-1] == first:
        value, quote = written[1:-1], _QUOTES[first]
    elif any(end in written for end in _LINE_ENDS):
        value = _QUOTED.sub(r"\2", written)
    if first == '"':
        value = value.replace("\\n", "\n").replace("\\r", "\r")
    return value, quote


def _lost(rest: str, quote: Quote, written: str) -> int:
    """Return how many characters a `#` cuts off that a reader would take for a part of the value.

    They are that where the `#` touches what stands before it, and behind a quote that is never closed.
    """
    if quote != "none" or not rest.strip(SPACES).startswith("#"):
        return 0
    unclosed = written[:1] in _QUOTES and written.count(written[0]) == 1
    return len(rest.rstrip(SPACES)) if unclosed or rest.startswith("#") else 0


def load(files: Iterable[tuple[str, bytes]], process: Mapping[str, str]) -> Loaded:
    """Return what `process.env` gets from env files, the winning file first, as `loadEnvConfig` loads them.

    Args:
        files: name and contents of each file that exists, in the order of `file_names`.
        process: the environment that Next.js is started with.
    """
    files = list(files)
    if process.get(_MARK):
        return Loaded({}, {}, {}, tuple(Dropped(name, "already-loaded") for name, _ in files))
    env = {**process, _MARK: "true"} if files else dict(process)
    first: dict[str, tuple[str, Origin]] = {}
    dropped: list[Dropped] = []
    for name, data in files:
        assignments = parse(decode(data))
        lines = {assignment.key: assignment.line for assignment in assignments}
        try:
            expanded = expand({assignment.key: assignment.value for assignment in assignments}, env)
        except NothingLoaded as error:
            reason: Reason = "circular" if isinstance(error, CircularReference) else "unusable-reference"
            dropped.append(Dropped(name, reason, lines[error.key]))
            continue
        for key, value in expanded.items():
            # The environment of a process ends a value at NUL; array indices never get that far.
            env[key] = value if is_index(key) else value.partition("\0")[0]
            if key not in process:
                first.setdefault(key, (env[key], Origin(name, lines[key])))
    values = {key: value for key, (value, _) in first.items()}
    # Next.js finds these names set already, in every JavaScript object, and so never restores the winner's text.
    values |= {key: env[key] for key in INHERITED & values.keys()}
    return Loaded(
        values=values,
        origins={key: origin for key, (_, origin) in first.items()},
        altered={key: env[key] for key in process if env[key] != process[key]},
        dropped=tuple(dropped),
    )
