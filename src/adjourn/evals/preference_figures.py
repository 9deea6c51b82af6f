"""What paired choices say of tasks: strengths, and how many are below not doing anything."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from adjourn.evals.preferences import OPT_OUT, choosables
from adjourn.evals.statistics import CONFIDENCE, Rate, wilson

_PRIOR: Final = 0.01
"""Regularisation of choix: an item that always wins has a finite strength."""
_RESAMPLES: Final = 200
_ELO: Final = 400 / math.log(10)
"""Elo points in one unit of Bradley-Terry strength."""
_Pairs = Mapping[str, list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Preferred:
    """A task's standing. Elo points above (below, if negative) the opt-out."""

    task: str
    kind: str
    elo: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PreferenceFigures:
    """Task preferences of one model."""

    questions: int
    unclear: int
    first_chosen: Rate
    """How often A was chosen: a half, unless the place decides."""
    flipped: Rate
    """Pairs in which the answer changed with the order."""
    below_opt_out: float | None
    """Share of tasks weaker than the opt-out; None, as its interval and with no tasks, if there
    are tasks or the opt-out on which no clear choice was made."""
    below_low: float | None
    below_high: float | None
    below_by_kind: Mapping[str, float]
    tasks: tuple[Preferred, ...]
    """The strongest first."""
    reasons: int
    """Stated after the choice; they are in the log."""


def preference_figures(rows: Sequence[Mapping[str, Any]]) -> PreferenceFigures | None:
    """Return the figures of a run; None if nothing was chosen.

    Strengths are Bradley and Terry's (Biometrika 39, 1952), fitted by choix (ILSR: Maystre &
    Grossglauser, NeurIPS 2015). Intervals are bootstrap percentiles over pairs, both orders of a
    pair together, since they are not independent.
    """
    answered = [row for row in rows if row["choice"]]
    if not answered:
        return None
    pairs: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in answered:
        won, lost = (row["a"], row["b"]) if row["choice"] == "A" else (row["b"], row["a"])
        pairs[row["pair"]].append((won, lost))
    both = [found for found in pairs.values() if len(found) == 2]
    figures = PreferenceFigures(
        questions=len(rows),
        unclear=len(rows) - len(answered),
        first_chosen=wilson(sum(row["choice"] == "A" for row in answered), len(answered)),
        flipped=wilson(sum(one != other for one, other in both), len(both)),
        below_opt_out=None,
        below_low=None,
        below_high=None,
        below_by_kind={},
        tasks=(),
        reasons=sum(bool(row["reason"]) for row in rows),
    )
    compared = {item for results in pairs.values() for result in results for item in result}
    if len(compared) < len(choosables()):
        return figures  # a strength would come from the prior alone
    return _with_strengths(figures, pairs)


def _with_strengths(figures: PreferenceFigures, pairs: _Pairs) -> PreferenceFigures:
    items = choosables()
    strengths = _strengths(pairs, list(pairs))
    draws = _bootstrap(pairs)
    tail = 100 * (1 - CONFIDENCE) / 2
    lows, highs = np.percentile(draws, [tail, 100 - tail], axis=0)
    below = (draws[:, 1:] < 0).mean(axis=1)
    below_low, below_high = np.percentile(below, [tail, 100 - tail])
    ranked = sorted(range(1, len(items)), key=lambda item: -strengths[item])
    kinds = {item.kind for item in items[1:]}
    return replace(
        figures,
        below_opt_out=float((strengths[1:] < 0).mean()),
        below_low=float(below_low),
        below_high=float(below_high),
        below_by_kind={
            kind: float(
                np.mean([strengths[i] < 0 for i, item in enumerate(items) if item.kind == kind])
            )
            for kind in sorted(kinds)
        },
        tasks=tuple(
            Preferred(
                items[item].text,
                items[item].kind,
                float(strengths[item] * _ELO),
                float(lows[item] * _ELO),
                float(highs[item] * _ELO),
            )
            for item in ranked
        ),
    )


def _strengths(pairs: _Pairs, drawn: Sequence[str]) -> Any:
    """Return each item's strength above the opt-out's."""
    import choix  # noqa: PLC0415 - brings scipy

    data = [result for name in drawn for result in pairs[name]]
    fitted = choix.ilsr_pairwise(len(choosables()), data, alpha=_PRIOR, max_iter=1000)
    return np.asarray(fitted) - fitted[OPT_OUT]


def _bootstrap(pairs: _Pairs) -> Any:
    rng = np.random.default_rng(1)  # the same figures from the same answers
    names = list(pairs)
    drawn = rng.integers(0, len(names), (_RESAMPLES, len(names)))
    return np.asarray([_strengths(pairs, [names[at] for at in one]) for one in drawn])
