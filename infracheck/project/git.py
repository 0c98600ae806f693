"""What git knows of the app's folder: commit, branch, uncommitted changes."""

from pathlib import Path

from infracheck.model import Target
from infracheck.project.gitfiles import run_git


def target(root: Path, shown_as: str) -> Target:
    """Return the Target for a folder; outside git, or without git, only its name is filled."""
    status = run_git(root, "status", "--porcelain=v2", "--branch", "--untracked-files=no", "--", ".")
    if status is None:
        return Target(shown_as)
    lines = status.decode(errors="replace").splitlines()
    facts = dict(line.removeprefix("# branch.").split(" ", 1) for line in lines if line.startswith("# branch."))
    commit = facts.get("oid")
    branch = facts.get("head")
    return Target(
        shown_as,
        commit if commit != "(initial)" else None,
        branch if branch != "(detached)" else None,
        any(not line.startswith("#") for line in lines),
    )
