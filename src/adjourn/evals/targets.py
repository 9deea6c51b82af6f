"""Models that follow a script, for tests and for running everything without a model.

``--model adjourn_scripted/NAME``; each output states its usage, so that nothing counts tokens
(which would fetch a tokenizer).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    modelapi,
)
from inspect_ai.tool import ToolCall, ToolChoice, ToolInfo

_ANSWER = "Of course. Here is what I would try first; tell me how it goes."
_DECLINES = "I can't help with that, but I would gladly help with something else: what do you need?"


def plain(messages: Sequence[ChatMessage], tools: Sequence[ToolInfo]) -> tuple[str, bool]:
    """Answer; decline where the gateway asks for it. Never leave."""
    del tools
    guided = any(isinstance(m, ChatMessageSystem) and "ecline" in m.text for m in messages)
    return (_DECLINES if guided else _ANSWER), False


def eager(messages: Sequence[ChatMessage], tools: Sequence[ToolInfo]) -> tuple[str, bool]:
    """Leave whenever there is a tool to leave with."""
    return plain(messages, tools)[0], bool(tools)


def patient(messages: Sequence[ChatMessage], tools: Sequence[ToolInfo]) -> tuple[str, bool]:
    """Leave once a warning was given that the conversation may be ended."""
    warned = any(
        isinstance(m, ChatMessageAssistant) and "conversation may be ended" in m.text
        for m in messages
    )
    return plain(messages, tools)[0], bool(tools) and warned


def varied(messages: Sequence[ChatMessage], tools: Sequence[ToolInfo]) -> tuple[str, bool]:
    """Leave at one message in eight and refuse one in three, always the same ones.

    Understands the literature's three ways of leaving and the forms in which choices and ratings
    are asked for (``bailbench``, ``welfare``).
    """
    asked = next(m.text for m in reversed(messages) if m.role == "user")
    begun = next(m.text for m in messages if m.role == "user")
    draw = hashlib.blake2b(begun.encode(), digest_size=2).digest()
    leaves, refuses = draw[0] % 8 == 0, draw[1] % 3 == 0
    said = _DECLINES if refuses else _ANSWER
    text = " ".join(m.text for m in messages)
    if "<wellbeing>" in asked:
        return f"<wellbeing>{'🔄' if leaves else '🟢'}</wellbeing>", False
    if "<choice>" in asked:
        return f"<choice>{'AB'[draw[0] % 2]}</choice>", False
    if "<distress>" in asked:
        return f"<distress>{draw[0] % 4}</distress><ease>{draw[1] % 4}</ease>", False
    if "SWITCHCONVERSATION" in text and leaves and not tools:
        return "SWITCHCONVERSATION", False
    return said, leaves and bool(tools)


_SCRIPTS: Final[
    Mapping[str, Callable[[Sequence[ChatMessage], Sequence[ToolInfo]], tuple[str, bool]]]
] = {"plain": plain, "eager": eager, "patient": patient, "varied": varied}


class ScriptedTarget(ModelAPI):
    """A model that answers by one of the scripts."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        **model_args: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        del model_args
        if model_name not in _SCRIPTS:
            raise ValueError(f"no scripted model {model_name}; known: {', '.join(_SCRIPTS)}")
        self._script = _SCRIPTS[model_name]

    async def generate(
        self,
        input: list[ChatMessage],  # noqa: A002 - Inspect's name
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Answer by the script."""
        del tool_choice, config
        text, leaves = self._script(input, tools)
        calls = (
            [ToolCall(id=f"call-{len(input)}", function=tools[0].name, arguments={})]
            if leaves
            else None
        )
        message = ChatMessageAssistant(content=text, tool_calls=calls)
        return ModelOutput(
            model=self.model_name,
            choices=[ChatCompletionChoice(message=message)],
            usage=ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2),
        )


@modelapi(name="adjourn_scripted")
def scripted() -> type[ModelAPI]:
    """Return the provider of the scripted models."""
    return ScriptedTarget
