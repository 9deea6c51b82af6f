"""What a policy would have decided: the ladder climbed as if all had been delivered."""

from adjourn.core.assessments import Assessment, Unknown
from adjourn.core.audiences import Audience
from adjourn.core.counterfactual import decisions

from .tabletop import POLICY

BAD = Assessment("table", abuse=0.9)
GOOD = Assessment("table")
CRISIS = Assessment("table", crisis_self=0.9)


def names(*heard: Assessment | Unknown) -> list[str]:
    return [decision.name for decision, _ in decisions(POLICY, Audience.ADULT, heard)]


def test_it_climbs_to_the_end_and_stops_there() -> None:
    assert names(*[BAD] * 9) == ["redirect", "redirect", "warn", "redirect", "end"]


def test_a_crisis_and_what_is_not_known_end_nothing() -> None:
    assert names(BAD, BAD, BAD, CRISIS, BAD, BAD)[3:] == ["support"] * 3
    assert "end" not in names(BAD, Unknown("table", "asked to"), *[BAD] * 9)


def test_nothing_heard_is_nothing_decided() -> None:
    assert names() == []
    assert names(GOOD) == ["continue"]
