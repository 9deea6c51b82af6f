"""A driver that notes what is decided in each request."""

from adjourn.core import turns as t
from adjourn.core.policy import Mode
from adjourn.core.tree import NodeId
from adjourn.runtime.driver import Dialogue, Driver
from adjourn.runtime.trace import CURRENT, RequestTrace


class MeasuredDialogue:
    """A dialogue that notes what is decided in it."""

    def __init__(self, dialogue: Dialogue, trace: RequestTrace) -> None:
        self._dialogue = dialogue
        self._trace = trace

    async def forward(self, command: t.Forward) -> t.Event:
        """See ``Dialogue``."""
        self._note(command.decision, command.node)
        return await self._dialogue.forward(command)

    async def release(self) -> t.Event:
        """See ``Dialogue``."""
        return await self._dialogue.release()

    async def close(self, command: t.Reply | t.Finish | t.Refuse | t.Fail | t.Leave) -> None:
        """See ``Dialogue``."""
        if not isinstance(command, t.Leave):
            self._note(command.outcome.decision, command.outcome.node)
        if isinstance(command, t.Fail):
            self._trace.error = "upstream_unavailable"
        await self._dialogue.close(command)

    def _note(self, decision: str, node: NodeId | None) -> None:
        self._trace.decision, self._trace.node = decision, node or ""


class MeasuredDriver(Driver):
    """A driver that notes for each request what was decided."""

    async def run(self, request: t.TurnRequest, dialogue: Dialogue) -> None:
        """See ``Driver``."""
        trace = CURRENT.get()
        if trace is None:
            await super().run(request, dialogue)
            return
        trace.model, trace.tenant = request.model, request.origin.tenant
        trace.silent = self.in_force.policy.mode is Mode.SHADOW
        await super().run(request, MeasuredDialogue(dialogue, trace))
