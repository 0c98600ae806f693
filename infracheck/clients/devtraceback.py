"""Turns the tracebacks of Python round: the exception first, its innermost frame next, as all other logs have it."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

_BEGINS: Final = re.compile(r"(?:[A-Z]+: +)?Traceback \(most recent call last\):$")
_FRAME: Final = re.compile(r'  File "(?P<path>[^"<][^"]*)", line (?P<line>\d+)')


def turned(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a log; a traceback becomes `⨯ its exception`, then one `at file:line` for each frame."""
    held: list[str] | None = None
    for line in lines:
        if _BEGINS.match(line):
            yield from held or ()
            held = [line]
        elif held is None:
            yield line
        elif line.startswith(" ") or not line:
            held.append(line)
        else:
            yield f"⨯ {line}"
            frames = [found for one in held if (found := _FRAME.match(one))]
            yield from (f"    at {frame['path']}:{frame['line']}" for frame in reversed(frames))
            held = None
    yield from held or ()
