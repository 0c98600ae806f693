"""Files written whole or not at all."""

import os
import tempfile
from pathlib import Path

from infracheck.errors import UsageError


def write_whole(path: Path, text: str, *, overwrite: bool = True, mode: int | None = None) -> None:
    """Write a text file so that a reader, or a kill at any moment, sees the old file or the new one.

    Args:
        mode: the file's rights; None for those that it has, or that new files get.

    Raises:
        UsageError: the file exists and may not be overwritten, or the folder cannot be written to.
    """
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists already", hint="--force writes over it")
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        kept = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        Path(temporary).chmod(kept if mode is None else mode)
        Path(temporary).replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="choose another path") from None
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    # There is no way to read the mask but to set it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
