"""A small real app on a real database, with a flow declared for it."""

import sys
from pathlib import Path
from typing import Any

import psycopg

from infracheck.checks.flow import user_flow
from infracheck.config import load
from infracheck.context import Context
from infracheck.model import Outcome
from infracheck.project.detect import detect
from tests.clients.processes import marked
from tests.clients.small_server import environment
from tests.components.ports import free_port
from tests.helpers import judge

APP = """
import http.server, json, os, sys, urllib.parse
import psycopg

class App(http.server.BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path, _, query = self.path.partition("?")
        method = self.command
        send = self.send
BODY
        send(404, {"error": "nothing here"})

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def send(self, status, body="", **headers):
        text = body if isinstance(body, str) else json.dumps(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass

def sql(text, *values):
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(text, values)
        return cursor.fetchall() if cursor.description else []

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
"""
ROOT_PAGE = 'if path == "/": return send(200, "<!doctype html><title>fine</title>", Content_Type="text/html")'
HEAD = f'[server]\ncommand = "{sys.executable} app.py"\nready = "/"\ntimeout = 60\n\n'


class Small:
    """A small app with a flow; its folder and database are the test's own."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.database = folder, database

    def __call__(self, flow: str, body: str = "", *, head: str = HEAD, schema: str = "", **env: str) -> Outcome:
        lines = [ROOT_PAGE, *body.strip().splitlines()]
        code = APP.replace("BODY", "\n".join(f"        {line}" for line in lines))
        (self.folder / "app.py").write_text(code, encoding="utf-8")
        (self.folder / "infracheck.toml").write_text(head + flow, encoding="utf-8")
        values = {"DATABASE_URL": self.database, **env}
        text = "".join(f"{name}={value}\n" for name, value in values.items() if value)
        (self.folder / ".env.local").write_text(text, encoding="utf-8")
        if schema:
            with psycopg.connect(self.database, autocommit=True) as connection:
                connection.execute(schema.encode())
        loaded = load(self.folder)
        port = free_port()
        process = {**environment(port), "PYTHONPATH": ""}
        with Context(detect(self.folder), settings=loaded.settings, process=process, flow_lines=loaded.flows) as ctx:
            outcome = judge(user_flow, ctx)
        assert marked(str(self.folder)) == []
        return outcome

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(question.encode()).fetchall()


def one_step(**keys: str) -> str:
    """Return a flow of one step from TOML texts."""
    return "[[flow]]\nname = 'core'\n[[flow.step]]\nname = 'it'\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())
