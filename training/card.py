"""Writes the tables of docs/detector.md from the figures of ``adjourn eval detectors``.

adjourn eval detectors --data DATA --out FIGURES
python training/card.py FIGURES/detectors.json  # replaces what is between the markers
"""

import argparse
from pathlib import Path

import msgspec

from adjourn.evals.detection.page import tables
from adjourn.evals.detection.report import Report

CARD = Path(__file__).parents[1] / "docs/detector.md"


def fill(text: str, name: str, body: str) -> str:
    """Replace what is between the markers of that name."""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, rest = text.split(start)
    return before + start + body + end + rest.split(end)[1]


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path, help="detectors.json")
    report = msgspec.json.decode(parser.parse_args().figures.read_bytes(), type=Report)
    text = CARD.read_text(encoding="utf-8")
    for name, table in tables(report).items():
        text = fill(text, name, table)
    CARD.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
