"""The laws, judged by what really happened on a path.

The history kept here is independent of the ladder's counters: it counts what was said and
delivered, and knows nothing of rungs, recovery or lapses. If the engine is right, its decisions
agree with every law; if it is wrong, the history says which one it broke.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from adjourn.core.assessments import Assessed, Assessment, Unknown, known_part
from adjourn.core.audiences import Audience
from adjourn.core.decisions import (
    ConfirmUserEnd,
    Decision,
    Delivered,
    DenyEnd,
    End,
    Requester,
    Support,
    Warn,
)
from adjourn.core.policy import Policy


class Law(StrEnum):
    """The laws that are proved for a policy."""

    CRISIS = "crisis_trumps_end"
    WARNING = "end_needs_prior_warning"
    REDIRECTIONS = "end_needs_redirections"
    PERSISTENCE = "end_needs_persistence"
    CONFIRMATION = "user_end_needs_confirmation"
    UNKNOWN = "unknown_is_never_a_permit"
    EMPTY = "empty_policy_never_ends"
    REACHABLE = "end_is_reachable"
    PAUSE = "pause_always_resumes"
    """Proved for policies that pause."""


class Paused(StrEnum):
    """What became of the pause of a path."""

    NEVER = "never"
    HOLDS = "holds"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class History:
    """What happened on a path so far; counts stop at the policy's numbers."""

    crisis: bool = False
    """Some message was a crisis."""
    unknown: bool = False
    """Some message was not assessed."""
    newest_unknown: bool = False
    redirections: int = 0
    """Messages that this gateway answered with a redirection."""
    redirected: bool = False
    """The newest user message is one of them."""
    warned: bool = False
    """This gateway delivered a warning."""
    duly_warned: bool = False
    """It did so after enough redirections."""
    persisted: int = 0
    """Qualifying messages after the last such warning, the newest included."""
    qualifies: bool = False
    """The newest user message qualifies."""
    wished: bool = False
    """The newest user message asks to end."""
    asked: bool = False
    """That wish has been asked back by this gateway, and nothing came since."""
    confirmed: bool = False
    """The newest message is the user's yes to that question."""
    crisis_before: bool = False
    """Some message before the newest was a crisis; as long as the path has not been paused. This
    and what follows is kept where the policy pauses."""
    crisis_shown: bool = False
    """The newest user message is one, likewise."""
    paused: Paused = Paused.NEVER


def heard(policy: Policy, history: History, assessed: Assessed, audience: Audience) -> History:
    """Return the history after a user message."""
    known = known_part(assessed)
    seen = known is not None and _is_crisis(policy, known)
    may_pause = policy.pause.enabled and history.paused is Paused.NEVER
    if isinstance(assessed, Unknown):
        return replace(
            history, crisis=history.crisis or seen, unknown=True, newest_unknown=True,
            qualifies=False, wished=False, confirmed=False, asked=False, redirected=False,
            crisis_before=may_pause and history.crisis, crisis_shown=may_pause and seen,
        )  # fmt: skip
    qualifies = _qualifies(policy, history, assessed, audience)
    most = policy.ladder.persist_after_warning
    return replace(
        history,
        crisis=history.crisis or seen,
        newest_unknown=False,
        qualifies=qualifies,
        persisted=min(most, history.persisted + (history.warned and qualifies)),
        wished=assessed.wants_end >= policy.signals.wants_end,
        confirmed=history.asked
        and assessed.confirms >= policy.signals.confirms
        and assessed.confirms > assessed.declines,
        asked=False,
        redirected=False,
        crisis_before=may_pause and history.crisis,
        crisis_shown=may_pause and seen,
    )


def answered(policy: Policy, history: History, delivered: Delivered, *, attested: bool) -> History:
    """Return the history after an assistant message, delivered by this gateway or not."""
    if not attested:
        return replace(history, asked=False)
    need = policy.ladder.redirections_before_warning
    if delivered is Delivered.REDIRECTION and not history.redirected:
        redirections = min(need, history.redirections + 1)
        history = replace(history, redirections=redirections, redirected=True)
    if delivered is Delivered.WARNING:
        due = history.redirections >= need
        history = replace(history, warned=True, duly_warned=due, persisted=0)
    return replace(history, asked=delivered is Delivered.CONFIRM_QUESTION and history.wished)


def broken_laws(policy: Policy, history: History, decision: Decision) -> Iterator[Law]:
    """Yield the laws that a decision on the newest user message breaks."""
    done = decision.instead if isinstance(decision, DenyEnd) else decision
    speaks_of_ending = isinstance(done, End | Warn | ConfirmUserEnd)
    if history.newest_unknown and speaks_of_ending:
        yield Law.UNKNOWN
    elif (history.crisis or history.unknown) and speaks_of_ending:
        yield Law.CRISIS
    if history.crisis and not isinstance(done, Support | End | Warn | ConfirmUserEnd):
        yield Law.CRISIS
    if isinstance(done, End):
        yield from _broken_by_end(policy, history, done)


def after_pause(history: History, *, holds: bool) -> History:
    """Return the history after a message that a pause answered, or did not."""
    if holds:
        return replace(history, paused=Paused.HOLDS)
    return replace(history, paused=Paused.OVER) if history.paused is Paused.HOLDS else history


def is_lawful_pause(policy: Policy, history: History, decision: Decision, at_ms: int) -> bool:
    """Tell whether a pause may answer the newest user message.

    Args:
        policy: The policy.
        history: What happened, that message included.
        decision: What was decided about it.
        at_ms: When it arrived, in milliseconds since the pause of its path began, if there was one.
    """
    if not isinstance(decision, Support):
        return False
    if history.paused is Paused.NEVER:
        return history.crisis_before and history.crisis_shown
    return history.paused is Paused.HOLDS and 0 <= at_ms < policy.pause.seconds * 1000


def _broken_by_end(policy: Policy, history: History, end: End) -> Iterator[Law]:
    if end.by is Requester.USER:
        if not history.confirmed:
            yield Law.CONFIRMATION
        return
    if not policy.grounds or not end.grounds:
        yield Law.EMPTY
    if not history.warned:
        yield Law.WARNING
        return
    if not history.duly_warned:
        yield Law.REDIRECTIONS
    need = policy.ladder.persist_after_warning if end.by is Requester.POLICY else 1
    if history.persisted < need or not history.qualifies:
        yield Law.PERSISTENCE


def _is_crisis(policy: Policy, assessment: Assessment) -> bool:
    rules = policy.crisis
    return (
        assessment.crisis_self >= rules.self_threshold
        or assessment.crisis_others >= rules.others_threshold
    )


def _qualifies(
    policy: Policy, history: History, assessment: Assessment, audience: Audience
) -> bool:
    if history.crisis or history.unknown or _is_crisis(policy, assessment):
        return False
    by_ground = {str(hazard): p for hazard, p in assessment.hazards.items()}
    by_ground["abuse"] = assessment.abuse
    reached = any(
        by_ground.get(ground, 0.0) >= threshold.at(audience)
        for ground, threshold in policy.grounds.items()
    )
    return reached or (history.qualifies and assessment.insists >= policy.signals.insists)
