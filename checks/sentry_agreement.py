"""Whether Sentry's DSN, token, organisation and project are well formed and agree, in variables and in code."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from infracheck.context import Context
from infracheck.errors import ClientError
from infracheck.model import Finding
from infracheck.project.sentrycode import Given, Init
from infracheck.project.sentrydsn import sdk_view
from infracheck.project.sentryfiles import SentryFiles
from infracheck.project.sentrytoken import read_token, region_of_host

from .sentry_rules import found
from .sentry_variables import ORG, PROJECT, TOKEN, excused, value

if TYPE_CHECKING:
    from infracheck.clients.sentry import Dsn

_PUBLIC: Final = "NEXT_PUBLIC_"
_SHOWN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SECRET: Final = re.compile(r"sntr[a-z]_|[0-9a-f]{32}")
_OPTIONS: Final = {ORG: ("org", "OTHER ORG"), PROJECT: ("project", "OTHER PROJECT")}


def dsn_row(ctx: Context, row: Finding) -> Finding:
    """Return the row of the DSN's variable with what is wrong with its value."""
    from infracheck.clients.sentry import defects_of, read_dsn

    if row.state != "FILLED":
        return row
    text = ctx.env[row.subject].value.reveal()
    if defects := defects_of(text):
        return found("MALFORMED", row.subject, row.where, defects="; ".join(defects), view=sdk_view(text))
    return found("OLD FORM", row.subject, row.where) if read_dsn(text).secret_key else row


def token_rows(ctx: Context, row: Finding, files: SentryFiles, dsn: "Dsn | None") -> Iterator[Finding]:
    """Yield the token's row, with its kind, and what in it contradicts the other values."""
    secret = value(ctx, TOKEN)
    if row.state != "FILLED" or secret is None:
        yield row
        return
    token = read_token(secret.reveal())
    if token.defect:
        state = "DUMMY TOKEN" if token.kind == "dummy" else "DAMAGED"
        kind = "the token" if token.kind == "unknown" else token.called
        yield found(state, TOKEN, row.where, kind=kind, defect=token.defect)
        return
    said = _used(ctx, files, ORG)
    host = dsn.place.host if dsn else ""
    region = region_of_host(host)
    if token.kind == "unknown" and region:  # other servers than sentry.io have tokens of their own
        yield found("UNKNOWN KIND", TOKEN, row.where, kind=token.called)
    elif token.org and said and token.org != said[0]:
        yield found("WRONG ORG", TOKEN, row.where, org=_quoted(token.org), other=_quoted(said[0]), source=said[1])
    elif token.region and region and token.region != region:
        yield found("OTHER REGION", TOKEN, row.where, region=token.region, other=region)
    else:
        note = "" if token.kind == "unknown" else token.called
        yield replace(row, note=", ".join(part for part in (note, row.note) if part))


def slug_rows(ctx: Context, row: Finding, files: SentryFiles) -> Iterator[Finding]:
    """Yield the row of SENTRY_ORG or SENTRY_PROJECT, and where next.config names another one."""
    name = row.subject
    option, state = _OPTIONS[name]
    given = files.option(option)
    used = _resolved(ctx, given)
    text = ctx.env[name].value.reveal().strip()
    if row.state == "FILLED" and name == ORG and (what := _no_slug(text)):
        yield found("NOT A SLUG", name, row.where, what=what)
    else:
        yield row
    if not given or not files.build_options:
        return
    path = ctx.project.show(files.build_options.path)
    where = f"{path}:{given.line}"
    if row.state == "FILLED" and used is not None and used != text:
        yield found(state, path, where, used=_quoted(used), other=_quoted(text))
    elif row.state != "FILLED" and name == ORG and used and (what := _no_slug(used)):
        yield found("NOT A SLUG", path, where, what=what)


def literal_token(ctx: Context, files: SentryFiles) -> Iterator[Finding]:
    """Find a token that is written into next.config."""
    given = files.option("authToken")
    if given and given.literal and files.build_options:
        ctx.scrub.learn(TOKEN, given.literal)
        path = ctx.project.show(files.build_options.path)
        yield found("TOKEN IN CODE", path, f"{path}:{given.literal_line}")


