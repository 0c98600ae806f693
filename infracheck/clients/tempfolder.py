"""A temporary folder that is gone when infracheck is, however it ends."""

import os
import select
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

from infracheck.clients.cleaner import KEEP, PATIENCE, REMOVE
from infracheck.errors import ClientError

CLEANER = Path(__file__).with_name("cleaner.py")
START_SECONDS = 30.0


class TemporaryFolder:
    """A private folder, removed by `close` or at the end of `with`, unless `keep` was called.

    Stop what writes into it before.

    Raises:
        ClientError: no folder can be made where temporary files belong.
    """

    def __init__(self, prefix: str) -> None:
        # In a session of its own, so that neither Ctrl-C nor the end of the terminal reaches it.
        self._cleaner = subprocess.Popen(
            [sys.executable, "-I", "-S", str(CLEANER), prefix],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._last_word = REMOVE
        assert self._cleaner.stdout is not None
        with self._cleaner.stdout as answer:
            poller = select.poll()
            poller.register(answer, select.POLLIN)
            path = answer.read() if poller.poll(START_SECONDS * 1000) else b""
        if not path:
            self._say(REMOVE)
            raise ClientError("no temporary folder can be made", "name a folder you may write to in TMPDIR")
        self.path = Path(os.fsdecode(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._say(self._last_word)
        if self._last_word == REMOVE:
            shutil.rmtree(self.path, ignore_errors=True)  # in case that the cleaner itself was killed

    def keep(self) -> None:
        """Leave the folder behind."""
        self._last_word = KEEP

    def _say(self, word: bytes) -> None:
        assert self._cleaner.stdin is not None
        if self._cleaner.stdin.closed:
            return
        with suppress(BrokenPipeError), self._cleaner.stdin as pipe:
            pipe.write(word)
        with suppress(subprocess.TimeoutExpired):  # it goes on by itself
            self._cleaner.wait(PATIENCE + 1)
