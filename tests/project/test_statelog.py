"""What is read of a state file and of a deploy-check result, and what the whole log adds up to."""

from datetime import date
from pathlib import Path

import pytest

from infracheck.errors import UsageError
from infracheck.project.appidentity import AppIdentity, identify
from infracheck.project.detect import detect
from infracheck.project.exemption import AMBIGUOUS, EXCUSED, FUTURE, Exemptions, entry_for, exemptions
from infracheck.project.statelog import ActiveProject, newest_result, parse, parse_result, read, read_result
from infracheck.project.statement import BLOCKS, VAGUE
from tests.helpers import write

STATE = Path(__file__).parent / "fixtures_state"
TODAY = date(2026, 5, 20)
DSN, ORG, PROJECT, TOKEN = "NEXT_PUBLIC_SENTRY_DSN", "SENTRY_ORG", "SENTRY_PROJECT", "SENTRY_AUTH_TOKEN"
SENTRY = (DSN, ORG, PROJECT, TOKEN)
VARIABLES = (
    *("DATABASE_URL", "NEON_AUTH_BASE_URL", "NEON_AUTH_COOKIE_SECRET", *SENTRY, "RESEND_API_KEY"),
    *("NEXT_PUBLIC_POSTHOG_KEY", "POSTHOG_API_KEY", "CRON_SECRET", "STRIPE_SECRET_KEY", "OPENAI_API_KEY"),
    "UPLOADTHING_TOKEN",
)


def log(*entries: str) -> str:
    return "# State\n\n## Decisions Log (append-only)\n\n" + "\n".join(f"- {entry}" for entry in entries) + "\n"


def judged(*entries: str, app: AppIdentity | None = None, head: str = "") -> Exemptions:
    found = parse(f"{head}\n{log(*entries)}")
    return exemptions([found], VARIABLES, app=app or AppIdentity(), today=TODAY)


def granted(found: Exemptions) -> set[str]:
    return {one.variable for one in found.granted}


# -- the whole fixture: a log of 160 lines out of order


STATES = {
    **dict.fromkeys((DSN, ORG, PROJECT), "exempt"),  # named in the newest statement, which stands above older ones
    TOKEN: "ended",  # an undated old note calls it optional; a dated entry says that it stays required
    "DATABASE_URL": "required",  # optional in a BLOCK entry, exempt outside of the log
    "NEON_AUTH_BASE_URL": "required",  # a question in another section
    "NEON_AUTH_COOKIE_SECRET": "required",
    "RESEND_API_KEY": "ended",  # deferred in March, required again in May, which stands further up
    "NEXT_PUBLIC_POSTHOG_KEY": "ended",  # until a day that is over
    "POSTHOG_API_KEY": "rejected",  # "the remaining analytics keys"
    "CRON_SECRET": "rejected",  # its tests are skipped, not the variable
    "STRIPE_SECRET_KEY": "rejected",  # excluded from the bundle, not from the gate
    "OPENAI_API_KEY": "required",  # in a code block, in a comment, struck out
    "UPLOADTHING_TOKEN": "rejected",  # a question to the PM; exempt in the section Quality Gates only
}


@pytest.mark.parametrize(("variable", "state"), STATES.items())
def test_the_whole_log_says_for_each_variable(variable: str, state: str) -> None:
    found = exemptions([read(STATE / "project-state.md")], VARIABLES, app=AppIdentity(), today=TODAY)
    assert set(STATES) == set(VARIABLES)
    states = {
        "exempt": variable in granted(found),
        "ended": variable in {one.variable for one in found.ended},
        "rejected": any(variable in one.variables for one in found.rejected),
    }
    expected = {"exempt": state == "exempt", "ended": state == "ended"}
    assert {key: states[key] for key in expected} == expected
    if state in {"rejected", "required"}:
        assert states["rejected"] == (state == "rejected")


def test_the_fixture_is_a_log_as_it_is_written() -> None:
    path = STATE / "project-state.md"
    found = read(path)
    days = [entry.date for entry in found.entries if entry.date]
    assert len(path.read_text(encoding="utf-8").splitlines()) >= 160
    assert days != sorted(days)
    assert found.active_project == ActiveProject("apps/tide", "Tide Notes", 5)


