"""Calibrates trained weights, and prints a table of what they are worth.

    python training/evaluate.py --data DATA --weights FOLDER [--hold-out]

Probabilities are fitted on the kept-out tenth of the training sources. The model card itself is
made by ``adjourn eval detectors``.
"""

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import numpy as np
from platt import platt
from train import gather

from adjourn.detectors.local_heads import HAZARDS, HEADS
from adjourn.detectors.local_model import Network
from adjourn.evals.detection import figures as tables
from adjourn.evals.detection.cases import read_cases
from adjourn.evals.detection.examples import HEADS as ASKED
from adjourn.evals.detection.examples import Example
from adjourn.evals.detection.sources import read, unused_intents
from adjourn.evals.detection.split import HELD_OUT, SEED

SHARES = {
    "harm": 0.3, "abuse": 0.15, "crisis_self": 0.4, "crisis_others": 0.1, "wants_end": 0.05,
    "insists": 0.2, "confirms": 0.3, "declines": 0.3, "refuses": 0.5, "redirects": 0.3,
    **dict.fromkeys(map(str, HAZARDS), 0.5),
}  # fmt: skip
"""Share of positives that probabilities are calibrated for: our choice, see docs/detector.md.

Of a hazard: among harmful messages.
"""
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


def calibrate(found: list[Example], logits: np.ndarray) -> dict[str, list[float]]:
    """Fit scale and offset of each head; hazards on harmful messages, being conditional."""
    out: dict[str, list[float]] = {}
    harm = np.array([one.labels.get("harm", 1.0) >= 0.3 for one in found])
    for i, head in enumerate(HEADS):
        says, target = tables.speaks_of(found, head)
        if i < N_HAZARDS:
            says &= harm
        weight = np.array([one.weight for one in found])[says]
        pair = platt(logits[says, i], target[says], weight, SHARES.get(head, 0.0))
        out[head] = [round(value, 4) for value in pair]
    return out


def probabilities(logits: np.ndarray, calibration: dict[str, list[float]]) -> np.ndarray:
    """Return probabilities (N, H); hazards are joint with harm, as in serving."""
    pairs = np.array([calibration[head] for head in HEADS])
    p = 1 / (1 + np.exp(-np.clip(logits * pairs[:, 0] + pairs[:, 1], -30, 30)))
    p[:, :N_HAZARDS] *= p[:, [HEADS.index("harm")]]
    return p[:, [HEADS.index(head) for head in ASKED]]


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=SHIPPED)
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
    text = json.dumps(calibration, indent=1) + "\n"
    (args.weights / "calibration.json").write_text(text, encoding="utf-8")
    unseen = read_cases(SEED, resources.files("adjourn.evals") / "data" / "detectors")
    held_out = [one for one in read(args.data) if one.source in held]
    for title, part_of, found in (
        ("own, unseen, by kind", tables.by_kind, unseen + unused_intents(args.data)),
        ("own, unseen, by language", tables.by_language, unseen),
        ("sources never seen", tables.by_source, held_out + unseen + unused_intents(args.data)),
        ("kept out", tables.by_source, dev),
    ):
        print("==", title)
        logits = dev_logits if found is dev else scores(network, found)
        p = probabilities(logits, calibration)
        for row in tables.rows(found, p, part_of):
            shown = " ".join(f"{name}={at[0]:.3f}" for name, at in row.figures.measures.items())
            counts = f"{row.figures.positives:5}/{row.figures.negatives:<6}"
            print(f"{row.head:14}{row.part[:34]:36}{counts}{shown}")


if __name__ == "__main__":
    main()
