"""The dev server as a resource: which port and command, what it sees, and how its start is watched and ended."""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infracheck.clients import ports
from infracheck.clients.appserver import AppServer
from infracheck.clients.devplan import child_env
from infracheck.clients.devserver import command_of, port_of
from infracheck.context import Context
from infracheck.settings import AppSettings, ServerSettings, Settings
from tests.clients.processes import eventually, marked
from tests.clients.small_server import GOOD, context, environment, small_app
from tests.components import next_notes
from tests.components.ports import free_port
from tests.helpers import make_context

PYTHON = f"{sys.executable} server.py"


@pytest.fixture
def small(app: Path) -> Iterator["Small"]:
    made = Small(app)
    yield made
    made.ctx.close()
    assert marked(str(app)) == []


class Small:
    """Starts a small app."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, answer: str = GOOD, before: str = "", **settings: object) -> AppServer:
        small_app(self.folder, answer=answer, before=before)
        chosen = ServerSettings(**{"command": PYTHON, "timeout": 60, **settings})  # type: ignore[arg-type]
        self.port = chosen.port if isinstance(chosen.port, int) else free_port()
        self.ctx = context(self.folder, port=self.port, settings=chosen)
        return self.ctx.server


def described(folder: Path, script: str = "dev", env: dict[str, str] | None = None, **package: object) -> Context:
    (folder / "package.json").write_text(json.dumps({"scripts": {"dev": script}, **package}))
    return make_context(folder, process=env or {})


# -- which port, which command


@pytest.mark.parametrize(
    ("script", "dependency", "env", "settings", "port"),
    [
        ("next dev", "next", {}, {}, 3000),
        ("next dev -p 3005", "next", {"PORT": "3009"}, {"port": 4000}, 4000),
        ("next dev -p 3005", "next", {"PORT": "3009"}, {"command": "npm run dev -- --port=3006"}, 3006),
        ("next dev -p 3005", "next", {"PORT": "3009"}, {}, 3005),
        ("next dev", "next", {"PORT": "3009", "BETTER_AUTH_URL": "http://localhost:3010"}, {}, 3009),
        ("next dev", "next", {"BETTER_AUTH_URL": "http://127.0.0.1:3010/api/auth"}, {}, 3010),
        ("next dev", "next", {"BETTER_AUTH_URL": "https://app.example.com:3010"}, {}, 3000),
        ("next dev", "next", {"PORT": "lots", "BETTER_AUTH_URL": "http://localhost:nine"}, {}, 3000),
        ("vite", "vite", {"PORT": "3009", "APP_URL": "http://localhost:3010"}, {}, 5173),
        ("node server.js", "express", {"APP_URL": "http://[::1]:3010"}, {}, 3010),
        ("node server.js", "express", {}, {}, 3000),
    ],
)
def test_the_port_is_the_one_that_the_app_expects_itself_on(
    app: Path, *, script: str, dependency: str, env: dict[str, str], settings: dict[str, object], port: int
) -> None:
    ctx = described(app, script, env, dependencies={dependency: "*"})
    assert port_of(ctx.project, ServerSettings(**settings), ctx.env) == port  # type: ignore[arg-type]


def test_a_port_in_the_env_file_counts_only_for_servers_that_read_it_there(app: Path) -> None:
    (app / ".env.local").write_text("PORT=3011\nAPP_URL=http://localhost:3012\n")
    ctx = described(app)
    assert port_of(ctx.project, ServerSettings(), ctx.env) == 3011
    ctx = described(app, dependencies={"next": "*"})
    assert port_of(ctx.project, ServerSettings(), ctx.env) == 3012


@pytest.mark.parametrize(
    ("lock", "command", "expected"),
    [
        ("package-lock.json", None, ["npm", "run", "dev"]),
        ("pnpm-lock.yaml", None, ["pnpm", "run", "dev"]),
        ("package-lock.json", "uvicorn 'app main:app' --reload", ["uvicorn", "app main:app", "--reload"]),
        ("package-lock.json", "PORT=3001 npm run dev", ["sh", "-c", "PORT=3001 npm run dev"]),
        ("package-lock.json", "cd web && npm run dev", ["sh", "-c", "cd web && npm run dev"]),
        ("package-lock.json", "it's unclosed", ["sh", "-c", "it's unclosed"]),
    ],
)
def test_the_command(app: Path, lock: str, command: str | None, expected: list[str]) -> None:
    (app / lock).touch()
    assert command_of(described(app).project, ServerSettings(command=command)) == expected


def test_the_server_sees_what_a_terminal_gives_it(app: Path) -> None:
    (app / ".env.local").write_text("DATABASE_URL=of-the-file\n")
    (app / "other.env").write_text("DATABASE_URL=of-the-other-file\n")
    ctx = described(app, env={"FORCE_COLOR": "1", "CI": "1"}, dependencies={"next": "*"})
    seen = child_env(ctx.project, ctx.env, 3000)
    constant = {"PORT": "3000", "BROWSER": "none", "NEXT_TELEMETRY_DISABLED": "1", "NO_COLOR": "1"}
    assert seen == {"CI": "1", **constant}, "Next.js reads its files itself"
    other = make_context(app, settings=Settings(app=AppSettings(env_file="other.env")))
    assert child_env(other.project, other.env, 3000)["DATABASE_URL"] == "of-the-other-file"
    ctx = described(app)
    assert child_env(ctx.project, ctx.env, 3000)["DATABASE_URL"] == "of-the-file"


# -- the watch


def test_redirects_are_followed_on_this_server_and_not_beyond(small: Small) -> None:
    to_login = 'self.send(*((307, b"") if self.path == "/" else (200, b"in")), Location="/login?next=%2F")'
    boot = small(to_login).boot
    assert [(row.label, row.state, row.note) for row in boot.rows] == [
        ("GET /", "307", f"to http://localhost:{small.port}/login"),
        ("GET /login", "200", ""),
    ]
    small.ctx.close()
    boot = small('self.send(302, Location="https://login.example.com/authorize?state=abc")').boot
    assert boot.ok
    assert [(row.label, row.state, row.note) for row in boot.rows] == [
        ("GET /", "302", "to https://login.example.com/authorize")
    ]
    small.ctx.close()
    boot = small('self.send(302, Location="/")').boot
    assert boot.ok
    assert boot.rows[0].state == "REDIRECT LOOP"


def test_a_redirect_to_a_broken_page_is_red(small: Small) -> None:
    boot = small('self.send(*((307, b"") if self.path == "/" else (500, b"no")), Location="/login")').boot
    assert not boot.ok
    assert boot.summary == "`/login` answers 500: no"


def test_a_port_that_only_the_log_names_is_taken_over_unless_the_settings_say_another(small: Small) -> None:
    other = free_port()
    moved = f'os.environ["PORT"] = "{other}"; say("  ➜  Local:   http://localhost:{other}/")'
    server = small(before=moved)
    assert server.boot.ok
    assert server.port == other
    assert server.boot.url == f"http://localhost:{other}"
    [row, _] = server.boot.rows
    assert (row.label, row.state, row.note) == (f"port {other}", "OTHER PORT", f"PORT says {small.port}")
    small.ctx.close()
    server = small(before=moved, port=(expected := free_port()))
    assert server.boot.summary == f"it listens on port {other}, not on {expected}"


def test_a_stranger_on_the_port_is_not_taken_for_the_server(small: Small) -> None:
    server = small(before='say("starting"); time.sleep(60)')
    with socket.create_server(("127.0.0.1", small.port)):
        boot = server.boot
    assert not boot.ok
    assert boot.summary.startswith(f"port {small.port} is taken by ")
    assert f"pid {os.getpid()}" in boot.summary


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        ("c.sendall(b'SSH-2.0-OpenSSH_9.2\\r\\n\\r\\n'); c.recv(9999)", "is not HTTP"),
        ("c.close()", "closed the connection"),
    ],
)
def test_what_speaks_no_http_is_red_after_a_few_tries(small: Small, handler: str, said: str) -> None:
    raw = f"""
        import socket
        s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
        while True:
            c, _ = s.accept()
            try:
                {handler}
            except OSError:
                pass
        """
    boot = small(before=raw).boot
    assert not boot.ok
    assert said in boot.summary
    assert boot.seconds < 20


def test_a_server_that_restarts_while_it_boots_is_waited_for(small: Small) -> None:
    restarting = """
        import socket
        if "again" not in sys.argv:
            s = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
            s.accept()[0].close()
            c = s.accept()[0]
            s.close(); c.close()
            time.sleep(0.8)
            os.execv(sys.executable, [sys.executable, "server.py", "again"])
        """
    assert small(before=restarting).boot.ok


def test_what_it_waits_for_is_told(app: Path) -> None:
    told: list[str] = []
    slow = 'say("○ Compiling / ..."); time.sleep(0.5); say(" GET / 200 in 1s"); self.send(200)'
    small_app(app, answer=slow)
    settings = Settings(server=ServerSettings(command=PYTHON))
    base = make_context(app, process=environment(port := free_port()))
    with Context(base.project, settings=settings, process=base.process, tell=told.append) as ctx:
        assert ctx.server.boot.ok
    assert told[0] == f"waiting for http://localhost:{port}/ to answer"
    assert f"waiting for http://localhost:{port}/ to answer (compiling /)" in told


def test_its_verdict_comes_as_soon_as_it_is_known(small: Small) -> None:
    """From the fact to the verdict: the page's answer and the process's end are seen within a fraction of a second."""
    stamp = f"open({str(small.folder / 'at')!r}, 'w').write(str(time.monotonic()))"
    server = small(f"self.send(200); {stamp}")
    assert server.boot.ok
    assert time.monotonic() - float((small.folder / "at").read_text()) < 1.0
    small.ctx.close()
    server = small(before=f"{stamp}; sys.exit(3)")
    assert not server.boot.ok
    assert time.monotonic() - float((small.folder / "at").read_text()) < 1.5


def test_the_log_of_a_moment_is_told_apart(small: Small) -> None:
    """What later checks quote: the lines that a request of theirs caused, and no others."""
    answer = """
        if self.path == "/": say("hello"); self.send(200)
        else: self.send(500); time.sleep(0.05); say("⨯ Error: boom\\n    at GET (server.py:3:9)")
        """
    server = small(answer)
    assert server.boot.ok
    assert server.url == server.boot.url == f"http://localhost:{small.port}"
    mark = server.mark()
    assert (server.since(mark), server.problems(mark)) == ((), ())
    assert small.ctx.http.request("GET", f"{server.url}/api", timeout=20).status == 500
    assert server.since(mark) == ("⨯ Error: boom", "    at GET (server.py:3:9)")
    [row] = server.problems(mark)
    assert (row.label, row.state, row.where, row.level) == ("boom", "ERROR", "server.py:3", "fail")
    assert server.problems(server.mark()) == ()
    assert "hello" in server.since(0)


# -- the end


def test_closing_while_it_boots_ends_it_and_the_wait(small: Small) -> None:
    server = small("time.sleep(60)")
    waiting = threading.Thread(target=lambda: server.boot)
    waiting.start()
    eventually(lambda: ports.is_listening(small.port))
    began = time.monotonic()
    small.ctx.close()
    waiting.join(10)
    assert not waiting.is_alive()
    assert time.monotonic() - began < 5
    assert server.boot.summary == "the run ended before the server was up"
    assert ports.is_free(small.port)
    assert server.stop() is server.stop()


def test_installing_by_itself_is_ended_before_it_edits_anything(small: Small) -> None:
    installs = """
        say("It looks like you're trying to use TypeScript but do not have the required package(s) installed.")
        say("Installing devDependencies (npm):")
        open("package.json", "a").write(" ")
        time.sleep(60)
        """
    before = small_app(small.folder).joinpath("package.json").read_text()
    server = small(before=installs)
    assert "written in TypeScript" in server.boot.summary
    assert "npm install --save-dev typescript @types/react @types/node" in server.boot.remedy
    eventually(lambda: server.exit_code)
    server.stop()
    assert (small.folder / "package.json").read_text() == before
    assert server.restored.files == ("package.json",)


# -- a real Next.js app


@pytest.fixture(scope="module")
def notes() -> Iterator[Path]:
    with next_notes.working_copy() as folder:
        next_notes.write_env(folder, {"BETTER_AUTH_SECRET": "x" * 32, "NEON_AUTH_BASE_URL": "http://localhost:1/auth"})
        yield folder


@pytest.fixture
def next_dev(notes: Path) -> Iterator["NextDev"]:
    made = NextDev(notes)
    yield made
    made.ctx.close()
    for path, text in made.changed.items():
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    assert [p for p in psutil.process_iter(["cwd"]) if str(p.info["cwd"] or "").startswith(str(notes))] == []


class NextDev:
    """`npm run dev` of next-notes, some of its files changed for one test."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.changed = folder, dict[Path, str | None]()

    def change(self, name: str, text: str) -> None:
        path = self.folder / name
        self.changed[path] = path.read_text() if path.exists() else None
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def start(self, **settings: object) -> AppServer:
        chosen = Settings(server=ServerSettings(**settings))  # type: ignore[arg-type]
        self.ctx = make_context(self.folder, process=environment(), settings=chosen)
        return self.ctx.server


