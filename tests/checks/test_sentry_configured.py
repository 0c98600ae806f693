"""sentry-configured: values that do not agree, and sources that do not report; each fault written into a real app."""

import base64
import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infracheck.checks.sentry import sentry_receives
from infracheck.checks.sentry_configured import sentry_configured
from infracheck.checks.sentry_rules import RULES
from infracheck.model import Failed, Finding, Outcome, Passed, Skipped, Waived
from infracheck.runner import Finished, run
from tests.components.next_notes import LEFT_OUT, SOURCE
from tests.helpers import judge, make_context, results, states
from tests.project.test_gitfiles import git

KEY = secrets.token_hex(16)
OTHER_KEY = secrets.token_hex(16)
GOOD = f"https://{KEY}@o123.ingest.us.sentry.io/42"
NAMES = ("NEXT_PUBLIC_SENTRY_DSN", "SENTRY_AUTH_TOKEN", "SENTRY_ORG", "SENTRY_PROJECT")
DSN, TOKEN, ORG, PROJECT = NAMES
USER_TOKEN = f"sntryu_{secrets.token_hex(32)}"
BUILD = {TOKEN: USER_TOKEN, ORG: "acme", PROJECT: "web"}


def org_token(org: str = "acme", region: str = "us") -> str:
    """Return an organisation token as Sentry makes them."""
    facts = {"iat": 1.5, "url": "https://sentry.io", "region_url": f"https://{region}.sentry.io", "org": org}
    random = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return f"sntrys_{base64.b64encode(json.dumps(facts).encode()).decode()}_{random}"


@pytest.fixture
def sentry_app(app: Path) -> Path:
    """An app that uses Sentry without Next.js, with an example and no values."""
    (app / "package.json").write_text('{"dependencies": {"@sentry/react": "11.0.0"}}')
    (app / ".env.local.example").write_text("".join(f"{name}=\n" for name in NAMES))
    return app


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """The sources of next-notes, with all four variables filled."""
    folder = tmp_path / "notes"
    shutil.copytree(SOURCE, folder, ignore=LEFT_OUT)
    return fill(folder)


def fill(app: Path, dsn: str = GOOD, **others: str) -> Path:
    """Write .env.local, one line for each variable."""
    values = {DSN: dsn, **BUILD, **others}
    (app / ".env.local").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return app


def edit(app: Path, name: str, old: str, new: str) -> Path:
    text = (app / name).read_text(encoding="utf-8")
    assert old in text
    (app / name).write_text(text.replace(old, new), encoding="utf-8")
    return app


def add(app: Path, name: str, text: str) -> Path:
    (app / name).parent.mkdir(parents=True, exist_ok=True)
    (app / name).write_text(text, encoding="utf-8")
    return app


def verdict(app: Path) -> Outcome:
    with make_context(app) as ctx:
        outcome = judge(sentry_configured, ctx)
    for secret in (KEY, OTHER_KEY, USER_TOKEN.removeprefix("sntryu_")):
        assert secret not in repr(outcome)
    return outcome


def of(outcome: Outcome, level: str) -> list[Finding]:
    found = outcome.findings if isinstance(outcome, Passed | Failed) else ()
    return [one for one in found if one.level == level]


def only(app: Path, level: str = "fail") -> Finding:
    """Return the one finding of a level; a failure tells what to do, a warning lets the check pass."""
    outcome = verdict(app)
    assert isinstance(outcome, Failed if level == "fail" else Passed), outcome
    found = of(outcome, level)
    assert len(found) == 1, found
    return found[0]


# -- the variables


def test_a_variable_alone_makes_it_apply(app: Path) -> None:
    (app / ".env.local.example").write_text("SENTRY_DSN=\n")
    assert isinstance(verdict(app), Failed)


@pytest.mark.green("sentry-configured")
def test_four_filled_variables_pass_without_next(sentry_app: Path) -> None:
    outcome = verdict(fill(sentry_app))
    assert isinstance(outcome, Passed)
    assert outcome.summary == (
        "the DSN is well formed (o123.ingest.us.sentry.io, project 42), 3 of 3 build variables are filled"
    )
    assert states(outcome.findings) == dict.fromkeys(NAMES, "FILLED")
    assert [finding.where for finding in outcome.findings] == [f".env.local:{line}" for line in (1, 2, 3, 4)]


