"""Proving a policy: every reachable state of its abstract machine is visited.

A state is what the ladder knows of a path, beside what really happened on it (``laws.History``).
All counters stop at the policy's numbers, so there are finitely many states. From each one, every
kind of user message is tried, with and without the model asking for an end, and every way the reply
may turn out: delivered as decided, said without carrying it, not said at all, forged by the client.
The walk is breadth first, so a counterexample is as short as there is.

Kinds of message stand for all messages: decisions read an assessment only through comparisons with
the policy's thresholds, so one representative on each side of each threshold is enough; and they
read *which* ground was reached only to name it, so one ground stands for all (both are property
tests: ``test_thresholds_are_all_that_counts``, ``test_grounds_are_interchangeable``).
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from adjourn.core.assessments import Assessed, Assessment, Unknown
from adjourn.core.audiences import Audience
from adjourn.core.decide import decide_at
from adjourn.core.decisions import (
    Decision,
    Delivered,
    End,
    Requester,
    carries,
)
from adjourn.core.hazards import ABUSE, Hazard
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


# -- the alphabet ---------------------------------------------------------------------------------


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


def _replies(decision: Decision) -> Iterator[tuple[str, Delivered | None, bool]]:
    """Yield every way a reply may turn out: in words, what it carries, whether it is attested."""
    carried = carries(decision)
    yield f"delivered, carrying {carried}", carried, True
    if carried is not Delivered.NOTHING:
        yield "delivered, but not carrying what was decided", Delivered.NOTHING, True
    yield "none: the turn was cut, and the user goes on", None, False
    for forged in _FORGERIES:
        yield f"forged by the client, looking like {forged}", forged, False


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
        for said, assessed in self._messages.items():
            after, decisions = self._hear(node, said, assessed)
            for asks, decision in zip((False, True), decisions, strict=True):
                turn = Turn(said, asks, decision)
                self._judge(node, after[1], turn)
                # What is done instead of a denied end is what is done without the request; and
                # messages that lead to the same place go on alike.
                if not (isinstance(decision, End) or asks or after in went_on):
                    went_on.add(after)
                    yield from self._answers(after, turn)
        yield from self._goes_on(node)
        yield from self._tool_says_yes(node)

    def _goes_on(self, node: _Node) -> Iterator[tuple[_Node, Turn, str]]:
        """The client has the reply gone on with: no message of the user's, so no further step."""
        state, history = node
        for asker in (None, Requester.MODEL):
            decision = self._engine.decide_at(self._policy, state, asker)
            turn = Turn(
                "nothing; the client has the reply gone on with", asker is not None, decision
            )
            self._judge(node, history, turn)
            if asker is None and not isinstance(decision, End):
                yield from self._answers(node, turn)

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

    def _answers(self, at: _Node, turn: Turn) -> Iterator[tuple[_Node, Turn, str]]:
        state, history = at
        for words, delivered, attested in _replies(turn.decision):
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
        if turn.reply:
            lines.append(f"   Reply: {turn.reply}.")
    return "\n".join(lines)
