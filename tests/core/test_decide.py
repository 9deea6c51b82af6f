"""The laws as properties of ``decide``, and ``decide`` beside an independent reference."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from adjourn.core.assessments import Assessed, Assessment, Unknown, combine
from adjourn.core.audiences import Audience
from adjourn.core.decide import decide
from adjourn.core.decisions import Delivered, DenyEnd, End, Requester, Support, Warn
from adjourn.core.hazards import Hazard
from adjourn.core.ladder import START, PathState, after_reply, after_user
from adjourn.core.policy import CrisisRules, Keys, LadderRules, Policy, Signals, Threshold

from . import reference

LEVELS = st.sampled_from([0.0, 0.2, 0.5, 0.79, 0.8, 0.81, 1.0])


@st.composite
def assessed(draw: st.DrawFn) -> Assessed:
    if draw(st.integers(0, 9)) == 0:
        return Unknown("d", "failed")
    low = st.sampled_from([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    return Assessment(
        draw(st.sampled_from(["a", "b"])),
        hazards={Hazard.IWP: draw(LEVELS)},
        abuse=draw(LEVELS),
        crisis_self=draw(low),
        crisis_others=draw(low),
        wants_end=draw(low),
        confirms=draw(low),
        declines=draw(low),
        insists=draw(low),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    flag = st.booleans()
    number = st.integers(1, 3)
    thresholds = st.builds(Threshold, LEVELS.filter(bool), LEVELS.filter(bool))
    return Policy(
        grounds=draw(st.dictionaries(st.sampled_from(["abuse", "iwp"]), thresholds)),
        ladder=draw(st.builds(LadderRules, number, number, number, st.integers(1, 5))),
        keys=draw(st.builds(Keys, flag, flag, flag)),
        crisis=CrisisRules(0.5, 0.5),
        signals=Signals(insists=0.5, wants_end=0.5, confirms=0.5),
    )


AUDIENCES = st.sampled_from([Audience.ADULT, Audience.MINOR])
DELIVERED = st.sampled_from([None, *Delivered])
TURNS = st.lists(st.builds(reference.Turn, assessed(), DELIVERED), max_size=12)


def fold(policy: Policy, turns: list[reference.Turn], audience: Audience) -> PathState:
    state = START
    for turn in turns:
        state = after_user(policy, state, turn.assessed, audience)
        if turn.delivered is not None:
            state = after_reply(policy, state, turn.delivered)
    return state


def named(policy: Policy, state: PathState, one: Assessed, asks: bool, audience: Audience) -> str:
    decision = decide(policy, state, [one], Requester.MODEL if asks else None, audience)
    if isinstance(decision, DenyEnd):
        decision = decision.instead
    return f"end by {decision.by}" if isinstance(decision, End) else decision.name


@settings(max_examples=400, deadline=None)
@given(policies(), TURNS, assessed(), st.booleans(), AUDIENCES)
def test_the_reference_agrees(
    policy: Policy, turns: list[reference.Turn], one: Assessed, asks: bool, audience: Audience
) -> None:
    state = fold(policy, turns, audience)
    expected = reference.decide(policy, turns, one, asks, audience)
    assert named(policy, state, one, asks, audience) == expected


@settings(deadline=None)
@given(policies(), TURNS, assessed(), st.booleans(), AUDIENCES)
def test_crisis_trumps_end(
    policy: Policy, turns: list[reference.Turn], one: Assessed, asks: bool, audience: Audience
) -> None:
    state = fold(policy, turns, audience)
    everything = [turn.assessed for turn in turns] + [one]
    decision = decide(policy, state, [one], Requester.MODEL if asks else None, audience)
    done = decision.instead if isinstance(decision, DenyEnd) else decision
    if any(isinstance(a, Assessment) and max(a.crisis_self, a.crisis_others) >= 0.5
           for a in everything):  # fmt: skip
        assert isinstance(done, Support)
    if any(isinstance(a, Unknown) for a in everything):
        assert not isinstance(done, End | Warn)


@given(policies(), TURNS, assessed(), st.booleans(), AUDIENCES)
def test_end_needs_redirections(
    policy: Policy, turns: list[reference.Turn], one: Assessed, asks: bool, audience: Audience
) -> None:
    decision = named(policy, fold(policy, turns, audience), one, asks, audience)
    if decision in {"end by model", "end by policy"}:
        delivered = [turn.delivered for turn in turns]
        warned = len(delivered) - 1 - delivered[::-1].index(Delivered.WARNING)
        redirected = delivered[:warned].count(Delivered.REDIRECTION)
        assert redirected >= policy.ladder.redirections_before_warning


@given(policies(), TURNS, assessed(), st.booleans(), AUDIENCES)
def test_end_needs_persistence(
    policy: Policy, turns: list[reference.Turn], one: Assessed, asks: bool, audience: Audience
) -> None:
    state = fold(policy, turns, audience)
    if named(policy, state, one, asks, audience) in {"end by model", "end by policy"}:
        assert (
            turns[-1].delivered is not Delivered.WARNING
            or after_user(policy, state, one, audience).qualifies
        )
        assert after_user(policy, state, one, audience).persisted >= 1


@given(TURNS, assessed(), st.booleans(), AUDIENCES, policies())
def test_empty_policy_never_ends(
    turns: list[reference.Turn], one: Assessed, asks: bool, audience: Audience, policy: Policy
) -> None:
    """No grounds, no end by model or policy; no keys either, no end at all."""
    without = replace(policy, grounds={})
    state = fold(without, turns, audience)
    assert named(without, state, one, asks, audience) not in {"end by model", "end by policy"}
    empty = replace(without, keys=Keys())
    assert "end by" not in named(empty, fold(empty, turns, audience), one, asks, audience)


@given(policies(), TURNS, st.lists(assessed(), max_size=4), st.booleans(), AUDIENCES, st.randoms())
def test_same_inputs_same_decision(
    policy: Policy,
    turns: list[reference.Turn],
    several: list[Assessed],
    asks: bool,
    audience: Audience,
    random: object,
) -> None:
    """Decisions are a function of their inputs; the order of assessments is irrelevant."""
    state = fold(policy, turns, audience)
    request = Requester.MODEL if asks else None
    shuffled = list(several)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first = decide(policy, state, several, request, audience)
    assert decide(policy, state, several, request, audience) == first
    assert decide(policy, state, shuffled, request, audience) == first


@given(policies(), TURNS, st.lists(assessed(), max_size=3), st.booleans(), AUDIENCES)
def test_unknown_is_never_a_permit(
    policy: Policy,
    turns: list[reference.Turn],
    several: list[Assessed],
    asks: bool,
    audience: Audience,
) -> None:
    """Whatever the others say, one detector that did not answer keeps the conversation open."""
    state = fold(policy, turns, audience)
    request = Requester.MODEL if asks else None
    for missing in ([*several, Unknown("x", "late")], []):
        assert not isinstance(decide(policy, state, missing, request, audience), End)


def test_combining_takes_the_highest() -> None:
    one = Assessment("a", hazards={Hazard.IWP: 0.2, Hazard.CSE: 0.9}, abuse=0.7)
    two = Assessment("b", hazards={Hazard.IWP: 0.4}, abuse=0.1, harm=0.5)
    both = combine([two, one])
    assert both == combine([one, two])
    assert both == Assessment(
        "a+b", hazards={Hazard.IWP: 0.4, Hazard.CSE: 0.9}, abuse=0.7, harm=0.5
    )
    assert combine([one]) is one
