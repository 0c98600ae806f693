"""Reads a Postgres connection string as the app's own driver would, and turns it into what libpq takes.

Strings that another tool wrote are the rule, not the exception: Prisma adds parameters that libpq refuses, passwords
are pasted without percent-encoding, and Neon's copy button may put `psql '...'` around it all.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote, unquote_plus, urlencode

from infracheck.clients.pgrefusal import NoSession, placeholder
from infracheck.secret import Secret

EXAMPLE: Final = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"
_URL: Final = re.compile(r"postgres(?:ql)?(\+\w+)?://(.*)", re.DOTALL | re.IGNORECASE)
_TEMPLATE: Final = re.compile(
    r"<[^>\s]+>|\*{3,}|\.{3}|\byour[-_ ]|[-_]here\b|\bx{3,}\b|change[-_]?me|@(?:host|hostname|db[-_]?host)\b",
    re.IGNORECASE,
)
_SHOWN: Final = ("hostaddr", "sslmode", "sslrootcert", "channel_binding", "options", "target_session_attrs")
_BARE_PERCENT: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_ENCODED: Final = {"@": "%40", "#": "%23", "/": "%2F", "?": "%3F", "%": "%25"}
_NOT_A_URL: Final = (
    (r"\Z", "is empty"),
    (r"""["'`]""", "stands in quotes that are part of the value"),
    (r"(?:env\s+)?psql\s", "is a whole psql command"),
    (r"(?:host|user|dbname|port|password|server|data source)\s*=", "is a list of keywords, not a URL"),
    (r"(?:export\s+)?[A-Z_][A-Z0-9_]*\s*=", "begins with a variable's name"),
    (r"prisma(?:\+postgres)?://", "is a Prisma Accelerate address, which only Prisma's client can use"),
    (r"jdbc:", "is a JDBC address"),
    (
        r"(?:mysql|mariadb|mongodb|redis|rediss|sqlite|file|libsql|sqlserver|mssql|cockroachdb)\b",
        "names another kind of database",
    ),
    (r"https?://", "is a web address"),
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a connection string leads, and the libpq parameters for it: they hold the password and are never shown."""

    parameters: Mapping[str, str] = field(repr=False)
    removed: tuple[str, ...] = ()  # parameters of other tools, by name: their values may be secret
    unescaped: tuple[str, ...] = ()  # characters of the password that other readers take for a delimiter
    template: bool = False  # it looks like an example that nobody filled in

    @property
    def host(self) -> str:
        return self.parameters.get("host") or self.parameters.get("hostaddr", "")

    @property
    def port(self) -> str:
        return self.parameters.get("port") or "5432"

    @property
    def user(self) -> str | None:
        return self.parameters.get("user")

    @property
    def name(self) -> str | None:
        """The database; libpq takes the user's name where none is given."""
        return self.parameters.get("dbname") or self.user

    @property
    def place(self) -> str:
        """Host and port as messages show them."""
        if "/" in self.host or "," in self.host:  # a socket's folder, or several servers
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def on_this_machine(self) -> bool:
        """Tell whether every server that the string names is this machine; a path is the folder of a socket."""
        named = [self.parameters.get(name, "") for name in ("host", "hostaddr")]
        places = [place for text in named for place in text.split(",") if place]
        return bool(places) and all(map(_loopback, places))

    def psql(self, *arguments: str) -> str:
        """Return a psql command for the same place; it asks for the password, so that no argument holds it."""
        query = {key: self.parameters[key] for key in _SHOWN if key in self.parameters}
        place = self.place
        if place == self.host:  # a URL has room for one host; the others go behind
            place, query = "", {"host": self.host, "port": self.port, **query}
        user = f"{quote(self.user, safe='')}@" if self.user else ""
        url = f"postgresql://{user}{place}/{quote(self.name or '', safe='')}"
        return shlex.join(
            ["psql", url + (f"?{urlencode(query, safe='/,', quote_via=quote)}" if query else ""), *arguments]
        )


def _loopback(place: str) -> bool:
    try:
        return ip_address(place).is_loopback
    except ValueError:
        return place.lower() == "localhost" or place.startswith("/")


