"""Cuts the Markdown of an entry into plain sentences, and an encoded sentence into clauses."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from infracheck.project import wording

_ABBREVIATED: Final = re.compile(r"\b(?:e\.g|i\.e|vs|etc|approx|resp|incl|excl|cf|no|ca)\.$", re.IGNORECASE)
_BOUNDARY: Final = re.compile(r"(?<=[.!?…])\s+|\n\s*\n|\n(?=\s*(?:-|\d+[.)])\s)|\Z")
_BULLET: Final = re.compile(r"\s*(?:-|\d+[.)])\s+(?!\[ \])")
_NAMES_ONLY: Final = re.compile(r"[A-Z][A-Z0-9_]+(?:(?:[\s,/&]|\band\b)+[A-Z][A-Z0-9_]+)*(?:\s*\([^()]*\))?[.,;]?")
_ASIDE: Final = re.compile(r"\(([^()]*)\)|\[([^\[\]]*[^\[\]\s][^\[\]]*)\]")
_OPENING: Final = re.compile(r"(?:but not|not(?=\s+<n)|but|except(?: for)?)\s+")


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence between two contrasts."""

    text: str
    marker: str = ""  # the contrast before it: `;`, `but`, `except`
    aside: str = ""  # the sentence's parentheses that name nothing
    context: str = ""  # what else of the sentence may take it back: the clause after it, the text around a parenthesis


def plain(text: str) -> str:
    """Return Markdown without its marks and without what is struck out; every line stays a line."""
    text = re.sub(r"~~(.+?)~~", lambda struck: "\n" * struck[0].count("\n"), text, flags=re.DOTALL)
    text = re.sub(r"(?m)^(\s*)[*+](?=\s)", r"\1-", text)
    text = re.sub(r"(?m)^\s*>\s?", "", text)
    text = re.sub(r"\[([^\]\n]*)\]\([^)\n]*\)", r"\1", text)
    text = re.sub(r"\\([_*#>~`-])", r"\1", text)
    text = re.sub(r"`|(?<!_)\*|\$(?=\{?[A-Z])", "", text.replace("’", "'").replace("\u00a0", " "))
    text = re.sub(r"(?<![\w.])(?:process\.env\.|import\.meta\.env\.)(?=[A-Z])", "", text)
    text = re.sub(r"(?<![\w_])\{([A-Z][A-Z0-9_]*)\}", r"\1", text)
    return re.sub(r"(?<!\w)_+(?=[A-Za-z])|(?<=[A-Za-z0-9])_+(?![\w*{])", "", text)


def sentences(text: str) -> Iterator[tuple[str, int]]:
    """Yield (sentence, 0-based line) of a plain text; bullets of bare names below a colon belong to what it ends."""
    pieces: list[tuple[str, int]] = []
    start, listing = 0, False
    for found in _BOUNDARY.finditer(text):
        piece = text[start : found.start()]
        if found[0] and _ABBREVIATED.search(piece):
            continue
        line = text[:start].count("\n") + piece[: len(piece) - len(piece.lstrip())].count("\n")
        start = found.end()
        bullet = _BULLET.match(piece)
        flat = " ".join(piece[bullet.end() if bullet else 0 :].split())
        if bullet and pieces and _NAMES_ONLY.fullmatch(flat) and (listing or pieces[-1][0].endswith(":")):
            said, first = pieces[-1]
            pieces[-1] = (f"{said}{',' if listing else ''} {flat.rstrip('.,;')}", first)
            listing = True
        elif flat:
            pieces.append((flat, line))
            listing = False
    yield from pieces


def clauses(text: str) -> list[Clause]:
    """Split an encoded sentence at its contrasts; a parenthesis with a name is one of its own, or a list's part."""
    asides: list[str] = []
    apart: list[str] = []

    def lift(found: re.Match[str]) -> str:
        inner = (found[1] if found[1] is not None else found[2]).strip()
        named = re.search(wording.ITEM, inner)
        if named and wording.ITEMS_ONLY.fullmatch(inner):
            return f" {inner} "
        if named:
            apart.append(inner)
        else:
            asides.append(inner)
            apart.extend(f"{owner}: {inner} {_rest(found)}" for owner in _owner(found, inner))
        return " "

    while (lifted := _ASIDE.sub(lift, text)) != text:
        text = lifted
    flat = " ".join(text.split())
    parts = wording.CONTRAST.split(flat)
    aside = " | ".join(asides)
    asked = "?" if flat.endswith("?") else ""
    main = [
        _marked(part, marker, aside, f"{_nameless(parts[2 * number + 2 :: 2])} {asked}")
        for number, (marker, part) in enumerate(zip(["", *parts[1::2]], parts[::2], strict=True))
    ]
    return main + [_marked(inner, context=f"{flat} | {aside}") for inner in apart]


def _nameless(parts: Sequence[str]) -> str:
    """Return the clauses up to the next one with a name: they still speak of the names before them."""
    return " | ".join(takewhile(lambda part: not re.search(wording.ITEM, part), parts))


def _rest(found: re.Match[str]) -> str:
    """Return what goes on behind a parenthesis: `A (optional) in development`."""
    return re.split(rf"[,;:—–|.(\[]|{wording.ITEM}", found.string[found.end() :], maxsplit=1)[0].strip()


def _owner(found: re.Match[str], inner: str) -> list[str]:
    """Return what a parenthesis without a name speaks of: the name before it; the whole list when it says `both`."""
    pattern = wording.LIST if inner.startswith(("both", "all")) else rf"(?P<items>{wording.ITEM})"
    before = re.search(rf"{pattern}\s*$", found.string[: found.start()])
    return [before["items"]] if before else []


def _marked(text: str, marker: str = "", aside: str = "", context: str = "") -> Clause:
    text = text.strip()
    if opening := _OPENING.match(text):
        text, marker = text[opening.end() :], opening[0].strip()
    return Clause(text, marker, aside, context)
