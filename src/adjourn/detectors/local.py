"""The detector that ships: a small network on the CPU, from files of this package.

Computing happens on a pool of threads, never on the event loop, and concurrent questions share
the pool. Each window runs through the network by itself: an int8 network scales its numbers by
what else is in a batch, so a message's probabilities would depend on who else is being judged,
and a batch is hardly faster on a CPU (docs/detector.md has the figures). Nothing therefore waits
for others to come. A conversation that is asked about twice at once is computed once.

Questions take turns, one window each: a message of 200 kB has thirty-two, and holds nobody with a
short one up for longer than one of them. Nothing is computed for a question that nobody waits for
any more.
"""

import asyncio
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adjourn.config_tables import LOCAL
from adjourn.core.assessments import Assessed, Assessment, Unknown
from adjourn.core.messages import Message, frame
from adjourn.detectors.local_input import Window, relevant
from adjourn.detectors.local_model import Network, stacked

_REMEMBERED: Final = 4096
"""Conversations whose assessment is remembered, about 4 MB: retries and forks ask again."""


class LocalDetector:
    """Judges messages with the network that ships in this package.

    Args:
        threads: Threads that compute, at least one. Results do not depend on it.
    """

    def __init__(self, threads: int = 1) -> None:
        self._network = Network.shipped()
        self._pool = ThreadPoolExecutor(max(1, threads), "adjourn-local")
        self._known: OrderedDict[bytes, Assessed] = OrderedDict()
        self._under_way: dict[bytes, _Question] = {}
        self._lock = threading.Lock()
        self._closed = False

    @property
    def name(self) -> str:
        """Name as used in configuration, assessments and the ledger."""
        return LOCAL

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        """Judge the last message of each conversation; one answer each, in order.

        Never raises for what a message contains; what fails inside is ``Unknown``. If the caller
        gives up (a deadline), what nobody else waits for and has not begun is not computed.
        """
        asked = [self._submit(one) for one in conversations]
        waited = [asyncio.shield(asyncio.wrap_future(question.answer)) for question in asked]
        try:
            return list(await asyncio.gather(*waited))
        except asyncio.CancelledError:
            for question in asked:
                self._leave(question)
            raise

    async def aclose(self) -> None:
        """Refuse new questions, finish what is being computed, stop the threads."""
        with self._lock:
            self._closed = True
        await asyncio.to_thread(self._pool.shutdown, wait=True)

    def assess_now(self, conversations: Sequence[Sequence[Message]]) -> list[Assessed]:
        """Judge without an event loop; the calling thread waits."""
        return [question.answer.result() for question in list(map(self._submit, conversations))]

    def _submit(self, conversation: Sequence[Message]) -> "_Question":
        key = _key(conversation)
        with self._lock:
            question = self._under_way.get(key)
            if question is not None:
                question.waiting += 1
                return question
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
            if known is not None or self._closed:
                return _Question(key, _answered(known or Unknown(LOCAL, "the detector is closed")))
            question = _Question(key, Future(), relevant(conversation) if conversation else ())
            self._under_way[key] = question
            self._pool.submit(self._begin, question)
        return question

    def _leave(self, question: "_Question") -> None:
        """Have one waiting less; the last one to leave cancels what has not begun."""
        with self._lock:
            question.waiting -= 1
            if question.waiting or self._under_way.get(question.key) is not question:
                return
            del self._under_way[question.key]  # whoever asks from now on asks anew
        question.answer.cancel()

    def _begin(self, question: "_Question") -> None:
        """Find a question's windows, and read the first."""
        if question.answer.cancelled():
            return
        try:
            question.windows = self._network.windows(question.conversation)[::-1]
        except Exception as error:  # noqa: BLE001 - whatever happens, the answer is "unknown"
            self._answer(question, _failed(error))
            return
        self._read(question)

    def _read(self, question: "_Question") -> None:
        """Read a question's next window, and let others have a turn before the one after it."""
        while not question.answer.cancelled():
            try:
                if question.windows:
                    question.logits.append(self._network.logits_of(question.windows.pop()))
                if not question.windows:
                    self._answer(question, self._judged(question))
                    return
            except Exception as error:  # noqa: BLE001 - whatever happens, it is "unknown"
                self._answer(question, _failed(error))
                return
            with suppress(RuntimeError):  # the pool takes no more: read on to the end at once
                self._pool.submit(self._read, question)
                return

    def _judged(self, question: "_Question") -> Assessed:
        judged = self._network.judged(question.conversation, stacked(question.logits))
        return Assessment(LOCAL, judged.hazards, **judged.scalars)

    def _answer(self, question: "_Question", answer: Assessed) -> None:
        """Remember an answer, unless it may be another the next time, and only then give it."""
        with self._lock:
            if self._under_way.get(question.key) is question:
                del self._under_way[question.key]
            if isinstance(answer, Assessment):
                self._known[question.key] = answer
                self._known.move_to_end(question.key)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        with suppress(InvalidStateError):  # nobody waits for it any more
            question.answer.set_result(answer)


def _failed(error: Exception) -> Unknown:
    return Unknown(LOCAL, f"failed: {type(error).__name__}")


@dataclass(eq=False, slots=True)
class _Question:
    """A conversation that is being judged, and how many wait for the answer."""

    key: bytes
    answer: Future[Assessed]
    conversation: tuple[Message, ...] = ()
    """What of it the judgement depends on."""
    waiting: int = 1
    windows: list[Window] = field(default_factory=list)
    """What of it is still to be read, the last first."""
    logits: list[NDArray[np.float64]] = field(default_factory=list)
    """Of the windows that have been read, in order."""


def _answered(assessed: Assessed) -> Future[Assessed]:
    answer: Future[Assessed] = Future()
    answer.set_result(assessed)
    return answer


def _key(conversation: Sequence[Message]) -> bytes:
    """Return a digest of all that the judgement depends on."""
    fields = [
        part
        for message in (relevant(conversation) if conversation else ())
        for part in (message.role.value.encode(), message.text.encode("utf-8", "surrogatepass"))
    ]
    return hashlib.blake2b(frame(*fields), digest_size=16).digest()
