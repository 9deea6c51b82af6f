"""What was written in a conversation that was ended, for the reviewer of an appeal.

Off unless the operator turns it on. Kept encrypted with a key outside the database, for a number of
days, and erased on request; the ledger holds nothing of it and stays valid.
"""

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from adjourn.core.errors import StoreUnavailable
from adjourn.core.messages import Message, Role
from adjourn.core.tree import NodeId
from adjourn.ports import Clock, Store
from adjourn.runtime.sealing import Seal

_log = logging.getLogger("adjourn.evidence")

_DAY_MS: Final = 24 * 60 * 60 * 1000
_LONGEST: Final = 200_000
"""Characters kept, counted from the end."""

Said = tuple[str, str]
"""Role and text of one message."""


class Evidence:
    """Keeps, shows and erases what was written before an end.

    Args:
        store: Where it is kept.
        clock: For its age.
        key: At least 32 secret bytes.
        days: How long it is kept; 0 keeps nothing.
    """

    def __init__(self, store: Store, clock: Clock, key: bytes, days: int) -> None:
        self._store = store
        self._clock = clock
        self._seal = Seal(key, b"adjourn evidence")
        self.days = days

    async def keep(self, node: NodeId, messages: Sequence[Message]) -> None:
        """Keep a conversation up to its end, if anything is kept; never fails the caller."""
        if not self.days:
            return
        said = [(str(m.role), m.text) for m in messages if m.role in (Role.USER, Role.ASSISTANT)]
        while len(said) > 1 and sum(len(text) for _, text in said) > _LONGEST:
            del said[0]
        sealed = self._seal.close(msgspec.json.encode(_readable(said)).decode(), node.encode())
        now_ms = self._clock.now_ms()
        try:
            await self._store.forget_evidence(now_ms - self.days * _DAY_MS)
            await self._store.put_evidence(node, now_ms, sealed)
        except StoreUnavailable as error:
            _log.warning("evidence was not kept: %s", error)

    async def of(self, node: NodeId) -> Sequence[Said]:
        """Return what was written before an end; empty if nothing is kept.

        Raises:
            StoreUnavailable: The store does not answer.
        """
        sealed = await self._store.evidence(node)
        text = self._seal.open(sealed, node.encode()) if sealed else ""
        if text is None:
            return [("", "(cannot be read with this key)")]
        return msgspec.json.decode(text, type=list[Said]) if text else []

    async def erase(self, node: NodeId) -> bool:
        """Erase what is kept for an end; tell whether there was anything.

        Raises:
            StoreUnavailable: Nothing was erased.
        """
        return await self._store.erase_evidence(node)


def _readable(said: Sequence[Said]) -> list[Said]:
    """Replace half surrogate pairs, which JSON in UTF-8 cannot hold."""
    return [(role, text.encode("utf-8", "replace").decode()) for role, text in said]
