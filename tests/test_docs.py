"""The documentation is tested against the code."""

import dataclasses
import importlib.util
import re
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import pytest

from infracheck.checks import GATE
from infracheck.model import Check
from infracheck.settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests" / "checks").glob("test_*.py")))


def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_checks_is_up_to_date() -> None:
    assert (ROOT / "docs" / "checks.md").read_text(encoding="utf-8") == builder().checks_page(), "run: make docs"


def test_the_published_schemas_are_up_to_date() -> None:
    for name, text in builder().schemas().items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, "run: make docs"


@pytest.mark.parametrize("one", GATE, ids=attrgetter("id"))
def test_every_check_is_explained(one: Check) -> None:
    assert len(one.why) > 80, f"{one.id} does not say why it is asked"
    assert f"`{one.id}`" in README


@pytest.mark.parametrize("one", GATE, ids=attrgetter("id"))
@pytest.mark.parametrize("colour", ["red", "green"])
def test_every_check_is_seen_red_and_green(one: Check, colour: str) -> None:
    assert f'@pytest.mark.{colour}("{one.id}")' in TESTS


def keys(model: Any, prefix: str = "") -> list[str]:
    found: list[str] = []
    for one in dataclasses.fields(model):
        hint: Any = get_type_hints(model)[one.name]
        inner = next((a for a in getattr(hint, "__args__", ()) if dataclasses.is_dataclass(a)), hint)
        found += keys(inner, f"{one.name}.") if dataclasses.is_dataclass(inner) else [f"{prefix}{one.name}"]
    return found


KEYS = keys(Settings)


def of_a_flow(key: str) -> bool:
    return key.partition(".")[0] in {"step", "cleanup", "expect", "file"}


@pytest.mark.parametrize(
    "key", sorted({key.rpartition(".")[2].rstrip("_") for key in keys(Settings) if of_a_flow(key)})
)
def test_every_key_of_a_flow_is_documented(key: str) -> None:
    page = (ROOT / "docs" / "flows.md").read_text(encoding="utf-8")
    assert f"`{key}`" in page or f"{key} = " in page


@pytest.mark.parametrize("key", [key for key in KEYS if not of_a_flow(key)])
def test_every_setting_is_documented(key: str) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    table, _, name = key.rpartition(".")
    section = re.search(rf"(?ms)^## `\[+{table}\]+`.*?(?=^## |\Z)", page)
    assert section, f"docs/configuration.md has no section [{table}]"
    assert f"| `{name}` |" in section[0]
