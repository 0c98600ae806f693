"""What is read out of the logs of real dev servers, as they were printed."""

import json
from pathlib import Path

import pytest

from infracheck.clients.devanswer import next_error
from infracheck.clients.devcauses import CAUSES, explain, last_words
from infracheck.clients.devlog import NOISE, DevLog, Entry

WORDS = {"command": "npm run dev", "install": "npm ci", "add": "npm install --save-dev", "where": "app/page.tsx:1"}


@pytest.fixture
def root(app: Path) -> Path:
    """An app in a repository, with the files that the logs name."""
    web = app / "apps" / "web"
    for name in ("app/page.tsx", "app/(shop)/[slug]/page.tsx", "app/route.js", "instrumentation.js", "next.config.mjs"):
        (web / name).parent.mkdir(parents=True, exist_ok=True)
        (web / name).touch()
    (app / "packages").mkdir()
    (app / "packages" / "db.ts").touch()
    return web


def read(root: Path, text: str) -> DevLog:
    log = DevLog(root, root.parents[1])
    for line in text.splitlines():
        log.add(line)
    return log


HEAD = """
> web@1.0.0 dev
> next dev

▲ Next.js 16.4.5 (Turbopack)
- Local:         http://localhost:3001
- Network:       http://192.0.2.2:3001
✓ Ready in 696ms
✓ Running next.config took 22ms

"""
TURBOPACK = """○ Compiling / ...
⨯ ./app/page.tsx:1:60
Error: Expected ';', got 'const'
> 1 | export default function Home() { return <main>hello</main> const ; }
    |                                                            ^^^^^
Parsing ecmascript source code failed


 GET / 500 in 1428ms (next.js: 1314ms, application-code: 113ms)
"""
WEBPACK = """⨯ ./app/page.tsx
Error:   x Expected ';', got 'const'
   ,-[{root}/app/page.tsx:1:1]
 1 | export default function Home() {{ return <main>hello</main> const ; }}
   `----

Caused by:
    Syntax Error
"""
THROWN = """⨯ Error: boom-server
    at Shop (app/(shop)/[slug]/page.tsx:3:9)
    at stack (../../node_modules/.pnpm/react/index.js:1:1)
  1 | export const dynamic = "force-dynamic";
> 3 |   throw new Error("boom-server"); }
  digest: '2558291360'
}
 GET /shop 500 in 495ms (next.js: 248ms, application-code: 247ms)
"""
IN_A_PACKAGE = """⨯ TypeError: Cannot read properties of undefined (reading 'url')
    at connect (../../packages/db.ts:12:3)
    at GET (app/route.js:2:9)
"""
CONFIG = """⨯ Failed to load next.config.mjs, see more info here https://nextjs.org/docs/messages/next-config-error
Error: config boom
    at <unknown> (next.config.mjs:1:7)
"""
INSTRUMENTATION = """Error: An error occurred while loading instrumentation hook: Missing env NEEDED_KEY
    at Module.register (instrumentation.js:1:36)
"""
REJECTED = """ce-1
⨯ unhandledRejection: Error: late rejection
    at Timeout._onTimeout (app/page.tsx:1:35)
 GET / 200 in 617ms (next.js: 301ms, application-code: 316ms)
"""
NODE = """{root}/app/route.js:3
throw new TypeError("no such flag");
^

TypeError: no such flag
    at file://{root}/app/route.js:3:7
    at ModuleJob.run (node:internal/modules/esm/module_job:343:25)

Node.js v20.20.2
"""
BROWSER = """[browser] Uncaught Error: Hydration failed because the server rendered text didn't match the client.
    at Home (app/page.tsx:4:12)
"""
VITE = """11:02:05 AM [vite] Internal server error: Failed to resolve import "nope" from "src/main.js".
  Plugin: vite:import-analysis
"""
BETTER_AUTH = "2026-11-22T21:02:05.123Z ERROR [Better Auth]: Invalid secret\n"
CONFIG_WARNING = """⚠ Invalid next.config.mjs options detected:
⚠     Unrecognized key(s) in object: 'foo' at "experimental"
⚠ See more info here: https://nextjs.org/docs/messages/invalid-next-config
"""


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (TURBOPACK, Entry("fail", "Expected ';', got 'const'", "", "app/page.tsx:1:60")),
        (WEBPACK, Entry("fail", "Expected ';', got 'const'", "", "app/page.tsx:1:1")),
        (THROWN, Entry("fail", "boom-server", "", "app/(shop)/[slug]/page.tsx:3:9")),
        (
            IN_A_PACKAGE,
            Entry(
                "fail",
                "TypeError: Cannot read properties of undefined (reading 'url')",
                "",
                "../../packages/db.ts:12:3",
            ),
        ),
        (CONFIG, Entry("fail", "Failed to load next.config.mjs", "config boom", "next.config.mjs:1:7")),
        (
            INSTRUMENTATION,
            Entry(
                "fail",
                "An error occurred while loading instrumentation hook: Missing env NEEDED_KEY",
                "",
                "instrumentation.js:1:36",
            ),
        ),
        (REJECTED, Entry("fail", "unhandledRejection: Error: late rejection", "", "app/page.tsx:1:35")),
        (NODE, Entry("fail", "TypeError: no such flag", "", "app/route.js:3:7")),
        (
            BROWSER,
            Entry(
                "fail",
                "[browser] Uncaught Error: Hydration failed because the server rendered text didn't match the client.",
                "",
                "app/page.tsx:4:12",
            ),
        ),
        (VITE, Entry("fail", 'Internal server error: Failed to resolve import "nope" from "src/main.js".')),
        (BETTER_AUTH, Entry("fail", "ERROR [Better Auth]: Invalid secret")),
        (
            CONFIG_WARNING,
            Entry(
                "warn",
                "Invalid next.config.mjs options detected",
                "Unrecognized key(s) in object: 'foo' at \"experimental\"",
            ),
        ),
    ],
)
def test_a_message_is_read_with_its_place(root: Path, text: str, entry: Entry) -> None:
    text = text.format(root=root) if "{root}" in text else text
    assert read(root, HEAD + text).entries() == [entry]
    assert read(root, HEAD + text + text).entries() == [entry], "the same message is one message"


