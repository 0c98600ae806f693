"""database-provisioned, against stand-ins of Neon's and Supabase's management APIs; no database is connected to."""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from infracheck.checks.database_provisioned import database_provisioned
from infracheck.clients.ports import free_port
from infracheck.model import Blocked, Failed, Outcome, Passed, Skipped, Undecided
from infracheck.settings import DatabaseSettings, Settings
from tests.helpers import judge, make_context, states
from tests.hostile import HTML, Canned, listening, silent
from tests.standins.neon import Branch, Endpoint, Neon, Project, neon
from tests.standins.supabase import Pooler, Supabase, supabase
from tests.standins.supabase import Project as SupabaseProject

PASSWORD = secrets.token_hex(12)
PROXY = "c-2.us-east-2.aws.neon.tech"
MAIN, PREVIEW = "ep-cool-darkness-123456", "ep-quiet-mouse-654321"
PROJECT = "shiny-wind-028834"
REF = "abcdefghijklmnopqrst"
POOLER = "aws-1-eu-central-1.pooler.supabase.com"


def acme(*, endpoint: dict[str, Any] | None = None, **branch: Any) -> Project:
    """Return a project with a default branch, changed as given, and a preview branch."""
    endpoints = [Endpoint(MAIN, **endpoint or {})]
    main = Branch(**{"id": "br-main-1", "name": "main", "default": True, "endpoints": endpoints, **branch})
    preview = Branch("br-preview-2", "preview", endpoints=[Endpoint(PREVIEW)])
    return Project(PROJECT, "acme-web", [main, preview])


def neon_url(endpoint: str = MAIN, *, user: str = "neondb_owner", name: str = "neondb", proxy: str = PROXY) -> str:
    return f"postgresql://{user}:{PASSWORD}@{endpoint}.{proxy}/{name}?sslmode=require&channel_binding=require"


def ask(app: Path, url: str, *, settings: Settings | None = None, process: dict[str, str] | None = None) -> Outcome:
    """Return the outcome for a DATABASE_URL in .env.local and the other variables in the process environment."""
    (app / ".env.local").write_text(f"DATABASE_URL={url}\n")
    with make_context(app, settings=settings, process=process) as ctx:
        outcome = judge(database_provisioned, ctx)
    assert PASSWORD not in repr(outcome)
    return outcome


def ask_neon(app: Path, standin: Neon, url: str | None = None, **variables: str) -> Outcome:
    process = {"NEON_API_KEY": standin.key, "NEON_API_HOST": standin.url, "NEON_PROJECT_ID": PROJECT, **variables}
    outcome = ask(app, url or neon_url(), process=process)
    assert standin.key not in repr(outcome)
    return outcome


def ask_supabase(app: Path, standin: Supabase, place: str, user: str = f"postgres.{REF}", **more: str) -> Outcome:
    process = {"SUPABASE_ACCESS_TOKEN": standin.key, "SUPABASE_API_URL": standin.url, **more}
    outcome = ask(app, f"postgresql://{user}:{PASSWORD}@{place}/postgres", process=process)
    assert standin.key not in repr(outcome)
    return outcome


def failed(outcome: Outcome) -> Failed:
    assert isinstance(outcome, Failed), outcome
    return outcome


def undecided(outcome: Outcome) -> Undecided:
    assert isinstance(outcome, Undecided), outcome
    return outcome


def passed(outcome: Outcome) -> Passed:
    assert isinstance(outcome, Passed), outcome
    return outcome


# -- does it apply


def test_an_app_without_a_database_is_skipped(app: Path) -> None:
    (app / "package.json").write_text("{}")
    with make_context(app) as ctx:
        outcome = judge(database_provisioned, ctx)
    assert isinstance(outcome, Skipped)
    assert outcome.reason.startswith("nothing here asks for a database")


@pytest.mark.parametrize("host", ["127.0.0.1", "db.example.com", "neon.tech.example.com"])
def test_a_host_of_no_provider_is_skipped(app: Path, host: str) -> None:
    outcome = ask(app, f"postgresql://me:{PASSWORD}@{host}/shop")
    assert outcome == Skipped(f"DATABASE_URL points to {host}, which is no provider with an API")


