"""Remembers what a flow may have made, so that the run after a kill removes it."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from infracheck.project.files import write_whole
from infracheck.secret import SECRET_NAME

NAME: Final = "flow-{run_id}.json"
PATTERN: Final = "flow-*.json"


@dataclass(frozen=True, slots=True)
class Pending:
    """A run of a flow whose clean-up may not have happened: its captured values, none of which is a secret."""

    flow: str
    run_id: str
    pid: int
    known: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """One file a run, in a folder that git ignores; None stands for a folder that cannot be written to."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def note(self, flow: str, known: Mapping[str, Any]) -> None:
        """Write down what is known so far, whole."""
        if not self._folder:
            return
        kept = {
            name: value
            for name, value in known.items()
            if isinstance(value, str | int | float) and not SECRET_NAME.search(name)
        }
        pending = Pending(flow, str(known["run_id"]), os.getpid(), kept)
        write_whole(self._file(pending.run_id), json.dumps(asdict(pending)))

    def forget(self, run_id: str) -> None:
        """Take it that a run left nothing."""
        if self._folder:
            self._file(run_id).unlink(missing_ok=True)

    def left(self) -> list[Pending]:
        """Return the runs that were killed: those that still go on are not among them."""
        found = []
        for path in sorted(self._folder.glob(PATTERN)) if self._folder else ():
            with suppress(OSError, ValueError, TypeError):
                pending = Pending(**json.loads(path.read_text(encoding="utf-8")))
                if not _runs(pending.pid):
                    found.append(pending)
        return found

    def _file(self, run_id: str) -> Path:
        assert self._folder
        return self._folder / NAME.format(run_id=run_id)


def _runs(pid: int) -> bool:
    import psutil

    return pid != os.getpid() and psutil.pid_exists(pid)
