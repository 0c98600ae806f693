"""What an app is made of, by its files."""

import json
from pathlib import Path

import pytest

from infracheck.errors import UsageError
from infracheck.project.detect import detect


def package(folder: Path, **content: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("dependencies", "framework"),
    [
        ({"next": "16"}, "next"),
        ({"vite": "8", "react": "19"}, "vite"),
        ({"astro": "5", "vite": "8"}, "astro"),
        ({"react": "19"}, None),
    ],
)
def test_the_framework(app: Path, dependencies: dict[str, str], framework: str | None) -> None:
    assert detect(package(app, dependencies=dependencies)).framework == framework
    assert detect(package(app, devDependencies=dependencies)).framework == framework


@pytest.mark.parametrize(
    ("lock", "manager"),
    [
        ("package-lock.json", "npm"),
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
        (None, "npm"),
    ],
)
def test_the_package_manager_is_looked_for_up_to_the_repository_s_root(
    app: Path, lock: str | None, manager: str
) -> None:
    (app / ".git").mkdir()
    web = package(app / "apps" / "web")
    if lock:
        (app / lock).write_text("")
    (app.parent / "yarn.lock").write_text("")  # beyond the repository: not ours
    assert detect(web).package_manager == manager
    assert detect(web).repository == app


@pytest.mark.parametrize(
    ("script", "port"),
    [
        ("next dev", None),
        ("next dev -p 3123", 3123),
        ("next dev --port=3123", 3123),
        ("PORT=3123 next dev", 3123),
        ("next dev --port $PORT", None),
        ("next dev --turbopack", None),
    ],
)
def test_the_port_of_a_script(app: Path, script: str, port: int | None) -> None:
    assert detect(package(app)).port_of_script(script) == port


def test_the_state_file_is_found_above_the_app(app: Path) -> None:
    (app / ".git").mkdir()
    (app / "project-state.md").write_text("")
    assert detect(package(app / "apps" / "web")).state == app / "project-state.md"


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"scripts": []}', '{"scripts": {"dev": 1}}', '{"dependencies": []}']
)
def test_an_odd_package_json_is_no_crash(app: Path, text: str) -> None:
    (app / "package.json").write_text(text)
    if text == "{":
        with pytest.raises(UsageError, match=r"package.json cannot be read"):
            detect(app)
        return
    project = detect(app)
    assert (project.framework, project.dev_script) == (None, None)
