"""The threat model is true: each test it names exists."""

import re
from pathlib import Path

from tests.named import missing_of, named_in

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "threat-model.md").read_text()


def test_every_named_test_exists() -> None:
    assert len(named_in(PAGE)) > 40
    assert not missing_of(PAGE)


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
