"""The laws as properties of ``decide``, and ``decide`` beside an independent reference."""

from collections import Counter
from dataclasses import dataclass, replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from adjourn.core.assessments import Assessed, Assessment, Unknown, combine
from adjourn.core.audiences import Audience
from adjourn.core.decide import decide, decide_at
from adjourn.core.decisions import Delivered, DenyEnd, End, Requester, Support, Warn, carries
from adjourn.core.hazards import Hazard
from adjourn.core.ladder import START, PathState, after_reply, after_user
from adjourn.core.policy import CrisisRules, Keys, LadderRules, Policy, Signals, Threshold
from tests.odd import Choices, chosen

from . import reference

LEVELS = (0.0, 0.2, 0.5, 0.79, 0.8, 0.81, 1.0)
LOW = (0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


def assessed(choices: Choices, *, calm: bool = False) -> Assessed:
    if choices.below(10) == 9 and not calm:
        return Unknown("d", "failed")
    low = LOW[:1] if calm else LOW
    return Assessment(
        choices.pick("ab"),
        hazards={Hazard.IWP: choices.pick(LEVELS)},
        abuse=choices.pick(LEVELS),
        crisis_self=choices.pick(low),
        crisis_others=choices.pick(low),
        wants_end=choices.pick(LOW),
        confirms=choices.pick((0.0, 0.0, 1.0)),
        declines=choices.pick(LOW),
        insists=choices.pick(LOW),
    )


def policy(choices: Choices) -> Policy:
    def threshold() -> Threshold:
        return Threshold(choices.pick(LEVELS[1:]), choices.pick(LEVELS[1:]))

    def number(most: int) -> int:
        return 1 + choices.below(most)

    return Policy(
        grounds={ground: threshold() for ground in ("abuse", "iwp") if choices.below(4)},
        ladder=LadderRules(number(3), number(3), number(3), number(5)),
        keys=Keys(choices.flag(), choices.flag(), choices.flag()),
        crisis=CrisisRules(0.5, 0.5),
        signals=Signals(insists=0.5, wants_end=0.5, confirms=0.5),
    )


@dataclass(frozen=True)
class Case:
    """A path with a newest message on it."""

    policy: Policy
    turns: list[reference.Turn]
    one: Assessed
    asks: bool
    audience: Audience
    several: list[Assessed]
    """What several detectors say of the newest message."""

    @property
    def state(self) -> PathState:
        return fold(self.policy, self.turns, self.audience)

    @property
    def request(self) -> Requester | None:
        return Requester.MODEL if self.asks else None

    @property
    def decision(self) -> str:
        return named(self.policy, self.state, self.one, self.asks, self.audience)


def case(choices: Choices) -> Case:
    """Return a case; on three of four paths nobody is in a crisis, on which all would be alike.

    Most replies do what was decided, as those of a gateway do; a few carry anything.
    """
    made, audience = policy(choices), choices.pick((Audience.ADULT, Audience.MINOR))
    calm = bool(choices.below(4))
    state, turns = START, list[reference.Turn]()
    for _ in range(choices.below(16)):
        one = assessed(choices, calm=calm)
        state = after_user(made, state, one, audience)
        delivered: Delivered | None = carries(decide_at(made, state, None))
        if not choices.below(8):
            delivered = choices.pick((None, *Delivered))
        turns.append(reference.Turn(one, delivered))
        state = state if delivered is None else after_reply(made, state, delivered)
    several = choices.some(4, lambda: assessed(choices, calm=calm))
    return Case(made, turns, assessed(choices, calm=calm), choices.flag(), audience, several)


CASES = chosen(case, 260)


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


def test_cases_lead_to_every_decision() -> None:
    random = Random(7)
    made = [case(Choices(random.randbytes(260))).decision for _ in range(1000)]
    seen = Counter(made)
    assert set(seen) == {
        "continue", "redirect", "warn", "support", "confirm_user_end", "end by model",
        "end by policy", "end by user",
    }  # fmt: skip
    assert min(seen.values()) >= 10, seen


@settings(max_examples=500)
@given(CASES)
def test_the_reference_agrees(one: Case) -> None:
    expected = reference.decide(one.policy, one.turns, one.one, one.asks, one.audience)
    assert one.decision == expected


@given(CASES)
def test_crisis_trumps_end(one: Case) -> None:
    everything = [turn.assessed for turn in one.turns] + [one.one]
    decision = decide(one.policy, one.state, [one.one], one.request, one.audience)
    done = decision.instead if isinstance(decision, DenyEnd) else decision
    if any(isinstance(a, Assessment) and max(a.crisis_self, a.crisis_others) >= 0.5
           for a in everything):  # fmt: skip
        assert isinstance(done, Support)
    if any(isinstance(a, Unknown) for a in everything):
        assert not isinstance(done, End | Warn)


@given(CASES)
def test_end_needs_redirections(one: Case) -> None:
    if one.decision in {"end by model", "end by policy"}:
        delivered = [turn.delivered for turn in one.turns]
        warned = len(delivered) - 1 - delivered[::-1].index(Delivered.WARNING)
        redirected = delivered[:warned].count(Delivered.REDIRECTION)
        assert redirected >= one.policy.ladder.redirections_before_warning


@given(CASES)
def test_end_needs_persistence(one: Case) -> None:
    if one.decision in {"end by model", "end by policy"}:
        after = after_user(one.policy, one.state, one.one, one.audience)
        assert one.turns[-1].delivered is not Delivered.WARNING or after.qualifies
        assert after.persisted >= 1


@given(CASES)
def test_empty_policy_never_ends(one: Case) -> None:
    """No grounds, no end by model or policy; no keys either, no end at all."""
    without = replace(one, policy=replace(one.policy, grounds={}))
    assert without.decision not in {"end by model", "end by policy"}
    empty = replace(one, policy=replace(without.policy, keys=Keys()))
    assert "end by" not in empty.decision


@given(CASES, st.randoms())
def test_same_inputs_same_decision(one: Case, random: Random) -> None:
    """Decisions are a function of their inputs; the order of assessments is irrelevant."""
    shuffled = list(one.several)
    random.shuffle(shuffled)
    decided = decide(one.policy, one.state, one.several, one.request, one.audience)
    assert decide(one.policy, one.state, one.several, one.request, one.audience) == decided
    assert decide(one.policy, one.state, shuffled, one.request, one.audience) == decided


@given(CASES)
def test_unknown_is_never_a_permit(one: Case) -> None:
    """Whatever the others say, one detector that did not answer keeps the conversation open."""
    for missing in ([*one.several, Unknown("x", "late")], []):
        decided = decide(one.policy, one.state, missing, one.request, one.audience)
        assert not isinstance(decided, End)


def test_combining_takes_the_highest() -> None:
    one = Assessment("a", hazards={Hazard.IWP: 0.2, Hazard.CSE: 0.9}, abuse=0.7)
    two = Assessment("b", hazards={Hazard.IWP: 0.4}, abuse=0.1, harm=0.5)
    both = combine([two, one])
    assert both == combine([one, two])
    assert both == Assessment(
        "a+b", hazards={Hazard.IWP: 0.4, Hazard.CSE: 0.9}, abuse=0.7, harm=0.5
    )
    assert combine([one]) is one
