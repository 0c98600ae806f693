"""Bugsink, a Sentry-compatible server, installed in a virtual environment of its own and ready to be started.

Its pins (Django, its own sentry-sdk) must not meet ours, so bugsink.lock.txt is installed apart from the test packages.
"""

import os
import secrets
import sys
from pathlib import Path

from tests.components.cache import built, digest
from tests.components.child import run

LOCK = Path(__file__).with_name("bugsink.lock.txt")
PIP_SECONDS = 600
MANAGE_SECONDS = 180

# Events are digested inside the request (TASK_ALWAYS_EAGER): when Bugsink has answered 200, the event is stored.
SETTINGS = """\
import os
from bugsink.settings.default import *

FOLDER = os.environ["BUGSINK_FOLDER"]
SECRET_KEY = os.environ["BUGSINK_SECRET_KEY"]
DATABASES["default"]["NAME"] = f"{FOLDER}/db.sqlite3"
DATABASES["snappea"]["NAME"] = f"{FOLDER}/snappea.sqlite3"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
TIME_ZONE = "UTC"
SNAPPEA = {"TASK_ALWAYS_EAGER": True}
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
BUGSINK = {
    "BASE_URL": os.environ["BUGSINK_BASE_URL"],
    "SINGLE_USER": True,
    "SINGLE_TEAM": True,
    "PHONEHOME": False,
    "INGEST_STORE_BASE_DIR": f"{FOLDER}/ingestion",
}
"""

SEED = """\
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "bugsink_conf"
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from projects.models import Project
from teams.models import Team
team = Team.objects.create(name="acme")
for name in ("next-notes", "other"):
    Project.objects.create(name=name, team=team)
from bsmain.models import AuthToken
with open(f"{os.environ['BUGSINK_FOLDER']}/token", "w") as file:
    file.write(AuthToken.create_full_access().token)
"""


def bugsink_installed() -> Path:
    """Return the folder of an installed Bugsink, built on first use: python, bugsink_conf.py and an empty database.

    Raises ChildFailed, with pip's or Bugsink's output, when that fails.
    """
    return built("bugsink", digest(LOCK.read_bytes(), SETTINGS.encode(), SEED.encode(), sys.version.encode()), _build)


def python_of(folder: Path) -> Path:
    return folder / "venv" / "bin" / "python"


def bugsink_env(installed: Path, folder: Path, base_url: str) -> dict[str, str]:
    """Return the environment of a Bugsink whose data is in `folder`."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "PYTHONPATH": str(installed),
        "DJANGO_SETTINGS_MODULE": "bugsink_conf",
        "BUGSINK_FOLDER": str(folder),
        "BUGSINK_BASE_URL": base_url,
        "BUGSINK_SECRET_KEY": secrets.token_hex(32),
    }


def _build(folder: Path) -> None:
    log = folder / "build.log"
    run([sys.executable, "-m", "venv", folder / "venv"], folder=folder, env=os.environ, log=log, seconds=MANAGE_SECONDS)
    pip: list[str | Path] = [python_of(folder), "-m", "pip", "install", "--requirement", LOCK]
    run(pip, folder=folder, env=os.environ, log=log, seconds=PIP_SECONDS)
    (folder / "bugsink_conf.py").write_text(SETTINGS, encoding="utf-8")
    (folder / "seed.py").write_text(SEED, encoding="utf-8")
    template = folder / "template"
    template.mkdir()
    env = bugsink_env(folder, template, "http://127.0.0.1:1")
    run([python_of(folder), folder / "seed.py"], folder=folder, env=env, log=log, seconds=MANAGE_SECONDS)
