"""The detector that ships: a small network on the CPU, from files of this package.

One worker thread per detector collects what is asked within two milliseconds and judges it
together; the event loop never waits for a computation. Each window runs through the network by
itself, on as many threads as allowed: a message's probabilities are the same whoever else is
being judged, which a padded batch of an int8 network could not promise.
"""

import asyncio
import hashlib
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from adjourn.core.assessments import Assessed, Assessment, Unknown
from adjourn.core.messages import Message, frame
from adjourn.detectors.local_input import relevant
from adjourn.detectors.local_model import Network

NAME: Final = "local"
_GATHER_S: Final = 0.002
"""How long the worker waits for more before it begins."""
_GATHER_MOST: Final = 256
"""Most conversations judged together."""
_REMEMBERED: Final = 2048
"""Conversations whose assessment is remembered; a path is judged message by message."""

_Job = tuple[Sequence[Message], "Future[Assessed]"]


class LocalDetector:
    """Judges messages with the network that ships in this package.

    Args:
        threads: Threads that compute, at least one. Results do not depend on it.
    """

    def __init__(self, threads: int = 1) -> None:
        self._network = Network.shipped()
        self._pool = ThreadPoolExecutor(max(1, threads), "adjourn-local")
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._known: OrderedDict[bytes, Assessed] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False
        self._worker: threading.Thread | None = None

    @property
    def name(self) -> str:
        """Name as used in configuration, assessments and the ledger."""
        return NAME

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        """Judge the last message of each conversation; one answer each, in order.

        Never raises for what a message contains; what fails inside is ``Unknown``.
        """
        asked = [asyncio.wrap_future(self._submit(one)) for one in conversations]
        return list(await asyncio.gather(*asked))

    async def aclose(self) -> None:
        """Finish what was asked, then stop the threads."""
        with self._lock:
            self._closed = True
            worker = self._worker
            if worker is not None:
                self._jobs.put(None)
        if worker is not None:
            await asyncio.to_thread(worker.join)
        self._pool.shutdown(wait=True)

    def assess_now(self, conversations: Sequence[Sequence[Message]]) -> list[Assessed]:
        """Judge without an event loop, in the calling thread's time."""
        answers: dict[bytes, Assessed] = {}
        keys = [_key(one) for one in conversations]
        waiting: dict[bytes, Future[Assessed]] = {}
        for key, conversation in zip(keys, conversations, strict=True):
            known = self._recall(key)
            if known is not None:
                answers[key] = known
            elif key not in waiting:
                waiting[key] = self._pool.submit(self._judge, conversation)
        for key, future in waiting.items():
            answers[key] = future.result()
            self._remember(key, answers[key])
        return [answers[key] for key in keys]

    def _submit(self, conversation: Sequence[Message]) -> "Future[Assessed]":
        future: Future[Assessed] = Future()
        with self._lock:
            if self._closed:
                future.set_result(Unknown(NAME, "the detector is closed"))
                return future
            if self._worker is None:
                self._worker = threading.Thread(
                    target=self._work, name="adjourn-local-gather", daemon=True
                )
                self._worker.start()
            self._jobs.put((conversation, future))
        return future

    def _work(self) -> None:
        """Gather jobs and answer them until a ``None`` is found among them."""
        going = True
        while going:
            jobs, going = self._gather()
            jobs = [job for job in jobs if job[1].set_running_or_notify_cancel()]
            try:
                answers = self.assess_now([conversation for conversation, _ in jobs])
            except Exception as error:  # noqa: BLE001 - the worker outlives whatever happens
                answers = [Unknown(NAME, f"failed: {type(error).__name__}")] * len(jobs)
            for (_, future), answer in zip(jobs, answers, strict=True):
                future.set_result(answer)

    def _gather(self) -> tuple[list[_Job], bool]:
        """Return the jobs that came within ``_GATHER_S`` of the first, and whether to go on."""
        first = self._jobs.get()
        if first is None:
            return [], False
        jobs = [first]
        until = time.monotonic() + _GATHER_S
        while len(jobs) < _GATHER_MOST:
            try:
                job = self._jobs.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if job is None:
                return jobs, False
            jobs.append(job)
        return jobs, True

    def _judge(self, conversation: Sequence[Message]) -> Assessed:
        try:
            judged = self._network.judge(conversation)
            return Assessment(NAME, judged.hazards, **judged.scalars)
        except Exception as error:  # noqa: BLE001 - whatever happens, the answer is "unknown"
            return Unknown(NAME, f"failed: {type(error).__name__}")

    def _recall(self, key: bytes) -> Assessed | None:
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
            return known

    def _remember(self, key: bytes, assessed: Assessed) -> None:
        if isinstance(assessed, Unknown):
            return  # what failed once may succeed the next time
        with self._lock:
            self._known[key] = assessed
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def _key(conversation: Sequence[Message]) -> bytes:
    """Return a digest of all that the judgement depends on."""
    fields = [
        part
        for message in (relevant(conversation) if conversation else ())
        for part in (message.role.value.encode(), message.text.encode("utf-8", "surrogatepass"))
    ]
    return hashlib.blake2b(frame(*fields), digest_size=16).digest()
