"""Filing, acknowledging and deciding appeals; what people write in them is kept encrypted.

A user needs no account: whoever has the link that came with the end may object to it. The link's
token is a keyed hash of the node, so that nothing has to be stored for ends nobody objects to.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace
from typing import Final

from adjourn.core.appeals import Appeal, AppealReason, AppealState
from adjourn.core.entries import Entry, EntryKind
from adjourn.core.tree import NodeId
from adjourn.ports import Clock, Store
from adjourn.runtime.sealing import Seal, derived

LONGEST_WORDS: Final = 4_000
"""Characters of an objection, or of an answer; more is cut off."""
KEPT_DAYS: Final = 180
"""How long what was written is kept after the decision: as long as the EU's register is
searchable; then it is erased, and the ledger stays valid."""
_DAY_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Written:
    """An appeal with what was written in it."""

    appeal: Appeal
    words: str
    answer: str


class Appeals:
    """The desk at which appeals come in and go out.

    Args:
        store: Where they are kept.
        clock: For their times.
        key: At least 32 secret bytes, kept outside the database.
    """

    def __init__(self, store: Store, clock: Clock, key: bytes) -> None:
        self._store = store
        self._clock = clock
        self._tokens = derived(key, b"adjourn appeal tokens")
        self._texts = Seal(key, b"adjourn appeal texts")

    def token(self, node: NodeId) -> str:
        """Return what a link must carry to object to the end at a node."""
        digest = hmac.new(self._tokens, node.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:18]).decode()

    def is_token(self, node: NodeId, token: str) -> bool:
        """Tell whether a token is the node's; takes as long for a wrong one as for the right."""
        return hmac.compare_digest(self.token(node).encode(), token.encode("utf-8", "replace"))

    async def file(self, node: NodeId, words: str) -> Written | None:
        """File an appeal; a second one for the same end changes nothing.

        Returns:
            The appeal; None if there is no end at the node.

        Raises:
            StoreUnavailable: It was not filed.
        """
        await self._forget_old()
        appeal = Appeal(node, self._clock.now_ms(), self._seal(node, b"words", words))
        return await self._put(appeal, None, "user")

    async def acknowledge(self, node: NodeId, reviewer: str) -> Written | None:
        """Take an appeal up."""
        known = await self._store.appeal(node)
        if known is None:
            return None
        if known.state is not AppealState.FILED:
            return self._open(known)
        taken = replace(
            known,
            acknowledged_at_ms=self._clock.now_ms(),
            state=AppealState.ACKNOWLEDGED,
            reviewer=reviewer,
        )
        return await self._put(taken, AppealState.FILED, reviewer)

    async def decide(
        self, node: NodeId, reviewer: str, state: AppealState, reason: AppealReason, answer: str
    ) -> Written | None:
        """Uphold or reverse an end; one that is decided stays as it is.

        Args:
            node: The ended node.
            reviewer: Who decides.
            state: ``UPHELD`` or ``REVERSED``.
            reason: Why; stands in the ledger.
            answer: What the user is told; does not stand in the ledger.
        """
        known = await self._store.appeal(node)
        if known is None:
            return None
        if known.state.is_decided:
            return self._open(known)
        now_ms = self._clock.now_ms()
        decided = replace(
            known,
            acknowledged_at_ms=known.acknowledged_at_ms or now_ms,
            decided_at_ms=now_ms,
            state=state,
            reviewer=reviewer,
            reason=str(reason),
            answer=self._seal(node, b"answer", answer),
        )
        return await self._put(decided, known.state, reviewer)

    async def of(self, node: NodeId) -> Written | None:
        """Return the appeal against the end at a node."""
        known = await self._store.appeal(node)
        return None if known is None else self._open(known)

    async def newest(self, limit: int) -> list[Written]:
        """Return appeals, those filed last first."""
        return [self._open(one) for one in await self._store.appeals(limit)]

    async def _put(self, appeal: Appeal, expected: AppealState | None, by: str) -> Written | None:
        put = await self._store.put_appeal(appeal, _entry(appeal, by), expected)
        return None if put is None else self._open(put)

    async def _forget_old(self) -> None:
        await self._store.forget_appeals(self._clock.now_ms() - KEPT_DAYS * _DAY_MS)

    def _seal(self, node: NodeId, part: bytes, text: str) -> bytes:
        return self._texts.close(text.strip()[:LONGEST_WORDS], part + node.encode())

    def _open(self, appeal: Appeal) -> Written:
        return Written(
            appeal,
            self._unseal(appeal.node, b"words", appeal.words),
            self._unseal(appeal.node, b"answer", appeal.answer),
        )

    def _unseal(self, node: NodeId, part: bytes, sealed: bytes) -> str:
        text = self._texts.open(sealed, part + node.encode())
        return "(cannot be read with this key)" if text is None else text


def _entry(appeal: Appeal, by: str) -> Entry:
    times = (appeal.decided_at_ms, appeal.acknowledged_at_ms, appeal.filed_at_ms)
    return Entry(
        kind=EntryKind.APPEAL,
        at_ms=next(time for time in times if time is not None),
        node=appeal.node,
        parent=appeal.node,
        policy_digest="",
        audience="",
        decision=str(appeal.state),
        rules=(appeal.reason,) if appeal.reason else (),
        requested_by=by,
    )
