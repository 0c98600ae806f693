"""env-real, env-documented and env-private, on real files in real git repositories."""

import secrets
import subprocess
from pathlib import Path

import pytest

from infracheck.checks.env_documented import env_documented
from infracheck.checks.env_private import env_private
from infracheck.checks.env_real import env_real
from infracheck.model import Failed, Finding, Outcome, Passed, Skipped, Stage
from tests.helpers import judge, make_context, states, write

PACKAGE = '{"dependencies": {"next": "16.4.5"}}'


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


@pytest.fixture
def next_app(app: Path) -> Path:
    """A Next.js app in git, with an example and values that are all right."""
    value = secrets.token_urlsafe(24)
    write(
        app,
        package__json=PACKAGE,
        __gitignore=".env*\n!.env.local.example\n",
        __env__local__example="DATABASE_URL=\nMAIL_KEY=\nPORT=3000\n# Optional\nLOG_LEVEL=\n",
        __env__local=f"DATABASE_URL=postgresql://app:{value}@127.0.0.1:5432/notes\nMAIL_KEY={value}\nPORT=3000\n",
        app___page__tsx="export const url = process.env.DATABASE_URL; const { MAIL_KEY } = process.env;\n",
    )
    git(app, "init", "-q")
    git(app, "add", "-A")
    git(app, "commit", "-qm", "start")
    return app


def add(app: Path, line: str) -> int:
    """Append to .env.local and return the line."""
    path = app / ".env.local"
    text = path.read_text() + line + "\n"
    path.write_text(text)
    return len(text.splitlines()) - line.count("\n")


def rows(outcome: Outcome, level: str = "fail") -> list[Finding]:
    assert isinstance(outcome, Failed | Passed)
    return [one for one in outcome.findings if one.level == level]


@pytest.mark.green("env-real")
def test_real_values_pass(next_app: Path) -> None:
    outcome = judge(env_real, make_context(next_app))
    assert isinstance(outcome, Passed)
    assert outcome.summary == "3 values look real and arrive whole"


@pytest.mark.red("env-real")
@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("RESEND_API_KEY=your-api-key-here", "PLACEHOLDER"),
        ("RESEND_API_KEY=<your key>", "PLACEHOLDER"),
        ("MAIL_HOST=changeme", "PLACEHOLDER"),
        ("BETTER_AUTH_SECRET=short", "SHORT"),
        ("DB_PASSWORD=abc$defghijk", "CUT"),
        ("DB_PASSWORD=$abcdefghijk", "EMPTIED"),
        ("DB_PASSWORD=abc#defghijk", "CUT"),
        ('DB_PASSWORD="never closed', "UNCLOSED QUOTE"),
    ],
)
def test_a_value_that_is_none_fails_with_its_line_and_without_itself(next_app: Path, line: str, state: str) -> None:
    number = add(next_app, line)
    outcome = judge(env_real, make_context(next_app))
    assert isinstance(outcome, Failed)
    found = {(one.subject, one.state, one.where) for one in rows(outcome)}
    name, _, value = line.partition("=")
    assert (name, state, f".env.local:{number}") in found
    assert value not in str(outcome)
    assert f".env.local:{number}" in outcome.remedy


def test_a_file_that_next_drops_is_named(next_app: Path) -> None:
    number = add(next_app, "SELF=${SELF}/x")
    outcome = judge(env_real, make_context(next_app))
    assert isinstance(outcome, Failed)
    assert (rows(outcome)[0].subject, rows(outcome)[0].state) == (".env.local", "NOT LOADED")
    assert rows(outcome)[0].where == f".env.local:{number}"


def test_a_local_address_is_fine_at_the_desk_and_not_in_a_deploy(next_app: Path) -> None:
    database = f"postgresql://app:{secrets.token_urlsafe(18)}@db.acme-notes.dev/x"

    def outcome(stage: Stage) -> Outcome:
        process = {"APP_URL": "http://localhost:3000", "DATABASE_URL": database}
        write(next_app, __env__local__example="APP_URL=\nDATABASE_URL=\n")
        (next_app / ".env.local").unlink(missing_ok=True)
        return judge(env_real, make_context(next_app, process=process, stage=stage))

    assert isinstance(outcome("execute-plan"), Passed)
    deploy = outcome("deploy-check")
    assert isinstance(deploy, Failed)
    assert states(deploy.findings) == {"APP_URL": "LOCAL"}


def test_oddities_that_change_nothing_are_warnings(next_app: Path) -> None:
    add(next_app, "MAIL_KEY=" + secrets.token_urlsafe(24))
    outcome = judge(env_real, make_context(next_app))
    assert isinstance(outcome, Passed)
    assert [one.state for one in rows(outcome, "warn")] == ["DUPLICATE KEY"]


