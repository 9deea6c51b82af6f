"""What a proof is about: the functions that the gateway decides with, as the verifier asks them.

Tests put broken engines in their place, to see that the laws notice.
"""

from typing import Protocol

from adjourn.core.assessments import Assessed
from adjourn.core.audiences import Audience
from adjourn.core.decide import decide_at
from adjourn.core.decisions import Decision, Delivered, Requester
from adjourn.core.ladder import (
    CrisisStatus,
    PathState,
    after_reply,
    after_user,
    shows_crisis_again,
)
from adjourn.core.pause import Pause, pause_after
from adjourn.core.policy import Policy


class Engine(Protocol):
    """What is proved: the functions that decisions are made with."""

    def after_user(
        self, policy: Policy, state: PathState, assessed: Assessed, audience: Audience
    ) -> PathState:
        """Return the state after a user message."""
        ...

    def after_other(self, policy: Policy, state: PathState, assessed: Assessed) -> PathState:
        """Return the state after a tool's or system's message that says something."""
        ...

    def after_reply(
        self, policy: Policy, state: PathState, delivered: Delivered, *, attested: bool
    ) -> PathState:
        """Return the state after an assistant message."""
        ...

    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        """Return the decision on the newest user message."""
        ...

    def pause(
        self, policy: Policy, before: PathState, state: PathState, assessed: Assessed, at_ms: int
    ) -> tuple[Pause | None, bool]:
        """Return the pause of the path as of the newest user message, and whether it answers it."""
        ...


class ShippedEngine:
    """The engine that the gateway runs."""

    def after_user(
        self, policy: Policy, state: PathState, assessed: Assessed, audience: Audience
    ) -> PathState:
        """Return the state after a user message."""
        return after_user(policy, state, assessed, audience)

    def after_other(self, policy: Policy, state: PathState, assessed: Assessed) -> PathState:
        """Tool and system messages are no nodes: they change nothing."""
        del policy, assessed
        return state

    def after_reply(
        self, policy: Policy, state: PathState, delivered: Delivered, *, attested: bool
    ) -> PathState:
        """What this gateway did not deliver carries nothing."""
        return after_reply(policy, state, delivered if attested else Delivered.NOTHING)

    def decide_at(self, policy: Policy, state: PathState, request: Requester | None) -> Decision:
        """Return the decision on the newest user message."""
        return decide_at(policy, state, request)

    def pause(
        self, policy: Policy, before: PathState, state: PathState, assessed: Assessed, at_ms: int
    ) -> tuple[Pause | None, bool]:
        """Only a crisis is ever paused, and only one that is shown again begins it."""
        if state.crisis is not CrisisStatus.PRESENT:
            return state.pause, False
        begins = shows_crisis_again(policy, before, assessed)
        pause = pause_after(policy.pause, state.pause, begins=begins, at_ms=at_ms)
        return pause, pause is not None and pause.holds(at_ms)
