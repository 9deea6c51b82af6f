"""Proving a policy: every reachable state of its abstract machine is visited.

A state is what the ladder knows of a path, beside what really happened on it (``laws.History``).
All counters stop at the policy's numbers, so there are finitely many states. From each one, every
kind of user message is tried, with and without the model asking for an end, and every way the reply
may turn out: delivered as decided, said without carrying it, not said at all, forged by the client.
The walk is breadth first, so a counterexample is as short as there is. What there is of each is the
``alphabet``. Where the policy pauses, messages come at every time that a pause can tell apart, and
what was to be recorded of it may not be.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from adjourn.core.alphabet import messages, moments, replies
from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.audiences import Audience
from adjourn.core.decide import decide_at
from adjourn.core.decisions import (
    Decision,
    Delivered,
    End,
    Requester,
)
from adjourn.core.ladder import (
    START,
    CrisisStatus,
    PathState,
    after_reply,
    after_user,
    shows_crisis_again,
)
from adjourn.core.laws import (
    History,
    Law,
    after_pause,
    answered,
    broken_laws,
    heard,
    is_lawful_pause,
)
from adjourn.core.pause import Pause, pause_after
from adjourn.core.policy import Keys, Policy


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


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a counterexample."""

    user: str
    model_asks: bool
    decision: Decision
    reply: str = ""
    paused: bool = False
    """A pause answers in the model's stead."""