def test_a_healthy_log_holds_nothing(root: Path) -> None:
    log = read(root, HEAD + "○ Compiling / ...\n GET / 200 in 529ms (next.js: 327ms, application-code: 203ms)\n")
    assert log.entries() == []
    assert log.error_at is None
    assert log.hopeless_at is None
    assert log.port == 3001
    assert log.progress == ""
    assert log.tail(1) == (" GET / 200 in 529ms (next.js: 327ms, application-code: 203ms)",)


def test_what_it_is_doing_is_known(root: Path) -> None:
    assert read(root, HEAD + "○ Compiling /login ...\n").progress == "compiling /login"


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ("  ➜  Local:   http://localhost:5173/", 5173),
        ("┃ Local    http://localhost:4321/", 4321),
        ("INFO:     Uvicorn running on http://127.0.0.1:8010 (Press CTRL+C to quit)", 8010),
        ("Server listening at http://[::1]:3002", 3002),
        ("- Network:       http://192.0.2.2:3000", None),
        ("see http://localhost:9999/docs", None),
    ],
)
def test_the_port_that_it_names(root: Path, line: str, port: int | None) -> None:
    assert read(root, line).port == port


def test_noise_is_no_error(root: Path) -> None:
    log = read(
        root,
        'npm warn Unknown user config "nodedir".\n(node:12) [DEP0040] DeprecationWarning: Error: The `punycode`…\n'
        "⚠ Slow filesystem detected. The benchmark took 434ms. If /app/.next/dev is a network drive, move it\n"
        "⚠ Port 3000 is in use by an unknown process, using available port 3001 instead.\n⨯ Error: aborted\n",
    )
    assert log.entries() == []
    assert all(reason for _, reason in NOISE)


def test_a_page_of_next_carries_its_error(root: Path) -> None:
    data = '{"err":{"message":"./app/page.tsx:1:1\\nError: Module not found: Can\'t resolve \'x\'\\n> 1 | import"}}'
    page = f'<html><script id="__NEXT_DATA__" type="application/json">{data}</script></html>'
    log = read(root, "")
    assert next_error(page, log) == Entry("fail", "Module not found: Can't resolve 'x'", "", "app/page.tsx:1:1")
    for broken in ("", "<html>", page.replace("{", "", 1), page.replace('"err"', '"no"')):
        assert next_error(broken, log) is None


