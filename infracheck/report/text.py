"""Text measured in terminal cells: how wide it is, and how it wraps without losing a word."""

import re
import unicodedata

_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_WIDE = (
    "\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60"
    "\U0001f300-\U0001faff\U00020000-\U0003ffff"
)
# A line may break at white space and beside a wide character; a short `code span` and any other run stays whole.
_PIECE = re.compile(rf"\s+|(?:`[^`\n{_WIDE}]{{1,30}}`|[^\s{_WIDE}])+|.")


def showable(text: str) -> str:
    """Return the text without what would break a line or an encoder: control and bidi characters, lone surrogates."""
    return _UNSHOWABLE.sub("\ufffd", text)


def flat(text: str) -> str:
    """Return the text on one line, with single spaces."""
    return " ".join(text.split())


def cells(text: str) -> int:
    """Return how many terminal columns the text takes."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def _cell(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def pad(text: str, width: int) -> str:
    """Return the text filled with spaces to a number of columns."""
    return text + " " * (width - cells(text))


def longest_piece(text: str) -> int:
    """Return the width of the longest run of characters at which no line may break."""
    return max((cells(piece) for piece in _PIECE.findall(text) if not piece.isspace()), default=0)


def wrap(text: str, room: int) -> list[str]:
    """Return the text in lines of at most `room` columns; at least one line.

    A word longer than the room stays whole and sticks out: paths, URLs and tokens are there to be copied.
    """
    lines = [line for part in text.expandtabs(4).split("\n") for line in _wrapped(part.rstrip(), room)]
    while len(lines) > 1 and not lines[-1]:
        lines.pop()
    while len(lines) > 1 and not lines[0]:
        lines.pop(0)
    return lines


def hanging(prefix: str, text: str, width: int) -> list[str]:
    """Return the text behind a prefix, its further lines below its first."""
    start = cells(prefix)
    first, *more = wrap(text, width - start)
    return [(prefix + first).rstrip(), *(" " * start + line for line in more)]


def _wrapped(text: str, room: int) -> list[str]:
    lines: list[str] = []
    line, used = "", 0
    for piece in _PIECE.findall(text):
        size = cells(piece)
        if used + size > room:
            if line.strip():
                lines.append(line.rstrip())
            line, used = "", 0
            if piece.isspace():
                continue
        line += piece
        used += size
    return [*lines, line.rstrip()]
