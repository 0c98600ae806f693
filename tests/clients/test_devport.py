"""`[server] port = "auto"`: one free port a run, of which server, variables and checks all hear."""

import json
import threading
from pathlib import Path

import pytest

from infracheck.clients.devplace import AppPlace, place_of_app
from infracheck.clients.devplan import moved_plan, plan_of
from infracheck.context import Context
from infracheck.errors import ClientError
from infracheck.settings import ServerSettings, Settings
from tests.clients.small_server import context, small_app
from tests.components.ports import free_port
from tests.helpers import make_context

AUTO = ServerSettings(port="auto", timeout=60)


def described(folder: Path, script: str | None, *files: str, **dependencies: str) -> Context:
    for name in files:
        (folder / name).touch()
    scripts = {"dev": script} if script else {}
    (folder / "package.json").write_text(json.dumps({"scripts": scripts, "dependencies": dependencies}))
    return make_context(folder)


# -- how the server is told


@pytest.mark.parametrize(
    ("script", "lock", "command"),
    [
        ("next dev", "package-lock.json", "npm run dev"),
        ("node server.js", "package-lock.json", "npm run dev"),
        ("next dev -p ${PORT:-3000}", "package-lock.json", "npm run dev"),
        ("next dev -p 3005", "package-lock.json", "npm run dev -- -p 4999"),
        ("next dev --turbopack --port=3005", "pnpm-lock.yaml", "pnpm run dev -p 4999"),
        ("cross-env A=1 PORT=3005 next dev", "yarn.lock", "yarn run dev -p 4999"),
        ("vite", "package-lock.json", "npm run dev -- --port 4999 --strictPort"),
        ("NODE_ENV=development npx vite --host --port 3005", "bun.lock", "bun run dev --port 4999 --strictPort"),
        ("astro dev", "package-lock.json", "npm run dev -- --port 4999"),
    ],
)
def test_an_argument_stands_only_where_port_is_not_heard(app: Path, script: str, lock: str, command: str) -> None:
    ctx = described(app, script, lock)
    plan = moved_plan(plan_of(ctx.project, ServerSettings(), ctx.env), ctx.project, AUTO, 4999, {"A_URL": "x"})
    assert " ".join(plan.command) == plan.shown == plan.words["command"] == command
    assert (plan.port, plan.port_source) == (4999, '[server] port = "auto"')
    assert [(row.label, row.state) for row in plan.remarks] == [("port 4999", "FREE")]
    assert plan.remarks[0].note.endswith("; moved with it: A_URL")


@pytest.mark.parametrize(
    ("setting", "command"),
    [
        ("npm run dev", "npm run dev -- -p 4999"),
        ("pnpm dev", "pnpm dev -p 4999"),
        ("npm run other", "npm run other"),
        ("uvicorn main:app --port 8000 --reload", "uvicorn main:app --port 4999 --reload"),
        ("python manage.py runserver", "python manage.py runserver"),
        ("PORT=3005 make dev", "PORT=4999 make dev"),
        ("npx vite --open", "npx vite --open --port 4999 --strictPort"),
    ],
)
def test_a_command_of_the_settings_is_told_too(app: Path, setting: str, command: str) -> None:
    ctx = described(app, "next dev -p 3005")
    settings = ServerSettings(command=setting, port="auto")
    plan = moved_plan(plan_of(ctx.project, ServerSettings(command=setting), ctx.env), ctx.project, settings, 4999, {})
    assert plan.shown == command
    assert plan.command[-1] == (command if plan.command[0] == "sh" else command.rsplit(maxsplit=1)[-1])


