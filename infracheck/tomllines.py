"""Finds the line of a key in a TOML file: libraries keep no positions, so headers and keys are followed by eye."""

import re
from collections.abc import Sequence
from typing import Final

_HEADER: Final = re.compile(r"\s*(?P<open>\[\[?)\s*(?P<name>[^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(r"""\s*(?P<key>(?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART: Final = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def line_of(text: str, place: Sequence[str]) -> int:
    """Return the 1-based line of the key that `place` leads to, or of the nearest one on the way.

    Args:
        text: the file.
        place: keys from the top; a number is the place in an array: `["flow", "0", "step", "2", "request"]`.
    """
    best, best_line = 0, 1
    current: list[str] = []
    counts: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            current = _entered(_parts(header["name"]), array=header["open"] == "[[", counts=counts)
            here = current
        elif key := _KEY.match(line):
            here = [*current, *_parts(key["key"])]
        else:
            continue
        length = min(len(here), len(place))
        if length > best and here[:length] == list(place[:length]):
            best, best_line = length, number
    return best_line


def _entered(names: list[str], *, array: bool, counts: dict[tuple[str, ...], int]) -> list[str]:
    """Return where a header leads to, arrays of tables with the number of the table."""
    here: list[str] = []
    for depth, name in enumerate(names):
        here.append(name)
        last = depth == len(names) - 1
        if array and last:
            counts[tuple(here)] = counts.get(tuple(here), -1) + 1
        if tuple(here) in counts:
            here.append(str(counts[tuple(here)]))
    return here


def _parts(name: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(name)]
