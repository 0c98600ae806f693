"""Reports of every kind, for the golden files and for the rules that every report obeys."""

from collections.abc import Callable
from typing import Final

from infracheck.errors import ExitCode
from infracheck.model import (
    Blocked,
    Crashed,
    Failed,
    Finding,
    NotRun,
    Passed,
    Report,
    Skipped,
    Target,
    Undecided,
    Waived,
)
from tests.report.parts import (
    AUTH,
    BOOTS,
    CONNECTS,
    ENV,
    EXEMPTION,
    FLOW,
    GREEN,
    LOGIN,
    LONG_FAMILY,
    MATCHES,
    PROVISIONED,
    REAL,
    RECEIVES,
    SENTRY,
    STOPS,
    TABLES,
    WAIVER,
    Rows,
    report,
)


def green() -> Report:
    return report(GREEN, stage="deploy-check", target=Target("web", "3f2a91c0de", None, dirty=False))


def warned() -> Report:
    unused = Finding(
        "LEGACY_KEY", "UNDOCUMENTED", "read in code, not named in the example", "src/lib/mail.ts:7", "warn"
    )
    first = Passed("14 of 14 required variables have a value", (*_filled(3), unused))
    return report(((ENV, first, 0.01), GREEN[1], (PROVISIONED, Skipped("NEON_API_KEY is not set"), 0.0), *GREEN[2:]))


def waived() -> Report:
    failed = Failed(
        "2 of 14 variables have no value",
        "put values into .env.local:11 and .env.local:12",
        (
            Finding("SENTRY_ORG", "EMPTY", "waived: no Sentry until launch", ".env.local:11", "info"),
            Finding(
                "NEXT_PUBLIC_SENTRY_DSN", "MISSING", "waived: PM excludes it from the blocking env check", None, "info"
            ),
            *_filled(2),
        ),
    )
    return report(((ENV, Waived(failed, (WAIVER, EXEMPTION)), 0.01), *GREEN[1:]))


def red() -> Report:
    """The picture of the design: two causes, what they block, the rest judged all the same."""
    env = Failed(
        "2 values are not what Next.js will read",
        "write `\\$` for `$` in .env.local:3; put a real key into .env.local:11",
        (
            Finding("DATABASE_URL", "CUT", "`$` in the password: Next.js reads 9 of 14 characters", ".env.local:3"),
            Finding("RESEND_API_KEY", "PLACEHOLDER", "looks like your-…-here", ".env.local:11"),
            *_filled(12),
        ),
        reproduce="infracheck env explain DATABASE_URL",
    )
    password = "the server refuses the password of neondb_owner"
    database = Failed(password, "the value is cut (see env-real): fix .env.local:3 first")
    blocked = Blocked("database-connects", password)
    return report(
        (
            GREEN[0],
            (REAL, env, 0.01),
            (CONNECTS, database, 0.4),
            (PROVISIONED, Skipped("NEON_API_KEY is not set"), 0.0),
            (TABLES, blocked, 0.0),
            (MATCHES, blocked, 0.0),
            (LOGIN, blocked, 0.0),
            *GREEN[3:],
            (FLOW, Skipped("needs auth-otp-login, which was not asked for, as flow.toml is not there yet"), 0.0),
        )
    )


def long_evidence() -> Report:
    missing = tuple(
        Finding(f"public.table_{n:02}", "MISSING", "declared, never applied" if n % 2 else "", f"schema.sql:{n * 7}")
        for n in range(1, 20)
    )
    odd = Finding(
        "audit.log",
        "INVISIBLE",
        "it is there, but the role app_reader may not see it: grant usage on its schema",
        "schema.sql:4",
        "warn",
    )
    present = tuple(Finding(f"public.there_{n}", "PRESENT", level="info") for n in range(31))
    waiver = Finding("public.old", "MISSING", "waived: dropped with the next migration", "schema.sql:2", "info")
    remedy = (
        'apply the schema: `psql "$DATABASE_URL" -f schema.sql`\n'
        "`CREATE TABLE IF NOT EXISTS` adds no column to a table that exists: where one differs, write a migration."
    )
    failed = Failed(
        "19 of 51 expected tables are missing",
        remedy,
        (*present, *missing, odd, waiver),
        "infracheck env exec -- psql -c '\\dt'",
    )
    return report((*GREEN[:2], (TABLES, failed, 0.1), *GREEN[3:]))


def strict() -> Report:
    return report(tuple((r.check, r.outcome, r.seconds) for r in warned().results), strict=True)


def undecided() -> Report:
    quota = Undecided(
        "Sentry answered 429 three times",
        "wait a minute, or ask for a higher rate",
        (Finding("POST /api/7/envelope/", "429", "Retry-After: 60"),),
    )
    return report((*GREEN[:4], (RECEIVES, quota, 12.6), *GREEN[5:]))


