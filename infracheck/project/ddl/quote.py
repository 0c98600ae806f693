"""Writes names as SQL needs them."""

import re
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from infracheck.project.ddl.model import Name

_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_$]*")


@cache
def _reserved() -> frozenset[str]:
    from pglast import keywords

    return frozenset(keywords.RESERVED_KEYWORDS | keywords.TYPE_FUNC_NAME_KEYWORDS | keywords.COL_NAME_KEYWORDS)


def quoted(name: str) -> str:
    """Return an identifier, in quotes where it needs them."""
    if _PLAIN.fullmatch(name) and name not in _reserved():
        return name
    return '"' + name.replace('"', '""') + '"'


def qualified(name: "Name") -> str:
    return f"{quoted(name[0])}.{quoted(name[1])}"