def address(url: Secret) -> Address:
    """Read a connection string.

    Raises:
        NoSession: it is no Postgres URL, or libpq cannot read it; the message shows no part of it.
    """
    text = url.reveal().strip()
    template = bool(_TEMPLATE.search(text))
    if not (match := _URL.fullmatch(text)):
        raise _not_a_url(text)
    driver, rest = match.groups()
    credentials, at, place = _split(rest, template=template)
    place, query = _without_fragment(place)
    known, removed = _sorted_out(query)
    credentials, unescaped = _encoded(credentials)
    parameters = _libpq(f"postgresql://{credentials}{at}{place}" + (f"?{known}" if known else ""), template=template)
    if driver:
        removed = (driver, *removed)
    return Address(parameters, removed, unescaped, template)


def _not_a_url(text: str) -> NoSession:
    found = (said for pattern, said in _NOT_A_URL if re.match(pattern, text, re.IGNORECASE))
    said = next(found, "does not begin with postgresql://")
    return NoSession("NOT A URL", f"the connection string {said}", f"write {{url}} as {EXAMPLE}")


def _split(rest: str, *, template: bool) -> tuple[str, str, str]:
    """Return credentials, `@` and place. The last `@` of the authority separates them, as in the URL standard."""
    cut = re.search(r"[/?#]", rest)
    head = rest[: cut.start()] if cut else rest
    tail = rest[len(head) :]
    if broken := _delimiters_in_password(head, tail):
        if template:
            raise placeholder()
        raise _unescaped(broken)
    credentials, at, host = head.rpartition("@")
    return credentials, at, host + tail


def _delimiters_in_password(head: str, tail: str) -> str:
    """Return the characters that end the authority although an `@` follows, which no place after it has a use for."""
    before, at, _ = tail.rpartition("@")
    if not at:
        return ""
    in_query = "#" not in before and "=" in before.partition("?")[2]
    in_path = before.startswith("/") and "?" not in before
    return "" if in_query or not (in_path or "#" in before or ":" in head) else before.replace("%", "")


def _unescaped(characters: str) -> NoSession:
    found = [character for character in _ENCODED if character in characters]
    return NoSession(
        "UNESCAPED",
        f"the connection string is cut in two by a bare {' and '.join(f'`{one}`' for one in found)} in the password",
        f"write {' and '.join(f'{_ENCODED[one]} for `{one}`' for one in found)} in {{url}}",
    )


def _without_fragment(place: str) -> tuple[str, str]:
    place, _, query = place.partition("#")[0].partition("?")
    return place, query


def _sorted_out(query: str) -> tuple[str, tuple[str, ...]]:
    """Return the part of a query that libpq knows, and the names of the rest."""
    from psycopg import pq

    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    kept, removed = [], []
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        name = unquote_plus(name)
        if name == "sslmode" and value == "no-verify":  # node-postgres: encrypted, not verified
            kept.append("sslmode=require")
        elif name in known or part == "ssl=true":
            kept.append(_BARE_PERCENT.sub("%25", part))
        elif name.strip():
            removed.append(name)
    return "&".join(kept), tuple(dict.fromkeys(removed))


def _encoded(credentials: str) -> tuple[str, tuple[str, ...]]:
    """Return user info that every reader understands alike, and which characters had to be encoded for that."""
    found = ["@"] if "@" in credentials else []
    if _BARE_PERCENT.search(credentials):
        found.append("%")
    return _BARE_PERCENT.sub("%25", credentials).replace("@", "%40"), tuple(found)


def _libpq(url: str, *, template: bool) -> dict[str, str]:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parsed = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except UnicodeDecodeError:  # what stands behind a bare `%` happens to look like hexadecimal digits
        raise _unescaped("%") from None
    except psycopg.Error:  # its message quotes the string, password and all
        if template:
            raise placeholder() from None
        raise NoSession(
            "NOT A URL", "the connection string cannot be read as a URL", f"write {{url}} as {EXAMPLE}"
        ) from None
    if not (parsed.get("host") or parsed.get("hostaddr")):
        raise NoSession("NO HOST", "the connection string names no host", f"write {{url}} as {EXAMPLE}")
    for port in filter(None, parsed.get("port", "").split(",")):
        if not port.isdecimal() or not 0 < int(port) < 65536:
            if template or port == "port":
                raise placeholder()
            raise NoSession(
                "BAD PORT",
                "the connection string's port is no number between 1 and 65535",
                f"write {{url}} as {EXAMPLE}; characters such as / # ? @ in the password are percent-encoded",
            )
    return parsed
