"""The built-in gate: its checks in the order in which they are judged."""

from typing import Final

from infracheck.model import Check

GATE: Final[tuple[Check, ...]] = ()
