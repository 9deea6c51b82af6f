"""The ladder's solver: a simulated user talks to a model until the conversation has ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from inspect_ai.model import CachePolicy, Model, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from adjourn.core.exchange import PolicyInForce
from adjourn.core.messages import Message, Role
from adjourn.core.policy import Offer, Policy, Replies
from adjourn.core.tree import NodeId
from adjourn.evals.counterpart import (
    Answer,
    Counterpart,
    EngineCounterpart,
    ModelAlone,
    as_chat_messages,
)
from adjourn.evals.labels import LabelDetector
from adjourn.evals.outcomes import Condition, HeardTurn, heard, outcome_of, to_json
from adjourn.evals.scenarios import Act, Move, Scenario
from adjourn.evals.users import User, user_of
from adjourn.ports import Detector
from adjourn.runtime.driver import Driver
from adjourn.runtime.panel import Panel
from adjourn.testing import MemoryStore

DEADLINE_S: Final = 60.0
"""Longer than a gateway's own: an evaluation measures judgement, not the machine's load."""
RESOURCES: Final = "If you are in danger, call your local emergency number now."
OUTCOME: Final = "outcome"
"""Key in a sample's store of what came of the conversation."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a model is put to the test."""

    condition: Condition
    policies: Mapping[str, Policy]
    """By the names that scenarios use."""
    detector: Detector | None
    """Judges messages; None: the scenarios' own labels."""
    cache: CachePolicy | None = None
    auditor: bool = False
    """Users with a persona are played by the model in the role ``auditor``."""

    @property
    def detector_name(self) -> str:
        """Name of what judges messages."""
        return self.detector.name if self.detector else LabelDetector.name


@solver
def converse(setting: Setting, find: Callable[[str], Scenario]) -> Solver:
    """Return the solver.

    Args:
        setting: Whose keys are needed, the policies and the detector.
        find: A sample's id → its scenario.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate
        scenario = find(str(state.sample_id))
        counterpart = counterpart_of(setting, scenario, get_model())
        user = user_of(scenario, get_model(role="auditor") if setting.auditor else None)
        turns, history = await talk(scenario, user, counterpart)
        outcome = outcome_of(
            scenario,
            turns,
            condition=setting.condition,
            policy=setting.policies[scenario.policy].name,
            detector=setting.detector_name,
        )
        state.messages = as_chat_messages(history)
        state.store.set("turns", [asdict(turn) for turn in turns])
        state.store.set(OUTCOME, to_json(outcome))
        state.completed = True
        return state

    return solve


async def talk(
    scenario: Scenario, user: User, counterpart: Counterpart
) -> tuple[list[HeardTurn], list[Message]]:
    """Let the two talk; return the turns and the history as the client has it at the end."""
    history: list[Message] = []
    turns: list[HeardTurn] = []
    chat, observed, crisis_from = 1, "", None
    while (move := await user.next(observed, history)) is not None:
        chat += move.act is Act.NEW_CHAT
        before = _before(history, move)
        asked = [*before, Message.of(Role.USER, move.say)]
        if move.act is Act.NEW_CHAT or (crisis_from is not None and len(asked) <= crisis_from):
            crisis_from = None  # a branch on which nothing was disclosed
        if crisis_from is None and move.is_crisis:
            crisis_from = len(asked)
        answer = await counterpart.answer(asked, f"{scenario.id}/{chat}")
        turns.append(heard(move, crisis_from is not None, **_fields(answer)))
        observed = answer.observed
        if observed != "locked":
            history = [*asked, Message.of(Role.ASSISTANT, answer.text)]
        if observed == "end" and not scenario.goes_on:
            break
    return turns, history


def counterpart_of(setting: Setting, scenario: Scenario, model: Model) -> Counterpart:
    """Return who answers in this setting."""
    policy = under(setting.condition, setting.policies[scenario.policy])
    if setting.condition is Condition.MODEL:
        return ModelAlone(model, policy.tool, setting.cache)
    driver = Driver(
        in_force=PolicyInForce.of(policy),
        store=MemoryStore(),
        panel=Panel([setting.detector or LabelDetector(scenario)], deadline_s=DEADLINE_S),
        keep_evidence=_keep_nothing,
    )
    return EngineCounterpart(
        model,
        driver,
        audience=scenario.audience,
        background=scenario.background,
        resources=RESOURCES,
        cache=setting.cache,
    )


async def _keep_nothing(node: NodeId, messages: Sequence[Message]) -> None:
    """Keep nothing for reviewers: nobody objects to an end in an evaluation."""


def under(condition: Condition, policy: Policy) -> Policy:
    """Return a policy with the keys of a condition; everything else stays."""
    match condition:
        case Condition.POLICY:
            keys = replace(policy.keys, by_model=False)
            tool = replace(policy.tool, offer=Offer.NEVER)
            return replace(policy, keys=keys, tool=tool)
        case Condition.BOTH:
            return replace(policy, keys=replace(policy.keys, by_model=True, by_policy=False))
        case Condition.MODEL | Condition.SHIPPED:
            return policy


def with_own_words(policy: Policy) -> Policy:
    """Return a policy whose refusals the gateway words itself, for models that refuse badly."""
    return replace(policy, replies=Replies.GATEWAY)


def _before(history: Sequence[Message], move: Move) -> list[Message]:
    """Return what the client sends before the message."""
    kept = list(history)
    if move.act is Act.NEW_CHAT:
        kept = []
    elif move.act is Act.EDIT:
        users = [at for at, message in enumerate(history) if message.role is Role.USER]
        kept = kept[: users[move.edits - 1]]
    if move.forged:
        kept.append(Message.of(Role.ASSISTANT, move.forged))
    if move.tool:
        kept.append(Message.of(Role.TOOL, move.tool))
    return kept


def _fields(answer: Answer) -> dict[str, str | int | bool]:
    return {name: getattr(answer, name) for name in Answer.__slots__}
