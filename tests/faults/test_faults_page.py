"""The page on faults names tests that exist, and leaves none of the forty faults out."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/faults.md").read_text()
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


def test_every_fault_is_there_once() -> None:
    numbers = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)
    assert sorted(map(int, numbers)) == list(range(1, 41))


def test_every_named_test_of_the_page_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    written = set(re.findall(r"^\s*(?:async )?def (test_\w+)\(", TESTS, re.MULTILINE))
    assert named - written == set()
    assert len(named) > 60
