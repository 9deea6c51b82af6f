"""Merkle trees are those of RFC 6962, and proofs prove what they say and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn.core.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    root_of,
)

# The leaves and roots that implementations of certificate transparency are tested with.
LEAVES = [
    leaf_hash(bytes.fromhex(one))
    for one in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
TREES = st.integers(0, 70).map(lambda size: [leaf_hash(b"%d" % n) for n in range(size)])


def test_known_roots() -> None:
    assert root_of([]) == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for size, root in ROOTS.items():
        assert root_of(LEAVES[:size]).hex() == root


@given(TREES)
def test_a_tree_that_grows_has_the_same_roots(leaves: list[bytes]) -> None:
    frontier = Frontier()
    for size, leaf in enumerate(leaves):
        assert (frontier.size, frontier.root()) == (size, root_of(leaves[:size]))
        frontier.add(leaf)


@given(TREES.filter(bool), st.data())
def test_every_leaf_can_be_proved_and_nothing_else(
    leaves: list[bytes], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof, root, size = inclusion_proof(leaves, index), root_of(leaves), len(leaves)
    assert is_included(leaves[index], index, size, proof, root)
    assert not is_included(leaf_hash(b"other"), index, size, proof, root)
    assert not is_included(leaves[index], index, size, (*proof, root), root)
    assert not is_included(leaves[index], size, size, proof, root)
    if proof:
        assert not is_included(leaves[index], index, size, proof[:-1], root)
        assert not is_included(leaves[index], (index + 1) % size, size, proof, root)


@given(TREES, st.data())
def test_a_ledger_that_only_grew_can_prove_it(leaves: list[bytes], data: st.DataObject) -> None:
    earlier = data.draw(st.integers(0, len(leaves)))
    proof, size = consistency_proof(leaves, earlier), len(leaves)
    old, new = root_of(leaves[:earlier]), root_of(leaves)
    assert is_consistent(earlier, old, size, new, proof)
    assert not is_consistent(earlier, leaf_hash(b"x"), size, new, proof)
    assert not is_consistent(earlier, old, size, new, (*proof, new))
    assert not is_consistent(size + 1, old, size, new, proof)
    assert not is_consistent(-1, old, size, new, proof)
    if 0 < earlier < size:
        assert not is_consistent(earlier, old, size, leaf_hash(b"x"), proof)
        assert not is_consistent(earlier, old, size, new, proof[:-1])
        changed = list(leaves)
        changed[data.draw(st.integers(0, earlier - 1))] = leaf_hash(b"changed")
        rewritten = consistency_proof(changed, earlier)
        assert not is_consistent(earlier, old, size, root_of(changed), rewritten)


def test_what_cannot_be_proved_is_refused() -> None:
    with pytest.raises(ValueError, match="no leaf 8 in a tree of 8"):
        inclusion_proof(LEAVES, 8)
    with pytest.raises(ValueError, match="never one of 9"):
        consistency_proof(LEAVES, 9)
    assert not is_included(LEAVES[0], 0, 2, (), root_of(LEAVES[:2]))
    assert not is_consistent(3, root_of(LEAVES[:3]), 8, root_of(LEAVES), ())


def test_every_growth_of_small_trees_and_the_length_of_its_proof() -> None:
    leaves = [leaf_hash(b"%d" % n) for n in range(18)]
    for size in range(19):
        root = root_of(leaves[:size])
        for earlier in range(size + 1):
            old = root_of(leaves[:earlier])
            proof = consistency_proof(leaves[:size], earlier)
            assert is_consistent(earlier, old, size, root, proof)
            for surplus in range(1, 6):
                longer = (*proof, *[root] * surplus)
                assert not is_consistent(earlier, old, size, root, longer)
            if proof:
                assert not is_consistent(earlier, old, size, root, proof[:-1])
