"""Which nodes can be ended at all, told without asking the database."""

from collections.abc import Iterable, Sequence

_BITS = 24


class EndFilter:
    """One bit for each of 2^24 classes of node ids (2 MiB), set if any node of it ever ended.

    Ids are hashes, so classes fill evenly: after 10,000 ends one node in 1,700 is asked about in
    vain, after a million one in 17. Bits are set before an end is committed and never cleared, so
    no look-up that begins after an end was acknowledged can miss it.
    """

    def __init__(self, ended: Iterable[bytes]) -> None:
        self._bits = bytearray(1 << (_BITS - 3))
        for key in ended:
            self.add(key)

    def add(self, key: bytes) -> None:
        """Note that this node may be ended from now on."""
        self._bits[key[0] << 13 | key[1] << 5 | key[2] >> 3] |= 1 << (key[2] & 7)

    def among(self, path: Sequence[bytes]) -> list[bytes]:
        """Return the nodes of a path that can be ended, in order; of the others, none is."""
        bits = self._bits
        return [
            key
            for key in path
            if bits[key[0] << 13 | key[1] << 5 | key[2] >> 3] >> (key[2] & 7) & 1
        ]
