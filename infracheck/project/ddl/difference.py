"""One difference between what is declared and what is there."""

from dataclasses import dataclass, replace
from typing import Literal

from infracheck.project.ddl.piece import Place

State = Literal["MISSING", "DIFFERENT", "EXTRA", "NOT COMPARED"]
Level = Literal["fail", "warn", "info"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it was declared.

    Attributes:
        kind: the class of object: table, column, type, null, default, identity, generated, primary key, unique,
            foreign key, check, exclude, index, enum, domain, composite type, sequence, view, function, trigger, rls,
            policy, extension.
        subject: `schema.table.column`, `schema.index`; the name of an extension.
        declared, live: both sides in SQL, empty for what is not there.
        fix: the smallest SQL that would close it; empty where there is none.
    """

    kind: str
    subject: str
    state: State
    declared: str = ""
    live: str = ""
    fix: str = ""
    note: str = ""
    place: Place | None = None

    @property
    def level(self) -> Level:
        """What is missing or different fails; more than was declared, or what was not compared, is told."""
        if self.state in {"MISSING", "DIFFERENT"}:
            return "warn" if self.note.startswith(LENIENT) else "fail"
        return "info"

    def lenient(self, note: str) -> "Difference":
        """Return it as a warning: it works the same, and is not as it was declared."""
        return replace(self, note=f"{LENIENT}{note}")


LENIENT = "works the same: "
