"""What a real `npm run dev` of Next.js can be wrong with: each cause is named, as soon as it is on the screen."""

import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infracheck.clients import ports
from infracheck.context import Context
from infracheck.model import Failed, Passed
from infracheck.settings import ServerSettings
from tests.checks.boot_times import FAR, BootTimes
from tests.clients.processes import eventually, running_in
from tests.clients.small_server import context
from tests.components import next_notes
from tests.components.child import running
from tests.components.node import path_with_node
from tests.components.ports import free_port

DYNAMIC = 'export const dynamic = "force-dynamic";\n'


@pytest.fixture(scope="module")
def notes() -> Iterator[Path]:
    with next_notes.working_copy() as folder:
        next_notes.write_env(folder, {"BETTER_AUTH_SECRET": "x" * 32, "NEON_AUTH_BASE_URL": "http://localhost:1/auth"})
        yield folder


class NextApp:
    """next-notes, some of its files changed for one test; everything is as before when the test is over."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.times = folder, BootTimes(patch)
        self._before = dict[Path, bytes | None]()
        self._contexts: list[Context] = []

    def change(self, name: str, text: str) -> None:
        path = self.folder / name
        self._before.setdefault(path, path.read_bytes() if path.exists() else None)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def script(self, **scripts: str) -> None:
        package = json.loads((self.folder / "package.json").read_text(encoding="utf-8"))
        package["scripts"] |= scripts
        self.change("package.json", json.dumps(package))

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """Do as if a folder below the app were not there."""
        path = self.folder / name
        aside = self.folder.parent / f"aside-{secrets.token_hex(4)}"
        path.rename(aside)
        try:
            yield
        finally:
            aside.rename(path)

    def context(self, variable: int | None = None, /, **settings: object) -> Context:
        """Return a Context; `variable` is what PORT says."""
        chosen = ServerSettings(timeout=FAR, **settings)  # type: ignore[arg-type]
        self._contexts.append(context(self.folder, port=variable, settings=chosen))
        return self._contexts[-1]

    def red(self, cause: str | None, ctx: Context | None = None, **settings: object) -> Failed:
        outcome = self.times.verdict(ctx or self.context(**settings), cause)
        assert isinstance(outcome, Failed), outcome
        return outcome

    def tidy(self) -> None:
        for ctx in self._contexts:
            ctx.close()
        left = running_in(self.folder)
        for path, content in self._before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(content)
        assert left == []


@pytest.fixture
def app(notes: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NextApp]:
    made = NextApp(notes, monkeypatch)
    yield made
    made.tidy()


def error(outcome: Failed) -> tuple[str, str | None]:
    """Return the first failing finding: what it says, and where."""
    finding = next(one for one in outcome.findings if one.level == "fail")
    return finding.note or finding.subject, finding.where


# -- "Ready" is not readiness


def test_another_dev_server_of_the_same_folder(app: NextApp, tmp_path: Path) -> None:
    """It took the folder's lock after the gate had looked: Next.js itself says so, after "Ready"."""
    go = tmp_path / "go"
    ctx = app.context(command=f"until [ -e {go} ]; do sleep 0.02; done; npm run dev")
    assert ctx.server.started
    other, lock = free_port(), app.folder / ".next" / "dev" / "lock"
    env = {**os.environ, "PATH": path_with_node(), "PORT": str(other), "NEXT_TELEMETRY_DISABLED": "1"}
    with running(["npm", "run", "dev"], folder=app.folder, env=env, log=tmp_path / "log"):
        eventually(lambda: lock.exists() and str(other) in lock.read_text(), 60)
        go.touch()
        outcome = app.times.verdict(ctx, "Another next dev server is already running")
        pid = json.loads(lock.read_text())["pid"]
    assert isinstance(outcome, Failed)
    assert f"another dev server of this folder is running already: http://localhost:{other}" in outcome.summary
    assert f"kill {pid}" in outcome.remedy


@pytest.mark.parametrize(
    ("config", "cause", "said", "remedy"),
    [
        (
            'throw new Error("SITE_KEY is not set");\n',
            "SITE_KEY is not set",
            "next.config.ts cannot be loaded: SITE_KEY is not set",
            "give the variable it asks for a value",
        ),
        ("export default { ;\n", "Failed to load next.config.ts", "next.config.ts cannot be loaded", "next.config.ts"),
        (
            'import x from "not-there";\nexport default x;\n',
            "not-there",
            "the package not-there is not installed",
            "npm install --save-dev not-there",
        ),
    ],
    ids=["throws", "syntax", "missing package"],
)
def test_a_config_that_cannot_be_loaded(app: NextApp, config: str, cause: str, said: str, remedy: str) -> None:
    app.change("next.config.ts", config)
    outcome = app.red(cause)
    assert said in outcome.summary
    assert remedy in outcome.remedy


def test_an_instrumentation_hook_that_throws(app: NextApp) -> None:
    app.change("instrumentation.ts", 'export function register() {\n  throw new Error("KEY is missing");\n}\n')
    outcome = app.red("KEY is missing")
    assert outcome.summary.endswith("the instrumentation hook throws while it loads: KEY is missing")
    assert error(outcome)[1] == "instrumentation.ts:2"


def test_a_production_server_without_a_build(app: NextApp) -> None:
    outcome = app.red("Could not find a production build", command="npm run start")
    assert "`npm run start` serves a finished build, and there is none" in outcome.summary
    assert "run the build first" in outcome.remedy