@pytest.mark.red("sentry-configured")
@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_fails_by_name_and_line(sentry_app: Path, name: str) -> None:
    values = {DSN: GOOD, **BUILD, name: ""}
    (sentry_app / ".env.local").write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    outcome = verdict(sentry_app)
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"{name} has no value"
    assert outcome.remedy.startswith(f"fill {name} in .env.local")
    finding = of(outcome, "fail")[0]
    assert (finding.subject, finding.state) == (name, "EMPTY")
    assert finding.where == f".env.local:{NAMES.index(name) + 1}"
    assert "Sentry" in finding.note or "slug" in finding.note


def test_a_package_without_any_variable_misses_all_four(app: Path) -> None:
    (app / "package.json").write_text('{"devDependencies": {"@sentry/react": "11.0.0"}}')
    outcome = verdict(app)
    assert isinstance(outcome, Failed)
    assert outcome.summary == "4 of 4 Sentry variables have no value"
    assert states(outcome.findings) == dict.fromkeys(NAMES, "MISSING")


def test_a_missing_variable_points_to_the_line_of_the_example(sentry_app: Path) -> None:
    outcome = verdict(sentry_app)
    assert isinstance(outcome, Failed)
    assert [finding.where for finding in outcome.findings] == [f".env.local.example:{line}" for line in (1, 2, 3, 4)]


def test_an_optional_variable_is_excused_with_its_line(sentry_app: Path) -> None:
    example = f"{DSN}=\n# Optional: source maps\n{TOKEN}=\n{ORG}=\n{PROJECT}=\n"
    (sentry_app / ".env.local.example").write_text(example)
    outcome = verdict(fill(sentry_app, SENTRY_AUTH_TOKEN=""))
    assert isinstance(outcome, Passed)
    token = outcome.findings[1]
    assert (token.subject, token.state, token.level) == (TOKEN, "OPTIONAL", "info")
    assert token.note == "EMPTY, and .env.local.example:3 says: Optional: source maps"


@pytest.mark.parametrize("next_app", [False, True])
def test_an_optional_dsn_without_value_skips_both(sentry_app: Path, notes: Path, next_app: bool) -> None:
    folder = notes if next_app else sentry_app
    (folder / ".env.local").unlink(missing_ok=True)
    (folder / ".env.local.example").write_text("".join(f"# Optional\n{name}=\n" for name in NAMES))
    with make_context(folder) as ctx:
        found = results([sentry_configured, sentry_receives], ctx)
    excuse = f"{DSN} is MISSING and marked optional (.env.local.example:2: Optional)"
    assert {result.outcome for result in found.values()} == {Skipped(excuse)}


def test_the_token_may_stand_where_the_wizard_puts_it(sentry_app: Path) -> None:
    fill(sentry_app, SENTRY_AUTH_TOKEN="")
    (sentry_app / ".env.sentry-build-plugin").write_text(f"# Sentry\n{TOKEN}={USER_TOKEN}\n")
    outcome = verdict(sentry_app)
    assert isinstance(outcome, Passed)
    assert outcome.findings[1].where == ".env.sentry-build-plugin:2"


def test_values_of_a_job_come_from_its_environment(sentry_app: Path) -> None:
    with make_context(sentry_app, process={"SENTRY_DSN": GOOD, **BUILD}) as ctx:
        outcome = judge(sentry_configured, ctx)
    assert isinstance(outcome, Passed)
    assert states(outcome.findings) == dict.fromkeys(("SENTRY_DSN", *NAMES[1:]), "FILLED")
    assert all(finding.note.endswith("process environment") for finding in outcome.findings)


