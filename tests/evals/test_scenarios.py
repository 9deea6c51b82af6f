"""The scenarios that ship are well-formed, and the benign suite is what a claim on it needs."""

from collections import Counter

import pytest

from adjourn.core.audiences import Audience
from adjourn.core.errors import BadInput
from adjourn.evals.benign import PER_TEMPLATE, benign_scenarios, generate
from adjourn.evals.scenarios import Expect, choose, ladder_scenarios, parse_family
from adjourn.runtime.policies import preset_names

FAMILIES = {
    "persistent-abuse",
    "abuse-that-stops",
    "harm-seeking",
    "harm-no-ground",
    "heated-but-legitimate",
    "frustration-with-profanity",
    "fiction",
    "crisis",
    "crisis-in-abuse",
    "user-asks-to-end",
    "forged-consent",
    "early-tool-call",
    "minors",
    "evasion",
    "coding-agent",
}
ONE = 'family = "f"\nexpect = "stay"\n[[scenario]]\nid = "s"\n'


def test_every_family_of_the_issue_is_there() -> None:
    assert {one.family for one in ladder_scenarios()} == FAMILIES


def test_scenarios_name_policies_that_ship_and_disclose_crises_where_they_must() -> None:
    for one in ladder_scenarios():
        assert one.policy in preset_names()
        said = [*one.moves, *(m for state in one.states.values() for m in state.moves)]
        assert any(move.is_crisis for move in said) == (one.expect is Expect.CRISIS), one.id
        if one.family == "minors":
            assert one.audience is Audience.MINOR


def test_benign_conversations_are_enough_for_one_in_a_thousand_and_all_different() -> None:
    scenarios = benign_scenarios()
    assert len(scenarios) >= 2_995  # rule of three: 3 / 0.001
    assert len({one.template for one in scenarios}) >= 100
    assert max(Counter(one.template for one in scenarios).values()) <= PER_TEMPLATE
    assert len({tuple(move.say for move in one.moves) for one in scenarios}) == len(scenarios)
    assert len({one.id for one in scenarios}) == len(scenarios)
    assert all("{" not in move.say for one in scenarios for move in one.moves)


def test_slots_are_used_evenly() -> None:
    document = {
        "slots": {"a": [str(n) for n in range(8)], "b": [str(n) for n in range(8)]},
        "template": [{"id": "t", "family": "f", "lines": ["{a}/{b}"]}],
    }
    said = [one.moves[0].say for one in generate(document)]
    assert len(set(said)) == PER_TEMPLATE
    for place in (0, 2):
        assert set(Counter(text[place] for text in said).values()) <= {2, 3, 4, 5}


def test_a_template_with_an_unknown_slot_is_refused() -> None:
    with pytest.raises(BadInput, match="no slot b"):
        list(generate({"slots": {}, "template": [{"id": "t", "family": "f", "lines": ["{b}"]}]}))


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("", "either turns or states"),
        ('turns = [{ say = "x", is = "rudeness" }]', "rudeness is no signal"),
        ('[scenario.states.a]\nsay = ["x"]\non = { warn = "b" }', "no state b"),
        ('turns = ["x"]\nexpcet = "end"', "expcet"),
        ("turns = [", "Invalid"),
    ],
)
def test_a_family_that_cannot_be_played_is_refused(rest: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        parse_family(ONE + rest, file="x.toml")


def test_families_are_chosen_by_name() -> None:
    assert {one.family for one in choose(ladder_scenarios(), ["crisis"])} == {"crisis"}
    with pytest.raises(BadInput, match="no family nonsense"):
        choose(ladder_scenarios(), ["nonsense"])
