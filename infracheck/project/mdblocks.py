"""The blocks of a Markdown file as its reader sees them: bullets, paragraphs and table rows, with their headings."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

_HEADING: Final = re.compile(r" {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#*)?\s*$")
_UNDERLINE: Final = re.compile(r" {0,3}(=+|-+)\s*$")
_FENCE: Final = re.compile(r"(?:\s|>|[-*+]\s|\d+[.)]\s)*(`{3,}|~{3,})")
_BULLET: Final = re.compile(r"(\s*)(?:[-*+]|\d{1,9}[.)])\s+(?=\S)")
_RULE: Final = re.compile(r"\s*(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$")
NUMBER: Final = r"\W*+(?:\d+(?:\.\d+)*[.)]?\W*+)?"  # what may stand before the words of a heading


@dataclass(frozen=True, slots=True)
class Block:
    """One bullet, paragraph or table row, with all that belongs to it; `text` keeps its lines, without the bullet."""

    text: str
    line: int  # 1-based, of its first line
    headings: tuple[str, ...] = ()  # above it, the outermost first


@dataclass(slots=True)
class _Open:
    """An entry that is being collected; `indent` is None for what is no bullet."""

    line: int
    indent: int | None
    lines: list[str] = field(default_factory=list)


def visible(text: str) -> list[str]:
    """Return the lines as a reader of the rendered page sees them: comments and fenced code are blank."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines: list[str] = []
    fence = ""
    comment = False
    for raw in text.split("\n"):
        marker = _FENCE.match(raw)
        if fence:
            closing = raw.strip(" \t>")
            if closing.startswith(fence) and not closing.strip(fence[0]):
                fence = ""
            lines.append("")
        elif marker and not comment:
            fence = marker[1]
            lines.append("")
        else:
            shown, comment = _without_comments(raw, comment)
            lines.append(shown)
    return lines


def _without_comments(line: str, inside: bool) -> tuple[str, bool]:
    shown = ""
    while line:
        before, found, line = line.partition("-->" if inside else "<!--")
        shown += "" if inside else before
        inside = not inside if found else inside
    return shown, inside


def section(lines: list[str], title: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines below each heading with that title, down to the next of its level or above."""
    inside = 0  # the level of the heading, 0 outside
    for number, line in enumerate(lines, 1):
        level, text = _heading(lines, number)
        if level and (not inside or level <= inside):
            inside = level if title.match(text) else 0
            if inside:
                yield number, f"# {text}"
        elif inside:
            yield number, line


def _heading(lines: list[str], number: int) -> tuple[int, str]:
    """Return the level and the text of the heading in a line; level 0 when it is none."""
    line = lines[number - 1]
    if found := _HEADING.match(line):
        return len(found[1]), found[2] or ""
    below = lines[number] if number < len(lines) else ""
    above = lines[number - 2] if number > 1 else ""
    underlined = _UNDERLINE.match(below) if line.strip() and not above.strip() else None
    if underlined and not _BULLET.match(line) and not line.lstrip().startswith(("|", ">", "-")):
        return (1 if underlined[1][0] == "=" else 2), line.strip()
    return 0, ""


def blocks(numbered: Iterable[tuple[int, str]]) -> Iterator[Block]:
    """Yield the blocks; a deeper bullet and an indented paragraph belong to the bullet above them."""
    headings: dict[int, str] = {}
    current: _Open | None = None
    blank = False
    for number, line in numbered:
        title, bullet, rule = _HEADING.match(line), _BULLET.match(line), _is_rule(line)
        indent = len(bullet[1].expandtabs(4)) if bullet else None
        if title or rule or line.lstrip().startswith("|") or _begins(line, indent, current, blank):
            yield from _closed(current, headings)
            current = None
        if title:
            level = len(title[1])
            headings = {**{n: text for n, text in headings.items() if n < level}, level: title[2] or ""}
        elif line.strip() and not rule:
            if current is None:
                current = _Open(number, indent)
            current.lines.append(line[bullet.end() :] if bullet and not current.lines else line)
        elif current:
            current.lines.append("")
        blank = not line.strip()
    yield from _closed(current, headings)


def _is_rule(line: str) -> bool:
    """Tell whether a line only divides: a thematic break, or the row below the head of a table."""
    return bool(_RULE.match(line)) or ("-" in line and "|" in line and not line.strip(" \t:|-"))


def _begins(line: str, indent: int | None, current: _Open | None, blank: bool) -> bool:
    """Tell whether a line is the first of a new block."""
    if current is None or not line.strip():
        return False
    if current.lines[0].lstrip().startswith("|"):
        return True
    if indent is not None:
        return current.indent is None or indent <= current.indent
    return blank and (current.indent is None or not line.startswith((" ", "\t")))


def _closed(current: _Open | None, headings: dict[int, str]) -> Iterator[Block]:
    if current and (text := "\n".join(current.lines).rstrip()):
        yield Block(text, current.line, tuple(headings.values()))