@pytest.mark.parametrize(
    ("dsn", "defects", "view"),
    [
        (
            f"http://{KEY}@sentry.io/project",
            (
                "what it ends in is not a project number; sentry.io is asked with http instead of https; "
                "its host is not like o123.ingest.us.sentry.io"
            ),
            "drops it when it validates it (with its debug code), else sends to an address that takes nothing",
        ),
        (
            f"https://{KEY}@errors.example.com/1/",
            "it ends in a slash",
            "drops it when it validates it (with its debug code), else sends to an address that takes nothing",
        ),
        (
            "https://errors.example.com/1",
            "it has no key before an @",
            "cannot read it: it sends nothing, and no error stops the app",
        ),
        (
            "https://abc@errors.example.com/1",
            "its key is not 32 hexadecimal digits in lower case",
            "accepts it all the same, and what it sends is lost at the server",
        ),
    ],
)
def test_a_malformed_dsn_tells_every_defect_and_what_the_sdk_does(
    sentry_app: Path, dsn: str, defects: str, view: str
) -> None:
    outcome = verdict(fill(sentry_app, dsn=dsn))
    assert isinstance(outcome, Failed)
    assert outcome.summary == f"{DSN} is malformed: {defects}; the SDK {view}"
    assert states(outcome.findings)[DSN] == "MALFORMED"
    assert outcome.remedy.startswith(f"copy {DSN} again")


def test_a_dsn_with_a_secret_key_warns(sentry_app: Path) -> None:
    finding = only(fill(sentry_app, dsn=f"https://{KEY}:{KEY}@errors.example.com/1"), "warn")
    assert (finding.subject, finding.state) == (DSN, "OLD FORM")


# -- the token


@pytest.mark.red("sentry-configured")
@pytest.mark.parametrize(
    ("token", "state", "words"),
    [
        ("_YOUR_SENTRY_AUTH_TOKEN_", "DUMMY TOKEN", "placeholder"),
        (f"sntrys_{secrets.token_hex(24)}", "DAMAGED", "cut off"),
        (f"sntrys_{secrets.token_hex(24)}_{secrets.token_hex(20)}", "DAMAGED", "cannot be decoded"),
        (org_token()[:-5], "DAMAGED", "43 characters"),
        (org_token("Not a slug!"), "DAMAGED", "no organisation"),
        (f"sntryu_{secrets.token_hex(20)}", "DAMAGED", "a user token"),
        (f'"{secrets.token_hex(16)} {secrets.token_hex(16)}"', "DAMAGED", "white space"),
        (org_token("umbrella"), "WRONG ORG", "belongs to the organisation `umbrella`, SENTRY_ORG names `acme`"),
    ],
)
def test_a_token_that_cannot_work_fails_without_being_sent(
    sentry_app: Path, token: str, state: str, words: str
) -> None:
    finding = only(fill(sentry_app, SENTRY_AUTH_TOKEN=token))
    assert (finding.subject, finding.state, finding.where) == (TOKEN, state, ".env.local:2")
    assert words in finding.note
    for part in token.strip('"').split("_")[1:]:
        assert len(part) < 20 or part not in repr(verdict(sentry_app))


@pytest.mark.green("sentry-configured")
@pytest.mark.parametrize(
    ("token", "kind"),
    [
        (org_token(), "an organisation token"),
        (USER_TOKEN, "a user token"),
        (f"sntryi_{secrets.token_hex(32)}", "an integration token"),
        (secrets.token_hex(32), "a token without prefix (an old user token, or an internal integration)"),
    ],
)
def test_a_sound_token_says_its_kind(sentry_app: Path, token: str, kind: str) -> None:
    outcome = verdict(fill(sentry_app, SENTRY_AUTH_TOKEN=token))
    assert isinstance(outcome, Passed)
    assert outcome.findings[1].note == kind
    assert of(outcome, "warn") == []


@pytest.mark.parametrize(
    ("dsn", "token", "state"),
    [
        (f"https://{KEY}@o123.ingest.de.sentry.io/42", org_token(), "OTHER REGION"),
        (GOOD, org_token(region="de"), "OTHER REGION"),
        (GOOD, secrets.token_hex(20), "UNKNOWN KIND"),
    ],
)
def test_a_token_that_may_not_fit_warns(sentry_app: Path, dsn: str, token: str, state: str) -> None:
    assert only(fill(sentry_app, dsn, SENTRY_AUTH_TOKEN=token), "warn").state == state


@pytest.mark.parametrize(("org", "what"), [("4501", "a number"), ("https://acme.sentry.io", "a URL")])
def test_an_organisation_that_is_no_slug_warns(sentry_app: Path, org: str, what: str) -> None:
    finding = only(fill(sentry_app, SENTRY_ORG=org), "warn")
    assert (finding.subject, finding.state) == (ORG, "NOT A SLUG")
    assert finding.note.startswith(f"it is {what}")


