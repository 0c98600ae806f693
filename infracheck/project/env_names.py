"""Names of variables: those that a platform sets by itself, and those that are nearly another one."""

import re
from collections.abc import Collection
from typing import Final

from infracheck.secret import PUBLIC_PREFIXES

# Name -> who sets it; a trailing * stands for any rest. Reported as provided, never as missing from the example.
PLATFORM: Final = {
    "NODE_ENV": "Node.js tools set it",
    "NODE_OPTIONS": "Node.js itself reads it",
    "NEXT_RUNTIME": "Next.js sets it",
    "NEXT_PHASE": "Next.js sets it",
    "NEXT_DEPLOYMENT_ID": "Next.js sets it",
    "__NEXT_*": "Next.js sets it",
    "TURBOPACK": "Next.js sets it",
    "PORT": "the host and the dev server set it",
    "HOST": "the host and the dev server set it",
    "HOSTNAME": "the operating system sets it",
    "CI": "CI services set it",
    "GITHUB_ACTIONS": "GitHub Actions sets it",
    "GITHUB_SHA": "GitHub Actions sets it",
    "GITHUB_REF": "GitHub Actions sets it",
    "GITHUB_REF_NAME": "GitHub Actions sets it",
    "GITHUB_HEAD_REF": "GitHub Actions sets it",
    "GITHUB_BASE_REF": "GitHub Actions sets it",
    "GITHUB_RUN_ID": "GitHub Actions sets it",
    "GITHUB_REPOSITORY": "GitHub Actions sets it",
    "GITLAB_CI": "GitLab CI sets it",
    "CI_*": "GitLab CI sets it",
    "VERCEL": "Vercel sets it",
    "VERCEL_*": "Vercel sets it",
    "VERCEL_OIDC_TOKEN": "Vercel sets it",
    "VERCEL_AUTOMATION_BYPASS_SECRET": "Vercel sets it",
    "NEXT_PUBLIC_VERCEL_*": "Vercel sets it",
    "NETLIFY": "Netlify sets it",
    "DEPLOY_PRIME_URL": "Netlify sets it",
    "CF_PAGES": "Cloudflare Pages sets it",
    "CF_PAGES_*": "Cloudflare Pages sets it",
    "RENDER": "Render sets it",
    "RENDER_*": "Render sets it",
    "RAILWAY_*": "Railway sets it",
    "FLY_*": "Fly.io sets it",
    "DYNO": "Heroku sets it",
    "HEROKU_*": "Heroku sets it",
    "K_SERVICE": "Cloud Run sets it",
    "K_REVISION": "Cloud Run sets it",
    "AWS_LAMBDA_*": "AWS Lambda sets it",
    "AWS_EXECUTION_ENV": "AWS sets it",
    "npm_*": "the package manager sets it",
    "INIT_CWD": "the package manager sets it",
    "JEST_WORKER_ID": "the test runner sets it",
    "VITEST": "the test runner sets it",
    "VITEST_*": "the test runner sets it",
    "PLAYWRIGHT_*": "the test runner sets it",
    "PATH": "the operating system sets it",
    "HOME": "the operating system sets it",
    "USER": "the operating system sets it",
    "PWD": "the operating system sets it",
    "SHELL": "the operating system sets it",
    "TMPDIR": "the operating system sets it",
    "TZ": "the operating system sets it",
    "LANG": "the operating system sets it",
    "TERM": "the terminal sets it",
    "COLORTERM": "the terminal sets it",
    "NO_COLOR": "the terminal's user sets it",
    "FORCE_COLOR": "the terminal's user sets it",
    "APPDATA": "Windows sets it",
    "LOCALAPPDATA": "Windows sets it",
    "USERPROFILE": "Windows sets it",
    "import.meta.env.MODE": "Vite sets it",
    "import.meta.env.DEV": "Vite sets it",
    "import.meta.env.PROD": "Vite sets it",
    "import.meta.env.SSR": "Vite sets it",
    "import.meta.env.BASE_URL": "Vite sets it",
    "import.meta.env.LEGACY": "Vite sets it",
    "import.meta.env.SITE": "Astro sets it",
    "import.meta.env.ASSETS_PREFIX": "Astro sets it",
}
# Keys for a platform's API and the account's own ids come from the team, whatever their prefix.
_OWN: Final = re.compile(r"_(?:TOKEN|SECRET|KEY|PASSWORD|DSN|TEAM_ID|ORG_ID)$")
_SHORTEST: Final = 5  # characters; `DB` and `DBS` may well be two variables


def provided(name: str, how: str = "process.env") -> str | None:
    """Return who sets a variable without anyone writing it into an env file, or None when nobody does."""
    exact = PLATFORM.get(f"{how}.{name}") or PLATFORM.get(name)
    if exact or _OWN.search(name):
        return exact
    return next((why for key, why in PLATFORM.items() if key.endswith("*") and name.startswith(key[:-1])), None)


def near(name: str, known: Collection[str]) -> str | None:
    """Return the known name that was probably meant: a public prefix added or dropped, else one edit away."""
    if name in known:
        return None
    bare = _without_prefix(name)
    candidates = sorted(known)
    for other in candidates:
        if _without_prefix(other) == bare or other.casefold() == name.casefold():
            return other
    return next((other for other in candidates if _one_edit(name, other)), None)


def _without_prefix(name: str) -> str:
    # The longest first: PUBLIC_ is also the end of NEXT_PUBLIC_.
    longest_first = sorted(PUBLIC_PREFIXES, key=len, reverse=True)
    return next((name.removeprefix(prefix) for prefix in longest_first if name.startswith(prefix)), name)


def _one_edit(one: str, other: str) -> bool:
    """Tell whether one character was added, dropped or changed, or two neighbours were swapped."""
    if min(len(one), len(other)) < _SHORTEST or abs(len(one) - len(other)) > 1:
        return False
    start = _alike(one, other)
    end = _alike(one[start:][::-1], other[start:][::-1])
    left, right = one[start : len(one) - end], other[start : len(other) - end]
    if (left + right).isdigit():  # KEY_1 and KEY_2 are two variables, and so are KEY and KEY2
        return False
    return max(len(left), len(right)) == 1 or (len(left) == 2 and left == right[::-1])


def _alike(one: str, other: str) -> int:
    """Return how many characters two texts share at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
