"""How fast the local detector is: one message at a time, and as many as it can.

    nice -n 0 .venv/bin/python benchmarks/detector.py [--json]

Prints milliseconds per 30-word message at concurrency 1 (p50, p99) and messages per second at
concurrency 1, 8 and 64, on one and on two threads, each after a warm-up; every text differs, so
that nothing is remembered.
"""

import argparse
import asyncio
import json
import random
import time

from adjourn.core.messages import Message, Role
from adjourn.detectors.local import LocalDetector

TEXT = (
    "please could you tell me what the river garden looked like when we were walking home from "
    "school and my sister said that the train would leave at seven so we had better hurry up"
)
WORDS = TEXT.split()
MESSAGES = 400
REFUSAL = "I'm sorry, but I can't help with that. Is there something else you would like to do?"


def messages(count: int, seed: int, words: int = 30) -> list[list[Message]]:
    rng = random.Random(seed)
    return [[Message.of(Role.USER, " ".join(rng.choices(WORDS, k=words)))] for _ in range(count)]


def with_context(conversations: list[list[Message]]) -> list[list[Message]]:
    before = [Message.of(Role.USER, " ".join(WORDS)), Message.of(Role.ASSISTANT, REFUSAL)]
    return [[*before, *one] for one in conversations]


async def one_by_one(detector: LocalDetector, found: list[list[Message]]) -> tuple[float, float]:
    took = []
    for conversation in found:
        began = time.perf_counter()
        await detector.assess([conversation])
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return took[len(took) // 2], took[int(len(took) * 0.99)]


async def at_once(detector: LocalDetector, found: list[list[Message]], concurrency: int) -> float:
    waiting = iter(found)

    async def client() -> None:
        for conversation in waiting:
            await detector.assess([conversation])

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(concurrency)))
    return len(found) / (time.perf_counter() - began)


async def run() -> list[dict[str, float | int | str]]:
    rows: list[dict[str, float | int | str]] = []
    for threads in (1, 2):
        detector = LocalDetector(threads=threads)
        await one_by_one(detector, messages(20, seed=1))
        p50, p99 = await one_by_one(detector, messages(MESSAGES, seed=2))
        row: dict[str, float | int | str] = {"threads": threads, "p50_ms": p50, "p99_ms": p99}
        p50, _ = await one_by_one(detector, with_context(messages(MESSAGES, seed=3)))
        row["p50_ms_in_context"] = p50
        for concurrency in (1, 8, 64):
            found = messages(MESSAGES, seed=10 + concurrency)
            row[f"per_s_at_{concurrency}"] = await at_once(detector, found, concurrency)
        long = [Message.of(Role.USER, " ".join(random.Random(4).choices(WORDS, k=40_000)))]
        began = time.perf_counter()
        await detector.assess([long])
        row["ms_for_200_kB"] = (time.perf_counter() - began) * 1000
        await detector.aclose()
        rows.append(
            {key: round(value, 2) for key, value in row.items() if not isinstance(value, str)}
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    rows = asyncio.run(run())
    if parser.parse_args().json:
        print(json.dumps(rows))
        return
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
