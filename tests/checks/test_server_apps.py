"""Dev servers other than Next.js: a real Vite, which needs no settings, and a real uvicorn, which needs its command."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from infracheck.checks.server import server_stops
from infracheck.clients import ports
from infracheck.context import Context
from infracheck.model import Failed, Passed
from infracheck.settings import ServerSettings, Settings
from tests.checks.boot_times import FAR, BootTimes
from tests.clients.processes import running_in
from tests.clients.small_server import environment
from tests.components import fastapi_app, vite_app
from tests.components.ports import free_port
from tests.helpers import judge, make_context


class App:
    """One app in its folder, judged through its files alone, but for what the settings say."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, path: str | None = None) -> None:
        self.folder, self.times, self.path = folder, BootTimes(patch), path
        self.port = free_port()
        self._contexts: list[Context] = []

    def context(self, **settings: object) -> Context:
        process = environment(self.port) | ({"PATH": self.path} if self.path else {})
        chosen = Settings(server=ServerSettings(timeout=FAR, **settings))  # type: ignore[arg-type]
        self._contexts.append(make_context(self.folder, process=process, settings=chosen))
        return self._contexts[-1]

    def green(self, **settings: object) -> Passed:
        ctx = self.context(**settings)
        outcome = self.times.verdict(ctx, "200 ")
        assert isinstance(outcome, Passed), outcome
        port = ctx.server.port
        assert isinstance(judge(server_stops, ctx), Passed)
        assert ports.is_free(port)
        return outcome

    def red(self, cause: str | None, **settings: object) -> Failed:
        outcome = self.times.verdict(self.context(**settings), cause)
        assert isinstance(outcome, Failed), outcome
        return outcome

    def tidy(self) -> None:
        for ctx in self._contexts:
            ctx.close()
        assert running_in(self.folder) == []


