"""Pieces of SQL, and where in a file they stand."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from infracheck.project.ddl import tree
from infracheck.project.ddl.tree import Tree


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something is declared."""

    file: str  # as reports show it
    line: int  # 1-based
    clause: Callable[[], str] = field(default=lambda: "", repr=False, compare=False)  # the SQL that stands there

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Sql:
    """A piece of SQL: a catalog's text or a file's tree; whichever is missing is made when it is asked for."""

    __slots__ = ("_after", "_place", "_text", "_tree")

    def __init__(
        self,
        text: str | None = None,
        *,
        parsed: Tree = None,
        place: Place | None = None,
        after: "re.Pattern[str] | None" = None,
    ) -> None:
        """Take the catalog's text, or the tree with the place of its clause.

        Args:
            after: the part of the clause that stands before the expression itself.
        """
        self._text = text
        self._tree = parsed
        self._place = place
        self._after = after

    @property
    def text(self) -> str:
        """The SQL as the catalog prints it or as somebody wrote it; empty where that is not known."""
        if self._text is None and self._place:
            clause = self._place.clause()
            self._text = self._after.sub("", clause, count=1) if self._after else clause
        return self._text or ""

    @property
    def catalog(self) -> str | None:
        """The text as a catalog prints it; None for what stands in a file."""
        return None if self._place else self._text

    @property
    def tree(self) -> Tree:
        """The tree of an expression; None where this parser cannot read it."""
        if self._tree is None and self._text is not None:
            self._tree = tree.expression(self._text)
        return self._tree

    def changed(self, change: Callable[[Tree], Tree]) -> "Sql":
        return Sql(parsed=change(self.tree), place=self._place, after=self._after)


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is not compared, and why. `words`: the names it speaks of, which it may change."""

    place: Place
    text: str
    words: frozenset[str] = frozenset()
