"""What "is the database as schema.sql says" costs, from 10 to 10,000 tables: infracheck, migra, results, drizzle-kit.

The peers compare what is prepared for them, which is not timed: migra and results a second database to which the SQL
has been applied, drizzle-kit the TypeScript that it wrote of the live one. infracheck reads the SQL each time.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
import psycopg

from bench.pairs import line, loaded
from bench.tables import Stage, server, stage
from tests.components.cache import built, digest
from tests.components.node import npm, path_with_node

SIZES = (10, 100, 1_000, 10_000)
COMPARED = 1_000  # tables at which ratios are taken; growth is from here to the largest
RUNS = 5
ENOUGH = 20.0  # seconds of one tool at one size, after which no further run is started
LIMIT = 60.0  # seconds for one run of a peer
OUR_LIMIT = 300.0
FASTER, GROWTH, QUERIES = 10, 1.3, 8
DRIZZLE = ("drizzle-kit@0.31.11", "drizzle-orm@0.45.4", "pg@8.23.1")
MEGA = 1 << 20 if sys.platform == "darwin" else 1 << 10  # in which unit ru_maxrss is counted
# A process that a large one starts inherits its peak: this small one starts what is measured.
LAUNCH = """
import json, os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
with open(sys.argv[1], "w") as report:
    json.dump([time.perf_counter() - start, used.ru_maxrss, os.waitstatus_to_exitcode(status)], report)
"""
OURS = """
import gc, sys, time
gc.set_threshold(100_000, 20, 100)  # as the command line does
from pathlib import Path
from infracheck.clients import pgcatalog
from infracheck.clients.postgres import Database
from infracheck.clients.scratch import Scratch
from infracheck.project import sql
from infracheck.project.ddl.annotate import annotate
from infracheck.project.ddl.compare import compare
from infracheck.project.detect import detect
from infracheck.secret import Secret
import pglast.parser, psycopg

method, url, folder, tables = sys.argv[1:]
start = time.perf_counter()
database = Database.open(Secret(url), timeout=60)
project = detect(Path(folder))
sources = sql.find(project)
declared = sql.expected(project, sources).schema
live = pgcatalog.read(database.queries)
if method == "shadow":
    scratch = Scratch.open(major=int(database.server_version.partition(".")[0]))
    applied = scratch.apply([(path, path.name) for path in sources.files])
    declared = annotate(applied.schema, declared)
    scratch.close()
differences = compare(declared, live, run=method == "shadow", exact=method == "shadow")
database.close()
assert len(declared.tables) == len(live.tables) == int(tables) and not differences, differences[:3]
print("within", time.perf_counter() - start)
"""


@dataclass
class Series:
    """What the runs of one tool at one size took; `cut` tells why there are no more."""

    seconds: list[float] = field(default_factory=list)
    within: list[float] = field(default_factory=list)  # without the start of the interpreter and its imports
    peak: float = 0.0
    queries: int = 0
    cut: str = ""


class Cut(Exception):
    """A run did not end as a comparison does; says how."""


@dataclass(frozen=True)
class Tool:
    """One that compares.

    Attributes:
        command: for a stage; may prepare what is not timed.
        done: whether exit code and output are those of a comparison that was made and found nothing.
    """

    name: str
    command: Callable[[Stage], list[str]]
    done: Callable[[int, str], bool]
    limit: float = LIMIT

    def run(self, on: Stage, into: Series) -> float:
        """Run once, and return the seconds.

        Raises:
            Cut: there was no result.
        """
        command = self.command(on)
        on.queries()
        seconds, peak, code, output = launched(command, on.folder, self.limit)
        if not self.done(code, output):
            raise Cut(f"exit code {code}: {reason(output)}")
        into.seconds.append(seconds)
        into.peak, into.queries = max(into.peak, peak), on.queries()
        into.within += [float(line.split()[1]) for line in output.splitlines() if line.startswith("within ")]
        return seconds


def launched(command: list[str], folder: Path, limit: float) -> tuple[float, float, int, str]:
    """Return seconds, the peak of the largest process in MB, exit code and output of a command."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "DATABASE_URL"))}
    env = {**kept, "PATH": path_with_node(), "PYTHONPATH": str(ROOT), "SQLALCHEMY_SILENCE_UBER_WARNING": "1"}
    with tempfile.TemporaryFile() as output, tempfile.NamedTemporaryFile() as report:
        start = [sys.executable, "-S", "-c", LAUNCH, report.name, *command]
        with subprocess.Popen(
            start, cwd=folder, env=env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        ) as process:
            try:
                process.wait(limit)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise Cut(f"cut after {limit:g} s") from None
        output.seek(0)
        seconds, peak, code = json.load(report)
        return seconds, peak / MEGA, code, output.read().decode(errors="replace")


