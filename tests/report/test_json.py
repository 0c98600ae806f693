"""The JSON report: one document, held to its published schema, that says the same thing in the same place."""

import json as stdlib_json
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from infracheck.model import Passed
from infracheck.report import json
from tests.report.parts import AUTH, report
from tests.report.scenarios import SCENARIOS
from tests.report.test_golden import GOLDEN

ROOT: Final = Path(__file__).parents[2]
SHIPPED: Final = Path(json.__file__).with_name("report.schema.json")
PUBLISHED: Final = ROOT / "docs" / "report.schema.json"
SCHEMA: Final[dict[str, Any]] = stdlib_json.loads(SHIPPED.read_text(encoding="utf-8"))
VALIDATOR: Final = Draft202012Validator(SCHEMA)


def parsed(name: str) -> dict[str, Any]:
    document: dict[str, Any] = stdlib_json.loads(json.render(SCENARIOS[name]()))
    return document


def only(name: str, outcome: str) -> dict[str, Any]:
    """Return the first check with an outcome."""
    found: dict[str, Any] = next(check for check in parsed(name)["checks"] if check["outcome"] == outcome)
    return found


def test_the_schema_is_one_and_is_published() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert PUBLISHED.read_text(encoding="utf-8") == SHIPPED.read_text(encoding="utf-8"), (
        f"copy {SHIPPED} to {PUBLISHED}"
    )


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.name)
def test_every_golden_document_is_valid(path: Path) -> None:
    VALIDATOR.validate(stdlib_json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.update(more=1),
        lambda d: d.pop("verdict"),
        lambda d: d.update(verdict="pass"),  # with exit code 1
        lambda d: d.update(exit_code=2),
        lambda d: d.update(started_at="2026-11-22T10:00:00+01:00"),
        lambda d: d["counts"].pop("not-run"),
        lambda d: d["counts"].update(flaky=1),
        lambda d: d["target"].update(path="/"),
        lambda d: d["inputs"].update({"schema.sql": "md5:00"}),
        lambda d: d["checks"][1].update(remedy=None),  # a failure without a way out
        lambda d: d["checks"][1].update(reason="both"),
        lambda d: d["checks"][1].update(outcome="broken"),
        lambda d: d["checks"][1].pop("findings"),
        lambda d: d["checks"][1]["findings"][0].update(level="fatal"),
        lambda d: d["checks"][1]["findings"][0].pop("where"),
        lambda d: d["checks"][0].update(waivers=[{"check": "*"}]),
        lambda d: d["checks"][4].update(blocked_by=None),
    ],
)
def test_the_schema_refuses_what_is_not_a_report(spoil: Any) -> None:
    document = parsed("red")
    VALIDATOR.validate(document)
    spoiled = deepcopy(document)
    spoil(spoiled)
    assert not VALIDATOR.is_valid(spoiled)


def test_the_frame_says_what_was_judged() -> None:
    document = parsed("red")
    assert set(document) == set(SCHEMA["properties"])
    assert document["schema"] == "infracheck.report/1"
    assert document["tool"] == {"name": "infracheck", "version": "0.1.0"}
    assert document["started_at"] == "2026-11-22T10:00:00Z"
    assert document["target"]["branch"] == "main"
    assert (document["verdict"], document["exit_code"]) == ("fail", 1)
    assert document["counts"] == {
        "passed": 5, "failed": 2, "skipped": 2, "undecided": 0, "blocked": 3, "crashed": 0, "waived": 0, "not-run": 0
    }  # fmt: skip


def test_the_time_is_utc_wherever_the_run_was() -> None:
    made = SCENARIOS["empty"]()
    object.__setattr__(made, "started_at", datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))))
    assert stdlib_json.loads(json.render(made))["started_at"] == "2025-12-31T22:30:00Z"


def test_a_failure_has_evidence_remedy_and_reproducer() -> None:
    failed = only("red", "failed")
    assert failed["id"] == "env-real"
    assert failed["summary"] == "2 values are not what Next.js will read"
    assert failed["remedy"].startswith("write `\\$`")
    assert failed["reproduce"] == "infracheck env explain DATABASE_URL"
    assert failed["findings"][0] == {
        "subject": "DATABASE_URL",
        "state": "CUT",
        "note": "`$` in the password: Next.js reads 9 of 14 characters",
        "where": ".env.local:3",
        "level": "fail",
    }
    assert failed["url"] == "docs/checks.md#env-real"
    assert failed["seconds"] == 0.01


@pytest.mark.parametrize(
    ("scenario", "outcome", "said"),
    [
        ("green", "passed", {"summary": "14 of 14 required variables have a value"}),
        ("red", "skipped", {"reason": "NEON_API_KEY is not set"}),
        (
            "red",
            "blocked",
            {"reason": "the server refuses the password of neondb_owner", "blocked_by": "database-connects"},
        ),
        (
            "undecided",
            "undecided",
            {"reason": "Sentry answered 429 three times", "remedy": "wait a minute, or ask for a higher rate"},
        ),
        ("crashed", "crashed", {"reason": "KeyError: 'keys' (infracheck.clients.better_auth:71)"}),
        ("interrupted", "not-run", {"reason": "interrupted"}),
        (
            "waived",
            "waived",
            {"summary": "2 of 14 variables have no value", "remedy": "put values into .env.local:11 and .env.local:12"},
        ),
    ],
)
def test_each_outcome_says_its_words_in_its_place(scenario: str, outcome: str, said: dict[str, str]) -> None:
    check = only(scenario, outcome)
    for key in ("summary", "remedy", "reproduce", "blocked_by", "reason"):
        assert check[key] == said.get(key)


def test_a_waived_check_names_what_excuses_it() -> None:
    waived = only("waived", "waived")
    assert waived["waivers"][0] == {
        "check": "env-filled",
        "subject": "SENTRY_*",
        "reason": "no Sentry until launch",
        "expires": "2027-01-31",
        "approved_by": "Kim",
        "source": "infracheck.toml:12",
    }
    assert waived["waivers"][1]["expires"] is None
    assert [finding["level"] for finding in waived["findings"]][:2] == ["info", "info"]


def test_evidence_is_complete_however_long() -> None:
    assert len(only("long-evidence", "failed")["findings"]) == 52


def test_text_that_no_encoder_takes_becomes_text_that_every_parser_takes() -> None:
    text = json.render(report(((AUTH, Passed("caf\udce9 \ud83d\ude00 – 日本"), 0.0),)))
    text.encode("utf-8")
    assert stdlib_json.loads(text)["checks"][0]["summary"] == "caf\ufffd \ufffd\ufffd – 日本"
