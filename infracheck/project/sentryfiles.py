"""Which of the files that wire Sentry's SDK into a Next.js app lie on disk, and what they do."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from os.path import normpath
from pathlib import Path
from typing import Final

from infracheck.project.detect import Project
from infracheck.project.gitfiles import ignored_by, is_tracked
from infracheck.project.sentrycode import BuildOptions, Given, Init, SentryCode
from infracheck.project.source_files import SCRIPTS, walk
from infracheck.secret import Secret

PACKAGE: Final = "@sentry/nextjs"
_OTHER_SDKS: Final = ("@sentry/node", "@sentry/react", "@sentry/browser")
BUILD_FILE: Final = ".env.sentry-build-plugin"  # where Sentry's own wizard puts the token
_ENDINGS: Final = (".ts", ".js", ".mjs", ".mts", ".cjs", ".cts", ".tsx", ".jsx")
_LINKED: Final = 3  # files that instrumentation may reach the SDK's configuration through
_CONCERNS: Final = re.compile(rb"sentry|capture[A-Z]", re.IGNORECASE)
_ROUTE: Final = re.compile(r"(?:src/)?(?:app/(?:.+/)?route|pages/api/.+)\.[jt]sx?")
_BOUNDARY: Final = re.compile(r"(?:.*/)?(?:(?:global-)?error|_error)\.[jt]sx?")
_EXAMPLE: Final = re.compile(r"(?:src/)?(?:app|pages)/(?:.+/)?sentry-example-(?:page|api)(?:/.*|\.[jt]sx?)")


@dataclass(frozen=True, slots=True)
class BuildFile:
    """The file with the build's token, as git sees it; None where git cannot be asked."""

    path: Path
    tracked: bool | None
    ignored: bool | None


@dataclass(frozen=True, slots=True)
class DsnLiteral:
    """A DSN that is written out in code; its text is never shown."""

    path: Path
    line: int
    value: Secret


