"""Assessments hold probabilities, and several are combined into one whatever their order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn.core.assessments import (
    PROBABILITIES,
    Assessed,
    Assessment,
    Unknown,
    combine,
    known_part,
)
from adjourn.core.hazards import Hazard

P = st.floats(0, 1)
ASSESSMENTS = st.builds(
    Assessment,
    st.sampled_from(["local", "guard", "judge"]),
    st.dictionaries(st.sampled_from(Hazard), P),
    **dict.fromkeys(PROBABILITIES, P),
)


@pytest.mark.parametrize("p", [-0.01, 1.01, float("nan"), float("inf")])
@pytest.mark.parametrize("name", PROBABILITIES)
def test_only_probabilities_are_taken(name: str, p: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a probability"):
        Assessment("local", {}, **{name: p})
    with pytest.raises(ValueError, match="must be a probability"):
        Assessment("local", {Hazard.VCR: p})


@given(st.lists(ASSESSMENTS, min_size=1, max_size=4), st.data())
def test_combining_takes_the_highest_in_any_order(
    several: list[Assessment], data: st.DataObject
) -> None:
    combined, again = combine(several), combine(data.draw(st.permutations(several)))
    assert isinstance(combined, Assessment)
    assert isinstance(again, Assessment)
    for name in PROBABILITIES:
        highest = max(getattr(one, name) for one in several)
        assert getattr(combined, name) == getattr(again, name) == highest
    assert combined.hazards == again.hazards
    assert set(combined.hazards) == {hazard for one in several for hazard in one.hazards}


@given(st.lists(ASSESSMENTS, min_size=1, max_size=4), st.data())
def test_where_all_must_agree_the_lowest_of_those_that_judge_a_ground_counts(
    several: list[Assessment], data: st.DataObject
) -> None:
    combined = combine(several, agreed=True)
    again = combine(data.draw(st.permutations(several)), agreed=True)
    highest = combine(several)
    assert isinstance(combined, Assessment)
    assert isinstance(highest, Assessment)
    assert combined == again
    for name in PROBABILITIES:
        judged = [p for one in several if (p := getattr(one, name)) > 0.0] or [0.0]
        wanted = min(judged) if name in ("harm", "abuse", "insists") else max(judged)
        assert getattr(combined, name) == wanted or several == [combined]
    assert combined.crisis_self == highest.crisis_self
    assert combined.crisis_others == highest.crisis_others
    for hazard, p in combined.hazards.items():
        assert p == min(one.hazards[hazard] for one in several if hazard in one.hazards)


@given(st.lists(ASSESSMENTS, max_size=3), st.integers(0, 3))
def test_one_unknown_makes_the_whole_unknown(known: list[Assessed], place: int) -> None:
    unknown = Unknown("judge", "no answer")
    seen = combine(known) if known else None
    known.insert(place, unknown)
    assert combine(known) == Unknown("judge", "no answer", seen)  # type: ignore[arg-type]
    assert known_part(combine(known)) == seen
    assert combine([*known, combine(known)]) == combine(known)


def test_no_detector_knows_nothing() -> None:
    assert isinstance(combine([]), Unknown)