@pytest.mark.parametrize(
    ("url", "key", "provider"),
    [
        (neon_url(), "NEON_API_KEY", "Neon"),
        (neon_url(proxy="us-east-2.aws.neon.build"), "NEON_API_KEY", "Neon"),
        (f"postgresql://postgres:{PASSWORD}@db.{REF}.supabase.co/postgres", "SUPABASE_ACCESS_TOKEN", "Supabase"),
        (f"postgresql://postgres.{REF}:{PASSWORD}@{POOLER}:6543/postgres", "SUPABASE_ACCESS_TOKEN", "Supabase"),
    ],
)
def test_without_a_key_it_is_skipped(app: Path, url: str, key: str, provider: str) -> None:
    assert ask(app, url) == Skipped(f"{key} is not set, so {provider}'s API cannot be asked")
    assert ask(app, url, process={key: " "}) == Skipped(f"{key} is empty, so {provider}'s API cannot be asked")


def test_the_key_may_stand_in_the_env_file(app: Path) -> None:
    with neon(acme()) as standin:
        lines = f"DATABASE_URL={neon_url()}\nNEON_API_KEY={standin.key}\nNEON_API_HOST={standin.url}\n"
        (app / ".env.local").write_text(lines)
        with make_context(app) as ctx:
            assert isinstance(judge(database_provisioned, ctx), Passed)


@pytest.mark.parametrize(
    ("value", "by", "because"),
    [
        ("", "env-filled", "DATABASE_URL is EMPTY"),
        ("'not a url'", "database-connects", "the connection string does not begin with postgresql://"),
        ("postgresql://USER:PASSWORD@ep-xxx.neon.tech/db", "database-connects", "DATABASE_URL is an example that"),
    ],
)
def test_a_url_that_leads_nowhere_is_left_to_the_checks_of_it(app: Path, value: str, by: str, because: str) -> None:
    (app / ".env.local.example").write_text("DATABASE_URL=\n")
    outcome = ask(app, value)
    assert isinstance(outcome, Blocked)
    assert (outcome.by, outcome.because[: len(because)]) == (by, because)


def test_a_url_that_nobody_names_is_left_to_database_connects(app: Path) -> None:
    (app / "schema.sql").write_text("create table notes (id int);\n")
    with make_context(app) as ctx:
        assert judge(database_provisioned, ctx) == Blocked("database-connects", "DATABASE_URL is MISSING")


def test_another_variable_may_hold_the_url(app: Path) -> None:
    settings = Settings(database=DatabaseSettings(url="POSTGRES_URL"))
    (app / ".env.local").write_text(f"POSTGRES_URL=postgresql://me:{PASSWORD}@db.example.com/shop\n")
    with make_context(app, settings=settings) as ctx:
        outcome = judge(database_provisioned, ctx)
    assert outcome == Skipped("POSTGRES_URL points to db.example.com, which is no provider with an API")


def test_the_settings_may_say_that_there_is_no_provider(app: Path) -> None:
    outcome = ask(app, neon_url(), settings=Settings(database=DatabaseSettings(provider="none")))
    assert outcome == Skipped("[database] provider is none, so there is no API to ask")


@pytest.mark.parametrize(("provider", "url"), [("supabase", neon_url()), ("neon", f"postgresql://me:{PASSWORD}@db/x")])
def test_a_host_of_another_provider_than_the_settings_name_fails(
    app: Path, provider: Literal["neon", "supabase"], url: str
) -> None:
    outcome = failed(ask(app, url, settings=Settings(database=DatabaseSettings(provider=provider))))
    assert outcome.summary.endswith(f", which is no host of {provider}")
    assert outcome.remedy.startswith(f"put the connection string of the {provider} project into DATABASE_URL (.env.l")
    assert states(outcome.findings) == {"DATABASE_URL": "OTHER PROVIDER"}


def test_the_provider_of_the_settings_is_asked(app: Path) -> None:
    settings = Settings(database=DatabaseSettings(provider="neon"))
    assert ask(app, neon_url(), settings=settings) == Skipped("NEON_API_KEY is not set, so Neon's API cannot be asked")


# -- Neon


@pytest.mark.green("database-provisioned")
@pytest.mark.parametrize(("url", "way"), [(neon_url(), "direct"), (neon_url(f"{MAIN}-pooler"), "pooled")])
def test_neon_knows_the_endpoint(app: Path, url: str, way: str) -> None:
    with neon(acme()) as standin:
        outcome = passed(ask_neon(app, standin, url))
    assert outcome.summary == (
        f"Neon knows endpoint {MAIN} of branch main (default) in project acme-web, PostgreSQL 17, aws-us-east-2"
    )
    assert states(outcome.findings) == dict.fromkeys(
        ("project acme-web", "branch main", f"endpoint {MAIN}", "database neondb", "role neondb_owner"), "PRESENT"
    )
    assert {finding.level for finding in outcome.findings} == {"info"}
    assert outcome.findings[2].note == f"{way}, asleep, wakes at the first connection"


