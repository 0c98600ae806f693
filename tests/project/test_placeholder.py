"""Values that are no real ones: what is caught, under which name, and what never is."""

import base64
import hashlib
import json
import random
import string
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infracheck.project.placeholder import Stage, Suspicion, suspicion

HEX32 = "0123456789abcdef" * 2


def noise(size: int, seed: str = "noise") -> str:
    """Return letters and digits that look like a key, always the same: no real key stands in this file."""
    drawn = random.Random(seed)
    return "".join(drawn.choices(string.ascii_letters + string.digits, k=size))


def hexadecimal(seed: str) -> str:
    return hashlib.md5(seed.encode()).hexdigest()


def token(claims: dict[str, object]) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "." + noise(43)


def judge(name: str, value: str, example: str | None = None, stage: Stage = "execute-plan") -> Suspicion | None:
    return suspicion(name, value, example=example, stage=stage)


def kind(name: str, value: str, example: str | None = None, stage: Stage = "execute-plan") -> str:
    found = judge(name, value, example, stage)
    return f"{found.kind} {found.level}" if found else "-"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_SECRET_KEY", "your-key-here"),
        ("SERP_API_KEY", "your_serp_key"),
        ("SENTRY_DSN", "your-sentry-dsn"),
        ("NEXT_PUBLIC_SENTRY_DSN", "your_public_dsn_here"),
        ("SENTRY_DSN", "https://your_dsn@sentry.io/project"),
        ("NEXT_PUBLIC_SUPABASE_URL", "https://your-project-ref.supabase.co"),
        ("NEXT_PUBLIC_SUPABASE_URL", "https://your-project.supabase.co"),
        ("NEXT_PUBLIC_SUPABASE_URL", "https://xxx.supabase.co"),
        ("NEXT_PUBLIC_SUPABASE_URL", "https://<project-ref>.supabase.co"),
        ("NEXT_PUBLIC_SUPABASE_URL", "your-supabase-url"),
        ("SUPABASE_ANON_KEY", "eyJ..."),
        ("SUPABASE_ANON_KEY", "your-anon-key"),
        ("SENTRY_DSN", "https://xxx@o123.ingest.sentry.io/456"),
        ("SENTRY_DSN", "https://examplePublicKey@o0.ingest.sentry.io/0"),
        ("SENTRY_DSN", "https://abc123@o123.ingest.sentry.io/456"),
        ("RESEND_API_KEY", "re_xxxxxxxxxxxxx"),
        ("RESEND_API_KEY", "re_your_key_here"),
        ("RESEND_API_KEY", "re_123456789"),
        ("RAZORPAY_KEY_ID", "rzp_test_your_key"),
        ("SENDGRID_API_KEY", "SG.your_api_key"),
        ("OPENAI_API_KEY", "sk-..."),
        ("OPENAI_API_KEY", "sk-proj-xxxx"),
        ("STRIPE_SECRET_KEY", "sk_test_..."),
        ("STRIPE_SECRET_KEY", "sk_test_***"),
        ("STRIPE_SECRET_KEY", "sk_test_key"),
        ("STRIPE_SECRET_KEY", "sk_test_placeholder"),
        ("STRIPE_SECRET_KEY", "sk_live_XXXXXXXXXXXXXXXXXXXXXXXX"),
        ("STRIPE_SECRET_KEY", "sk_test_1234567890"),
        ("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", "pk_test_..."),
        ("STRIPE_WEBHOOK_SECRET", "whsec_..."),
        ("STRIPE_WEBHOOK_SECRET", "whsec_***"),
        ("NOTION_TOKEN", "secret_..."),
        ("SENTRY_AUTH_TOKEN", "sntryu_..."),
        ("SENTRY_AUTH_TOKEN", "sntrys_..."),
        ("SENTRY_AUTH_TOKEN", "_YOUR_SENTRY_AUTH_TOKEN_"),
        ("SOME_KEY", "..."),
        ("APP_NAME", "..."),
        ("NEXT_PUBLIC_APP_URL", "https://..."),
        ("REDIS_URL", "redis://..."),
        ("AUTH_SECRET", "****"),
        ("AUTH_SECRET", "***"),
        ("POSTGRES_URL", "postgresql://***"),
        ("CONVEX_KEY", "<your-key-from-backend/.env>"),
        ("BLOB_STORE", "<BLOB_STORE_ID>"),
        ("TAXONOMY_TOKEN", "<random-strong-secret>"),
        ("TRANSPORT", '"<A>" | "<B>"'),
        ("DATABASE_URL", "postgresql://user:password@host:port/database"),
        ("DATABASE_URL", "postgresql://user:password@host:5432/dbname?sslmode=require"),
        ("DATABASE_URL", "postgres://username:password@db.acme.dev:5432/mydb"),
        ("DATABASE_URL", "postgresql://USER:PASSWORD@ep-xxx.region.aws.neon.tech/neondb"),
        ("DATABASE_URL", "postgresql://<user>:<password>@<host>/<database>"),
        ("DATABASE_URL", "postgresql://postgres:[YOUR-PASSWORD]@db.abcdefghijklmnopqrst.supabase.co:5432/postgres"),
        ("DATABASE_URL", "postgresql://postgres.ref:[PASSWORD]@aws-0-eu-west-1.pooler.supabase.com:6543/postgres"),
        (
            "DATABASE_URL",
            f"postgresql://neondb_owner:npg_{noise(12)}@ep-cool-darkness-123456.us-east-2.aws.neon.tech/db",
        ),
        ("DATABASE_URL", f"postgresql://app:{noise(20)}@ep-xxx-yyy-123.region.aws.neon.tech/app"),
        ("DATABASE_URL", "mysql://root:your_password@mysql.acme.dev/app"),
        ("AUTH_SECRET", "generate-with-openssl-rand-base64-32"),
        ("AUTH_SECRET", "openssl rand -hex 32"),
        ("AUTH_SECRET", "your-secret-key-change-in-production"),
        ("AUTH_SECRET", "super-secret-change-me-in-production-please"),
        ("AUTH_SECRET", "a-random-string-of-at-least-32-characters"),
        ("AUTH_SECRET", "my-superstrong-secret"),
        ("AUTH_SECRET", "some-random-string"),
        ("HANKO_API_KEY", "add-your-hanko-api-key"),
        ("AUTH_SECRET", "change-me"),
        ("AUTH_SECRET", "changeme"),
        ("APP_NAME", "changeme"),
        ("AUTH_SECRET", "replace_me"),
        ("NEXTAUTH_SECRET", "secret"),
        ("SALT", "salt"),
        ("ENCRYPTION_KEY", "CAFEBABE"),
        ("ENCRYPTION_SECONDARY_KEY", "DEADBEEF"),
        ("ENCRYPTION_KEY", "0" * 64),
        ("NEXT_PUBLIC_PROJECT_UUID", "00000000-0000-0000-0000-000000000000"),
        ("AUTH_SECRET", "a" * 32),
        ("AUTH_SECRET", "0123456789"),
        ("SENTRY_ORG", "TODO"),
        ("SENTRY_ORG", "FIXME"),
        ("SENTRY_ORG", "your-org"),
        ("SENTRY_ORG", "your-org-slug"),
        ("SENTRY_PROJECT", "your-sentry-project"),
        ("SENTRY_PROJECT", "undefined"),
        ("NEXT_PUBLIC_APP_URL", "https://example.com"),
        ("NEXT_PUBLIC_APP_URL", "https://app.example.org/path"),
        ("NEXT_PUBLIC_APP_URL", "https://yourdomain.com"),
        ("SMTP_HOST", "smtp.your-provider-domain.com"),
        ("serpapi_api_key", "serpapi_api_key"),
        ("S3_BUCKET_NAME", "YOUR_BUCKET_NAME"),
        ("CLOUDINARY_CLOUD_NAME", "your-cloud-name"),
        ("EMAIL_FROM", "<your-address>"),
        ("GOOGLE_CLIENT_ID", "your-client-id.apps.googleusercontent.com"),
        ("GOOGLE_CLIENT_SECRET", "GOCSPX-xxxxxxxx"),
        ("NEXT_PUBLIC_GA_ID", "G-XXXXXXXXXX"),
        ("TWILIO_ACCOUNT_SID", "ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        ("PRIVATE_KEY", r"-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----"),
        ("AWS_ACCESS_KEY_ID", "AKIA" + "IOSFODNN7" + "EXAMPLE"),
        ("DEPLOY_TOKEN", "${{ secrets.DEPLOY_TOKEN }}"),
        ("DEPLOY_TOKEN", "${DEPLOY_TOKEN}"),
        ("API_KEY", "{{API_KEY}}"),
        ("ADMIN_EMAIL", "your-email@acme.dev"),
        ("NEXT_PUBLIC_API", "https://api.acme.dev?key=<api-key>"),
        ("NEXT_PUBLIC_API", "[object Object]"),
    ],
)
def test_a_placeholder_seen_in_the_wild_is_a_failure(name: str, value: str) -> None:
    found = judge(name, value)
    assert found is not None
    assert (found.kind, found.level) == ("PLACEHOLDER", "fail"), found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://user:password@localhost:5432/mydb"),  # may be what a compose file sets up
        ("DATABASE_URL", f"postgresql://postgres:password@db.{noise(8).lower()}.dev:5432/app"),
        ("DB_PASSWORD", "password"),
        ("LICENSE_KEY", "blue-whale-key"),
    ],
)
def test_what_may_be_real_is_a_warning(name: str, value: str) -> None:
    assert kind(name, value) == "PLACEHOLDER warn"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://postgres:postgres@localhost:5432/postgres"),
        ("DATABASE_URL", "postgresql://postgres:password@127.0.0.1:5432/app"),
        ("DATABASE_URL", "prisma+postgres://localhost:51213/?api_key=" + noise(40)),
        ("DATABASE_URL", "file:./dev.db"),
        ("REDIS_URL", "redis://localhost:6379"),
        ("NEXT_PUBLIC_APP_URL", "http://localhost:3000"),
        ("NEXT_PUBLIC_SUPABASE_URL", "http://127.0.0.1:54321"),
        ("NEXT_PUBLIC_SUPABASE_ANON_KEY", token({"iss": "supabase-demo", "role": "anon"})),
        ("SUPABASE_JWT_SECRET", "super-secret-jwt-token-with-at-least-32-characters-long"),
        ("TURNSTILE_SECRET_KEY", "1x" + "0" * 31 + "AA"),
        ("NEXT_PUBLIC_POSTHOG_HOST", "https://us.i.posthog.com"),
        ("TINYBIRD_API_URL", "https://api.tinybird.co"),
        ("S3_ENDPOINT", "https://bucket.s3.amazonaws.com"),
        ("ANALYTICS", "true"),
        ("PORT", "3000"),
        ("PORT", "12345"),
        ("CACHE_TTL", "111111"),
        ("NODE_ENV", "test"),
        ("LOG_LEVEL", "none"),
        ("AUTH_PROVIDER", "github"),
        ("AUTH_METHOD", "api-key"),
        ("S3_KEY_PREFIX", "uploads/"),
        ("POSTGRES_PASSWORD", "postgres"),
        ("MINIO_SECRET_KEY", "minioadmin"),
        ("OPENAI_MODEL", "gpt-4o-mini"),
        ("APP_NAME", "Example"),
        ("APP_NAME", "My API"),
        ("EMAIL_FROM", "Acme <hello@acme.dev>"),
        ("EMAIL_FROM", "hello@example.com"),
        ("WELCOME_SUBJECT", "Hi {{name}}, this is your account"),
        ("STORY_URL", "https://yourstory.com"),
        ("SENTRY_ORG", "sentry"),
        ("SENTRY_ORG", "example-test"),
        ("SENTRY_PROJECT", "my-api"),
        ("SENTRY_PROJECT", "javascript-nextjs"),
        ("CRON", "*/5 * * * *"),
        ("GLOB", "src/**/*.ts"),
        ("ALLOWED", '["http://localhost:3000"]'),
        ("MAIL_HTML", "<p>Hello</p>"),
        ("COLOR", "#ffffff"),
        ("VERCEL_URL", "acme-git-main.vercel.app"),
        ("NEXT_PUBLIC_BASE_PATH", "/app"),
        ("HOSTNAME", "0.0.0.0"),
        ("EMPTY", ""),
        ("BLANK", "  "),
    ],
)
@pytest.mark.parametrize("copied", [True, False], ids=["as in the example", "not in the example"])
def test_a_working_value_is_fine_on_a_developer_s_machine(name: str, value: str, copied: bool) -> None:
    assert kind(name, value, value if copied else None) == "-"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://postgres:postgres@db:5432/postgres"),
        ("STRIPE_SECRET_KEY", "sk_test_" + noise(99)),
        ("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", "pk_test_" + noise(99)),
        ("RESEND_API_KEY", f"re_{noise(8)}_{noise(24)}"),
        ("PASSPHRASE", "correct-horse-battery-staple"),
    ],
)
def test_a_real_value_is_fine_unless_the_example_gives_it(name: str, value: str) -> None:
    assert kind(name, value) == "-"
    assert kind(name, value, value).startswith("UNCHANGED")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DATABASE_URL", "postgresql://postgres:postgres@localhost:5432/postgres", "LOCAL fail"),
        ("DATABASE_URL", f"postgresql://app:{noise(20)}@127.0.0.1/app", "LOCAL fail"),
        ("DATABASE_URL", f"postgresql://app:{noise(20)}@[::1]:5432/app", "LOCAL fail"),
        ("DATABASE_URL", "postgresql://postgres:postgres@db.acme.dev:5432/app", "PLACEHOLDER warn"),
        ("DB_PASSWORD", "password", "PLACEHOLDER fail"),
        ("NEXT_PUBLIC_APP_URL", "http://localhost:3000", "LOCAL fail"),
        ("NEXT_PUBLIC_APP_URL", "https://acme.dev", "-"),
        ("TRUSTED_ORIGINS", "https://acme.dev,http://localhost:3000", "LOCAL warn"),
        ("LOGIN_URL", "https://acme.dev/login?next=http://localhost:3000/", "LOCAL warn"),
        ("REDIS_HOST", "localhost", "LOCAL fail"),
        ("SMTP", "mail.localhost:1025", "LOCAL fail"),
        ("SEARCH", "https://acme.dev/localhost", "-"),
        ("HOSTNAME", "0.0.0.0", "-"),
        ("NO_PROXY", "localhost,127.0.0.1", "-"),
        ("TEST_DATABASE_URL", "postgresql://postgres:postgres@localhost/test", "-"),
        ("STRIPE_SECRET_KEY", "sk_test_" + noise(99), "LOCAL fail"),
        ("STRIPE_SECRET_KEY", "sk_live_" + noise(99), "-"),
        ("CLERK_SECRET_KEY", "sk_test_" + noise(42), "LOCAL fail"),
        ("RAZORPAY_KEY_ID", "rzp_test_" + noise(14), "LOCAL fail"),
        ("SUPABASE_SERVICE_ROLE_KEY", token({"iss": "supabase-demo", "role": "service_role"}), "LOCAL fail"),
        ("TURNSTILE_SECRET_KEY", "1x" + "0" * 31 + "AA", "LOCAL fail"),
        ("SUPABASE_JWT_SECRET", "super-secret-jwt-token-with-at-least-32-characters-long", "LOCAL fail"),
        ("EMAIL_FROM", "Acme <hello@example.com>", "PLACEHOLDER warn"),
        ("PORT", "3000", "-"),
        ("ANALYTICS", "true", "-"),
        ("NEXT_PUBLIC_POSTHOG_HOST", "https://us.i.posthog.com", "-"),
    ],
)
def test_a_deployment_needs_values_that_are_not_local(name: str, value: str, expected: str) -> None:
    assert kind(name, value, None, "deploy-check") == expected
    if expected == "-":  # a constant may be the same in the example
        assert kind(name, value, value if "KEY" not in name else None, "deploy-check") == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("AUTH_SECRET", noise(44), "UNCHANGED fail"),
        ("OPENAI_API_KEY", "sk-proj-" + noise(90), "UNCHANGED fail"),
        ("DATABASE_URL", f"postgresql://app:{noise(20)}@db.acme.dev/app", "UNCHANGED fail"),
        ("WEBHOOK_SECRET", str(uuid.UUID(int=2**127 + 987654321987654321)), "UNCHANGED fail"),
        ("NEXT_PUBLIC_POSTHOG_KEY", "phc_" + noise(43), "UNCHANGED warn"),
        ("NEXT_PUBLIC_SENTRY_DSN", f"https://{hexadecimal('a')}@o4501.ingest.us.sentry.io/4502", "UNCHANGED warn"),
        ("SENTRY_ORG", "acme", "-"),
        ("NEXT_PUBLIC_APP_URL", "https://acme.dev", "-"),
        ("API_KEY_ENABLED", "true", "-"),
        ("MAX_TOKENS", "4096", "-"),
    ],
)
def test_the_example_s_own_secret_is_unchanged(name: str, value: str, expected: str) -> None:
    assert kind(name, value, value) == expected
    assert kind(name, value, f" {value} ") == expected
    assert kind(name, value, "") == "-"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("NEON_AUTH_COOKIE_SECRET", noise(31), "SHORT fail"),
        ("NEON_AUTH_COOKIE_SECRET", noise(32), "-"),
        ("BETTER_AUTH_SECRET", noise(19), "SHORT fail"),
        ("NEXTAUTH_SECRET", noise(8), "SHORT fail"),
        ("AUTH_SECRET", "12345", "SHORT fail"),
        ("AUTH_SECRET", "ü" * 3 + noise(26), "-"),  # bytes count
        ("JWT_SECRET", noise(16), "SHORT warn"),
        ("COOKIE_SECRET", noise(16), "SHORT warn"),
        ("CRON_SECRET", noise(16), "-"),
        ("GITHUB_CLIENT_SECRET", noise(16), "-"),
    ],
)
def test_a_signing_secret_has_32_bytes(name: str, value: str, expected: str) -> None:
    assert kind(name, value) == expected


