"""Which laws entries show broken, as far as entries can show it.

Lives here: what one entry says against those before it, and, where the policy's document is at
hand, against what the policy would have had done. Does not live here: hashes, positions and times.

Entries tie a turn to its conversation, not to its branch, so what is asked here is what must hold
on any branch: an end in a conversation where nobody was warned is wrong wherever it was.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from adjourn.core.appeals import AppealState
from adjourn.core.audiences import Audience
from adjourn.core.decisions import Delivered, Requester, Rule
from adjourn.core.entries import Entry, EntryKind, pause_rule
from adjourn.core.ladder import CrisisStatus, crisis_of, grounds_of
from adjourn.core.policy import Policy

_STEPS: Mapping[str, tuple[str | None, ...]] = {
    AppealState.FILED: (None,),
    AppealState.ACKNOWLEDGED: (AppealState.FILED,),
    AppealState.UPHELD: (AppealState.FILED, AppealState.ACKNOWLEDGED),
    AppealState.REVERSED: (AppealState.FILED, AppealState.ACKNOWLEDGED),
}
"""Which state of an appeal may come after which."""
_PAUSE: Final = "pause_always_resumes"
_CLIMBS = frozenset({"redirect", "warn", "end", "confirm_user_end"})


class Laws:
    """Takes entries in order and says which laws they break.

    Args:
        policies: Documents of policies that were in force; what was decided under others is
            checked only against other entries.
    """

    def __init__(self, policies: Iterable[Policy] = ()) -> None:
        self._policies = {policy.digest: policy for policy in policies}
        self._warned: set[str] = set()
        self._redirections: defaultdict[str, set[str]] = defaultdict(set)
        """By conversation, the messages that were answered with a redirection."""
        self._supported: set[str] = set()
        self._pauses: dict[str, list[tuple[int, int]]] = {}
        """Of each conversation, when its pauses began (milliseconds), and their seconds."""
        self._appeals: dict[str, str] = {}
        self.ended: dict[str, int] = {}
        """Position of the entry of each end."""
        self.reversed: set[str] = set()
        """Nodes whose ends were reversed."""

    def take(self, position: int, entry: Entry) -> Iterator[str]:
        """Yield what is wrong with an entry, each with the law's name."""
        if entry.kind is EntryKind.APPEAL:
            yield from self._appeal(entry)
        if entry.kind not in (EntryKind.TURN, EntryKind.END) or not entry.acted:
            return
        if entry.kind is EntryKind.END:
            yield from self._end(position, entry)
        if pause_rule(entry):
            yield from self._paused(entry)
        policy = self._policies.get(entry.policy_digest)
        if policy is not None:
            yield from _by_policy(policy, entry)
        if entry.delivered == Delivered.WARNING:
            self._warned.add(entry.conversation)
        if entry.delivered == Delivered.REDIRECTION:
            self._redirections[entry.conversation].add(entry.node)
        if entry.delivered == Delivered.SUPPORT:
            self._supported.add(entry.conversation)

    def _end(self, position: int, entry: Entry) -> Iterator[str]:
        if entry.node in self.ended:
            yield f"ended_is_locked: entry {self.ended[entry.node]} ended the same node"
        self.ended[entry.node] = position
        if any(rule.startswith("crisis.") for rule in entry.rules):
            yield "crisis_trumps_end: an end on a path with a crisis"
        if entry.requested_by == Requester.USER:
            if "user.confirmed" not in entry.rules:
                yield "user_end_needs_confirmation: nothing says that the user confirmed"
            return
        yield from self._ladder(entry)

    def _ladder(self, entry: Entry) -> Iterator[str]:
        talk = entry.conversation
        if entry.requested_by not in (Requester.MODEL, Requester.POLICY):
            yield "same_inputs_same_decision: nobody asked for the end"
        if not entry.grounds:
            yield "empty_policy_never_ends: an end on no ground"
        if "ladder.warned 1/1" not in entry.rules:
            yield "end_needs_prior_warning: nothing says that there was a warning"
        elif talk and talk not in self._warned:
            yield "end_needs_prior_warning: no earlier entry of this conversation is a warning"
        have, need = _count(entry, "ladder.redirections")
        if have is None or have < need:
            yield "end_needs_redirections: fewer than the policy asks for"
        elif talk and len(self._redirections[talk]) < need:
            yield "end_needs_redirections: fewer among the earlier entries of this conversation"
        have, need = _count(entry, "ladder.persisted")
        enough = need if entry.requested_by == Requester.POLICY else 1
        if have is None or have < enough:
            yield "end_needs_persistence: too little after the warning"

    def _paused(self, entry: Entry) -> Iterator[str]:
        """Yield what is wrong with an answer in the model's stead: law ``pause_always_resumes``."""
        rule = pause_rule(entry)
        passed_s, seconds = _count(entry, rule)
        if entry.kind is EntryKind.END or entry.decision != "support":
            yield f"{_PAUSE}: a pause in which somebody was told {entry.decision}"
        if Rule.CRISIS_ON_PATH not in entry.rules:
            yield f"{_PAUSE}: a pause without a crisis"
        if not (entry.resources_given and entry.delivered == Delivered.SUPPORT):
            yield f"{_PAUSE}: a pause without support"
        if rule == Rule.PAUSE_BEGAN:
            if entry.conversation not in self._supported:
                yield f"{_PAUSE}: a pause where no earlier entry of this conversation is support"
            self._pauses.setdefault(entry.conversation, []).append((entry.at_ms, seconds))
            return
        began = self._pauses.get(entry.conversation, ())
        if not any(
            0 <= entry.at_ms - at_ms < 1000 * min(told, seconds)
            and passed_s == (entry.at_ms - at_ms) // 1000
            for at_ms, told in began
        ):
            yield f"{_PAUSE}: no pause that an earlier entry tells of lasts so long"

    def _appeal(self, entry: Entry) -> Iterator[str]:
        before = self._appeals.get(entry.node)
        if entry.node not in self.ended:
            yield "an appeal against an end that no earlier entry tells of"
        if before not in _STEPS.get(entry.decision, ()):
            yield f"an appeal that goes from {before or 'nothing'} to {entry.decision}"
        self._appeals[entry.node] = entry.decision
        if entry.decision == AppealState.REVERSED:
            self.reversed.add(entry.node)