def test_neon_is_searched_where_no_project_is_named(app: Path) -> None:
    with neon(Project("other-1", "other", []), acme()) as standin:
        assert isinstance(ask_neon(app, standin, NEON_PROJECT_ID=""), Passed)


@pytest.mark.red("database-provisioned")
def test_neon_does_not_know_the_endpoint(app: Path) -> None:
    with neon(acme()) as standin:
        outcome = failed(ask_neon(app, standin, neon_url("ep-deleted-one-111111")))
    assert outcome.summary == "Neon knows no endpoint ep-deleted-one-111111 in project acme-web"
    assert "branches of acme-web: main (default), preview" in outcome.remedy
    assert "DATABASE_URL (.env.local:1)" in outcome.remedy
    assert states(outcome.findings) == {"DATABASE_URL": "NOT KNOWN"}
    assert outcome.reproduce == "infracheck run --only database-provisioned"


def test_neon_does_not_know_the_endpoint_in_any_project(app: Path) -> None:
    with neon(acme(), Project("other-1", "other", [])) as standin:
        outcome = failed(ask_neon(app, standin, neon_url("ep-deleted-one-111111"), NEON_PROJECT_ID=""))
    assert outcome.summary == (
        "Neon knows no endpoint ep-deleted-one-111111 in the projects that NEON_API_KEY sees: acme-web, other"
    )
    assert "use a key of that one" in outcome.remedy


def test_neon_refuses_the_key(app: Path) -> None:
    with neon(acme()) as standin:
        outcome = failed(ask_neon(app, standin, NEON_API_KEY="napi_of_nobody"))
    assert outcome.summary == "Neon refuses NEON_API_KEY (401): the key is not valid"
    assert outcome.remedy.startswith("put a valid key into NEON_API_KEY: Neon's console")
    assert states(outcome.findings) == {"NEON_API_KEY": "REFUSED"}


@pytest.mark.parametrize("meant", ["preview", "br-preview-2"])
def test_another_branch_than_the_one_that_is_meant_fails(app: Path, meant: str) -> None:
    with neon(acme()) as standin:
        outcome = failed(ask_neon(app, standin, NEON_BRANCH=meant))
    assert outcome.summary == f"DATABASE_URL leads to branch main (br-main-1), not to NEON_BRANCH {meant}"
    assert outcome.remedy == (
        f"put the connection string of branch {meant} into DATABASE_URL (.env.local:1) (Neon's console: Connect), "
        "or correct NEON_BRANCH (process environment)"
    )
    assert states(outcome.findings)["NEON_BRANCH"] == "OTHER BRANCH"


@pytest.mark.parametrize("meant", ["main", "br-main-1"])
def test_the_branch_that_is_meant_passes(app: Path, meant: str) -> None:
    with neon(acme()) as standin:
        assert isinstance(ask_neon(app, standin, NEON_BRANCH=meant), Passed)


def test_a_disabled_endpoint_fails(app: Path) -> None:
    with neon(acme(endpoint={"disabled": True})) as standin:
        outcome = failed(ask_neon(app, standin))
    assert outcome.summary == f"endpoint {MAIN} of branch main (default) is disabled: no connection wakes it"
    assert outcome.remedy.startswith("enable the compute of branch main in Neon's console")
    assert states(outcome.findings)[f"endpoint {MAIN}"] == "DISABLED"


def test_another_host_of_the_same_endpoint_fails(app: Path) -> None:
    with neon(acme(endpoint={"host": f"{MAIN}.c-7.us-east-2.aws.neon.tech"})) as standin:
        outcome = failed(ask_neon(app, standin))
    assert outcome.summary == (
        f"DATABASE_URL names the host {MAIN}.{PROXY}, but endpoint {MAIN} is at {MAIN}.c-7.us-east-2.aws.neon.tech"
    )
    assert states(outcome.findings)[f"endpoint {MAIN}"] == "OTHER HOST"


