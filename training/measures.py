"""Figures of a ranking: areas, recall at fixed false-positive rates, calibration error."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 200
BINS = 10


def auroc(score: Floats, truth: Floats) -> float:
    """P(a positive scores above a negative), ties counting half."""
    order = np.argsort(score, kind="stable")
    ranks = np.empty(len(score))
    values, start = score[order], 0
    for end in [*(np.flatnonzero(np.diff(values)) + 1), len(values)]:
        ranks[order[start:end]] = (start + 1 + end) / 2
        start = end
    positives = truth.sum()
    negatives = len(truth) - positives
    return float(
        (ranks[truth == 1].sum() - positives * (positives + 1) / 2) / positives / negatives
    )


def auprc(score: Floats, truth: Floats) -> float:
    """Average precision."""
    hits = truth[np.argsort(-score, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float((precision * hits).sum() / hits.sum())


def threshold_at(score: Floats, truth: Floats, rate: float) -> float:
    """Return the lowest threshold (score >= it flags) with at most ``rate`` false positives."""
    negatives = np.sort(score[truth == 0])[::-1]
    allowed = int(np.floor(rate * len(negatives)))
    return float(np.nextafter(negatives[allowed], np.inf)) if allowed < len(negatives) else 0.0


def recall_at(rate: float) -> Callable[[Floats, Floats], float]:
    """Return a measure: recall at a false-positive rate on the same negatives."""

    def recall(score: Floats, truth: Floats) -> float:
        return float((score[truth == 1] >= threshold_at(score, truth, rate)).mean())

    return recall


def ece(score: Floats, truth: Floats) -> float:
    """Expected calibration error over ten bins of equal width."""
    bins = np.minimum((score * BINS).astype(int), BINS - 1)
    gaps = [
        abs(score[bins == b].mean() - truth[bins == b].mean()) * (bins == b).sum()
        for b in range(BINS)
        if (bins == b).any()
    ]
    return float(sum(gaps) / len(score))


MEASURES: dict[str, Callable[[Floats, Floats], float]] = {
    "auroc": auroc,
    "auprc": auprc,
    "recall_at_1pc_fpr": recall_at(0.01),
    "recall_at_0.1pc_fpr": recall_at(0.001),
    "ece": ece,
}


def figures(score: Floats, truth: Floats, seed: int) -> dict[str, object]:
    """Return every measure with a 95 % interval from resampling positives and negatives."""
    rng = np.random.default_rng(seed)
    ones, zeros = np.flatnonzero(truth == 1), np.flatnonzero(truth == 0)
    drawn = [
        np.concatenate([rng.choice(ones, len(ones)), rng.choice(zeros, len(zeros))])
        for _ in range(RESAMPLES)
    ]
    out: dict[str, object] = {"positives": len(ones), "negatives": len(zeros)}
    for name, measure in MEASURES.items():
        values = [measure(score[i], truth[i]) for i in drawn]
        low, high = np.quantile(values, [0.025, 0.975])
        out[name] = [round(float(v), 4) for v in (measure(score, truth), low, high)]
    return out


def platt(logit: Floats, target: Floats, weight: Floats, share: float) -> tuple[float, float]:
    """Fit scale and offset so that sigmoid(scale * logit + offset) is a probability.

    Positives and negatives are weighted so that positives are ``share`` of all: the probability
    is right for traffic in which that many messages are positive. ``share`` 0 leaves weights.
    """
    weight = weight.copy()
    if share and (weight * target).sum() > 0 and (weight * (1 - target)).sum() > 0:
        positive = (weight * target).sum()
        negative = (weight * (1 - target)).sum()
        weight = weight * (target * share / positive + (1 - target) * (1 - share) / negative)
    weight = weight / weight.sum()
    scale, offset = 1.0, 0.0
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(scale * logit + offset, -30, 30)))
        gap, curve = weight * (p - target), weight * p * (1 - p) + 1e-9
        ridge = 1e-3  # towards scale 1, so that a separable head keeps finite probabilities
        gradient = np.array([(gap * logit).sum() + ridge * (scale - 1), gap.sum()])
        cross = (curve * logit).sum()
        hessian = np.array([[(curve * logit**2).sum() + ridge, cross], [cross, curve.sum() + 1e-6]])
        step = np.linalg.solve(hessian, gradient)
        step *= min(1.0, 2.0 / np.abs(step).max())
        scale, offset = scale - float(step[0]), offset - float(step[1])
        if np.abs(step).max() < 1e-6:
            break
    return max(scale, 0.05), offset
