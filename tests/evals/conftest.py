"""What Inspect leaves behind is cleared away where it was made, not in somebody else's test."""

import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture
def inspects_streams_are_let_go() -> Iterator[None]:
    """Inspect 0.3 does not close some of its anyio streams, which warn when they are collected.

    For the tests that run it; a collection takes too long for all the others.
    """
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