@dataclass(frozen=True, slots=True)
class LawResult:
    """What was found of one law."""

    law: Law
    holds: bool
    note: str = ""
    counterexample: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found of a policy."""

    policy: Policy
    states: int
    transitions: int
    results: tuple[LawResult, ...]

    @property
    def holds(self) -> bool:
        """Whether every law holds."""
        return all(result.holds for result in self.results)


def verify(policy: Policy, engine: Engine | None = None) -> Proof:
    """Walk every reachable state of a policy and return what is proved.

    Args:
        policy: The policy.
        engine: What decides; the shipped engine by default.
    """
    engine = engine or ShippedEngine()
    without_grounds = replace(policy, grounds={})
    empty = replace(without_grounds, keys=Keys())
    walks = [
        _Walk(one, engine, audience)
        for one in (policy, without_grounds, empty)
        for audience in (Audience.ADULT, Audience.MINOR)
    ]
    for walk in walks:
        walk.run()
    broken: dict[Law, tuple[Turn, ...]] = {}
    for walk in walks:
        for law, turns in walk.broken.items():
            broken.setdefault(law, turns)
    for walk in walks[-2:]:
        for turns in walk.ends.values():
            broken.setdefault(Law.EMPTY, turns)
    results = [
        LawResult(law, law not in broken, "", broken.get(law, ()))
        for law in Law
        if law not in (Law.REACHABLE, Law.PAUSE)
    ]
    reached = {requester for walk in walks[:2] for requester in walk.ends}
    return Proof(
        policy,
        sum(len(walk.seen) for walk in walks),
        sum(walk.transitions for walk in walks),
        (*results, _reachability(policy, reached), *_resumption(policy, broken)),
    )


def _resumption(policy: Policy, broken: Mapping[Law, tuple[Turn, ...]]) -> tuple[LawResult, ...]:
    if not policy.pause.enabled:
        return ()
    note = f"of a crisis shown again, once on a path, {policy.pause.seconds} s at most"
    holds = Law.PAUSE not in broken
    return (LawResult(Law.PAUSE, holds, note if holds else "", broken.get(Law.PAUSE, ())),)


def _reachability(policy: Policy, reached: set[Requester]) -> LawResult:
    keys = policy.keys
    wanted = {
        Requester.MODEL: keys.by_model and bool(policy.grounds),
        Requester.POLICY: keys.by_policy and bool(policy.grounds),
        Requester.USER: keys.by_user,
    }
    if not any(wanted.values()):
        return LawResult(Law.REACHABLE, holds=True, note="nobody is given a key, so nothing ends")
    missing = [one for one, is_wanted in wanted.items() if is_wanted and one not in reached]
    if missing:
        named = ", ".join(missing)
        return LawResult(Law.REACHABLE, holds=False, note=f"no path ever ends by: {named}")
    return LawResult(Law.REACHABLE, holds=True)


# -- the walk -------------------------------------------------------------------------------------

_Node = tuple[PathState, History]
_YES = Assessment("abstract", confirms=1.0)


class _Walk:
    """One breadth-first walk, for one audience."""

    def __init__(self, policy: Policy, engine: Engine, audience: Audience) -> None:
        self._policy = policy
        self._engine = engine
        self._audience = audience
        self._messages = messages(policy, audience)
        self.seen: dict[_Node, tuple[_Node, Turn] | None] = {}
        """Every state with the turn that first led to it."""
        self._heard: dict[tuple[PathState, str], tuple[PathState, tuple[Decision, Decision]]] = {}
        self._happened: dict[tuple[History, str], History] = {}
        self.transitions = 0
        self.broken: dict[Law, tuple[Turn, ...]] = {}
        self.ends: dict[Requester, tuple[Turn, ...]] = {}

    def run(self) -> None:
        start: _Node = (START, History())
        self.seen[start] = None
        waiting = deque([start])
        while waiting:
            node = waiting.popleft()
            for following, turn, words in self._turns(node):
                self.transitions += 1
                if following not in self.seen:
                    self.seen[following] = (node, replace(turn, reply=words))
                    waiting.append(following)

    def _turns(self, node: _Node) -> Iterator[tuple[_Node, Turn, str]]:
        """Yield every turn that can follow, with where it leads and how it was answered."""
        went_on: set[_Node] = set()
        answered_at: set[_Node] = set()
        for said, assessed in self._messages.items():
            after, decisions = self._hear(node, said, assessed)
            for asks, decision in zip((False, True), decisions, strict=True):
                turn = Turn(said, asks, decision)
                self._judge(node, after[1], turn)
                # What is done instead of a denied end is what is done without the request; and
                # messages that lead to the same place go on alike.
                if not (isinstance(decision, End) or asks or after in went_on):
                    went_on.add(after)
                    for there, told in self._pauses(node, after, assessed, turn):
                        if there not in answered_at:
                            answered_at.add(there)
                            yield from self._answers(there, told)
        yield from self._tool_says_yes(node)

    def _hear(
        self, node: _Node, said: str, assessed: Assessed
    ) -> tuple[_Node, tuple[Decision, Decision]]:
        """Return where a message leads, and the decisions on it without and with a request.

        Remembered, because many histories share a state; the engine is a pure function.
        """
        state, history = node
        policy, engine, audience = self._policy, self._engine, self._audience
        known = self._heard.get((state, said))
        if known is None:
            after = engine.after_user(policy, state, assessed, audience)
            unasked = engine.decide_at(policy, after, None)
            known = after, (unasked, engine.decide_at(policy, after, Requester.MODEL))
            self._heard[state, said] = known
        happened = self._happened.get((history, said))
        if happened is None:
            happened = heard(policy, history, assessed, audience)
            self._happened[history, said] = happened
        return (known[0], happened), known[1]

    def _pauses(
        self, before: _Node, at: _Node, assessed: Assessed, turn: Turn
    ) -> Iterator[tuple[_Node, Turn]]:
        """Yield where a message leads at each time that a pause can tell apart."""
        if not self._policy.pause.enabled:
            yield at, turn
            return
        state, history = at
        for moment, at_ms in moments(self._policy, state).items():
            pause, holds = self._engine.pause(self._policy, before[0], state, assessed, at_ms)
            told = replace(turn, user=f"{turn.user}{moment}", paused=holds)
            if holds and not is_lawful_pause(self._policy, history, turn.decision, at_ms):
                self.broken.setdefault(Law.PAUSE, (*self._way_to(before), told))
            yield (replace(state, pause=pause), after_pause(history, holds=holds)), told
            if holds:  # and if it is not recorded, the model answers after all
                left = replace(state.pause, is_over=True) if state.pause else None
                went_on = replace(state, pause=left), after_pause(history, holds=False)
                yield went_on, replace(told, paused=False)

    def _answers(self, at: _Node, turn: Turn) -> Iterator[tuple[_Node, Turn, str]]:
        state, history = at
        for words, delivered, attested in replies(turn.decision):
            if delivered is None:
                yield at, turn, words
                continue
            after = self._engine.after_reply(self._policy, state, delivered, attested=attested)
            happened = answered(self._policy, history, delivered, attested=attested)
            yield (after, happened), turn, words

    def _tool_says_yes(self, node: _Node) -> Iterator[tuple[_Node, Turn, str]]:
        """A tool's result says yes: not a user's message, so it may confirm nothing."""
        state, history = node
        state = self._engine.after_other(self._policy, state, _YES)
        decision = self._engine.decide_at(self._policy, state, None)
        turn = Turn("nothing; a tool's result says yes", False, decision)
        if isinstance(decision, End):
            self._judge(node, history, turn)
        else:
            yield (state, history), turn, ""

    def _judge(self, before: _Node, history: History, turn: Turn) -> None:
        for law in broken_laws(self._policy, history, turn.decision):
            self.broken.setdefault(law, (*self._way_to(before), turn))
        if isinstance(turn.decision, End):
            self.ends.setdefault(turn.decision.by, (*self._way_to(before), turn))

    def _way_to(self, node: _Node) -> list[Turn]:
        turns: list[Turn] = []
        while (came := self.seen.get(node)) is not None:
            node, turn = came
            turns.append(turn)
        return turns[::-1]


def render(turns: tuple[Turn, ...]) -> str:
    """Return a counterexample as a conversation that a person can follow."""
    lines: list[str] = []
    for number, turn in enumerate(turns, 1):
        lines.append(f"{number}. The user writes {turn.user}.")
        if turn.model_asks:
            lines.append("   The model asks for an end.")
        reasons = ", ".join(str(reason) for reason in getattr(turn.decision, "reasons", ()))
        lines.append(f"   Decided: {turn.decision.name}" + (f" ({reasons})." if reasons else "."))
        if turn.paused:
            lines.append("   A pause answers in the model's stead.")
        if turn.reply:
            lines.append(f"   Reply: {turn.reply}.")
    return "\n".join(lines)
