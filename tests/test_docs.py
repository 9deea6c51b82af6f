"""The documentation is true: what it names exists, and what exists is named."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAWS = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "laws.md").read_text(), re.MULTILINE)
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


def test_all_laws_are_listed() -> None:
    assert len(LAWS) == 16


@pytest.mark.parametrize("law", LAWS)
def test_every_law_is_a_test_of_the_same_name(law: str) -> None:
    assert re.search(rf"^(async )?def test_{law}\(", TESTS, re.MULTILINE)


@pytest.mark.parametrize(
    "page",
    sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("training/*.md")]),
    ids=lambda p: p.name,
)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_no_file_of_the_product_is_long() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        lines = len(path.read_text().splitlines())
        assert lines <= 420, f"{path.name} has {lines} lines: it has two subjects"
