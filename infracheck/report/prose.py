"""Foreign text made safe for Markdown: no cell, heading or paragraph can be left, and no HTML begins."""

import html
import re
from collections.abc import Sequence
from typing import Final

from infracheck.report.text import flat, showable

_CODE: Final = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
# `$…$` would be a formula and `~…~` struck out; `_` means something only at the edge of a word.
_SPECIAL: Final = re.compile(r"[\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_ENTITY: Final = re.compile(r"&(?=#|\w+;)")


def inline(text: str) -> str:
    """Return text for a paragraph or a table cell, on one line: `code` stays code, all else means itself."""
    text = showable(text).strip().expandtabs(4)
    lines = ("".join(_parts(line)) for line in text.split("\n"))
    return "<br>".join(lines)


def code(text: str) -> str:
    """Return text as a code span that is safe in a table cell, too."""
    text = flat(showable(text))
    if not text:
        return ""
    if "`" in text or "|" in text:
        # A pipe divides cells even inside backticks, and a backslash before it saves it only sometimes.
        return f"<code>{_entities(text)}</code>"
    return f"`{text}`"


def fenced(text: str) -> list[str]:
    """Return the lines of a code block that its own text cannot end."""
    text = showable(text).strip("\n")
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}sh", *text.split("\n"), fence]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table of ready cells, without the columns that are empty in every row."""
    kept = [at for at in range(len(head)) if at == 0 or any(row[at] for row in rows)]
    lines = [[head[at] for at in kept], ["---"] * len(kept), *([row[at] for at in kept] for row in rows)]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def folded(title: str, lines: Sequence[str]) -> list[str]:
    """Return lines behind a title that opens them when clicked."""
    return ["<details>", f"<summary>{html.escape(flat(title))}</summary>", "", *lines, "", "</details>"]


def _parts(line: str) -> list[str]:
    # re.split with one group: text and code take turns.
    return [code(part) if at % 2 else _escaped(part) for at, part in enumerate(_CODE.split(line))]


def _escaped(text: str) -> str:
    text = _ENTITY.sub("&amp;", text)
    text = _SPECIAL.sub(lambda found: f"\\{found[0]}", text)
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _entities(text: str) -> str:
    return re.sub(r"[^\w\s./:,;=-]|_", lambda found: f"&#{ord(found[0])};", text, flags=re.ASCII)
