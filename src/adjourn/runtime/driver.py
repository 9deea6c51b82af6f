"""The only async code that carries out the exchange's commands.

Lives here: asking the store, and turning its failures into events. Detectors sit on the ``panel``.
Does not live here: any decision (``core``), or what goes over the wire (the dialogue).
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, assert_never

from adjourn.core import turns as t
from adjourn.core.decisions import Requester
from adjourn.core.entries import Append
from adjourn.core.errors import StoreUnavailable
from adjourn.core.exchange import Exchange, PolicyInForce
from adjourn.core.messages import Message
from adjourn.core.tree import NodeId
from adjourn.ports import Store
from adjourn.runtime.panel import Panel

_log = logging.getLogger("adjourn.driver")

_QUESTIONS: Final = (t.LookUp, t.Survey, t.Recall)
"""Commands that the store answers."""
_LAST: Final = (t.Reply, t.Finish, t.Refuse, t.Fail, t.Leave)
"""Commands after which the exchange is over."""


class Dialogue(Protocol):
    """One request's two connections, the client's and the model's, in one dialect."""

    async def forward(self, command: t.Forward) -> t.Event:
        """Send the request to the model and read until the exchange must be asked."""
        ...

    async def release(self) -> t.Event:
        """Let waiting pieces reach the client, and read on."""
        ...

    async def close(self, command: t.Reply | t.Finish | t.Refuse | t.Fail | t.Leave) -> None:
        """Answer the client."""
        ...


class Driver:
    """Runs exchanges against one store, one panel of detectors and one policy."""

    def __init__(
        self,
        *,
        in_force: PolicyInForce,
        store: Store,
        panel: Panel,
        keep_evidence: Callable[[NodeId, Sequence[Message]], Coroutine[Any, Any, None]],
        needs_store: bool = False,
    ) -> None:
        self.in_force = in_force
        """May be replaced while the driver runs: a request keeps the one it began with."""
        self._store = store
        self._panel = panel
        self._keep_evidence = keep_evidence
        self._needs_store = needs_store
        self._beside: set[asyncio.Task[Any]] = set()
        """What was begun beside requests, and nobody waits for but ``drain``."""

    async def run(self, request: t.TurnRequest, dialogue: Dialogue) -> None:
        """Carry one request through to its end.

        Raises:
            StoreUnavailable: The store does not answer, and this driver needs it to let a request
                pass. Nothing was sent to anybody.
        """
        exchange, forwarded = Exchange(self.in_force), False
        command = exchange.handle(t.RequestReceived(request))
        while not isinstance(command, _LAST):
            event: t.Event
            if isinstance(command, _QUESTIONS):
                event = await self._ask_store(command, must=self._needs_store and not forwarded)
            elif isinstance(command, t.Assess):
                asked, patient = command
                event = t.AssessmentsMade(*await self._panel.assess(asked, patient=patient))
            elif isinstance(command, t.Forward):
                forwarded = True
                event = await dialogue.forward(command)
            elif isinstance(command, t.Record):
                event = await self._record(command)
                self._after_an_end(command.append, event, request)
            elif isinstance(command, t.Release):
                event = await dialogue.release()
            else:
                assert_never(command)
            command = exchange.handle(event)
        await dialogue.close(command)

    async def drain(self) -> None:
        """Wait until all that was begun beside requests is done or has failed."""
        while self._beside:
            await asyncio.gather(*self._beside)
        await self._panel.drain()

    async def _ask_store(self, command: t.LookUp | t.Survey | t.Recall, *, must: bool) -> t.Event:
        """What a failing store does not know, it does not know: nothing ends on that."""
        try:
            match command:
                case t.LookUp(path=path):
                    facts = await self._store.look_up(path)
                    return t.PathFound(facts.deepest, facts.end)
                case t.Survey(root=root):
                    return t.Surveyed(await self._store.conversation(root))
                case t.Recall(path=path):
                    return t.Recalled(await self._store.records(path))
        except StoreUnavailable as error:
            if must:
                raise
            _log.warning("store unavailable: %s", error)
            return _KNOWS_NOTHING[type(command)]

    async def _record(self, command: t.Record) -> t.Event:
        if command.urgent:
            return await self._append(command.append)
        self._begin(self._append(command.append))
        return t.Recorded()

    def _after_an_end(self, append: Append, event: t.Event, request: t.TurnRequest) -> None:
        """Keep what was written, if the operator wants it, of an end that restricts somebody."""
        end = append.end
        if end is not None and end.by is not Requester.USER and isinstance(event, t.Recorded):
            self._begin(self._keep_evidence(end.node, request.messages))

    def _begin(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _append(self, append: Append) -> t.Event:
        try:
            return t.Recorded(await self._store.append(append))
        except StoreUnavailable as error:
            _log.warning("not recorded: %s", error)
            return t.NotRecorded()


_KNOWS_NOTHING: dict[type, t.Event] = {
    t.LookUp: t.PathFound(),
    t.Survey: t.Surveyed(()),
    t.Recall: t.Recalled({}),
}
