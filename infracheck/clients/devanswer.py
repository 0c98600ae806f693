"""Judges what a dev server answered and logged: is it up well, and if not, what is the cause?"""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from infracheck.clients.devboot import Refused, Row
from infracheck.clients.devcauses import explain
from infracheck.clients.devplan import Plan
from infracheck.clients.said import next_message, reason_of
from infracheck.secret import clean

if TYPE_CHECKING:
    from infracheck.clients.devlog import DevLog, Entry
    from infracheck.clients.http import Answer

LABEL: Final = 72  # characters of a message that name its row
LAST_LINES: Final = 6
STATUS_REMEDIES: Final = {
    401: "name a page that needs no login: [server] ready in infracheck.toml",
    403: "name a page that needs no login: [server] ready in infracheck.toml",
    404: "name a page that exists: [server] ready in infracheck.toml",
}


def judge(plan: Plan, answer: "Answer", log: "DevLog") -> Refused | None:
    """Return why an answer is not good, None if it is: below 400, and no error was logged on the way."""
    if answer.status >= 400:
        return _bad_status(plan, answer, log)
    if errors := log.errors():
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        summary = f"`{urlsplit(answer.url).path}` answers {answer.status}, but an error was logged: {errors[0]}{more}"
        return Refused(summary, remedy_for(plan, errors[0]), log_rows(log))
    return None


def _bad_status(plan: Plan, answer: "Answer", log: "DevLog") -> Refused:
    path = urlsplit(answer.url).path
    errors = log.errors()
    cause = next_error(answer.text, log) or (errors[-1] if errors else None)
    if cause and not cause.position:  # the page carries the message alone
        cause = next((one for one in errors if one.text == cause.text and one.position), cause)
    said = f": {cause}" if cause else reason_of(answer)
    remedy = STATUS_REMEDIES.get(answer.status) or (
        remedy_for(plan, cause) if cause else f"open `{path}` while `{plan.shown}` runs, and read its log"
    )
    row = Row(
        f"GET {path}",
        str(answer.status),
        cause.where if cause else None,
        cause.text if cause else said.removeprefix(": "),
    )
    rest = tuple(one for one in log_rows(log, hint=cause is None) if not cause or one.label != _label(cause))
    return Refused(f"`{path}` answers {answer.status}{said}", remedy, (row, *rest))


def next_error(page: str, log: "DevLog") -> "Entry | None":
    """Return the error that an error page of Next.js carries as data."""
    message = next_message(page)
    return log.read(clean(message)) if message is not None else None


def remedy_for(plan: Plan, error: "Entry") -> str:
    """Return what to do about an error, by the table of causes or by the line it names."""
    where = error.where or "what the log names"
    if explanation := explain(str(error), {**plan.words, "where": where}):
        return explanation.remedy
    return f"correct {where}; `{plan.shown}` shows the same"


def log_rows(log: "DevLog", *, hint: bool = False, since: int = 0) -> tuple[Row, ...]:
    """Return the errors and warnings of a log as rows; with `hint` its last lines if there is no error."""
    rows = [
        Row(
            _label(entry),
            "ERROR" if entry.level == "fail" else "WARNING",
            entry.where,
            entry.detail or (entry.text if len(entry.text) > LABEL else ""),
            entry.level,
        )
        for entry in log.entries(since)
    ]
    if hint and not any(row.level == "fail" for row in rows):
        rows += [Row("log", "LAST LINE", note=line, level="info") for line in log.tail(LAST_LINES)]
    return tuple(rows)


def _label(entry: "Entry") -> str:
    return entry.text if len(entry.text) <= LABEL else f"{entry.text[: LABEL - 1]}…"