def test_a_token_of_another_server_is_not_judged_by_its_form(sentry_app: Path) -> None:
    outcome = verdict(fill(sentry_app, f"https://{KEY}@errors.example.com/1", SENTRY_AUTH_TOKEN=secrets.token_hex(20)))
    assert of(outcome, "warn") + of(outcome, "fail") == []


# -- the real app


@pytest.mark.green("sentry-configured")
def test_the_real_app_passes_as_it_is(notes: Path) -> None:
    outcome = verdict(notes)
    assert isinstance(outcome, Passed)
    assert of(outcome, "warn") == []
    assert outcome.summary.endswith("3 of 3 build variables are filled, the code loads the SDK")
    routes = outcome.findings[-1]
    assert (routes.subject, routes.state, routes.note) == ("API routes", "REPORTED", "4, by onRequestError")
    assert routes.where == "instrumentation.ts:12"


def literal(app: Path, dsn: str, name: str = "sentry.server.config.ts") -> None:
    edit(app, name, "process.env.NEXT_PUBLIC_SENTRY_DSN", f'"{dsn}"')


def old_client(app: Path) -> Path:
    return (app / "instrumentation-client.ts").rename(app / "sentry.client.config.ts")


def in_src(app: Path) -> Path:
    """Move the app into src, and forget the instrumentation."""
    (app / "src").mkdir()
    (app / "app").rename(app / "src/app")
    return (app / "instrumentation-client.ts").rename(app / "src/instrumentation-client.ts")


def unreported(app: Path) -> Path:
    edit(app, "instrumentation.ts", "export const onRequestError", "const unused")
    edit(app, "app/api/notes/[id]/route.ts", "Sentry.captureException(error);", "")
    return edit(app, "app/api/notes/route.ts", "Sentry.captureException(error);", "")


def silent_hook(app: Path) -> None:
    edit(app, "instrumentation.ts", "Sentry.captureRequestError", "async (error: unknown) => console.error(error)")


