"""The messages of one request, read when they are asked for.

A client sends the whole history with every turn, and of a long one nearly all was read before. Who
knows that of its first items may leave them unread: they are read only if somebody looks at them.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import msgspec

from adjourn.core.messages import Message, Role
from adjourn.wire.reading import decode

Read = Callable[[Sequence[Any], int], Iterator[Message]]
"""Reads items of the client's list (any JSON), of which the first has this position in it.

Raises ``BadRequest`` if one is no message.
"""


class Transcript(Sequence[Message]):
    """A request's messages. Until ``read`` or ``read_after`` was called, reading may fail.

    Args:
        form: Names what the items are read as: equal items of one form are equal messages.
        read: Reads items.
        items: The client's items, as they came.
        lead: Messages before them, which are read already.
        first: Position of the first item in the client's list.
        joins: Whether assistant messages of items that follow each other are one.
    """

    def __init__(
        self,
        form: str,
        read: Read,
        items: Sequence[msgspec.Raw] = (),
        *,
        lead: tuple[Message, ...] = (),
        first: int = 0,
        joins: bool = False,
    ) -> None:
        self.form = form
        self.lead = lead
        self.items = items
        self._as_messages = read
        self._first = first
        self._joins = joins
        self._unread = 0
        """Messages, the lead included, that are not in ``_tail``."""
        self._tail: tuple[Message, ...] = ()
        self._messages: tuple[Message, ...] | None = None

    def read(self) -> tuple[Message, ...]:
        """Return all messages.

        Raises:
            BadRequest: An item is no message. Not after a first time that went well.
        """
        if self._messages is None:
            self._messages = (*self.lead, *self._read(0))
        return self._messages

    def read_after(
        self, items: int, messages: int, last: Role | None
    ) -> tuple[Message, ...] | None:
        """Read what follows the first items; they themselves may stay unread.

        Args:
            items: How many were read before, as part of a transcript of the same form and lead.
            messages: How many messages they are with the lead.
            last: The role of the last of them.

        Returns:
            The messages after them; None if the first of those belongs to the last one before.

        Raises:
            BadRequest: One of the items that follow is no message.
        """
        tail = tuple(self._read(items))
        if self._joins and tail and tail[0].role is last is Role.ASSISTANT:
            return None
        self._unread, self._tail = messages, tail
        return tail

    def _read(self, start: int) -> Iterator[Message]:
        """Read the items from one on; they are decoded together, which is much quicker."""
        together = b"".join((b"[", b",".join(self.items[start:]), b"]"))
        return self._as_messages(decode(together), self._first + start)

    def __len__(self) -> int:
        """Return the number of messages."""
        if self._messages is None and self._unread:
            return self._unread + len(self._tail)
        return len(self.read())

    @overload
    def __getitem__(self, at: int) -> Message: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Message]: ...

    def __getitem__(self, at: int | slice) -> Message | Sequence[Message]:
        """Return a message, or some in a row; all of them stay unread if they were."""
        if isinstance(at, slice):
            whole = at.start is None and at.step is None and at.stop == len(self)
            return self if whole else self.read()[at]
        behind = at if at < 0 else at - len(self)
        return self._tail[behind] if -len(self._tail) <= behind < 0 else self.read()[at]

    def __iter__(self) -> Iterator[Message]:
        """Yield the messages."""
        return iter(self.read())