def reason(output: str) -> str:
    lines = [one.strip() for one in output.splitlines() if one.strip()]
    return next((one for one in lines if "rror" in one), (lines or ["no output"])[-1])[:100]


# -- the tools


def ours(method: str, on: Stage) -> list[str]:
    return [sys.executable, "-c", OURS, method, on.live, str(on.folder), str(on.tables)]


def whole(on: Stage) -> list[str]:
    return [sys.executable, "-m", "infracheck.cli", "run", str(on.folder), "--only", "schema"]


def two_databases(program: Path, *arguments: str) -> Callable[[Stage], list[str]]:
    return lambda on: [str(program), *arguments, on.live, on.second]


def push(modules: Path, on: Stage) -> list[str]:
    """Return the command that compares; drizzle-kit first writes the TypeScript to compare with."""
    kit = modules / "node_modules" / "drizzle-kit" / "bin.cjs"
    config, out = on.folder / "drizzle.config.cjs", on.folder / "drizzle"
    if not config.exists():
        settings = {"dialect": "postgresql", "out": "./drizzle", "schema": "./drizzle/schema.ts"}
        config.write_text(f"module.exports = {json.dumps({**settings, 'dbCredentials': {'url': on.live}})};\n")
        (on.folder / "node_modules").symlink_to(modules / "node_modules")
        try:
            launched(["node", str(kit), "pull", f"--config={config.name}"], on.folder, LIMIT)
        except Cut as error:
            raise Cut(f"{error}, in the `pull` before") from None
        for file in out.glob("*.sql"):
            file.unlink()  # else infracheck would take them for migrations
    return ["node", str(kit), "push", "--strict", "--verbose", f"--config={config.name}"]


def same(code: int, output: str) -> bool:
    return code == 0 and not [one for one in output.splitlines() if "pkg_resources" not in one and one.strip()]


def pushed(_: int, output: str) -> bool:
    """Tell whether the comparison came to its end: where it finds something, it then asks whether to go on."""
    return "No changes detected" in output or "You are about to execute" in output


def make_peers(folder: Path) -> None:
    venv.create(folder / "python", with_pip=True)
    target = ["--python", str(folder / "python" / "bin" / "python")]
    pip = [sys.executable, "-m", "pip", *target, "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--group", f"{ROOT / 'pyproject.toml'}:bench-peers"], check=True)
    (folder / "package.json").write_text('{"private": true}')
    install = [str(npm()), "install", "--no-audit", "--no-fund", "--silent", *DRIZZLE]
    subprocess.run(install, cwd=folder, env={**os.environ, "PATH": path_with_node()}, check=True)


def tools() -> list[Tool]:
    key = digest(*(one for one in (ROOT / "pyproject.toml").read_bytes().splitlines() if b"bench-peers" in one))
    peers = built("schema-peers", digest(key.encode(), " ".join(DRIZZLE).encode()), make_peers)
    programs = peers / "python" / "bin"
    return [
        Tool("infracheck parse", partial(ours, "parse"), lambda code, _: code == 0, OUR_LIMIT),
        Tool("infracheck shadow", partial(ours, "shadow"), lambda code, _: code == 0, OUR_LIMIT),
        Tool("infracheck run", whole, lambda code, _: code == 0, OUR_LIMIT),
        Tool("migra", two_databases(programs / "migra", "--unsafe"), same),
        Tool("results dbdiff", two_databases(programs / "results", "dbdiff"), same),
        Tool("drizzle-kit push", partial(push, peers), pushed),
    ]


