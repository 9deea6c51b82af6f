"""Small corpora with known answers, and detectors of which one kills its process once."""

import json
import os
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from adjourn.core.assessments import Assessed, Assessment, Unknown
from adjourn.core.audiences import Audience
from adjourn.core.messages import Message
from adjourn.replay.kernel import Question
from adjourn.replay.parts import Parts, Task, key_of
from adjourn.replay.running import Engine, run_parts
from adjourn.replay.shards import corpus_files, shards_of
from adjourn.replay.workers import Brief
from adjourn.runtime.policies import load_policy

POLICY, DOCUMENT = load_policy("consumer-chat")
OTHER, OTHER_DOCUMENT = load_policy("coding-agent")
QUESTION = Question((POLICY,), Audience.UNKNOWN)
BOTH = Question((POLICY, OTHER), Audience.UNKNOWN)
ABUSIVE = [{"abuse": 0.99}] * 6
QUIET = [{"abuse": 0.01, "hazards": {"iwp": 0.02}, "crisis": {"self": 0.0, "others": 0.0}}] * 6
CRISIS = [*ABUSIVE[:3], {"crisis": {"self": 0.99}}, *ABUSIVE[:2]]


def talk(turns: int = 6, word: str = "u") -> list[dict[str, str]]:
    said = []
    for n in range(turns):
        said += [
            {"role": "user", "content": f"{word}{n}"},
            {"role": "assistant", "content": f"a{n}"},
        ]
    return said


def corpus(rows: int = 40) -> list[Any]:
    """Rows with assessments: every first of three is abusive, every third a crisis."""
    kinds = [ABUSIVE, QUIET, CRISIS]
    return [{"id": f"c{n}", "messages": talk(), "assessments": kinds[n % 3]} for n in range(rows)]


def unjudged(rows: int = 12) -> list[Any]:
    """The same without assessments, for ``Worded`` to judge."""
    words = ["abuse", "hello", "crisis"]
    return [{"id": f"c{n}", "messages": talk(word=words[n % 3])} for n in range(rows)]


def written(folder: Path, rows: list[Any], name: str = "corpus.jsonl") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return file


class Worded:
    """Judges a message by its first letters, and all it is asked at once."""

    name = "worded"

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        return [self.judge(messages[-1].text) for messages in conversations]

    def judge(self, text: str) -> Assessed:
        if text == "silence0":
            return Unknown(self.name, "does not answer")
        abusive, in_crisis = text.startswith("abuse"), text.startswith("crisis")
        return Assessment(self.name, abuse=0.99 * abusive, crisis_self=0.99 * in_crisis)

    async def aclose(self) -> None:
        pass


class Fatal(Worded):
    """Kills its own process at the first message that says ``crisis0``, once."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def judge(self, text: str) -> Assessed:
        if text == "crisis0" and not self._mark.exists():
            self._mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().judge(text)


def fatal(folder: Path) -> Any:
    folder.mkdir(exist_ok=True)
    return partial(Fatal, folder / "killed")


def ran(
    corpus: Path,
    folder: Path,
    *,
    cut: int = 500,
    workers: int = 1,
    engine: Engine | None = None,
    make: Any = None,
    question: Question = QUESTION,
) -> tuple[Parts, list[int]]:
    """Run a corpus; return its parts and the numbers of those that were done, in that order."""
    documents = (DOCUMENT,) if len(question.policies) == 1 else (DOCUMENT, OTHER_DOCUMENT)
    task = Task(documents, question.audience, "worded" if make else "")
    shards = shards_of(corpus_files(corpus), cut)
    parts = Parts(folder, shards, key_of(shards, question, task))
    done: list[int] = []
    run_parts(parts, Brief(task, make), workers, lambda shard: done.append(shard.number), engine)
    return parts, done
