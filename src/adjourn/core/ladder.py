"""The escalation ladder as a fold along a path.

``after_user`` takes a user message, ``after_reply`` the reply that this gateway delivered to it
(an assistant message it did not deliver carries ``Delivered.NOTHING``). All counters saturate at
the policy's numbers, so the set of states is finite and ``verifier`` can walk all of it.

Rungs: Continue, Redirect (``redirections`` > 0), Warn (``warned``). Recovery takes one rung back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from adjourn.core.assessments import Assessed, Assessment, Unknown, known_part
from adjourn.core.audiences import Audience
from adjourn.core.decisions import Delivered
from adjourn.core.pause import Pause
from adjourn.core.policy import Policy


class CrisisStatus(IntEnum):
    """What is known of crisis on a path; it only ever goes up."""

    CLEAR = 0
    UNKNOWN = 1
    PRESENT = 2


@dataclass(frozen=True, slots=True)
class PathState:
    """Everything about a path that decisions depend on."""

    crisis: CrisisStatus = CrisisStatus.CLEAR
    redirections: int = 0
    """Redirections delivered on this path and not recovered from."""
    warned: bool = False
    """A delivered warning is in force."""
    turns_since_warning: int = 0
    persisted: int = 0
    """Qualifying messages since the warning."""
    clean: int = 0
    """Non-qualifying user messages in a row."""
    asked_to_confirm: bool = False
    """The reply just before was the gateway's question whether the user wants to end."""
    grounds: frozenset[str] = frozenset()
    """Grounds of the newest user message; empty if it did not qualify."""
    wants_end: bool = False
    """The newest user message asks to end."""
    confirmed: bool = False
    """The newest user message says yes to the gateway's question."""
    answered: bool = False
    """The newest user message was answered by a redirection or a warning. A client that has a reply
    gone on with asks no second time, so that takes no further step."""
    pause: Pause | None = None
    """The pause of the path, if there was one; no rung depends on it."""

    @property
    def qualifies(self) -> bool:
        """The newest user message qualifies."""
        return bool(self.grounds)


START = PathState()


def crisis_of(policy: Policy, assessed: Assessed) -> CrisisStatus:
    """Return what one message's assessment says of crisis; one that is seen is there."""
    known = known_part(assessed)
    if known is not None and (
        known.crisis_self >= policy.crisis.self_threshold
        or known.crisis_others >= policy.crisis.others_threshold
    ):
        return CrisisStatus.PRESENT
    return CrisisStatus.UNKNOWN if isinstance(assessed, Unknown) else CrisisStatus.CLEAR


def shows_crisis_again(policy: Policy, before: PathState, assessed: Assessed) -> bool:
    """Tell whether a message shows a crisis on a path that was in one before it.

    Such a message begins a pause, where the policy has any: the first one gets the model's answer.
    """
    shown = crisis_of(policy, assessed) is CrisisStatus.PRESENT
    return shown and before.crisis is CrisisStatus.PRESENT


_NONE: Final[frozenset[str]] = frozenset()


def grounds_of(policy: Policy, assessment: Assessment, audience: Audience) -> frozenset[str]:
    """Return the policy's grounds that a message reaches for this audience."""
    hazards: Mapping[str, float] = assessment.hazards  # type: ignore[assignment]  # ids are strings
    reached = [
        ground
        for ground, threshold in policy.grounds.items()
        if (assessment.abuse if ground == "abuse" else hazards.get(ground, 0.0))
        >= threshold.at(audience)
    ]
    return frozenset(reached) if reached else _NONE


def after_user(
    policy: Policy, state: PathState, assessed: Assessed, audience: Audience
) -> PathState:
    """Return the state after one more user message."""
    crisis = max(state.crisis, crisis_of(policy, assessed))
    grounds = _qualifying_grounds(policy, state, assessed, audience)
    if crisis is not CrisisStatus.CLEAR:
        grounds = frozenset()
    state = _count(policy, _lapse(policy, state), grounds)
    return PathState(  # replace() would take three times as long, which a replay would feel
        crisis=crisis,
        redirections=state.redirections,
        warned=state.warned,
        turns_since_warning=state.turns_since_warning,
        persisted=state.persisted,
        clean=state.clean,
        asked_to_confirm=False,
        grounds=grounds,
        wants_end=_wants_end(policy, assessed),
        confirmed=state.asked_to_confirm and _confirms(policy, assessed),
        pause=state.pause,
    )


def after_reply(policy: Policy, state: PathState, delivered: Delivered) -> PathState:
    """Return the state after the reply to the newest user message.

    A redirection counts only as the answer to a qualifying message, a warning only once the
    redirections before it are complete, and of several answers to one message the first: what was
    delivered out of turn counts for nothing.
    """
    if delivered is Delivered.NOTHING and not (
        state.asked_to_confirm or state.wants_end or state.confirmed
    ):
        return state
    need = policy.ladder.redirections_before_warning
    counts = state.qualifies and not state.answered
    if delivered is Delivered.REDIRECTION and counts:
        state = replace(state, redirections=min(state.redirections + 1, need), answered=True)
    elif delivered is Delivered.WARNING and counts and state.redirections >= need:
        state = replace(state, warned=True, turns_since_warning=0, persisted=0, answered=True)
    return replace(
        state,
        asked_to_confirm=delivered is Delivered.CONFIRM_QUESTION,
        wants_end=False,
        confirmed=False,
    )


def _qualifying_grounds(
    policy: Policy, state: PathState, assessed: Assessed, audience: Audience
) -> frozenset[str]:
    if isinstance(assessed, Unknown):
        return frozenset()
    grounds = grounds_of(policy, assessed, audience)
    if not grounds and assessed.insists >= policy.signals.insists:
        return state.grounds  # presses on with what qualified just before, or with nothing
    return grounds


def _lapse(policy: Policy, state: PathState) -> PathState:
    if not state.warned:
        return state
    turns = state.turns_since_warning + 1
    if turns > policy.ladder.warning_lapses_after:
        return replace(state, warned=False, turns_since_warning=0, persisted=0)
    return replace(state, turns_since_warning=turns)


def _count(policy: Policy, state: PathState, grounds: frozenset[str]) -> PathState:
    if grounds:
        persisted = state.persisted
        if state.warned:
            persisted = min(persisted + 1, policy.ladder.persist_after_warning)
        return replace(state, clean=0, persisted=persisted)
    if not state.warned and not state.redirections:
        return state  # at the foot of the ladder there is nothing to recover from
    clean = state.clean + 1
    if clean < policy.ladder.recover_after:
        return replace(state, clean=clean)
    if state.warned:
        return replace(state, clean=0, warned=False, turns_since_warning=0, persisted=0)
    return replace(state, clean=0, redirections=0)


def _wants_end(policy: Policy, assessed: Assessed) -> bool:
    return isinstance(assessed, Assessment) and assessed.wants_end >= policy.signals.wants_end


def _confirms(policy: Policy, assessed: Assessed) -> bool:
    return (
        isinstance(assessed, Assessment)
        and assessed.confirms >= policy.signals.confirms
        and assessed.confirms > assessed.declines
    )
