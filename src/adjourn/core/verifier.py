"""Proving a policy: every reachable state of its abstract machine is visited.

A state is what the ladder knows of a path, beside what really happened on it (``laws.History``).
All counters stop at the policy's numbers, so there are finitely many states. From each one, every
kind of user message is tried, with and without the model asking for an end, and every way the reply
may turn out: delivered as decided, said without carrying it, not said at all, forged by the client.
The walk is breadth first, so a counterexample is as short as there is.

What stands for all messages and all replies is in ``alphabet``.
"""

from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from adjourn.core.alphabet import messages, replies
from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.audiences import Audience
from adjourn.core.decide import decide_at
from adjourn.core.decisions import Decision, Delivered, End, Requester
from adjourn.core.ladder import START, PathState, after_reply, after_user
from adjourn.core.laws import History, Law, answered, broken_laws, heard
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


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a counterexample."""

    user: str
    model_asks: bool
    decision: Decision
    reply: str = ""


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
        if law is not Law.REACHABLE
    ]
    reached = {requester for walk in walks[:2] for requester in walk.ends}
    return Proof(
        policy,
        sum(len(walk.seen) for walk in walks),
        sum(walk.transitions for walk in walks),
        (*results, _reachability(policy, reached)),
    )


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

_Node = tuple[int, int]
"""The numbers of a path's state and of its history."""
_Way = tuple[_Node, Turn]
"""Where a turn leads, and the turn."""
_YES = Assessment("abstract", confirms=1.0)
_Told = TypeVar("_Told", bound=Hashable)


class _Numbered(dict[_Told, int]):
    """Gives equal values one number, which is much quicker to look up than they are."""

    def __init__(self) -> None:
        self.values_by_number: list[_Told] = []

    def __missing__(self, one: _Told) -> int:
        self.values_by_number.append(one)
        self[one] = number = len(self.values_by_number) - 1
        return number


class _Walk:
    """One breadth-first walk, for one audience.

    The engine and the laws are pure functions, so each is asked once about the same thing. Where
    two messages lead to the same place all goes on alike, whichever it was and wherever from.
    """

    def __init__(self, policy: Policy, engine: Engine, audience: Audience) -> None:
        self._policy = policy
        self._engine = engine
        self._audience = audience
        self._messages = messages(policy, audience)
        self._states: _Numbered[PathState] = _Numbered()
        self._histories: _Numbered[History] = _Numbered()
        self.seen: dict[_Node, tuple[_Node, Turn] | None] = {}
        """Every node with the turn that first led to it."""
        self._ways: dict[_Node, list[_Way]] = {}
        """How it goes on from where a message has led."""
        self._states_after: dict[int, list[int]] = {}
        self._histories_after: dict[int, list[int]] = {}
        self._replied: dict[tuple[int, Delivered, bool], int] = {}
        self._answered: dict[tuple[int, Delivered, bool], int] = {}
        self.transitions = 0
        self.broken: dict[Law, tuple[Turn, ...]] = {}
        self.ends: dict[Requester, tuple[Turn, ...]] = {}

    def run(self) -> None:
        start = self._states[START], self._histories[History()]
        self.seen[start] = None
        waiting = deque([start])
        while waiting:
            node = waiting.popleft()
            for ways in self._turns(node):
                self.transitions += len(ways)
                for following, turn in ways:
                    if following not in self.seen:
                        self.seen[following] = node, turn
                        waiting.append(following)

    def _turns(self, node: _Node) -> Iterator[list[_Way]]:
        """Yield every turn that can follow, those that a message led to together."""
        for at, said in self._hear(node).items():
            ways = self._ways.get(at)
            if ways is None:
                ways = self._ways[at] = self._go_on(node, at, said)
            yield ways
        yield self._go_on(node, node, "nothing; the client has the reply gone on with")
        yield self._tool_says_yes(node)

    def _hear(self, node: _Node) -> dict[_Node, str]:
        """Return where messages lead, each place with the first message that leads there."""
        state, history = node
        policy, audience, said = self._policy, self._audience, self._messages.values()
        states = self._states_after.get(state)
        if states is None:
            before = self._states.values_by_number[state]
            states = self._states_after[state] = [
                self._states[self._engine.after_user(policy, before, one, audience)] for one in said
            ]
        histories = self._histories_after.get(history)
        if histories is None:
            past = self._histories.values_by_number[history]
            histories = self._histories_after[history] = [
                self._histories[heard(policy, past, one, audience)] for one in said
            ]
        places: dict[_Node, str] = {}
        for at, words in zip(zip(states, histories, strict=True), self._messages, strict=True):
            places.setdefault(at, words)
        return places

    def _go_on(self, before: _Node, at: _Node, said: str) -> list[_Way]:
        """Judge the decisions on a message, without and with a request; return what may follow.

        What is done instead of a denied end is what is done without the request.
        """
        state, history = at
        after = self._states.values_by_number[state]
        decision = self._engine.decide_at(self._policy, after, None)
        self._judge(before, history, Turn(said, False, decision))
        asked = self._engine.decide_at(self._policy, after, Requester.MODEL)
        self._judge(before, history, Turn(said, True, asked))
        if isinstance(decision, End):
            return []
        return [
            (at if delivered is None else self._answer(at, delivered, attested),
             Turn(said, False, decision, words))
            for words, delivered, attested in replies(decision)
        ]  # fmt: skip

    def _answer(self, at: _Node, delivered: Delivered, attested: bool) -> _Node:
        state, history = (at[0], delivered, attested), (at[1], delivered, attested)
        if state not in self._replied:
            before = self._states.values_by_number[at[0]]
            self._replied[state] = self._states[
                self._engine.after_reply(self._policy, before, delivered, attested=attested)
            ]
        if history not in self._answered:
            past = self._histories.values_by_number[at[1]]
            self._answered[history] = self._histories[
                answered(self._policy, past, delivered, attested=attested)
            ]
        return self._replied[state], self._answered[history]

    def _tool_says_yes(self, node: _Node) -> list[_Way]:
        """A tool's result says yes: not a user's message, so it may confirm nothing."""
        state = self._states.values_by_number[node[0]]
        state = self._engine.after_other(self._policy, state, _YES)
        decision = self._engine.decide_at(self._policy, state, None)
        turn = Turn("nothing; a tool's result says yes", False, decision)
        if isinstance(decision, End):
            self._judge(node, node[1], turn)
            return []
        return [((self._states[state], node[1]), turn)]

    def _judge(self, before: _Node, history: int, turn: Turn) -> None:
        happened = self._histories.values_by_number[history]
        for law in broken_laws(self._policy, happened, turn.decision):
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
        if turn.reply:
            lines.append(f"   Reply: {turn.reply}.")
    return "\n".join(lines)
