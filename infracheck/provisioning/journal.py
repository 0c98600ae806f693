"""Remembers what was begun, made and finished, so that the next run resumes instead of making twins. No secrets."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from infracheck.errors import UsageError

FILE: Final = "provision.jsonl"


class Journal:
    """One line an event, each written whole and flushed to the disk before anything goes on."""

    def __init__(self, folder: Path | None) -> None:
        """Take the folder of infracheck's own files; None where nothing can be written."""
        self._path = folder / FILE if folder else None

    def facts(self, action: str) -> dict[str, Any]:
        """Return what is noted of an action, the last word of each fact; `begun` says when it was begun first."""
        found: dict[str, Any] = {}
        for line in self._lines():
            if line.get("action") != action:
                continue
            if line.get("event") == "begun":
                found.setdefault("begun", line.get("at"))
            elif isinstance(facts := line.get("facts"), dict):
                found |= facts
        return found

    def write(self, action: str, event: str, facts: Mapping[str, Any] | None = None) -> None:
        """Write an event down.

        Raises:
            UsageError: it cannot be written: nothing should be made then.
        """
        if self._path is None:
            raise UsageError("the app's folder cannot be written to", hint="provision needs to keep its journal there")
        at = datetime.now(UTC).isoformat(timespec="seconds")
        line = json.dumps({"at": at, "action": action, "event": event, **({"facts": dict(facts)} if facts else {})})
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(("" if self._whole() else "\n") + line + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UsageError(f"{self._path} cannot be written: {error.strerror}", hint="correct its rights") from None

    def _whole(self) -> bool:
        """Tell whether the file ends with a whole line; a kill may have cut the last one."""
        assert self._path
        data = self._path.read_bytes() if self._path.exists() else b""
        return not data or data.endswith(b"\n")

    def _lines(self) -> list[dict[str, Any]]:
        if self._path is None or not self._path.exists():
            return []
        found = []
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                parsed = json.loads(line)
                found += [parsed] if isinstance(parsed, dict) else []
        return found