@pytest.mark.parametrize(
    ("url", "kind", "wanted", "there"),
    [
        (neon_url(name="shop"), "database", "shop", "neondb"),
        (neon_url(user="app"), "role", "app", "neondb_owner"),
    ],
)
def test_a_database_or_role_that_the_branch_lacks_fails(
    app: Path, url: str, kind: str, wanted: str, there: str
) -> None:
    with neon(acme()) as standin:
        outcome = failed(ask_neon(app, standin, url))
    assert outcome.summary == f"branch main (default) has no {kind} {wanted}"
    assert outcome.remedy == (
        f"create the {kind} {wanted} on branch main, or correct DATABASE_URL (.env.local:1): the branch has {there}"
    )
    assert states(outcome.findings)[f"{kind} {wanted}"] == "MISSING"


def test_a_read_replica_warns(app: Path) -> None:
    with neon(acme(endpoint={"type": "read_only"})) as standin:
        outcome = passed(ask_neon(app, standin))
    row = outcome.findings[2]
    assert (row.subject, row.state, row.level) == (f"endpoint {MAIN}", "READ ONLY", "warn")


@pytest.mark.parametrize(
    ("state", "words"),
    [("archived", "the first connection is slow"), ("hibernating", "a state that infracheck does not know")],
)
def test_a_branch_that_is_put_away_warns(app: Path, state: str, words: str) -> None:
    with neon(acme(current_state=state)) as standin:
        outcome = passed(ask_neon(app, standin))
    row = outcome.findings[1]
    assert (row.subject, row.state, row.level) == ("branch main", state.upper(), "warn")
    assert words in row.note


@pytest.mark.parametrize(
    ("hours", "state"), [(-1, ["PRESENT", "EXPIRED"]), (2, ["PRESENT", "EXPIRES"]), (200, ["PRESENT"])]
)
def test_a_branch_that_expires_soon_warns(app: Path, hours: int, state: list[str]) -> None:
    with neon(acme(expires_at=datetime.now(UTC) + timedelta(hours=hours))) as standin:
        outcome = passed(ask_neon(app, standin))
    rows = [finding for finding in outcome.findings if finding.subject == "branch main"]
    assert [row.state for row in rows] == state
    assert all("Neon deletes it then" in row.note and row.level == "warn" for row in rows[1:])


@pytest.mark.parametrize(
    ("project", "words"),
    [
        (acme(current_state="init"), "branch main (default) is being created"),
        (acme(current_state="resetting"), "branch main (default) is being reset"),
        (acme(endpoint={"current_state": "init"}), f"endpoint {MAIN} of branch main (default) is being created"),
    ],
)
def test_what_is_not_ready_leaves_it_open(app: Path, project: Project, words: str) -> None:
    with neon(project) as standin:
        outcome = undecided(ask_neon(app, standin))
    assert (outcome.reason, outcome.remedy) == (words, "wait until Neon has finished, then run again")


def test_a_running_operation_leaves_it_open(app: Path) -> None:
    project = acme()
    project.operations = [("br-main-1", "apply_config", "running"), ("br-main-1", "start_compute", "running")]
    with neon(project) as standin:
        outcome = undecided(ask_neon(app, standin))
    assert outcome.reason == "Neon is changing branch main (default): apply_config"


def test_all_that_is_wrong_is_told_at_once(app: Path) -> None:
    with neon(acme(endpoint={"disabled": True})) as standin:
        outcome = failed(ask_neon(app, standin, NEON_BRANCH="preview"))
    assert "not to NEON_BRANCH preview; " in outcome.summary
    assert "is disabled" in outcome.summary


@pytest.mark.parametrize(
    "path", ["/projects/[^/]+", ".*/endpoints/.*", ".*/branches/[^/]+", ".*/databases", ".*/roles"]
)
def test_what_the_key_may_not_read_leaves_it_open(app: Path, path: str) -> None:
    with neon(acme()) as standin:
        standin.fail(path, 403, message="no permission")
        outcome = undecided(ask_neon(app, standin))
    assert outcome.reason.startswith("NEON_API_KEY may not read ")
    assert outcome.remedy == "use a key of the account or organization that owns the project as NEON_API_KEY"
    assert states(outcome.findings) == {"NEON_API_KEY": "NO PERMISSION"}


def test_operations_that_the_key_may_not_read_do_not_matter(app: Path) -> None:
    with neon(acme()) as standin:
        standin.fail(".*/operations", 403)
        assert isinstance(ask_neon(app, standin), Passed)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Canned(429, {"code": "", "message": "slow down"}, {"Retry-After": "120"}), "takes no more requests"),
        (Canned(503, {"code": "", "message": "down"}, {"Retry-After": "0"}), "Neon fails at the question for "),
        (HTML, "a web page answers at "),
    ],
)
@pytest.mark.parametrize("path", ["/auth", "/projects/[^/]+", ".*/branches/[^/]+", ".*/databases"])
def test_an_api_that_does_not_answer_leaves_it_open(app: Path, answer: Canned, reason: str, path: str) -> None:
    with neon(acme()) as standin:
        standin.fail(path, answer)
        assert reason in undecided(ask_neon(app, standin)).reason