def crashed() -> Report:
    return report(
        (*GREEN[:3], (AUTH, Crashed("KeyError: 'keys' (infracheck.clients.better_auth:71)"), 0.1), *GREEN[4:])
    )


def blocked_outside() -> Report:
    """What `--only` makes when a need is missing: nothing failed, and yet nothing may pass."""
    because = "database-connects was not selected"
    return report(
        (
            GREEN[0],
            (TABLES, Blocked("database-connects", because), 0.0),
            (MATCHES, Blocked("database-connects", because), 0.0),
        )
    )


def empty() -> Report:
    return report((), target=Target("."))


def all_skipped() -> Report:
    excuse = "SENTRY_ORG is EMPTY and marked optional (.env.local.example:9: # Optional)"
    rows: Rows = (
        (SENTRY, Skipped(excuse), 0.0),
        (RECEIVES, Skipped(f"needs sentry-configured, which was skipped: {excuse}"), 0.0),
    )
    return report((*rows, (FLOW, Skipped("left out on request: not built yet"), 0.0)), target=Target("apps/web"))


def interrupted() -> Report:
    rest: Rows = tuple((one, NotRun(), 0.0) for one in (BOOTS, STOPS, FLOW))
    return report((*GREEN[:4], *rest), interrupted=ExitCode.INTERRUPTED)


def terminated() -> Report:
    """Ended by a signal when something was wrong already."""
    failed = Failed(
        "DATABASE_URL has no value",
        "put a value into .env.local:3",
        (Finding("DATABASE_URL", "EMPTY", "", ".env.local:3"),),
    )
    rest: Rows = tuple((one, NotRun(), 0.0) for one in (AUTH, BOOTS, STOPS))
    cause = Blocked("env-filled", "DATABASE_URL is EMPTY")
    return report(
        ((ENV, failed, 0.0), (CONNECTS, cause, 0.0), (TABLES, cause, 0.0), *rest), interrupted=ExitCode.TERMINATED
    )


def hostile() -> Report:
    """Text from outside, as it comes: it may break no table, begin no HTML, move no cursor and crash no encoder."""
    nasty = (
        Finding("a|b", "MIS|SING", "pipe | backslash-pipe \\| and `code | in \\| ticks`", "sche|ma.sql:1"),
        Finding(
            "<script>alert(1)</script>", "<b>", "<img src=x onerror=alert(1)> &lt; &amp; </details> <!-- x", "a<b>.ts:2"
        ),
        Finding("`tick", "``two``", "``` fence\nsecond line\n| third | line |\n\n# no heading", "x`y:3"),
        Finding("*bold* _em_ __init__ ~~gone~~ $x$ [a](javascript:b) ![i](u)", "~", "trailing backslash \\"),
        Finding("ההודעות שלי", "חסר", "عربي من اليمين إلى اليسار", "schema.sql:5"),
        Finding(
            "テーブル名",
            "見つかりません",
            "東京都の利用者の一覧を保存する表はデータベースに存在しません。" * 3,
            "スキーマ.sql:6",
        ),
        Finding("w" * 300, "LONG", "short"),
        Finding("emoji 🚀🚀", "👩‍💻", "n" * 300, "z" * 80),
        Finding("control", "\x1b[31mRED\x1b[0m\x07", "caf\udce9 \u202egnp.exe \r\x00", "\x9b2J:1"),
    )
    failed = Failed(
        "the server said | `\x1b[2J` <b>no</b>\nand then some more\n  indented",
        "run `a | b` then </details></summary>\n\n# x\n```\ny",
        nasty,
        "echo '```' | cat \\\n  --and `ticks` </pre>",
    )
    rows: Rows = (
        (ENV, failed, 123.456),
        (LONG_FAMILY, Passed("<i>fine</i> | `x|y` *really*", (Finding("a|b", "ODD", "|", level="warn"),)), 0.0),
        (AUTH, Blocked("a|b", "because | of <b>this</b>"), 0.0),
        (SENTRY, Skipped("left out: | </table>\n`x"), 0.0),
        (FLOW, Crashed("ValueError: |\n<x> \ud83d"), 1.0),
    )
    return report(rows, target=Target("apps/we|b`<i>\x1b[1m", "f" * 40, "fix/`|<b>*", dirty=True))


SCENARIOS: Final[dict[str, Callable[[], Report]]] = {
    "green": green,
    "warned": warned,
    "waived": waived,
    "red": red,
    "long-evidence": long_evidence,
    "strict": strict,
    "undecided": undecided,
    "crashed": crashed,
    "blocked-outside": blocked_outside,
    "empty": empty,
    "all-skipped": all_skipped,
    "interrupted": interrupted,
    "terminated": terminated,
    "hostile": hostile,
}


def _filled(number: int) -> tuple[Finding, ...]:
    return tuple(Finding(f"VARIABLE_{n}", "FILLED", where=f".env.local:{n + 20}", level="info") for n in range(number))
