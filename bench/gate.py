"""What the whole gate costs, as a ratio to the raw boot of the same app until its page first answers 200.

Both start with the same caches; the raw boot polls every 20 ms, so that the floor is the app's own time.
"""

import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.pairs import line, loaded, ratios
from infracheck.clients.embedded_postgres import EmbeddedPostgres
from tests.stage import Stage, set_up

PAIRS = 7
LIMIT = 120  # seconds


def raw_boot(stage: Stage) -> float:
    """Return the seconds from `npm run dev` to the first 200 of `/`."""
    start = time.perf_counter()
    with subprocess.Popen(
        ["npm", "run", "dev"],
        cwd=stage.folder,
        env={**stage.environment(), "NEXT_TELEMETRY_DISABLED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        while status(stage.port) != 200:
            if time.perf_counter() - start > LIMIT:
                raise TimeoutError("the app did not boot")
            time.sleep(0.02)
        seconds = time.perf_counter() - start
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
    while stage.processes():
        time.sleep(0.05)
    return seconds


def status(port: int) -> int | None:
    connection = http.client.HTTPConnection("localhost", port, timeout=60)
    try:
        connection.request("GET", "/", headers={"Accept": "text/html"})
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def whole_gate(stage: Stage) -> float:
    """Return the seconds of one `infracheck run`, from the start of the process to its end."""
    start = time.perf_counter()
    done = stage.run()
    seconds = time.perf_counter() - start
    if done.code:
        raise SystemExit(f"the gate is not green: {done.not_passed()}\n{done.stdout}")
    return seconds


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder, "pg"), password=os.urandom(12).hex()) as postgres,
        set_up(postgres, Path(folder)) as stage,
    ):
        stage.write_env()
        print(f"whole gate ÷ raw boot to the first 200   ({loaded()})")
        found = ratios(lambda: whole_gate(stage), lambda: raw_boot(stage), pairs=PAIRS)
        print(line("infracheck run, all green (warm caches)", found, 1.15))


if __name__ == "__main__":
    main()
