"""Writes the tables of docs/detector.md from the figures of ``adjourn eval detectors``.

adjourn eval detectors --data DATA --out FIGURES
python training/card.py FIGURES/detectors.json  # replaces what is between the markers
"""

import argparse
from pathlib import Path

import msgspec

from adjourn.evals.detection.diagram import reliability_diagram
from adjourn.evals.detection.page import tables
from adjourn.evals.detection.report import Report

DOCS = Path(__file__).parents[1] / "docs"
CARD = DOCS / "detector.md"


def fill(text: str, name: str, body: str) -> str:
    """Replace what is between the markers of that name; a card without them has no such table."""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    if start not in text:
        return text
    before, rest = text.split(start)
    return before + start + body + end + rest.split(end)[1]


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path, help="detectors.json")
    parser.add_argument("--held-out", type=Path, help="the same of the hold-out training")
    args = parser.parse_args()
    report = msgspec.json.decode(args.figures.read_bytes(), type=Report)
    text = CARD.read_text(encoding="utf-8")
    for name, table in tables(report).items():
        text = fill(text, name, table)
    if args.held_out:
        unseen = msgspec.json.decode(args.held_out.read_bytes(), type=Report)
        text = fill(text, "held out", tables(unseen)["by source"])
    CARD.write_text(text, encoding="utf-8")
    if report.reliability:
        drawn = reliability_diagram(report.reliability)
        (DOCS / "images/reliability.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
