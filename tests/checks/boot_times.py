"""When a run learned what: each line of the dev server's log and each answer, against the moment of the verdict."""

import time
from typing import Any

import pytest

from infracheck.checks.server import server_boots
from infracheck.clients.devlog import DevLog
from infracheck.clients.http import Http
from infracheck.context import Context
from infracheck.model import Outcome
from tests.helpers import judge

AT_MOST = 2.0  # seconds from the cause to the verdict
FAR = 600.0  # the configured timeout: a verdict that waits for it is far too late


class BootTimes:
    """Watches the runs of one test from inside: they pass through the product's own code unchanged."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._seen: list[tuple[float, str]] = []
        add, request = DevLog.add, Http.request

        def heard(log: DevLog, line: str) -> None:
            self._seen.append((time.monotonic(), line))
            add(log, line)

        def asked(http: Http, *args: Any, **options: Any) -> Any:
            answer = request(http, *args, **options)
            self._seen.append((time.monotonic(), f"{answer.status} {answer.text}"))
            return answer

        patch.setattr(DevLog, "add", heard)
        patch.setattr(Http, "request", asked)

    def verdict(self, ctx: Context, cause: str | None) -> Outcome:
        """Judge the boot; assert that the verdict stood soon after `cause` came (None: soon after it was asked for)."""
        self._seen.clear()
        began = time.monotonic()
        outcome = judge(server_boots, ctx)
        stood = time.monotonic()
        if cause is not None:
            came = next((at for at, text in self._seen if cause in text), None)
            assert came is not None, f"{cause!r} was never seen: {[text for _, text in self._seen]}"
            began = came
        assert stood - began < AT_MOST, f"the verdict came {stood - began:.1f} s after its cause: {outcome}"
        return outcome
