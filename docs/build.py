"""Writes the generated parts of docs/: checks.md, the JSON Schemas, and the pictures of a red and a green run."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from infracheck.checks import GATE
from infracheck.config import json_schema
from infracheck.model import WORKFLOW, Check

DOCS = Path(__file__).parent
ROOT = DOCS.parent
HEAD = """# The checks

Generated from the checks themselves by `make docs`; `infracheck explain ID` prints the same in a terminal.
The gate asks in this order and tells each verdict in this order; slow work (the boot, the Sentry event) begins early.

| check | true when | needs |
| --- | --- | --- |
"""


def checks_page() -> str:
    """Return docs/checks.md."""
    rows = [f"| [`{one.id}`](#{one.id}) | {one.title} | {_needs(one)} |\n" for one in GATE]
    return HEAD + "".join(rows) + "".join(_section(one) for one in GATE)


def _needs(one: Check) -> str:
    return ", ".join(f"`{need.id}`" for need in one.needs) or "–"


def _section(one: Check) -> str:
    lines = [f"\n## {one.id}\n", f"**{one.title}.**", one.why]
    if one.proves:
        lines.append(f"Proves item {one.proves} of the workflow: {WORKFLOW[one.proves]}.")
    lines.append(f"Alone: `infracheck run --only {one.id}`")
    return "\n\n".join(line for line in lines if line).replace("\n\n\n", "\n\n") + "\n"


def schemas() -> dict[str, str]:
    """Return file name -> text of the published JSON Schemas."""
    report = (ROOT / "infracheck" / "report" / "report.schema.json").read_text(encoding="utf-8")
    return {"report.schema.json": report, "config.schema.json": json.dumps(json_schema(), indent=2) + "\n"}


def pictures() -> None:
    """Run the demo for real and draw its red and its green report as SVG."""
    from rich.console import Console
    from rich.text import Text

    env = {**os.environ, "COLUMNS": "100", "FORCE_COLOR": "1"}
    env.pop("NO_COLOR", None)
    demo = [sys.executable, "-m", "infracheck.cli", "demo"]
    shown = subprocess.run(demo, env=env, stdout=subprocess.PIPE, text=True, check=True, timeout=120).stdout
    reports = list(_reports(shown))
    if len(reports) != 2:
        raise SystemExit(f"the demo showed {len(reports)} reports instead of a red and a green one")
    for name, text in zip(("red", "green"), reports, strict=True):
        console = Console(record=True, width=100, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115, PTH123
        console.print(Text.from_ansi(text))
        console.save_svg(str(DOCS / f"{name}.svg"), title="infracheck run", unique_id=f"infracheck-{name}")


def _reports(shown: str) -> Iterator[str]:
    """Yield each report in a text: from its header to the empty line after its verdict."""
    lines: list[str] = []
    verdict = False
    for line in shown.splitlines():
        plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
        if re.match(r"infracheck \d+\.\d+\.\d+ ·", plain):
            lines, verdict = [line], False
        elif lines and verdict and not plain.strip():
            yield "\n".join(lines)
            lines = []
        elif lines:
            lines.append(line)
            verdict = verdict or plain.startswith(("PASS", "FAIL"))


def main() -> None:
    (DOCS / "checks.md").write_text(checks_page(), encoding="utf-8")
    for name, text in schemas().items():
        (DOCS / name).write_text(text, encoding="utf-8")
    pictures()


if __name__ == "__main__":
    main()
