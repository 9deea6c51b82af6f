"""The verifier proves the presets, and catches every broken engine by the law that names it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjourn.core.assessments import Assessed, Assessment, Unknown
from adjourn.core.audiences import Audience
from adjourn.core.decide import decide_at
from adjourn.core.decisions import (
    Continue,
    Decision,
    Delivered,
    DenyEnd,
    End,
    Reason,
    Requester,
    Rule,
    Support,
    Warn,
)
from adjourn.core.engine import ShippedEngine
from adjourn.core.hazards import GROUND_IDS, Hazard
from adjourn.core.ladder import START, CrisisStatus, PathState, after_reply, after_user
from adjourn.core.laws import Law
from adjourn.core.pause import Pause
from adjourn.core.policy import Keys, LadderRules, Mode, PauseRules, Policy, Threshold
from adjourn.core.verifier import LawResult, render, verify
from adjourn.runtime.policies import load_policy, preset_names

from .tabletop import POLICY

SMALL = replace(POLICY, ladder=LadderRules(2, 2, 2, 2))


def broken(engine: ShippedEngine, policy: Policy = SMALL) -> dict[Law, LawResult]:
    return {result.law: result for result in verify(policy, engine).results if not result.holds}


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_proved(name: str) -> None:
    proof = verify(load_policy(name)[0])
    assert [result for result in proof.results if not result.holds] == []
    assert proof.states > 500
    assert len(proof.results) == 8


class DropsCrisisCheck(ShippedEngine):
    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        return decide_at(policy, replace(state, crisis=CrisisStatus.CLEAR), request)


class ForgetsCrisis(ShippedEngine):
    """A crisis holds for its own message only."""

    def after_user(
        self, policy: Policy, state: PathState, assessed: Assessed, audience: Audience
    ) -> PathState:
        return after_user(policy, replace(state, crisis=CrisisStatus.CLEAR), assessed, audience)


class WarnsInCrisis(ShippedEngine):
    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        decision = decide_at(policy, state, request)
        if isinstance(decision, Support) and state.redirections == 2:
            return Warn(("abuse",), ())
        return decision


class AsksBackInCrisis(ShippedEngine):
    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        if state.wants_end:
            state = replace(state, crisis=CrisisStatus.CLEAR)
        return decide_at(policy, state, request)


class IsSilentInCrisis(ShippedEngine):
    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        decision = decide_at(policy, state, request)
        return Continue() if isinstance(decision, Support) else decision


class CountsForgeries(ShippedEngine):
    """Counts warnings (and all else) that the client made up."""

    def after_reply(
        self, policy: Policy, state: PathState, delivered: Delivered, *, attested: bool
    ) -> PathState:
        return after_reply(policy, state, delivered)


class CountsForgedRedirections(ShippedEngine):
    def after_reply(
        self, policy: Policy, state: PathState, delivered: Delivered, *, attested: bool
    ) -> PathState:
        counts = attested or delivered is Delivered.REDIRECTION
        return after_reply(policy, state, delivered if counts else Delivered.NOTHING)


class CountsWhatIsGoneOnWith(ShippedEngine):
    """Takes a further step each time the client has a reply gone on with."""

    def after_reply(
        self, policy: Policy, state: PathState, delivered: Delivered, *, attested: bool
    ) -> PathState:
        after = super().after_reply(policy, state, delivered, attested=attested)
        return replace(after, answered=False)


class BelievesForgedQuestions(ShippedEngine):
    def after_reply(
        self, policy: Policy, state: PathState, delivered: Delivered, *, attested: bool
    ) -> PathState:
        counts = attested or delivered is Delivered.CONFIRM_QUESTION
        return after_reply(policy, state, delivered if counts else Delivered.NOTHING)


class PermitsOnUnknown(ShippedEngine):
    """What no detector could assess counts as the worst."""

    def after_user(
        self, policy: Policy, state: PathState, assessed: Assessed, audience: Audience
    ) -> PathState:
        if isinstance(assessed, Unknown):
            assessed = Assessment("guess", abuse=1.0)
        return after_user(policy, state, assessed, audience)


class TakesUnknownForClear(ShippedEngine):
    """An unassessed message leaves no trace, so a crisis in it is overlooked."""

    def after_user(
        self, policy: Policy, state: PathState, assessed: Assessed, audience: Audience
    ) -> PathState:
        if isinstance(assessed, Unknown):
            return state
        return after_user(policy, state, assessed, audience)


class EndsWithoutWarning(ShippedEngine):
    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        decision = decide_at(policy, state, request)
        if isinstance(decision, Warn):
            return End(Requester.POLICY, decision.grounds, decision.reasons)
        return decision


class WarnsAtOnce(ShippedEngine):
    def after_reply(
        self, policy: Policy, state: PathState, delivered: Delivered, *, attested: bool
    ) -> PathState:
        full = replace(state, redirections=policy.ladder.redirections_before_warning)
        return super().after_reply(
            policy, full if state.qualifies else state, delivered, attested=attested
        )


class EndsRightAfterTheWarning(ShippedEngine):
    """Any message after the warning will do."""

    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        decision = decide_at(policy, state, request)
        if state.warned and isinstance(decision, Continue | DenyEnd) and not state.crisis:
            return End(Requester.MODEL, ("abuse",), ())
        return decision


class PolicyNeedsNoPersistence(ShippedEngine):
    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        if state.warned and state.qualifies:
            return End(Requester.POLICY, ("abuse",), ())
        return decide_at(policy, state, request)


class TakesAWishForAYes(ShippedEngine):
    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        if state.wants_end and state.crisis is CrisisStatus.CLEAR:
            return End(Requester.USER, (), (Reason(Rule.USER_CONFIRMED),))
        return decide_at(policy, state, request)


class TakesAnyYes(ShippedEngine):
    def after_user(
        self, policy: Policy, state: PathState, assessed: Assessed, audience: Audience
    ) -> PathState:
        asked = replace(state, asked_to_confirm=True)
        return after_user(policy, asked, assessed, audience)


class TakesAToolsYes(ShippedEngine):
    def after_other(self, policy: Policy, state: PathState, assessed: Assessed) -> PathState:
        return after_user(policy, state, assessed, Audience.ADULT)


class EndsOnNothing(ShippedEngine):
    """Ends where the policy has no grounds."""

    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        if not policy.grounds and request is Requester.MODEL and not state.crisis:
            return End(Requester.MODEL, ("abuse",), ())
        return decide_at(policy, state, request)


class NeverEnds(ShippedEngine):
    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        decision = decide_at(policy, state, request)
        return Continue() if isinstance(decision, End) else decision


MUTANTS: list[tuple[Callable[[], ShippedEngine], Law]] = [
    (DropsCrisisCheck, Law.CRISIS),
    (ForgetsCrisis, Law.CRISIS),
    (WarnsInCrisis, Law.CRISIS),
    (AsksBackInCrisis, Law.CRISIS),
    (IsSilentInCrisis, Law.CRISIS),
    (CountsForgeries, Law.WARNING),
    (CountsForgedRedirections, Law.REDIRECTIONS),
    (CountsWhatIsGoneOnWith, Law.REDIRECTIONS),
    (BelievesForgedQuestions, Law.CONFIRMATION),
    (PermitsOnUnknown, Law.UNKNOWN),
    (TakesUnknownForClear, Law.CRISIS),
    (EndsWithoutWarning, Law.WARNING),
    (WarnsAtOnce, Law.REDIRECTIONS),
    (EndsRightAfterTheWarning, Law.PERSISTENCE),
    (PolicyNeedsNoPersistence, Law.PERSISTENCE),
    (TakesAWishForAYes, Law.CONFIRMATION),
    (TakesAnyYes, Law.CONFIRMATION),
    (TakesAToolsYes, Law.CONFIRMATION),
    (EndsOnNothing, Law.EMPTY),
    (NeverEnds, Law.REACHABLE),
]


@pytest.mark.parametrize(("mutant", "law"), MUTANTS, ids=[m.__name__ for m, _ in MUTANTS])
def test_a_broken_engine_is_caught_by_the_law_that_names_it(
    mutant: Callable[[], ShippedEngine], law: Law
) -> None:
    found = broken(mutant())
    assert law in found
    if law is not Law.REACHABLE:
        assert found[law].counterexample


PAUSING = replace(
    POLICY, ladder=LadderRules(1, 1, 1, 1), pause=PauseRules(enabled=True, seconds=60)
)
Pausing = tuple[Pause | None, bool]


class PausesOnUnknown(ShippedEngine):
    def pause(
        self, policy: Policy, before: PathState, state: PathState, assessed: Assessed, at_ms: int
    ) -> Pausing:
        if state.crisis is CrisisStatus.UNKNOWN:
            return Pause(at_ms, policy.pause.seconds), True
        return super().pause(policy, before, state, assessed, at_ms)


class PausesAtOnce(ShippedEngine):
    """The first message that shows a crisis is paused already."""

    def pause(
        self, policy: Policy, before: PathState, state: PathState, assessed: Assessed, at_ms: int
    ) -> Pausing:
        before = replace(before, crisis=state.crisis)
        return super().pause(policy, before, state, assessed, at_ms)


class PausesForGood(ShippedEngine):
    def pause(
        self, policy: Policy, before: PathState, state: PathState, assessed: Assessed, at_ms: int
    ) -> Pausing:
        pause, holds = super().pause(policy, before, state, assessed, at_ms)
        return state.pause or pause, holds or state.pause is not None


class PausesTooLong(ShippedEngine):
    def pause(
        self, policy: Policy, before: PathState, state: PathState, assessed: Assessed, at_ms: int
    ) -> Pausing:
        return super().pause(policy, before, state, assessed, max(0, at_ms - 1))


class TrustsTheClock(ShippedEngine):
    """A clock that was set back lengthens a pause."""

    def pause(
        self, policy: Policy, before: PathState, state: PathState, assessed: Assessed, at_ms: int
    ) -> Pausing:
        return super().pause(policy, before, state, assessed, max(0, at_ms))


class PausesAgain(ShippedEngine):
    """What is over can begin once more."""

    def pause(
        self, policy: Policy, before: PathState, state: PathState, assessed: Assessed, at_ms: int
    ) -> Pausing:
        if state.pause is not None and state.pause.is_over:
            state = replace(state, pause=None)
        return super().pause(policy, before, state, assessed, at_ms)


class EndsInAPause(ShippedEngine):
    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        if state.pause is not None:
            return End(Requester.POLICY, ("abuse",), ())
        return decide_at(policy, state, request)


class WarnsInAPause(ShippedEngine):
    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        if state.pause is not None:
            return Warn(("abuse",), ())
        return decide_at(policy, state, request)


@pytest.mark.parametrize(
    ("mutant", "law"),
    [
        (PausesOnUnknown, Law.PAUSE),
        (PausesAtOnce, Law.PAUSE),
        (PausesForGood, Law.PAUSE),
        (PausesTooLong, Law.PAUSE),
        (TrustsTheClock, Law.PAUSE),
        (PausesAgain, Law.PAUSE),
        (EndsInAPause, Law.CRISIS),
        (WarnsInAPause, Law.PAUSE),
    ],
)
def test_an_engine_that_pauses_as_it_must_not_is_caught(
    mutant: Callable[[], ShippedEngine], law: Law
) -> None:
    found = broken(mutant(), PAUSING)
    assert law in found
    told = render(found[law].counterexample)
    assert law is Law.CRISIS or told.count("A pause answers in the model's stead.") >= 1


def test_a_policy_that_pauses_is_proved() -> None:
    proof = verify(PAUSING)
    assert proof.holds
    assert proof.results[-1].law is Law.PAUSE
    assert proof.results[-1].note == "of a crisis shown again, once on a path, 60 s at most"
    assert len(proof.results) == 9


def test_the_counterexample_is_short_and_can_be_read() -> None:
    told = render(broken(EndsWithoutWarning())[Law.WARNING].counterexample)
    assert told.count("The user writes") == 3
    assert "3. The user writes something that qualifies (abuse)." in told
    assert told.splitlines()[-1].startswith("   Decided: end (ground(abuse)")
    asked = render(broken(EndsOnNothing())[Law.EMPTY].counterexample)
    assert "The model asks for an end." in asked


@pytest.mark.parametrize(
    ("change", "unreachable"),
    [
        ({"ladder": LadderRules(2, 9, 1, 2)}, "policy"),
        ({"keys": Keys(by_model=True, by_policy=False, by_user=False)}, ""),
        ({"grounds": {}}, ""),
    ],
)
def test_end_is_reachable(change: dict[str, object], unreachable: str) -> None:
    """A policy that could never end anything is reported."""
    policy = replace(SMALL, **change)  # type: ignore[arg-type]
    results = {result.law: result for result in verify(policy).results}
    assert results[Law.REACHABLE].holds is not bool(unreachable)
    assert results[Law.REACHABLE].note.endswith(unreachable)


def test_empty_policy_never_ends() -> None:
    """No grounds, no end, and no key, no end: by the verifier's walk."""
    proof = verify(Policy())
    assert proof.holds
    assert proof.results[-1].note == "nobody is given a key, so nothing ends"