class SentryFiles:
    """The app's files as far as they concern Sentry; each is parsed once, and only when asked for."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.root = project.root
        self._codes: dict[Path, SentryCode] = {}

    # -- packages

    @cached_property
    def installed(self) -> bool:
        """Tell whether package.json names the SDK: the app's own, or that of a workspace above it."""
        if PACKAGE in self.project.dependencies:
            return True
        return any(PACKAGE in _dependencies(folder / "package.json") for folder in self.project.upwards())

    @cached_property
    def other_sdk(self) -> str | None:
        """Return another SDK of Sentry's that the app uses instead, by its own hand."""
        return next((name for name in _OTHER_SDKS if name in self.project.dependencies), None)

    @property
    def injects(self) -> bool:
        """Tell whether the SDK's build loads its configuration files itself, without instrumentation: up to 7."""
        return (self.project.major(PACKAGE) or 8) < 8

    @property
    def next_major(self) -> int | None:
        return self.project.major("next")

    @cached_property
    def turbopack(self) -> bool:
        """Tell whether the build goes through Turbopack, which reads no sentry.client.config."""
        scripts = self.project.package.get("scripts")
        said = " ".join(map(str, scripts.values())) if isinstance(scripts, dict) else ""
        return (self.next_major or 0) >= 16 and "--webpack" not in said

    # -- files with a name of their own

    @cached_property
    def base(self) -> Path:
        """Return the folder where Next.js looks for instrumentation: the one that holds `app` or `pages`."""
        here = any((self.root / name).is_dir() for name in ("app", "pages"))
        return self.root / "src" if not here and (self.root / "src").is_dir() else self.root

    @property
    def app_router(self) -> bool:
        return (self.base / "app").is_dir()

    @cached_property
    def instrumentation(self) -> SentryCode | None:
        return self._named("instrumentation", self.base)

    @cached_property
    def client(self) -> SentryCode | None:
        return self._named("instrumentation-client", self.base)

    @cached_property
    def old_client(self) -> SentryCode | None:
        return self._named("sentry.client.config", self.root, self.base)

    @cached_property
    def server(self) -> SentryCode | None:
        return self._named("sentry.server.config", self.root, self.base)

    @cached_property
    def edge(self) -> SentryCode | None:
        return self._named("sentry.edge.config", self.root, self.base)

    @cached_property
    def next_config(self) -> SentryCode | None:
        return self._named("next.config", self.root)

    @cached_property
    def global_error(self) -> SentryCode | None:
        folder, name = ("app", "global-error") if self.app_router else ("pages", "_error")
        return self._named(name, self.base / folder)

    def misplaced(self, name: str) -> Path | None:
        """Return a file that Next.js would load from `base`, in the folder where it does not look."""
        other = self.root if self.base != self.root else self.root / "src"
        found = self._named(name, other)
        return found.path if found else None

    @cached_property
    def build_file(self) -> BuildFile | None:
        path = self.root / BUILD_FILE
        tracked = is_tracked(path)
        if not path.is_file() and not tracked:
            return None
        found = ignored_by(path) if tracked is not None else None
        return BuildFile(path, tracked, None if tracked is None else bool(found and found.shared))

    # -- what they do

    @cached_property
    def build_options(self) -> BuildOptions | None:
        """Return what withSentryConfig is given, in next.config or in a file that it imports."""
        paths = sorted(self.reached(self.next_config)) if self.next_config else []
        return next((found for path in paths if (found := self._code(path).build_options)), None)

    def option(self, name: str) -> Given | None:
        """Return what withSentryConfig is given under a name."""
        return self.build_options.options.get(name) if self.build_options else None

    @cached_property
    def inits(self) -> tuple[Init, ...]:
        """Return every call of Sentry.init in the app's source, by file."""
        return tuple(init for code in self._concerned for init in code.inits)

    @cached_property
    def literals(self) -> tuple[DsnLiteral, ...]:
        """Return the DSNs that Sentry.init is given literally; an empty text is one too."""
        given = ((init.path, init.dsn) for init in self.inits if init.dsn)
        return tuple(DsnLiteral(path, dsn.literal_line, dsn.literal) for path, dsn in given if dsn.literal is not None)

    @cached_property
    def loaded(self) -> frozenset[Path]:
        """Return the files that instrumentation loads, itself among them."""
        return self.reached(self.instrumentation) if self.instrumentation else frozenset()

    def reached(self, start: SentryCode) -> frozenset[Path]:
        """Return a file and those that it imports, directly or through a few others."""
        found: dict[Path, None] = {}
        waiting = [start]
        for _ in range(_LINKED + 1):
            waiting, now = [], waiting
            for code in now:
                found[code.path] = None
                paths = (self._resolved(code.path.parent, name) for name in code.imports)
                waiting += [self._code(path) for path in paths if path and path not in found]
        return frozenset(found)

    @cached_property
    def routes(self) -> tuple[SentryCode, ...]:
        """Return the API routes, Sentry's own example apart."""
        names = ((path, self._relative(path)) for path in self._sources)
        return tuple(self._code(p) for p, name in names if _ROUTE.fullmatch(name) and not _EXAMPLE.fullmatch(name))

    @cached_property
    def capturing(self) -> tuple[SentryCode, ...]:
        """Return the files on the server's side that report errors themselves; error pages and examples apart."""

        def counts(code: SentryCode) -> bool:
            name = self._relative(code.path)
            return not (code.client or _BOUNDARY.fullmatch(name) or _EXAMPLE.fullmatch(name))

        wired = {code.path for code in (self.instrumentation, self.client, self.old_client) if code}
        return tuple(c for c in self._concerned if c.path not in wired and counts(c) and c.captures)

    @cached_property
    def examples(self) -> tuple[Path, ...]:
        return tuple(path for path in self._sources if _EXAMPLE.fullmatch(self._relative(path)))

    # -- finding and parsing

    @cached_property
    def _sources(self) -> tuple[Path, ...]:
        return tuple(walk(self.root, SCRIPTS))

    @cached_property
    def _concerned(self) -> tuple[SentryCode, ...]:
        codes = (self._code(path) for path in self._sources)
        return tuple(code for code in codes if _CONCERNS.search(code.data))

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _code(self, path: Path) -> SentryCode:
        if path not in self._codes:
            self._codes[path] = SentryCode(path)
        return self._codes[path]

    def _named(self, name: str, *folders: Path) -> SentryCode | None:
        paths = (folder / f"{name}{ending}" for folder in folders for ending in _ENDINGS)
        return next((self._code(path) for path in paths if path.is_file()), None)

    def _resolved(self, folder: Path, name: str) -> Path | None:
        """Return the file that an import names: relative, or `@/…` and `~/…` for the app's folder or its `src`."""
        if not name.startswith((".", "@/", "~/")):
            return None
        bases = [folder] if name.startswith(".") else [self.root, self.root / "src"]
        return next((path for base in bases for path in _candidates(base, name) if path.is_file()), None)


def _candidates(base: Path, name: str) -> Iterator[Path]:
    stem = normpath(base / re.sub(r"^[@~]/", "", name))
    for written in dict.fromkeys((stem, re.sub(r"\.[cm]?js$", "", stem))):  # ./x.js may be x.ts
        yield Path(written)
        yield from (Path(f"{written}{ending}") for ending in (*_ENDINGS, "/index.ts", "/index.js"))


def _dependencies(path: Path) -> set[str]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError):
        return set()
    kinds = ("dependencies", "devDependencies", "optionalDependencies")
    tables = [data.get(kind) for kind in kinds] if isinstance(data, dict) else []
    return {name for table in tables if isinstance(table, dict) for name in table}
