"""One scratch server for all fixtures."""

from collections.abc import Iterator

import pytest

from infracheck.clients.scratch import Scratch


@pytest.fixture(scope="session")
def scratch() -> Iterator[Scratch]:
    server = Scratch.open()
    yield server
    server.close()