def test_next_boots_and_stops(next_dev: NextDev) -> None:
    kept = next_dev.folder / "next-env.d.ts"
    next_dev.change(
        "next-env.d.ts", f"{kept.read_text() if kept.exists() else '// NOTE: This file should not be edited'}\n\n"
    )
    before = kept.read_text()
    server = next_dev.start()
    assert server.boot.ok, server.boot
    assert [(row.label, row.state) for row in server.boot.rows] == [("GET /", "200")]
    assert server.stop().killed == ()
    assert ports.is_free(server.port)
    assert kept.read_text() == before
    assert server.restored.files == ("next-env.d.ts",)


def test_next_on_a_free_port_although_its_script_names_one(next_dev: NextDev) -> None:
    package = json.loads((next_dev.folder / "package.json").read_text())
    package["scripts"]["dev"] = "next dev -p 3000"
    next_dev.change("package.json", json.dumps(package))
    next_dev.change(".env", "NEXT_PUBLIC_APP_URL=http://localhost:3000\n")
    next_dev.change("app/where/route.ts", "export const GET = () => new Response(process.env.NEXT_PUBLIC_APP_URL);\n")
    server = next_dev.start(port="auto", ready="/where")
    assert server.boot.ok, server.boot
    place = next_dev.ctx.place
    assert server.port == place.free != 3000
    assert server.command == f"npm run dev -- -p {place.free}"
    assert next_dev.ctx.http.request("GET", f"{server.url}/where", timeout=30).text == place.url


