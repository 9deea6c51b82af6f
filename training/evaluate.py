"""Calibrates trained weights and measures them, through the code that serves them.

python training/evaluate.py --data DATA --weights FOLDER --metrics FILE [--hold-out]
"""

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cases
import numpy as np
import sources
from examples import NOTHING, Example
from measures import auroc, figures, platt, threshold_at
from train import HELD_OUT, SEED, gather

from adjourn.core.messages import Role
from adjourn.detectors.local_heads import HAZARDS, HEADS, OF_ASSISTANT, OF_USER
from adjourn.detectors.local_model import Network

SHARES = {
    "harm": 0.3, "abuse": 0.15, "crisis_self": 0.4, "crisis_others": 0.1, "wants_end": 0.05,
    "insists": 0.2, "confirms": 0.3, "declines": 0.3, "refuses": 0.5, "redirects": 0.3,
    **dict.fromkeys(map(str, HAZARDS), 0.5),
}  # fmt: skip
"""Share of positives that probabilities are calibrated for: our choice, see docs/detector.md.

Of a hazard: among harmful messages.
"""
FALSE_POSITIVES = {
    "abuse": 0.005, "harm": 0.005, "crisis_self": 0.02, "crisis_others": 0.02,
    "wants_end": 0.001, "confirms": 0.005, "declines": 0.01, "insists": 0.005,
    "refuses": 0.01, "redirects": 0.01,
}  # fmt: skip
"""Highest false-positive rate that a suggested threshold may have."""
CASES = Path(__file__).parents[1] / "tests/detectors/cases"
SHIPPED = Path(__file__).parents[1] / "src/adjourn/detectors/weights"
N_HAZARDS = len(HAZARDS)


def scores(network: Network, found: list[Example]) -> np.ndarray:
    """Return logits per example and head (N, H), windows put together as in serving."""

    def one(example: Example) -> np.ndarray:
        logits = network.logits(example.conversation())
        if not len(logits):
            return np.full(len(HEADS), -20.0)
        together = logits.max(0)
        together[HEADS.index("confirms")] = logits[:, HEADS.index("confirms")].min()
        together[HEADS.index("refuses")] = logits[0, HEADS.index("refuses")]
        return together

    with ThreadPoolExecutor(2) as pool:
        return np.stack(list(pool.map(one, found)))


def known(found: list[Example], head: str) -> tuple[np.ndarray, np.ndarray]:
    """Return which examples say something of a head, and their targets (0 where they do not)."""
    role = (OF_USER if head in OF_USER else OF_ASSISTANT) if head not in map(str, HAZARDS) else None
    says = np.array(
        [
            head in one.labels
            and not (role is OF_USER and one.role is not Role.USER)
            and not (head in ("insists", "confirms", "declines") and not one.before)
            for one in found
        ]
    )
    return says, np.array([one.labels.get(head, 0.0) for one in found])


def calibrate(found: list[Example], logits: np.ndarray) -> dict[str, list[float]]:
    """Fit scale and offset of each head; hazards on harmful messages, being conditional."""
    out: dict[str, list[float]] = {}
    harm = np.array([one.labels.get("harm", 1.0) >= 0.3 for one in found])
    for i, head in enumerate(HEADS):
        says, target = known(found, head)
        if i < N_HAZARDS:
            says &= harm
        weight = np.array([one.weight for one in found])[says]
        share = SHARES.get(head, 0.0)
        pair = platt(logits[says, i], target[says], weight, share)
        out[head] = [round(value, 4) for value in pair]
    return out


def probabilities(logits: np.ndarray, calibration: dict[str, list[float]]) -> np.ndarray:
    """Return probabilities (N, H); hazards are joint with harm, as in serving."""
    pairs = np.array([calibration[head] for head in HEADS])
    p = 1 / (1 + np.exp(-np.clip(logits * pairs[:, 0] + pairs[:, 1], -30, 30)))
    p[:, :N_HAZARDS] *= p[:, [HEADS.index("harm")]]
    return p