@pytest.fixture
def vite(app: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    made = App(vite_app.copy_to(app), monkeypatch)
    # Vite listens where its own settings say: another app may hold its usual port on this machine.
    (app / "vite.config.js").write_text(f"export default {{ server: {{ port: {made.port} }} }};\n", encoding="utf-8")
    yield made
    made.tidy()


@pytest.fixture
def fastapi(app: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    made = App(fastapi_app.copy_to(app), monkeypatch, fastapi_app.path_with_uvicorn())
    yield made
    made.tidy()


def wheres(outcome: Failed) -> list[str | None]:
    return [finding.where for finding in outcome.findings if finding.level == "fail"]


# -- Vite


def test_vite_boots_without_any_settings(vite: App) -> None:
    """By its package.json alone; the port is the one that it names itself."""
    outcome = vite.green()
    assert outcome.summary.startswith(f"answers 200 on http://localhost:{vite.port}/ ")


def test_vite_whose_port_is_busy(vite: App) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        outcome = vite.red(None, port=port)
        assert outcome.summary.startswith(f"port {port} is taken by ")
        script = f"npm run dev -- --host 127.0.0.1 --port {port} --strictPort"
        outcome = vite.red("is already in use", command=script, port=free_port())
    assert f": port {port} is taken by " in outcome.summary
    assert f"pid {os.getpid()}" in outcome.summary


@pytest.mark.parametrize(
    ("config", "cause", "said", "remedy"),
    [
        (
            'throw new Error("SHOP_KEY is not set");\n',
            "SHOP_KEY is not set",
            "vite.config.js cannot be loaded: SHOP_KEY is not set",
            "give the variable it asks for a value",
        ),
        (
            'import react from "@vitejs/plugin-react";\nexport default { plugins: [react()] };\n',
            "Cannot find package",
            "the package @vitejs/plugin-react is not installed",
            "npm install --save-dev @vitejs/plugin-react",
        ),
        (
            "export default { plugins: [ };\n",
            "Build failed",
            "vite.config.js cannot be loaded: Build failed with 1 error:",
            "correct vite.config.js",
        ),
    ],
    ids=["throws", "missing package", "syntax"],
)
def test_a_vite_config_that_cannot_be_loaded(vite: App, config: str, cause: str, said: str, remedy: str) -> None:
    (vite.folder / "vite.config.js").write_text(config, encoding="utf-8")
    outcome = vite.red(cause, port=vite.port)
    assert "ended with exit code 1 after " in outcome.summary
    assert outcome.summary.endswith(f": {said}")
    assert remedy in outcome.remedy


@pytest.mark.parametrize("name", ["./nowhere.js", "not-there"])
def test_an_import_that_vite_cannot_resolve(vite: App, name: str) -> None:
    """The page itself answers 200: it is only the shell, and its one script is broken."""
    (vite.folder / "src" / "main.js").write_text(f'import x from "{name}";\nx();\n', encoding="utf-8")
    outcome = vite.red("Failed to resolve import")
    assert f'Failed to resolve import "{name}" from "src/main.js"' in outcome.summary
    assert "src/main.js:1" in wheres(outcome)


# -- uvicorn and FastAPI


def uvicorn(app: App, *options: str, name: str = "main:app") -> dict[str, object]:
    return {"command": " ".join(["uvicorn", name, "--port", str(app.port), *options])}


@pytest.mark.parametrize("options", [(), ("--reload",)], ids=["plain", "reload"])
def test_fastapi_boots_with_its_command(fastapi: App, options: tuple[str, ...]) -> None:
    outcome = fastapi.green(**uvicorn(fastapi, *options))
    assert outcome.summary.startswith(f"answers 200 on http://localhost:{fastapi.port}/ ")


@pytest.mark.parametrize("options", [(), ("--reload",)], ids=["plain", "reload"])
def test_a_module_that_uvicorn_cannot_import(fastapi: App, options: tuple[str, ...]) -> None:
    outcome = fastapi.red("Could not import module", **uvicorn(fastapi, *options, name="nomod:app"))
    assert ": there is no module nomod where `uvicorn nomod:app " in outcome.summary
    assert "correct the module" in outcome.remedy


def test_a_module_that_holds_no_such_app(fastapi: App) -> None:
    outcome = fastapi.red("not found in module", **uvicorn(fastapi, name="main:nope"))
    assert outcome.summary.endswith(": the module main has no `nope`")


def test_a_port_that_uvicorn_finds_in_use(fastapi: App) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        outcome = fastapi.red(None, command=f"uvicorn main:app --port {port}")
        assert outcome.summary.startswith(f"port {port} is taken by ")
        outcome = fastapi.red("address already in use", command=f"uvicorn main:app --port {port}", port=free_port())
    assert f": port {port} is taken by " in outcome.summary


@pytest.mark.parametrize("options", [(), ("--reload",)], ids=["plain", "reload"])
@pytest.mark.parametrize(
    ("code", "cause", "said", "remedy"),
    [
        (
            'import os\n\nKEY = os.environ["STRIPE_KEY"]\n',
            "KeyError: 'STRIPE_KEY'",
            "the environment variable STRIPE_KEY is not set",
            "give STRIPE_KEY a value in the env file, or correct main.py:3",
        ),
        (
            "import notthere\n",
            "No module named 'notthere'",
            "the Python module notthere is not installed",
            "or correct main.py:1",
        ),
        ("\nraise ValueError('boom')\n", "ValueError: boom", "main.py:2 ValueError: boom", "correct main.py:2"),
    ],
    ids=["variable", "package", "other"],
)
def test_an_app_that_throws_while_it_is_imported(
    fastapi: App, *, code: str, cause: str, said: str, remedy: str, options: tuple[str, ...]
) -> None:
    """With --reload uvicorn listens already, and waits for somebody to correct the file."""
    (fastapi.folder / "main.py").write_text(code, encoding="utf-8")
    outcome = fastapi.red(cause, **uvicorn(fastapi, *options))
    assert outcome.summary.endswith(f": {said}")
    assert remedy in outcome.remedy
    assert f"main.py:{code[: code.rindex(chr(10))].count(chr(10)) + 1}" in wheres(outcome)


@pytest.mark.parametrize("options", [(), ("--reload",)], ids=["plain", "reload"])
def test_an_app_whose_startup_throws(fastapi: App, options: tuple[str, ...]) -> None:
    code = """
from contextlib import asynccontextmanager
from fastapi import FastAPI

@asynccontextmanager
async def life(app):
    raise RuntimeError("no database")
    yield

app = FastAPI(lifespan=life)
"""
    (fastapi.folder / "main.py").write_text(code, encoding="utf-8")
    outcome = fastapi.red("RuntimeError: no database", **uvicorn(fastapi, *options))
    assert outcome.summary.endswith(": the app ends while it starts: main.py:7 RuntimeError: no database")


def test_a_route_that_throws(fastapi: App) -> None:
    main = fastapi.folder / "main.py"
    main.write_text(main.read_text().replace('return {"hello": "reader"}', 'raise ValueError("boom")'))
    outcome = fastapi.red("500 ", **uvicorn(fastapi))
    line = 1 + main.read_text().splitlines().index('    raise ValueError("boom")')
    assert outcome.summary == f"`/` answers 500: main.py:{line} ValueError: boom"
    assert wheres(outcome) == [f"main.py:{line}"]
