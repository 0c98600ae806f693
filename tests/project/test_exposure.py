"""Secrets under public prefixes and in tracked files. Every secret here is made when the test runs."""

import base64
import json
import secrets
import subprocess
from pathlib import Path

import pytest

from infracheck.project.exposure import Copy, Exposed, public_secrets, tracked_copies
from infracheck.secret import Secret

TAIL = secrets.token_hex(20)
DIGITS = "".join(secrets.choice("0123456789ABCDEF") for _ in range(16))


def token(**claims: str) -> str:
    parts = ({"alg": "HS256"}, claims)
    head, payload = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{payload}.{TAIL}"


def exposed(name: str, value: str) -> Exposed | None:
    found = public_secrets([(name, Secret(value))])
    return found[0] if found else None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (token(role="service_role"), "a Supabase service_role key"),
        (f"sb_secret_{TAIL}", "a Supabase secret key"),
        (f"sk_live_{TAIL}", "a Stripe secret key"),
        (f"sk_test_{TAIL}", "a Stripe secret key"),
        (f"rk_live_{TAIL}", "a Stripe restricted key"),
        (f"whsec_{TAIL}", "a webhook signing secret"),
        (f"sntrys_{TAIL}", "a Sentry token"),
        (f"sntryu_{TAIL}", "a Sentry token"),
        (f"napi_{TAIL}", "a Neon API key"),
        (f"ghp_{TAIL}", "a GitHub token"),
        (f"github_pat_{TAIL}", "a GitHub token"),
        (f"sk-proj-{TAIL}1", "an AI provider's secret key"),
        (f"AKIA{DIGITS}", "an AWS access key"),
        (f"postgresql://owner:{TAIL}@db.example.com/app", "a postgresql URL with a password"),
        (f"mysql://u:{TAIL}@h/app", "a mysql URL with a password"),
        (f"rediss://default:{TAIL}@h:6379", "a rediss URL with a password"),
        (f"mongodb+srv://u:{TAIL}@h/app", "a mongodb+srv URL with a password"),
        (f"-----BEGIN {'RSA'} PRIVATE KEY-----\n{TAIL}\n-----END", "a private key"),
    ],
)
@pytest.mark.parametrize("name", ["NEXT_PUBLIC_THING", "VITE_PUBLISHABLE_KEY", "EXPO_PUBLIC_DSN"])
def test_a_secret_shape_under_a_public_prefix(name: str, value: str, reason: str) -> None:
    assert exposed(name, value) == Exposed(name, "shape", reason)
    assert exposed("SERVER_THING", value) is None


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("NEXT_PUBLIC_EXPERIMENT_SALT", "SALT"),
        ("NEXT_PUBLIC_SALT_V2", "SALT"),
        ("VITE_API_SECRET", "SECRET"),
        ("NEXT_PUBLIC_SECRET_KEY", "SECRET"),
        ("PUBLIC_DB_PASSWORD", "PASSWORD"),
        ("NEXT_PUBLIC_PRIVATE_KEY", "PRIVATE_KEY"),
        ("NEXT_PUBLIC_SUPABASE_SERVICE_ROLE_KEY", "SERVICE_ROLE"),
        ("NEXT_PUBLIC_DATABASE_URL", "DATABASE_URL"),
    ],
)
@pytest.mark.parametrize("value", ["", "v1", "some-text"])
def test_a_secret_name_under_a_public_prefix(name: str, word: str, value: str) -> None:
    assert exposed(name, value) == Exposed(name, "name", f"{word} in its name")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", f"pk_live_{TAIL}"),
        ("NEXT_PUBLIC_SUPABASE_ANON_KEY", token(role="anon")),
        ("NEXT_PUBLIC_SUPABASE_URL", "https://abcdefghijklmnopqrst.supabase.co"),
        ("NEXT_PUBLIC_SENTRY_DSN", f"https://{TAIL[:32]}@o1.ingest.sentry.io/2"),
        ("NEXT_PUBLIC_POSTHOG_KEY", f"phc_{TAIL}"),
        ("NEXT_PUBLIC_RECAPTCHA_SITE_KEY", TAIL),
        ("NEXT_PUBLIC_PASSWORD_RESET_URL", "https://example.com/reset"),
        ("NEXT_PUBLIC_PASSWORD_MIN_LENGTH", "8"),
        ("NEXT_PUBLIC_SECRET_SANTA", "true"),
        ("NEXT_PUBLIC_PASSWORDLESS", "1"),
        ("NEXT_PUBLIC_BASALT", "rock"),
        ("NEXT_PUBLIC_STRIPE_KEY", "sk_test_..."),  # a placeholder: another check's matter
        ("NEXT_PUBLIC_TITLE", "sk-learn and friends of statistics"),
    ],
)
def test_what_may_be_public(name: str, value: str) -> None:
    assert exposed(name, value) is None


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def add(root: Path, name: str, text: str | bytes, *, track: bool = True) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    if track:
        subprocess.run(["git", "-C", str(root), "add", "--", name], check=True)
    return path


