"""The sample app of the demo: its files in a folder, and the small services beside it."""

import secrets
import sys
import time
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from infracheck.clients.ports import free_port, is_listening
from infracheck.clients.process import Supervised
from infracheck.errors import ClientError
from infracheck.project.files import write_whole

ENV_FILE: Final = ".env.local"
LATEST: Final = "-- New in this plan"  # where schema.sql goes beyond what stands in the database at first
START_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.02
SUFFIX: Final = ".tmpl"  # keeps linters and git away from the templates


class Sample:
    """The app in `folder`, as a person has it who copied the env example and filled it in."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        """Write the files, with every variable still empty.

        Args:
            environ: the whole environment of its services; what .env.local says should not stand there.
        """
        self.folder = folder
        self._environ = dict(environ) | {"PYTHONDONTWRITEBYTECODE": "1"}
        folder.mkdir(mode=0o700)
        for template in (resources.files("infracheck.templates") / "demo").iterdir():
            if not template.is_file():
                continue
            text = template.read_text(encoding="utf-8")
            write_whole(folder / template.name.removesuffix(SUFFIX), text)
        write_whole(self.env_file, (folder / ".env.local.example").read_text(encoding="utf-8"))
        self.env_file.chmod(0o600)

    @property
    def env_file(self) -> Path:
        return self.folder / ENV_FILE

    def fill(self, values: Mapping[str, str]) -> str:
        """Write values into .env.local; return the place of the last one, as `.env.local:13`."""
        lines = self.env_file.read_text(encoding="utf-8").splitlines()
        last = 0
        for number, line in enumerate(lines, 1):
            name, sign, _ = line.partition("=")
            if sign and name in values:
                lines[number - 1], last = f"{name}={values[name]}", number
        write_whole(self.env_file, "".join(f"{line}\n" for line in lines))
        return f"{ENV_FILE}:{last}"

    def value(self, name: str) -> str:
        lines = self.env_file.read_text(encoding="utf-8").splitlines()
        return next(value for key, sign, value in (line.partition("=") for line in lines) if sign and key == name)

    def schema(self, *, latest: bool) -> str:
        """Return schema.sql, or the part of it that was there before the latest plan."""
        text = (self.folder / "schema.sql").read_text(encoding="utf-8")
        return text if latest else text.partition(LATEST)[0]

    def start(self, script: str, url: str) -> Supervised:
        """Start one of the services and wait until it listens at the place that the variable `url` names.

        Raises:
            ClientError: it ended, or did not listen in time.
        """
        port = urlsplit(self.value(url)).port or 0
        service = Supervised([sys.executable, script], cwd=self.folder, env=self._environ)
        try:
            _await_listening(service, script, port)
        except BaseException:
            service.stop()
            raise
        return service


def _await_listening(service: Supervised, script: str, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_listening(port):
        if service.wait(POLL_SECONDS) is not None or time.monotonic() > deadline:
            said = "; ".join(service.output()[-3:]) or f"nothing listens on port {port}"
            raise ClientError(f"{script} did not start: {said}", "try again")


def local_values(database_url: str) -> dict[str, str]:
    """Return a value for every variable but NOTES_SECRET: new secrets, and free ports of this machine."""
    ports: set[int] = set()
    while len(ports) < 3:
        ports.add(free_port())
    app, auth, ingest = ports
    return {
        "NEXT_PUBLIC_APP_URL": f"http://localhost:{app}",
        "DATABASE_URL": database_url,
        "NEON_AUTH_BASE_URL": f"http://localhost:{auth}/neondb/auth",
        "NEXT_PUBLIC_SENTRY_DSN": f"http://{secrets.token_hex(16)}@localhost:{ingest}/1",
        "SENTRY_AUTH_TOKEN": f"sntryu_{secrets.token_hex(32)}",
        "SENTRY_ORG": "demo",
        "SENTRY_PROJECT": "notes",
    }


def apply(sql: str, database_url: str) -> None:
    """Run statements on a database, all or none of them.

    Raises:
        ClientError: the database cannot be reached or refuses one.
    """
    import psycopg

    try:
        with psycopg.connect(database_url, sslmode="disable", connect_timeout=10) as connection:
            connection.execute(sql.encode())
    except psycopg.Error as error:
        raise ClientError(f"schema.sql cannot be applied: {error}", "try again") from None
