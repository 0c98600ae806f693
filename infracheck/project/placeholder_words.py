"""How much a value looks like a stand-in: a score from its words, runs and templates, and from the parts of a URL.

A word counts only where it stands free (between characters that are no letters or digits), so that nothing inside of a
random string does. Reasons quote this module's own patterns, never the value.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from infracheck.project.urls import Url, loopback

CERTAIN: Final = 10
SUSPECT: Final = 6
FOR_A_CREDENTIAL: Final = 3  # added where the name says that a key, token or password belongs there
ON_LOOPBACK: Final = 4  # taken off: `user:password@localhost` may be what the local database was set up with


@dataclass(frozen=True, slots=True)
class Sign:
    """One pattern, what it adds to the score, and how a report names it."""

    pattern: re.Pattern[str]
    score: int
    reason: str


def _sign(pattern: str, score: int, reason: str) -> Sign:
    r"""Compile a pattern in which `\<` and `\>` stand for the edges of a word; unlike `\b`, an underscore ends one."""
    edged = pattern.replace(r"\<", r"(?<![A-Za-z0-9])").replace(r"\>", r"(?![A-Za-z0-9])")
    return Sign(re.compile(edged, re.IGNORECASE), score, reason)


_NOUN: Final = (
    r"(?:account|address|anon|api|app|auth|aws|bucket|channel|client|cloud|code|company|credentials?|database|db|"
    r"deployment|domain|dsn|email|endpoint|host|hostname|id|instance|key|login|mail|name|org|organization|pass|password|"
    r"port|private|project|public|publishable|random|ref|region|role|salt|secret|secure|server|service|site|slug|store|"
    r"string|strong|subdomain|super|supabase|team|tenant|token|url|user|username|value|webhook|website|workspace)"
)
_PART: Final = (
    r"(?:account|api|app|bucket|change|client|database|db|domain|dsn|endpoint|enter|from|host|id|insert|key|name|org|pass|"
    r"password|port|project|random|ref|region|replace|secret|store|string|token|url|user|value|your)"
)
_YOUR: Final = rf"\<your[-_ .]?{_NOUN}\>|\<your[-_ ](?:[a-z]{{1,20}}[-_ ]){{1,4}}{_NOUN}\>|\<your@"

# These speak of the whole value: they count under every name, also where words have another meaning (`APP_NAME`).
WHOLE: Final = (
    _sign(r"^<[^<>]+>$", 10, "looks like a template: `<…>`"),
    _sign(r"""^"?<[\w .:/-]+>"?(?:\s*\|\s*"?<[\w .:/-]+>"?)+$""", 10, "looks like a template: `<…> | <…>`"),
    _sign(r"^\$?\{\{?[\w .-]+\}\}?$", 10, "looks like a reference that nothing has filled in: `{…}`"),
    _sign(r"^\[[a-z][\w -]*\]$", 5, "looks like a template: `[…]`"),
    _sign(r"^(?:\.{2,}|…+|\*{2,}|-{2,}|_{2,}|\?{2,}|#{2,})$", 10, "is only dots, stars or dashes"),
    _sign(r"^(?:x{2,}|y{3,}|z{3,})$", 10, "is only a run of `x`"),
    _sign(rf"^(?:{_YOUR})[\w.-]*$", 10, "looks like `your-…`"),
    _sign(r"\w[-_]here$", 10, "looks like `…-here`"),
    _sign(r"^(?:todo|fixme|tbd|tba|undefined|placeholder|\[object object\])$", 10, "is a stand-in word, like `TODO`"),
    _sign(r"^(?:change|replace|fill)[-_ ]?(?:me|this|it|in)[-_!.]*$", 10, "is a stand-in word, like `changeme`"),
)

STRUCTURE: Final = (
    _sign(rf"<(?!/)[\w .:/-]{{0,60}}\<{_PART}\>[\w .:/-]{{0,60}}>", 10, "holds a template: `<…>`"),
    _sign(r"(?<=[/:@.?=&-])<[\w -]+>(?=[/:@.?&-]|$)", 10, "holds a template: `<…>`"),
    _sign(r"\$\{\{.*\}\}|\{\{[\w .-]+\}\}|\$\{[a-z_]\w*\}", 7, "holds a reference that nothing has filled in: `${…}`"),
    _sign(r"(?<=[:/])\[[a-z][a-z _-]+\](?=[@/])", 10, "holds a template: `[…]`"),
    _sign(r"^\S*(?:\.{3}|…)(?=$|[@:/])", 10, "has an ellipsis where the value belongs"),
    _sign(r"(?:^|(?<=[-_:/@.=]))\*{3,}(?=$|[-_@:/.])", 10, "has asterisks where the value belongs"),
    _sign(r"(?-i:\<(?:x{3,}|X{3,})\>|x{6,}|X{6,})", 10, "has a run of `x` in it"),
    _sign(_YOUR, 10, "looks like `your-…`"),
    _sign(r"\<your[-_ ][a-z]+\>", 5, "looks like `your-…`"),
    _sign(r"-----BEGIN[A-Z ]+-----(?:\\n|\s)*(?:\.{3}|…|x{3})", 10, "has an ellipsis where the value belongs"),
    _sign(
        r"(?-i:^AKIA\w{9}EXAMPLE$|[A-Za-z0-9/]EXAMPLEKEY$|//examplePublicKey@)",
        10,
        "is the example of a vendor's manual",
    ),
)

# Words say something where a value has no other meaning: not in host names, which may well be called that.
WORDS: Final = (
    _sign(r"[-_ ]here$", 10, "looks like `…-here`"),
    _sign(
        r"\<(?:change|replace|update|rotate)[-_ ]?(?:me|this|it|in[-_ ]prod(?:uction)?|before|with)\>",
        10,
        "says `change me`",
    ),
    _sign(
        r"\<(?:openssl[-_ ]rand|rand[-_ ](?:base64|hex))\>", 10, "names the command that makes a value: `openssl rand`"
    ),
    _sign(
        r"\<generated?[-_ ](?:an?|with|using|via|by|me|your|new|random|strong|secure|one|this|it)\>",
        10,
        "says `generate …`",
    ),
    _sign(
        r"\<(?:enter|insert|paste|put|add|type|provide|use|fill)[-_ ](?:in[-_ ])?"
        r"(?:your|the|an?|here|real|actual|this|me|secure|strong|random)\>",
        10,
        "says `insert …`",
    ),
    _sign(r"\<(?:placeholder|dummy|todo|fixme|changeme|replaceme)\>", 10, "has a stand-in word in it: `placeholder`"),
)

# These describe a credential; elsewhere they may be a name (`SENTRY_PROJECT=my-api`).
DESCRIPTIONS: Final = (
    _sign(r"^(?:example|sample|fake)(?=[A-Z_-]|$)|[-_](?:example|sample|fake)$", 7, "says that it is an example"),
    _sign(
        r"^[a-z]{2,7}[-_.](?:(?:test|live|proj|or|ant|prod|dev)[-_])?(?:key|token|secret|test|abc|foo|bar|none|1{3,}|0{3,})$",
        10,
        "is a prefix with a dummy behind it",
    ),
    _sign(
        r"\<(?:at[-_ ]least|min(?:imum)?)[-_ ]?\d+\>|(?<=\d)[-_ ](?:char(?:acter)?s?|bytes?|digits?)\>",
        7,
        "describes a value: `at-least-…-characters`",
    ),
    _sign(
        r"\<(?:super|very|top|ultra|some|my|random)[-_ ]?(?:super[-_ ]?)?(?:strong|secret|secure|long|random|api|key|"
        r"token|password|pass|string|value|jwt)\>",
        7,
        "describes a value: `my-…-secret`",
    ),
    _sign(r"^(?:[a-z]+[-_ .])+(?:secret|key|token|password|salt|dsn|string|value)$", 5, "is plain words, like `…-key`"),
)

WEAK: Final = re.compile(
    r"(?:my|your|the|a|super|very|top)?[-_ ]?(?:secret|password|passwd|passphrase|pass|pwd|salt|pepper|token|"
    r"api[-_ ]?key|key|string|test|testing|foo|bar|baz|foobar|abc|xyz|qwerty|letmein|hunter2|none|null|nil|n/a|empty|"
    r"dsn|value|(?:cafebabe|deadbeef)+)[-_]?\d{0,4}!?",
    re.IGNORECASE,
)
_USER: Final = re.compile(
    r"(?:db|my|your)?[-_]?(?:user(?:[-_]?name)?|usr)|(?:example)?public(?:[-_]?key)?|key|dsn|token", re.I
)
_HOST: Final = re.compile(r"(?:db|my|your|the)?[-_]?(?:host(?:name)?|server|domain)(?:\.com)?", re.IGNORECASE)
_LABEL: Final = re.compile(
    r"region|project[-_]?ref|project[-_]?id|endpoint[-_]?id|account[-_]?id|hostname", re.IGNORECASE
)
_EXAMPLE: Final = re.compile(r"(?:.*\.)?(?:example(?:\.(?:com|org|net|edu))?|invalid)", re.IGNORECASE)
_EXAMPLE_MAIL: Final = re.compile(r"@example\.(?:com|org|net)>?$", re.IGNORECASE)
_NEON: Final = re.compile(r"ep-(?:[a-z]+-)*(?:1234\d*|abc123|name|id|endpoint)(?:-pooler)?\.", re.IGNORECASE)
_DATABASE: Final = re.compile(r"(?:my|your)?[-_]?(?:db|database)(?:[-_]?name)?", re.IGNORECASE)


def score(name: str, value: str, *, credential: bool, plain: bool, production: bool) -> tuple[int, str]:
    """Return how much a value looks like a stand-in, and the strongest reason; CERTAIN and SUSPECT are thresholds.

    Args:
        name: the variable; a value that repeats it is one.
        value: the text, without white space around it.
        credential: the name says that a key, token or password belongs there.
        plain: the name says that ordinary words belong there, as in `APP_NAME`: only the whole value can tell.
        production: judge for production, where `postgres:postgres@localhost` is no working default.
    """
    found = list(_signs(name, value, credential=credential, plain=plain, production=production))
    if not found:
        return 0, ""
    top, reason = max(found, key=lambda each: each[0])
    return top + (FOR_A_CREDENTIAL if credential else 0), reason


def _signs(name: str, value: str, *, credential: bool, plain: bool, production: bool) -> Iterator[tuple[int, str]]:
    yield from _matches(WHOLE, value)
    if _same_words(name, value) and (credential or "_" in name):
        yield 10, "repeats the variable's own name"
    if production and _EXAMPLE_MAIL.search(value):
        yield 6, "is an address at `example.com`"
    if plain:
        return
    yield from _matches(STRUCTURE, value)
    url = Url.parse(value)
    if url:
        yield from _in_url(url, production=production)
        return
    if credential or "@" not in value:
        yield from _matches(WORDS, value)
    if credential:
        yield from _matches(DESCRIPTIONS, value)
    if credential and WEAK.fullmatch(value):
        local_password = re.search(r"PASS|PWD", name, re.IGNORECASE) and not production
        yield (4 if local_password else 7), "is a stand-in word, like `secret`"
    if _monotone(value, credential=credential):
        yield 7 if credential else 10, "is one character repeated, or an unbroken sequence"


def _matches(signs: tuple[Sign, ...], text: str) -> Iterator[tuple[int, str]]:
    return ((sign.score, sign.reason) for sign in signs if sign.pattern.search(text))


def _in_url(url: Url, *, production: bool) -> Iterator[tuple[int, str]]:
    """Score the parts of a URL that are words for what belongs there, as in `user:password@host:port/database`."""
    parts = [
        ("user", 4, _stands_in(_USER, url.user)),
        ("password", 6, _stands_in(WEAK, url.password)),
        ("database", 2, _stands_in(_DATABASE, url.path.strip("/"))),
    ]
    total = sum(CERTAIN if found == "loud" and part != "database" else weight for part, weight, found in parts if found)
    if production and url.password and url.user == url.password and not loopback(url.host):
        parts.append(("password", 6, "quiet"))
        total += 6
    if total:
        named = " and ".join(dict.fromkeys(part for part, _, found in parts if found))
        relief = ON_LOOPBACK if loopback(url.host) and not production else 0
        yield total - relief, f"has a stand-in word for the {named}, as in `user:password@…/database`"
    labels = url.host.split(".")
    if _HOST.fullmatch(url.host) or any(_LABEL.fullmatch(label) for label in labels):
        yield CERTAIN, "has a stand-in word for the host"
    if _EXAMPLE.fullmatch(url.host):
        yield CERTAIN, "points to `example.com` or its like"
    if _NEON.match(url.host):
        yield CERTAIN, "points to the made-up host of a manual: `ep-…-123456`"
    if url.port.lower() == "port":
        yield CERTAIN, "has the word `port` where a number belongs"
    yield from _matches(DESCRIPTIONS, url.password)
    for part in (url.user, url.password):
        yield from _matches(WORDS, part)
        if _monotone(part, credential=True):
            yield 7, "has a made-up user or password"


def _stands_in(pattern: re.Pattern[str], part: str) -> str:
    if not part or not pattern.fullmatch(part):
        return ""
    return "loud" if part.isupper() and len(part) > 2 else "quiet"


def _same_words(name: str, value: str) -> bool:
    return re.sub(r"[^a-z0-9]", "", value.lower()) == re.sub(r"[^a-z0-9]", "", name.lower())


def _monotone(value: str, *, credential: bool) -> bool:
    """Tell `000…0`, `aaaa`, `123456789` and `abc123`, as a whole or behind a short prefix such as `sk_test_`."""
    tail = re.sub(r"^(?:[A-Za-z]{1,8}[-_.])(?:[A-Za-z]{2,5}[-_.])?", "", value).replace("-", "")
    if len(tail) < (4 if credential else 16):
        return False
    if len(set(tail)) == 1:
        return True
    runs = re.findall(r"[A-Za-z]+|\d+|[^A-Za-z0-9]+", tail.lower().replace("890", "89"))
    return len(tail) >= 6 and all(len(run) > 1 and all(ord(b) - ord(a) == 1 for a, b in pairwise(run)) for run in runs)
