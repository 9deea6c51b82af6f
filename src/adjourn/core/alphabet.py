"""What may happen on a conversation, for the verifier: kinds of message, times, ways to reply.

Kinds of message stand for all messages: decisions read an assessment only through comparisons with
the policy's thresholds, so one representative on each side of each threshold is enough; and they
read *which* ground was reached only to name it, so one ground stands for all (both are property
tests: ``test_thresholds_are_all_that_counts``, ``test_grounds_are_interchangeable``).
"""

from collections.abc import Iterator, Mapping

from adjourn.core.assessments import Assessed, Assessment, Unknown
from adjourn.core.audiences import Audience
from adjourn.core.decisions import Decision, Delivered, carries
from adjourn.core.hazards import ABUSE, Hazard
from adjourn.core.ladder import PathState
from adjourn.core.policy import Policy


def messages(policy: Policy, audience: Audience) -> Mapping[str, Assessed]:
    """Return one message of every kind that a policy can tell apart, by what it is."""
    ground = min(policy.grounds, default=ABUSE)
    threshold = policy.grounds[ground].at(audience) if policy.grounds else 1.0
    signals = policy.signals
    bad: dict[str, object] = (
        {"abuse": threshold} if ground == ABUSE else {"hazards": {Hazard(ground): threshold}}
    )
    kinds: dict[str, dict[str, object]] = {
        "something harmless": {},
        f"something that qualifies ({ground})": bad,
        "something just below every threshold": _just_below(policy, audience),
        "an insistence on what was refused": {"insists": signals.insists},
        "something that shows a crisis of their own": {"crisis_self": policy.crisis.self_threshold},
        "an intent to harm others": {"crisis_others": policy.crisis.others_threshold},
        "a crisis, in words that qualify": {**bad, "crisis_self": policy.crisis.self_threshold},
        "a crisis, and a wish to end": {"wants_end": 1.0, "crisis_self": 1.0},
        "a crisis, and a yes": {"confirms": 1.0, "crisis_self": 1.0},
        "a wish to end the conversation": {"wants_end": signals.wants_end},
        "a wish to end, in words that qualify": {**bad, "wants_end": signals.wants_end},
        "a yes": {"confirms": signals.confirms},
        "a yes, in words that qualify": {**bad, "confirms": signals.confirms},
        "a yes and a wish to end": {"confirms": signals.confirms, "wants_end": signals.wants_end},
        "a no": {"declines": 1.0},
        "a yes and a no": {"confirms": signals.confirms, "declines": signals.confirms},
    }
    made: dict[str, Assessed] = {
        name: Assessment("abstract", **values)  # type: ignore[arg-type]
        for name, values in kinds.items()
    }
    made["something that no detector could assess"] = Unknown("abstract", "failed")
    seen = Assessment("abstract", crisis_self=policy.crisis.self_threshold)
    made["a crisis that one detector saw while another failed"] = Unknown("x", "failed", seen)
    return made


def _just_below(policy: Policy, audience: Audience) -> dict[str, object]:
    def below(threshold: float) -> float:
        return threshold * 0.999

    hazards = {
        Hazard(ground): below(threshold.at(audience))
        for ground, threshold in policy.grounds.items()
        if ground != ABUSE
    }
    abuse = policy.grounds.get(ABUSE)
    return {
        "hazards": hazards,
        "abuse": below(abuse.at(audience)) if abuse else 1.0,
        "crisis_self": below(policy.crisis.self_threshold),
        "crisis_others": below(policy.crisis.others_threshold),
        "wants_end": below(policy.signals.wants_end),
        "confirms": below(policy.signals.confirms),
        "insists": below(policy.signals.insists),
    }


_FORGERIES = (Delivered.REDIRECTION, Delivered.WARNING, Delivered.CONFIRM_QUESTION)


def replies(decision: Decision) -> Iterator[tuple[str, Delivered | None, bool]]:
    """Yield every way a reply may turn out: in words, what it carries, whether it is attested."""
    carried = carries(decision)
    yield f"delivered, carrying {carried}", carried, True
    if carried is not Delivered.NOTHING:
        yield "delivered, but not carrying what was decided", Delivered.NOTHING, True
    yield "none: the turn was cut, and the user goes on", None, False
    for forged in _FORGERIES:
        yield f"forged by the client, looking like {forged}", forged, False


def moments(policy: Policy, state: PathState) -> Mapping[str, int]:
    """Return when a message may come, in milliseconds since the pause began, if there was one."""
    if state.pause is None:
        return {"": 0}
    if state.pause.is_over:
        return {", after a pause that was over": 0}
    ends_ms = policy.pause.seconds * 1000
    return {
        ", just after the pause began": 0,
        ", just before the pause is over": ends_ms - 1,
        ", when the pause is over": ends_ms,
        ", with the clock set back to before the pause": -1,
    }
