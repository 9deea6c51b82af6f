"""What every store promises, on every kind of store."""

import asyncio
from dataclasses import replace
from types import MappingProxyType

import pytest

from adjourn.core import merkle
from adjourn.core.appeals import Appeal, AppealState
from adjourn.core.decisions import Delivered
from adjourn.core.entries import Append
from adjourn.core.errors import StoreUnavailable
from adjourn.core.hazards import Hazard
from adjourn.core.ladder import CrisisStatus, PathState
from adjourn.core.pause import Pause
from adjourn.core.tree import NodeId
from adjourn.ports import PathFacts, Store

from .conftest import AnyStore
from .records import (
    ASSESSED,
    CLIMBED,
    UNSURE,
    end_record,
    ending,
    entry,
    node,
    node_id,
    path,
    turn,
)


async def put(store: AnyStore, *nodes: object) -> None:
    await store.append(Append(nodes, entry("put", at_ms=len(await store.entries(0, 1000)))))  # type: ignore[arg-type]


def test_is_a_store(store: AnyStore) -> None:
    as_the_gateway_sees_it: Store = store
    assert as_the_gateway_sees_it


async def test_an_empty_store_knows_nothing(store: AnyStore) -> None:
    assert await store.look_up(path("a", 20)) == PathFacts()
    assert await store.look_up([]) == PathFacts()
    assert await store.records(path("a", 3)) == {}
    assert await store.records([]) == {}
    assert await store.conversation(node_id("a")) == []
    assert await store.end_at(node_id("a/1")) is None
    assert await store.node(node_id("a/1")) is None
    assert await store.entries(0, 10) == []


async def test_what_is_appended_is_found(store: AnyStore) -> None:
    assert await store.append(turn("a")) is None
    user, reply = turn("a").nodes
    assert await store.look_up([user.node]) == PathFacts(user)
    assert await store.look_up([user.node, reply.node]) == PathFacts(reply)
    assert await store.look_up([user.node, reply.node, node_id("new")]) == PathFacts(reply)
    assert await store.records([user.node, reply.node, node_id("new")]) == {
        user.node: user,
        reply.node: reply,
    }
    assert await store.conversation(node_id("a")) == [
        (node_id("a"), 0),
        (user.node, 1),
        (reply.node, 2),
    ]
    assert await store.node(user.node) == user
    assert await store.entries(0, 10) == [(0, entry("a"))]


async def test_every_field_survives(store: AnyStore) -> None:
    state = PathState(
        CrisisStatus.PRESENT, 1, True, 2, 3, 4, True, frozenset({"abuse", "iwp"}), True, True,
        True, Pause(1_800_000_000_000, 1200, is_over=True),
    )  # fmt: skip
    proxied = replace(ASSESSED, hazards=MappingProxyType({Hazard.HTE: 0.1 + 0.2}))
    full = replace(node("a", state=state, assessment=proxied), audience="minor")
    end = end_record("a", closing="Goodbye — 再見 \x00")
    filled = replace(
        entry("a"),
        requested_by="policy",
        denied_model_requests=3,
        resources_given=True,
        acted=False,
    )
    await store.append(Append((full,), filled, end))
    assert await store.node(full.node) == full
    assert await store.end_at(full.node) == end
    assert await store.entries(0, 1) == [(0, filled)]


@pytest.mark.parametrize("recorded", [0, 1, 2, 3, 4, 40, 300, 1200])
async def test_the_deepest_recorded_node_of_a_long_path_is_found(
    store: AnyStore, recorded: int
) -> None:
    nodes = [node("a", depth) for depth in range(1, recorded + 1)]
    await put(store, *nodes)
    facts = await store.look_up(path("a", 1300))
    assert facts.deepest == (nodes[-1] if nodes else None)
    assert len(await store.records(path("a", 1300))) == recorded


