"""A policy may want detectors to agree on grounds; of a crisis one is always enough."""

from dataclasses import replace

import pytest

from adjourn.core.assessments import Assessment
from adjourn.core.audiences import Audience
from adjourn.core.decide import decide
from adjourn.core.hazards import Hazard
from adjourn.core.ladder import START
from adjourn.core.policy import Agreement, Combining, Policy
from adjourn.core.policy_file import parse_policy
from tests.core.tabletop import POLICY

ALL = replace(POLICY, combine=Combining(Agreement.ALL))
ANGRY = Assessment("a", abuse=0.9, hazards={Hazard.IWP: 0.9})


@pytest.mark.parametrize(
    ("policy", "other", "decision"),
    [
        (POLICY, Assessment("b", abuse=0.01), "redirect"),
        (ALL, Assessment("b", abuse=0.01, hazards={Hazard.IWP: 0.0}), "continue"),
        (ALL, Assessment("b", abuse=0.9), "redirect"),
        (ALL, Assessment("b", hazards={Hazard.SXC: 0.0}), "redirect"),
        (ALL, Assessment("b", crisis_self=0.9), "support"),
    ],
    ids=["any", "all, disagreeing", "all, agreeing", "all, one judges other things", "crisis"],
)
def test_grounds_are_combined_as_the_policy_says(
    policy: Policy, other: Assessment, decision: str
) -> None:
    for both in ([ANGRY, other], [other, ANGRY]):
        assert decide(policy, START, both, None, Audience.ADULT).name == decision


def test_it_is_part_of_the_document_and_of_the_digest() -> None:
    text = 'format = 1\nname = "n"\nversion = "1"\n[combine]\ngrounds = "all"\n'
    policy = parse_policy(text)
    assert policy.agreed
    assert not POLICY.agreed
    assert POLICY.digest != ALL.digest
