"""The real @next/env under Node, asked case by case, and the same question put to infracheck's own reader."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infracheck.project.dotenv_entry import Dialect
from infracheck.project.dotenv_next import file_names, load
from tests.components.node import node, npm_ci

FOLDER = Path(__file__).parent / "next-env"
VERSIONS: tuple[Dialect, ...] = (14, 15, 16)
MARK = "__NEXT_PROCESSED_ENV"  # Next.js's own note to itself, no variable of the app
# Kilobytes. Circular references end with the stack: on the usual one, texts that grow take Node seconds to get there.
STACK = 90


@dataclass(frozen=True)
class Case:
    """Env files by name, and the environment that Next.js is started with."""

    files: Mapping[str, bytes]
    process: Mapping[str, str] = field(default_factory=dict)

    @property
    def mode(self) -> str:
        """`next dev`, unless a file of another mode is there; NODE_ENV=test beats both."""
        if self.process.get("NODE_ENV") == "test":
            return "test"
        return "production" if any("production" in name for name in self.files) else "development"


@dataclass(frozen=True)
class Answer:
    """The environment afterwards, and the files that were dropped, in order."""

    env: Mapping[str, str]
    dropped: tuple[str, ...]


class NextEnv:
    """One version of @next/env in one Node process."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self._child = child

    def ask(self, case: Case) -> None:
        """Send a case; `answer` must be called before the next one."""
        files = [(name, base64.b64encode(data).decode("ascii")) for name, data in case.files.items()]
        question = {"process": case.process, "files": files, "dev": case.mode == "development"}
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(question) + "\n")
        self._child.stdin.flush()

    def answer(self) -> Answer:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        assert line, "Node has ended: its message is above"
        answer = json.loads(line)
        env = {name: value for name, value in answer["env"].items() if name != MARK}
        return Answer(env, tuple(name for name, _ in answer["dropped"]))


@contextmanager
def next_env(version: Dialect, folder: Path) -> Iterator[NextEnv]:
    """Start Node with one version of the package; `folder` is where it writes the files of each case."""
    folder.mkdir(exist_ok=True)
    command: list[str | Path] = [node(), f"--stack-size={STACK}", FOLDER / "driver.js", str(version), folder]
    env = {"PATH": os.environ.get("PATH", os.defpath)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=env
    ) as child:
        try:
            yield NextEnv(child)
        finally:
            child.kill()


@contextmanager
def all_versions(folder: Path) -> Iterator[dict[Dialect, NextEnv]]:
    """Install and start @next/env 14, 15 and 16."""
    npm_ci(FOLDER)
    with ExitStack() as stack:
        yield {version: stack.enter_context(next_env(version, folder / str(version))) for version in VERSIONS}


def ours(case: Case) -> Answer:
    """Load a case as infracheck does."""
    names = [name for name in file_names(case.mode) if name in case.files]
    loaded = load([(name, case.files[name]) for name in names], case.process)
    env = {**case.process, **loaded.values, **loaded.altered}
    env.pop(MARK, None)
    return Answer(env, tuple(file.file for file in loaded.dropped if file.reason != "already-loaded"))


def disagreements(versions: Mapping[Dialect, NextEnv], case: Case) -> list[str]:
    """Return, version by version and key by key, where Next.js and infracheck differ; empty when they agree."""
    for real in versions.values():
        real.ask(case)  # all of them before the first answer: they work at the same time
    own = ours(case)
    return [
        f"Next.js {version}, {difference}"
        for version, real in versions.items()
        for difference in _differences(real.answer(), own)
    ]


def _differences(real: Answer, own: Answer) -> list[str]:
    found = [
        f"{name}: {real.env.get(name)!r}, infracheck: {own.env.get(name)!r}"
        for name in sorted(real.env.keys() | own.env.keys())
        if real.env.get(name) != own.env.get(name)
    ]
    if real.dropped != own.dropped:
        found.append(f"dropped files: {real.dropped}, infracheck: {own.dropped}")
    return found
