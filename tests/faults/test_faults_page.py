"""The page on faults names tests that exist, and leaves none of the forty faults out."""

import re
from pathlib import Path

from tests.named import missing_of, named_in

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/faults.md").read_text()


def test_every_fault_is_there_once() -> None:
    numbers = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)
    assert sorted(map(int, numbers)) == list(range(1, 41))


def test_every_named_test_of_the_page_exists() -> None:
    assert missing_of(PAGE) == set()
    assert len(named_in(PAGE)) > 60
