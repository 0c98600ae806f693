"""The house: import directions, what starting loads, and what the wheel holds."""

import ast
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "infracheck"
STDLIB = set(sys.stdlib_module_names)
VENDORS = {"psycopg", "httpx", "requests", "sentry_sdk", "neon_api", "rich", "pglast", "pydantic", "psutil", "jinja2"}
VENDORS |= {"dotenv", "playwright"}

BELOW = {"model", "secret", "errors", "verdicts"}
ARROWS: dict[str, set[str] | None] = {  # None: everything below
    "cli": None,
    "cli_env": None,
    "cli_flow": None,
    "cli_provision": None,
    "provisioning": {
        "actions",
        "catalog",
        "checks",
        "config",
        "context",
        "errors",
        "evidence",
        "model",
        "project",
        "runner",
        "scaffold",
        "secret",
    },
    "gate": None,
    "demo": None,
    "describe": None,
    "envtool": None,
    "schematool": None,
    "scaffold": None,
    "localtool": None,
    "flowscaffold": None,
    "outputs": {"errors", "evidence", "model", "project", "report"},
    "report": {"model", "verdicts", "errors"},
    "runner": {"model", "context", "secret", "errors"},
    "catalog": {"checks", "model", "errors"},
    "checks": {"actions", "model", "context", "project", "clients", "flow", "checks", "errors", "secret"},
    "resources": {"errors"},
    "evidence": set(),
    "headstarts": set(),
    "context": {
        "resources",
        "evidence",
        "headstarts",
        "settings",
        "clients",
        "project",
        "secret",
        "errors",
        "verdicts",
    },
    "project": {"model", "secret", "errors"},
    "clients": {"secret", "errors", "clients", "project"},
    "config": {"settings", "tomllines", "flow", "model", "errors", "verdicts"},
    "settings": {"flow"},
    "tomllines": set(),
    "flow": {"clients", "project", "secret", "errors", "verdicts"},
    "model": {"actions", "errors", "verdicts"},
    "actions": {"project"},
    "verdicts": set(),
    "secret": set(),
    "errors": set(),
}


def modules() -> Iterator[tuple[str, Path]]:
    for folder, part in ((PACKAGE, None), (ROOT / "checks", "checks")):
        for path in folder.rglob("*.py"):
            if not path.is_relative_to(PACKAGE / "checks") and not path.is_relative_to(PACKAGE / "templates"):
                relative = path.relative_to(folder)
                yield part or relative.parts[0].removesuffix(".py"), path


def imported(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield (module, only for type checking) of each import."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in typing_only) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
            if node.module == "infracheck":
                names = [f"infracheck.{alias.name}" for alias in node.names]
            yield from ((name, id(node) in typing_only) for name in names)


@pytest.mark.parametrize(("part", "path"), list(modules()), ids=lambda value: str(value).removeprefix(f"{ROOT}/"))
def test_imports_follow_the_arrows(part: str, path: Path) -> None:
    if part == "__init__":
        return
    assert part in ARROWS, f"{path} is in no room of the house: name its arrows"
    allowed = ARROWS[part]
    for name, typing_only in imported(path):
        if name.startswith("infracheck.") and allowed is not None and not typing_only:
            target = name.split(".")[1]
            assert target in allowed | {part} or target == "__version__", f"{path.name} imports {name}"


@pytest.mark.parametrize("module", ["model", "verdicts", "secret", "errors", "clients/supervisor"])
def test_the_core_imports_only_the_standard_library(module: str) -> None:
    roots = {name.split(".")[0] for name, typing_only in imported(PACKAGE / f"{module}.py") if not typing_only}
    assert roots <= STDLIB | {"infracheck"}


def test_starting_loads_no_vendor_sdk() -> None:
    code = "import sys, infracheck.cli, infracheck.checks, infracheck.gate, infracheck.outputs; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "infracheck" in loaded
    assert loaded & VENDORS == set()


def test_the_wheel_holds_checks_and_templates_inside_the_package(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    [wheel] = tmp_path.glob("*.whl")
    assert wheel.name.startswith("infracheck_gate-")
    held = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "checks", "templates"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert tracked
    assert {f"infracheck/{name}" for name in tracked} - held == set()
    assert {"infracheck/py.typed", "infracheck/report/report.schema.json"} <= held
    assert {name.split("/")[0] for name in held} == {
        "infracheck",
        next(n for n in held if ".dist-info/" in n).split("/")[0],
    }
