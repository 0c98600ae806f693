"""The text of an SQL file without what is not SQL: data behind COPY, psql's commands, a migration's way back."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infracheck.errors import ClientError

COMMENTS: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_QUOTED: Final = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|(?P<dollar>\$(?:[^\W\d]\w*)?\$).*?(?P=dollar)", re.DOTALL
)
_DIALECTS: Final = (
    ("SQLite", re.compile(r"\bAUTOINCREMENT\b|^\s*PRAGMA\b|\bWITHOUT\s+ROWID\b", re.IGNORECASE | re.MULTILINE)),
    (
        "ClickHouse",
        re.compile(r"\bENGINE\s*=\s*\w*MergeTree\b|\bLowCardinality\s*\(|\bENGINE\s*=\s*(?:Log|Memory|Null)\b", re.I),
    ),
    (
        "MySQL",
        re.compile(r"\bAUTO_INCREMENT\b|\bENGINE\s*=|\bUNSIGNED\b|^\s*DELIMITER\b", re.IGNORECASE | re.MULTILINE),
    ),
    ("SQL Server", re.compile(r"\bNVARCHAR\b|\bIDENTITY\s*\(\s*\d|^\s*GO\s*$|\[dbo\]", re.IGNORECASE | re.MULTILINE)),
    ("MySQL or SQLite (backticks around names)", re.compile(r"`\w+`")),
)
# SQLite's own types parse as Postgres SQL, as types that no Postgres has.
_FOREIGN_TYPES: Final = re.compile(
    r"\b(?:DATETIME|TINYINT|MEDIUMINT|LONGTEXT|MEDIUMTEXT|NUMBER|NVARCHAR|UNIQUEIDENTIFIER|Nullable|DateTime64)\b",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(
    r"--[^\n]*|(?P<comment>/\*)"
    r"|\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\""
    r"|(?<![\w$])(?P<dollar>\$(?:[^\W\d]\w*)?\$).*?(?P=dollar)"
    r"|(?P<meta>\\[^\n]*)|(?P<end>;)",
    re.DOTALL,
)
_COMMENT_MARK: Final = re.compile(r"/\*|\*/")
_COPY: Final = re.compile(r"\bCOPY\s.*\bFROM\s+STDIN\b[^;]*;\Z", re.IGNORECASE | re.DOTALL)
_END_OF_DATA: Final = re.compile(r"^\\\.\r?$", re.MULTILINE)
INCLUDE: Final = re.compile(r"\\(ir|include_relative|i|include)\s+'?([^'\r]+?)'?\s*$")
CONDITIONAL: Final = re.compile(r"\\(?:if|elif|else)\b")
_SENT: Final = re.compile(r"\\g(?:exec|set|x)?\b")
# Migration tools keep both directions in one file: dbmate and goose mark them by comments.
_UP: Final = re.compile(r"^--\s*(?:migrate:up|\+goose\s+up)\b", re.IGNORECASE | re.MULTILINE)
_DOWN: Final = re.compile(r"^--\s*(?:migrate:down|\+goose\s+down)\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Command:
    """A backslash command of psql; `start` and `end` are places in the text from which it was taken out."""

    start: int
    end: int
    text: str


def read(path: Path, name: str) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        why = (error.strerror or "unreadable").lower()
        raise ClientError(f"{name} cannot be read: {why}", f"see that {path} is a readable file") from None
    encoding = "UTF-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ClientError(f"{name}:{line} is not UTF-8 text", f"save {name} as UTF-8") from None
    if encoding == "UTF-16":
        raise ClientError(f"{name} is UTF-16 text, which psql cannot apply", f"save {name} as UTF-8")
    if "\0" in text:  # the parser would take it for the end
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ClientError(f"{name}:{line} holds a NUL character", f"save {name} as plain UTF-8 text")
    return text


def only_up(text: str) -> str:
    """Blank the way back of a migration; lines keep their number."""
    marks = sorted([(m.start(), True) for m in _UP.finditer(text)] + [(m.start(), False) for m in _DOWN.finditer(text)])
    if not marks:
        return text
    parts = [text[: marks[0][0]]]
    for (start, up), (end, _) in zip(marks, [*marks[1:], (len(text), True)], strict=True):
        parts.append(text[start:end] if up else "\n" * text.count("\n", start, end))
    return "".join(parts)


def without_data(text: str) -> str:
    """Blank the rows behind each COPY ... FROM stdin; lines keep their number."""
    if not _END_OF_DATA.search(text):
        return text
    parts: list[str] = []
    done = statement = 0
    position = 0
    while token := _next(text, position):
        position = token.end()
        if token["end"]:
            if (data := _data_behind(text, statement, position)) is not None:
                parts += [text[done:position], "\n" * text.count("\n", position, data)]
                done = position = data
            statement = position
    return "".join(parts) + text[done:]


def without_commands(text: str) -> tuple[str, list[Command]]:
    """Blank psql's own commands; lines keep their number. Return, too, each command that decides what is run."""
    if "\\" not in text:
        return text, []
    parts: list[str] = []
    commands: list[Command] = []
    done = position = size = 0
    while token := _next(text, position):
        position = token.end()
        if token["meta"]:
            kept = ";" if _SENT.match(token["meta"]) else ""
            parts += [text[done : token.start()], kept]
            size += token.start() - done
            if _decides(token["meta"]):
                commands.append(Command(size, size + len(kept), token["meta"].rstrip("\r")))
            size += len(kept)
            done = position
    return "".join(parts) + text[done:], commands


def _next(text: str, position: int) -> "re.Match[str] | None":
    """Return the next `;` or command outside of comments and quotes."""
    while token := _TOKEN.search(text, position):
        if token["comment"]:
            position = _comment_end(text, token.end())
        elif token["meta"] or token["end"]:
            return token
        else:
            position = token.end()
    return None


def _comment_end(text: str, position: int) -> int:
    """Return where a comment ends: comments nest."""
    depth = 1
    while depth and (mark := _COMMENT_MARK.search(text, position)):
        depth += 1 if mark[0] == "/*" else -1
        position = mark.end()
    return position if not depth else len(text)


def _data_behind(text: str, start: int, end: int) -> int | None:
    """Return where the data behind a statement ends, None where it is no COPY ... FROM stdin."""
    if not _COPY.search(text, start, end):
        return None
    found = _END_OF_DATA.search(text, end)
    return found.end() if found else None


def _decides(command: str) -> bool:
    return bool(INCLUDE.match(command) or CONDITIONAL.match(command) or command.startswith("\\gexec"))


def foreign_dialect(text: str) -> str | None:
    """Return the name of the database that a text is written for, None where nothing speaks against Postgres."""
    bare = _QUOTED.sub("", text)
    return next((name for name, pattern in _DIALECTS if pattern.search(bare)), None)


def foreign_type(name: str) -> bool:
    """Tell whether a type is one of another database's, which Postgres's parser takes for a type of somebody's own."""
    return _FOREIGN_TYPES.fullmatch(name) is not None


def what(command: Command) -> str:
    """Say what a command does that is not followed."""
    if CONDITIONAL.match(command.text):
        return f"{command.text.split(maxsplit=1)[0]} decides what psql runs; all branches are read"
    return "runs what a query returns, which is not read"
