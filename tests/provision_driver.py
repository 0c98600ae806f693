"""Runs `infracheck provision --yes` in a process of its own, and kills it at the Nth thing that it does for good.

It counts right after every request that changes something, every file that it puts in place and every line of its
journal; right before the next one is the same moment. Arguments: the app's folder, N (0: never), families.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infracheck.actions import Choices
from infracheck.clients.http import Http
from infracheck.project import envwrite, files
from infracheck.provisioning import journal
from infracheck.provisioning.command import provision

count = 0
deadly = int(sys.argv[2])


def step() -> None:
    global count  # noqa: PLW0603 - one count for the process
    count += 1
    if count == deadly:
        os.kill(os.getpid(), signal.SIGKILL)


def counted(work: Callable[..., Any]) -> Callable[..., Any]:
    def then(*arguments: Any, **named: Any) -> Any:
        result = work(*arguments, **named)
        step()
        return result

    return then


original = Http.request


def request(self: Http, method: str, *arguments: Any, **named: Any) -> Any:
    # What only reads changes nothing: a kill there is a kill before the next thing that does.
    return (
        counted(original)(self, method, *arguments, **named)
        if method != "GET"
        else original(self, method, *arguments, **named)
    )


Http.request = request  # type: ignore[method-assign]
setattr(envwrite, "write_whole", counted(files.write_whole))  # noqa: B010 - mypy sees no such export
journal.Journal.write = counted(journal.Journal.write)  # type: ignore[method-assign]
code = provision(Path(sys.argv[1]), sys.argv[3:], os.environ, choices=Choices(), yes=True)
print(f"counted {count}")
sys.exit(code)
