"""Which variables of an example are optional, and the comment that says so; the most specific one wins."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from infracheck.project.optional_layout import Assignments, Banner, Layout, comment, commented_out, layout
from infracheck.project.optional_words import (
    Sentence,
    Statement,
    banner_says,
    default_required,
    family,
    heads,
    legend_says,
    sentences,
    statement,
    title_like,
)

__all__ = ["Mark", "Mode", "Rule", "commented_out", "marks"]

Mode = Literal["wide", "adjacent"]
REACH: Final = 20  # blocks of comments between a heading and its variable
Rule = Literal["inline", "above", "decorator", "group heading", "banner", "commented-out", "legend"]


@dataclass(frozen=True, slots=True)
class Mark:
    """What an example says about one variable, and the comment that decided."""

    optional: bool
    line: int  # 1-based, of the comment
    comment: str
    rule: Rule


def marks(lines: Sequence[str], assignments: Assignments, *, mode: Mode) -> Mapping[str, Mark]:
    """Return the mark of each variable that the example speaks of; one without a mark is required.

    A variable that is assigned several times is optional only if each assignment is marked so. In the mode "wide" the
    variables of assignments that are commented out are among the result.

    Args:
        lines: of the example, without line ends.
        assignments: key, line (counted from 1) and whether the value is empty, of each assignment.
        mode: "adjacent" takes only `# Optional` beside a variable or right above it; "wide" also headings of groups,
            banners, looser wording and a legend for the whole file.
    """
    page = layout(lines, assignments)
    legend = _legend(page) if mode == "wide" else None
    found: dict[str, Mark] = {}
    unmarked: set[str] = set()
    for key, line, _ in sorted(assignments, key=lambda each: each[1]):
        mark = _mark(page, key, line, mode, legend)
        if mark is None:
            unmarked.add(key)
        elif key not in found or not mark.optional:
            found[key] = mark
    marked = {key: mark for key, mark in found.items() if key not in unmarked or not mark.optional}
    return {**(_documented(page, {key for key, _, _ in assignments}) if mode == "wide" else {}), **marked}


def _documented(page: Layout, assigned: set[str]) -> dict[str, Mark]:
    """Return the variables that only a commented-out assignment names: optional, unless their own comment denies it."""
    found: dict[str, Mark] = {}
    for line, key in sorted(page.keys.items()):
        if page.kinds[line] == "commented-out" and key not in assigned and key not in found:
            said = _adjacent(page, key, line, "wide")
            found[key] = said or Mark(True, line, "", "commented-out")
    return found


def _mark(page: Layout, key: str, line: int, mode: Mode, legend: Mark | None) -> Mark | None:
    mark = _adjacent(page, key, line, mode)
    if mark or mode == "adjacent":
        return mark
    mark = _heading(page, key, line) or _banner(page, line)
    if mark or legend is None:
        return mark
    # Where a legend says "unless marked REQUIRED", any such word above a variable is that mark.
    return legend if not legend.optional else _required_by_word(page, line) or legend


def _adjacent(page: Layout, key: str, line: int, mode: Mode) -> Mark | None:
    strict = mode == "adjacent"
    if line in page.beside and (said := statement(sentences([page.beside[line]]), key, adjacent=strict)):
        return _made(said, "inline")
    said = statement(sentences(page.above(line)), key, adjacent=strict)
    return _made(said, "above") if said else None


def _made(said: Statement, rule: Rule) -> Mark:
    decorated = said.sentence.text.startswith("@")
    return Mark(said.says == "optional", said.sentence.line, said.sentence.text, "decorator" if decorated else rule)


def _heading(page: Layout, key: str, line: int) -> Mark | None:
    """Return the mark of the heading over the group of `line`; a new title for other variables begins a new group."""
    for start, block in islice(_blocks(page, line), REACH):
        below = next(number for number in range(start, line + 1) if number in page.keys)
        said = statement(block, key) if below != line else None
        if said and heads(said, key, page.keys[below]):
            return _made(said, "group heading")
        before = next((page.keys[n] for n in range(block[0].line - 1, page.tops[line] - 1, -1) if n in page.keys), "")
        if title_like(block[0].text) and family(page.keys[below]) != family(before):
            return None
    return None


def _blocks(page: Layout, line: int) -> Iterator[tuple[int, list[Sentence]]]:
    """Yield the comment blocks of the group above `line`, the lowest first, each with the line behind it."""
    for number in range(line, page.tops[line], -1):
        if page.kinds[number - 1] == "comment" and page.kinds[number] != "comment":
            block = sentences(page.above(number))
            if block:
                yield number, block


def _banner(page: Layout, line: int) -> Mark | None:
    for banner in page.over(line):
        says = banner_says(banner.text)
        if says:
            return Mark(says == "optional", _text_line(page, banner), banner.text, "banner")
    return None


def _text_line(page: Layout, banner: Banner) -> int:
    """Return the line on which a banner's title stands."""
    first = banner.text.split()[0]
    return next((n for n in range(banner.line, banner.end + 1) if first in page.lines[n - 1]), banner.line)


def _legend(page: Layout) -> Mark | None:
    """Return the rule for the whole file ("All values have defaults unless marked REQUIRED"), if it has one."""
    texts = [(n, comment(page.lines[n - 1])) for n, kind in sorted(page.kinds.items()) if kind in {"comment", "banner"}]
    for sentence in sentences(texts):
        required = default_required(sentence.text)
        says = legend_says(sentence.text) if required is None else "required" if required else "optional"
        if says:
            return Mark(says == "optional", sentence.line, sentence.text, "legend")
    return None


def _required_by_word(page: Layout, line: int) -> Mark | None:
    for sentence in sentences([*page.above(line), *([page.beside[line]] if line in page.beside else [])]):
        if banner_says(sentence.text) == "required":
            return Mark(False, sentence.line, sentence.text, "above")
    return None
