"""What is excused, judged in real git repositories against the commit that a branch left."""

import subprocess
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from infracheck.checks.waivers import waivers_valid
from infracheck.config import load
from infracheck.context import Context
from infracheck.model import Failed, Finding, Outcome, Passed, Skipped, Undecided, Waiver
from infracheck.project.detect import detect
from infracheck.project.waiverset import table
from tests.helpers import judge, states, write

TODAY = date.today()
LATER = TODAY + timedelta(days=30)
EXAMPLE = "DATABASE_URL=\nSENTRY_ORG=\nSENTRY_PROJECT=\nRESEND_API_KEY=\n"
FILLED = "DATABASE_URL=postgres://localhost/app\n"
LOG = "# State\n\n## Decisions Log\n\n- 2026-04-05: PM: SENTRY_ORG is exempt\n"
KNOWN = frozenset({"env-filled", "env-real", "schema-tables"})


def git(root: Path, *arguments: str) -> None:
    user = ("-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(root), *user, *arguments], check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "x")


@pytest.fixture
def repo(app: Path) -> Path:
    """A repository with an app, on a branch that left main after its first commit."""
    write(app, __env__local__example=EXAMPLE, __gitignore=".env.local\n", package__json="{}", __env__local=FILLED)
    git(app, "init", "--quiet", "--initial-branch", "main")
    commit(app)
    git(app, "switch", "--quiet", "--create", "work")
    return app


def waiver(check: str = "env-filled", subject: str = "*", reason: str = "agreed", expires: date = LATER) -> str:
    return f'[[waiver]]\ncheck = "{check}"\nsubject = "{subject}"\nreason = "{reason}"\nexpires = {expires}\n'


def context(app: Path, *, base: str | None = None, process: Mapping[str, str] | None = None) -> Context:
    """Return a Context as a run of the gate has it at its end: all checks were judged, nothing was excused."""
    loaded = load(app)
    ctx = Context(
        detect(app),
        settings=loaded.settings,
        process=process or {},
        waivers=loaded.waivers,
        base=base,
        known=KNOWN,
    )
    ctx.ledger.judged |= KNOWN
    return ctx


def rows(outcome: Outcome) -> tuple[Finding, ...]:
    assert isinstance(outcome, Passed | Failed | Undecided)
    return outcome.findings


def row(outcome: Outcome, subject: str) -> Finding:
    return next(one for one in rows(outcome) if one.subject == subject)


# -- waivers of the settings


@pytest.mark.red("waivers-valid")
def test_an_expired_waiver_fails_and_is_named(repo: Path) -> None:
    yesterday = TODAY - timedelta(days=1)
    write(repo, infracheck__toml=waiver(subject="RESEND_API_KEY", reason="until mail works", expires=yesterday))
    found = judge(waivers_valid, context(repo))
    assert isinstance(found, Failed)
    assert found.summary == "1 waiver cannot stand: 1 expired"
    assert found.remedy == "infracheck.toml:2: fix what it excuses and delete the waiver, or agree on a new date"
    one = row(found, "env-filled RESEND_API_KEY")
    assert (one.state, one.note, one.where) == ("EXPIRED", f"on {yesterday}: until mail works", "infracheck.toml:2")


@pytest.mark.green("waivers-valid")
def test_waivers_and_exemptions_that_hold_pass_and_are_listed(repo: Path) -> None:
    write(repo, infracheck__toml=waiver(reason="until mail works"))
    (repo / "project-state.md").write_text(LOG, encoding="utf-8")
    commit(repo)
    git(repo, "branch", "--force", "main")
    ctx = context(repo)
    ctx.ledger.excused[ctx.waivers.configured[0]] = ["env-filled RESEND_API_KEY"]
    found = judge(waivers_valid, ctx)
    assert isinstance(found, Passed)
    assert found.summary == "1 waiver and 1 exemption in force"
    assert {(one.subject, one.state, one.where, one.level) for one in found.findings} == {
        ("env-filled", "IN FORCE", "infracheck.toml:2", "info"),
        ("SENTRY_ORG", "EXEMPT", "project-state.md:5", "info"),
    }
    assert row(found, "env-filled").note == f"until {LATER}, excuses env-filled RESEND_API_KEY: until mail works"
    assert row(found, "SENTRY_ORG").note == "excuses that it is MISSING: “2026-04-05: PM: SENTRY_ORG is exempt”"


@pytest.mark.parametrize("reason", ["", " ", "TODO", "tbd", "-"])
def test_a_waiver_needs_a_reason(repo: Path, reason: str) -> None:
    write(repo, infracheck__toml=waiver(reason=reason))
    found = judge(waivers_valid, context(repo))
    assert isinstance(found, Failed)
    assert row(found, "env-filled").state == "NO REASON"
    assert found.remedy == "infracheck.toml:2: give the reason, or delete the waiver and fix what it excuses"


def test_a_waiver_that_excuses_nothing_warns(repo: Path) -> None:
    write(repo, infracheck__toml=waiver())
    one = row(judge(waivers_valid, context(repo)), "env-filled")
    assert (one.state, one.level) == ("UNUSED", "warn")


def test_a_waiver_of_a_check_that_was_not_judged_is_not_called_unused(repo: Path) -> None:
    write(repo, infracheck__toml=waiver("env-*"))
    ctx = context(repo)
    ctx.ledger.judged.remove("env-real")
    assert row(judge(waivers_valid, ctx), "env-*").state == "IN FORCE"


def test_a_waiver_of_no_check_warns_with_the_nearest(repo: Path) -> None:
    write(repo, infracheck__toml=waiver("env-fild"))
    one = row(judge(waivers_valid, context(repo)), "env-fild")
    assert (one.state, one.note, one.level) == ("NO SUCH CHECK", "did you mean env-filled?", "warn")


# -- exemptions


def test_a_vague_exemption_warns_while_a_variable_it_may_mean_is_empty(repo: Path) -> None:
    (repo / "project-state.md").write_text(LOG.replace("SENTRY_ORG is", "Sentry org/project"), encoding="utf-8")
    one = row(judge(waivers_valid, context(repo)), "SENTRY_ORG, SENTRY_PROJECT")
    assert (one.state, one.level, one.where) == ("DOES NOT COUNT", "warn", "project-state.md:5")
    assert one.note == (
        "“2026-04-05: PM: Sentry org/project exempt”: it names no variable; if that was decided, write: "
        f"- {TODAY}: SENTRY_ORG, SENTRY_PROJECT are exempt from the env check"
    )
    filled = context(repo, process={"SENTRY_ORG": "acme", "SENTRY_PROJECT": "web"})
    assert row(judge(waivers_valid, filled), "SENTRY_ORG, SENTRY_PROJECT").level == "info"


def test_an_exemption_that_was_ended_is_shown_while_the_variable_is_empty(repo: Path) -> None:
    text = f"{LOG}- 2026-04-09: SENTRY_ORG is required again\n"
    (repo / "project-state.md").write_text(text, encoding="utf-8")
    one = row(judge(waivers_valid, context(repo)), "SENTRY_ORG")
    assert (one.state, one.where) == ("ENDED", "project-state.md:5")
    assert one.note.endswith("was ended by project-state.md:6")


def test_an_exemption_of_the_whole_repository_is_shown_relative_to_the_app(tmp_path: Path) -> None:
    web = tmp_path / "apps" / "web"
    web.mkdir(parents=True)
    write(web, __env__local__example=EXAMPLE, package__json="{}")
    (tmp_path / "project-state.md").write_text(LOG, encoding="utf-8")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    commit(tmp_path)
    assert row(judge(waivers_valid, context(web)), "SENTRY_ORG").where == "../../project-state.md:5"


# -- what this branch weakens


def test_an_exemption_added_on_this_branch_is_reported_with_its_line(repo: Path) -> None:
    (repo / "project-state.md").write_text(LOG, encoding="utf-8")
    commit(repo)
    found = judge(waivers_valid, context(repo))
    assert isinstance(found, Passed)
    assert found.summary == "0 waivers and 1 exemption in force, 1 change on this branch asks less than before"
    assert [one for one in found.findings if one.level == "warn"] == [
        Finding("SENTRY_ORG", "ADDED HERE", "2026-04-05: PM: SENTRY_ORG is exempt", "project-state.md:5", "warn")
    ]


def test_what_is_not_committed_yet_is_reported_too(repo: Path) -> None:
    (repo / "project-state.md").write_text(LOG, encoding="utf-8")
    assert row(judge(waivers_valid, context(repo)), "SENTRY_ORG").state == "ADDED HERE"


def test_an_exemption_of_before_is_not_new_when_the_log_grows_or_is_reordered(repo: Path) -> None:
    (repo / "project-state.md").write_text(LOG, encoding="utf-8")
    commit(repo)
    git(repo, "branch", "--force", "main")
    again = (
        LOG.replace("- 2026", "- 2026-04-01: something else\n- 2026") + "- 2026-04-09: PM: SENTRY_ORG stays exempt\n"
    )
    (repo / "project-state.md").write_text(again, encoding="utf-8")
    assert row(judge(waivers_valid, context(repo)), "SENTRY_ORG").state == "EXEMPT"


def test_an_exemption_that_now_holds_longer_is_reported(repo: Path) -> None:
    (repo / "project-state.md").write_text(LOG.replace("exempt", f"exempt until {LATER}"), encoding="utf-8")
    commit(repo)
    git(repo, "branch", "--force", "main")
    (repo / "project-state.md").write_text(LOG, encoding="utf-8")
    assert row(judge(waivers_valid, context(repo)), "SENTRY_ORG").state == "ADDED HERE"


def test_what_main_added_after_the_branch_left_is_not_this_branch_s(repo: Path) -> None:
    git(repo, "switch", "--quiet", "main")
    write(repo, infracheck__toml=waiver())
    commit(repo)
    git(repo, "switch", "--quiet", "work")
    assert isinstance(judge(waivers_valid, context(repo)), Skipped)
    git(repo, "merge", "--quiet", "main")
    assert "ADDED HERE" not in states(rows(judge(waivers_valid, context(repo)))).values()


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ("", waiver(), True),
        (waiver(), waiver(expires=LATER + timedelta(days=1)), True),
        (waiver(subject="A"), waiver(), True),
        (waiver(), waiver(), False),
        (waiver(), waiver(reason="better words"), False),
        (waiver(), waiver(expires=LATER - timedelta(days=1)), False),
        (waiver() + waiver("env-real"), waiver("env-real"), False),
    ],
)
def test_a_waiver_that_is_new_wider_or_longer_is_reported(repo: Path, before: str, after: str, new: bool) -> None:
    write(repo, infracheck__toml=before)
    commit(repo)
    git(repo, "branch", "--force", "main")
    write(repo, infracheck__toml=after)
    found = rows(judge(waivers_valid, context(repo)))
    assert [one.where for one in found if one.state == "ADDED HERE"] == (["infracheck.toml:2"] if new else [])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "[server]\n\ntimeout = 600\n", ("server.timeout", "120.0 → 600.0", "infracheck.toml:3")),
        ("", "[app]\ndisposable = true\n", ("app.disposable", "False → True", "infracheck.toml:2")),
        (
            '[app]\nschema = "a.sql"\n',
            '[app]\nschema = "b.sql"\n',
            ("app.schema", "a.sql → b.sql", "infracheck.toml:2"),
        ),
        ("[server]\ntimeout = 30\n", "[server]\n", ("server.timeout", "30 → 120.0", "infracheck.toml:1")),
    ],
)
def test_a_lowered_setting_is_reported(repo: Path, before: str, after: str, expected: tuple[str, str, str]) -> None:
    write(repo, infracheck__toml=before, a__sql="", b__sql="")
    commit(repo)
    git(repo, "branch", "--force", "main")
    write(repo, infracheck__toml=after)
    subject, note, where = expected
    one = row(judge(waivers_valid, context(repo)), subject)
    assert (one.state, one.where, one.level) == ("LOWERED HERE", where, "warn")
    assert [float(part) if part[0].isdecimal() else part for part in one.note.split(" → ")] == [
        float(part) if part[0].isdecimal() else part for part in note.split(" → ")
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[server]\ntimeout = 600\n", "[server]\ntimeout = 60\n"),
        ("[app]\ndisposable = true\n", ""),
        ("[server]\nport = 3000\n", "[server]\nport = 4000\n"),
        ('[server]\ncommand = "a"\n', '[server]\ncommand = "b"\n'),
    ],
)
def test_a_setting_that_asks_more_or_the_same_is_not(repo: Path, before: str, after: str) -> None:
    write(repo, infracheck__toml=before)
    commit(repo)
    git(repo, "branch", "--force", "main")
    write(repo, infracheck__toml=after)
    assert isinstance(judge(waivers_valid, context(repo)), Skipped)