@pytest.mark.parametrize(
    ("text", "summary", "remedy"),
    [
        ("Error: listen EADDRINUSE: address already in use :::3000", "port 3000 was taken", "[server] port"),
        (
            "ERROR: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8010): address already in use",
            "port 8010 was taken",
            "port 8010",
        ),
        ("⚠ Port 5173 is in use, trying another one...", "port 5173 was taken", "[server] port"),
        (
            "⨯ Another next dev server is already running.\n\n- Local:        http://localhost:3055\n- PID:       77",
            "another dev server of this folder is running already: http://localhost:3055 (pid 77)",
            "kill 77",
        ),
        ("⨯ Another next dev server is already running in this directory.", "another `next` of this folder", "stop it"),
        ("⨯ Unable to acquire lock at /a/.next/dev/lock, is another instance running?", "another `next`", "stop it"),
        ("Installing devDependencies (npm):", "written in TypeScript", "npm install --save-dev typescript"),
        (CONFIG, "next.config.mjs cannot be loaded: config boom", "correct next.config.mjs"),
        (INSTRUMENTATION, "the instrumentation hook throws while it loads: Missing env NEEDED_KEY", "app/page.tsx:1"),
        ("Error: Could not find a production build in the '.next' directory.", "there is none", "build first"),
        ("sh: 1: next: not found", "`next` is not installed", "npm ci"),
        ("bash: line 1: next: command not found", "`next` is not installed", "npm ci"),
        ('npm error Missing script: "devx"', "no script `devx`", '"scripts"'),
        (
            "Module not found: Can't resolve 'not-there'",
            "the package not-there is not",
            "npm install --save-dev not-there",
        ),
        ("Error: Cannot find module '@acme/ui/button'", "the package @acme/ui/button is not", "npm ci"),
        ("Module not found: Can't resolve '@/lib/gone'", "@/lib/gone does not exist", "app/page.tsx:1"),
        ("Error: Cannot find module './gone'", "./gone does not exist", "app/page.tsx:1"),
        ("Error: Cannot find module '/srv/app/server.js'", "/srv/app/server.js does not exist", "app/page.tsx:1"),
        (
            'You are using Node.js 18.20.8. For Next.js, Node.js version ">=20.9.0" is required.',
            "this Node.js is too old: >=20.9.0 is required",
            "newer Node.js",
        ),
        ("Error: ENOSPC: System limit for number of file watchers reached", "too few file watchers", "sysctl"),
        ("Error: EACCES: permission denied, open '.next/trace'", "permission denied: open '.next/trace'", "owner"),
        (
            "failed to load config from /a/vite.config.js\nerror when starting dev server:\nError: KEY is not set\n",
            "vite.config.js cannot be loaded: KEY is not set",
            "correct vite.config.js",
        ),
        ("ModuleNotFoundError: No module named 'stripe'", "the Python module stripe is not installed", "install it"),
        (
            "  File \"<frozen os>\", line 679, in __getitem__\nKeyError: 'SHOP_KEY'",
            "the environment variable SHOP_KEY is not set",
            "give SHOP_KEY a value",
        ),
        (
            'Error loading ASGI app. Could not import module "a.b".',
            "there is no module a.b where",
            "`npm run dev` names",
        ),
        (
            'Error loading ASGI app. Attribute "nope" not found in module "main".',
            "the module main has no `nope`",
            "MODULE:ATTRIBUTE",
        ),
        ("ERROR:    [Errno 98] Address already in use", "the port was taken while", "another one"),
        ("Process SpawnProcess-1:\nTraceback", "the app ends while it starts: its log says why", "app/page.tsx:1"),
        (
            "[nodemon] app crashed - waiting for file changes before starting...",
            "the app ends while it starts",
            "correct",
        ),
        (TURBOPACK, None, ""),
    ],
)
def test_the_table_of_causes(text: str, summary: str | None, remedy: str) -> None:
    found = explain(text, WORDS)
    if summary is None:
        assert found is None
        return
    assert found
    assert summary in found.summary
    assert remedy in found.remedy
    assert "{" not in found.summary + found.remedy


def test_every_row_of_the_table_has_a_way_out() -> None:
    assert all(cause.summary and cause.remedy for cause in CAUSES)


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("Installing devDependencies (npm):", 0.0),
        ("⨯ Failed to load next.config.ts, see more info here https://…", 1.5),
        ("Error: listen EADDRINUSE: address already in use :::3000", 1.5),
        ("⨯ Error: boom", None),
        ("✓ Ready in 2s", None),
    ],
)
def test_what_means_that_it_will_not_come_up(line: str, seconds: float | None) -> None:
    assert last_words(line) == seconds


def test_what_came_after_a_moment_can_be_told_from_what_was_before(root: Path) -> None:
    log = read(root, "⨯ Error: before\n\n GET / 500 in 3ms\n")
    mark = log.mark
    assert (log.lines(mark), log.entries(mark)) == ([], [])
    log.add(" GET /api 200 in 3ms")
    log.add("⨯ Error: after")
    assert log.lines(mark) == [" GET /api 200 in 3ms", "⨯ Error: after"]
    assert [entry.text for entry in log.entries(mark)] == ["after"]
    assert [entry.text for entry in log.entries()] == ["before", "after"]
    for number in range(3000):
        log.add(f"line {number}")
    assert len(log.lines(mark)) == 2000, "what is kept is bounded"
    assert log.lines(log.mark - 2) == ["line 2998", "line 2999"]


