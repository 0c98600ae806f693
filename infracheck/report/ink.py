"""What a stream can show: its characters and its colours."""

import re
from collections.abc import Mapping
from typing import Final, Literal

from infracheck.report.text import showable

Style = Literal["passed", "open", "failed", "undecided", "crashed", "waived", "heading", "loud", "faint", "code", ""]

MARKS: Final[Mapping[str, str]] = {
    "passed": "✓",
    "failed": "✗",
    "undecided": "?",
    "skipped": "-",
    "blocked": "▪",
    "crashed": "☠",
    "waived": "~",
    "warn": "!",
    "remedy": "→",
    "reproduce": "↻",
}
_ASCII: Final = str.maketrans(
    {"✓": "+", "✗": "x", "▪": "=", "☠": "#", "→": ">", "↻": "$", "·": "-", "–": "-", "—": "-", "…": "..."}
)
_CODES: Final[Mapping[Style, str]] = {
    "passed": "32",
    "open": "1;32",
    "failed": "1;31",
    "undecided": "1;33",
    "crashed": "1;35",
    "waived": "33",
    "heading": "1",
    "loud": "1",
    "faint": "2",
    "code": "36",
}


class Ink:
    """Marks, text and colour as one stream can take them."""

    def __init__(self, *, color: bool, encoding: str | None = None) -> None:
        """Take the stream's encoding; None means that it takes any text."""
        self.color = color
        self._encoding = encoding or "utf-8"
        self.plain = not _can_say("".join(MARKS.values()) + "·…", self._encoding)

    def mark(self, name: str) -> str:
        """Return the one-column sign of an outcome or of a kind of line; without colour it carries the meaning."""
        return MARKS[name].translate(_ASCII) if self.plain else MARKS[name]

    def say(self, text: str) -> str:
        """Return the text in characters that the stream can encode and that move no cursor."""
        text = showable(text)
        if self.plain:
            text = text.translate(_ASCII)
        return text.encode(self._encoding, "backslashreplace").decode(self._encoding)

    def paint(self, text: str, style: Style) -> str:
        """Return the text in a colour, or as it is on a stream without."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.color and style and text else text

    def prose(self, text: str) -> str:
        """Return a sentence with its `code` in colour."""
        return re.sub(r"`[^`]+`", lambda found: self.paint(found[0], "code"), text) if self.color else text


def _can_say(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