def test_an_exemption_quotes_its_sentence_and_its_line() -> None:
    found = exemptions([read(STATE / "project-state.md")], VARIABLES, app=AppIdentity(), today=TODAY)
    one = next(one for one in found.granted if one.variable == ORG)
    lines = (STATE / "project-state.md").read_text(encoding="utf-8").splitlines()
    file, _, line = one.source.partition(":")
    assert file == "project-state.md"
    assert "PM excludes NEXT_PUBLIC_SENTRY_DSN" in lines[int(line) - 1]
    assert one.quote.startswith(
        "PM excludes NEXT_PUBLIC_SENTRY_DSN, SENTRY_ORG, SENTRY_PROJECT from blocking env check"
    )
    assert one.since == date(2026, 4, 5)


def test_an_exemption_becomes_waivers_that_excuse_nothing_but_an_empty_value() -> None:
    found = judged("2026-04-05: PM: SENTRY_ORG, RESEND_API_KEY are exempt")
    assert {(w.check, w.subject) for w in found.in_force} == {
        *((check, ORG) for check in EXCUSED),
        *((check, "RESEND_API_KEY") for check in ("env-filled", "env-real")),
    }
    assert {w.source for w in found.in_force} == {"project-state.md:6"}
    assert all(w.reason == "2026-04-05: PM: SENTRY_ORG, RESEND_API_KEY are exempt" for w in found.in_force)


def test_the_deploy_check_result_is_read_as_a_whole_and_by_the_same_rules() -> None:
    logs = [read(STATE / "project-state.md"), read_result(STATE / "deploy-check-012.md")]
    found = exemptions(logs, VARIABLES, app=AppIdentity(), today=TODAY)
    assert granted(found) == {DSN, ORG, PROJECT, "UPLOADTHING_TOKEN"}
    one = next(one for one in found.granted if one.variable == "UPLOADTHING_TOKEN")
    assert (one.source, one.since) == ("deploy-check-012.md:24", date(2026, 5, 18))
    assert any(one.variables == ("CRON_SECRET",) and one.source == "deploy-check-012.md:25" for one in found.rejected)


# -- which statement counts


def test_the_newest_statement_counts_wherever_it_stands() -> None:
    assert granted(judged("2026-05-01: SENTRY_ORG is required again", "2026-04-01: PM: SENTRY_ORG is exempt")) == set()
    assert granted(judged("2026-05-01: PM: SENTRY_ORG is exempt", "2026-04-01: SENTRY_ORG stays required")) == {ORG}


def test_on_one_day_the_later_line_counts_and_what_has_no_date_is_the_oldest() -> None:
    assert granted(judged("2026-04-01: PM: SENTRY_ORG is exempt", "2026-04-01: SENTRY_ORG is required")) == set()
    assert granted(judged("2026-04-01: SENTRY_ORG is required", "2026-04-01: PM: SENTRY_ORG is exempt")) == {ORG}
    assert granted(judged("2026-04-01: SENTRY_ORG is required", "PM: SENTRY_ORG is exempt")) == set()


def test_a_newer_block_over_an_empty_variable_ends_its_exemption() -> None:
    found = judged("2026-04-05: PM: SENTRY_ORG is exempt", "2026-04-09: Verdict BLOCK. Blockers: empty SENTRY_ORG")
    assert granted(found) == set()
    assert [(one.variable, one.source, one.by) for one in found.ended] == [
        (ORG, "project-state.md:6", "project-state.md:7")
    ]


def test_an_exemption_runs_out_after_the_day_that_it_names() -> None:
    assert granted(judged("2026-04-05: PM: SENTRY_ORG is exempt until 2026-05-20")) == {ORG}
    assert granted(judged("2026-04-05: PM: SENTRY_ORG is exempt until 2026-05-19")) == set()
    assert granted(judged("2026-04-05: PM: SENTRY_ORG is exempt until 2026-02-30")) == set()
    assert judged("PM: SENTRY_ORG is exempt until 2026-06-01").in_force[0].expires == date(2026, 6, 1)


def test_an_entry_from_the_future_exempts_nothing() -> None:
    found = judged("2062-04-05: PM: SENTRY_ORG is exempt")
    assert granted(found) == set()
    assert [one.why for one in found.rejected] == [FUTURE]


