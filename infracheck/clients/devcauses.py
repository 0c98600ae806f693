"""Why a dev server cannot start or serve: one table of what tools print, each row with its message and remedy."""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Cause:
    """`{0}`, `{1}` are the groups of the pattern; `{command}`, `{install}`, `{where}` and `{error}` are filled in too.

    `last_words`: seen in a log, it means that the server will not come up, and it gets these seconds to say the rest.
    """

    pattern: re.Pattern[str]
    summary: str
    remedy: str
    last_words: float | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A row of the table, filled in."""

    cause: Cause
    summary: str
    remedy: str
    groups: tuple[str, ...]


PORT: Final = Cause(
    re.compile(
        r"(?:EADDRINUSE|[Aa]ddress already in use)[^\n]*?:(\d+)\b"
        r"|', (\d+)\): (?:\[\w+ \d+\] )?[Aa]ddress already in use"
        r"|Port (\d+) is (?:already )?in use"
    ),
    "port {0}{1}{2} was taken while `{command}` started",
    "stop what holds port {0}{1}{2}, or set another [server] port in infracheck.toml",
    last_words=1.5,
)
ANOTHER: Final = Cause(
    re.compile(r"Another next \w+ server is already running[^\n]*\n+- Local: +(\S+)\n- PID: +(\d+)"),
    "another dev server of this folder is running already: {0} (pid {1})",
    "stop it (Ctrl-C in its terminal, or `kill {1}`), then run the gate again: it boots its own",
)
LOCKED: Final = Cause(
    re.compile(r"Another next \w+ (?:server|process) is already running|Unable to acquire lock at"),
    "another `next` of this folder is running already",
    "stop it, then run the gate again: it boots its own",
    last_words=1.5,
)
TYPESCRIPT: Final = Cause(
    re.compile(r"trying to use TypeScript but do not have the required|^Installing (?:dev)?[dD]ependencies", re.M),
    "the app is written in TypeScript, but its packages are not installed (Next.js would install them by itself)",
    "install them: `{add} typescript @types/react @types/node`, and commit package.json and the lock file",
    last_words=0.0,
)
CAUSES: Final = (
    PORT,
    ANOTHER,
    LOCKED,
    TYPESCRIPT,
    Cause(
        re.compile(r"error occurred while loading (?:the )?instrumentation hook: ([^\n]+)"),
        "the instrumentation hook throws while it loads: {0}",
        "correct {where}, or give the variable it asks for a value",
        last_words=1.5,
    ),
    Cause(
        re.compile(r"Could not find a production build"),
        "`{command}` serves a finished build, and there is none",
        "run the build first, or let [server] command start the dev server",
        last_words=1.5,
    ),
    Cause(
        re.compile(r"^(?:/bin/)?(?:sh|bash|zsh): (?:\d+: |line \d+: )?(\S+): (?:command )?not found$", re.M),
        "`{0}` is not installed",
        "install the app's packages: `{install}`, or correct the command",
    ),
    Cause(
        re.compile(r"[Mm]issing script:? \"?([\w:.-]+)\"?"),
        "package.json has no script `{0}`",
        'add it to "scripts" in package.json, or set [server] command in infracheck.toml',
    ),
    Cause(
        re.compile(r"(?:Can't resolve|Cannot find module|Cannot find package) '([^'\n./@][^'\n]*|@[^'\n/]+/[^'\n]+)'"),
        "the package {0} is not installed",
        "install the app's packages: `{install}`; if {0} is not in package.json: `{add} {0}`, or correct {where}",
    ),
    Cause(
        re.compile(r"(?:Can't resolve|Cannot find module) '([^'\n]+)'"),
        "{0} does not exist",
        "correct the import or the path: {where}",
    ),
    Cause(
        re.compile(r"Failed to load (next\.config\.\w+)[^\n]*(?:\n+(?:Error: )?([^\n]+))?"),
        "{0} cannot be loaded: {1}",
        "correct {0}, or give the variable it asks for a value",
        last_words=1.5,
    ),
    Cause(
        re.compile(
            r"failed to load config from \S*?([^\s/]+)\n+"
            r"error when starting dev server:\n+(?:Error(?: \[\w+\])?: )?([^\n]+)"
        ),
        "{0} cannot be loaded: {1}",
        "correct {0}, or give the variable it asks for a value",
    ),
    Cause(
        re.compile(r"No module named '([\w.]+)'"),
        "the Python module {0} is not installed",
        "install it into the environment that `{command}` runs in, or correct {where}",
    ),
    Cause(
        re.compile(
            r'File "(?:<frozen os>|[^"\n]*/os\.py)", line \d+, in __getitem__\n(?: {4}[^\n]*\n)*KeyError: \'(\w+)\''
        ),
        "the environment variable {0} is not set",
        "give {0} a value in the env file, or correct {where}",
    ),
    Cause(
        re.compile(r'Error loading ASGI app\. Could not import module "([^"\n]+)"'),
        "there is no module {0} where `{command}` looks for it",
        "correct the module that `{command}` names, or the folder that it starts in",
        last_words=0.5,
    ),
    Cause(
        re.compile(r'Error loading ASGI app\. Attribute "([^"\n]+)" not found in module "([^"\n]+)"'),
        "the module {1} has no `{0}`",
        "correct what `{command}` names: MODULE:ATTRIBUTE",
        last_words=0.5,
    ),
    Cause(
        re.compile(r"\[Errno \d+\] [Aa]ddress already in use"),
        "the port was taken while `{command}` started",
        "stop what holds the port, or give the app another one",
        last_words=1.5,
    ),
    # Each of these keeps waiting for somebody to correct the file, and would do so for ever.
    Cause(
        re.compile(
            r"^Process SpawnProcess-\d+:$|Exception in thread django-main-thread|Application startup failed\. Exiting"
            r"|app crashed - waiting for file changes|^Failed running '",
            re.M,
        ),
        "the app ends while it starts: {error}",
        "correct {where}, or give the variable it asks for a value",
        last_words=0.5,
    ),
    Cause(
        re.compile(r"Node\.js version \"?([^\"\n]+?)\"? is required"),
        "this Node.js is too old: {0} is required",
        "put a newer Node.js first on PATH, then `{install}`",
    ),
    Cause(
        re.compile(r"ENOSPC: System limit for number of file watchers reached"),
        "the machine allows too few file watchers",
        "raise the limit: `sudo sysctl fs.inotify.max_user_watches=524288`",
    ),
    Cause(
        re.compile(r"EACCES: permission denied,? ?([^\n]*)"),
        "permission denied: {0}",
        "correct the owner or the mode of what is named (files written by root?)",
    ),
)


def explain(text: str, words: dict[str, str]) -> Explanation | None:
    """Return what the table says of a log or a message, None if no row fits; `words` fill the named places."""
    words = {"error": "its log says why", **words}
    for cause in CAUSES:
        if found := cause.pattern.search(text):
            groups = tuple(group or "" for group in found.groups())
            summary, remedy = (form.format(*groups, **words) for form in (cause.summary, cause.remedy))
            return Explanation(cause, summary, remedy, groups)
    return None


def last_words(line: str) -> float | None:
    """Return how many seconds a server still gets after this line of its log, None if it may well come up."""
    return next((c.last_words for c in CAUSES if c.last_words is not None and c.pattern.search(line)), None)
