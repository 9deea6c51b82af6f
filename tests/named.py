"""The tests that a page of the documentation names."""

import re
from pathlib import Path

_TESTS = Path(__file__).parent


def named_in(page: str) -> set[str]:
    """Names of tests on a page."""
    return set(re.findall(r"`(test_\w+)`", page))


def missing_of(page: str) -> set[str]:
    """Names of tests on a page that are those of no test."""
    texts = (path.read_text() for path in _TESTS.rglob("test_*.py"))
    written = {
        name
        for text in texts
        for name in re.findall(r"^(?:async )?def (test_\w+)\(", text, re.MULTILINE)
    }
    return named_in(page) - written