def copies(root: Path, values: dict[str, str], examples: dict[str, str] | None = None) -> list[Copy] | None:
    given = {name: Secret(value) for name, value in (examples or {}).items()}
    return tracked_copies(root, {name: Secret(value) for name, value in values.items()}, examples=given)


def test_a_value_in_a_tracked_file_is_found_at_its_line(repository: Path) -> None:
    path = add(repository, "docs/setup.md", f"# Setup\n\ntoken: {TAIL}\nagain {TAIL}\n")
    add(repository, "notes.txt", TAIL, track=False)
    found = copies(repository, {"API_TOKEN": TAIL})
    assert found == [Copy("API_TOKEN", path, 3)]
    assert TAIL not in repr(found)


def test_the_password_of_a_url_is_found_without_the_url(repository: Path) -> None:
    path = add(repository, "docker-compose.yml", f"services:\n  db:\n    POSTGRES_PASSWORD: {TAIL}\n")
    url = f"postgresql://owner:{TAIL}@ep-x.neon.tech/app"
    assert copies(repository, {"DATABASE_URL": url}) == [Copy("DATABASE_URL", path, 3)]


def test_lines_of_a_private_key_are_found_however_it_is_wrapped(repository: Path) -> None:
    begin, end = (f"-----{word} PRIVATE KEY-----" for word in ("BEGIN", "END"))
    path = add(repository, "key.json", f'{{"key": "{begin}\\n{TAIL}\\n{end}"}}')
    add(repository, "README.md", f"a key begins with {begin}\n")
    assert copies(repository, {"SIGNING_KEY": f"{begin}\n{TAIL}\n{end}"}) == [Copy("SIGNING_KEY", path, 1)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_TOKEN", "short-secret"),
        ("NEXT_PUBLIC_API_TOKEN", TAIL),
        ("SUPABASE_ANON_KEY", token(role="anon")),
        ("SUPABASE_SERVICE_ROLE_KEY", token(role="service_role", iss="supabase-demo")),  # public, of the local stack
        ("STRIPE_PUBLISHABLE_KEY", f"pk_test_{TAIL}"),
        ("SENTRY_DSN", f"https://{TAIL[:32]}@o1.ingest.sentry.io/2"),
        ("BETTER_AUTH_URL", "https://app.example.com/dashboard"),
        ("DATABASE_URL", "postgresql://postgres:postgres@localhost:5432/app"),
        ("DATABASE_URL", f"postgresql://app:{TAIL}@127.0.0.1:5432/app"),
        ("APP_NAME", "My Wonderful Application"),
        ("S3_BUCKET", "acme-production-uploads"),
        ("AI_MODEL", "some-model-mini-2024-07-18"),
        ("EMAIL_FROM", "The Team <team@example.com>"),
    ],
)
def test_what_may_stand_in_tracked_files(repository: Path, name: str, value: str) -> None:
    add(repository, "README.md", f"{name}={value}\n")
    assert copies(repository, {name: value}) == []


def test_a_value_of_the_example_is_a_default_unless_its_shape_says_secret(repository: Path) -> None:
    default, real = "local-development-secret", f"sk_test_{TAIL}"
    path = add(repository, ".env.local.example", f"AUTH_SECRET={default}\nSTRIPE_SECRET_KEY={real}\n")
    values = {"AUTH_SECRET": default, "STRIPE_SECRET_KEY": real}
    assert copies(repository, values, values) == [Copy("STRIPE_SECRET_KEY", path, 2)]


def test_binary_large_and_missing_files_are_no_trouble(repository: Path) -> None:
    add(repository, "large.txt", b"x" * (5 << 20) + TAIL.encode())
    add(repository, "gone.txt", TAIL).unlink()
    path = add(repository, "image.bin", b"\0\xff" + TAIL.encode())
    (repository / "link").symlink_to("nowhere")
    assert copies(repository, {"API_TOKEN": TAIL}) == [Copy("API_TOKEN", path, 1)]


def test_outside_git_nothing_can_be_said(tmp_path: Path) -> None:
    assert copies(tmp_path, {"API_TOKEN": TAIL}) is None


def test_many_values_in_many_files(repository: Path) -> None:
    values = {f"KEY_{number}": secrets.token_hex(16) for number in range(200)}
    for number in range(100):
        add(repository, f"src/f{number}.ts", f"const a = {number}\n" * 50, track=False)
    hidden = [add(repository, f"src/h{name}.ts", f"\n{value}", track=False) for name, value in list(values.items())[:5]]
    subprocess.run(["git", "-C", str(repository), "add", "--all"], check=True)
    assert sorted(copy.path for copy in copies(repository, values) or ()) == sorted(hidden)