@pytest.mark.parametrize("script", ["concurrently 'next dev -p 3005' 'tsc -w'", "next dev -p 3005 & tsc -w", "x -p 99"])
def test_a_script_that_cannot_be_told_is_red_and_says_so(app: Path, script: str) -> None:
    with pytest.raises(ClientError):
        ctx = described(app, script)
        moved_plan(plan_of(ctx.project, ServerSettings(), ctx.env), ctx.project, AUTO, 4999, {})
    ctx = make_context(app, settings=Settings(server=AUTO))
    boot = ctx.server.boot
    assert not boot.ok
    assert "cannot be told another one" in boot.summary
    assert "take the port out of the script" in boot.remedy
    assert not ctx.server.started


# -- what follows it


def test_it_is_picked_once_a_run(app: Path) -> None:
    ctx = context(small_app(app), settings=AUTO)
    places: list[AppPlace] = []
    threads = [threading.Thread(target=lambda: places.append(ctx.place)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({place.url for place in places}) == 1
    assert context(app, settings=AUTO).place.url != ctx.place.url


def test_the_apps_own_address_moves_and_no_other(app: Path) -> None:
    (app / ".env.local").write_text(
        "BETTER_AUTH_URL=http://localhost:3000\n"
        "NEON_AUTH_BASE_URL=http://127.0.0.1:3000/api/auth\n"
        "TRUSTED=http://localhost:3000,https://app.example.com\n"
        "OTHER_URL=http://localhost:30001\n"
        "NEXT_PUBLIC_APP_URL=https://app.example.com:3000\n"
        "DATABASE_URL=postgresql://localhost:3000/db\n"
    )
    ctx = make_context(described(app, "next dev", next="*").project.root, process={"SITE_ORIGIN": "http://[::1]:3000"})
    place = place_of_app(ctx.project, AUTO, ctx.env)
    assert place.free
    assert place.url == f"http://localhost:{place.free}"
    assert place.changes(ctx.env) == {
        "BETTER_AUTH_URL": place.url,
        "NEON_AUTH_BASE_URL": f"{place.url}/api/auth",
        "TRUSTED": f"{place.url},https://app.example.com",
        "SITE_ORIGIN": place.url,
    }
    fixed = place_of_app(ctx.project, ServerSettings(port=3000), ctx.env)
    assert (fixed.url, fixed.changes(ctx.env)) == ("http://localhost:3000", {})


def test_the_server_listens_there_and_sees_the_moved_variables(app: Path) -> None:
    answer = 'self.send(200, json.dumps([os.environ["PORT"], os.environ["APP_URL"]]).encode())'
    small_app(app, answer=answer, before="import json")
    (app / ".env").write_text("APP_URL=http://localhost:3999/app\n")
    with context(app, port=3999, settings=AUTO) as ctx:
        boot, place = ctx.server.boot, ctx.place
        assert boot.ok, boot
        assert ctx.server.port == place.free != 3999
        assert boot.url == ctx.server.url == place.url
        page = ctx.http.request("GET", f"{boot.url}/", timeout=20).json()
        assert page == [str(place.free), f"{place.url}/app"]
        assert [(row.label, row.state, row.level) for row in boot.rows] == [
            (f"port {place.free}", "FREE", "info"),
            ("GET /", "200", "info"),
        ]
        assert boot.rows[0].note == "picked for this run instead of 3999; moved with it: APP_URL"


def test_a_taken_port_of_its_own_is_not_in_the_way(app: Path) -> None:
    import socket

    small_app(app)
    with socket.create_server(("127.0.0.1", free_port())) as holder:
        port = holder.getsockname()[1]
        with context(app, port=port, settings=AUTO) as ctx:
            assert ctx.server.boot.ok


def test_a_server_that_does_not_hear_is_red(app: Path) -> None:
    deaf = f'os.environ["PORT"] = "{(other := free_port())}"; say("Listening on http://localhost:{other}")'
    small_app(app, before=deaf)
    with context(app, settings=AUTO) as ctx:
        boot = ctx.server.boot
        assert boot.summary == f"it listens on port {other}, not on {ctx.place.free}"
        assert '[server] port = "auto"' in boot.remedy