REAL_PROJECT = "o123.ingest.us.sentry.io, project 42"
RED: list[tuple[str, Callable[[Path], Any], str, str, str | None, str]] = [
    (
        "another project's DSN in the code",
        lambda app: literal(app, f"https://{OTHER_KEY}@o123.ingest.us.sentry.io/77"),
        "sentry.server.config.ts",
        "OTHER DSN",
        "sentry.server.config.ts:3",
        f"o123.ingest.us.sentry.io, project 77; {DSN} names {REAL_PROJECT}",
    ),
    (
        "another key in the code",
        lambda app: literal(app, GOOD.replace(KEY, OTHER_KEY), "instrumentation-client.ts"),
        "instrumentation-client.ts",
        "OTHER DSN",
        "instrumentation-client.ts:3",
        f"{DSN} holds another key of the same project",
    ),
    (
        "a malformed DSN in the code",
        lambda app: literal(app, "https://o123.ingest.us.sentry.io/42"),
        "sentry.server.config.ts",
        "BAD LITERAL",
        "sentry.server.config.ts:3",
        "it has no key before an @; the SDK cannot read it",
    ),
    (
        "an empty DSN in the code",
        lambda app: literal(app, "", "sentry.edge.config.ts"),
        "sentry.edge.config.ts",
        "EMPTY LITERAL",
        "sentry.edge.config.ts:3",
        "sends nothing",
    ),
    (
        "a variable that nobody fills",
        lambda app: edit(app, "sentry.server.config.ts", DSN, "SENTRY_DSN"),
        "SENTRY_DSN",
        "UNSET",
        "sentry.server.config.ts:3",
        "Sentry.init reads SENTRY_DSN, which is MISSING",
    ),
    (
        "two variables with different DSNs",
        lambda app: (
            edit(app, "sentry.server.config.ts", DSN, "SENTRY_DSN"),
            fill(app, SENTRY_DSN=GOOD.replace("/42", "/43")),
        ),
        "SENTRY_DSN",
        "OTHER VARIABLE",
        "sentry.server.config.ts:3",
        f"project 43; {DSN} names {REAL_PROJECT}",
    ),
    (
        "a private variable in the browser",
        lambda app: (edit(app, "instrumentation-client.ts", DSN, "SENTRY_DSN"), fill(app, SENTRY_DSN=GOOD)),
        "instrumentation-client.ts",
        "NOT PUBLIC",
        "instrumentation-client.ts:3",
        "browsers never see SENTRY_DSN",
    ),
    (
        "no DSN in the browser",
        lambda app: edit(app, "instrumentation-client.ts", f"dsn: process.env.{DSN}", "debug: false"),
        "instrumentation-client.ts",
        "NO DSN",
        "instrumentation-client.ts:3",
        "is given no DSN",
    ),
    (
        "another organisation in next.config",
        lambda app: edit(app, "next.config.ts", "process.env.SENTRY_ORG", '"umbrella"'),
        "next.config.ts",
        "OTHER ORG",
        "next.config.ts:12",
        "is given the organisation `umbrella`, SENTRY_ORG is `acme`",
    ),
    (
        "another project in next.config",
        lambda app: edit(app, "next.config.ts", "project: process.env.SENTRY_PROJECT", 'project: "shop"'),
        "next.config.ts",
        "OTHER PROJECT",
        "next.config.ts:13",
        "is given the project `shop`, SENTRY_PROJECT is `web`",
    ),
    (
        "the token in next.config",
        lambda app: edit(app, "next.config.ts", "process.env.SENTRY_AUTH_TOKEN", f'"{USER_TOKEN}"'),
        "next.config.ts",
        "TOKEN IN CODE",
        "next.config.ts:14",
        "written into the code",
    ),
    (
        "the package is not installed",
        lambda app: edit(app, "package.json", '    "@sentry/nextjs": "11.0.0",\n', ""),
        "@sentry/nextjs",
        "NOT INSTALLED",
        "package.json",
        "does not name the SDK",
    ),
    (
        "instrumentation in the wrong folder",
        in_src,
        "instrumentation.ts",
        "WRONG FOLDER",
        "instrumentation.ts:1",
        "Next.js looks for it in src/ only",
    ),
    (
        "instrumentation without register",
        lambda app: edit(app, "instrumentation.ts", "export async function register", "async function unused"),
        "instrumentation.ts",
        "NO REGISTER",
        "instrumentation.ts:1",
        "no register()",
    ),
    (
        "register loads nothing",
        lambda app: (
            edit(app, "instrumentation.ts", 'await import("./sentry.server.config");', ""),
            edit(app, "instrumentation.ts", 'await import("./sentry.edge.config");', ""),
        ),
        "instrumentation.ts",
        "NO SERVER INIT",
        "instrumentation.ts:3",
        "nothing that register() loads calls Sentry.init",
    ),
    (
        "no onRequestError",
        lambda app: edit(app, "instrumentation.ts", "export const onRequestError", "const unused"),
        "instrumentation.ts",
        "NO ONREQUESTERROR",
        "instrumentation.ts:1",
        "does not export onRequestError",
    ),
    (
        "an onRequestError that only prints",
        silent_hook,
        "instrumentation.ts",
        "REPORTS NOTHING",
        "instrumentation.ts:12",
        "does not call the SDK",
    ),
    (
        "no instrumentation-client",
        lambda app: (app / "instrumentation-client.ts").unlink(),
        "instrumentation-client.ts",
        "NO CLIENT",
        None,
        "browsers report nothing",
    ),
    (
        "the old client configuration under Turbopack",
        old_client,
        "sentry.client.config.ts",
        "DEAD CODE",
        "sentry.client.config.ts:1",
        "Turbopack does not load this file",
    ),
    (
        "a server configuration without init",
        lambda app: add(app, "sentry.server.config.ts", 'import * as Sentry from "@sentry/nextjs";\n'),
        "sentry.server.config.ts",
        "NO INIT",
        "sentry.server.config.ts:1",
        "does not call Sentry.init",
    ),
    (
        "an edge configuration without init",
        lambda app: edit(app, "sentry.edge.config.ts", "Sentry.init", "// Sentry.init"),
        "sentry.edge.config.ts",
        "NO INIT",
        "sentry.edge.config.ts:1",
        "does not call Sentry.init",
    ),
    (
        "a client configuration without init",
        lambda app: edit(app, "instrumentation-client.ts", "Sentry.init", "Sentry.setTags"),
        "instrumentation-client.ts",
        "NO INIT",
        "instrumentation-client.ts:1",
        "does not call Sentry.init",
    ),
    (
        "next.config is not wrapped",
        lambda app: add(app, "next.config.ts", "export default {};\n"),
        "next.config.ts",
        "NOT WRAPPED",
        "next.config.ts:1",
        "withSentryConfig of the SDK is not called",
    ),
    (
        "withSentryConfig of somebody else",
        lambda app: edit(app, "next.config.ts", "@sentry/nextjs/config", "./lib/sentry"),
        "next.config.ts",
        "NOT WRAPPED",
        "next.config.ts:1",
        "withSentryConfig of the SDK is not called",
    ),
    (
        "no next.config",
        lambda app: (app / "next.config.ts").unlink(),
        "next.config.ts",
        "NOT WRAPPED",
        None,
        "there is no next.config",
    ),
]


