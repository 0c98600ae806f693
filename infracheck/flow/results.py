"""Reads what a test runner wrote about its tests: JUnit XML, or the JSON of Playwright's reporter."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

NOTE: Final = 300  # characters of a failure's message


@dataclass(frozen=True, slots=True)
class Tested:
    """One test: its name, how it went, and what it said."""

    name: str
    state: Literal["passed", "failed", "skipped"]
    note: str = ""


def read_results(path: Path) -> list[Tested]:
    """Return the tests in a result file.

    Raises:
        ValueError: it is neither JUnit XML nor Playwright's JSON.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    return list(_of_json(text) if text.lstrip().startswith("{") else _of_junit(text))


def _of_junit(text: str) -> Iterator[Tested]:
    from junitparser import Error, Failure, JUnitXml, JUnitXmlError, Skipped

    try:
        cases = [case for suite in JUnitXml.fromstring(text.encode()) for case in suite]
    except (JUnitXmlError, SyntaxError, ValueError) as error:
        raise ValueError(f"no JUnit XML: {error}") from None
    for case in cases:
        bad = [result for result in case.result if isinstance(result, Failure | Error)]
        skipped = any(isinstance(result, Skipped) for result in case.result)
        name = " › ".join(part for part in (case.classname, case.name) if part)
        note = _first(bad[0].message or bad[0].text or "") if bad else ""
        yield Tested(name, "failed" if bad else "skipped" if skipped else "passed", note)


def _of_json(text: str) -> Iterator[Tested]:
    document = json.loads(text)
    if "suites" not in document:
        raise ValueError("no JSON of Playwright's reporter: it has no `suites`")
    for suite in document["suites"]:
        yield from _suite(suite, ())


def _suite(suite: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[Tested]:
    path = (*above, str(suite.get("title", "")))
    for spec in suite.get("specs", []):
        tests = spec.get("tests", [])
        errors = [
            error.get("message", "")
            for test in tests
            for result in test.get("results", [])
            for error in result.get("errors", [])
        ]
        skipped = tests and all(test.get("status") == "skipped" for test in tests)
        state: Literal["passed", "failed", "skipped"] = "passed" if spec.get("ok") else "failed"
        name = " › ".join(part for part in (*path, str(spec.get("title", ""))) if part)
        yield Tested(name, "skipped" if skipped else state, _first(errors[0]) if errors and state == "failed" else "")
    for inner in suite.get("suites", []):
        yield from _suite(inner, path)


def _first(text: str) -> str:
    from infracheck.secret import clean

    lines = [line.strip() for line in clean(text, 4 * NOTE).splitlines() if line.strip()]
    return " ".join(lines[:3])[:NOTE]