def test_settings_that_moved_from_pyproject_are_compared_with_those(repo: Path) -> None:
    write(repo, pyproject__toml="[tool.infracheck.server]\ntimeout = 300\n")
    commit(repo)
    git(repo, "branch", "--force", "main")
    (repo / "pyproject.toml").unlink()
    write(repo, infracheck__toml="[server]\ntimeout = 300\n")
    assert isinstance(judge(waivers_valid, context(repo)), Skipped)


# -- nothing to compare with, nothing to say


def test_without_a_base_the_check_says_that_it_did_not_compare(app: Path) -> None:
    write(app, __env__local__example=EXAMPLE)
    (app / "project-state.md").write_text(LOG, encoding="utf-8")
    found = judge(waivers_valid, context(app))
    assert isinstance(found, Passed)
    assert found.summary == "0 waivers and 1 exemption in force; not compared with another commit"
    assert row(found, "this branch").level == "info"
    assert row(judge(waivers_valid, context(app, process={"CI": "true"})), "this branch").level == "warn"


def test_a_shallow_clone_is_told_how_to_become_whole(repo: Path, tmp_path: Path) -> None:
    (repo / "project-state.md").write_text(LOG, encoding="utf-8")
    commit(repo)
    clone = tmp_path / "clone"
    source = repo.as_uri()
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--branch", "work", "--single-branch", source, str(clone))
    git(clone, "remote", "remove", "origin")
    git(clone, "switch", "--quiet", "--detach")
    git(clone, "branch", "--delete", "--force", "work")
    found = judge(waivers_valid, context(clone, process={"CI": "true"}))
    assert row(found, "this branch").note == (
        "the history is cut off (shallow clone): fetch the whole history (actions/checkout: `fetch-depth: 0`)"
    )