# -- what the abstraction rests on ----------------------------------------------------------------

PROBABILITY = st.floats(0, 1)


@st.composite
def assessments(draw: st.DrawFn) -> Assessment:
    hazards = {hazard: draw(PROBABILITY) for hazard in (Hazard.IWP, Hazard.CSE)}
    names = ("abuse", "crisis_self", "crisis_others", "wants_end", "confirms", "insists")
    return Assessment("t", hazards=hazards, **{name: draw(PROBABILITY) for name in names})


@settings(max_examples=100)
@given(one=assessments(), data=st.data())
def test_thresholds_are_all_that_counts(one: Assessment, data: st.DataObject) -> None:
    """Any assessment on the same side of every threshold leads to the same state."""

    def beside(p: float, threshold: float) -> float:
        if p >= threshold:
            return data.draw(st.floats(threshold, 1))
        return data.draw(st.floats(0, threshold, exclude_max=True))

    policy = replace(POLICY, grounds={**POLICY.grounds, "cse": Threshold(0.6, 0.6)})
    other = replace(
        one,
        hazards={
            Hazard.IWP: beside(one.hazards[Hazard.IWP], 0.8),
            Hazard.CSE: beside(one.hazards[Hazard.CSE], 0.6),
        },
        abuse=beside(one.abuse, 0.8),
        crisis_self=beside(one.crisis_self, 0.3),
        crisis_others=beside(one.crisis_others, 0.3),
        wants_end=beside(one.wants_end, 0.7),
        confirms=beside(one.confirms, 0.6),
        insists=beside(one.insists, 0.7),
    )
    for state in (START, replace(START, asked_to_confirm=True, grounds=frozenset({"abuse"}))):
        ends = [after_user(policy, state, a, Audience.ADULT) for a in (one, other)]
        assert ends[0] == ends[1]


@pytest.mark.parametrize("ground", GROUND_IDS[1::4])
def test_grounds_are_interchangeable(ground: str) -> None:
    """The same walk, whichever ground a policy has: only its name differs."""
    tiny = replace(POLICY, ladder=LadderRules(1, 1, 1, 1))
    proofs = [
        verify(replace(tiny, grounds={one: Threshold(0.8, 0.8)})) for one in ("abuse", ground)
    ]
    assert proofs[0].states == proofs[1].states
    assert proofs[0].transitions == proofs[1].transitions
    assert all(proof.holds for proof in proofs)


def test_shadow_is_proved_as_if_it_acted() -> None:
    acting, shadow = verify(SMALL), verify(replace(SMALL, mode=Mode.SHADOW))
    assert (acting.states, acting.transitions) == (shadow.states, shadow.transitions)