def test_packages_that_are_not_installed(app: NextApp) -> None:
    with app.without("node_modules"):
        outcome = app.red(None)
        assert outcome.summary == "the app's packages are not installed: there is no node_modules/next"
        assert outcome.remedy == "install them: `npm ci`"
        # Within a command line of the shell it cannot be seen before.
        outcome = app.red("next: not found", command="true && npm run dev")
    assert "ended with exit code 127" in outcome.summary
    assert outcome.summary.endswith("`next` is not installed")
    assert "npm ci" in outcome.remedy


def test_a_script_that_package_json_does_not_have(app: NextApp) -> None:
    outcome = app.red("Missing script", command="npm run devx")
    assert outcome.summary.endswith("package.json has no script `devx`")


@pytest.mark.parametrize("by_script", [False, True], ids=["PORT", "-p"])
def test_a_port_in_use(app: NextApp, *, by_script: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        if by_script:
            app.script(dev=f"next dev -p {port}")
        outcome = app.red(None, app.context(None if by_script else port))
        assert outcome.summary.startswith(f"port {port} is taken by ")
        assert f"pid {os.getpid()}" in outcome.summary
        assert ports.is_listening(port), "it is left alone"


def test_a_port_in_use_that_only_next_knows_of(app: NextApp) -> None:
    """The settings say another port than the script: `Failed to start server`, EADDRINUSE."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        app.script(dev=f"next dev -p {port}")
        outcome = app.red("EADDRINUSE", port=free_port())
    assert f": port {port} is taken by " in outcome.summary
    assert f"pid {os.getpid()}" in outcome.summary


# -- errors at request time


@pytest.mark.parametrize(
    ("page", "said", "where"),
    [
        ("export default function Home() {\n  return <main>;\n}\n", "app/page.tsx:", "app/page.tsx"),
        (
            'import x from "not-there";\nexport default () => <main>{x}</main>;\n',
            "app/page.tsx:1:1 Module not found: Can't resolve 'not-there'",
            "app/page.tsx:1",
        ),
        (
            DYNAMIC + 'export default function Home() {\n  throw new Error("boom");\n}\n',
            "app/page.tsx:3:9 boom",
            "app/page.tsx:3",
        ),
    ],
    ids=["syntax error", "missing module", "server component throws"],
)
def test_a_page_that_answers_500(app: NextApp, page: str, said: str, where: str) -> None:
    app.change("app/page.tsx", page)
    outcome = app.red("500 ")
    assert outcome.summary.startswith(f"`/` answers 500: {said}")
    assert str(error(outcome)[1]).startswith(where)
    assert where in outcome.remedy or "not-there" in outcome.remedy


def test_an_environment_that_the_app_itself_refuses(app: NextApp) -> None:
    app.change("lib/env.ts", 'if (!process.env.SHOP_KEY) throw new Error("Invalid environment variables: SHOP_KEY");\n')
    app.change("app/page.tsx", 'import "@/lib/env";\n' + DYNAMIC + "export default () => <main>shop</main>;\n")
    outcome = app.red("500 ")
    assert outcome.summary == "`/` answers 500: lib/env.ts:1:34 Invalid environment variables: SHOP_KEY"


def test_a_route_handler_that_throws(app: NextApp) -> None:
    """Its answer has no body at all: only the log knows why."""
    route = DYNAMIC + 'export function GET() {\n  throw new Error("STRIPE_KEY is not set");\n}\n'
    app.change("app/api/health/route.ts", route)
    outcome = app.red("500 ", ready="/api/health")
    assert outcome.summary == "`/api/health` answers 500: app/api/health/route.ts:3:9 STRIPE_KEY is not set"
    assert error(outcome) == ("STRIPE_KEY is not set", "app/api/health/route.ts:3")


def test_an_error_that_a_page_prints_while_it_answers_well(app: NextApp) -> None:
    page = "export default () => (console.error('no price list'), (<main>shop</main>));\n"
    app.change("app/page.tsx", DYNAMIC + page)
    outcome = app.red("200 ")
    assert outcome.summary == "`/` answers 200, but an error was logged: no price list"
    assert error(outcome)[0] == "no price list"


def test_what_a_page_prints_otherwise_is_its_own_affair(app: NextApp) -> None:
    page = DYNAMIC + "export default () => (console.log('plain'), console.warn('careful'), (<main>shop</main>));\n"
    app.change("app/page.tsx", page)
    outcome = app.times.verdict(app.context(), "200 ")
    assert isinstance(outcome, Passed), outcome


# -- TypeScript without its packages: Next.js would install them by itself, and edit package.json


def test_typescript_without_its_packages(app: NextApp) -> None:
    before = (app.folder / "package.json").read_bytes()
    with app.without("node_modules/typescript"):
        outcome = app.red(None)
        assert outcome.summary.startswith("the app is written in TypeScript, but typescript is not installed")
        ctx = app.context(command="true && npm run dev")
        late = app.times.verdict(ctx, "trying to use TypeScript but do not have the required")
        ctx.close()
    assert isinstance(late, Failed)
    assert "its packages are not installed" in late.summary
    assert "npm install --save-dev typescript" in late.remedy
    assert (app.folder / "package.json").read_bytes() == before
