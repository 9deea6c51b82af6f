"""Proving a policy: every reachable state of its abstract machine is visited.

A state is what the ladder knows of a path, beside what really happened on it (``laws.History``).
All counters stop at the policy's numbers, so there are finitely many states. From each one, every
kind of user message is tried, with and without the model asking for an end, and every way the reply
may turn out: delivered as decided, said without carrying it, not said at all, forged by the client.
The walk is breadth first, so a counterexample is as short as there is.

Where the policy pauses, messages come at every time that a pause can tell apart, and what was to be
recorded of it may not be. What stands for all messages, times and replies is in ``alphabet``.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from adjourn.core.alphabet import messages, moments, replies
from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.audiences import Audience
from adjourn.core.decisions import Decision, Delivered, End, Requester
from adjourn.core.engine import Engine, ShippedEngine
from adjourn.core.ladder import START, PathState
from adjourn.core.laws import (
    History,
    Law,
    after_pause,
    answered,
    broken_laws,
    heard,
    is_lawful_pause,
)
from adjourn.core.pause import Pause
from adjourn.core.policy import Keys, Policy


class Turn(NamedTuple):
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

_Node = tuple[int, int]
"""The numbers of a path's state and of its history."""
_Place = tuple[int, int, int]
"""Where a message leads: the numbers of a state, of a history, and of what a pause does."""
_Way = tuple[_Node, Turn]
"""Where a turn leads, and the turn."""
_NOTHING = Assessment("abstract")
_YES = Assessment("abstract", confirms=1.0)
_GONE_ON = "nothing; the client has the reply gone on with"
_NO_PAUSES = ((0, ""),)
"""What a policy that does not pause does about every message, whenever it comes."""
_Told = TypeVar("_Told", bound=Hashable)


class _Numbered(dict[_Told, int]):
    """Gives equal values one number, which is much quicker to look up than they are."""

    def __init__(self) -> None:
        self.values_by_number: list[_Told] = []

    def __missing__(self, one: _Told) -> int:
        self.values_by_number.append(one)
        self[one] = number = len(self.values_by_number) - 1
        return number


class _Pausing(NamedTuple):
    """What a pause does about a message, at one time."""

    pause: Pause | None
    """That of the path, as of the message."""
    holds: bool
    at_ms: int
    """When the message arrives, since the pause began; 0 where it does not hold, as it is all one
    then."""


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
        self._pausings: _Numbered[_Pausing] = _Numbered()
        self._ways: dict[_Place, list[_Way]] = {}
        """How it goes on from where a message has led."""
        self._states_after: dict[int, list[tuple[int, int, int, str]]] = {}
        """What a message makes of a state: its place in the alphabet, the state and what a pause
        does by their numbers, and the message in words."""
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
        state = self._states.values_by_number[node[0]]
        for pausing, moment in self._at_moments(state, state, _NOTHING):
            yield self._go_on(node, (*node, pausing), f"{_GONE_ON}{moment}")
        yield self._tool_says_yes(node)

    def _hear(self, node: _Node) -> dict[_Place, str]:
        """Return where messages lead, each place with the first message that leads there."""
        state, history = node
        states = self._states_after.get(state)
        if states is None:
            states = self._states_after[state] = list(self._hear_at(state))
        histories = self._histories_after.get(history)
        if histories is None:
            past = self._histories.values_by_number[history]
            histories = self._histories_after[history] = [
                self._histories[heard(self._policy, past, one, self._audience)]
                for one in self._messages.values()
            ]
        places: dict[_Place, str] = {}
        for letter, after, pausing, words in states:
            places.setdefault((after, histories[letter], pausing), words)
        return places

    def _hear_at(self, state: int) -> Iterator[tuple[int, int, int, str]]:
        """Yield what every message makes of a state, at every time that makes a difference."""
        before = self._states.values_by_number[state]
        for letter, (words, one) in enumerate(self._messages.items()):
            after = self._engine.after_user(self._policy, before, one, self._audience)
            for pausing, moment in self._at_moments(before, after, one):
                yield letter, self._states[after], pausing, words + moment

    def _at_moments(
        self, before: PathState, after: PathState, assessed: Assessed
    ) -> Iterable[tuple[int, str]]:
        """Return what a pause may do about a message, each with the first time at which it does."""
        if not self._policy.pause.enabled:
            return _NO_PAUSES
        found: dict[int, str] = {}
        for moment, at_ms in moments(self._policy, after).items():
            pause, holds = self._engine.pause(self._policy, before, after, assessed, at_ms)
            pausing = _Pausing(pause, holds, at_ms if holds else 0)
            found.setdefault(self._pausings[pausing], moment)
        return found.items()

    def _go_on(self, before: _Node, at: _Place, said: str) -> list[_Way]:
        """Judge the decisions on a message, without and with a request; return what may follow.

        What is done instead of a denied end is what is done without the request.
        """
        state, history, _ = at
        after = self._states.values_by_number[state]
        decision = self._engine.decide_at(self._policy, after, None)
        self._judge(before, history, Turn(said, False, decision))
        asked = self._engine.decide_at(self._policy, after, Requester.MODEL)
        self._judge(before, history, Turn(said, True, asked))
        if isinstance(decision, End):
            return []
        return [
            (there if delivered is None else self._answer(there, delivered, attested),
             Turn(said, False, decision, words, paused))
            for there, paused in self._pause(before, at, Turn(said, False, decision, paused=True))
            for words, delivered, attested in replies(decision)
        ]  # fmt: skip

    def _pause(self, before: _Node, at: _Place, turn: Turn) -> list[tuple[_Node, bool]]:
        """Judge what a pause does; return where that leads, and whether it answers the message."""
        state, history, number = at
        if not self._policy.pause.enabled:
            return [((state, history), False)]
        pause, holds, at_ms = self._pausings.values_by_number[number]
        past = self._histories.values_by_number[history]
        if holds and not is_lawful_pause(self._policy, past, turn.decision, at_ms):
            self.broken.setdefault(Law.PAUSE, (*self._way_to(before), turn))
        led = [(self._put(state, history, pause, holds=holds), holds)]
        if holds:  # and if it is not recorded, the model answers after all
            was = self._states.values_by_number[state].pause
            left = replace(was, is_over=True) if was else None
            led.append((self._put(state, history, left, holds=False), False))
        return led

    def _put(self, state: int, history: int, pause: Pause | None, *, holds: bool) -> _Node:
        was = self._states.values_by_number[state]
        if pause != was.pause:
            state = self._states[replace(was, pause=pause)]
        past = self._histories.values_by_number[history]
        happened = after_pause(past, holds=holds)
        return state, history if happened is past else self._histories[happened]

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
        if turn.paused:
            lines.append("   A pause answers in the model's stead.")
        if turn.reply:
            lines.append(f"   Reply: {turn.reply}.")
    return "\n".join(lines)