def test_an_api_that_is_not_there_leaves_it_open(app: Path) -> None:
    with neon(acme()) as standin:
        outcome = undecided(ask_neon(app, standin, NEON_API_HOST=f"http://127.0.0.1:{free_port()}"))
    assert "(connection refused)" in outcome.reason
    assert states(outcome.findings) == {"DATABASE_URL": "NO ANSWER"}


def test_an_api_that_never_answers_is_waited_for_once(app: Path) -> None:
    settings = Settings(database=DatabaseSettings(timeout=0.2))
    with listening(silent) as port:
        process = {"NEON_API_KEY": "napi_x", "NEON_API_HOST": f"http://127.0.0.1:{port}"}
        outcome = undecided(ask(app, neon_url(), settings=settings, process=process))
    assert outcome.reason.endswith("gave no complete answer within 0.2 s")


def test_a_key_is_not_sent_unencrypted(app: Path) -> None:
    outcome = failed(
        ask(app, neon_url(), process={"NEON_API_KEY": "napi_x", "NEON_API_HOST": "http://api.example.com"})
    )
    assert outcome.summary == "NEON_API_HOST is no https address, and NEON_API_KEY would go there unencrypted"
    assert states(outcome.findings) == {"NEON_API_HOST": "MALFORMED"}


# -- Supabase


def shop(**changes: Any) -> SupabaseProject:
    poolers = [Pooler(POOLER, f"postgres.{REF}")]
    return SupabaseProject(**{"ref": REF, "name": "shop", "poolers": poolers, **changes})


DIRECT = f"db.{REF}.supabase.co:5432"


@pytest.mark.green("database-provisioned")
@pytest.mark.parametrize(
    ("place", "user"),
    [
        (DIRECT, "postgres"),
        (f"{POOLER}:6543", f"postgres.{REF}"),
        (f"{POOLER}:5432", f"postgres.{REF}"),
        (f"{POOLER}:6543", f"app_role.{REF}"),
    ],
)
def test_supabase_knows_the_project(app: Path, place: str, user: str) -> None:
    with supabase(shop()) as standin:
        outcome = passed(ask_supabase(app, standin, place, user))
    host = place.partition(":")[0]
    assert outcome.summary == (
        f"Supabase knows project shop ({REF}) and its host {host}, PostgreSQL 17.6.1.021, eu-central-1"
    )
    assert states(outcome.findings) == dict.fromkeys(("project shop", f"host {host}", "database of shop"), "PRESENT")


@pytest.mark.red("database-provisioned")
def test_the_pooler_of_another_cluster_fails(app: Path) -> None:
    with supabase(shop()) as standin:
        outcome = failed(ask_supabase(app, standin, "aws-0-eu-central-1.pooler.supabase.com:6543"))
    assert outcome.summary == (
        "DATABASE_URL names the host aws-0-eu-central-1.pooler.supabase.com, "
        f"but the pooler of project shop is {POOLER}"
    )
    assert outcome.remedy.startswith(f"write the host {POOLER} into DATABASE_URL (.env.local:1)")


def test_a_port_that_the_pooler_does_not_have_fails(app: Path) -> None:
    with supabase(shop()) as standin:
        outcome = failed(ask_supabase(app, standin, f"{POOLER}:5433"))
    assert outcome.summary == f"DATABASE_URL names port 5433, and the pooler {POOLER} does not listen there"


def test_a_pooler_s_user_without_a_project_fails(app: Path) -> None:
    with supabase(shop()) as standin:
        outcome = failed(ask_supabase(app, standin, f"{POOLER}:6543", "postgres"))
    assert outcome.summary.startswith("the user postgres names no project")
    assert standin.requests == []


def test_the_pooler_of_a_read_replica_warns(app: Path) -> None:
    user = f"postgres.{REF}-rr-us-east-1-abcde"
    with supabase(shop(poolers=[Pooler(POOLER, user, kind="READ_REPLICA")])) as standin:
        outcome = passed(ask_supabase(app, standin, f"{POOLER}:6543", user))
    assert (outcome.findings[1].state, outcome.findings[1].level) == ("READ ONLY", "warn")


