"""One GET, for waiting until a server answers."""

import http.client
from urllib.parse import urlsplit


def status_of(url: str, seconds: float = 5) -> int | None:
    """Return the status of `GET url`, or None when nothing answers within `seconds`."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    try:
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
