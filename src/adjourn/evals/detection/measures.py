"""Figures of a ranking: areas, recall at fixed false-positive rates, calibration error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES: Final = 200
BINS: Final = 10
Interval = tuple[float, float, float]
"""A figure with the ends of its 95 % interval."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Every measure of one ranking, and how many it rests on."""

    positives: int
    negatives: int
    measures: Mapping[str, Interval]


def auroc(score: Floats, truth: Floats) -> float:
    """P(a positive scores above a negative), ties counting half."""
    from scipy.stats import rankdata  # noqa: PLC0415 - a second to load

    ranks = rankdata(score)
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
    return sum(abs(one.said - one.true) * one.count for one in reliability(score, truth)) / len(
        score
    )


@dataclass(frozen=True, slots=True)
class Bin:
    """Messages whose probabilities lie close together."""

    count: int
    said: float
    """Mean probability."""
    true: float
    """Share that is positive."""


def reliability(score: Floats, truth: Floats) -> tuple[Bin, ...]:
    """Return the bins of a reliability diagram, ten of equal width, empty ones left out.

    As in Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    bins = np.minimum((score * BINS).astype(int), BINS - 1)
    return tuple(
        Bin(int(here.sum()), float(score[here].mean()), float(truth[here].mean()))
        for here in (bins == number for number in range(BINS))
        if here.any()
    )


MEASURES: Final[dict[str, Callable[[Floats, Floats], float]]] = {
    "auroc": auroc,
    "auprc": auprc,
    "recall_at_1pc_fpr": recall_at(0.01),
    "recall_at_0.1pc_fpr": recall_at(0.001),
    "ece": ece,
}


def figures(score: Floats, truth: Floats, seed: int) -> Figures:
    """Return every measure with a 95 % interval from resampling positives and negatives."""
    rng = np.random.default_rng(seed)
    ones, zeros = np.flatnonzero(truth == 1), np.flatnonzero(truth == 0)
    drawn = [
        np.concatenate([rng.choice(ones, len(ones)), rng.choice(zeros, len(zeros))])
        for _ in range(RESAMPLES)
    ]
    measures: dict[str, Interval] = {}
    for name, measure in MEASURES.items():
        low, high = np.quantile([measure(score[i], truth[i]) for i in drawn], [0.025, 0.975])
        at = measure(score, truth)
        measures[name] = (round(at, 4), round(float(low), 4), round(float(high), 4))
    return Figures(len(ones), len(zeros), measures)
