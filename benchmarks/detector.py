"""How fast the local detector is, beside plain onnxruntime in the same run.

    python benchmarks/detector.py [--json]

For one and two threads and concurrency 1, 8 and 64: messages per second, and the time from asking
to the answer (p50, p99), of 30-word messages that all differ, so that nothing is remembered. The
peer is the same network in the same onnxruntime with that many threads of its own (intra-op), one
message at a time in a queue: what one gets by calling the library. It reads the message only; the
detector also folds disguises, cuts windows, takes turns and calibrates.
"""

import argparse
import asyncio
import importlib.resources
import json
import random
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from adjourn.core.messages import Message, Role
from adjourn.detectors.local import LocalDetector

TEXT = (
    "please could you tell me what the river garden looked like when we were walking home from "
    "school and my sister said that the train would leave at seven so we had better hurry up"
)
WORDS = TEXT.split()
MESSAGES = 400
REFUSAL = "I'm sorry, but I can't help with that. Is there something else you would like to do?"
Conversation = list[Message]
Row = dict[str, float | int | str]


class Plain:
    """The network by onnxruntime alone."""

    def __init__(self, threads: int) -> None:
        folder = importlib.resources.files("adjourn.detectors") / "weights"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session: Any = onnxruntime.InferenceSession(
            (folder / "local.onnx").read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text("utf-8"))
        self._queue = ThreadPoolExecutor(1)

    async def ask(self, conversation: Conversation) -> None:
        await asyncio.get_running_loop().run_in_executor(self._queue, self._run, conversation)

    def _run(self, conversation: Conversation) -> None:
        ids = np.array([self._tokenizer.encode(conversation[-1].text).ids], np.int64)
        self._session.run(["logits"], {"ids": ids, "kinds": np.zeros_like(ids)})

    async def aclose(self) -> None:
        self._queue.shutdown()


class Local:
    """The detector that ships."""

    def __init__(self, threads: int) -> None:
        self._detector = LocalDetector(threads=threads)

    async def ask(self, conversation: Conversation) -> None:
        await self._detector.assess([conversation])

    async def aclose(self) -> None:
        await self._detector.aclose()


def messages(count: int, seed: int, words: int = 30) -> list[Conversation]:
    rng = random.Random(seed)
    return [[Message.of(Role.USER, " ".join(rng.choices(WORDS, k=words)))] for _ in range(count)]


def with_context(conversations: list[Conversation]) -> list[Conversation]:
    before = [Message.of(Role.USER, " ".join(WORDS)), Message.of(Role.ASSISTANT, REFUSAL)]
    return [[*before, *one] for one in conversations]


async def at_once(
    ask: Callable[[Conversation], Awaitable[None]], found: list[Conversation], concurrency: int
) -> dict[str, float]:
    """Return messages per second, and the median and 99th percentile of milliseconds."""
    waiting, took = iter(found), []

    async def client() -> None:
        for conversation in waiting:
            began = time.perf_counter()
            await ask(conversation)
            took.append((time.perf_counter() - began) * 1000)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(concurrency)))
    whole = time.perf_counter() - began
    p50, p99 = np.percentile(took, [50, 99])
    return {"per_s": len(found) / whole, "p50_ms": float(p50), "p99_ms": float(p99)}


async def run() -> list[Row]:
    rows: list[Row] = []
    for threads in (1, 2):
        for name, made in (("local", Local(threads)), ("plain onnxruntime", Plain(threads))):
            await at_once(made.ask, messages(30, seed=1), 1)
            for concurrency in (1, 8, 64):
                found = messages(MESSAGES, seed=10 + concurrency)
                figures = await at_once(made.ask, found, concurrency)
                rows.append({"what": name, "threads": threads, "at_once": concurrency, **figures})
            if name == "local":
                context = await at_once(made.ask, with_context(messages(MESSAGES, seed=3)), 1)
                rows.append(
                    {"what": "local, in context", "threads": threads, "at_once": 1, **context}
                )
                long = messages(1, seed=4, words=40_000)
                figures = await at_once(made.ask, long, 1)
                rows.append({"what": "local, 200 kB", "threads": threads, "at_once": 1, **figures})
            await made.aclose()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    rows = asyncio.run(run())
    if as_json:
        print(json.dumps(rows))
        return
    print("| | threads | at once | messages/s | p50 | p99 |\n|---|---|---|---|---|---|")
    for row in rows:
        per_s = f"{row['per_s']:.0f}" if float(row["per_s"]) >= 10 else f"{row['per_s']:.1f}"
        print(
            f"| {row['what']} | {row['threads']} | {row['at_once']} | {per_s} "
            f"| {row['p50_ms']:.1f} ms | {row['p99_ms']:.1f} ms |"
        )


if __name__ == "__main__":
    main()
