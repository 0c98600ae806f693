"""What reading the environment costs: a large env file against @next/env, a large source tree against ast-grep."""

import secrets
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from bench.pairs import line, loaded, ratios, timed
from tests.components.node import node, npm_ci

VARIABLES = 2_000
FILES = 5_000
PAIRS = 7
NEXT_ENV = ROOT / "tests" / "conformance" / "next-env"
OURS_FILE = """
import sys; from pathlib import Path; from infracheck.project.envfile import load
env = load(Path(sys.argv[1]), stage="execute-plan", example=None, env_file=None, process={})
assert len(env.entries) == int(sys.argv[2]), len(env.entries)
"""
THEIRS_FILE = """
const { loadEnvConfig } = require("next-env-16");
const loaded = loadEnvConfig(process.argv[1], true, { info() {}, error() {} });
if (Object.keys(loaded.parsedEnv).length !== Number(process.argv[2])) process.exit(1);
"""
OURS_TREE = """
import sys; from pathlib import Path; from infracheck.project.source import scan
assert len({one.name for one in scan(Path(sys.argv[1])).reads}) == int(sys.argv[2])
"""


def env_file(folder: Path) -> Path:
    """Write an env file in which every fourth value refers to another one, or needs quotes."""
    lines = []
    for number in range(VARIABLES):
        value = secrets.token_urlsafe(24)
        forms = (value, f'"{value} {value}"', f"'{value}'", f"https://$V{number - 3}/x" if number > 3 else value)
        lines += [f"# the {number}th", f"V{number}={forms[number % 4]}"]
    (folder / ".env.local").write_text("\n".join(lines) + "\n")
    return folder


def tree(folder: Path) -> int:
    """Write a tree in which every tenth file reads a variable; return how many variables there are."""
    body = "\n".join(f"export function f{n}(x: number) {{ return x * {n} + Math.sqrt(x) }}" for n in range(60))
    count = 0
    for number in range(FILES):
        path = folder / f"src/m{number % 50}/file{number}.ts"
        path.parent.mkdir(parents=True, exist_ok=True)
        reads = f"\nexport const k = process.env.NAME_{number}\n" if number % 10 == 0 else ""
        count += bool(reads)
        path.write_text(body + reads)
    (folder / "package.json").write_text("{}")
    return count


def main() -> None:
    print(f"env ({loaded()})")
    npm_ci(NEXT_ENV)
    with tempfile.TemporaryDirectory() as name:
        folder = env_file(Path(name))
        ours = [sys.executable, "-c", OURS_FILE, str(folder), str(VARIABLES)]
        theirs = [str(node()), "-e", THEIRS_FILE, str(folder), str(VARIABLES)]
        found = ratios(lambda: timed(ours), lambda: timed(theirs, cwd=NEXT_ENV), pairs=PAIRS)
        print(line(f"{VARIABLES} variables ÷ node @next/env", found))
    ast_grep = shutil.which("ast-grep", path=str(Path(sys.executable).parent))
    if not ast_grep:
        raise SystemExit("ast-grep is missing: make bench installs it")
    with tempfile.TemporaryDirectory() as name:
        count = tree(Path(name))
        ours = [sys.executable, "-c", OURS_TREE, name, str(count)]
        theirs = [ast_grep, "run", "--pattern", "process.env.$NAME", "--lang", "ts", name]
        print(line(f"{FILES} files ÷ ast-grep", ratios(lambda: timed(ours), lambda: timed(theirs), pairs=PAIRS)))


if __name__ == "__main__":
    main()
