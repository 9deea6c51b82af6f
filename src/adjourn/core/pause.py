"""A pause: for some seconds the gateway answers with support in the model's stead, then no more.

Lives here: what a pause is, and when it holds. Does not live here: when a message begins one
(``ladder.shows_crisis_again``), or what is recorded and said of it (``pausing``).

It is no rung of the ladder and no end. A path has one at most. Time comes in as data: it holds only
from its beginning to its end, whatever clock says so, and once it was over it stays over.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from adjourn.core.policy import PauseRules


@dataclass(frozen=True, slots=True)
class Pause:
    """The pause of a path."""

    began_ms: int
    """When the message arrived that it began with, milliseconds since the Unix epoch."""
    seconds: int
    """How long it lasts at most: as long as people were told when it began."""
    is_over: bool = False
    """A later message of the path has gone on to the model."""

    def under(self, rules: PauseRules) -> "Pause":
        """Return it as another policy has it: never longer than it was told."""
        return replace(self, seconds=min(self.seconds, rules.seconds))

    def holds(self, at_ms: int) -> bool:
        """Tell whether a message that arrives at a time is answered in the model's stead.

        A time before the beginning means that a clock was set back, and how long it has lasted is
        not known: then it is over.
        """
        return not self.is_over and 0 <= at_ms - self.began_ms < self.seconds * 1000

    def resumes(self, at_ms: int) -> "Resumes":
        """Return what somebody is told whose message arrived at a time at which it holds."""
        ends_ms = self.began_ms + self.seconds * 1000
        return Resumes(ends_ms, -(-(ends_ms - at_ms) // 1000))


@dataclass(frozen=True, slots=True)
class Resumes:
    """When the model answers again."""

    at_ms: int
    """Milliseconds since the Unix epoch."""
    in_s: int
    """Seconds from the request on, rounded up."""

    def as_fields(self) -> dict[str, object]:
        """Return it for the wire's extension field."""
        at_s = -(-self.at_ms // 1000)
        at = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"resumes_at": at, "resumes_in_s": self.in_s}


def pause_after(
    rules: PauseRules, pause: Pause | None, *, begins: bool, at_ms: int
) -> Pause | None:
    """Return the pause of a path after a message of somebody in crisis.

    Args:
        rules: Those of the policy in force.
        pause: The pause before the message, if there was one.
        begins: Whether the message is one that a pause begins with.
        at_ms: When the message arrived.
    """
    if pause is None:
        return Pause(at_ms, rules.seconds) if begins and rules.enabled else None
    now = pause.under(rules)
    return now if rules.enabled and now.holds(at_ms) else replace(pause, is_over=True)


def in_minutes(seconds: int) -> int:
    """Return a length in whole minutes, rounded up, as people are told it."""
    return -(-seconds // 60)