@pytest.mark.parametrize("depth", [1, 3, 41, 1299])
async def test_an_end_anywhere_on_a_long_path_is_found(store: AnyStore, depth: int) -> None:
    await store.append(ending("a", depth))
    assert (await store.look_up(path("a", 1300))).end == end_record("a", depth)
    assert (await store.look_up(path("a", depth - 1))).end is None
    assert (await store.look_up(path("b", 1300))).end is None


async def test_the_shallowest_end_counts(store: AnyStore) -> None:
    for depth in (7, 3, 5):
        await store.append(ending("a", depth))
    assert (await store.look_up(path("a", 9))).end == end_record("a", 3)


async def test_a_text_that_is_no_node_id_is_not_known(store: AnyStore) -> None:
    await store.append(ending("a"))
    for wrong in ("", "x", node_id("a/1").upper(), node_id("a/1") + "00", "é" * 64):
        assert await store.node(NodeId(wrong)) is None
        assert await store.end_at(NodeId(wrong)) is None


async def test_the_same_append_again_changes_nothing(store: AnyStore) -> None:
    for append in (turn("a"), ending("b")):
        assert await store.append(append) == append.end
        before = await store.entries(0, 10)
        assert await store.append(append) == append.end
        assert await store.entries(0, 10) == before
    assert len(await store.entries(0, 10)) == 2


async def test_the_first_end_wins_and_the_loser_records_nothing(store: AnyStore) -> None:
    first, second = ending("a", closing="first"), ending("a", closing="second")
    second = replace(second, nodes=(*second.nodes, node("other")))
    assert await store.append(first) == first.end
    assert await store.append(second) == first.end
    assert await store.end_at(node_id("a/1")) == first.end
    assert await store.node(node_id("other/1")) is None
    assert [told for _, told in await store.entries(0, 10)] == [first.entry]


async def test_ends_at_different_nodes_are_independent(store: AnyStore) -> None:
    assert await store.append(ending("a")) == end_record("a")
    assert await store.append(ending("b")) == end_record("b")
    assert (await store.look_up(path("b", 2))).end == end_record("b")


async def test_exactly_one_of_many_concurrent_ends_wins(store: AnyStore) -> None:
    ends = [ending("a", closing=f"closing {number}") for number in range(50)]
    won = await asyncio.gather(*(store.append(end) for end in ends))
    assert len({end.closing for end in won if end}) == 1
    assert await store.end_at(node_id("a/1")) == won[0]
    (told,) = await store.entries(0, 100)
    assert won[0] is not None
    assert told[1].model == won[0].closing


async def test_a_state_is_kept_if_nothing_new_is_known(store: AnyStore) -> None:
    await put(store, node("a", assessment=ASSESSED, state=CLIMBED))
    for later in (
        node("a"),
        node("a", assessment=ASSESSED),
        node("a", assessment=replace(ASSESSED, abuse=0.0), state=UNSURE),
    ):
        await put(store, later)
        assert await store.node(node_id("a/1")) == node("a", assessment=ASSESSED, state=CLIMBED)


async def test_what_was_missing_is_filled_in_and_its_state_with_it(store: AnyStore) -> None:
    await put(store, node("a"), node("a", 2))
    await put(
        store,
        node("a", assessment=ASSESSED, state=CLIMBED),
        node("a", 2, delivered=Delivered.WARNING, state=CLIMBED),
    )
    assert await store.records(path("a", 2)) == {
        node_id("a/1"): node("a", assessment=ASSESSED, state=CLIMBED),
        node_id("a/2"): node("a", 2, delivered=Delivered.WARNING, state=CLIMBED),
    }


@pytest.mark.parametrize("change", [{"policy": "policy-2"}, {"audience": "minor"}])
async def test_a_state_for_another_policy_or_audience_is_replaced(
    store: AnyStore, change: dict[str, str]
) -> None:
    await put(store, node("a", assessment=ASSESSED), node("a", 2, delivered=Delivered.WARNING))
    await put(store, node("a", state=UNSURE, **change), node("a", 2, state=CLIMBED, **change))  # type: ignore[arg-type]
    assert await store.records(path("a", 2)) == {
        node_id("a/1"): node("a", assessment=ASSESSED, state=UNSURE, **change),  # type: ignore[arg-type]
        node_id("a/2"): node("a", 2, delivered=Delivered.WARNING, state=CLIMBED, **change),  # type: ignore[arg-type]
    }


