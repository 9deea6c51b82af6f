"""What Inspect leaves behind is cleared away where it was made, not in somebody else's test."""

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

SLOW = frozenset(
    {
        "test_commands.py",
        "test_detection.py",
        "test_ladder.py",
        "test_statistics.py",
        "test_welfare.py",
    }
)
"""Modules of slow tests alone; importing Inspect and SciPy for them takes seconds."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what the fast suite would only import, and then not run."""
    if collection_path.name in SLOW and config.option.markexpr == "not slow":
        return True
    return None


@pytest.fixture
def inspects_streams_are_let_go() -> Iterator[None]:
    """Inspect 0.3 does not close some of its anyio streams, which warn when they are collected.

    For the tests that run it; a collection takes too long for all the others.
    """
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