class InitRows:
    """Judges what each Sentry.init of the app sends to, against the variable."""

    def __init__(self, ctx: Context, files: SentryFiles, variable: Finding) -> None:
        self._ctx = ctx
        self._files = files
        self._variable = variable.subject
        self._row = variable
        self._dsn = read(_filled(ctx, self._variable))
        self._clients = {code.path for code in (files.client, files.old_client) if code}
        self.literal: Dsn | None = None  # the first one in use
        self.literal_at: str | None = None

    def rows(self) -> tuple[Finding, ...]:
        return tuple(row for init in self._files.inits for row in self._judge(init))

    def _judge(self, init: Init) -> Iterator[Finding]:
        path = self._ctx.project.show(init.path)
        given = init.dsn
        client = init.path in self._clients
        if given is None and init.whole and not client:
            given = Given(init.line, ("SENTRY_DSN",))  # read by the SDK itself, on servers only
        if given is None:
            if init.whole:
                yield found("NO DSN", path, f"{path}:{init.line}", variable=self._variable)
            return
        if not given.readable:
            return
        seen = [name for name in given.names if not client or self._public(name)]
        if given.names and not seen and given.literal is None:
            yield found("NOT PUBLIC", path, f"{path}:{given.line}", variable=given.names[0])
            return
        used = next((name for name in seen if _filled(self._ctx, name)), None)
        if used:
            yield from self._other_variable(used, f"{path}:{given.line}")
        elif given.literal is not None:
            yield from self._literal(path, given, given.literal.reveal())
        else:
            yield from self._unset(given, path)

    def _public(self, name: str) -> bool:
        config = self._files.next_config
        return name.startswith(_PUBLIC) or bool(config and name.encode() in config.data)  # `env` of next.config

    def _other_variable(self, name: str, where: str) -> Iterator[Finding]:
        other = read(_filled(self._ctx, name))
        if name != self._variable and other and self._dsn and not same(other, self._dsn):
            yield found("OTHER VARIABLE", name, where, variable=self._variable, **_told(other, self._dsn))

    def _literal(self, path: str, given: Given, text: str) -> Iterator[Finding]:
        from infracheck.clients.sentry import defects_of

        where = f"{path}:{given.literal_line}"
        if not text.strip():
            yield found("EMPTY LITERAL", path, where, variable=self._variable)
            return
        if given.literal:
            self._ctx.scrub.learn("SENTRY_DSN", given.literal)
        if (used := read(text)) is None:
            facts = {"defects": "; ".join(defects_of(text)), "view": sdk_view(text)}
            yield found("BAD LITERAL", path, where, **facts)
            return
        if self.literal is None:
            self.literal, self.literal_at = used, where
        told, name = self._dsn or self.literal, self._variable if self._dsn else self.literal_at or ""
        if not same(used, told):
            yield found("OTHER DSN", path, where, variable=name, **_told(used, told))
        else:
            yield found("IN CODE", path, where, used=str(used))

    def _unset(self, given: Given, path: str) -> Iterator[Finding]:
        """An init that reads nothing but variables without a value; the row of the DSN's own says that already."""
        own = self._variable in given.names and self.literal is None
        if own or not given.names or any(excused(self._ctx, name) for name in given.names):
            return
        name = given.names[0]
        yield found("UNSET", name, f"{path}:{given.line}", is_=self._ctx.env[name].state)


def read(text: str | None) -> "Dsn | None":
    """Return a DSN's parts, None where it is none or malformed."""
    from infracheck.clients.sentry import read_dsn

    try:
        return read_dsn(text) if text else None
    except ClientError:
        return None


def same(one: "Dsn", other: "Dsn") -> bool:
    """Tell whether two DSNs lead to one project with one key; the US host has an old and a new name."""

    def facts(dsn: "Dsn") -> tuple[str, str, int, int, str]:
        host = dsn.place.host.replace(".ingest.us.sentry.io", ".ingest.sentry.io")
        return dsn.key, host, dsn.place.port, dsn.project, urlsplit(dsn.text).path

    return facts(one) == facts(other)


def _told(used: "Dsn", other: "Dsn") -> dict[str, str]:
    """Return how two DSNs that differ are called: by host and project, which may be the same."""
    alike = str(used) == str(other)
    return {"used": str(used), "other": "holds another key of the same project" if alike else f"names {other}"}


def _filled(ctx: Context, name: str) -> str | None:
    variable = ctx.env[name]
    return variable.value.reveal() if variable.state == "FILLED" else None


def _used(ctx: Context, files: SentryFiles, name: str) -> tuple[str, str] | None:
    """Return the slug that the build uses, quoted as nothing, and what names it: next.config goes before variables."""
    given = files.option(_OPTIONS[name][0])
    if (used := _resolved(ctx, given)) and given and files.build_options:
        named = given.names[0] if given.names else f"{ctx.project.show(files.build_options.path)}:{given.line}"
        return used, named
    text = _filled(ctx, name)
    return (text.strip(), name) if text and not _no_slug(text.strip()) else None


def _resolved(ctx: Context, given: Given | None) -> str | None:
    """Return what an option comes to: the first of its variables that has a value, else its literal."""
    if given is None:
        return None
    filled = next((text for name in given.names if (text := _filled(ctx, name))), None)
    text = filled or (given.literal.reveal() if given.literal is not None else None)
    return text.strip() if text else None


def _no_slug(text: str) -> str | None:
    if text.isdecimal():
        return "a number"
    return "a URL" if "/" in text or ".sentry.io" in text else None


def _quoted(text: str) -> str:
    """Return a slug as messages show it; a key or a token in its place is not shown."""
    return f"`{text}`" if _SHOWN.fullmatch(text) and not _SECRET.search(text) else "something that is no slug"
