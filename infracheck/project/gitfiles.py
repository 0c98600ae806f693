"""Questions to git about files: tracked, ignored, as they were at another commit. Outside git every answer is None."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TIMEOUT: Final = 5.0  # seconds of one call; a repository that takes longer is treated as one that cannot be asked
# What a branch is compared with when nobody says so: the default branch, then whatever the branch is pushed to.
BASES: Final = ("origin/HEAD", "origin/main", "origin/master", "@{upstream}", "main", "master")
# No background process and no lock is left, so that a run never stands in the way of the user's own git.
_OPTIONS: Final = ("-c", "core.fsmonitor=false")
# Set inside of git's own hooks, where they would point every call at another folder.
_LOCAL: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")


@dataclass(frozen=True, slots=True)
class Ignored:
    """The pattern that makes git ignore a file, and where it stands."""

    source: Path  # the .gitignore, .git/info/exclude or the user's own global file
    line: int  # 1-based
    pattern: str
    shared: bool  # False: the file with the pattern is on this machine only, nobody else's git ignores the file


def run_git(root: Path, *arguments: str, given: bytes = b"") -> bytes | None:
    """Return what git prints in `root`, `given` its input; None when it fails, takes too long, or is not installed."""
    env = {name: value for name, value in os.environ.items() if name not in _LOCAL}
    env |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "-C", str(root), *_OPTIONS, *arguments]
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=TIMEOUT, check=True, env=env)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout


def tracked_files(root: Path) -> tuple[Path, ...] | None:
    """Return the files below `root` that git tracks and that exist, as absolute paths."""
    return _listed(root, "--cached")


def source_files(root: Path) -> tuple[Path, ...] | None:
    """Return the files below `root` that git tracks or would track: all that exist but the ignored ones."""
    return _listed(root, "--cached", "--others", "--exclude-standard")


def is_tracked(path: Path) -> bool | None:
    """Tell whether git tracks a file, which need not exist."""
    folder, name = _seen_from_folder(path)
    found = run_git(folder, "--literal-pathspecs", "ls-files", "-z", "--cached", "--", name)
    return None if found is None else bool(found)


def ignored_by(path: Path) -> Ignored | None:
    """Return the pattern that ignores a file, tracked or not; None when none does, the last one is a `!`, or no git."""
    folder, name = _seen_from_folder(path)
    found = run_git(folder, "check-ignore", "--verbose", "--no-index", "-z", "--stdin", given=os.fsencode(name) + b"\0")
    if not found:
        return None
    source, line, pattern, *_ = (os.fsdecode(part) for part in found.split(b"\0"))
    if pattern.startswith("!"):  # in verbose mode git names the pattern that decided, also when it re-includes
        return None
    up = os.fsdecode(run_git(folder, "rev-parse", "--show-cdup") or b"").strip("\n")
    where = Path(os.path.normpath(folder / up / source))  # git names its own files from the repository's top
    return Ignored(where, int(line or 0), pattern, shared=where.name == ".gitignore" and not Path(source).is_absolute())


def merge_base(root: Path, ref: str | None = None) -> str | None:
    """Return the commit where HEAD left `ref`, or the default branch; None for an unknown ref or a shallow history."""
    for name in (ref,) if ref else BASES:
        commit = _text(run_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"))
        base = commit and _text(run_git(root, "merge-base", "HEAD", commit))
        if base:
            return base
    return None


def is_shallow(root: Path) -> bool | None:
    """Tell whether the history was cut off, as CI's checkouts are: then no merge base can be found."""
    answer = _text(run_git(root, "rev-parse", "--is-shallow-repository"))
    return None if answer is None else answer == "true"


def text_at(path: Path, ref: str) -> str | None:
    """Return a file's text as it was at a commit; None when it was not there."""
    folder, name = _seen_from_folder(path)
    commit = _text(run_git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"))
    data = run_git(folder, "cat-file", "blob", f"{commit}:./{name}") if commit else None
    return None if data is None else data.decode(errors="replace")


def _listed(root: Path, *which: str) -> tuple[Path, ...] | None:
    found = run_git(root, "ls-files", "-z", *which, "--", ".")
    if found is None:
        return None
    names = dict.fromkeys(os.fsdecode(name) for name in found.split(b"\0") if name)  # a conflict lists a file thrice
    return tuple(path for name in names if (path := root / name).is_file())


def _seen_from_folder(path: Path) -> tuple[Path, str]:
    """Return the nearest folder above a file that exists, where git can start, and the file's name from there."""
    folder = next((folder for folder in path.parents if folder.is_dir()), path.parent)
    return folder, path.relative_to(folder).as_posix()


def _text(output: bytes | None) -> str | None:
    return None if output is None else os.fsdecode(output).strip() or None
