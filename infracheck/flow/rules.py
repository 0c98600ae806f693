"""What is wrong with a declared flow beyond its shape, each mistake with the keys that lead to it."""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from infracheck.flow.shape import Expect, Flow, Step
from infracheck.flow.values import BUILT_IN, names, without_names

Place = tuple[str | int, ...]
Mistake = tuple[Place, str]
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
TESTS: Final = ("exists", "is_null", "matches", "contains", "length", "not")
HEADER: Final = "header:"
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
_REQUEST: Final = re.compile(r"(?P<method>[A-Z]+) (?P<path>/\S*)")
_CAPTURED: Final = re.compile(r"[a-z_]\w*")
_BODIES: Final = ("json", "form", "body")


def mistakes(flows: Sequence[Flow]) -> Iterator[Mistake]:
    """Yield each mistake: the keys from the top of the file, and what is wrong there."""
    seen: set[str] = set()
    for number, flow in enumerate(flows):
        place: Place = ("flow", number)
        if not _ID.fullmatch(flow.name):
            yield (*place, "name"), "a name is made of lower-case letters, digits and dashes"
        if flow.name in seen:
            yield (*place, "name"), f"two flows are named {flow.name}"
        seen.add(flow.name)
        yield from _of_flow(flow, place)


def _of_flow(flow: Flow, place: Place) -> Iterator[Mistake]:
    if bool(flow.step) == bool(flow.command):
        yield (*place, "name"), "a flow has steps ([[flow.step]]) or a command, one of both"
    if flow.results and not flow.command:
        yield (*place, "results"), "results are those of a command, and there is none"
    known = set(BUILT_IN)
    for kind, steps in (("step", flow.step), ("cleanup", flow.cleanup)):
        for number, step in enumerate(steps):
            here = (*place, kind, number)
            yield from _of_step(step, here, known)
            known |= set(step.capture)


def _of_step(step: Step, place: Place, known: set[str]) -> Iterator[Mistake]:
    if bool(step.request) == bool(step.sql):
        yield (*place, "name"), "a step has a request or sql, one of both"
    elif step.request:
        yield from _of_request(step, place)
    else:
        yield from _of_sql(step, place)
    want = step.expect
    used: dict[str, Any] = {
        **{key: getattr(step, key) for key in ("request", "sql", "headers", "json", "form", "body")},
        "expect": [want.json, want.text, want.no_text, want.headers, want.rows, want.value],
    }
    for key, form in used.items():
        for name in names(form):
            if name not in known and not name.startswith("env."):
                yield (*place, key), f"{{{name}}} has no value here: no step before it captures it"
    for name in step.capture:
        if not _CAPTURED.fullmatch(name) or name == "run_id":
            yield (*place, "capture"), f"`{name}` cannot be a name of a captured value"


def _of_request(step: Step, place: Place) -> Iterator[Mistake]:
    found = _REQUEST.fullmatch(step.request or "")
    if not found:
        yield (*place, "request"), 'a request is a method and a path: "POST /api/notes"'
    elif found["method"] not in METHODS:
        yield (*place, "request"), f"there is no method {found['method']}; known: {', '.join(METHODS)}"
    if sum(bool(getattr(step, key)) or (key == "json" and step.json is not None) for key in _BODIES) > 1:
        yield (*place, "name"), "a request has one body: json, form or body"
    if step.file and (step.body or step.json is not None):
        yield (*place, "file"), "a file goes with a form, not with json or body"
    wrong = [key for key in ("rows", "count", "value") if getattr(step.expect, key) is not None]
    if wrong:
        yield (*place, "expect"), f"`{wrong[0]}` is for sql steps"
    yield from _of_paths(step, place)


def _of_paths(step: Step, place: Place) -> Iterator[Mistake]:
    from jsonpath import JSONPathError
    from jsonpath import compile as parse

    wanted = [("expect", path) for path in step.expect.json]
    wanted += [("capture", path) for path in step.capture.values() if not path.startswith(HEADER)]
    for key, path in wanted:
        try:
            parse(without_names(path))
        except JSONPathError as error:
            yield (*place, key), f"`{path}` is no JSONPath: {str(error).splitlines()[0]}"
    for value in step.expect.json.values():
        for word in value if isinstance(value, dict) and len(value) == 1 else ():
            if word not in TESTS and (near := difflib.get_close_matches(word, TESTS, n=1)):
                yield (*place, "expect"), f"there is no test `{word}`; did you mean `{near[0]}`?"


def _of_sql(step: Step, place: Place) -> Iterator[Mistake]:
    wrong = [key for key in ("headers", "form", "body", "file") if getattr(step, key)]
    wrong += ["json"] if step.json is not None else []
    if wrong:
        yield (*place, wrong[0]), f"`{wrong[0]}` is for request steps"
    answer: Expect = step.expect
    if answer.status is not None or answer.headers or answer.text or answer.no_text or answer.json:
        yield (*place, "expect"), "of sql, `rows`, `count` or `value` can be expected"
    if reason := _unparsed(step.sql or ""):
        yield (*place, "sql"), reason


def _unparsed(sql: str) -> str | None:
    """Return why this is not one statement, None if it is."""
    from pglast import parse_sql
    from pglast.parser import ParseError

    from infracheck.flow.values import sql_filled

    try:
        statements = parse_sql(sql_filled(sql, lambda _: "", lambda _: "NULL"))
    except ParseError as error:
        return f"this is no SQL: {str(error).split(', at ')[0]}"
    return None if len(statements) == 1 else f"an sql step is one statement, and these are {len(statements)}"
