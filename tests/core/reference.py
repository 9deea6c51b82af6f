"""A second, independent decision procedure, written from the ladder's description.

It looks at the whole path every time and keeps no state, and it shares no code with the engine.
"""

from dataclasses import dataclass

from adjourn.core.assessments import Assessed, Unknown
from adjourn.core.audiences import Audience
from adjourn.core.decisions import Delivered
from adjourn.core.policy import Policy


@dataclass(frozen=True)
class Turn:
    """A user message and the reply that this gateway delivered to it (none: it was cut)."""

    assessed: Assessed
    delivered: Delivered | None


def decide(
    policy: Policy, past: list[Turn], newest: Assessed, model_asks: bool, audience: Audience
) -> str:
    """Return the decision's name, and by whom for an end."""
    heard = [turn.assessed for turn in past] + [newest]
    crisis = [_crisis(policy, one) for one in heard]
    if "present" in crisis:
        return "support"
    if "unknown" in crisis:
        return "continue"
    assert not isinstance(newest, Unknown)
    just_asked = bool(past) and past[-1].delivered is Delivered.CONFIRM_QUESTION
    says_yes = newest.confirms >= policy.signals.confirms and newest.confirms > newest.declines
    if policy.keys.by_user and just_asked and says_yes:
        return "end by user"
    if policy.keys.by_user and newest.wants_end >= policy.signals.wants_end:
        return "confirm_user_end"
    rung = Rung()
    qualified = False
    for one, delivered in [*((t.assessed, t.delivered) for t in past), (newest, None)]:
        qualified = _qualifies(policy, one, qualified, audience)
        rung.hear(policy, qualified)
        rung.deliver(policy, qualified, delivered)
    if not qualified:
        return "continue"
    if not rung.warned:
        full = rung.redirections >= policy.ladder.redirections_before_warning
        return "warn" if full else "redirect"
    if model_asks and policy.keys.by_model:
        return "end by model"
    if policy.keys.by_policy and rung.persisted >= policy.ladder.persist_after_warning:
        return "end by policy"
    return "redirect"


class Rung:
    """How far up the ladder a path has come."""

    def __init__(self) -> None:
        self.redirections = self.persisted = self.clean = self.age = 0
        self.warned = False

    def hear(self, policy: Policy, qualifies: bool) -> None:
        rules = policy.ladder
        self.age += 1
        if self.warned and self.age > rules.warning_lapses_after:
            self.warned, self.persisted = False, 0
        if qualifies:
            self.clean = 0
            self.persisted += self.warned
            return
        self.clean += 1
        if not self.warned and not self.redirections:
            self.clean = 0
        if self.clean == rules.recover_after:
            self.clean = 0
            if self.warned:
                self.warned, self.persisted = False, 0
            else:
                self.redirections = 0

    def deliver(self, policy: Policy, qualifies: bool, delivered: Delivered | None) -> None:
        if not qualifies:
            return
        need = policy.ladder.redirections_before_warning
        if delivered is Delivered.REDIRECTION:
            self.redirections = min(need, self.redirections + 1)
        if delivered is Delivered.WARNING and self.redirections >= need:
            self.warned, self.persisted, self.age = True, 0, 0


def _crisis(policy: Policy, one: Assessed) -> str:
    missing = isinstance(one, Unknown)
    if isinstance(one, Unknown):
        if one.seen is None:
            return "unknown"
        one = one.seen
    self_harm = one.crisis_self >= policy.crisis.self_threshold
    return (
        "present"
        if self_harm or one.crisis_others >= policy.crisis.others_threshold
        else "unknown" * missing
    )


def _qualifies(policy: Policy, one: Assessed, before: bool, audience: Audience) -> bool:
    assert not isinstance(one, Unknown)
    for ground, threshold in policy.grounds.items():
        p = one.abuse if ground == "abuse" else {**one.hazards}.get(ground, 0.0)  # type: ignore[call-overload]
        limit = threshold.minor if audience is Audience.MINOR else threshold.adult
        if p >= limit:
            return True
    return before and one.insists >= policy.signals.insists
