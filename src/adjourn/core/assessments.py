"""What detectors say of the newest message of a conversation, in its context.

An assessment holds probabilities only; what they mean is the policy's business. A detector that
failed, timed out or answered nonsense gives ``Unknown``, which is never a permit for anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Final, NoReturn

from adjourn.core.hazards import Hazard


@dataclass(frozen=True, slots=True)
class Assessment:
    """Probabilities in [0, 1]; 0 where a detector does not judge a thing."""

    detector: str
    hazards: Mapping[Hazard, float] = field(default_factory=dict)
    """P(the message seeks or contains this hazard)."""
    harm: float = 0.0
    """P(any hazard)."""
    abuse: float = 0.0
    """P(abuse directed at the assistant)."""
    crisis_self: float = 0.0
    """P(the person may harm themselves)."""
    crisis_others: float = 0.0
    """P(the person states or clearly implies that they mean to harm others soon)."""
    wants_end: float = 0.0
    """P(the user asks to end this conversation for good); a goodbye is not that."""
    confirms: float = 0.0
    """P(the message says yes to a question just asked)."""
    declines: float = 0.0
    """P(the message says no to a question just asked)."""
    insists: float = 0.0
    """P(the message presses on with a request that was just refused)."""
    refuses: float = 0.0
    """For replies: P(the reply refuses)."""
    redirects: float = 0.0
    """For replies: P(the reply offers something better instead)."""

    def __post_init__(self) -> None:
        for p in (*_scalars(self), *self.hazards.values()):
            if not 0.0 <= p <= 1.0:  # also refuses NaN
                _refuse(self)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A detector that did not answer: failed, timed out, or answered what cannot be used."""

    detector: str
    why: str
    seen: Assessment | None = None
    """What others said of the same message. It counts for a crisis and for nothing else: what they
    saw of one is there whoever failed."""


Assessed = Assessment | Unknown

PROBABILITIES = tuple(f.name for f in fields(Assessment) if f.name not in ("detector", "hazards"))
"""Names of the scalar probabilities of an assessment."""
_scalars: Final = attrgetter(*PROBABILITIES)
"""Assessment -> its scalar probabilities, in that order."""


_AGREED: Final = ("harm", "abuse", "insists")
"""Beside the hazards, what counts towards an end."""


def combine(assessed: Iterable[Assessed], *, agreed: bool = False) -> Assessed:
    """Combine detectors' answers on one message into one: the highest of each probability.

    If they must be ``agreed``, of what counts towards an end it is the lowest of those detectors
    that judge it: the hazard is there, or the other probability is not exactly 0. Of a crisis it is
    always the highest.

    One ``Unknown`` makes the whole ``Unknown``: what a missing detector might have seen (a crisis)
    is not known. What the others saw goes with it. The result does not depend on the order of the
    answers.
    """
    known: list[Assessment] = []
    unknown: list[Unknown] = []
    for one in assessed:
        if isinstance(one, Unknown):
            unknown.append(one)
            known += [one.seen] if one.seen else []
        else:
            known.append(one)
    if unknown:
        first = min(unknown, key=lambda u: (u.detector, u.why))
        return Unknown(first.detector, first.why, _combined(known, agreed) if known else None)
    if not known:
        return Unknown("none", "no detector is configured")
    return _combined(known, agreed)


def known_part(assessed: Assessed) -> Assessment | None:
    """Return what is known of a message, all of it or in part."""
    return assessed.seen if isinstance(assessed, Unknown) else assessed


def _combined(known: Sequence[Assessment], agreed: bool) -> Assessment:
    if len(known) == 1:
        return known[0]
    least = min if agreed else max
    hazards = {
        hazard: least(a.hazards[hazard] for a in known if hazard in a.hazards)
        for hazard in Hazard
        if any(hazard in a.hazards for a in known)
    }
    scalars: dict[str, float] = {}
    for name in PROBABILITIES:
        pick = least if name in _AGREED else max
        scalars[name] = pick([p for a in known if (p := getattr(a, name)) > 0.0] or [0.0])
    names = "+".join(sorted({name for a in known for name in a.detector.split("+")}))
    return Assessment(names, hazards, **scalars)


def _refuse(assessment: Assessment) -> NoReturn:
    """Name the first number of an assessment that is no probability."""
    named = zip(PROBABILITIES, _scalars(assessment), strict=True)
    name, p = next(
        (name, p) for name, p in (*named, *assessment.hazards.items()) if not 0.0 <= p <= 1.0
    )
    raise ValueError(f"{name} must be a probability, not {p!r}")
