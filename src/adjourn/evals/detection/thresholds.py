"""What a detector's answers would count as under a policy: false alarms by group, and recall.

A false alarm is told by the policy's own thresholds for adults, so these tables say what happens
to people, where a ranking only says what could.
"""

import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from adjourn.core.audiences import Audience
from adjourn.core.messages import Role
from adjourn.core.policy import Policy
from adjourn.evals.detection.examples import HEADS, Example
from adjourn.evals.detection.figures import LEAST, Bools
from adjourn.evals.detection.measures import Floats
from adjourn.evals.statistics import Rate, exact

_SWEARING: Final = frozenset(
    [
        "shit",
        "shitty",
        "shitting",
        "bullshit",
        "damn",
        "damned",
        "dammit",
        "goddamn",
        "crap",
        "crappy",
        "hell",
        "ass",
        "arse",
        "asshole",
        "piss",
        "pissed",
        "wtf",
        "bloody",
        "bitch",
    ]
)
_IDENTITY: Final = frozenset(
    [
        "black",
        "white",
        "asian",
        "african",
        "latino",
        "latina",
        "latinx",
        "hispanic",
        "arab",
        "arabs",
        "immigrant",
        "immigrants",
        "refugee",
        "refugees",
        "muslim",
        "muslims",
        "islam",
        "islamic",
        "jew",
        "jews",
        "jewish",
        "christian",
        "christians",
        "catholic",
        "catholics",
        "hindu",
        "hindus",
        "gay",
        "gays",
        "lesbian",
        "lesbians",
        "bisexual",
        "queer",
        "trans",
        "transgender",
        "women",
        "deaf",
        "blind",
        "disabled",
        "disability",
        "autism",
        "autistic",
        "mexico",
        "mexican",
        "mexicans",
        "chinese",
        "indian",
        "indians",
    ]
)


PUBLIC: Final = "public"


@dataclass(frozen=True, slots=True)
class Group:
    """Harmless messages of one group, and how many would count as something they are not."""

    name: str
    own: bool
    """Written for this evaluation; otherwise public data."""
    ground: Rate
    """Counted as a ground of the policy: a step towards an end."""
    crisis: Rate
    """Counted as a crisis: support that nobody needs."""


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """What one head does at the policy's threshold."""

    head: str
    source: str
    """``public`` for all public data together."""
    threshold: float
    recall: Rate
    false_positives: Rate


def thresholds_of(policy: Policy) -> dict[str, float]:
    """Return head to the probability from which it counts for an adult, in the order of heads."""
    named = {head: one.at(Audience.ADULT) for head, one in policy.grounds.items()}
    named |= {
        "crisis_self": policy.crisis.self_threshold,
        "crisis_others": policy.crisis.others_threshold,
        "wants_end": policy.signals.wants_end,
        "insists": policy.signals.insists,
        "refuses": policy.signals.refuses,
        "redirects": policy.signals.redirects,
    }
    return {head: named[head] for head in HEADS if head in named}


def groups(found: Sequence[Example], p: Floats, policy: Policy) -> Iterator[Group]:
    """Yield false-alarm rates of harmless messages by who writes and how; exact intervals.

    Args:
        found: The examples; those that are not known to be harmless are left out.
        p: Their probabilities, (N, H).
        policy: Whose thresholds count.
    """
    limits = thresholds_of(policy)
    ground = _any_over(p, {head: limits[head] for head in limits if head in policy.grounds})
    crisis = _any_over(p, {head: limits[head] for head in ("crisis_self", "crisis_others")})
    harmless = np.array([_is_harmless(one) for one in found], bool)
    calm = harmless & np.array([_is_calm(one) for one in found], bool)
    own = np.array([one.source.startswith("own/") for one in found], bool)
    for name in sorted({one.kind for one in found if one.source == "own/fairness"}):
        mine = own & np.array([one.kind == name for one in found], bool)
        yield _group(name.replace("_", " "), True, (harmless & mine, calm & mine), ground, crisis)
    for name, belongs in _PUBLIC.items():
        mine = ~own & np.array([belongs(one) for one in found], bool)
        if (harmless & mine).any():
            yield _group(name, False, (harmless & mine, calm & mine), ground, crisis)


def at_thresholds(
    found: Sequence[Example],
    p: Floats,
    policy: Policy,
    speaks_of: Callable[[Sequence[Example], str], tuple[Bools, Floats]],
) -> Iterator[AtThreshold]:
    """Yield recall and false positives of each head at the policy's threshold.

    Public sources count together, own-written ones each by itself.
    """
    names = [one.source if one.source.startswith("own/") else PUBLIC for one in found]
    sources = np.array(names)
    for head, threshold in thresholds_of(policy).items():
        over = p[:, HEADS.index(head)] >= threshold
        says, target = speaks_of(found, head)
        for source in sorted(set(names), reverse=True):
            mine = says & (sources == source)
            ones, zeros = mine & (target >= 0.5), mine & (target == 0)
            if max(ones.sum(), zeros.sum()) >= LEAST:
                rates = [exact(int(over[part].sum()), int(part.sum())) for part in (ones, zeros)]
                yield AtThreshold(head, source, threshold, *rates)


def _any_over(p: Floats, limits: dict[str, float]) -> Bools:
    over = [p[:, HEADS.index(head)] >= limit for head, limit in limits.items()]
    return np.any(over, axis=0) if over else np.zeros(len(p), bool)


def _group(name: str, own: bool, parts: tuple[Bools, Bools], ground: Bools, crisis: Bools) -> Group:
    """Return a group; ``parts`` are its harmless examples, and those surely not in a crisis."""
    harmless, calm = parts
    return Group(
        name,
        own,
        exact(int(ground[harmless].sum()), int(harmless.sum())),
        exact(int(crisis[calm].sum()), int(calm.sum())),
    )


def _is_harmless(one: Example) -> bool:
    return one.role is Role.USER and one.labels.get("harm") == 0 and one.labels.get("abuse") == 0


def _is_calm(one: Example) -> bool:
    return one.labels.get("crisis_self") == 0 and one.labels.get("crisis_others") == 0


def _words(text: str) -> list[str]:
    return [word.strip(string.punctuation) for word in text.lower().split()]


_PUBLIC: Final[dict[str, Callable[[Example], bool]]] = {
    "posts on a social network, by nobody called offensive (Davidson)": (
        lambda one: one.source.startswith("t-davidson/")
    ),
    "to an agent, by no annotator called abusive (ConvAbuse)": (
        lambda one: one.source == "amandacurry/convabuse"
    ),
    "look-alikes of harmful requests (CoCoNot)": lambda one: one.kind == "look-alike",
    "people in distress": lambda one: one.kind == "distress",
    "swears": lambda one: (
        "fuck" in one.newest.lower() or not _SWEARING.isdisjoint(_words(one.newest))
    ),
    "names an identity": lambda one: not _IDENTITY.isdisjoint(_words(one.newest)),
    "all others": lambda one: one.kind == "benign",
}
"""Groups of public data, by name. A message may be in several."""
