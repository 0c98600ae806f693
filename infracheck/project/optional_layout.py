"""How the lines of an example hang together: which comment stands beside, above or over which variable."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Assignments = Sequence[tuple[str, int, bool]]  # key, line (1-based), whether the value is empty
Kind = Literal["blank", "comment", "commented-out", "banner", "assignment", "value", "other"]

_COMMENTED_OUT: Final = re.compile(r"\s*#+\s*(?:export\s+)?([A-Z][A-Z0-9_]*)(?:=|\s+=(?=\s|$))(.*)")
_PROSE: Final = re.compile(r"NOTE|TODO|FIXME|EXAMPLE|OPTIONAL|REQUIRED|WARNING|IMPORTANT|TIP|DEFAULT|FORMAT|HINT|INFO")
_RULE: Final = re.compile(r"#{4,}|#+\s*([-=*~_─━═+])[-=*~_─━═+\s]+\1\s*#*")
_FRAMED: Final = re.compile(
    r"#*?\s*(?P<left>#{2,}|[-=*~_─━═+]{2,})\s*(?P<text>[^\W_].*?)\s*(?P<right>[-=*~_─━═+#]{2,})?"
)
_TRAILED: Final = re.compile(r"#+\s*(?P<text>\w.*?)\s+(?P<right>[-=*~_─━═]{3,})\s*#*")
_TAG: Final = re.compile(r"#+\s*\[\[(?P<text>[^\[\]]+)\]\]")
LONGEST: Final = 200  # characters of a line; a longer one is no banner
_TALLEST: Final = 6  # lines of text in a box; more is a letter to the reader, not a title


@dataclass(frozen=True, slots=True)
class Banner:
    """A title that holds until the next one of its style. A `ruled` one (in a box, or underlined) ends all others."""

    line: int  # 1-based, of its text
    end: int
    text: str  # empty for a rule that only ends what was above
    style: str
    ruled: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """The lines of an example, each with its kind, and the banners between them."""

    lines: Sequence[str]
    kinds: Mapping[int, Kind]
    beside: Mapping[int, tuple[int, str]]  # line of an assignment -> line and text of the comment beside its value
    keys: Mapping[int, str]  # of assignments, commented out or not, by line
    tops: Sequence[int]  # index: a line; the first line of its group, which begins behind a blank line or a banner
    opened: Sequence[tuple[int, tuple[Banner, ...]]]  # the banners that hold from a line on, the nearest last

    def above(self, line: int) -> list[tuple[int, str]]:
        """Return the comment lines that end right above `line`, with their numbers, in order."""
        first = line
        while self.kinds.get(first - 1) == "comment":
            first -= 1
        return [(number, comment(self.lines[number - 1])) for number in range(first, line)]

    def over(self, line: int) -> Iterator[Banner]:
        """Yield the banners that hold for `line`, the nearest first."""
        position = bisect_right(self.opened, line, key=lambda each: each[0])
        return reversed(self.opened[position - 1][1] if position else ())


def layout(lines: Sequence[str], assignments: Assignments) -> Layout:
    """Sort the lines of an example."""
    kinds: dict[int, Kind] = {}
    beside: dict[int, tuple[int, str]] = {}
    keys: dict[int, str] = {}
    starts = sorted(line for _, line, _ in assignments)
    for key, line, empty in assignments:
        following = bisect_left(starts, line + 1)
        limit = starts[following] - 1 if following < len(starts) else len(lines)
        end, text = _beside(lines, line, limit, empty=empty)
        kinds[line], keys[line] = "assignment", key
        kinds.update(dict.fromkeys(range(line + 1, end + 1), "value"))
        if text is not None:
            beside[line] = (end, text)
    for line, key, value in _commented_out(lines, kinds):
        kinds[line], keys[line] = "commented-out", key
        if (mark := re.search(r"(?:^|\s)#(.*)", value)) is not None:
            beside[line] = (line, comment(mark[1]))
    for number, text in enumerate(lines, 1):
        if number not in kinds:
            kinds[number] = "comment" if text.lstrip().startswith("#") else "other" if text.strip() else "blank"
    banners = list(_banners(lines, kinds))
    for banner in banners:
        kinds.update(dict.fromkeys(range(banner.line, banner.end + 1), "banner"))
    return Layout(lines, kinds, beside, keys, _tops(kinds), _opened(banners))


def _tops(kinds: Mapping[int, Kind]) -> list[int]:
    tops = [0]
    for line in range(1, len(kinds) + 1):
        together = {kinds.get(line - 1), kinds[line]} <= {"comment", "commented-out", "assignment", "value"}
        tops.append(tops[-1] if together else line)
    return tops


def _opened(banners: Sequence[Banner]) -> list[tuple[int, tuple[Banner, ...]]]:
    found: list[tuple[int, tuple[Banner, ...]]] = []
    for banner in banners:
        before = () if banner.ruled or not found else found[-1][1]
        styles = [each.style for each in before]
        kept = before[: styles.index(banner.style)] if banner.style in styles else before
        found.append((banner.line, (*kept, banner)))
    return found


def commented_out(lines: Sequence[str]) -> dict[str, int]:
    """Return the variables of assignments that are commented out, each with its first line (1-based)."""
    found: dict[str, int] = {}
    for line, key, _ in _commented_out(lines, {}):
        found.setdefault(key, line)
    return found


def comment(text: str) -> str:
    """Return the text of a comment, without its `#`."""
    return text.strip().strip("#").strip()


def _commented_out(lines: Sequence[str], taken: Mapping[int, Kind]) -> Iterator[tuple[int, str, str]]:
    for number, text in enumerate(lines, 1):
        match = None if number in taken else _COMMENTED_OUT.match(text)
        if match and not _PROSE.fullmatch(match[1]):
            yield number, match[1], match[2]


def _beside(lines: Sequence[str], line: int, limit: int, *, empty: bool) -> tuple[int, str | None]:
    """Return the last line of a value and the comment behind it; a `#` inside of quotes begins none."""
    _, equals, value = lines[line - 1].partition("=")
    if not equals:
        _, sign, text = lines[line - 1].partition("#")
        return line, comment(text) if sign else None
    opened = value.lstrip()[:1]
    if opened and opened in "\"'`":
        rest = "\n".join([value.lstrip()[1:], *lines[line:limit]])
        closed = re.match(rf"(?:\\.|[^{opened}\\])*{opened}", rest, re.DOTALL)
        if closed is None:
            return line, None
        behind = rest[closed.end() :].partition("\n")[0].strip()
        return line + closed.group().count("\n"), comment(behind) if behind.startswith("#") else None
    mark = re.search(r"(?:^\s*|\s)#(.*)" if empty else r"\s#(.*)", value)
    return line, comment(mark[1]) if mark else None


def _banners(lines: Sequence[str], kinds: Mapping[int, Kind]) -> Iterator[Banner]:
    line = 1
    while line <= len(lines):
        banner = _banner(lines, kinds, line) if kinds[line] == "comment" else None
        if banner:
            yield banner
        line = banner.end + 1 if banner else line + 1


def _banner(lines: Sequence[str], kinds: Mapping[int, Kind], line: int) -> Banner | None:
    text = lines[line - 1].strip()
    if len(text) > LONGEST:
        return None
    if rule := _rule(text):
        return _boxed(lines, kinds, line, rule)
    if tag := _TAG.fullmatch(text):
        return Banner(line, line, tag["text"], "[[", ruled=False)
    below = lines[line].strip() if line < len(lines) and kinds[line + 1] == "comment" else ""
    if _rule(below) and len(text.split()) <= 8 and not _opens_box(lines, kinds, line + 1):
        return Banner(line, line + 1, text.strip("#-=*~_─━═+ "), _rule(below), ruled=True)
    framed = _FRAMED.fullmatch(text)
    if framed and (framed["right"] or len(framed["left"]) >= 3) and framed["left"][0] != "#":
        return Banner(line, line, framed["text"], framed["left"][0], ruled=False)
    if framed and framed["left"][0] == "#" and (framed["right"] or kinds.get(line + 1, "blank") == "blank"):
        return Banner(line, line, framed["text"], "#" * min(len(framed["left"]), 4), ruled=False)
    if trailed := _TRAILED.fullmatch(text):
        return Banner(line, line, trailed["text"], trailed["right"][0], ruled=False)
    return None


def _rule(text: str) -> str:
    """Return the character a rule is made of; empty when the line is none."""
    if not _RULE.fullmatch(text):
        return ""
    return next((character for character in text if character not in "# \t"), "#")


def _boxed(lines: Sequence[str], kinds: Mapping[int, Kind], line: int, rule: str) -> Banner:
    end = _opens_box(lines, kinds, line)
    if end:
        inside = [comment(text) for text in lines[line : end - 1]]
        return Banner(line, end, " ".join(filter(None, inside)), rule, ruled=True)
    over = line < len(lines) and kinds[line + 1] == "comment" and comment(lines[line])
    return Banner(line, line + 1 if over else line, over or "", rule, ruled=True)


def _opens_box(lines: Sequence[str], kinds: Mapping[int, Kind], line: int) -> int:
    """Return the line of the rule that closes the box opened at `line`; 0 when none does."""
    for end in range(line + 1, min(line + _TALLEST + 2, len(lines) + 1)):
        if kinds[end] != "comment":
            return 0
        if _rule(lines[end - 1].strip()):
            return end if end > line + 1 else 0
    return 0