async def test_a_state_made_without_a_known_assessment_does_not_stay(store: AnyStore) -> None:
    await put(store, node("a", assessment=ASSESSED))
    await put(store, node("a", policy="policy-2", state=UNSURE))  # does not know the assessment
    known = node("a", policy="policy-2", state=CLIMBED, assessment=ASSESSED)
    await put(store, known)
    assert await store.node(node_id("a/1")) == known


async def test_a_state_that_could_not_tell_of_crisis_does_not_stay(store: AnyStore) -> None:
    """Its own assessment was there, but that of a message above was missing."""
    await put(store, node("a", 3, assessment=ASSESSED, state=UNSURE))
    await put(store, node("a", 3, assessment=ASSESSED, state=CLIMBED))
    assert await store.node(node_id("a/3")) == node("a", 3, assessment=ASSESSED, state=CLIMBED)


async def test_entries_have_positions_without_gaps(store: AnyStore) -> None:
    turns = [turn("a", depth) for depth in range(1, 21, 2)]
    await asyncio.gather(*(store.append(one) for one in turns))
    told = await store.entries(0, 100)
    assert [position for position, _ in told] == list(range(10))
    assert sorted(one.node for _, one in told) == sorted(one.entry.node for one in turns)
    assert await store.entries(4, 3) == told[4:7]
    assert await store.entries(10, 3) == []
    assert await store.entries(0, 0) == []


async def test_reversal_reopens_a_node(store: AnyStore) -> None:
    await store.append(ending("a"))
    assert await store.reverse(node_id("a/1"), 5, entry("reversal"))
    assert (await store.look_up(path("a", 4))).end is None
    end = await store.end_at(node_id("a/1"))
    assert end is not None
    assert end.statement == replace(end_record("a").statement, state="reversed")
    assert len(await store.entries(0, 10)) == 2


async def test_two_reversals_have_one_effect_and_are_both_recorded(store: AnyStore) -> None:
    await store.append(ending("a"))
    for at_ms in (5, 6):
        assert await store.reverse(node_id("a/1"), at_ms, entry("reversal", at_ms=at_ms))
    assert len(await store.entries(0, 10)) == 3


async def test_nothing_is_recorded_of_the_reversal_of_no_end(store: AnyStore) -> None:
    assert not await store.reverse(node_id("a/1"), 5, entry("reversal"))
    assert await store.entries(0, 10) == []


async def test_a_reversal_stands(store: AnyStore) -> None:
    """The node that a person reopened is not ended once more by a repeated request."""
    await store.append(ending("a"))
    await store.reverse(node_id("a/1"), 5, entry("reversal"))
    before = await store.entries(0, 10)
    with pytest.raises(StoreUnavailable, match="reversed"):
        await store.append(ending("a", closing="again"))
    assert await store.entries(0, 10) == before
    assert (await store.look_up(path("a", 4))).end is None
    deeper = ending("a", 5)
    assert await store.append(deeper) == deeper.end


APPEAL = Appeal(node_id("a/1"), 7, b"sealed \x00 words")


async def test_an_appeal_is_recorded_step_by_step(store: AnyStore) -> None:
    await store.append(ending("a"))
    assert await store.put_appeal(APPEAL, entry("filed"), None) == APPEAL
    assert await store.appeal(APPEAL.node) == APPEAL
    reversal = replace(
        APPEAL, state=AppealState.REVERSED, decided_at_ms=9, reviewer="ré", reason="misread"
    )
    assert await store.put_appeal(reversal, entry("reversed"), AppealState.FILED) == reversal
    assert await store.appeal(APPEAL.node) == reversal
    assert (await store.look_up(path("a", 4))).end is None
    assert len(await store.entries(0, 10)) == 3