def test_the_reason_says_how_much_is_missing() -> None:
    found = judge("BETTER_AUTH_SECRET", noise(19))
    assert found is not None
    assert found.reason == "has 19 characters where at least 32 are needed"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SENTRY_DSN", f"https://{hexadecimal('a')}@o4501.ingest.us.sentry.io/4502", "-"),
        ("SENTRY_DSN", f"https://{hexadecimal('a')}@sentry.acme.dev/4", "-"),
        ("NEXT_PUBLIC_SENTRY_DSN", f"http://{hexadecimal('a')}@127.0.0.1:8000/1", "-"),
        ("SENTRY_DSN", f"{hexadecimal('a')}@o4501.ingest.sentry.io/4502", "MALFORMED fail"),
        ("SENTRY_DSN", "https://o4501.ingest.sentry.io/4502", "MALFORMED fail"),
        ("SENTRY_DSN", f"https://{hexadecimal('a')}@o4501.ingest.sentry.io/", "MALFORMED fail"),
        ("SENTRY_DSN", f"https://{hexadecimal('a')}@o4501.ingest.sentry.io/web", "MALFORMED fail"),
        ("SENTRY_DSN", f"https://{hexadecimal('a')[:30]}@o4501.ingest.sentry.io/4502", "MALFORMED warn"),
        ("SENTRY_AUTH_TOKEN", "sntrys_" + noise(60), "-"),
        ("SENTRY_AUTH_TOKEN", noise(30), "MALFORMED warn"),
        (
            "DATABASE_URL",
            f"postgresql://o:{noise(16)}@ep-calm-rain-a1b2c3d4-pooler.c-2.us-east-2.aws.neon.tech/db",
            "-",
        ),
        ("DATABASE_URL", f"postgresql://o:{noise(16)}@calm-rain.us-east-2.aws.neon.tech/db", "MALFORMED warn"),
        ("DATABASE_URL", f"psql 'postgresql://o:{noise(16)}@db.acme.dev/db'", "MALFORMED fail"),
        ("DATABASE_URL", "https://console.neon.tech/app/projects", "MALFORMED fail"),
        ("DATABASE_URL", f"mysql://o:{noise(16)}@db.acme.dev/db", "-"),
        ("DATABASE_URL_UNPOOLED", "db.acme.dev/db", "MALFORMED warn"),
        ("SUPABASE_URL", "https://abcdefghijklmnopqrst.supabase.co", "-"),
        ("SUPABASE_URL", "https://auth.acme.dev", "-"),
        ("SUPABASE_URL", "https://abc.supabase.co", "MALFORMED warn"),
        ("SUPABASE_URL", "https://supabase.com/dashboard/project/abcdefghijklmnopqrst", "MALFORMED fail"),
        ("SUPABASE_URL", f"postgresql://postgres:{noise(16)}@db.acme.dev/postgres", "MALFORMED fail"),
        ("NEXT_PUBLIC_SUPABASE_ANON_KEY", token({"iss": "supabase", "role": "anon"}), "-"),
        ("NEXT_PUBLIC_SUPABASE_ANON_KEY", token({"iss": "supabase", "role": "service_role"}), "MALFORMED fail"),
        ("NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY", "sb_publishable_" + noise(31), "-"),
        ("NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY", "sb_secret_" + noise(31), "MALFORMED fail"),
        ("SUPABASE_SERVICE_ROLE_KEY", token({"iss": "supabase", "role": "service_role"}), "-"),
        ("SUPABASE_SERVICE_ROLE_KEY", token({"iss": "supabase", "role": "anon"}), "MALFORMED fail"),
        ("SUPABASE_SECRET_KEY", "sb_secret_" + noise(31), "-"),
        ("SUPABASE_SECRET_KEY", noise(31), "MALFORMED warn"),
        ("STRIPE_SECRET_KEY", "pk_test_" + noise(99), "MALFORMED fail"),
        ("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", "sk_live_" + noise(99), "MALFORMED fail"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_" + noise(32), "-"),
        ("STRIPE_WEBHOOK_SECRET", "we_" + noise(24), "MALFORMED warn"),
        ("NEXT_PUBLIC_POSTHOG_KEY", "phc_" + noise(43), "-"),
        ("NEXT_PUBLIC_POSTHOG_KEY", noise(43), "MALFORMED warn"),
        ("RESEND_API_KEY", noise(30), "MALFORMED warn"),
        ("OPENAI_API_KEY", "sk-proj-" + noise(90), "-"),
        ("ANTHROPIC_API_KEY", "sk-" + noise(90), "MALFORMED warn"),
        ("NEON_AUTH_BASE_URL", "https://ep-calm-rain-a1b2c3d4.neonauth.us-east-2.aws.neon.tech/neondb/auth", "-"),
        ("NEON_AUTH_BASE_URL", "ep-calm-rain-a1b2c3d4.neonauth.us-east-2.aws.neon.tech", "MALFORMED warn"),
        ("NEXT_PUBLIC_APP_URL", "localhost:3000", "MALFORMED warn"),
        ("SOME_OTHER_KEY", noise(30), "-"),
    ],
)
def test_a_known_variable_has_its_vendor_s_shape(name: str, value: str, expected: str) -> None:
    assert kind(name, value) == expected


