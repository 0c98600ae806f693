"""Small apps with a real dev server of a few lines, each wrong in the way that its test asks for."""

import json
import os
import sys
from pathlib import Path
from textwrap import dedent, indent

from infracheck.context import Context
from infracheck.settings import ServerSettings, Settings
from tests.components.node import path_with_node
from tests.components.ports import free_port
from tests.helpers import make_context

SERVER = """\
import http.server, os, signal, sys, threading, time

def say(text):
    print(text, flush=True)

{before}

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
{answer}

    def send(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

port = int(os.environ["PORT"])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Page).serve_forever()
"""
GOOD = 'self.send(200, b"<!doctype html><title>fine</title>")'


def small_app(folder: Path, *, answer: str = GOOD, before: str = "", script: str | None = None) -> Path:
    """Write a package.json whose dev script runs a server that runs `before`, and answers each GET with `answer`."""
    code = SERVER.format(before=dedent(before), answer=indent(dedent(answer), " " * 8))
    (folder / "server.py").write_text(code, encoding="utf-8")
    package = {"name": "small", "private": True, "scripts": {"dev": script or f"{sys.executable} server.py"}}
    (folder / "package.json").write_text(json.dumps(package), encoding="utf-8")
    return folder


def environment(port: int | None = None, **more: str) -> dict[str, str]:
    """Return the process environment of a terminal in which Node is installed."""
    return {"PATH": path_with_node(), "HOME": os.environ.get("HOME", "/"), "PORT": str(port or free_port()), **more}


def context(folder: Path, *, port: int | None = None, settings: ServerSettings | None = None, **more: str) -> Context:
    """Return the Context of an app; without settings its server is run without npm, which saves half a second."""
    chosen = settings or ServerSettings(command=f"{sys.executable} server.py", timeout=60)
    return make_context(folder, process=environment(port, **more), settings=Settings(server=chosen))