def test_next_running_already_in_the_same_folder(next_dev: NextDev) -> None:
    first = next_dev.start()
    lock = next_dev.folder / ".next" / "dev" / "lock"
    eventually(lambda: lock.exists() and "appUrl" in lock.read_text(), 60)
    second = make_context(next_dev.folder, process=environment())
    boot = second.server.boot
    second.close()
    pid = json.loads(lock.read_text())["pid"]
    url = f"http://localhost:{first.port}"
    assert boot.summary == f"another dev server of this folder is running already: {url} (pid {pid})"
    assert f"kill {pid}" in boot.remedy
    third = make_context(next_dev.folder, process=environment(), settings=Settings(server=ServerSettings(reuse=True)))
    boot = third.server.boot
    assert boot.ok, boot
    assert boot.url == third.place.url == url, "by its lock, although PORT says another port"
    assert [(row.label, row.state, row.level) for row in boot.rows] == [
        (f"port {first.port}", "REUSED", "info"),
        (f"port {first.port}", "OTHER PORT", "warn"),
        ("log", "NOT SEEN", "info"),
        ("GET /", "200", "info"),
    ]
    assert boot.rows[0].note.endswith("it runs in this folder and holds .next/dev/lock")
    third.close()
    assert first.exit_code is None, "it is left running"
    first.stop()
    lock.write_text(json.dumps({"pid": os.getpid(), "appUrl": url}))
    reuse = Settings(server=ServerSettings(reuse=True))
    with make_context(next_dev.folder, process=environment(), settings=reuse) as fourth:
        assert fourth.server.started, "a file that nobody holds was left by a crash"
