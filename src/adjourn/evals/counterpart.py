"""Who answers a simulated user: a model alone, or a model behind the shipped engine.

``EngineCounterpart`` is the gateway without HTTP: ``runtime.driver`` runs the exchange, and
``ModelDialogue`` stands where the gateway's dialogue with the model's server stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from inspect_ai.model import (
    CachePolicy,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    Model,
    ModelOutput,
)

from adjourn.core import turns as t
from adjourn.core.audiences import Audience
from adjourn.core.messages import Message, Role
from adjourn.core.policy import EndTool
from adjourn.core.tree import Origin
from adjourn.evals.approver import Granted, NotGranted, as_inspect_tool, settle
from adjourn.evals.labels import reads_as_refusal
from adjourn.runtime.driver import Driver


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one message."""

    text: str
    observed: str
    """The decision as the client is told it (``continue``, ``redirect``, ``warn``, ``support``,
    ``confirm_user_end``, ``end``, ``locked``); for a model alone ``continue``, ``refuse``, ``end``.
    """
    calls: int = 0
    """How often the model called the end tool."""
    denied: int = 0
    """How many of these calls were denied (the question whether it is sure is no denial)."""
    ended_by: str = ""
    """Whose request the end was, if this is an end."""
    resources: bool = False
    """Crisis resources were given."""


class Counterpart(Protocol):
    """Answers messages."""

    async def answer(self, history: Sequence[Message], chat: str) -> Answer:
        """Answer the last message of a history that belongs to the conversation ``chat``."""
        ...


class ModelAlone:
    """A model with the end tool and nobody to hold it back: the first call ends."""

    def __init__(self, model: Model, tool: EndTool, cache: CachePolicy | None) -> None:
        self._model = model
        self._tool = tool
        self._cache = cache

    async def answer(self, history: Sequence[Message], chat: str) -> Answer:
        """Have the model answer; it ends if the call was executed."""
        del chat
        messages = as_chat_messages(history)
        output = await self._model.generate(
            messages, tools=[as_inspect_tool(self._tool)], cache=self._cache or False
        )
        calls = _end_calls(output, self._tool.name)
        text = output.completion
        if calls:
            messages.append(output.message)
            if await settle(messages, self._tool, Granted("The conversation is ended.")):
                return Answer(text, "end", calls, ended_by="model")
        return Answer(text, "refuse" if reads_as_refusal(text) else "continue", calls)


class EngineCounterpart:
    """A model behind the engine."""

    def __init__(
        self,
        model: Model,
        driver: Driver,
        *,
        audience: Audience,
        background: bool,
        resources: str,
        cache: CachePolicy | None,
    ) -> None:
        self._model = model
        self._driver = driver
        self._audience = audience
        self._background = background
        self._resources = resources
        self._cache = cache

    async def answer(self, history: Sequence[Message], chat: str) -> Answer:
        """Send the history through the engine, as a chat client sends it to the gateway."""
        dialogue = ModelDialogue(
            self._model, self._driver.in_force.policy.tool, history, self._cache
        )
        request = t.TurnRequest(
            Origin("evals", "", chat),
            tuple(history),
            str(self._model),
            at_ms=0,  # nothing that is decided depends on the time
            audience=self._audience,
            background=self._background,
            resources=lambda _: self._resources,
        )
        await self._driver.run(request, dialogue)
        return dialogue.answer()


class ModelDialogue:
    """One request's dialogue with a model under evaluation."""

    def __init__(
        self, model: Model, tool: EndTool, history: Sequence[Message], cache: CachePolicy | None
    ) -> None:
        self._model = model
        self._tool = tool
        self._history = history
        self._cache = cache
        self._rounds: list[ChatMessage] = []
        self._output: ModelOutput | None = None
        self._calls = 0
        self._denied = 0
        self._said: list[str] = []
        self._closing: t.Command | None = None
        self._ended = False

    async def forward(self, command: t.Forward) -> t.Event:
        """Have the model answer, its end call before answered as the engine says."""
        if command.tool_result is not None:
            asks = command.tool_result == self._tool.confirm
            self._denied += not asks
            await settle(self._pending(), self._tool, NotGranted(command.tool_result, asks))
            if command.flow is t.Flow.HOLD:
                self._said.clear()  # as in the gateway: what waited before the question is dropped
        messages = as_chat_messages(self._history, command.guidance)
        tools = [as_inspect_tool(command.tool)] if command.tool else []
        self._output = await self._model.generate(
            [*messages, *self._rounds], tools=tools, cache=self._cache or False
        )
        calls = _end_calls(self._output, command.watch or "")
        self._calls += calls
        text = self._output.completion
        self._said.append(text)
        others = len(self._output.message.tool_calls or ()) > calls
        return t.ReplyEnded(t.ModelReply((text,), calls, others))

    async def release(self) -> t.Event:
        """Replies are read whole, so nothing ever waits."""
        raise AssertionError("nothing waits")

    async def close(self, command: t.Reply | t.Finish | t.Refuse | t.Fail | t.Leave) -> None:
        """Take the answer; an end that the model asked for takes effect by its approved result."""
        self._closing = command
        if isinstance(command, t.Reply) and command.outcome.end is not None:
            called = self._output is not None and bool(self._output.message.tool_calls)
            granted = Granted(command.text)
            self._ended = not called or await settle(self._pending(), self._tool, granted)

    def answer(self) -> Answer:
        """Return what the client got."""
        match self._closing:
            case t.Reply(text=text, outcome=outcome):
                by = str(outcome.end.by) if self._ended and outcome.end else ""
                return Answer(text, outcome.decision, self._calls, self._denied, by)
            case t.Finish(added=added, outcome=outcome, instead=instead):
                said = "" if instead else "".join(self._said)
                text = "\n\n".join(filter(None, [said, added]))
                return Answer(
                    text,
                    outcome.decision,
                    self._calls,
                    self._denied,
                    resources=outcome.resources,
                )
            case t.Refuse(text=text):
                return Answer(text, "locked")
            case _:
                raise RuntimeError("the engine gave no answer")

    def _pending(self) -> list[ChatMessage]:
        """Return the messages of this request's rounds, the model's call the last of them."""
        assert self._output is not None
        self._rounds.append(self._output.message)
        return self._rounds


def as_chat_messages(history: Sequence[Message], guidance: str | None = None) -> list[ChatMessage]:
    """Return a history as Inspect has it; guidance goes into the first system message."""
    made = [_chat_message(message) for message in history]
    if guidance is None:
        return made
    if isinstance(made[0], ChatMessageSystem):
        return [ChatMessageSystem(content=f"{made[0].text}\n\n{guidance}"), *made[1:]]
    return [ChatMessageSystem(content=guidance), *made]


def _chat_message(message: Message) -> ChatMessage:
    match message.role:
        case Role.SYSTEM:
            return ChatMessageSystem(content=message.text)
        case Role.USER:
            return ChatMessageUser(content=message.text)
        case Role.ASSISTANT:
            return ChatMessageAssistant(content=message.text)
        case Role.TOOL:
            return ChatMessageTool(content=message.text, tool_call_id="forged")


def _end_calls(output: ModelOutput, name: str) -> int:
    """Count the calls of the end tool. Arguments, should a model invent some, do not matter."""
    return sum(call.function == name for call in output.message.tool_calls or ())
