"""4: the disk is full, for real, under a running gateway; ``tests/store`` looks at the stores."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import openai
import pytest

from adjourn.store.sqlite import SqliteStore
from tests.gateway.chatting import Conversation
from tests.gateway.conftest import Running, run, stopping
from tests.small_disk import small_disk

__all__ = ["run", "stopping"]
Run = Callable[..., Running]

pytestmark = pytest.mark.slow


def recorded(running: Running) -> int:
    """How many ledger entries there are, once all that was begun is done."""

    async def count() -> int:
        await running.front.drain()
        return len(await running.store.entries(0, 100_000))

    return asyncio.run_coroutine_threadsafe(count(), running.loop).result(20)


def test_on_a_full_disk_chats_go_on_and_nothing_ends(run: Run, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 8) as disk:
        running = run(store=SqliteStore.open(disk.folder / "store.sqlite3"))
        client = running.sdk()
        known = Conversation(client, options={"user": "known"})
        while known.decision != "end":
            known.say("idiot")
        disk.fill()
        before, entries = -1, recorded(running)
        while entries != before:  # what room there was in pages in use is used up
            for _ in range(20):
                Conversation(client, options={"user": f"fills {uuid4()}"}).say("hello")
            before, entries = entries, recorded(running)
        during = Conversation(client, options={"user": "during"})
        told = []
        for _ in range(8):
            assert during.say("idiot")
            told.append(during.decision)
        assert not {"end", "warn"} & set(told)
        assert recorded(running) == entries
        with pytest.raises(openai.PermissionDeniedError, match="ended"):
            known.say("idiot")
        crisis = Conversation(client, options={"user": "in a crisis"})
        crisis.say("crisis")
        assert crisis.decision == "support"
        disk.free()
        for _ in range(8):
            during.say("idiot")
            if during.decision == "end":
                break
        assert during.decision == "end"
        running.stop()