def test_a_base_that_was_asked_for_and_is_not_there_is_undecided(repo: Path) -> None:
    found = judge(waivers_valid, context(repo, base="origin/release"))
    assert isinstance(found, Undecided)
    assert found.reason == "origin/release cannot be compared with: git knows no commit to compare with"


def test_nothing_excused_and_nothing_lowered_does_not_apply(repo: Path) -> None:
    nothing = "no waiver and no exemption is in force"
    assert judge(waivers_valid, context(repo)) == Skipped(nothing)
    git(repo, "branch", "--delete", "--force", "main")
    git(repo, "switch", "--quiet", "--detach")
    git(repo, "branch", "--delete", "--force", "work")
    compared = "settings were not compared: git knows no commit to compare with"
    assert judge(waivers_valid, context(repo)) == Skipped(f"{nothing}; {compared}")


# -- the table of `infracheck waivers`


def test_the_table_lists_all_that_is_excused_and_all_that_is_not(repo: Path) -> None:
    text = (
        f"{LOG}- 2026-04-06: PM: the mail keys are optional\n- 2026-03-01: PM: SENTRY_PROJECT is exempt\n"
        "- 2026-04-07: SENTRY_PROJECT stays required\n"
    )
    (repo / "project-state.md").write_text(text, encoding="utf-8")
    write(repo, infracheck__toml=waiver("schema-*", "public.old", "dropped soon"))
    ctx = context(repo)
    found = {one.kind: one for one in table(ctx.waivers, date(2026, 4, 15), lambda name: ctx.env[name].state)}
    assert (found["waiver"].subject, found["waiver"].checks, found["waiver"].source) == (
        "public.old",
        ("schema-*",),
        "infracheck.toml:2",
    )
    exempt = found["exemption"]
    assert (exempt.subject, exempt.age, exempt.note) == ("SENTRY_ORG", 10, "excuses that it is MISSING")
    assert exempt.checks == ("env-filled", "env-real", "sentry-configured")
    lost = found["does not count"]
    assert (lost.subject, lost.source) == ("RESEND_API_KEY", "project-state.md:6")
    assert lost.note.startswith("it names no variable; if that was decided, write: - ")
    assert (found["ended"].subject, found["ended"].note) == ("SENTRY_PROJECT", "ended by project-state.md:8")


def test_the_set_tells_what_exempts_a_variable(repo: Path) -> None:
    (repo / "project-state.md").write_text(LOG, encoding="utf-8")
    waivers = context(repo).waivers
    assert waivers.exempts("DATABASE_URL") is None
    assert waivers.exempts("SENTRY_ORG") == waivers.exemptions.granted[0]
    assert isinstance(waivers.in_force[0], Waiver)