# -- the figures


def measure(on: Stage, tools: list[Tool], cut: set[str]) -> dict[str, Series]:
    """Run the tools in turn until each has its runs, so that a machine whose speed drifts treats all alike."""
    found = {one.name: Series() for one in tools if one.name not in cut}
    for number in range(RUNS):
        for tool in tools if number % 2 else reversed(tools):
            if (series := found.get(tool.name)) is None or series.cut or sum(series.seconds) > ENOUGH:
                continue
            try:
                tool.run(on, series)
            except Cut as error:
                series.cut = str(error)
                cut.add(tool.name)
                end_sessions(on)
    return found


def end_sessions(on: Stage) -> None:
    """End what a stopped client has left running in the server."""
    with psycopg.connect(on.live, autocommit=True) as connection:
        others = "datname IN (%s, %s) AND pid <> pg_backend_pid()"
        names = [url.rpartition("/")[2] for url in (on.live, on.second)]
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}".encode(), names)


def show(on: Stage, found: dict[str, Series]) -> None:
    for name, one in found.items():
        shown = f"{on.tables:>6}  {name:<18}"
        if one.seconds:
            middle = median(one.seconds)
            spread = f"({min(one.seconds):.2f}–{max(one.seconds):.2f}, {len(one.seconds)} runs)"
            shown += f"{middle:7.2f} s {spread:<24}{middle / on.tables * 1000:8.2f} ms/table"
            shown += f"{one.peak:6.0f} MB{one.queries:7} queries"
        print(f"{shown}  {one.cut}".rstrip(), flush=True)


def conclude(sizes: tuple[int, ...], found: dict[int, dict[str, Series]]) -> None:
    at = COMPARED if COMPARED in sizes else sizes[-1]
    for mine in ("infracheck parse", "infracheck shadow"):
        for peer in ("migra", "results dbdiff", "drizzle-kit push"):
            pairs = zip(found[at].get(peer, Series()).seconds, found[at][mine].seconds, strict=False)
            if times := [theirs / own for theirs, own in pairs]:
                shown = line(f"{peer} ÷ {mine}, {at}", times)
                judged = peer == "migra" and at == COMPARED
                print(f"{shown}  goal ≥ {FASTER}: {met(median(times) >= FASTER)}" if judged else shown)
    last = sizes[-1]
    for name, one in found[last].items() if last > at else ():
        if one.seconds and (before := found[at].get(name)):
            larger, smaller = (median(each.within or each.seconds) for each in (one, before))
            goal = GROWTH if name.startswith("infracheck") else None
            print(line(f"{name}: time per table, {last} ÷ {at}", [larger / last / (smaller / at)], goal))
    asked = max(one.queries for size in found.values() for name, one in size.items() if name.startswith("infracheck"))
    print(f"queries of infracheck, after the one that opens the session: {asked - 1}  ", end="")
    print(f"goal ≤ {QUERIES}: {met(asked - 1 <= QUERIES)}")


def met(is_met: bool) -> str:
    return "met" if is_met else "NOT met"


def main() -> None:
    sizes = SIZES[:2] if "--quick" in sys.argv[1:] else SIZES
    compared, cut, found = tools(), set[str](), dict[int, dict[str, Series]]()
    print(f"the database against schema.sql   ({loaded()})")
    with tempfile.TemporaryDirectory() as name, server(Path(name, "pg")) as (postgres, log):
        for size in sizes:
            on = stage(postgres, log, Path(name), size)
            # What a run costs beside the comparison does not depend on the size: one size shows it.
            used = [one for one in compared if one.name != "infracheck run" or size in {COMPARED, sizes[-2]}]
            found[size] = measure(on, used, cut)
            show(on, found[size])
    conclude(sizes, found)


if __name__ == "__main__":
    main()