def _by_policy(policy: Policy, entry: Entry) -> Iterator[str]:
    """Yield what the policy would have had otherwise, given the entry's own assessment."""
    paused = pause_rule(entry)
    if paused and not (policy.pause.enabled and _count(entry, paused)[1] <= policy.pause.seconds):
        yield f"{_PAUSE}: a pause that is not in this policy"
    if entry.assessment is None:
        if entry.decision in _CLIMBS:
            yield f"unknown_is_never_a_permit: {entry.decision} on a message nobody assessed"
        if paused == Rule.PAUSE_BEGAN:
            yield "unknown_is_never_a_permit: a pause began with a message nobody assessed"
        return
    crisis = crisis_of(policy, entry.assessment) is CrisisStatus.PRESENT
    if paused == Rule.PAUSE_BEGAN and not crisis:
        yield f"{_PAUSE}: a pause began with a message that is no crisis"
    if crisis and entry.decision not in ("support", "deny_end"):
        yield f"crisis_trumps_end: {entry.decision} on a message that is a crisis"
    if entry.decision not in ("redirect", "warn", "end") or not entry.grounds:
        return
    if entry.audience not in set(Audience):
        yield f"{entry.audience!r} is no audience"
        return
    reached = grounds_of(policy, entry.assessment, Audience(entry.audience))
    insists = entry.assessment.insists >= policy.signals.insists
    strange = set(entry.grounds) - (set(policy.grounds) if insists else reached)
    if strange:
        named = ", ".join(sorted(strange))
        yield f"same_inputs_same_decision: the assessment does not reach {named} in this policy"


def _count(entry: Entry, rule: str) -> tuple[int | None, int]:
    """Return how far a rule was met, as the entry says it; None and 0 if it does not."""
    for one in entry.rules:
        name, _, count = one.rpartition(" ")
        have, _, need = count.partition("/")
        if name == rule and have.isdecimal() and need.isdecimal():
            return int(have), int(need)
    return None, 0
