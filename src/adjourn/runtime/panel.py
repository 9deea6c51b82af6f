"""All configured detectors, asked side by side, each with its own deadline.

Quick detectors are waited for. Slow ones judge beside the model's reply: their work goes on when
nobody waits for it any more, and what comes of it is remembered for whoever asks next. What failed
is not remembered: it is asked again.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from adjourn.core.assessments import Assessed, Unknown
from adjourn.core.messages import Beginning, Message, canonical_content, frame
from adjourn.ports import Detector

_log = logging.getLogger("adjourn.detectors")

REMEMBERED: Final = 4096
"""Answers of slow detectors that are kept, a few MB; what is forgotten is asked again."""

_Conversation = Sequence[Message]
_Key = tuple[int, bytes]
"""Which detector, and a digest of the conversation."""


class Panel:
    """The detectors.

    Args:
        detectors: In the order of their answers.
        deadline_s: Seconds after which an answer is ``Unknown``.
        deadlines_s: Other deadlines, by detector's name.
        beside: Names of the slow detectors.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        *,
        deadline_s: float,
        deadlines_s: Mapping[str, float] | None = None,
        beside: Collection[str] = (),
    ) -> None:
        self._quick = tuple(one for one in detectors if one.name not in beside)
        self._slow = tuple(one for one in detectors if one.name in beside)
        self._deadline_s = deadline_s
        self._deadlines_s = deadlines_s or {}
        self._asked: OrderedDict[_Key, asyncio.Task[Assessed]] = OrderedDict()

    async def assess(
        self, conversations: Sequence[_Conversation], *, patient: bool = True
    ) -> tuple[list[tuple[Assessed, ...]], bool]:
        """Return each detector's answer on each conversation, and whether some are outstanding.

        Args:
            conversations: The last one is the urgent one; it is asked about on its own, so that
                a long history cannot delay it.
            patient: Wait for slow detectors on the last conversation, too.
        """
        if len(conversations) == 1 and not self._slow:  # nearly always
            answers = await self._ask_quick(conversations)
            return [tuple(answer[0] for answer in answers)], False
        *history, newest = conversations
        slow = self._judging(conversations)
        answers = await self._ask_quick((newest,), *((history,) if history else ()))
        of_newest = [answer[0] for answer in answers[: len(self._quick)]]
        batches = answers[len(self._quick) :]
        quick = [[batch[i] for batch in batches] for i in range(len(history))] + [of_newest]
        awaited = [task for tasks in (slow if patient else slow[:-1]) for task in tasks]
        if awaited:
            await asyncio.wait(awaited)
        made = [
            (*given, *(task.result() for task in tasks if task.done()))
            for given, tasks in zip(quick, slow, strict=True)
        ]
        return made, not all(task.done() for task in slow[-1])

    async def _ask_quick(self, *questions: Sequence[_Conversation]) -> Sequence[Sequence[Assessed]]:
        """Put each question to every quick detector, all at once; answers in that order."""
        asked = [self._ask(one, question) for question in questions for one in self._quick]
        return [await asked[0]] if len(asked) == 1 else await asyncio.gather(*asked)

    async def drain(self) -> None:
        """Wait until the slow detectors have answered or run out of time."""
        while tasks := [task for task in self._asked.values() if not task.done()]:
            await asyncio.wait(tasks)

    def _judging(
        self, conversations: Sequence[_Conversation]
    ) -> list[list[asyncio.Task[Assessed]]]:
        """Return each slow detector's work on each conversation."""
        if not self._slow:
            return [[] for _ in conversations]
        numbers = range(len(self._slow))
        marks = _digests(conversations)
        return [
            [self._beside(number, mark, one) for number in numbers]
            for mark, one in zip(marks, conversations, strict=True)
        ]

    def _beside(
        self, number: int, mark: bytes, conversation: _Conversation
    ) -> asyncio.Task[Assessed]:
        """Return a slow detector's work on a conversation, begun now if it was not before."""
        key = (number, mark)
        task = self._asked.get(key)
        if task is None:
            task = asyncio.create_task(self._ask_alone(self._slow[number], conversation))
            self._asked[key] = task
            task.add_done_callback(lambda done: self._answered(key, done))
        self._asked.move_to_end(key)
        return task

    def _answered(self, key: _Key, task: asyncio.Task[Assessed]) -> None:
        failed = task.cancelled() or isinstance(task.result(), Unknown)
        if failed and self._asked.get(key) is task:
            del self._asked[key]
        while len(self._asked) > REMEMBERED and next(iter(self._asked.values())).done():
            self._asked.popitem(last=False)

    async def _ask_alone(self, detector: Detector, conversation: _Conversation) -> Assessed:
        return (await self._ask(detector, (conversation,)))[0]

    async def _ask(
        self, detector: Detector, conversations: Sequence[_Conversation]
    ) -> Sequence[Assessed]:
        deadline_s = self._deadlines_s.get(detector.name, self._deadline_s)
        try:
            async with asyncio.timeout(deadline_s):
                answers = await detector.assess(conversations)
        except TimeoutError:
            why = f"no answer within {deadline_s:g} seconds"
        except Exception as error:  # noqa: BLE001 - a plug-in's bug must not end a conversation
            why = f"failed ({type(error).__name__})"
        else:
            if len(answers) == len(conversations):
                return answers
            why = f"{len(answers)} answers to {len(conversations)} questions"
        _log.warning("detector %s: %s", detector.name, why)
        return [Unknown(detector.name, why)] * len(conversations)


def _digests(conversations: Sequence[_Conversation]) -> list[bytes]:
    """Return a digest of each conversation.

    Those that are beginnings of one history, the shortest first, are read once together.
    """
    digests: list[bytes] = []
    whole: _Conversation | None = None
    hashed, read = hashlib.blake2b(digest_size=16), 0
    for one in conversations:
        its_whole = one.whole if isinstance(one, Beginning) else one
        if its_whole is not whole or len(one) < read:
            whole, hashed, read = its_whole, hashlib.blake2b(digest_size=16), 0
        for at in range(read, len(one)):
            message = its_whole[at]
            hashed.update(frame(message.role.encode(), canonical_content(message)))
        read = len(one)
        digests.append(hashed.digest())
    return digests
