"""How long infracheck takes to start, as ratios to `python -c "import typer"`, the floor of any typer program."""

import sys
import sysconfig
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.pairs import line, loaded, ratios, timed

INFRACHECK = str(Path(sysconfig.get_path("scripts")) / "infracheck")
FLOOR = [sys.executable, "-c", "import typer"]


def main() -> None:
    app = Path(__file__).parents[1] / "tests" / "apps" / "next-notes"
    print(f"÷ python -c 'import typer'   ({loaded()})")
    for name, command, goal in (
        ("infracheck --version", [INFRACHECK, "--version"], 1.3),
        ("infracheck list", [INFRACHECK, "list", str(app)], 2.5),
    ):
        print(line(name, ratios(lambda c=command: timed(c), lambda: timed(FLOOR), pairs=15), goal))  # type: ignore[misc]


if __name__ == "__main__":
    main()
