"""Whether the files of a Next.js app load Sentry's SDK everywhere, and report what fails in API routes."""

from collections.abc import Iterator
from pathlib import Path

from infracheck.context import Context
from infracheck.model import Finding
from infracheck.project.sentrycode import SentryCode
from infracheck.project.sentryfiles import PACKAGE, SentryFiles

from .sentry_rules import found


def wiring(ctx: Context, files: SentryFiles) -> tuple[Finding, ...]:
    """Return what is missing or left over, by file; nothing but the package where that is not installed."""
    if not files.installed and files.other_sdk:
        return (found("OTHER SDK", files.other_sdk, "package.json"),)
    if not files.installed:
        return (found("NOT INSTALLED", PACKAGE, "package.json"),)
    judge = _Wiring(ctx, files)
    if files.injects:
        return (*judge.configurations(), *judge.build(), *judge.examples())
    return (
        *judge.configurations(),
        *judge.server(),
        *judge.client(),
        *judge.build(),
        *judge.pages(),
        *judge.routes(),
        *judge.examples(),
    )


def build_file(ctx: Context, files: SentryFiles) -> Iterator[Finding]:
    """Find a token's own file that git would publish."""
    if (one := files.build_file) is None:
        return
    name = ctx.project.show(one.path)
    if one.tracked:
        yield found("TRACKED", name, name)
    elif one.ignored is False:
        yield found("NOT IGNORED", name, name)


class _Wiring:
    def __init__(self, ctx: Context, files: SentryFiles) -> None:
        self._ctx = ctx
        self._files = files

    def _show(self, path: Path) -> str:
        return self._ctx.project.show(path)

    def _found(self, state: str, code: SentryCode, line: int = 1, **facts: str) -> Finding:
        name = self._show(code.path)
        return found(state, name, f"{name}:{line}", **facts)

    def _absent(self, state: str, name: str, ending: str = "ts") -> Finding:
        """Return the finding that a file is not there; one in the wrong folder is that instead."""
        folder = self._show(self._files.base)
        if other := self._files.misplaced(name):
            here = "the app's folder" if folder == "." else f"{folder}/"
            return found("WRONG FOLDER", self._show(other), f"{self._show(other)}:1", folder=here)
        return found(state, f"{name}.{ending}" if folder == "." else f"{folder}/{name}.{ending}", None)

    def configurations(self) -> Iterator[Finding]:
        """Judge the files that are for nothing but Sentry.init."""
        initialised = {init.path for init in self._files.inits}
        for config in filter(None, (self._files.server, self._files.edge)):
            if not self._initialises(config, initialised):
                yield self._found("NO INIT", config)

    def server(self) -> Iterator[Finding]:
        """Judge instrumentation and what it loads."""
        files = self._files
        one = files.instrumentation
        if one is None:
            yield self._absent("NO INSTRUMENTATION", "instrumentation")
            return
        initialised = {init.path for init in files.inits}
        if not one.export("register") and one.path not in initialised:
            yield self._found("NO REGISTER", one)
        elif not files.loaded & (initialised | {files.server.path} if files.server else initialised):
            yield self._found("NO SERVER INIT", one, (one.export("register") or (1, ""))[0])
        elif files.edge and files.edge.path not in files.loaded:
            yield self._found("NOT LOADED", files.edge)
        yield from self._request_errors(one)

    def _request_errors(self, one: SentryCode) -> Iterator[Finding]:
        # Next.js calls this hook from 15 on; before, the SDK's build wraps each route.
        if (self._files.next_major or 15) < 15:
            return
        exported = one.export("onRequestError")
        if exported is None:
            yield self._found("NO ONREQUESTERROR", one)
        elif not self._reports(one, exported[1]):
            yield self._found("REPORTS NOTHING", one, exported[0])

    def _reports(self, one: SentryCode, exported: str) -> bool:
        return one.captures or " from " in exported or bool(self._captured_by_loaded())

    def _captured_by_loaded(self) -> set[Path]:
        return {code.path for code in self._files.capturing} & self._files.loaded

    def client(self) -> Iterator[Finding]:
        """Judge what browsers load."""
        files = self._files
        initialised = {init.path for init in files.inits}
        if files.client is None:
            if files.old_client is None:
                yield self._absent("NO CLIENT", "instrumentation-client")
            elif files.turbopack:
                yield self._found("DEAD CODE", files.old_client)
            else:
                yield self._found("OLD CLIENT", files.old_client)
                if files.old_client.path not in initialised:
                    yield self._found("NO INIT", files.old_client)
            return
        if not self._initialises(files.client, initialised):
            yield self._found("NO INIT", files.client)
        if files.old_client:
            yield self._found("OLD CLIENT", files.old_client)

    def _initialises(self, code: SentryCode, initialised: set[Path]) -> bool:
        return bool(initialised & self._files.reached(code))

    def build(self) -> Iterator[Finding]:
        """Judge next.config."""
        files = self._files
        if files.next_config is None:
            yield found("NOT WRAPPED", "next.config.ts", None, what="there is no next.config")
        elif files.build_options is None:
            yield self._found("NOT WRAPPED", files.next_config, what="withSentryConfig of the SDK is not called")

    def pages(self) -> Iterator[Finding]:
        """Judge the page that stands in when the root layout breaks."""
        files = self._files
        if files.global_error and not files.global_error.captures:
            yield self._found("SILENT", files.global_error)
        elif not files.global_error:
            name = "app/global-error.tsx" if files.app_router else "pages/_error.tsx"
            yield found("NO GLOBAL ERROR", self._show(files.base / name), None)

    def routes(self) -> Iterator[Finding]:
        """Judge whether errors of API routes are reported, by the hook for all or by a route itself."""
        files = self._files
        if not files.routes:
            return
        one = files.instrumentation
        exported = one.export("onRequestError") if one else None
        hooked = bool(one and exported and self._reports(one, exported[1]))
        if hooked or files.capturing:
            yield self._reported(hooked=hooked)
            capturing = {code.path for code in files.capturing}
            for code in files.routes:
                if (line := code.swallowing) and code.path not in capturing:
                    yield self._found("SWALLOWED", code, line)
        elif (files.next_major or 15) < 15:
            yield self._found("UNREPORTED HERE", files.routes[0])
        else:
            count = len(files.routes)
            said = "what this API route throws is" if count == 1 else f"what {count} API routes throw is"
            yield self._found("UNREPORTED", files.routes[0], count=said)

    def _reported(self, *, hooked: bool) -> Finding:
        files = self._files
        one = files.instrumentation if hooked else files.capturing[0]
        line = (one.export("onRequestError") or (1, ""))[0] if one and hooked else 1
        name = self._show(one.path) if one else ""
        by = "onRequestError" if hooked else "captureException"
        return Finding("API routes", "REPORTED", f"{len(files.routes)}, by {by}", f"{name}:{line}", "info")

    def examples(self) -> Iterator[Finding]:
        """Find what the wizard made for a first try."""
        for path in self._files.examples:
            yield found("EXAMPLE LEFT", self._show(path), f"{self._show(path)}:1")
