"""The second key inside Inspect: an approver that says what the shipped engine decided.

The engine (``core.exchange``, run by ``runtime.driver``) decides about a model's call of the end
tool before the call is executed. Inspect then executes the call, asks this approver, and records
its answer in the log. A conversation has ended when an *approved result* is there, not when the
call was made.
"""

from contextvars import ContextVar
from dataclasses import dataclass

from inspect_ai.approval import Approval, ApprovalPolicy, Approver, approver
from inspect_ai.model import ChatMessage, ChatMessageTool, execute_tools
from inspect_ai.tool import Tool, ToolCall, ToolCallView, ToolDef, ToolParams, tool

from adjourn.core.policy import EndTool


@dataclass(frozen=True, slots=True)
class Granted:
    """The end is granted and recorded."""

    closing: str
    """What the user is told; also the tool's result."""


@dataclass(frozen=True, slots=True)
class NotGranted:
    """The call is answered, and the model goes on."""

    told: str
    """What the model is told."""
    asks: bool = False
    """It is the question whether the model is sure."""


Verdict = Granted | NotGranted

_VERDICT: ContextVar[Verdict | None] = ContextVar("adjourn_verdict", default=None)


@approver(name="policy")
def policy_approver() -> Approver:
    """Approve an end only if the engine has granted exactly this call."""

    async def approve(
        message: str, call: ToolCall, view: ToolCallView, history: list[ChatMessage]
    ) -> Approval:
        del message, call, view, history
        match _VERDICT.get():
            case Granted():
                return Approval(decision="approve", explanation="granted by the policy")
            case NotGranted(told=told, asks=asks):
                step = "confirm" if asks else "denied"
                return Approval(decision="reject", explanation=told, metadata={"step": step})
            case None:
                return Approval(
                    decision="reject", explanation="No policy engine runs this conversation."
                )

    return approve


@tool(name="end_conversation")
def end_tool() -> Tool:
    """Return the tool that a model leaves with; its name and text are the policy's."""

    async def execute() -> str:
        """End the conversation."""
        verdict = _VERDICT.get()
        return verdict.closing if isinstance(verdict, Granted) else ""

    return execute


def as_inspect_tool(tool: EndTool) -> ToolDef:
    """Return a policy's end tool as Inspect offers it to a model."""
    return ToolDef(end_tool(), tool.name, tool.description, ToolParams())


async def settle(messages: list[ChatMessage], tool: EndTool, verdict: Verdict) -> bool:
    """Execute the end call of the last message as the engine decided; add the result.

    Returns:
        Whether there is an approved result.
    """
    token = _VERDICT.set(verdict)
    try:
        executed = await execute_tools(
            messages,
            [as_inspect_tool(tool)],
            approval=[ApprovalPolicy(policy_approver(), tool.name)],
        )
    finally:
        _VERDICT.reset(token)
    messages.extend(executed.messages)
    results = [m for m in executed.messages if isinstance(m, ChatMessageTool)]
    return bool(results) and all(result.error is None for result in results)