def test_supabase_does_not_know_the_project(app: Path) -> None:
    with supabase() as standin:
        outcome = failed(ask_supabase(app, standin, DIRECT))
    assert outcome.summary == f"Supabase knows no project {REF}"
    assert outcome.remedy.startswith("copy the connection string of a project that exists into DATABASE_URL")


def test_supabase_refuses_the_token(app: Path) -> None:
    with supabase(shop()) as standin:
        outcome = failed(ask_supabase(app, standin, DIRECT, SUPABASE_ACCESS_TOKEN="sbp_of_nobody"))
    assert outcome.summary == "Supabase refuses SUPABASE_ACCESS_TOKEN (401): the key is not valid"
    assert states(outcome.findings) == {"SUPABASE_ACCESS_TOKEN": "REFUSED"}


@pytest.mark.parametrize("path", ["/v1/projects/[^/]+", ".*/pooler"])
def test_what_the_token_may_not_read_leaves_it_open(app: Path, path: str) -> None:
    with supabase(shop()) as standin:
        standin.fail(path, 403)
        outcome = undecided(ask_supabase(app, standin, f"{POOLER}:6543"))
    assert outcome.reason.startswith("SUPABASE_ACCESS_TOKEN may not read ")


@pytest.mark.parametrize(
    ("status", "words", "remedy"),
    [
        ("INACTIVE", "is paused", "restore it in Supabase's dashboard"),
        ("PAUSING", "is being paused", "restore it in Supabase's dashboard"),
        ("ACTIVE_UNHEALTHY", "is unhealthy", "restart the project"),
        (
            "GOING_DOWN",
            "is being deleted",
            "put the connection string of another project into DATABASE_URL (.env.local",
        ),
        ("REMOVED", "is deleted", "put the connection string of another project into DATABASE_URL (.env.local:1)"),
        ("INIT_FAILED", "could not be created", "look at the project in Supabase's dashboard"),
        ("RESTORE_FAILED", "could not be restored", "look at the project in Supabase's dashboard"),
        ("PAUSE_FAILED", "could not be paused", "look at the project in Supabase's dashboard"),
    ],
)
def test_a_project_that_is_not_up_fails(app: Path, status: str, words: str, remedy: str) -> None:
    with supabase(shop(status=status)) as standin:
        outcome = failed(ask_supabase(app, standin, DIRECT))
    assert outcome.summary == f"project shop ({REF}) {words} ({status})"
    assert outcome.remedy.startswith(remedy)
    assert states(outcome.findings) == {"project shop": status}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("COMING_UP", "is coming up"),
        ("RESTORING", "is being restored"),
        ("UPGRADING", "is being upgraded"),
        ("RESTARTING", "is restarting"),
        ("RESIZING", "is being resized"),
        ("UNKNOWN", "is in a state that Supabase does not know"),
        ("LEVITATING", "is in a state that infracheck does not know"),
    ],
)
def test_a_project_in_between_leaves_it_open(app: Path, status: str, words: str) -> None:
    with supabase(shop(status=status)) as standin:
        outcome = undecided(ask_supabase(app, standin, DIRECT))
    assert outcome.reason == f"project shop ({REF}) {words} ({status})"
    assert outcome.remedy == "wait until Supabase has finished, then run again"


def test_an_unhealthy_database_fails(app: Path) -> None:
    with supabase(shop(health="UNHEALTHY", error="disk full")) as standin:
        outcome = failed(ask_supabase(app, standin, DIRECT))
    assert outcome.summary == "Supabase finds the database of project shop unhealthy: disk full"


def test_a_database_that_comes_up_leaves_it_open(app: Path) -> None:
    with supabase(shop(health="COMING_UP")) as standin:
        outcome = undecided(ask_supabase(app, standin, DIRECT))
    assert outcome.reason == "the database of project shop is not up yet (COMING_UP)"


def test_health_that_is_not_told_is_a_remark(app: Path) -> None:
    with supabase(shop()) as standin:
        standin.fail(".*/health", 403)
        outcome = passed(ask_supabase(app, standin, DIRECT))
    assert (outcome.findings[2].state, outcome.findings[2].level) == ("NOT TOLD", "warn")


def test_an_api_that_fails_leaves_it_open(app: Path) -> None:
    with supabase(shop()) as standin:
        standin.fail(".*", 500)
        outcome = undecided(ask_supabase(app, standin, DIRECT))
    assert outcome.reason == f"Supabase fails at the question for project {REF} (500): refused"