# -- what does not count is said, with the sentence to write


@pytest.mark.parametrize(
    ("entry", "means"),
    [
        ("2026-04-04: PM Sentry DSN/org/project exempt", (DSN, ORG, PROJECT)),
        ("2026-04-04: monitoring keys are optional", SENTRY),
        ("2026-04-04: PM excludes all Sentry vars from blocking env check", SENTRY),
        ("2026-04-04: SENTRY_* is exempt", (ORG, PROJECT, TOKEN)),
        ("2026-04-04: analytics keys deferred", ("NEXT_PUBLIC_POSTHOG_KEY", "POSTHOG_API_KEY")),
        ("2026-04-04: all other keys are optional", ()),
    ],
)
def test_a_vague_waiver_is_shown_with_the_variables_that_it_probably_means(entry: str, means: tuple[str, ...]) -> None:
    found = judged(entry)
    assert granted(found) == set()
    [one] = found.rejected
    assert (one.why, one.variables, one.source) == (VAGUE, means, "project-state.md:6")
    assert one.write == entry_for(means, AppIdentity(), TODAY)


@pytest.mark.parametrize("names", [(ORG,), (DSN, ORG, PROJECT)])
@pytest.mark.parametrize("app", [AppIdentity(), AppIdentity("apps/web", ("web",), ("apps/admin",), several=True)])
def test_the_sentence_to_write_counts(names: tuple[str, ...], app: AppIdentity) -> None:
    found = exemptions([parse(log(entry_for(names, app, TODAY)[2:]))], VARIABLES, app=app, today=TODAY)
    assert granted(found) == set(names)


def test_clear_words_settle_vague_ones() -> None:
    assert judged("2026-04-04: PM Sentry org exempt", "2026-04-05: PM: SENTRY_ORG is exempt").rejected == ()
    assert judged("2026-04-04: PM Sentry org exempt", "2026-04-05: SENTRY_ORG stays required").rejected == ()


def test_a_block_entry_that_exempts_is_shown_and_never_counts() -> None:
    found = judged("2026-04-05: Verdict BLOCK: the dev server answers 500. PM exempts SENTRY_ORG.")
    assert granted(found) == set()
    assert [(one.why, one.variables) for one in found.rejected] == [(BLOCKS, (ORG,))]


def test_a_name_that_the_app_does_not_have_is_shown_with_the_one_that_it_has() -> None:
    found = judged("2026-04-05: PM: SENTRY_DSN is exempt")
    assert [(one.why, one.variables) for one in found.rejected] == [("this app has no SENTRY_DSN", (DSN,))]
    both = judged("2026-04-05: PM: SENTRY_DSN, SENTRY_ORG are exempt")
    assert (granted(both), [one.variables for one in both.rejected]) == ({ORG}, [(DSN,)])
    assert judged("2026-04-05: PM: TWILIO_ACCOUNT_SID is exempt").rejected == ()
    assert judged("2026-04-05: PM asked whether TWILIO_ACCOUNT_SID is optional").rejected == ()


# -- how a log is written


@pytest.mark.parametrize(
    "heading",
    [
        "## Decisions Log",
        "### Decisions Log (append-only)",
        "# **Decisions Log**",
        "## 4. Decisions log",
        "## 📒 Decision Log",
    ],
)
def test_the_section_is_found_by_how_its_heading_begins(heading: str) -> None:
    found = parse(f"# A\n- SENTRY_ORG is exempt\n\n{heading}\n\n- one\n\n# B\n\n- two\n")
    assert [(entry.text, entry.line) for entry in found.entries] == [("one", 6)]


def test_an_underlined_heading_is_a_heading() -> None:
    text = "Decisions Log\n-------------\n\n- one\n\nOther\n=====\n\n- two\n"
    assert [entry.text for entry in parse(text).entries][-1] == "one"


@pytest.mark.parametrize("heading", ["## Quality Gates", "## Decisions", "## About the Decisions Log"])
def test_another_section_does_not_count(heading: str) -> None:
    assert parse(f"{heading}\n\n- SENTRY_ORG is exempt\n").entries == ()