NAMES = (
    "DATABASE_URL",
    "AUTH_SECRET",
    "STRIPE_SECRET_KEY",
    "SENTRY_DSN",
    "NEXT_PUBLIC_SUPABASE_ANON_KEY",
    "SENTRY_ORG",
    "DB_PASSWORD",
    "APP_NAME",
    "WHATEVER",
)
SEEDS = st.integers(0, 2**64)


def tokens(drawn: random.Random) -> list[str]:
    """Return random tokens of every usual alphabet, 16 to 128 characters long."""
    size = drawn.randint(16, 128)
    data = drawn.randbytes(size)
    punctuated = string.ascii_letters + string.digits + string.punctuation.replace("<", "").replace("{", "")
    return [
        base64.b64encode(data).decode()[:size],
        base64.urlsafe_b64encode(data).decode()[:size],
        base64.b32encode(data).decode()[:size],
        data.hex()[:size],
        data.hex().upper()[:size],
        str(uuid.UUID(bytes=data[:16], version=4)),
        "".join(drawn.choices(string.ascii_letters + string.digits + "_-", k=size)),
        "".join(drawn.choices(string.ascii_lowercase + string.digits, k=size)),
        "".join(drawn.choices(punctuated, k=size)),
        "sk_live_" + base64.urlsafe_b64encode(data).decode()[:size],
        "sk-proj-" + base64.urlsafe_b64encode(data).decode()[:size],
    ]


