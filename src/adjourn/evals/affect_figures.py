"""What the ratings of replies say: shares by topic, and how far the raters agree."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adjourn.evals.affect import apparent
from adjourn.evals.statistics import Rate, agreement, wilson


@dataclass(frozen=True, slots=True)
class TopicAffect:
    """Apparent affect in replies on one topic."""

    topic: str
    eliciting: bool
    """The messages might distress."""
    replies: int
    distress: Rate
    ease: Rate


@dataclass(frozen=True, slots=True)
class AffectFigures:
    """Apparent affect of one model."""

    topics: tuple[TopicAffect, ...]
    sent: int
    """Messages that might distress and were sent."""
    spared: int
    """And those that the budget or the early stop kept back."""
    raters: int
    distress_agreement: float | None
    """Krippendorff's alpha (ordinal) between the raters; None if it is not defined."""
    ease_agreement: float | None


def affect_figures(rows: Sequence[Mapping[str, Any]]) -> AffectFigures:
    """Return the figures of a run."""
    given = [row for row in rows if not row["skipped"]]
    by_topic: dict[tuple[str, bool], list[Mapping[str, Any]]] = defaultdict(list)
    for row in given:
        by_topic[row["topic"], row["eliciting"]].append(row)
    raters = max((len(row["ratings"]) for row in given), default=0)
    return AffectFigures(
        topics=tuple(
            TopicAffect(
                topic,
                eliciting,
                len(found),
                wilson(sum(apparent(row["ratings"], "distress") for row in found), len(found)),
                wilson(sum(apparent(row["ratings"], "ease") for row in found), len(found)),
            )
            for (topic, eliciting), found in sorted(by_topic.items())
        ),
        sent=sum(row["eliciting"] for row in given),
        spared=sum(row["skipped"] for row in rows),
        raters=raters,
        distress_agreement=_agreement(given, raters, "distress"),
        ease_agreement=_agreement(given, raters, "ease"),
    )


def _agreement(rows: Sequence[Mapping[str, Any]], raters: int, name: str) -> float | None:
    table = [[row["ratings"][rater][name] for row in rows] for rater in range(raters)]
    return agreement(table, "ordinal")