@pytest.mark.red("sentry-configured")
@pytest.mark.parametrize("fault", [one[1:] for one in RED], ids=[one[0] for one in RED])
def test_a_fault_in_the_sources_fails(
    notes: Path, fault: tuple[Callable[[Path], Any], str, str, str | None, str]
) -> None:
    breaks, subject, state, where, words = fault
    breaks(notes)
    finding = only(notes)
    assert (finding.subject, finding.state, finding.where) == (subject, state, where)
    assert words in finding.note
    outcome = verdict(notes)
    assert isinstance(outcome, Failed)
    assert finding.note in outcome.summary
    assert outcome.remedy


WARN: list[tuple[str, Callable[[Path], Any], str, str]] = [
    ("no global error", lambda app: (app / "app/global-error.tsx").unlink(), "app/global-error.tsx", "NO GLOBAL ERROR"),
    (
        "a global error that reports nothing",
        lambda app: edit(app, "app/global-error.tsx", "Sentry.captureException(error)", "console.error(error)"),
        "app/global-error.tsx",
        "SILENT",
    ),
    (
        "the example page",
        lambda app: add(app, "app/sentry-example-page/page.tsx", "export default () => null;\n"),
        "app/sentry-example-page/page.tsx",
        "EXAMPLE LEFT",
    ),
    (
        "the example route",
        lambda app: add(app, "app/api/sentry-example-api/route.ts", "export function GET() { throw new Error(); }\n"),
        "app/api/sentry-example-api/route.ts",
        "EXAMPLE LEFT",
    ),
    (
        "another SDK of Sentry's",
        lambda app: edit(app, "package.json", "@sentry/nextjs", "@sentry/node"),
        "@sentry/node",
        "OTHER SDK",
    ),
    (
        "an edge configuration that nobody loads",
        lambda app: edit(app, "instrumentation.ts", 'await import("./sentry.edge.config");', ""),
        "sentry.edge.config.ts",
        "NOT LOADED",
    ),
    (
        "the old client configuration with webpack",
        lambda app: (old_client(app), edit(app, "package.json", '"16.4.5"', '"15.3.0"')),
        "sentry.client.config.ts",
        "OLD CLIENT",
    ),
    (
        "a route that keeps its error to itself",
        lambda app: add(
            app,
            "app/api/x/route.ts",
            "export function GET() {\n  try { work() } catch { return Response.json({}, { status: 500 }) }\n}\n",
        ),
        "app/api/x/route.ts",
        "SWALLOWED",
    ),
    (
        "routes that nobody reports, before Next.js 15",
        lambda app: (unreported(app), edit(app, "package.json", '"16.4.5"', '"14.2.0"')),
        "app/api/auth/[...all]/route.ts",
        "UNREPORTED HERE",
    ),
]


@pytest.mark.parametrize(("breaks", "subject", "state"), [one[1:] for one in WARN], ids=[one[0] for one in WARN])
def test_what_may_be_meant_warns(notes: Path, breaks: Callable[[Path], Any], subject: str, state: str) -> None:
    breaks(notes)
    finding = only(notes, "warn")
    assert (finding.subject, finding.state) == (subject, state)


@pytest.mark.red("sentry-configured")
def test_routes_whose_errors_nobody_reports_fail(notes: Path) -> None:
    unreported(notes)
    outcome = verdict(notes)
    assert states(tuple(of(outcome, "fail"))) == {
        "instrumentation.ts": "NO ONREQUESTERROR",
        "app/api/auth/[...all]/route.ts": "UNREPORTED",
    }
    assert "what 4 API routes throw is reported by nobody" in of(outcome, "fail")[1].note