def test_an_entry_goes_on_over_lines_paragraphs_and_deeper_bullets() -> None:
    text = "## Decisions Log\n\n- 2026-04-05: one\n  two\n\n  three\n  - four\n    five\n- six\n\nseven\n"
    assert parse(text) == parse(text.replace("\n", "\r\n"))
    found = parse(text).entries
    assert [entry.text.split() for entry in found] == [
        ["2026-04-05:", "one", "two", "three", "-", "four", "five"],
        ["six"],
        ["seven"],
    ]
    assert [entry.line for entry in found] == [3, 9, 11]


@pytest.mark.parametrize(
    ("entry", "day"),
    [
        ("2026-04-05: x", date(2026, 4, 5)),
        ("**2026-04-05** (revised): x", date(2026, 4, 5)),
        ("2026-04-05 (revised 2026-04-07): x", date(2026, 4, 7)),
        ("[2026-04-05] x", date(2026, 4, 5)),
        ("PM, 2026-04-05: x", date(2026, 4, 5)),
        ("SENTRY_ORG is exempt until 2026-04-05", None),
        ("2026-13-05: x", None),
        ("x", None),
    ],
)
def test_the_date_of_an_entry(entry: str, day: date | None) -> None:
    assert [one.date for one in parse(log(entry)).entries] == [day]


def test_entries_take_the_date_of_their_heading() -> None:
    found = parse("## Decisions Log\n### 2026-04-05\n- a\n- 2026-04-06: b\n### Later\n- c\n").entries
    assert [entry.date for entry in found] == [date(2026, 4, 5), date(2026, 4, 6), None]


def test_code_and_comments_are_not_read() -> None:
    says = "- SENTRY_ORG is exempt\n"
    hidden = f"```text\n{says}```\n<!-- {says}{says} -->\n~~~\n{says}"
    assert judged(f"2026-04-05: see below\n{hidden}").granted == ()


def test_rows_of_a_table_are_entries() -> None:
    head = "## Decisions Log\n\n| Date | Variable | Decision |\n|---|---|---|\n"
    text = f"{head}| 2026-04-05 | `SENTRY_ORG` | exempt (PM) |\n"
    found = exemptions([parse(text)], VARIABLES, app=AppIdentity(), today=TODAY)
    assert [(one.variable, one.source, one.since) for one in found.granted] == [
        (ORG, "project-state.md:5", date(2026, 4, 5))
    ]


def test_the_line_is_that_of_the_sentence() -> None:
    found = judged("2026-04-05: a long entry\n  that goes on.\n  - PM exempts SENTRY_ORG")
    assert [one.source for one in found.granted] == ["project-state.md:8"]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf## Decisions Log\n- SENTRY_ORG is exempt",
        b"## Decisions Log\n- \xff\xfe\n- SENTRY_ORG is exempt\n",
    ],
)
def test_any_bytes_can_be_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "project-state.md"
    path.write_bytes(data)
    assert granted(exemptions([read(path)], VARIABLES, app=AppIdentity())) == {ORG}


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"project-state\.md cannot be read"):
        read(tmp_path / "project-state.md")


# -- the active project, and the app that an entry is about


@pytest.mark.parametrize(
    "text",
    [
        "## Active Project\n\n- **Name:** Loop\n- `repo_path`: `apps/web`\n",
        "## Active Project\n\n| Field | Value |\n|---|---|\n| name | Loop |\n| repo_path | `apps/web/` |\n",
        "## Active Project: Loop (apps/web)\n",
        "- **Active Project:** Loop (`repo_path: ./apps/web`)\n- other\n",
        "---\nactive_project:\n  name: Loop\n  repo_path: apps/web\n---\n",
    ],
)
def test_the_active_project_is_found_in_each_form(text: str) -> None:
    found = parse(f"{text}\n## Decisions Log\n\n- x\n").active_project
    assert found is not None
    assert (found.repo_path, found.name) == ("apps/web", "Loop")


ACTIVE = "## Active Project\n\n- repo_path: apps/web\n"
OTHER = "## Active Project\n\n- repo_path: apps/admin\n"
WEB = AppIdentity("apps/web", ("web", "@loop/web", "Loop"), ("apps/admin", "admin", "@loop/admin"), several=True)


