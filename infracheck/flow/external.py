"""Runs a flow that another runner knows (Playwright, Cypress, a script) and takes over what it found."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infracheck.flow.results import Tested, read_results
from infracheck.flow.shape import Flow, Persona, Step
from infracheck.flow.steps import Done

if TYPE_CHECKING:
    from infracheck.clients.otpshapes import Session

LAST_LINES: Final = 12
RESULTS: Final = ("results.xml", "results.json")  # below the temporary folder


@dataclass(frozen=True, slots=True)
class Place:
    """Where and with what the command runs; `env` holds no session yet, `sessions` go into files and variables."""

    root: Path
    base: str
    env: Mapping[str, str] = field(repr=False)
    sessions: "Mapping[Persona, Session]" = field(repr=False)
    tell: Callable[[str], None] = lambda _: None


def run_command(flow: Flow, run_id: str, place: Place) -> list[Done]:
    """Run the command of a flow, and return its tests as steps, or itself as the one step.

    Raises:
        NotStarted: there is no such command.
    """
    from infracheck.clients.process import Supervised
    from infracheck.clients.tempfolder import TemporaryFolder

    assert flow.command
    start, began = time.monotonic(), time.time()
    place.tell(f"running {flow.command}")
    with TemporaryFolder("infracheck-flow-") as folder:
        env = {**place.env, **_variables(place, run_id, folder.path)}
        command = ["sh", "-c", flow.command]
        with Supervised(command, cwd=place.root, env=env) as child:
            code = child.wait(flow.command_timeout)
            tail = tuple([line for line in child.output() if line.strip()][-LAST_LINES:])
        files = [place.root / flow.results] if flow.results else [folder.path / name for name in RESULTS]
        return _judged(flow, code, tail, _tests(files, began), time.monotonic() - start)


def _judged(
    flow: Flow, code: int | None, tail: tuple[str, ...], tests: list[Tested] | str | None, seconds: float
) -> list[Done]:
    steps = [_step(test) for test in tests if test.state != "skipped"] if isinstance(tests, list) else []
    failed = [step for step in steps if step.state == "FAILED"]
    problem = ""
    if code is None:
        problem = f"it did not end within {flow.command_timeout:g} s"
    elif code:
        problem = f"exit code {code}" + (f", {len(failed)} of {len(steps)} tests failed" if failed else "")
    elif isinstance(tests, str):
        problem = tests
    elif isinstance(tests, list) and not steps:
        problem = "it ran no test"
    whole = Done(
        Step(flow.command or ""),
        "FAILED" if problem or failed else "OK",
        problem=problem or (f"{len(failed)} of {len(steps)} tests failed" if failed else ""),
        asked=f"$ {flow.command}",
        log=tail if problem or failed else (),
        log_of="OUTPUT",
        seconds=seconds,
    )
    return [*steps, whole]


def _step(test: Tested) -> Done:
    good = test.state == "passed"
    return Done(Step(test.name), "OK" if good else "FAILED", problem="" if good else test.note or "it failed")


def _tests(files: list[Path], began: float) -> list[Tested] | str | None:
    """Return the tests of the first result file that this run wrote, why it cannot be read, None if there is none."""
    for path in files:
        try:
            if path.stat().st_mtime >= began - 1:
                return read_results(path)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            return f"{path.name} cannot be read: {error}"
    return None


def _variables(place: Place, run_id: str, folder: Path) -> dict[str, str]:
    """Return what tells a runner where the app is, and who is signed in."""
    found = dict.fromkeys(("BASE_URL", "PLAYWRIGHT_TEST_BASE_URL", "CYPRESS_BASE_URL"), place.base)
    found["INFRACHECK_RUN_ID"] = run_id
    found["INFRACHECK_JUNIT"] = found["PLAYWRIGHT_JUNIT_OUTPUT_FILE"] = str(folder / RESULTS[0])
    found["PLAYWRIGHT_JSON_OUTPUT_FILE"] = str(folder / RESULTS[1])
    for persona, session in place.sessions.items():
        name = f"INFRACHECK_{persona.replace('-', '_').upper()}"
        path = folder / f"{persona}.json"
        path.write_text(storage_state(place.base, session), encoding="utf-8")
        found |= {
            f"{name}_EMAIL": session.email,
            f"{name}_ID": session.user_id,
            f"{name}_COOKIE": session.cookie,
            f"{name}_TOKEN": session.bearer,
            f"{name}_STATE": str(path),
        }
    return {name: value for name, value in found.items() if value}


def storage_state(base: str, session: "Session") -> str:
    """Return a session as Playwright's `storageState` file."""
    import json
    from urllib.parse import urlsplit

    host = urlsplit(base).hostname or "localhost"
    pairs = (pair.partition("=") for pair in session.cookie.split("; ") if pair)
    cookies: list[dict[str, Any]] = [
        {
            "name": name,
            "value": value,
            "domain": host,
            "path": "/",
            "expires": -1,
            "httpOnly": True,
            "secure": name.startswith(("__Secure-", "__Host-")),
            "sameSite": "Lax",
        }
        for name, _, value in pairs
    ]
    return json.dumps({"cookies": cookies, "origins": []})