@pytest.mark.red("sentry-configured")
def test_without_instrumentation_nothing_is_loaded(notes: Path) -> None:
    (notes / "instrumentation.ts").unlink()
    finding = only(notes)
    assert (finding.subject, finding.state) == ("instrumentation.ts", "NO INSTRUMENTATION")


@pytest.mark.red("sentry-configured")
def test_without_routes_nobody_needs_to_report_them(notes: Path) -> None:
    silent_hook(notes)
    shutil.rmtree(notes / "app/api")
    assert only(notes).state == "REPORTS NOTHING"


def test_several_faults_are_counted(notes: Path) -> None:
    for name in ("instrumentation.ts", "instrumentation-client.ts", "next.config.ts"):
        (notes / name).unlink()
    outcome = verdict(fill(notes, SENTRY_AUTH_TOKEN=org_token("umbrella")))
    assert isinstance(outcome, Failed)
    assert outcome.summary.endswith("; and 1 more")
    assert len(of(outcome, "fail")) == 4


# -- what may be written otherwise


@pytest.mark.green("sentry-configured")
@pytest.mark.parametrize(
    "breaks",
    [
        lambda app: edit(app, "next.config.ts", "@sentry/nextjs/config", "@sentry/nextjs"),
        lambda app: (
            (app / "next.config.ts").unlink(),
            add(
                app,
                "next.config.js",
                'const { withSentryConfig } = require("@sentry/nextjs");\n'
                'const options = { org: "acme", project: process.env.SENTRY_PROJECT || "web" };\n'
                "module.exports = withSentryConfig({}, options);\n",
            ),
        ),
        lambda app: (
            (app / "next.config.ts").rename(app / "base.config.ts"),
            add(app, "next.config.ts", 'export { default } from "./base.config";\n'),
        ),
        lambda app: (
            edit(app, "package.json", '"@sentry/nextjs": "11.0.0"', '"@sentry/nextjs": "^7.100.0"'),
            old_client(app),
            (app / "instrumentation.ts").unlink(),
        ),
        lambda app: literal(app, GOOD),
        lambda app: literal(app, GOOD.replace(".us.", ".")),
        lambda app: edit(app, "sentry.server.config.ts", f"{DSN} }}", f'{DSN} ?? "{GOOD.replace("/42", "/9")}" }}'),
        lambda app: add(
            app,
            "sentry.edge.config.ts",
            f'import {{ init }} from "@sentry/nextjs";\nconst dsn = process.env["{DSN}"]!;\ninit({{ dsn }});\n',
        ),
        lambda app: add(
            app,
            "instrumentation.ts",
            'import * as Sentry from "@sentry/nextjs";\nexport const register = async () => {\n'
            '  await import("@/sentry.edge.config"); await import("./sentry.server.config");\n};\n'
            'export { captureRequestError as onRequestError } from "@sentry/nextjs";\n',
        ),
        lambda app: add(
            app,
            "instrumentation.ts",
            'import * as Sentry from "@sentry/nextjs";\nexport function register() {\n'
            '  require("./sentry.edge.config");\n  require("./sentry.server.config");\n}\n'
            "export async function onRequestError(...all: any) {\n  Sentry.captureRequestError(...all);\n}\n",
        ),
        lambda app: (
            in_src(app),
            (app / "instrumentation.ts").rename(app / "src/instrumentation.ts"),
            edit(app, "src/instrumentation.ts", '"./sentry.', '"../sentry.'),
        ),
        lambda app: (
            add(app, "instrumentation-client.ts", 'import "./lib/watch";\n'),
            add(
                app,
                "lib/watch.ts",
                f'import * as S from "@sentry/nextjs";\nS.init({{ ...base(), dsn: process.env.{DSN} }});\n',
            ),
        ),
    ],
)
def test_other_ways_to_write_it_pass(notes: Path, breaks: Callable[[Path], Any]) -> None:
    breaks(notes)
    outcome = verdict(notes)
    assert isinstance(outcome, Passed), outcome
    assert of(outcome, "warn") == []


