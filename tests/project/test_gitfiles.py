"""Questions to git, asked of real repositories."""

import subprocess
from pathlib import Path

import pytest

from infracheck.project import gitfiles
from infracheck.project.git import target
from infracheck.project.gitfiles import ignored_by, is_tracked, merge_base, text_at


def git(root: Path, *arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(root), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(root: Path, message: str = "x") -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "no-config"))
    root = tmp_path / "re po"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    return root


def test_outside_git_there_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    assert gitfiles.tracked_files(tmp_path) is None
    assert gitfiles.source_files(tmp_path) is None
    assert is_tracked(path) is None
    assert ignored_by(path) is None
    assert merge_base(tmp_path) is None
    assert text_at(path, "HEAD") is None
    assert gitfiles.is_shallow(tmp_path) is None
    assert target(tmp_path, "app").commit is None


def test_without_git_there_is_no_answer(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(repository)
    monkeypatch.setenv("PATH", str(repository))
    assert gitfiles.tracked_files(repository) is None


def test_tracked_and_untracked_files(repository: Path) -> None:
    (repository / "app").mkdir()
    (repository / ".gitignore").write_text("ignored\n")
    (repository / "app" / "ünïcode [1]*.ts").touch()
    (repository / "gone").touch()
    commit(repository)
    (repository / "gone").unlink()
    (repository / "app" / "new").touch()
    (repository / "app" / "ignored").touch()
    tracked, app = repository / "app" / "ünïcode [1]*.ts", repository / "app"
    assert set(gitfiles.tracked_files(repository) or ()) == {repository / ".gitignore", tracked}
    assert set(gitfiles.source_files(app) or ()) == {tracked, app / "new"}
    assert [is_tracked(path) for path in (tracked, app / "new", repository / "gone", repository / "no" / "x")] == [
        True,
        False,
        True,
        False,
    ]


def test_the_pattern_that_swallows_the_example(repository: Path) -> None:
    app = repository / "apps" / "web"
    app.mkdir(parents=True)
    (repository / ".gitignore").write_text("# env files\n\n.env*\n")
    found = ignored_by(app / ".env.local.example")
    assert found
    assert (found.source, found.line, found.pattern, found.shared) == (repository / ".gitignore", 3, ".env*", True)
    (app / ".gitignore").write_text("!.env.local.example\n")
    assert ignored_by(app / ".env.local.example") is None
    assert ignored_by(app / ".env.local") == found


def test_a_tracked_file_is_still_matched_by_its_pattern(repository: Path) -> None:
    (repository / ".env.local").touch()
    commit(repository)
    (repository / ".gitignore").write_text(".env.local\n")
    assert ignored_by(repository / ".env.local")
    assert is_tracked(repository / ".env.local")


def test_a_pattern_of_this_machine_alone_is_told_apart(repository: Path, tmp_path: Path) -> None:
    (repository / ".git" / "info" / "exclude").write_text(".env.local\n")
    found = ignored_by(repository / ".env.local")
    assert found
    assert not found.shared
    (repository / ".git" / "info" / "exclude").write_text("")
    (tmp_path / "everywhere").write_text(".env.local\n")
    git(repository, "config", "core.excludesFile", str(tmp_path / "everywhere"))
    found = ignored_by(repository / ".env.local")
    assert found
    assert (found.source, found.shared) == (tmp_path / "everywhere", False)


def test_where_a_branch_began_and_how_a_file_was_there(repository: Path) -> None:
    config = repository / "app" / "infracheck.toml"
    config.parent.mkdir()
    config.write_text("old")
    base = commit(repository)
    git(repository, "switch", "--quiet", "-c", "feature")
    config.write_text("new")
    (repository / "app" / "later").touch()
    commit(repository)
    git(repository, "switch", "--quiet", "main")
    commit(repository, "main goes on")
    git(repository, "switch", "--quiet", "feature")
    assert merge_base(repository) == base
    assert merge_base(repository / "app", "main") == base
    assert text_at(config, base) == "old"
    assert text_at(config, "HEAD") == "new"
    assert text_at(repository / "app" / "later", base) is None
    for unknown in ("no-such-branch", "--help", ""):
        assert text_at(config, unknown) is None
    assert merge_base(repository, "no-such-branch") is None


def test_the_default_branch_comes_before_what_the_branch_is_pushed_to(repository: Path, tmp_path: Path) -> None:
    base = commit(repository)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(repository), str(clone))
    git(clone, "switch", "--quiet", "-c", "feature")
    pushed = commit(clone)
    git(clone, "push", "--quiet", "--set-upstream", "origin", "feature")
    assert merge_base(clone) == base
    assert merge_base(clone, "@{upstream}") == pushed


def test_a_shallow_checkout_has_no_merge_base_and_says_so(repository: Path, tmp_path: Path) -> None:
    commit(repository)
    git(repository, "switch", "--quiet", "-c", "feature")
    commit(repository, "feature")
    git(repository, "switch", "--quiet", "main")
    commit(repository, "main")
    clone = tmp_path / "clone"
    url = f"file://{repository}"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-single-branch", "--branch=feature", url, str(clone))
    assert gitfiles.is_shallow(clone) is True
    assert gitfiles.is_shallow(repository) is False
    assert merge_base(clone, "origin/main") is None


def test_a_hook_of_another_repository_does_not_mislead(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "a").touch()
    commit(repository)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", "elsewhere")
    assert gitfiles.tracked_files(repository) == (repository / "a",)


def test_the_target_names_commit_branch_and_changes(repository: Path) -> None:
    (repository / "a").touch()
    made = commit(repository)
    seen = target(repository, "app")
    assert (seen.commit, seen.branch, seen.dirty) == (made, "main", False)
    (repository / "a").write_text("changed")
    assert target(repository, "app").dirty is True
