"""infracheck.toml: all optional, frozen, and exact about what is wrong with it."""

import dataclasses
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from infracheck.config import json_schema, load
from infracheck.errors import UsageError
from infracheck.settings import ServerSettings, Settings


def settings_of(app: Path, text: str, name: str = "infracheck.toml") -> Settings:
    (app / name).write_text(text)
    return load(app).settings


def test_without_a_file_everything_has_a_default(app: Path) -> None:
    loaded = load(app)
    assert (loaded.settings, loaded.source, loaded.waivers) == (Settings(), None, ())


def test_a_file_is_read(app: Path) -> None:
    text = """
        [server]
        port = 3999
        [app]
        schema = "db/schema.sql"
        disposable = true
    """
    settings = settings_of(app, text)
    assert settings.server == ServerSettings(port=3999)
    assert (settings.app.schema, settings.app.disposable) == ("db/schema.sql", True)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.server.port = 1  # type: ignore[misc]


def test_pyproject_is_read_only_where_it_has_a_table(app: Path) -> None:
    (app / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert load(app).source is None
    settings = settings_of(app, "[tool.infracheck.server]\nport = 8000\n", "pyproject.toml")
    assert settings.server.port == 8000


def test_waivers_know_their_line(app: Path) -> None:
    text = """
[[waiver]]
check = "schema-tables"
subject = "public.old"
reason = "dropped next week"
expires = 2027-01-31

[[waiver]]
check = "sentry-*"
reason = "no Sentry before launch"
expires = 2027-02-01
approved_by = "the owner"
"""
    (app / "infracheck.toml").write_text(text)
    first, second = load(app).waivers
    assert (first.check, first.subject, first.expires) == ("schema-tables", "public.old", date(2027, 1, 31))
    assert (second.subject, second.approved_by) == ("*", "the owner")
    assert (first.source, second.source) == ("infracheck.toml:3", "infracheck.toml:9")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[server]\n# x\nprot = 30\n",
            "infracheck.toml:3: there is no setting `server.prot`; did you mean `port`?",
        ),
        ("[sever]\nport = 1\n", "infracheck.toml:1: there is no setting `sever`; did you mean `server`?"),
        ("[app]\nzzz = 1\n", "infracheck.toml:2: there is no setting `app.zzz`; known here: env_file, env_example"),
        ('[server]\nport = "many"\n', "infracheck.toml:2: `server.port`: "),
        ("[[waiver]]\ncheck = 'x'\nexpires = 2027-01-01\n", "infracheck.toml:1: `waiver.0.reason`"),
        ("[[waiver]]\ncheck = 'x'\nreason = 'y'\n", "infracheck.toml:1: `waiver.0.expires`"),
        (
            "[[waiver]]\ncheck='x'\nreason='y'\nexpires=2027-01-01\n[[waiver]]\ncheck='x'\nreasn='y'\nexpires=2027-01-01\n",
            "infracheck.toml:7: there is no setting `waiver.1.reasn`; did you mean `reason`?",
        ),
        ("[server\n", "infracheck.toml is not valid TOML"),
        ("[server]\nport = 1\nport = 2\n", "infracheck.toml is not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_line(app: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        settings_of(app, text)
    assert str(raised.value).startswith(message)
    assert raised.value.hint


def test_the_published_schema_accepts_and_refuses_the_same() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate({"server": {"port": 3000}}, schema)
    mistakes: list[dict[str, Any]] = [{"server": {"prot": 1}}, {"nothing": {}}, {"waiver": [{"check": "x"}]}]
    for wrong in mistakes:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
