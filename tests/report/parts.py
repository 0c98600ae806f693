"""What the scenarios are made of: real checks, a green run, and a report of any rows."""

from datetime import UTC, date, datetime
from typing import Final

from infracheck.context import Context
from infracheck.errors import ExitCode
from infracheck.model import Check, Finding, Outcome, Passed, Report, Result, Stage, Target, Verdict, Waiver, check


def ask(check_id: str, family: str, title: str, *, proves: int | None = None) -> Check:
    """Return a check as a module of the gate would make it."""

    def probe(ctx: Context) -> Verdict:
        raise NotImplementedError

    probe.__name__ = check_id.replace("-", "_")
    probe.__module__ = f"infracheck.checks.{family}"
    probe.__doc__ = f"{title}.\n\nBecause a plan is only closed on what really is there."
    return check(proves=proves)(probe)


ENV: Final = ask("env-filled", "env", "Every variable of the example that is not marked optional has a value", proves=4)
REAL: Final = ask("env-real", "env", "No value is a placeholder")
CONNECTS: Final = ask(
    "database-connects", "database", "DATABASE_URL opens a session on a real Postgres database", proves=1
)
PROVISIONED: Final = ask(
    "database-provisioned", "database", "The provider's API knows the project that DATABASE_URL names"
)
TABLES: Final = ask("schema-tables", "schema", "Every table that schema.sql leaves behind exists", proves=2)
MATCHES: Final = ask("schema-matches", "schema", "Columns, types and keys are as declared")
AUTH: Final = ask("auth-responds", "auth", "The auth service answers as itself at its configured URL", proves=3)
LOGIN: Final = ask("auth-otp-login", "auth", "A one-time-password login completes and yields a session", proves=3)
SENTRY: Final = ask(
    "sentry-configured", "sentry", "DSN, token, org and project are filled and agree with each other", proves=5
)
RECEIVES: Final = ask("sentry-receives", "sentry", "An event sent to the DSN is accepted and stored")
BOOTS: Final = ask(
    "server-boots", "server", "The dev server starts without errors, is ours, and answers well", proves=6
)
STOPS: Final = ask("server-stops", "server", "What the gate started is stopped, and no process is left")
FLOW: Final = ask("user-flow", "flow", "The core user flow works end to end", proves=6)
LONG_FAMILY: Final = ask("acme-rule", "acme_house_rules", "The rule of the house holds")

GREEN: Final[tuple[tuple[Check, Outcome, float], ...]] = (
    (
        ENV,
        Passed(
            "14 of 14 required variables have a value",
            (
                Finding("DATABASE_URL", "FILLED", where=".env.local:3", level="info"),
                Finding("SENTRY_DSN", "FILLED", "from the process environment", level="info"),
                Finding("ANALYTICS_ID", "OPTIONAL", where=".env.local.example:9", level="info"),
            ),
        ),
        0.004,
    ),
    (CONNECTS, Passed("PostgreSQL 17.2 answers as neondb_owner on ep-cool-fog-1 (eu-central-1)"), 0.412),
    (
        TABLES,
        Passed(
            "2 of 2 expected tables are present",
            tuple(
                Finding(f"public.{name}", "PRESENT", where="schema.sql:4", level="info") for name in ("users", "notes")
            ),
        ),
        0.021,
    ),
    (AUTH, Passed("Neon Auth answers with 1 signing key, on the database's branch"), 0.303),
    (RECEIVES, Passed("event 4f1c… accepted and stored in acme/web"), 6.118),
    (BOOTS, Passed("`npm run dev` answers 200 on http://localhost:3000/"), 4.801),
    (STOPS, Passed("4 processes are gone, port 3000 is free"), 0.2),
)
WAIVER: Final = Waiver(
    "env-filled",
    "SENTRY_*",
    "no Sentry until launch",
    expires=date(2027, 1, 31),
    approved_by="Kim",
    source="infracheck.toml:12",
)
EXEMPTION: Final = Waiver(
    "env-filled", "NEXT_PUBLIC_SENTRY_DSN", "PM excludes it from the blocking env check", source="project-state.md:88"
)

Rows = tuple[tuple[Check, Outcome, float], ...]


def report(
    rows: Rows,
    *,
    target: Target | None = None,
    stage: Stage = "execute-plan",
    strict: bool = False,
    interrupted: ExitCode | None = None,
) -> Report:
    return Report(
        results=tuple(Result(*row) for row in rows),
        target=target or Target("apps/web", "3f2a91c0de4b5a697887a6b5c4d3e2f100112233", "main", dirty=True),
        stage=stage,
        started_at=datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC),
        seconds=sum(row[2] for row in rows) + 0.05,
        version="0.1.0",
        inputs={".env.local.example": f"sha256:{'ab' * 32}", "schema.sql": f"sha256:{'0c' * 32}"},
        strict=strict,
        interrupted=interrupted,
    )