@pytest.mark.parametrize(
    ("entry", "head", "counts"),
    [
        ("PM: SENTRY_ORG is exempt", ACTIVE, True),
        ("PM: SENTRY_ORG is exempt", OTHER, False),
        ("PM: SENTRY_ORG is exempt", "", False),
        ("apps/web: SENTRY_ORG is exempt", OTHER, True),
        ("`apps/web/.env.local`: SENTRY_ORG is exempt", OTHER, True),
        ("@loop/web: SENTRY_ORG is exempt", "", True),
        ("**`web`** — SENTRY_ORG is exempt", "", True),
        ("Loop — SENTRY_ORG is exempt", "", True),
        ("apps/web-admin: SENTRY_ORG is exempt", "", False),
        ("the web is big. SENTRY_ORG is exempt", "", False),
        ("apps/admin: SENTRY_ORG is exempt", ACTIVE, False),
        ("admin app: SENTRY_ORG is exempt", ACTIVE, False),
        ("apps/admin: TOKEN_X is filled. apps/web: SENTRY_ORG is exempt", "", True),
        ("apps/admin and apps/web reviewed. SENTRY_ORG is exempt", ACTIVE, False),
        ("apps/admin and apps/web: SENTRY_ORG is exempt", "", True),
    ],
)
def test_in_a_repository_of_several_apps_an_entry_counts_for_the_app_it_names(
    entry: str, head: str, counts: bool
) -> None:
    assert granted(judged(f"2026-04-05: {entry}", app=WEB, head=head)) == ({ORG} if counts else set())


def test_an_entry_that_may_mean_any_app_is_shown_with_the_sentence_to_write() -> None:
    [one] = judged("2026-04-05: PM: SENTRY_ORG is exempt", app=WEB).rejected
    assert one.why == AMBIGUOUS
    assert one.write == "- 2026-05-20: apps/web: SENTRY_ORG is exempt from the env check"
    assert judged("2026-04-05: apps/admin: SENTRY_ORG is exempt", app=WEB).rejected == ()


def test_what_requires_a_variable_counts_although_it_names_no_app() -> None:
    entries = ("2026-04-05: apps/web: SENTRY_ORG is exempt", "2026-04-06: SENTRY_ORG is required again")
    assert granted(judged(*entries, app=WEB)) == set()


def test_a_repository_of_several_apps_is_recognised_by_its_folders(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(
        tmp_path,
        apps___web___package__json='{"name": "@loop/web", "productName": "Loop", "dependencies": {"next": "15"}}',
        apps___admin___package__json='{"name": "@loop/admin", "dependencies": {"next": "15"}}',
        packages___ui___package__json='{"name": "@loop/ui", "scripts": {"dev": "tsc -w"}}',
        examples___demo___package__json='{"dependencies": {"next": "15"}}',
        package__json='{"name": "loop-repository"}',
    )
    found = identify(detect(tmp_path / "apps" / "web"))
    assert found == AppIdentity(
        "apps/web", ("web", "@loop/web", "Loop"), ("apps/admin", "admin", "@loop/admin"), several=True
    )


def test_one_app_in_a_sub_folder_is_one_app(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, apps___web___package__json='{"dependencies": {"next": "15"}}', db___schema__sql="select 1;")
    assert not identify(detect(tmp_path / "apps" / "web")).several


def test_the_newest_result_is_the_one_with_the_highest_number(tmp_path: Path) -> None:
    folder = tmp_path / "experiments" / "results"
    folder.mkdir(parents=True)
    for number in ("002", "010", "009"):
        (folder / f"deploy-check-{number}.md").write_text("x", encoding="utf-8")
    (folder / "deploy-check-draft.md").write_text("x", encoding="utf-8")
    assert newest_result([tmp_path / "apps", tmp_path]) == folder / "deploy-check-010.md"
    assert newest_result([tmp_path / "apps"]) is None


def test_a_result_without_a_section_of_its_own_is_read_sentence_by_sentence() -> None:
    text = "# Deploy check 3 (2026-05-01)\n\nPM exempts SENTRY_ORG; SENTRY_AUTH_TOKEN stays required.\n"
    found = exemptions([parse_result(text, "r.md")], VARIABLES, app=AppIdentity(), today=TODAY)
    assert [(one.variable, one.source, one.since) for one in found.granted] == [(ORG, "r.md:3", date(2026, 5, 1))]
