"""Rows of evidence in aligned columns, as far as the terminal is wide enough for them."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from infracheck.model import Finding
from infracheck.report.ink import Ink, Style
from infracheck.report.text import cells, flat, longest_piece, wrap

SHOWN: Final = 12  # rows of one check on a terminal
WAIVED_NOTE: Final = "waived: "  # how the runner begins the note of an excused finding
_GAP: Final = 2
_NARROWEST_NOTE: Final = 24
_STYLES: Final[dict[str, Style]] = {"fail": "failed", "warn": "undecided", "info": "waived"}


class _Row(NamedTuple):
    heads: tuple[str, str, str]  # subject, state, where
    note: str
    level: str


def rows(findings: Sequence[Finding], room: int, ink: Ink) -> list[str]:
    """Return the rows to act on, failing ones first, folded after SHOWN; beside failures, what is fine as a count.

    Args:
        room: columns for a row. Two more stand before it: empty, or the mark of a warning.
    """
    ranked = [finding for level in ("fail", "warn") for finding in findings if finding.level == level]
    lines = table(ranked[:SHOWN], room, ink)
    if len(ranked) > SHOWN:
        lines.append(_aside(f"… and {len(ranked) - SHOWN} more (complete in --format json)", ink))
    fine = Counter(_fine_state(finding) for finding in findings if finding.level == "info")
    if fine and any(finding.level == "fail" for finding in ranked):
        lines.append(_aside("also " + ", ".join(f"{number} {state}" for state, number in fine.items()), ink))
    return lines


def _fine_state(finding: Finding) -> str:
    return f"{finding.state} waived" if finding.note.startswith(WAIVED_NOTE) else finding.state


def _aside(text: str, ink: Ink) -> str:
    return "  " + ink.paint(ink.say(flat(text)), "faint")


def table(findings: Sequence[Finding], room: int, ink: Ink) -> list[str]:
    """Return every finding as subject, state, where and note.

    The note is the last column where there is room for one, else it stands below its row; where even the first three
    columns are too wide, they are no columns.
    """
    found = [
        _Row((_word(f.subject, ink), _word(f.state, ink), _word(f.where, ink)), ink.say(f.note), f.level)
        for f in findings
    ]
    widths = [max((cells(row.heads[column]) for row in found), default=0) for column in range(3)]
    fixed = sum(width + _GAP for width in widths if width)
    longest = max((cells(line) for row in found for line in row.note.split("\n")), default=0)
    unbroken = max((longest_piece(row.note) for row in found), default=0)
    inline = fixed + max(min(longest, _NARROWEST_NOTE), unbroken) <= room
    lines: list[str] = []
    for row in found:
        if fixed - _GAP > room:
            first, *more = wrap("  ".join(filter(None, row.heads)), room - 2)
            lines += [_gutter(row, ink) + first, *(f"    {line}" for line in more), *_below(row.note, room, ink)]
        elif inline:
            first, *more = wrap(row.note, room - fixed)
            lines += [(_head(row, widths, ink) + ink.prose(first)).rstrip()]
            lines += [" " * (fixed + 2) + ink.prose(line) for line in more]
        else:
            lines += [_head(row, widths, ink).rstrip(), *_below(row.note, room, ink)]
    return lines


def _word(text: str | None, ink: Ink) -> str:
    return ink.say(flat(text or ""))


def _gutter(row: _Row, ink: Ink) -> str:
    return f"{ink.paint(ink.mark('warn'), 'undecided')} " if row.level == "warn" else "  "


def _head(row: _Row, widths: list[int], ink: Ink) -> str:
    styles: tuple[Style, ...] = ("", _STYLES[row.level], "faint")
    columns = [column for column in zip(row.heads, widths, styles, strict=True) if column[1]]
    # The filling stays outside the colour, so that a line can lose its last spaces.
    return _gutter(row, ink) + "".join(
        ink.paint(text, style) + " " * (width - cells(text) + _GAP) for text, width, style in columns
    )


def _below(note: str, room: int, ink: Ink) -> list[str]:
    return [f"    {ink.prose(line)}".rstrip() for line in wrap(note, room - 2)] if note else []
