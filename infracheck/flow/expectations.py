"""Compares what came of a step with what was expected."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from infracheck.flow.shape import Expect

if TYPE_CHECKING:
    from infracheck.clients.http import Answer

WIDTH: Final = 200  # characters of a value that is quoted
NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not as expected; `what` names it: `status`, `$.note.body`, `row 1`."""

    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, found {self.found}"


def of_answer(want: Expect, answer: "Answer") -> Iterator[Mismatch]:
    """Yield what an HTTP answer has wrong; `want` has its names replaced already."""
    yield from _of_status(want, answer)
    for name, pattern in want.headers.items():
        found = answer.headers.get(name.lower())
        if found is None or not fnmatchcase(found, pattern):
            yield Mismatch(f"header {name}", _quoted(pattern), "none" if found is None else _quoted(found))
    for text in _several(want.text):
        if text not in answer.text:
            yield Mismatch("body", f"{_quoted(text)} in it", _quoted(answer.text))
    for text in _several(want.no_text):
        if text in answer.text:
            yield Mismatch("body", f"no {_quoted(text)} in it", "it is there")
    if want.json:
        yield from _of_json(want.json, answer)


def _of_status(want: Expect, answer: "Answer") -> Iterator[Mismatch]:
    if want.status is None:
        if answer.status >= 400:
            yield Mismatch("status", "below 400", _status(answer))
        return
    allowed = (want.status,) if isinstance(want.status, int) else want.status
    if answer.status not in allowed:
        yield Mismatch("status", " or ".join(map(str, allowed)), _status(answer))


def _status(answer: "Answer") -> str:
    if answer.status in {301, 302, 303, 307, 308}:
        return f"{answer.status}, which leads to {answer.headers.get('location', 'nowhere')}"
    said = "" if answer.html else answer.text.strip()
    return f"{answer.status}{f' ({_clipped(said)})' if said else ''}"


def _of_json(wanted: Mapping[str, Any], answer: "Answer") -> Iterator[Mismatch]:
    from jsonpath import findall

    try:
        body = json.loads(answer.text)
    except ValueError:
        yield Mismatch("body", "JSON", "a web page" if answer.html else _quoted(answer.text))
        return
    for path, value in wanted.items():
        found = findall(path, body) if isinstance(body, dict | list) else ([body] if path == "$" else [])
        one = found[0] if len(found) == 1 else found if found else NOTHING
        yield from _of_value(path, value, one)


def _of_value(what: str, want: Any, found: Any) -> Iterator[Mismatch]:
    if isinstance(want, Mapping) and want and set(want) <= set(_TESTS):
        for test, parameter in want.items():
            holds, words = _TESTS[test]
            if not holds(found, parameter):
                yield Mismatch(what, words.format(_value(parameter)), _value(found))
    elif not same(want, found):
        yield Mismatch(what, _value(want), _value(found))


def _exists(found: Any, wanted: Any) -> bool:
    return (found is not NOTHING) == bool(wanted)


def _is_null(found: Any, wanted: Any) -> bool:
    return (found is None) == bool(wanted)


def _matches(found: Any, pattern: Any) -> bool:
    return isinstance(found, str) and re.search(str(pattern), found) is not None


def _contains(found: Any, part: Any) -> bool:
    if isinstance(found, str):
        return str(part) in found
    return isinstance(found, list) and any(same(part, one) for one in found)


def _length(found: Any, count: Any) -> bool:
    return isinstance(found, str | list | dict) and len(found) == count


def _differs(found: Any, value: Any) -> bool:
    return not same(value, found)


_TESTS: Final = {
    "exists": (_exists, "that it exists: {}"),
    "is_null": (_is_null, "that it is null: {}"),
    "matches": (_matches, "a text that matches {}"),
    "contains": (_contains, "that it contains {}"),
    "length": (_length, "a length of {}"),
    "not": (_differs, "anything but {}"),
}


def of_rows(want: Expect, rows: Sequence[Sequence[Any]]) -> Iterator[Mismatch]:
    """Yield what the rows of an SQL question have wrong; without an expectation there has to be one at least."""
    if want.value is not None:
        found = rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else [list(row) for row in rows]
        if not same(want.value, found):
            yield Mismatch("value", _value(want.value), _value(found) if rows else "no row")
    if want.count is not None and len(rows) != want.count:
        yield Mismatch("rows", str(want.count), str(len(rows)))
    if want.rows is not None:
        if len(rows) != len(want.rows):
            yield Mismatch("rows", str(len(want.rows)), str(len(rows)))
        for number, (expected, row) in enumerate(zip(want.rows, rows, strict=False), 1):
            if len(expected) != len(row) or not all(map(same, expected, row)):
                yield Mismatch(f"row {number}", _value(list(expected)), _value(list(row)))
    if want.value is None and want.count is None and want.rows is None and not rows:
        yield Mismatch("rows", "at least one", "none")


def same(want: Any, found: Any) -> bool:
    """Tell whether a found value is the wanted one; a text stands for what a database writes like it (uuid, date)."""
    if found is NOTHING:
        return False
    if isinstance(want, bool) or isinstance(found, bool) or found is None:
        return want is found
    if isinstance(want, int | float) and isinstance(found, int | float | Decimal):
        return bool(want == found)
    if isinstance(want, Mapping) and isinstance(found, Mapping):
        return want.keys() == found.keys() and all(same(value, found[key]) for key, value in want.items())
    if isinstance(want, list | tuple) and isinstance(found, list | tuple):
        return len(want) == len(found) and all(map(same, want, found))
    return str(want) == str(found) if isinstance(want, str) and not isinstance(found, Mapping | list) else want == found


def _several(texts: str | tuple[str, ...] | list[str]) -> Sequence[str]:
    return (texts,) if isinstance(texts, str) else texts


def _value(value: Any) -> str:
    return "nothing" if value is NOTHING else _clipped(json.dumps(value, default=str, ensure_ascii=False))


def _quoted(text: str) -> str:
    return f"“{_clipped(text)}”"


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
