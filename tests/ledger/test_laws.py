"""Entries that break a law are named with it; a lawful gateway's entries never are."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjourn.core.appeals import AppealReason, AppealState
from adjourn.core.assessments import Assessment
from adjourn.core.entries import Entry, EntryKind
from adjourn.core.messages import Message
from adjourn.core.policy import Mode, Policy
from adjourn.core.tree import NodeId, Origin
from adjourn.report.ledger_check import check_ledger
from adjourn.runtime.appeals import Appeals
from adjourn.store.memory import MemoryStore
from adjourn.testing import FakeClock
from tests.core.tabletop import POLICY, Chat, Table
from tests.report.test_figures import AT_MS, entry

from .test_ledger import rows_of

RULES = ("ground(abuse)", "ladder.redirections 2/2", "ladder.warned 1/1", "ladder.persisted 2/2")
ABUSIVE = Assessment("table", abuse=0.9)


def step(decision: str, number: int, **more: Any) -> Entry:
    made = entry("talk", decision, node=NodeId(f"{number:064x}"), at_ms=AT_MS + number)
    return replace(made, policy_digest=POLICY.digest, assessment=ABUSIVE, **more)


LAWFUL = [
    *(step("redirect", n) for n in (1, 2)),
    step("warn", 3),
    step("redirect", 4),
    step("end", 5, rules=RULES),
]


def findings(entries: list[Entry], *policies: Policy) -> list[str]:
    return [str(one) for one in check_ledger(rows_of(entries), policies=policies).findings]


def test_a_lawful_end_is_not_blamed() -> None:
    assert findings(LAWFUL, POLICY) == []


@pytest.mark.parametrize(
    ("more", "law"),
    [
        ({"rules": (*RULES, "crisis.on_path")}, "crisis_trumps_end"),
        ({"grounds": ()}, "empty_policy_never_ends"),
        ({"rules": ()}, "end_needs_prior_warning"),
        ({"conversation": "new"}, "no earlier entry of this conversation is a warning"),
        ({"rules": tuple(r.replace("2/2", "1/2") for r in RULES)}, "end_needs_redirections"),
        ({"rules": RULES[:3]}, "end_needs_persistence"),
        ({"rules": (*RULES[:3], "ladder.persisted 1/2")}, "end_needs_persistence"),
        ({"requested_by": "user"}, "user_end_needs_confirmation"),
        ({"requested_by": "somebody"}, "nobody asked for the end"),
        ({"node": LAWFUL[0].node, "kind": EntryKind.TURN}, ""),
    ],
)
def test_an_end_that_breaks_a_law_is_named(more: dict[str, Any], law: str) -> None:
    found = findings([*LAWFUL[:-1], replace(LAWFUL[-1], **more)])
    assert (not law and not found) or any(law in one and "entry 4" in one for one in found), found


def test_fewer_redirections_than_the_entry_claims_are_found() -> None:
    (found,) = findings([replace(LAWFUL[0], delivered=""), *LAWFUL[2:3], LAWFUL[-1]])
    assert "fewer among the earlier entries" in found


def test_a_message_that_was_redirected_twice_counts_once() -> None:
    again = replace(LAWFUL[0], at_ms=LAWFUL[1].at_ms)
    (found,) = findings([LAWFUL[0], again, *LAWFUL[2:3], LAWFUL[-1]])
    assert "fewer among the earlier entries" in found


def test_a_node_ends_once() -> None:
    (found,) = findings([*LAWFUL, replace(LAWFUL[-1], at_ms=AT_MS + 9)])
    assert found == "entry 5: ended_is_locked: entry 4 ended the same node"


@pytest.mark.parametrize(
    ("at", "more", "law"),
    [
        (4, {"assessment": None}, "unknown_is_never_a_permit"),
        (2, {"assessment": replace(ABUSIVE, crisis_self=0.5)}, "crisis_trumps_end"),
        (4, {"assessment": replace(ABUSIVE, abuse=0.5)}, "same_inputs_same_decision"),
        (4, {"grounds": ("abuse", "iwp")}, "does not reach iwp"),
        (4, {"audience": "everybody"}, "no audience"),
        (4, {"assessment": replace(ABUSIVE, abuse=0.5, insists=0.9)}, ""),
        (4, {"policy_digest": "another", "assessment": None}, ""),
    ],
)
def test_a_policy_at_hand_is_held_against_its_decisions(
    at: int, more: dict[str, Any], law: str
) -> None:
    entries = list(LAWFUL)
    entries[at] = replace(entries[at], **more)
    assert findings(entries) == []
    found = findings(entries, POLICY)
    assert (not law and not found) or any(law in one for one in found), found


@pytest.mark.parametrize("states", [("acknowledged",), ("filed", "upheld", "reversed"), ("odd",)])
def test_an_appeal_out_of_turn_is_found(states: tuple[str, ...]) -> None:
    end = LAWFUL[-1]
    steps = [
        replace(end, kind=EntryKind.APPEAL, decision=state, at_ms=AT_MS + 10 + n)
        for n, state in enumerate(states)
    ]
    assert "an appeal that goes from" in findings([*LAWFUL, *steps])[-1]
    assert "no earlier entry tells of" in findings(steps)[0]


WORDS = st.lists(
    st.sampled_from(
        ["idiot", "idiot", "just", "hello", "crisis", "unknown", "finish", "yes", "bomb"]
    ),
    max_size=14,
)


@settings(max_examples=60)
@given(
    st.lists(WORDS, min_size=1, max_size=3),
    st.sampled_from(["", "c1"]),
    st.integers(1, 8),
    st.booleans(),
)
def test_what_a_gateway_records_is_never_blamed(
    talks: list[list[str]], named: str, window: int, shadow: bool
) -> None:
    """Whatever is said, sent again or trimmed: the entries agree with every law."""
    policy = replace(POLICY, mode=Mode.SHADOW) if shadow else POLICY
    table = Table(policy)
    at_ms = AT_MS
    for number, words in enumerate(talks):
        origin = Origin("tenant", str(number), named and f"{named}-{number}")
        chat = Chat(table, request={"origin": origin})
        for word in words:
            at_ms += 1
            chat.request["at_ms"] = at_ms
            if chat.say(word) == "locked":
                break
            table.play(chat.messages[-2:-1], origin=origin, at_ms=at_ms)
            table.play(chat.messages[:-1][-window:], origin=origin, at_ms=at_ms)
    entries = [append.entry for append in table.entries]
    ends = dict.fromkeys(table.ends, False)
    verdict = check_ledger(rows_of(entries), ends=ends, policies=[policy])
    assert verdict.findings == ()


def test_a_message_sent_again_keeps_its_assessment_in_the_ledger() -> None:
    table = Table()
    chat = Chat(table)
    chat.say("idiot")
    table.play(chat.messages[:-1])
    first, again = (append.entry for append in table.entries)
    assert again.assessment == first.assessment is not None


def test_a_trimmed_conversation_with_a_name_is_one_conversation() -> None:
    table = Table()
    chat = Chat(table, request={"origin": Origin("tenant", "someone", "c1")})
    for _ in range(4):
        chat.say("idiot")
    for keep in (5, 3, 1):
        table.play([*chat.messages[-keep:], Message.of("user", f"hello {keep}")], **chat.request)
    assert len({append.entry.conversation for append in table.entries}) == 1


def test_a_refused_message_is_recorded_and_nothing_else_is() -> None:
    table = Table()
    chat = Chat(table)
    for _ in range(5):
        chat.say("idiot")
    nodes = dict(table.nodes)
    assert chat.say("hello") == "locked"
    last = table.entries[-1]
    assert (last.entry.kind, last.entry.assessment, last.nodes) == (EntryKind.LOCKED, None, ())
    assert table.nodes == nodes
    table.play(chat.messages[:-2])
    assert table.entries[-1] is last, "the same request again gets the same reply"


def test_an_appeal_that_is_heard_is_not_blamed() -> None:
    """Its steps, and what they do to the lock, are what the check expects."""

    async def decided(outcome: AppealState) -> list[str]:
        store, clock = MemoryStore(), FakeClock()
        desk = Appeals(store, clock, b"k" * 32)
        table = Table()
        chat = Chat(table, request={"at_ms": clock.wall_ms})
        for _ in range(5):
            chat.say("idiot")
        for append in table.entries:
            await store.append(append)
        (node,) = table.ends
        await desk.file(node, "")
        await desk.acknowledge(node, "r")
        await desk.decide(node, "r", outcome, AppealReason.OTHER, "")
        end = await store.end_at(node)
        assert end
        ends = {node: end.statement.state == "reversed"}
        rows = await store.rows(0, 100)
        wrong = check_ledger(rows, ends={node: not ends[node]}).findings
        assert len(wrong) == 1
        return [str(one) for one in check_ledger(rows, ends=ends).findings]

    for outcome in (AppealState.UPHELD, AppealState.REVERSED):
        assert asyncio.run(decided(outcome)) == []
