"""What sentry-configured can find beside empty variables: for each state its level, its words and its remedy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infracheck.model import Finding, Level

from .sentry_variables import DSN_SOURCE, TOKEN

_NEW_TOKEN: Final = f"create a token (Sentry: Settings, Organization Tokens) and put it into {TOKEN}"
_WIZARD: Final = "`npx @sentry/wizard@latest -i nextjs` writes it"


@dataclass(frozen=True, slots=True)
class Rule:
    """One state. `note` is filled with facts, `remedy` with the finding's subject and place."""

    note: str
    remedy: str
    level: Level = "fail"


RULES: Final[Mapping[str, Rule]] = {
    # the DSN
    "MALFORMED": Rule("{defects}; the SDK {view}", f"copy {{subject}} again ({DSN_SOURCE})"),
    "OLD FORM": Rule("it holds a secret key that no SDK needs", "leave out the second key", "warn"),
    "BAD LITERAL": Rule(
        "the DSN that the code holds is malformed: {defects}; the SDK {view}",
        "replace the DSN in {place} by process.env.{variable}",
    ),
    "EMPTY LITERAL": Rule(
        "Sentry.init is given an empty DSN: it sends nothing", "give process.env.{variable} in {place}"
    ),
    "OTHER DSN": Rule(
        "the app uses the DSN written here: {used}; {variable} {other}",
        "replace the DSN in {place} by process.env.{variable}, or correct the variable",
    ),
    "OTHER VARIABLE": Rule(
        "the code reads {subject}, which differs from {variable}: {used}; {variable} {other}",
        "give {subject} and {variable} the same DSN, or read one of them only ({place})",
    ),
    "IN CODE": Rule("the app uses the DSN written here: {used}", "read the variable", "info"),
    "UNSET": Rule("Sentry.init reads {subject}, which is {is_}: it sends nothing", "fill {subject}, read in {place}"),
    "NOT PUBLIC": Rule(
        "browsers never see {variable}: it has no NEXT_PUBLIC_ prefix, so nothing is sent from there",
        "read NEXT_PUBLIC_SENTRY_DSN in {place}",
    ),
    "NO DSN": Rule("Sentry.init is given no DSN: it sends nothing", "give process.env.{variable} in {place}"),
    # the token, and what it must agree with
    "DUMMY TOKEN": Rule("it {defect}", _NEW_TOKEN),
    "DAMAGED": Rule("{kind}, which {defect}", f"copy the token again, whole, or: {_NEW_TOKEN}"),
    "WRONG ORG": Rule(
        "the token belongs to the organisation {org}, {source} names {other}",
        "create a token of the right organisation (Sentry: Settings, Organization Tokens), or correct SENTRY_ORG",
    ),
    "OTHER REGION": Rule(
        "the token belongs to the region {region}, the DSN's host to {other}",
        "take token and DSN from the same organisation",
        "warn",
    ),
    "UNKNOWN KIND": Rule("it is {kind}", _NEW_TOKEN, "warn"),
    "TOKEN IN CODE": Rule(
        "the token is written into the code", f"revoke it, create another, and give process.env.{TOKEN} in {{place}}"
    ),
    "NOT A SLUG": Rule("it is {what}, where a slug is expected", "put the slug, as in https://SLUG.sentry.io", "warn"),
    "OTHER ORG": Rule(
        "withSentryConfig is given the organisation {used}, SENTRY_ORG is {other}",
        "give process.env.SENTRY_ORG in {place}, or correct the variable",
    ),
    "OTHER PROJECT": Rule(
        "withSentryConfig is given the project {used}, SENTRY_PROJECT is {other}",
        "give process.env.SENTRY_PROJECT in {place}, or correct the variable",
    ),
    "TRACKED": Rule(
        "git tracks the file that holds the token",
        "revoke the token, run `git rm --cached {subject}`, and name the file in .gitignore",
    ),
    "NOT IGNORED": Rule("the next `git add` takes the token along", "name {subject} in .gitignore"),
    # the wiring
    "NOT INSTALLED": Rule("the variables are there, and package.json does not name the SDK", "npm install {subject}"),
    "OTHER SDK": Rule(
        "the app uses it in place of @sentry/nextjs: whether the code reports is not judged",
        "install @sentry/nextjs",
        "warn",
    ),
    "NO INSTRUMENTATION": Rule("there is none, so no server loads the SDK", f"add {{subject}} ({_WIZARD})"),
    "WRONG FOLDER": Rule("Next.js looks for it in {folder} only", "move {place} beside the folder app or pages"),
    "NO REGISTER": Rule("it exports no register(), so no server loads the SDK", "export register() from {place}"),
    "NO SERVER INIT": Rule(
        "nothing that register() loads calls Sentry.init",
        'import("./sentry.server.config") in register() of {place}, with Sentry.init in that file',
    ),
    "NO INIT": Rule("it does not call Sentry.init", "call Sentry.init with the DSN in {place}"),
    "NOT LOADED": Rule("register() does not load it", 'import("./{stem}") in register() of instrumentation', "warn"),
    "NO ONREQUESTERROR": Rule(
        "it does not export onRequestError: what routes and server components throw is not reported",
        "add `export const onRequestError = Sentry.captureRequestError` to {place}",
    ),
    "REPORTS NOTHING": Rule(
        "its onRequestError does not call the SDK",
        "make it `export const onRequestError = Sentry.captureRequestError` in {place}",
    ),
    "NO CLIENT": Rule("there is none, so browsers report nothing", f"add {{subject}} ({_WIZARD})"),
    "DEAD CODE": Rule(
        "Turbopack does not load this file, and there is no instrumentation-client",
        "rename {place} to instrumentation-client, beside app or pages",
    ),
    "OLD CLIENT": Rule("Turbopack does not load this file", "move it to instrumentation-client", "warn"),
    "NOT WRAPPED": Rule(
        "{what}: the SDK is not built in, and no source maps are uploaded",
        "export withSentryConfig(nextConfig, options) from {subject}",
    ),
    "NO GLOBAL ERROR": Rule("what breaks the root layout is not reported", f"add {{subject}} ({_WIZARD})", "warn"),
    "SILENT": Rule("it does not call Sentry.captureException", "call it there", "warn"),
    "UNREPORTED": Rule(
        "{count} reported by nobody: no onRequestError, and no route calls captureException",
        "export onRequestError from instrumentation, or call Sentry.captureException(error) in {place}",
    ),
    "UNREPORTED HERE": Rule(
        "no route calls captureException: before Next.js 15 errors are reported only where the build wraps the route",
        "call Sentry.captureException(error) in the routes",
        "warn",
    ),
    "SWALLOWED": Rule(
        "a catch answers 5xx itself: onRequestError never sees that error", "call captureException there", "warn"
    ),
    "EXAMPLE LEFT": Rule("Sentry's example goes to production with the app", "delete it", "warn"),
}


def found(state: str, subject: str, where: str | None, **facts: str) -> Finding:
    """Return the finding of a state of the table above."""
    rule = RULES[state]
    return Finding(subject, state, rule.note.format(subject=subject, **facts), where, rule.level)


def remedy(one: Finding, **facts: str) -> str:
    """Return what to do about a finding of the table; `facts` are those that remedies of the whole check share."""
    place = one.where or one.subject
    stem = one.subject.rpartition("/")[2].rpartition(".")[0]
    return RULES[one.state].remedy.format(subject=one.subject, place=place, stem=stem, **facts)
