"""Flows that a test runner of the team's own knows."""

import sys
from pathlib import Path

import pytest

from infracheck.model import Failed, Outcome, Passed
from tests.checks.flow_app import Small
from tests.helpers import states


@pytest.fixture
def small(app: Path, database: str) -> Small:
    return Small(app, database)


# -- a runner of the team's own


RUNNER = """
import os, sys, urllib.request
assert urllib.request.urlopen(os.environ["BASE_URL"]).status == 200
print("running as", os.environ["INFRACHECK_RUN_ID"])
RESULTS
sys.exit(CODE)
"""
JUNIT = """
open(os.environ["INFRACHECK_JUNIT"], "w").write('''<testsuites><testsuite name="e2e">
<testcase classname="core.spec" name="signs in"/><testcase classname="core.spec" name="counts">CASE</testcase>
<testcase classname="core.spec" name="later"><skipped/></testcase></testsuite></testsuites>''')
"""
PLAYWRIGHT = """
import json
error = {"message": "\\x1b[31mexpect(received).toBe(expected)\\x1b[39m\\nExpected: 2\\nReceived: 1"}
spec = {"title": "counts", "ok": False, "tests": [{"status": "unexpected", "results": [{"errors": [error]}]}]}
report = {"suites": [{"title": "core.spec.ts", "specs": [spec]}]}
json.dump(report, open(os.environ["PLAYWRIGHT_JSON_OUTPUT_FILE"], "w"))
"""


def elsewhere(small: Small, results: str = "", code: int = 0, more: str = "") -> Outcome:
    script = RUNNER.replace("RESULTS", results).replace("CODE", str(code))
    (small.folder / "e2e.py").write_text(script, encoding="utf-8")
    return small(f"[[flow]]\nname = 'e2e'\ncommand = '{sys.executable} e2e.py'\n{more}")


def test_a_runner_that_passes_is_taken_over(small: Small) -> None:
    outcome = elsewhere(small, JUNIT.replace("CASE", ""))
    assert isinstance(outcome, Passed), outcome
    assert states(outcome.findings) == {
        "core.spec › signs in": "OK",
        "core.spec › counts": "OK",
        f"{sys.executable} e2e.py": "OK",
    }
    assert isinstance(elsewhere(small), Passed)


@pytest.mark.red("user-flow")
def test_a_runner_that_fails_names_its_test(small: Small) -> None:
    outcome = elsewhere(small, JUNIT.replace("CASE", '<failure message="expected 2, got 1"/>'), code=1)
    assert isinstance(outcome, Failed)
    assert outcome.summary == "flow e2e: the step “core.spec › counts” failed: expected 2, got 1"
    assert outcome.findings[-1].state == "SERVER LOG" or outcome.findings[-1].state == "OUTPUT"
    with_json = elsewhere(small, PLAYWRIGHT, code=1)
    assert isinstance(with_json, Failed)
    assert "expect(received).toBe(expected) Expected: 2 Received: 1" in with_json.summary


@pytest.mark.parametrize(
    ("results", "code", "more", "message"),
    [
        ("", 3, "", "exit code 3"),
        (JUNIT.replace("CASE", '<failure message="no"/>'), 0, "", "no"),
        ("open(os.environ['INFRACHECK_JUNIT'], 'w').write('<testsuites/>')", 0, "", "it ran no test"),
        ("open(os.environ['INFRACHECK_JUNIT'], 'w').write('oops')", 0, "", "results.xml cannot be read: no JUnit XML"),
        ("import time; time.sleep(60)", 0, "command_timeout = 1", "it did not end within 1 s"),
    ],
)
def test_a_runner_can_go_wrong_in_other_ways(small: Small, results: str, code: int, more: str, message: str) -> None:
    outcome = elsewhere(small, results, code, more)
    assert isinstance(outcome, Failed)
    assert message in outcome.summary