async def test_an_appeal_that_stands_otherwise_is_not_touched(store: AnyStore) -> None:
    await store.append(ending("a"))
    assert await store.put_appeal(APPEAL, entry("filed"), AppealState.FILED) is None
    await store.put_appeal(APPEAL, entry("filed"), None)
    other = replace(APPEAL, words=b"other", state=AppealState.UPHELD)
    assert await store.put_appeal(other, entry("again"), None) == APPEAL
    assert await store.put_appeal(other, entry("again"), AppealState.ACKNOWLEDGED) == APPEAL
    assert len(await store.entries(0, 10)) == 2


async def test_of_many_concurrent_decisions_one_is_recorded(store: AnyStore) -> None:
    await store.append(ending("a"))
    await store.put_appeal(APPEAL, entry("filed"), None)
    decisions = [
        replace(APPEAL, state=state, reviewer=f"reviewer {number}", decided_at_ms=9)
        for number in range(8)
        for state in (AppealState.UPHELD, AppealState.REVERSED)
    ]
    told = await asyncio.gather(
        *(
            store.put_appeal(one, entry(f"{one.reviewer} {one.state}"), AppealState.FILED)
            for one in decisions
        )
    )
    assert set(told) == {await store.appeal(APPEAL.node)}
    assert len(await store.entries(0, 100)) == 3


async def test_there_is_no_appeal_without_an_end(store: AnyStore) -> None:
    assert await store.put_appeal(APPEAL, entry("filed"), None) is None
    assert await store.appeal(APPEAL.node) is None
    assert await store.appeal(NodeId("no id")) is None
    assert await store.entries(0, 10) == []


async def test_appeals_are_listed_newest_first_and_forgotten_in_time(store: AnyStore) -> None:
    for number in range(1, 4):
        await store.append(ending(str(number)))
        one = Appeal(node_id(f"{number}/1"), number, b"words", decided_at_ms=10 * number)
        await store.put_appeal(one, entry(f"filed {number}"), None)
    assert [one.filed_at_ms for one in await store.appeals(2)] == [3, 2]
    assert await store.forget_appeals(30) == 2
    assert await store.forget_appeals(30) == 0
    assert [one.words for one in await store.appeals(9)] == [b"words", b"", b""]


async def test_evidence_is_kept_once_and_can_be_erased(store: AnyStore) -> None:
    for number in range(1, 4):
        await store.put_evidence(node_id(f"{number}"), number, b"sealed \x00")
    await store.put_evidence(node_id("1"), 9, b"other")
    assert await store.evidence(node_id("1")) == b"sealed \x00"
    assert await store.forget_evidence(2) == 1
    assert await store.evidence(node_id("1")) is None
    assert await store.erase_evidence(node_id("2"))
    assert not await store.erase_evidence(node_id("2"))
    assert await store.evidence(node_id("3")) is not None


async def test_rows_are_the_entries_as_they_are_stored(store: AnyStore) -> None:
    for depth in (1, 3):
        await store.append(turn("a", depth))
    rows = await store.rows(1, 5)
    assert [(row.position, row.entry) for row in rows] == await store.entries(1, 5)
    assert [row.leaf_hash for row in rows] == [merkle.leaf_hash(row.body.encode()) for row in rows]


async def test_what_cannot_be_written_is_refused_and_the_store_goes_on(store: AnyStore) -> None:
    for broken in (
        replace(entry("a"), model="\ud800"),
        replace(entry("a"), assessment=replace(ASSESSED, hazards={object(): 0.5})),  # type: ignore[dict-item]
    ):
        with pytest.raises(StoreUnavailable, match="cannot be recorded"):
            await store.append(Append((node("a"),), broken))
    assert await store.node(node_id("a/1")) is None
    await store.append(turn("a"))
    assert len(await store.entries(0, 10)) == 1


async def test_closing_twice_is_fine(store: AnyStore) -> None:
    await store.aclose()
    await store.aclose()
