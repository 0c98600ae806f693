"""Makes the HTTP request of a step, and the curl command with which a person repeats it."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from infracheck.errors import ClientError
from infracheck.flow.shape import Step
from infracheck.flow.values import Values, as_text

ACCEPT: Final = "text/html,application/json;q=0.9,*/*;q=0.8"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request ready to be sent; `shown` is its path for people, `curl` repeats it without showing a secret."""

    method: str
    url: str = field(repr=False)
    shown: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(repr=False)
    curl: str


def outgoing(step: Step, values: Values, base: str, root: Path, signed: Mapping[str, str]) -> Outgoing:
    """Return the request of a step.

    Args:
        base: of the app, without a path.
        root: the app's folder, where files to upload lie.
        signed: the headers of whoever asks: cookies and tokens.

    Raises:
        Unknown: a name in it has no value.
        ClientError: the file to upload cannot be read.
    """
    method, _, form = (step.request or "").partition(" ")
    path, shown = str(values.fill(form)), str(values.shown(form))
    content, kind = _body(step, values, root)
    headers = {"Accept": ACCEPT, **signed}
    if method not in SAFE:
        headers["Origin"] = base  # as the browser sends it; services refuse writes without one
    if kind:
        headers["Content-Type"] = kind
    own = {name: as_text(values.fill(value)) for name, value in step.headers.items()}
    named = {name.lower() for name in own}
    headers = {name: value for name, value in headers.items() if name.lower() not in named} | own
    return Outgoing(method, base + path, shown, headers, content, _curl(step, values, f"{base}{shown}", method, signed))


def _body(step: Step, values: Values, root: Path) -> tuple[bytes | None, str]:
    """Return the bytes of a body and their content type."""
    import json

    if step.json is not None:
        return json.dumps(values.fill(step.json)).encode(), JSON
    if step.body is not None:
        return as_text(values.fill(step.body)).encode(), ""
    if step.file:
        return _multipart(step, values, root)
    if step.form:
        return urlencode(_fields(step, values), doseq=True).encode(), FORM
    return None, ""


def _fields(step: Step, values: Values) -> dict[str, Any]:
    filled = {name: values.fill(value) for name, value in step.form.items()}
    return {
        name: [as_text(one) for one in value] if isinstance(value, list) else as_text(value)
        for name, value in filled.items()
    }


def _multipart(step: Step, values: Values, root: Path) -> tuple[bytes, str]:
    import httpx

    assert step.file
    path = root / step.file.path
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ClientError(
            f"{step.file.path} cannot be read: {error.strerror}", "correct `file` of the step, or add the file"
        ) from None
    form = httpx.Request(
        "POST",
        "http://localhost",
        data=_fields(step, values),
        files={step.file.field: (path.name, data, step.file.type)},
    )
    return form.read(), form.headers["content-type"]


def _curl(step: Step, values: Values, url: str, method: str, signed: Mapping[str, str]) -> str:
    import json

    words = ["curl", "-i", *(["-X", method] if method != "GET" else [])]
    parts = [shlex.join(words)]
    who = step.as_.replace("-", "_").upper()
    for name in signed:
        variable = f"{who}_COOKIE" if name == "Cookie" else f"{who}_TOKEN"
        parts.append(f'-H "{name}: ${variable}"')
    parts += [f"-H {_quoted(f'{name}: {as_text(values.shown(value))}')}" for name, value in step.headers.items()]
    if step.json is not None:
        parts += [f"-H 'Content-Type: {JSON}'", f"-d {_quoted(json.dumps(values.shown(step.json)))}"]
    elif step.body is not None:
        parts.append(f"-d {_quoted(as_text(values.shown(step.body)))}")
    else:
        flag = "-F" if step.file else "--data-urlencode"
        parts += [f"{flag} {_quoted(f'{name}={as_text(values.shown(value))}')}" for name, value in step.form.items()]
        if step.file:
            parts.append(f"-F {_quoted(f'{step.file.field}=@{step.file.path}')}")
    return " ".join([*parts, _quoted(url)])


def _quoted(text: str) -> str:
    """Return a word of a shell in which `$NAME` stands for a variable of the environment."""
    if "$" not in text:
        return shlex.quote(text)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`") + '"'
