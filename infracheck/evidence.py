"""Files that back a report's findings (the dev server's log, screenshots), kept below the app until the next run."""

import shutil
import threading
from pathlib import Path
from typing import Final

FOLDER: Final = Path(".infracheck")
RUN: Final = FOLDER / "evidence"
IGNORE: Final = "# Written by infracheck; nothing here belongs into git.\n*\n"


class Evidence:
    """The evidence folder of one run: emptied on first use, ignored by git, and never more than one run's."""

    def __init__(self, root: Path) -> None:
        """Take the app's folder; nothing is written yet."""
        self._root = root
        self._lock = threading.Lock()
        self._ready: bool | None = None

    def file(self, name: str) -> Path | None:
        """Return the path of a new evidence file (`shots/login.png`), None where nothing can be written here."""
        with self._lock:
            if self._ready is None:
                self._ready = self._prepare()
        if not self._ready:
            return None
        path = self._root / RUN / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            return None
        return path

    def kept(self) -> Path | None:
        """Return the folder of what outlives a run, None where nothing can be written here."""
        return self._root / FOLDER if self._ignored() else None

    def shown(self, path: Path) -> str:
        """Return how a report names the file: relative to the app."""
        return path.relative_to(self._root).as_posix()

    def _prepare(self) -> bool:
        try:
            shutil.rmtree(self._root / RUN, ignore_errors=True)
            (self._root / RUN).mkdir(parents=True, exist_ok=True)
        except OSError:
            return False
        return self._ignored()

    def _ignored(self) -> bool:
        """Make the folder, which tells git by itself that it does not belong there."""
        ignore = self._root / FOLDER / ".gitignore"
        try:
            ignore.parent.mkdir(parents=True, exist_ok=True)
            if not ignore.exists():
                ignore.write_text(IGNORE, encoding="utf-8")
        except OSError:
            return False
        return True
