"""Turns logits into probabilities: scale and offset of one head."""

import numpy as np

from adjourn.evals.detection.measures import Floats


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
