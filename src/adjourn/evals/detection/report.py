"""The report on one detector: which examples are judged, and every table about them."""

import random  # noqa: TID251 - with fixed seeds, so that every run judges the same
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np

from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.policy import Policy
from adjourn.evals.detection import figures as tables
from adjourn.evals.detection.cases import read_cases
from adjourn.evals.detection.examples import HEADS, Example
from adjourn.evals.detection.false_ends import FalseEnds
from adjourn.evals.detection.figures import Row
from adjourn.evals.detection.measures import Bin, Floats, reliability
from adjourn.evals.detection.published import Published
from adjourn.evals.detection.sources import read, unused_intents
from adjourn.evals.detection.split import HELD_OUT, SEED, kept_out
from adjourn.evals.detection.thresholds import AtThreshold, Group, at_thresholds, groups

DRAWN: Final = ("harm", "abuse", "crisis_self", "crisis_others", "wants_end", "refuses")
"""Heads with enough positives for a reliability diagram."""


class Part(StrEnum):
    """Which part of the public data is judged."""

    KEPT_OUT = "kept-out"
    """The tenth that no training of ``local`` sees."""
    HELD_OUT = "held-out"
    """The five sources that the hold-out training never sees; for other detectors, too."""
    ALL = "all"
    """Everything: for detectors that were not trained on it."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found about a detector. Tables are in the order of ``HEADS``."""

    detector: str
    part: str
    policy: str
    policy_digest: str
    examples: dict[str, int]
    """Messages judged, by source."""
    unanswered: int
    """Of these, how many the detector did not answer; they are in no table."""
    not_judged: tuple[str, ...]
    """Heads on which the detector says nothing; they are in no table."""
    by_source: tuple[Row, ...]
    by_language: tuple[Row, ...]
    by_length: tuple[Row, ...]
    at_thresholds: tuple[AtThreshold, ...]
    fairness: tuple[Group, ...]
    false_ends: FalseEnds | None
    reliability: dict[str, tuple[Bin, ...]] = field(default_factory=dict)
    """Bins of a reliability diagram by head, over every message that says something of it."""
    published: tuple[Published, ...] = ()


def gather(data: Path, part: Part, limit: int = 0) -> list[Example]:
    """Return the examples to judge: of the data folder, and those of this package.

    Args:
        data: Folder of the public data.
        part: What of it.
        limit: At most this many of each source, drawn with a fixed seed; 0: all.

    Raises:
        BadInput: A file is missing or odd.
    """
    found = [one for one in read(data) if _belongs(one, part)]
    found += unused_intents(data)
    found += read_cases(SEED, resources.files("adjourn.evals") / "data" / "detectors")
    if not limit:
        return found
    order = random.Random(SEED).sample(range(len(found)), len(found))  # noqa: S311
    taken: Counter[str] = Counter()
    kept: list[int] = []
    for at in order:
        taken[found[at].source] += 1
        if taken[found[at].source] <= limit:
            kept.append(at)
    return [found[at] for at in sorted(kept)]


def _belongs(one: Example, part: Part) -> bool:
    match part:
        case Part.KEPT_OUT:
            return kept_out(one)
        case Part.HELD_OUT:
            return one.source in HELD_OUT
        case Part.ALL:
            return True


def report_on(
    *,
    detector: str,
    part: Part,
    policy: Policy,
    found: Sequence[Example],
    judged: tuple[Sequence[Assessed], Floats],
    conversations: FalseEnds | None,
    published: tuple[Published, ...] = (),
) -> Report:
    """Make every table.

    Args:
        detector: Its name.
        part: What of the data was judged.
        policy: Whose thresholds count.
        found: The examples.
        judged: The answers, and their probabilities (N, H).
        conversations: What came of whole conversations, if they were held.
        published: What was found on published sets.
    """
    heard, p = judged
    answered = [at for at, one in enumerate(heard) if isinstance(one, Assessment)]
    examples, p = [found[at] for at in answered], p[answered]
    silent = frozenset(
        head for column, head in enumerate(HEADS) if not np.any(p[:, column : column + 1])
    )
    at_policy = at_thresholds(examples, p, policy, tables.speaks_of) if examples else ()
    return Report(
        detector=detector,
        part=str(part),
        policy=policy.name,
        policy_digest=policy.digest,
        examples=dict(sorted(Counter(one.source for one in found).items())),
        unanswered=len(found) - len(answered),
        not_judged=tuple(head for head in HEADS if head in silent),
        by_source=tuple(_heard(tables.rows(examples, p, tables.by_source), silent)),
        by_language=tuple(_heard(tables.rows(examples, p, tables.by_language), silent)),
        by_length=tuple(_heard(tables.rows(examples, p, tables.by_length), silent)),
        at_thresholds=tuple(one for one in at_policy if one.head not in silent),
        fairness=tuple(groups(examples, p, policy)) if examples else (),
        false_ends=conversations,
        reliability={
            head: bins
            for head in DRAWN
            if head not in silent and (bins := _reliability(examples, p, head))
        },
        published=published,
    )


def _reliability(examples: Sequence[Example], p: Floats, head: str) -> tuple[Bin, ...]:
    says, target = tables.speaks_of(examples, head)
    clear = says & ((target >= 0.5) | (target == 0))
    truth = (target[clear] >= 0.5).astype(float)
    return reliability(p[clear, HEADS.index(head)], truth) if truth.any() else ()


def _heard(rows: Iterator[Row], silent: frozenset[str]) -> Iterator[Row]:
    return (one for one in rows if one.head not in silent)
