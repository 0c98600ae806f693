"""Writes values into an env file so that the app reads back exactly what was meant.

How a value has to be quoted depends on who reads it. So nothing is trusted: each way of writing a value is read back
by the app's own dialect before it is used, one that python-dotenv reads the same way is preferred, and the whole file
is read once more before it takes the place of the old one.
"""

import io
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Final

from infracheck.errors import ClientError
from infracheck.project import dotenv_next
from infracheck.project.envread import Dialect
from infracheck.project.files import write_whole
from infracheck.secret import Secret

MODE: Final = 0o600
_BARE: Final = re.compile(r"[\w./:@%+,=?&~-]+", re.ASCII)
_QUOTES: Final = ("'", '"', "`")


class NotWritten(ClientError):
    """A value cannot be written here, or must not be."""


def write_values(path: Path, values: Mapping[str, Secret], dialect: Dialect, *, replace: bool = False) -> str:
    """Write variables into a file, which keeps its other lines and comments, and return what to tell.

    The file is replaced whole, readable by its owner only; the previous one stays beside it as `NAME.backup-…`.

    Args:
        dialect: of the app: `next` or `python`.
        replace: write over a value that is filled with something else.

    Raises:
        NotWritten: such a value is there, or a value cannot be written.
    """
    text = _read(path)
    before = parsed(text, dialect)
    plain = {name: value.reveal() for name, value in values.items()}
    for name, value in plain.items():
        if not replace and before.get(name, "").strip() and before[name] != value:
            raise NotWritten(
                f"{name} has another value in {path.name}", f"take it out of {path.name}, or run again with --replace"
            )
    wanted = {name: value for name, value in plain.items() if before.get(name) != value}
    if not wanted:
        return f"{path.name} has {_names(plain)} already"
    replace_file(path, edited(text, wanted, dialect), {**before, **wanted}, dialect)
    odd = [name for name, value in wanted.items() if not _agreed(name, value, dialect)]
    note = f"; other readers of env files take {_names(odd)} differently" if odd else ""
    return f"wrote {_names(wanted)} to {path.name}{note}"


def edited(text: str, values: Mapping[str, str], dialect: Dialect) -> str:
    """Return the text of an env file with these values in it: in place where the name stands, else at the end."""
    lines = text.split("\n")
    places = {one.key: one for one in dotenv_next.parse(text)}  # of a name that stands twice, the last one counts
    added = []
    for name, value in sorted(values.items(), key=lambda pair: -places[pair[0]].line if pair[0] in places else 0):
        written = f"{name}={_form(name, value, dialect)}"
        if place := places.get(name):
            export = "export " if lines[place.line - 1].lstrip().startswith("export ") else ""
            comment = f" {place.comment_inline}" if place.comment_inline else ""
            lines[place.line - 1 : place.end_line] = [f"{export}{written}{comment}"]
        else:
            added.append(written)
    body = "\n".join(lines)
    if added:
        body = (body.rstrip("\n") + "\n" if body.strip() else "") + "\n".join(added[::-1]) + "\n"
    return body


def emptied(text: str, names: list[str]) -> str:
    """Return the text of an env file in which these variables have no value; their comments stay."""
    lines = text.split("\n")
    for one in reversed(dotenv_next.parse(text)):
        if one.key in names:
            comment = f" {one.comment_inline}" if one.comment_inline else ""
            lines[one.line - 1 : one.end_line] = [f"{one.key}={comment}"]
    return "\n".join(lines)


def replace_file(path: Path, text: str, expected: Mapping[str, str], dialect: Dialect) -> None:
    """Put a new text in place of an env file, once it is read back as expected.

    Raises:
        NotWritten: it would be read as something else; the old file stays.
    """
    found = parsed(text, dialect)
    if wrong := [name for name, value in expected.items() if found.get(name) != value]:
        raise NotWritten(
            f"{path.name} would not be read back as it was meant ({_names(wrong)})",
            f"correct {path.name} by hand: `infracheck env explain {wrong[0]}` shows how it is read",
        )
    if path.exists():
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        write_whole(path.with_name(f"{path.name}.backup-{stamp}"), _read(path), mode=MODE)
    write_whole(path, text, mode=MODE)


def parsed(text: str, dialect: Dialect) -> dict[str, str]:
    """Return what a reader of this dialect makes of an env file, on its own."""
    if dialect == "next":
        return dict(dotenv_next.load([(".env.local", text.encode())], {}).values)
    from dotenv import dotenv_values

    logging.getLogger("dotenv.main").setLevel(logging.ERROR)  # ways of writing are tried out here, bad ones too
    found = dotenv_values(stream=io.StringIO(text), interpolate=True)
    return {name: value for name, value in found.items() if value is not None}


def _form(name: str, value: str, dialect: Dialect) -> str:
    """Return how a value is written, so that the dialect reads it back, and every other one too if that can be."""
    good = [form for form in dict.fromkeys(_forms(value)) if _holds(name, form, value, dialect)]
    if not good:
        raise NotWritten(
            f"{name} cannot be written into an env file: no way of quoting it is read back as it is",
            f"give {name} a value without quotes, backslashes and `$` side by side, or set it in the process",
        )
    return next((form for form in good if _holds(name, form, value, _other(dialect))), good[0])


def _holds(name: str, form: str, value: str, dialect: Dialect) -> bool:
    """Tell whether a reader takes this form for the value, and leaves its neighbours alone."""
    # A `#` right behind a quote hides how far an open one reaches.
    for quote in ("'", '"', "`") if dialect == "next" else ("'", '"'):
        text = f"_BEFORE={quote}b{quote}\n{name}={form}\n_AFTER={quote}#{quote}\n_LAST={quote}z{quote}\n"
        if parsed(text, dialect) != {"_BEFORE": "b", name: value, "_AFTER": "#", "_LAST": "z"}:
            return False
    return True


def _agreed(name: str, value: str, dialect: Dialect) -> bool:
    return _holds(name, _form(name, value, dialect), value, _other(dialect))


def _forms(value: str) -> Iterator[str]:
    """Yield ways to write a value, the plainest first."""
    if _BARE.fullmatch(value):
        yield value
    for quote, dollar, backslash, quoted, newline in product(
        _QUOTES, ("$", "\\$"), ("\\", "\\\\"), (False, True), ("\n", "\\n")
    ):
        inner = value.replace("\\", backslash).replace("$", dollar).replace("\n", newline)
        inner = inner.replace(quote, f"\\{quote}") if quoted else inner
        yield f"{quote}{inner}{quote}"
    if "\n" not in value:
        yield value
        yield value.replace("$", "\\$")


def _other(dialect: Dialect) -> Dialect:
    return "python" if dialect == "next" else "next"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeError) as error:
        raise NotWritten(f"{path.name} cannot be read: {error}", f"correct {path.name}; it was left as it is") from None


def _names(names: "Mapping[str, str] | list[str]") -> str:
    return ", ".join(sorted(names))
