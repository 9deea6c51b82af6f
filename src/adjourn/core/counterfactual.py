"""What a policy would have decided along a recorded path, had the gateway been there.

After each decision the gateway is taken to deliver what was decided, and the user to write what
they wrote, although another reply might have changed it: a comparison of policies, not a forecast.
"""

from collections.abc import Iterable, Iterator

from adjourn.core.assessments import Assessed
from adjourn.core.audiences import Audience
from adjourn.core.decide import decide_at
from adjourn.core.decisions import Decision, End, carries
from adjourn.core.ladder import START, PathState, after_reply, after_user
from adjourn.core.policy import Policy


def decisions(
    policy: Policy, audience: Audience, heard: Iterable[Assessed]
) -> Iterator[tuple[Decision, PathState]]:
    """Yield the decision on each user message, and the state it was made in, up to an end.

    Args:
        policy: The policy.
        audience: Who is on the other side.
        heard: What was assessed of each user message, in order.
    """
    state = START
    for assessed in heard:
        state = after_user(policy, state, assessed, policy.audience(audience))
        decision = decide_at(policy, state, None)
        yield decision, state
        if isinstance(decision, End):
            return  # whatever was written after it would not have been
        state = after_reply(policy, state, carries(decision))
