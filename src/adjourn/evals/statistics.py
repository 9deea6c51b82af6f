"""The arithmetic of the findings, by maintained libraries; each function names its source.

Everything that takes time to import is imported where it is used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with an interval at 95 %; all None where there was nothing to count in."""

    count: int
    of: int
    share: float | None
    low: float | None
    high: float | None


NOTHING: Final = Rate(0, 0, None, None, None)


def wilson(count: int, of: int) -> Rate:
    """Return a rate with its Wilson score interval, for description (JASA 22, 1927)."""
    return _rate(count, of, "wilson")


def exact(count: int, of: int) -> Rate:
    """Return a rate with its Clopper-Pearson interval, for safety (Biometrika 26, 1934)."""
    return _rate(count, of, "beta")


def upper_bound(count: int, of: int) -> float | None:
    """Return the exact one-sided 95 % upper bound of a rate; None if there were no trials.

    With no event in ``of`` trials it is 1 - 0.05^(1/of), about 3/of: the rule of three
    (Hanley & Lippman-Hand, JAMA 249, 1983).
    """
    if of == 0:
        return None
    if count == of:
        return 1.0
    from scipy.special import betaincinv  # noqa: PLC0415 - takes time to load

    return float(betaincinv(count + 1, of - count, CONFIDENCE))


@dataclass(frozen=True, slots=True)
class Clustered:
    """A rate among conversations that are not all independent."""

    rate: Rate
    """Interval with cluster-robust errors; for no events see ``upper``."""
    clusters: int
    with_event: int
    """Clusters with at least one event."""
    design_effect: float
    """Variance against that of as many independent conversations; 1 where it cannot be told."""
    upper: float | None
    """One-sided 95 % bound if conversations are independent given their template."""
    upper_by_cluster: float | None
    """The same with each template counted once: the bound if a template always behaves alike."""


def clustered(events: Mapping[str, Sequence[bool]]) -> Clustered:
    """Return a rate with errors clustered by template.

    The interval is that of the intercept of a least-squares fit with cluster-robust covariance
    (Liang & Zeger, Biometrika 73, 1986; for evaluations Miller, arXiv 2411.00640), cut to [0, 1].
    A robust error of no events is 0, which says nothing; then the bounds of the two extremes are
    what is known: all conversations independent, or each template one observation.

    Args:
        events: For each template, whether the event occurred in each of its conversations.
    """
    values = [int(event) for cluster in events.values() for event in cluster]
    of, count = len(values), sum(values)
    hit = sum(any(cluster) for cluster in events.values())
    uppers = (upper_bound(count, of), upper_bound(hit, len(events)))
    if count in (0, of) or len(events) < 2:
        return Clustered(exact(count, of), len(events), hit, 1.0, *uppers)
    import statsmodels.api as sm  # noqa: PLC0415 - seconds to load

    groups = np.repeat(np.arange(len(events)), [len(cluster) for cluster in events.values()])
    fit = sm.OLS(np.asarray(values, float), np.ones(of)).fit(
        cov_type="cluster", cov_kwds={"groups": groups}
    )
    low, high = (float(bound) for bound in fit.conf_int(1 - CONFIDENCE)[0])
    share = count / of
    effect = float(fit.bse[0]) ** 2 / (share * (1 - share) / of)
    rate = Rate(count, of, share, max(0.0, low), min(1.0, high))
    return Clustered(rate, len(events), hit, effect, *uppers)


@dataclass(frozen=True, slots=True)
class Survival:
    """A Kaplan-Meier curve: the share of conversations that go on after each turn."""

    turns: tuple[int, ...]
    share: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    median: float | None
    """Turn by which half have ended; None if half never do."""
    events: int
    of: int


def survival(durations: Sequence[int], ended: Sequence[bool]) -> Survival:
    """Return the survival curve of conversations (Kaplan & Meier, JASA 53, 1958).

    Intervals are Greenwood's on the log(-log) scale, as lifelines gives them. A conversation that
    did not end is censored at its last turn.
    """
    if not durations:
        return Survival((), (), (), (), None, 0, 0)
    from lifelines import KaplanMeierFitter  # noqa: PLC0415 - seconds to load

    fitter = KaplanMeierFitter().fit(durations, ended, alpha=1 - CONFIDENCE)
    curve = fitter.survival_function_.iloc[:, 0]
    bounds = fitter.confidence_interval_
    median = float(fitter.median_survival_time_)
    return Survival(
        tuple(int(turn) for turn in curve.index),
        tuple(float(x) for x in curve),
        tuple(float(x) for x in bounds.iloc[:, 0]),
        tuple(float(x) for x in bounds.iloc[:, 1]),
        None if np.isinf(median) else median,
        sum(ended),
        len(durations),
    )


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Return the exact p-value that two conditions differ on the same conversations.

    McNemar's test (Psychometrika 12, 1947), exact: binomial on the discordant pairs.
    """
    from statsmodels.stats.contingency_tables import mcnemar as test  # noqa: PLC0415

    table = np.zeros((2, 2), int)
    for one, other in zip(first, second, strict=True):
        table[int(one), int(other)] += 1
    return float(test(table, exact=True).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm, Scandinavian J. Statistics 6, 1979)."""
    if not p_values:
        return []
    from statsmodels.stats.multitest import multipletests  # noqa: PLC0415

    return [float(p) for p in multipletests(p_values, method="holm")[1]]


Level = Literal["nominal", "ordinal", "interval", "ratio"]


def agreement(ratings: Sequence[Sequence[float | None]], level: Level = "interval") -> float | None:
    """Return Krippendorff's alpha of several raters' ratings (Content Analysis, 1980).

    Args:
        ratings: One row a rater, one column an item; None where a rater gave no answer.
        level: What the numbers mean.

    Returns:
        Alpha; None if all ratings are the same or fewer than two overlap, where it is not defined.
    """
    table = np.asarray([[np.nan if x is None else x for x in row] for row in ratings], float)
    given = (~np.isnan(table)).sum(axis=0) if table.size else np.zeros(0)
    paired = table[:, given >= 2] if table.size else table
    if paired.size == 0 or len(np.unique(paired[~np.isnan(paired)])) < 2:
        return None
    import krippendorff  # noqa: PLC0415

    return float(krippendorff.alpha(reliability_data=paired, level_of_measurement=level))


def _rate(count: int, of: int, method: str) -> Rate:
    if of == 0:
        return NOTHING
    from statsmodels.stats.proportion import proportion_confint  # noqa: PLC0415 - seconds to load

    low, high = proportion_confint(count, of, alpha=1 - CONFIDENCE, method=method)
    return Rate(count, of, count / of, float(low), float(high))
