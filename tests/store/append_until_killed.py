"""Appends until it is killed: ``python -m tests.store.append_until_killed``.

For each line ``FILE ROUND ACKS`` of its input, a child opens the store and appends from many tasks
at once, telling of each append that was acknowledged; after ACKS of them it is killed. One line of
output for each line of input: the acknowledged conversations. (The children are forked so that each
round takes milliseconds.)
"""

import asyncio
import os
import signal
import sys

from adjourn.store.sqlite import SqliteStore

from .records import ending, turn

TASKS = 12


async def append_for_ever(file: str, round_: str, told: int) -> None:
    store = SqliteStore.open(file)

    async def converse(task: int) -> None:
        number = 0
        while True:
            number += 1
            name = f"{round_}-{task}-{number}"
            await store.append(ending(name) if task % 2 else turn(name))
            os.write(told, f"{name}\n".encode())

    await asyncio.gather(*(converse(task) for task in range(TASKS)))


def main() -> None:
    for line in sys.stdin:
        file, round_, acks = line.split()
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            try:
                asyncio.run(append_for_ever(file, round_, writing))
            finally:
                os._exit(1)
        os.close(writing)
        heard = b""
        while heard.count(b"\n") < int(acks):
            piece = os.read(reading, 4096)
            if not piece:
                sys.exit("the store failed before it was killed")
            heard += piece
        os.kill(child, signal.SIGKILL)
        while piece := os.read(reading, 4096):
            heard += piece
        os.waitpid(child, 0)
        os.close(reading)
        sys.stdout.write(" ".join(heard.decode().split()) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