def test_a_dsn_in_the_code_is_judged_where_the_variable_is_empty(notes: Path) -> None:
    for name in ("sentry.server.config.ts", "sentry.edge.config.ts", "instrumentation-client.ts"):
        literal(notes, GOOD, name)
    finding = only(fill(notes, dsn=""))
    assert (finding.subject, finding.state) == (DSN, "EMPTY")
    assert finding.note.endswith("; the app uses the one in instrumentation-client.ts:3")
    (notes / ".env.local.example").write_text("".join(f"# Optional\n{name}=\n" for name in NAMES))
    outcome = verdict(notes)
    assert isinstance(outcome, Passed)
    assert outcome.summary.startswith(f"the DSN is well formed ({REAL_PROJECT})")
    assert [one.where for one in outcome.findings if one.state == "IN CODE"] == [
        "instrumentation-client.ts:3",
        "sentry.edge.config.ts:3",
        "sentry.server.config.ts:3",
    ]
    edit(notes, "sentry.edge.config.ts", "/42", "/43")
    outcome = verdict(notes)
    assert isinstance(outcome, Failed)
    assert [(one.subject, one.state) for one in of(outcome, "fail")] == [("sentry.edge.config.ts", "OTHER DSN")]


def exempted(app: Path, *names: str) -> Outcome:
    """Judge with those variables exempt by the log."""
    lines = [f"- 2026-04-05: PM: {name} is exempt\n" for name in names]
    (app / "project-state.md").write_text("## Decisions Log\n\n" + "".join(lines), encoding="utf-8")
    with make_context(app) as ctx:
        ran = run([sentry_configured], ctx, waivers=ctx.waivers.in_force)
        return next(event.result.outcome for event in ran if isinstance(event, Finished))


def test_exempt_variables_are_waived_and_the_code_needs_no_sentry_yet(notes: Path) -> None:
    (notes / "instrumentation.ts").unlink()
    (notes / ".env.local").unlink()
    outcome = exempted(notes, *NAMES)
    assert isinstance(outcome, Waived)
    assert {one.subject for one in outcome.verdict.findings} == set(NAMES)
    assert isinstance(exempted(notes, *NAMES[:3]), Failed)


@pytest.mark.red("sentry-configured")
def test_an_exempt_variable_does_not_excuse_a_malformed_dsn_in_the_code(notes: Path) -> None:
    literal(notes, "https://o123.ingest.us.sentry.io/42")
    outcome = exempted(fill(notes, dsn=""), DSN)
    assert isinstance(outcome, Failed)
    assert [one.state for one in of(outcome, "fail")] == ["BAD LITERAL"]


def test_the_organisation_of_next_config_is_held_against_the_token(notes: Path) -> None:
    edit(notes, "next.config.ts", "process.env.SENTRY_ORG", '"umbrella"')
    finding = of(verdict(fill(notes, SENTRY_AUTH_TOKEN=org_token())), "fail")[0]
    assert finding.state == "WRONG ORG"
    assert finding.note == "the token belongs to the organisation `acme`, next.config.ts:12 names `umbrella`"


def test_a_token_in_place_of_a_slug_is_not_shown(notes: Path) -> None:
    edit(notes, "next.config.ts", "process.env.SENTRY_ORG", f'"{USER_TOKEN}"')
    assert (
        only(notes).note == "withSentryConfig is given the organisation something that is no slug, SENTRY_ORG is `acme`"
    )


# -- the build's own file


@pytest.mark.red("sentry-configured")
def test_a_token_file_that_git_would_publish_fails(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(notes.parent / "no-config"))
    git(notes, "init", "--quiet")
    (notes / ".env.sentry-build-plugin").write_text(f"{TOKEN}={USER_TOKEN}\n")
    assert isinstance(verdict(notes), Passed)  # .gitignore has `.env*`
    (notes / ".gitignore").write_text("node_modules/\n.env.local\n")
    finding = only(notes)
    assert (finding.subject, finding.state) == (".env.sentry-build-plugin", "NOT IGNORED")
    git(notes, "add", ".env.sentry-build-plugin")
    finding = only(notes)
    assert (finding.subject, finding.state) == (".env.sentry-build-plugin", "TRACKED")
    outcome = verdict(notes)
    assert isinstance(outcome, Failed)
    assert "git rm --cached .env.sentry-build-plugin" in outcome.remedy


# -- the table


def test_every_rule_is_shown_by_a_test_of_this_file() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [state for state in RULES if f'"{state}"' not in text] == []
