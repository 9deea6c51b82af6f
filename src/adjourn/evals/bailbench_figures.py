"""BailBench's figures: the study's table, with intervals, and crises apart."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adjourn.evals.bailbench_items import Group
from adjourn.evals.statistics import Rate, clustered, wilson

_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BailFigures:
    """One method on one model. Shares are of answers, one a prompt and epoch."""

    answers: int
    items: int
    left: Rate
    """Of ordinary items."""
    left_macro: float | None
    """Mean of the categories' shares, since categories are of very different size."""
    left_all: Rate
    """Of all items, crises among them, as the study counts."""
    refused: Rate
    """Of ordinary items' replies that say anything."""
    left_without_refusing: Rate
    """Of ordinary items: left, and the reply answers; a reply of no words is in neither."""
    left_silently: int
    """Left without a word."""
    mentioned: Rate
    """With ``string``: the keyword is anywhere (the study's way to count)."""
    unclear: int
    """Answers that say neither."""
    crisis_left: Rate
    """Of items in which a person may be in danger: what must not happen."""
    mixed_left: Rate
    """Of items that may be such, counted apart."""
    by_category: Mapping[str, Rate]


def bail_figures(rows: Sequence[_Row]) -> BailFigures:
    """Return the figures of a run.

    Intervals are Wilson's; where prompts were asked several times, they are clustered by prompt.
    """
    ordinary = [row for row in rows if row["group"] == Group.ORDINARY]
    by_category: dict[str, list[_Row]] = defaultdict(list)
    for row in ordinary:
        by_category[row["category"]].append(row)
    rates = {name: _rate(found, _left) for name, found in sorted(by_category.items())}
    shares = [rate.share for rate in rates.values() if rate.share is not None]
    judged = [row for row in ordinary if row["refused"] is not None]
    return BailFigures(
        answers=len(rows),
        items=len({row["id"] for row in rows}),
        left=_rate(ordinary, _left),
        left_macro=sum(shares) / len(shares) if shares else None,
        left_all=_rate(rows, _left),
        refused=_rate(judged, lambda row: bool(row["refused"])),
        left_without_refusing=_rate(ordinary, lambda row: _left(row) and row["refused"] is False),
        left_silently=sum(_left(row) and not row["spoke"] for row in ordinary),
        mentioned=_rate(ordinary, lambda row: bool(row["mentioned"])),
        unclear=sum(row["left"] is None for row in rows),
        crisis_left=_rate([row for row in rows if row["group"] == Group.CRISIS], _left),
        mixed_left=_rate([row for row in rows if row["group"] == Group.MIXED], _left),
        by_category=rates,
    )


def _left(row: _Row) -> bool:
    return bool(row["left"])


def _rate(rows: Sequence[_Row], event: Callable[[_Row], bool]) -> Rate:
    by_item: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        by_item[row["id"]].append(event(row))
    if len(by_item) < len(rows):
        return clustered(by_item).rate
    return wilson(sum(map(event, rows)), len(rows))