UVICORN = """\
INFO:     Uvicorn running on http://127.0.0.1:8010 (Press CTRL+C to quit)
INFO:     127.0.0.1:53620 - "GET / HTTP/1.1" 500 Internal Server Error
ERROR:    Exception in ASGI application
Traceback (most recent call last):
  File "/usr/lib/python3/site-packages/uvicorn/protocols/http/h11_impl.py", line 403, in run_asgi
    result = await app(
             ^^^^^^^^^^
  File "{root}/main.py", line 7, in home
    return settings["missing"]
           ~~~~~~~~^^^^^^^^^^^
KeyError: 'missing'
"""
DJANGO = """\
Starting development server at http://127.0.0.1:8000/
Internal Server Error: /
Traceback (most recent call last):
  File "/usr/lib/python3/site-packages/django/core/handlers/exception.py", line 55, in inner
    response = get_response(request)
  File "{root}/main.py", line 4, in home
    raise ValueError("boom")
ValueError: boom
[26/Nov/2026 10:00:00] "GET / HTTP/1.1" 500 145
"""
IMPORT = """\
Traceback (most recent call last):
  File "{root}/main.py", line 1, in <module>
    import flask
ModuleNotFoundError: No module named 'flask'
"""


@pytest.mark.parametrize(
    ("text", "told", "where"),
    [
        (UVICORN, "main.py:7 KeyError: 'missing'", "main.py:7"),
        (DJANGO, "main.py:4 ValueError: boom", "main.py:4"),
        (IMPORT, "main.py:1 ModuleNotFoundError: No module named 'flask'", "main.py:1"),
    ],
)
def test_a_traceback_of_python_names_the_deepest_line_of_the_app(root: Path, text: str, told: str, where: str) -> None:
    (root / "main.py").touch()
    log = read(root, text.format(root=root))
    assert [(str(entry), entry.where) for entry in log.errors()] == [(told, where)]


def test_what_uvicorn_says_of_its_port_and_of_an_app_that_is_not_there(root: Path) -> None:
    assert read(root, UVICORN).port == 8010
    [error] = read(root, 'ERROR:    Error loading ASGI app. Could not import module "nomod".').errors()
    assert "Could not import module" in error.text


TRACEBACK = """ERROR:    Exception in ASGI application
Traceback (most recent call last):
  File "{root}/.venv/lib/python3.11/site-packages/uvicorn/main.py", line 4, in run
    app()
  File "{root}/server.py", line 8, in home
    raise ValueError("boom")
  File "<frozen os>", line 679, in __getitem__
ValueError: boom
INFO:     127.0.0.1:60380 - "GET / HTTP/1.1" 500 Internal Server Error
"""


def test_a_traceback_of_python_is_one_message_at_the_innermost_line_of_the_app(root: Path) -> None:
    (root / "server.py").touch()
    package = root / ".venv" / "lib" / "python3.11" / "site-packages" / "uvicorn" / "main.py"
    package.parent.mkdir(parents=True)
    package.touch()
    log = read(root, TRACEBACK.format(root=root) + "ERROR:    Application startup failed. Exiting.\n")
    assert log.entries() == [
        Entry("fail", "ValueError: boom", "", "server.py:8"),
        Entry("fail", "Application startup failed. Exiting."),
    ]
    cut = read(root, "".join(TRACEBACK.format(root=root).splitlines(keepends=True)[:3]))
    assert cut.entries() == []
    assert cut.lines()[1] == "Traceback (most recent call last):"


def test_what_next_says_was_printed_as_an_error_is_one(root: Path) -> None:
    printed = root / ".next" / "dev" / "logs" / "next-development.log"
    printed.parent.mkdir(parents=True)
    rows = [("Server", "ERROR", "no price list\nat all"), ("Server", "WARN", "careful"), ("Browser", "ERROR", "plain")]
    printed.write_text(
        "cut\n" + "".join(json.dumps({"source": s, "level": level, "message": m}) + "\n" for s, level, m in rows)
    )
    log = read(root, HEAD + "no price list\nat all\ncareful\nplain\n GET / 200 in 3ms\n")
    assert [(entry.level, entry.text) for entry in log.entries()] == [("fail", "no price list")]
    log = read(root, HEAD + "careful\n")
    assert log.entries() == [], "an entry of an earlier start counts for nothing"
