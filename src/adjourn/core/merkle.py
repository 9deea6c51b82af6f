"""Merkle trees as in RFC 6962, section 2.1: roots, proofs, and how to check them.

Hashes are 32 bytes, SHA-256. A tree is given by the hashes of its leaves, in order.
"""

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of the tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the complete subtrees that a tree consists of; grows by one leaf at a time.

    What has to be kept to go on: as many hashes as the size has binary digits that are one.
    """

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append a leaf, given by its hash."""
        carried = leaf
        size = self.size
        while size & 1:
            carried = node_hash(self._subtrees.pop(), carried)
            size >>= 1
        self._subtrees.append(carried)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the tree as it is."""
        if not self._subtrees:
            return EMPTY_ROOT
        root = self._subtrees[-1]
        for subtree in reversed(self._subtrees[:-1]):
            root = node_hash(subtree, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root of a tree."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier.root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the audit path of a leaf (RFC 6962, 2.1.1), from the leaf upwards.

    Raises:
        ValueError: The tree has no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise ValueError(f"there is no leaf {index} in a tree of {len(leaves)}")
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    if index < split:
        return (*inclusion_proof(leaves[:split], index), root_of(leaves[split:]))
    return (*inclusion_proof(leaves[split:], index - split), root_of(leaves[:split]))


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a leaf is the one at ``index`` in the tree of that size and root."""
    if not 0 <= index < size:
        return False
    computed = _climb(leaf, index, size, list(proof))
    return computed is not None and computed == root


def consistency_proof(leaves: Sequence[bytes], earlier: int) -> tuple[bytes, ...]:
    """Return the proof that the first ``earlier`` leaves are still the first (RFC 6962, 2.1.2).

    Raises:
        ValueError: The tree was never of that size.
    """
    if not 0 <= earlier <= len(leaves):
        raise ValueError(f"a tree of {len(leaves)} leaves was never one of {earlier}")
    if earlier in (0, len(leaves)):
        return ()
    return _subproof(leaves, earlier, is_whole=True)


def is_consistent(
    earlier: int, earlier_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether the tree of ``size`` begins with that of ``earlier`` (RFC 9162, 2.1.4.2)."""
    if earlier > size or earlier < 0:
        return False
    if earlier == size:
        return earlier_root == root and not proof
    if earlier == 0:
        return earlier_root == EMPTY_ROOT and not proof
    path = [earlier_root, *proof] if earlier & (earlier - 1) == 0 else list(proof)
    return bool(path) and _fold(earlier - 1, size - 1, path) == (earlier_root, root)


def _fold(first: int, last: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """Return the roots that a consistency proof leads to, None if it has the wrong length."""
    while first & 1:
        first, last = first >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return None
        if first & 1 or first == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            new = node_hash(new, step)
        first, last = first >> 1, last >> 1
    return (old, new) if last == 0 else None


def _climb(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes | None:
    """Fold an audit path; None if it has the wrong length."""
    if size == 1:
        return leaf if not proof else None
    if not proof:
        return None
    *below, beside = proof
    split = _split(size)
    if index < split:
        left = _climb(leaf, index, split, below)
        return None if left is None else node_hash(left, beside)
    right = _climb(leaf, index - split, size - split, below)
    return None if right is None else node_hash(beside, right)


def _subproof(leaves: Sequence[bytes], earlier: int, *, is_whole: bool) -> tuple[bytes, ...]:
    if earlier == len(leaves):
        return () if is_whole else (root_of(leaves),)
    split = _split(len(leaves))
    if earlier <= split:
        return (*_subproof(leaves[:split], earlier, is_whole=is_whole), root_of(leaves[split:]))
    return (
        *_subproof(leaves[split:], earlier - split, is_whole=False),
        root_of(leaves[:split]),
    )


def _split(size: int) -> int:
    """Return the largest power of two smaller than ``size``, which is at least 2."""
    return int(1 << (size - 1).bit_length() - 1)
