"""What git knows of the app's folder: commit, branch, uncommitted changes."""

import os
import subprocess
from pathlib import Path

from infracheck.model import Target

TIMEOUT = 5.0  # seconds; a repository that takes longer is reported without its state


def target(root: Path, shown_as: str) -> Target:
    """Return the Target for a folder; outside git, or without git, only its name is filled."""
    status = ["git", "-C", str(root), "status", "--porcelain=v2", "--branch", "--untracked-files=no", "--", "."]
    # No lock is taken, so that a run never stands in the way of the user's own git.
    env = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            status, capture_output=True, text=True, errors="replace", timeout=TIMEOUT, check=True, env=env
        )
    except (OSError, subprocess.SubprocessError):
        return Target(shown_as)
    lines = done.stdout.splitlines()
    facts = dict(line.removeprefix("# branch.").split(" ", 1) for line in lines if line.startswith("# branch."))
    commit = facts.get("oid")
    branch = facts.get("head")
    return Target(
        shown_as,
        commit if commit != "(initial)" else None,
        branch if branch != "(detached)" else None,
        any(not line.startswith("#") for line in lines),
    )
