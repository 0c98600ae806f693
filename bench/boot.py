"""How long the start of a dev server takes to be judged, as a ratio to its peers on the same app in the same run.

The floor is a subprocess and a GET every 20 ms until the page answers: what the app itself needs. start-server-and-test
from npm is what most projects use for this; on a broken page it waits for its whole timeout, which is 60 s here.
"""

import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.pairs import line, loaded, ratios
from infracheck.settings import ServerSettings
from tests.clients.processes import eventually, running_in
from tests.clients.small_server import context, environment
from tests.components import next_notes
from tests.components.cache import built, digest
from tests.components.child import running
from tests.components.node import node, npm_ci
from tests.components.ports import free_port

GOOD_PAIRS, BROKEN_PAIRS = 7, 2
LIMIT = 120  # seconds
PEER_TIMEOUT = 60  # seconds
PEERS = Path(__file__).with_name("peers")
BROKEN = 'import x from "not-there";\nexport default () => <main>{x}</main>;\n'


class Sides:
    """The three ways to start the app in `folder` and to learn whether its page is well: `well` is what is true."""

    def __init__(self, folder: Path, peer: Path, *, well: bool) -> None:
        self.folder, self.peer, self.well = folder, peer, well

    def ours(self) -> float:
        """Return the seconds from the settings to the verdict: command and port found, started, watched, judged."""
        port, start = free_port(), time.perf_counter()
        with context(self.folder, port=port, settings=ServerSettings(timeout=LIMIT)) as ctx:
            boot = ctx.server.boot
            seconds = time.perf_counter() - start
        if boot.ok is not self.well:
            raise SystemExit(f"the boot is not what it should be: {boot}")
        return self._over(seconds)

    def raw(self) -> float:
        """Return the seconds from the command to the first answer, whatever it is."""
        port, start = free_port(), time.perf_counter()
        with running(["npm", "run", "dev"], folder=self.folder, env=_env(port), log=self.folder.with_suffix(".raw")):
            while (status := _status(port)) is None:
                if time.perf_counter() - start > LIMIT:
                    raise SystemExit("the app did not boot")
                time.sleep(0.02)
            seconds = time.perf_counter() - start
        if (status == 200) is not self.well:
            raise SystemExit(f"the page answers {status}")
        return self._over(seconds)

    def start_server_and_test(self) -> float:
        """Return the seconds until its test command starts, or until it gives up."""
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            stamp = Path(folder, "stamp")
            url, test = f"http-get://localhost:{port}", f"touch {stamp}"
            command: list[str | Path] = [node(), self.peer, "npm run dev", url, test]
            env = {**_env(port), "WAIT_ON_TIMEOUT": str(PEER_TIMEOUT * 1000)}
            start = time.perf_counter()
            with running(command, folder=self.folder, env=env, log=self.folder.with_suffix(".peer")) as process:
                eventually(lambda: stamp.exists() or process.poll() is not None, LIMIT)
                seconds = time.perf_counter() - start
                with suppress(subprocess.TimeoutExpired):
                    process.wait(20)
            if stamp.exists() is not self.well:
                raise SystemExit("start-server-and-test does not see what it should")
        return self._over(seconds)

    def _over(self, seconds: float) -> float:
        eventually(lambda: not running_in(self.folder))
        return seconds


def _env(port: int) -> Mapping[str, str]:
    return {**environment(port), "NEXT_TELEMETRY_DISABLED": "1", "NO_COLOR": "1"}


def _status(port: int) -> int | None:
    connection = http.client.HTTPConnection("localhost", port, timeout=60)
    try:
        connection.request("GET", "/", headers={"Accept": "text/html"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except OSError:
        return None
    finally:
        connection.close()


def _peer() -> Path:
    """Return the script of start-server-and-test, installed on first use."""

    def build(folder: Path) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(PEERS / name, folder / name)
        npm_ci(folder)

    folder = built("bench-peers", digest((PEERS / "package-lock.json").read_bytes()), build)
    return folder / "node_modules" / "start-server-and-test" / "src" / "bin" / "start.js"


def _faster(ours: Callable[[], float], peer: Callable[[], float]) -> None:
    found = [1 / ratio for ratio in ratios(ours, peer, pairs=BROKEN_PAIRS, warmups=0)]
    print(f"{line('start-server-and-test ÷ ours, broken page', found)}  goal ≥ 5: ", end="")
    print("met" if min(found) >= 5 else "NOT met")


def main() -> None:
    for name in list(os.environ):
        if name.startswith(("SENTRY_", "NEXT_")):
            del os.environ[name]
    with next_notes.working_copy() as folder:
        next_notes.write_env(folder, {"BETTER_AUTH_SECRET": "x" * 32, "NEON_AUTH_BASE_URL": "http://localhost:1/auth"})
        print(f"from the start of a dev server to the verdict   ({loaded()})")
        good = Sides(folder, _peer(), well=True)
        print(line("ours ÷ raw polling, good page", ratios(good.ours, good.raw, pairs=GOOD_PAIRS), 1.05))
        print(line("ours ÷ start-server-and-test, good page", ratios(good.ours, good.start_server_and_test, pairs=3)))
        (folder / "app" / "page.tsx").write_text(BROKEN, encoding="utf-8")
        broken = Sides(folder, _peer(), well=False)
        print(line("ours ÷ raw polling, broken page", ratios(broken.ours, broken.raw, pairs=3)))
        _faster(broken.ours, broken.start_server_and_test)


if __name__ == "__main__":
    main()