def test_an_older_next_is_told_apart(next_app: Path) -> None:
    write(next_app, package__json='{"dependencies": {"next": "^13.5.0"}}')
    outcome = judge(env_real, make_context(next_app))
    assert [(one.subject, one.state) for one in rows(outcome, "warn")] == [("next", "OTHER DIALECT")]


@pytest.mark.green("env-documented")
def test_an_example_that_names_all_passes(next_app: Path) -> None:
    outcome = judge(env_documented, make_context(next_app))
    assert isinstance(outcome, Passed)
    assert outcome.summary == "2 variables that the code reads are named in the example"


@pytest.mark.red("env-documented")
def test_a_variable_that_only_the_code_knows_fails(next_app: Path) -> None:
    write(next_app, app___lib__ts="\nexport const key = process.env['STRIPE_KEY'];\nconst n = process.env.NODE_ENV;\n")
    outcome = judge(env_documented, make_context(next_app))
    assert isinstance(outcome, Failed)
    assert [(one.subject, one.state, one.where) for one in rows(outcome)] == [
        ("STRIPE_KEY", "UNDOCUMENTED", "app/lib.ts:2")
    ]
    assert "add STRIPE_KEY= to .env.local.example" in outcome.remedy


def test_a_name_that_diverges_is_called_out(next_app: Path) -> None:
    write(next_app, app___lib__ts="export const key = process.env.NEXT_PUBLIC_MAIL_KEY;\n")
    outcome = judge(env_documented, make_context(next_app))
    [row] = rows(outcome)
    assert row.note == "the example names MAIL_KEY: one of the two is wrong"


def test_an_example_that_gitignore_swallows_is_named_with_its_fix(next_app: Path) -> None:
    git(next_app, "rm", "-q", "--cached", ".env.local.example")
    write(next_app, __gitignore="# secrets\n.env*\n")
    outcome = judge(env_documented, make_context(next_app))
    assert isinstance(outcome, Failed)
    [row] = rows(outcome)
    assert (row.subject, row.state, row.where) == (".env.local.example", "IGNORED", ".gitignore:2")
    assert "`!.env.local.example`" in outcome.remedy


@pytest.mark.parametrize("ignored", [True, False])
def test_a_real_file_in_git_or_about_to_be(next_app: Path, ignored: bool) -> None:
    if ignored:
        git(next_app, "add", "--force", ".env.local")
    else:
        write(next_app, __gitignore="node_modules\n")
    outcome = judge(env_documented, make_context(next_app))
    assert states(tuple(rows(outcome))) == {".env.local": "TRACKED" if ignored else "NOT IGNORED"}


def test_without_git_and_without_code_nothing_is_claimed(app: Path) -> None:
    write(app, schema__sql="")
    assert isinstance(judge(env_documented, make_context(app)), Skipped)


@pytest.mark.green("env-private")
def test_private_secrets_pass(next_app: Path) -> None:
    outcome = judge(env_private, make_context(next_app))
    assert isinstance(outcome, Passed)
    assert outcome.summary == "none of 4 variables is exposed"


@pytest.mark.red("env-private")
def test_a_secret_under_a_public_prefix_fails(next_app: Path) -> None:
    value = f"sk_live_{secrets.token_hex(16)}"
    number = add(next_app, f"NEXT_PUBLIC_STRIPE={value}\nNEXT_PUBLIC_EXPERIMENT_SALT=x1")
    outcome = judge(env_private, make_context(next_app))
    assert isinstance(outcome, Failed)
    assert {(one.subject, one.state, one.where) for one in outcome.findings} == {
        ("NEXT_PUBLIC_STRIPE", "PUBLIC", f".env.local:{number}"),
        ("NEXT_PUBLIC_EXPERIMENT_SALT", "PUBLIC", f".env.local:{number + 1}"),
    }
    assert value not in str(outcome)


def test_a_secret_in_a_tracked_file_fails(next_app: Path) -> None:
    value = (next_app / ".env.local").read_text().split("MAIL_KEY=")[1].split("\n")[0]
    write(next_app, app___mail__ts=f"// for a test\nconst key = '{value}';\n")
    git(next_app, "add", "-A")
    outcome = judge(env_private, make_context(next_app))
    assert isinstance(outcome, Failed)
    assert ("MAIL_KEY", "COMMITTED", "app/mail.ts:2") in {(o.subject, o.state, o.where) for o in outcome.findings}
    assert value not in str(outcome)