def by_source(found: list[Example], p: np.ndarray, held_out: bool) -> list[dict[str, object]]:
    """Return figures per head and source; a source of positives only is set against traffic."""
    traffic = [
        i for i, one in enumerate(found) if one.kind == "benign" and "coconot" not in one.source
    ]
    rows: list[dict[str, object]] = []
    for column, head in enumerate(HEADS):
        says, target = known(found, head)
        for source in sorted({one.source for one in found}):
            mine = np.array([one.source == source for one in found]) & says
            ones, zeros = mine & (target >= 0.5), mine & (target == 0)
            against = "its own negatives"
            if ones.sum() >= 15 and zeros.sum() < 15 and head in OF_USER:
                zeros = np.zeros(len(found), bool)
                zeros[traffic] = True
                against = "ordinary traffic"
            if ones.sum() < 15 or zeros.sum() < 15:
                continue
            picked = np.flatnonzero(ones | zeros)
            truth = ones[picked].astype(float)
            rows.append(
                {"head": head, "source": source, "held_out": held_out, "against": against}
                | figures(p[picked, column], truth, SEED)
            )
    return rows


def thresholds(found: list[Example], p: np.ndarray) -> dict[str, dict[str, float]]:
    """Return per head the lowest threshold that keeps false positives rare, and its recall."""
    out: dict[str, dict[str, float]] = {}
    for column, head in enumerate(HEADS):
        says, target = known(found, head)
        zeros = (
            says & (target == 0)
            if column >= N_HAZARDS
            else np.array(
                [one.labels.get("harm") == 0.0 and one.role is Role.USER for one in found]
            )
        )
        ones = says & (target >= 0.5)
        truth = np.concatenate([np.ones(ones.sum()), np.zeros(zeros.sum())])
        score = np.concatenate([p[ones, column], p[zeros, column]])
        if not ones.sum() or not zeros.sum():
            continue
        at = threshold_at(score, truth, FALSE_POSITIVES.get(head, 0.005))
        out[head] = {
            "threshold": round(at, 3),
            "recall": round(float((score[truth == 1] >= at).mean()), 3),
            "positives": int(ones.sum()),
            "negatives": int(zeros.sum()),
            "auroc": round(auroc(score, truth), 4),
        }
    return out


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=SHIPPED)
    parser.add_argument("--metrics", type=Path, default=Path(__file__).parent / "metrics.json")
    parser.add_argument("--hold-out", action="store_true")
    args = parser.parse_args()
    network = Network(
        (args.weights / "local.onnx").read_bytes(),
        (args.weights / "tokenizer.json").read_text(encoding="utf-8"),
        {},
    )
    held = HELD_OUT if args.hold_out else ()
    _, dev = gather(args.data, held)
    dev_logits = scores(network, dev)
    calibration = calibrate(dev, dev_logits)
    (args.weights / "calibration.json").write_text(json.dumps(calibration, indent=1) + "\n")
    result: dict[str, object] = {
        "rows": by_source(dev, probabilities(dev_logits, calibration), False)
    }
    unseen = cases.read(SEED, CASES)
    extra = [one for one in sources.read(args.data) if one.source in held] + unseen
    extra += unused_intents(args.data)
    logits = scores(network, extra)
    p = probabilities(logits, calibration)
    result["held_out_rows"] = by_source(extra, p, True)
    both = dev + extra
    result["thresholds"] = thresholds(
        both, np.concatenate([probabilities(dev_logits, calibration), p])
    )
    args.metrics.write_text(json.dumps(result, indent=1) + "\n")
    for key in ("held_out_rows", "rows"):
        print("==", key)
        for row in result[key]:
            print(
                f"{row['head']:14}{row['source'][:34]:36}{row['positives']:5}/{row['negatives']:<6}"
                + " ".join(
                    f"{name}={row[name][0]:.3f}"
                    for name in ("auroc", "auprc", "recall_at_1pc_fpr", "ece")
                )
            )
    for head, row in result["thresholds"].items():
        print(head, row)


def unused_intents(data: Path) -> list[Example]:
    """Return rows of the intent data that training leaves out: ordinary utterances."""
    path = data / "intents.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    special = ("goodbye", "cancel", "thank_you", "repeat", "yes", "no", "maybe")
    return [
        Example(row["text"], Role.USER, dict(NOTHING), row["source"], kind="benign")
        for i, row in enumerate(rows)
        if i % 5 == 1 and row["intent"] not in special
    ]


if __name__ == "__main__":
    main()