def urls(drawn: random.Random) -> list[str]:
    secret = base64.urlsafe_b64encode(drawn.randbytes(drawn.randint(8, 32))).decode().rstrip("=")
    words = ["".join(drawn.choices(string.ascii_lowercase, k=drawn.randint(4, 9))) for _ in range(4)]
    code = "".join(drawn.choices(string.ascii_lowercase + string.digits, k=8))
    ref = "".join(drawn.choices(string.ascii_lowercase, k=20))
    host = f"ep-{words[0]}-{words[1]}-{code}{drawn.choice(['', '-pooler'])}.c-2.us-east-2.aws.neon.tech"
    number = drawn.randint(10**9, 10**16)
    return [
        f"postgresql://neondb_owner:npg_{secret}@{host}/neondb?sslmode=require&channel_binding=require",
        f"postgresql://postgres.{ref}:{secret}@aws-0-eu-central-1.pooler.supabase.com:6543/postgres",
        f"postgres://{words[2]}:{secret}@db.{words[3]}.dev:5432/{words[0]}",
        f"https://{drawn.randbytes(16).hex()}@o{number}.ingest.{drawn.choice(['us', 'de'])}.sentry.io/{number + 7}",
        f"https://{ref}.supabase.co",
        f"https://{words[0]}-{words[1]}.upstash.io",
        f"rediss://default:{secret}@{words[0]}-{words[1]}-{number % 10**5}.upstash.io:6379",
        f"https://{words[0]}.{words[1]}.com/{words[2]}?key={secret}",
        f"mongodb+srv://{words[0]}:{secret}@cluster0.{code}.mongodb.net/{words[1]}",
        f"https://hooks.slack.com/services/T{code.upper()}/B{code.upper()}/{secret}",
    ]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(SEEDS)
