"""Names: who provides a variable, and which one was probably meant."""

import pytest

from infracheck.project.env_names import near, provided

KNOWN = ["DATABASE_URL", "NEXT_PUBLIC_SENTRY_DSN", "OPENAI_API_KEY", "S3_KEY_1", "APP"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SENTRY_DSN", "NEXT_PUBLIC_SENTRY_DSN"),
        ("VITE_SENTRY_DSN", "NEXT_PUBLIC_SENTRY_DSN"),
        ("NEXT_PUBLIC_DATABASE_URL", "DATABASE_URL"),
        ("DATABSE_URL", "DATABASE_URL"),
        ("DATABASE_URLS", "DATABASE_URL"),
        ("DATABAES_URL", "DATABASE_URL"),
        ("OPENAI_APIKEY", "OPENAI_API_KEY"),
        ("database_url", "DATABASE_URL"),
        ("DATABASE_URL", None),
        ("S3_KEY_2", None),
        ("OPENAI_API_KEY2", None),
        ("APPS", None),
        ("STRIPE_SECRET_KEY", None),
    ],
)
def test_near_misses(name: str, meant: str | None) -> None:
    assert near(name, KNOWN) == meant


def test_what_platforms_set_by_themselves() -> None:
    for name in (
        "NODE_ENV",
        "VERCEL",
        "VERCEL_URL",
        "CI",
        "PORT",
        "NEXT_RUNTIME",
        "npm_package_version",
        "VERCEL_OIDC_TOKEN",
    ):
        assert provided(name), name
    assert provided("NEXT_PUBLIC_VERCEL_ENV") == "Vercel sets it"
    for name in ("VERCEL_TOKEN", "FLY_API_TOKEN", "GITHUB_CLIENT_ID", "DATABASE_URL", "BASE_URL", "MODE"):
        assert provided(name) is None, name
    assert provided("BASE_URL", "import.meta.env") == "Vite sets it"
