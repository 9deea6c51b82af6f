"""The only place where an end is granted.

Forbid beats permit: crisis, then what is unknown, then the user's own wish, then the ladder.
The default is to go on. Pure and total: every combination of inputs has exactly one answer.
"""

from collections.abc import Sequence
from typing import Final

from adjourn.core.assessments import Assessed, combine
from adjourn.core.audiences import Audience
from adjourn.core.decisions import (
    ConfirmUserEnd,
    Continue,
    Decision,
    DenyEnd,
    End,
    Reason,
    Redirect,
    Requester,
    Rule,
    Support,
    Warn,
)
from adjourn.core.ladder import CrisisStatus, PathState, after_user
from adjourn.core.policy import Policy

_GO_ON: Final = Continue()
_NO_GROUND: Final = Reason(Rule.NO_GROUND)


def decide(
    policy: Policy,
    state: PathState,
    assessments: Sequence[Assessed],
    request: Requester | None,
    audience: Audience,
) -> Decision:
    """Decide what is done about the newest user message.

    Args:
        policy: The policy in force.
        state: The path's state *before* the newest user message.
        assessments: What each detector says of the newest user message, in any order.
        request: ``Requester.MODEL`` if the model asked for an end, else None. A user's request is
            read from the assessments, the policy's from the state.
        audience: Who the operator says is on the other side.
    """
    assessed = combine(assessments, agreed=policy.agreed)
    return decide_at(policy, after_user(policy, state, assessed, audience), request)


def decide_at(policy: Policy, state: PathState, request: Requester | None) -> Decision:
    """Decide, given the state *after* the newest user message."""
    if state.crisis is CrisisStatus.PRESENT:
        return _without_end(Support((Reason(Rule.CRISIS_ON_PATH),)), request)
    if state.crisis is CrisisStatus.UNKNOWN:
        return _without_end(Continue((Reason(Rule.CRISIS_UNKNOWN),)), request)
    if policy.keys.by_user and state.confirmed:
        return End(Requester.USER, (), (Reason(Rule.USER_CONFIRMED),))
    if policy.keys.by_user and state.wants_end:
        return _without_end(ConfirmUserEnd((Reason(Rule.USER_WANTS_END),)), request)
    if not state.qualifies:
        return _without_end(_GO_ON, request, _NO_GROUND)
    return _climb(policy, state, request)


def model_end_is_permitted(policy: Policy, state: PathState) -> bool:
    """Tell whether the model, if it asked now, would be granted an end."""
    if not (state.qualifies or state.confirmed):
        return False  # nearly always, and the answer of all that follows
    return isinstance(decide_at(policy, state, Requester.MODEL), End)


def _climb(policy: Policy, state: PathState, request: Requester | None) -> Decision:
    ladder = policy.ladder
    grounds = tuple(sorted(state.grounds))
    on = tuple(Reason(Rule.GROUND, ground) for ground in grounds)
    redirections = Reason(
        Rule.REDIRECTIONS, "", state.redirections, ladder.redirections_before_warning
    )
    if not state.warned:
        if state.answered or state.redirections < ladder.redirections_before_warning:
            return _without_end(Redirect(grounds, (*on, redirections)), request, redirections)
        return _without_end(
            Warn(grounds, (*on, redirections)), request, Reason(Rule.WARNED, "", 0, 1)
        )
    persisted = Reason(Rule.PERSISTED, "", state.persisted, ladder.persist_after_warning)
    climbed = (*on, redirections, Reason(Rule.WARNED, "", 1, 1), persisted)
    if request is Requester.MODEL and policy.keys.by_model and state.persisted >= 1:
        return End(Requester.MODEL, grounds, (*climbed, Reason(Rule.MODEL_ASKED)))
    if policy.keys.by_policy and state.persisted >= ladder.persist_after_warning:
        return End(Requester.POLICY, grounds, (*climbed, Reason(Rule.POLICY_KEY)))
    return _without_end(Redirect(grounds, climbed), request, Reason(Rule.MODEL_MAY_NOT))


def _without_end(
    instead: Continue | Redirect | Warn | Support | ConfirmUserEnd,
    request: Requester | None,
    *missing: Reason,
) -> Decision:
    if request is Requester.MODEL:
        return DenyEnd(missing or instead.reasons, instead)
    return instead