def test_random_values_are_never_taken_for_placeholders(seed: int) -> None:
    drawn = random.Random(seed)
    for value in (*tokens(drawn), *urls(drawn)):
        for stage in ("execute-plan", "deploy-check"):
            found = judge(drawn.choice(NAMES), value, None, stage)
            assert found is None or found.kind in {"MALFORMED", "LOCAL", "SHORT"}, (value, found)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SEEDS)
def test_a_reason_never_tells_a_piece_of_the_value(seed: int) -> None:
    drawn = random.Random(seed)
    secret = "".join(drawn.choices(string.ascii_letters + string.digits, k=drawn.randint(5, 30)))
    forms = [
        "{}",
        "your-{}-key",
        "<{}>",
        "{}...",
        "postgres://user:{}@localhost/database",
        "sk_test_{}",
        "https://{}@x/a",
    ]
    for form in forms:
        value = form.format(secret)
        for stage in ("execute-plan", "deploy-check"):
            for name in NAMES:
                for example in (None, value):
                    found = judge(name, value, example, stage)
                    assert found is None or not any(
                        secret[start : start + 4] in found.reason for start in range(len(secret) - 3)
                    )


@pytest.mark.parametrize(
    "character", ["a", "-", "<", "x-", "your-", "{", "[", ".", "a-", "<a", "@", ":", "/", "1", "'"]
)
def test_a_long_value_takes_no_long_time(character: str) -> None:
    for name in NAMES:
        judge(name, character * (20_000 // len(character)))
