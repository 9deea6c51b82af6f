"""The threat model is true: each test it names exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "threat-model.md").read_text()
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


def test_every_named_test_exists() -> None:
    named = re.findall(r"`(test_\w+)`", PAGE)
    assert len(named) > 40
    missing = [n for n in named if not re.search(rf"^(async )?def {n}\(", TESTS, re.MULTILINE)]
    assert not missing


def test_every_item_of_the_owasp_top_ten_is_spoken_of() -> None:
    for number in range(1, 11):
        assert f"LLM{number:02}" in PAGE


def test_every_test_of_this_folder_is_named() -> None:
    written = [
        name
        for path in Path(__file__).parent.glob("test_*.py")
        if path != Path(__file__)
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    ]
    assert written
    assert [name for name in written if f"`{name}`" not in PAGE] == []
