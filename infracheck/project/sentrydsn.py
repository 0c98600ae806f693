"""What the JavaScript SDK makes of a DSN: its parser is another than Python's, raises nothing and accepts more."""

import re
from typing import Final

# As @sentry/core reads a DSN: no anchor at the end, and `\w` means ASCII.
_READ: Final = re.compile(r"(?P<scheme>\w+)://\w+(?::\w*)?@(?:\[[:.%\w]+\]|[\w.-]+)(?::\d+)?/(?P<path>.+)", re.ASCII)


def sdk_view(text: str) -> str:
    """Return what becomes of the app's errors with a DSN that is malformed; completes "the SDK …"."""
    found = _READ.match(text)
    if not found:
        return "cannot read it: it sends nothing, and no error stops the app"
    project = found["path"].rpartition("/")[2]
    if found["scheme"] not in {"http", "https"} or not re.match(r"\d", project, re.ASCII):
        return "drops it when it validates it (with its debug code), else sends to an address that takes nothing"
    return "accepts it all the same, and what it sends is lost at the server"
